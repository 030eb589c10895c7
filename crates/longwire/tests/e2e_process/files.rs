//! File descriptors run out, and connections come and go: no spin, no leak, one clear line.

use crate::common::WAIT_MAX;
use crate::common::on_one_and_four_shards;
use crate::common::raw::Raw;
use crate::common::server::Server;
use std::time::{Duration, Instant};

on_one_and_four_shards!(
    running_out_of_descriptors_is_one_line_no_spin_and_passes,
    connections_that_come_and_go_leave_nothing_behind,
);

const OPEN_FILES_MAX: u32 = 96;

fn running_out_of_descriptors_is_one_line_no_spin_and_passes(shards: u32) {
    let mut server = Server::of(shards).open_files_max(OPEN_FILES_MAX).start();
    let mut before = server.guest();
    // The kernel's own queue takes them, whether or not the server can.
    let crowd: Vec<Raw> = (0..2 * OPEN_FILES_MAX).map(|_| server.connect()).collect();
    let line = server.line_with("open files");
    assert!(!line.contains("panicked"), "{line}");
    let ticks = server.cpu_ticks();
    // Time is the subject: a server that retries at once would burn all of it (100 ticks a second and thread).
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        before.ping();
        std::thread::sleep(Duration::from_millis(50));
    }
    let spent = server.cpu_ticks() - ticks;
    assert!(spent < 60, "{spent} of 200 ticks spent on waiting for descriptors");
    drop(crowd);
    // Descriptors are free again: whoever comes now is served, if not the first then a later one.
    let deadline = Instant::now() + WAIT_MAX;
    while !server.connect().is_served_as_guest() {
        assert!(Instant::now() < deadline, "nobody is served any more");
    }
    before.ping();
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    let told = server.log().iter().filter(|line| line.contains("open files")).count();
    assert!(told <= 2 * shards as usize + 4, "told {told} times:\n{}", server.log().join("\n"));
}

fn connections_that_come_and_go_leave_nothing_behind(shards: u32) {
    //= PROTOCOL.md#10.9
    // The end of the connection leaves all rooms: nothing of it stays.
    let server = Server::start(shards);
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
