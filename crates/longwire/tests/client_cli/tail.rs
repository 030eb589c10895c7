//! `longwire tail`.

use crate::common::bytes::*;
use crate::common::server::Server;
use crate::peer::Peer;
use crate::process::{Running, longwire, run};
use serde_json::{Value, json};

#[test]
fn json_lines_hold_what_was_said() {
    let server = Server::start(1);
    let mut tail =
        Running::start(longwire(server.address(), &["tail", "--room", "lobby", "--json", "--count", "3"]));
    tail.tells("joined lobby");
    let mut ada = server.member("ada", "lobby");
    ada.say("lobby", "hello\n\u{1b}[2J 世界");
    ada.say("lobby", [0xff, 0x00]);
    ada.ask(CMS, [cms_body("lobby", "a rose"), number(6, 2)].concat());
    let lines: Vec<Value> = (0..3).map(|_| serde_json::from_str(&tail.line()).unwrap()).collect();
    for (line, (kind, key, content)) in lines.iter().zip([
        ("normal", "content", "hello\n\u{1b}[2J 世界"),
        ("normal", "content_base64", "/wA="),
        ("gift", "content", "a rose"),
    ]) {
        let mut expected = json!({"room": "lobby", "from": "ada", "type": kind, key: content});
        expected["timestamp_ms"] = line["timestamp_ms"].clone();
        assert_eq!(*line, expected);
        assert!(line["timestamp_ms"].as_u64().unwrap() > 1_600_000_000_000);
    }
    assert_eq!(tail.end(), (0, vec![]));
    server.stop();
}

#[test]
fn people_see_the_room_the_name_and_nothing_that_harms() {
    let server = Server::start(1);
    let mut tail = Running::start(longwire(server.address(), &["tail", "--room", "lobby", "--room", "den"]));
    tail.tells("joined lobby");
    tail.tells("joined den");
    let mut ada = server.member("ada", "den");
    ada.ask(CMS, [cms_body("den", "hi \u{1b}[2J\u{202e}"), bytes(5, bytes(3, "小明"))].concat());
    assert_eq!(tail.line(), r"[den] 小明 (ada): hi \u{1b}[2J\u{202e}");
    tail.signal("TERM");
    assert_eq!(tail.end().0, 143);
    server.stop();
}

#[test]
fn it_ends_after_its_time_or_by_a_signal() {
    let server = Server::start(1);
    let timed = run(longwire(server.address(), &["tail", "--room", "lobby", "--for", "50ms"]), b"");
    assert_eq!((timed.0, timed.1.as_str()), (0, ""));
    let mut tail = Running::start(longwire(server.address(), &["tail", "--room", "lobby"]));
    tail.tells("joined lobby");
    tail.signal("INT");
    assert_eq!(tail.end().0, 130);
    server.stop();
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let server = Server::start(1);
    let (mut tail, stdout) = Running::start_unread(longwire(server.address(), &["tail", "--room", "lobby"]));
    tail.tells("joined lobby");
    drop(stdout);
    server.member("ada", "lobby").say("lobby", "hello");
    assert_eq!(tail.end(), (0, vec![]));
    server.stop();
}

#[test]
fn a_slow_reader_costs_no_memory() {
    let server = Server::start(1);
    let (mut tail, stdout) = Running::start_unread(longwire(server.address(), &["tail", "--room", "lobby"]));
    tail.tells("joined lobby");
    let mut ada = server.member("ada", "lobby");
    for _ in 0..2000 {
        ada.say("lobby", "x".repeat(10_000));
    }
    ada.ping();
    let status = std::fs::read_to_string(format!("/proc/{}/status", tail.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 40 * 1024, "20 MB were said to somebody who does not read; it holds {kib} KiB");
    drop(stdout);
    ada.say("lobby", "the end");
    tail.end();
    server.stop();
}

#[test]
fn it_joins_again_after_a_lost_connection() {
    let peer = Peer::new();
    let mut tail = Running::start(longwire(peer.address(), &["tail", "--room", "lobby"]));
    drop(peer.next_member());
    let mut again = peer.next_member();
    tail.tells("trying again");
    tail.tells("connected again");
    let push = Frame { command: CMS, flow: NOTIFY, body: push("lobby", "back"), ..Frame::default() };
    again.send_frame(&push);
    assert_eq!(tail.line(), "[lobby] ada: back");
    tail.signal("TERM");
    tail.end();
}

#[test]
fn who_cannot_be_reached_or_refuses_has_a_number() {
    let peer = Peer::new();
    let address = peer.address();
    drop(peer);
    let (status, _, stderr) = run(longwire(address, &["tail", "--room", "lobby"]), b"");
    assert_eq!(status, 4);
    assert!(stderr.contains(&address.to_string()), "{stderr}");

    let server = Server::of(1).set("login.guests", "false").start();
    let (status, _, stderr) = run(longwire(server.address(), &["tail", "--room", "lobby"]), b"");
    assert_eq!(status, 5);
    assert!(stderr.contains("FORBIDDEN"), "{stderr}");
    server.stop();
}

fn push(room: &str, text: &str) -> Vec<u8> {
    let record = [bytes(1, text), bytes(2, "ada"), bytes(3, room), number(4, 1)].concat();
    [bytes(1, record), bytes(2, room)].concat()
}
