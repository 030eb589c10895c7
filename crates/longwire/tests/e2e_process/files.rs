//! File descriptors run out, and connections come and go: no spin, no leak, one clear line.

use crate::common::WAIT_MAX;
use crate::common::on_one_and_four_shards;
use crate::common::raw::Raw;
use crate::common::server::Server;
use std::time::{Duration, Instant};

on_one_and_four_shards!(
    beyond_the_open_file_limit_clients_are_turned_away_in_one_line,
    running_out_of_descriptors_is_one_line_no_spin_and_passes,
    connections_that_come_and_go_leave_nothing_behind,
);

/// Clients that come while nobody can be let in.
const CROWD: usize = 200;
/// The log may say it once a second and shard; two looks at it take some seconds on a busy machine.
const LINES_MAX: usize = 40;

fn beyond_the_open_file_limit_clients_are_turned_away_in_one_line(shards: u32) {
    let mut server = Server::of(shards).open_files_max(96).start();
    let mut before = server.guest();
    let mut crowd: Vec<Raw> = (0..CROWD).map(|_| server.connect()).collect();
    server.line_with("connections_max is reached");
    // Half of them at least were closed; nobody is left waiting for a place.
    let turned_away = crowd.iter_mut().filter_map(|raw| (!raw.is_served_as_guest()).then_some(())).count();
    assert!(turned_away >= CROWD / 2, "{turned_away} of {CROWD}");
    before.ping();
    drop(crowd);
    assert_serves_again(&server);
    before.ping();
    assert_few_lines(server, "connections_max is reached");
}

fn running_out_of_descriptors_is_one_line_no_spin_and_passes(shards: u32) {
    let mut server = Server::start(shards);
    let mut before = server.guest();
    server.limit_open_files(server.open_files() + 4);
    let crowd: Vec<Raw> = (0..CROWD).map(|_| server.connect()).collect();
    server.line_with("file descriptors");
    assert_idle(&server, &mut before);
    server.limit_open_files(20_000);
    assert_serves_again(&server);
    drop(crowd);
    before.ping();
    assert_few_lines(server, "file descriptors");
}

/// Time is the subject: a server that retries at once would burn all of it, 100 ticks a second and thread.
fn assert_idle(server: &Server, witness: &mut Raw) {
    let (ticks, began) = (server.cpu_ticks(), Instant::now());
    while began.elapsed() < Duration::from_secs(2) {
        witness.ping();
        std::thread::sleep(Duration::from_millis(50));
    }
    let spent = server.cpu_ticks() - ticks;
    assert!(spent < 60, "{spent} of 200 ticks spent on waiting for descriptors");
}

/// Whoever comes now is served: if not the first, then a later one.
fn assert_serves_again(server: &Server) {
    let deadline = Instant::now() + WAIT_MAX;
    while !server.connect().is_served_as_guest() {
        assert!(Instant::now() < deadline, "nobody is served any more");
    }
}

fn assert_few_lines(mut server: Server, text: &str) {
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    let told = server.log().iter().filter(|line| line.contains(text)).count();
    assert!(told <= LINES_MAX, "told {told} times:\n{}", server.log().join("\n"));
}

fn connections_that_come_and_go_leave_nothing_behind(shards: u32) {
    //= PROTOCOL.md#10.9
    // The end of the connection leaves all rooms: nothing of it stays.
    let server = Server::of(shards).set("wire.timeouts.idle", "10m").start(); // the witness says nothing for long
    let mut witness = server.member("", "lobby");
    let churn = |rounds: usize| {
        for n in 0..rounds {
            let mut raw = server.member("alice", &format!("room {n}"));
            raw.join("lobby");
            match n % 3 {
                0 => raw.say("lobby", "cut off with unread input"),
                1 => raw.send(&[0, 0, 0]),
                _ => raw.shut_down_sending(),
            }
        }
    };
    let settled = |witness: &mut Raw, files: usize| {
        let deadline = Instant::now() + WAIT_MAX;
        while server.open_files() > files {
            witness.ping();
            assert!(Instant::now() < deadline, "{} files are open, {files} were", server.open_files());
        }
    };
    let files = server.open_files();
    churn(500);
    settled(&mut witness, files);
    let resident = server.resident_kib();
    churn(3_000);
    settled(&mut witness, files);
    let grown = server.resident_kib().saturating_sub(resident);
    assert!(grown < 6 * 1024, "{grown} KiB more after 3,000 connections");
    server.stop();
}
