//! A table of descriptors for each shard: more connections than the open-file limit, and every one where it belongs.

use crate::common::WAIT_MAX;
use crate::common::raw::Raw;
use crate::common::server::Server;
use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

/// Four shards' tables hold 85 connections each beside what the server itself needs, one common table 76 in all.
const LIMIT: u32 = 128;
const SHARDS: u32 = 4;
/// Spread by the kernel's hash: 50 a shard, never 85.
const CROWD: usize = 200;

/// Descriptors of a thread, by what they are: `socket`, `anon_inode:[eventpoll]`, `/dev/null`.
fn table(server: &Server, thread: &str) -> BTreeMap<String, usize> {
    let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).expect("the server is alive");
    let paths = tasks.map(|task| task.expect("a directory entry").path());
    let is_it = |path: &std::path::PathBuf| {
        fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == thread)
    };
    let path = paths.into_iter().find(is_it).unwrap_or_else(|| panic!("no thread {thread}"));
    let mut kinds = BTreeMap::new();
    for file in fs::read_dir(path.join("fd")).expect("the thread is alive") {
        // one that is closed at this moment is none
        if let Ok(target) = fs::read_link(file.expect("a directory entry").path()) {
            let target = target.to_string_lossy().into_owned();
            let kind = if target.starts_with("socket:") { "socket".to_owned() } else { target };
            *kinds.entry(kind).or_default() += 1;
        }
    }
    kinds
}

fn sockets(server: &Server) -> Vec<usize> {
    let shards = (0..SHARDS).map(|shard| table(server, &format!("shard-{shard}")));
    shards.map(|table| table.get("socket").copied().unwrap_or(0)).collect()
}

#[test]
fn a_table_a_shard_holds_more_than_the_open_file_limit() {
    let plan = Server::of(SHARDS).open_files_max(LIMIT).set("server.connections_max", "300");
    let server = plan.start();
    let ready = server.log().last().cloned().unwrap_or_default();
    assert!(ready.contains("\"private_fd_tables\":true") && ready.contains("300"), "{ready}");
    assert_eq!(sockets(&server), [1; SHARDS as usize], "its listener, and nobody else's");
    let before: Vec<_> = (0..SHARDS).map(|shard| table(&server, &format!("shard-{shard}"))).collect();

    let mut crowd: Vec<Raw> = (0..CROWD).map(|_| server.member("", "everywhere")).collect();
    let held = sockets(&server);
    assert_eq!(held.iter().sum::<usize>(), CROWD + SHARDS as usize, "{held:?}");
    assert!(held.iter().all(|held| *held < LIMIT as usize) && CROWD > LIMIT as usize, "{held:?}");
    // shards hear of each other although no two share a table
    let mut speaker = server.user("alice");
    speaker.join("everywhere");
    speaker.say("everywhere", "to all tables");
    for member in &mut crowd {
        assert_eq!(member.next_texts(1), ["to all tables"]);
    }

    drop((crowd, speaker));
    let deadline = Instant::now() + WAIT_MAX;
    let mut witness = server.guest();
    while sockets(&server).iter().sum::<usize>() > 1 + SHARDS as usize {
        witness.ping();
        assert!(Instant::now() < deadline, "sockets are left: {:?}", sockets(&server));
    }
    drop(witness);
    while (0..SHARDS).any(|shard| table(&server, &format!("shard-{shard}")) != before[shard as usize]) {
        assert!(Instant::now() < deadline, "descriptors are left");
    }
    server.stop();
}

#[test]
fn a_shard_whose_table_is_full_turns_callers_away_and_goes_on() {
    let plan = Server::of(1).open_files_max(96).set("server.private_fd_tables", "on");
    let mut server = plan.start();
    let mut before = server.guest();
    let mut crowd: Vec<Raw> = (0..150).map(|_| server.connect()).collect();
    server.line_with("connections_max is reached");
    let served = crowd.iter_mut().filter_map(|raw| raw.is_served_as_guest().then_some(())).count();
    assert!((30..96).contains(&served), "{served}");
    before.ping();
    drop(crowd);
    before.ping();
    server.stop();
}
