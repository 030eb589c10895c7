//! A stream has no frames of its own: any cut of it, any pile of it, and a reader that comes late (section 15).

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::Raw;
use crate::common::server::Server;
use std::collections::BTreeMap;
use std::io::Write;

on_one_and_four_shards!(
    byte_by_byte_is_the_same_as_at_once,
    cut_anywhere_is_the_same_as_at_once,
    ten_thousand_pings_in_one_go_are_all_answered_in_order,
    a_client_that_reads_late_is_read_late,
    four_thousand_messages_reach_one_who_reads_only_afterwards,
    frames_take_effect_in_the_order_sent,
);

/// LOGIN, JOIN_CR, CMS, PING: what each should lead to is checked by `assert_conversation`.
fn conversation(raw: &mut Raw, user: &str) -> (Vec<u8>, Vec<Frame>) {
    let frames = [
        (LOGIN, login_body("sesame", user)),
        (JOIN_CR, join_body("lobby")),
        (CMS, cms_body("lobby", user)),
        (CMS, cms_body("elsewhere", "refused")),
        (PING, Vec::new()),
    ];
    let frames: Vec<Frame> = frames.into_iter().map(|(command, body)| raw.request(command, body)).collect();
    (frames.iter().flat_map(|frame| frame.to_bytes(raw.reading)).collect(), frames)
}

fn assert_conversation(raw: &mut Raw, frames: &[Frame], witness: &mut Raw, user: &str) {
    for (at, command, status) in [(0, LOGIN, OK), (1, JOIN_CR, OK), (3, CMS, NOT_JOINED), (4, PONG, OK)] {
        assert_eq!(raw.answer(command, frames[at].seq), status, "{user}");
    }
    assert_eq!(witness.next_record().text(), user);
}

fn byte_by_byte_is_the_same_as_at_once(shards: u32) {
    //= PROTOCOL.md#1.1
    // Frames are sent on a stream: where it is cut does not matter.
    //= PROTOCOL.md#3.6
    // A candidate that is not complete means body; 3.7 and 3.12 the same, while the bytes still come.
    //= PROTOCOL.md#3.7
    // One that holds exactly one of token and userId means body.
    //= PROTOCOL.md#3.12
    // Then the server waits for all of it.
    let server = Server::start(shards);
    let mut witness = server.member("", "lobby");
    for reading in READINGS {
        for user in ["alice", "bob with a longer name"] {
            let mut raw = server.connect().with(reading, 0, false);
            let (bytes, frames) = conversation(&mut raw, user);
            for byte in bytes {
                raw.send(&[byte]);
            }
            assert_conversation(&mut raw, &frames, &mut witness, user);
        }
    }
    server.stop();
}

fn cut_anywhere_is_the_same_as_at_once(shards: u32) {
    //= PROTOCOL.md#1.1
    // Each cut of a whole conversation, its second part sent once the first has been read.
    let server = Server::start(shards);
    let mut witness = server.member("", "lobby");
    for reading in READINGS {
        let len = conversation(&mut server.connect().with(reading, 0, false), "alice").0.len();
        for cut in 1..len {
            let mut raw = server.connect().with(reading, 0, false);
            let (bytes, frames) = conversation(&mut raw, "alice");
            raw.send(&bytes[..cut]);
            // Another connection's PONG: one turn or more has passed. On one shard that is the same reactor.
            witness.ping();
            raw.send(&bytes[cut..]);
            assert_conversation(&mut raw, &frames, &mut witness, "alice");
        }
    }
    server.stop();
}

fn ten_thousand_pings_in_one_go_are_all_answered_in_order(shards: u32) {
    //= PROTOCOL.md#4.5
    // PONG, flow 1, the PING's seq, status 0, no body.
    //= PROTOCOL.md#15.6
    // Answered in the order they were sent.
    //= PROTOCOL.md#2.6
    // seq is never checked: repeats, gaps, wrapping around.
    let server = Server::start(shards);
    let mut raw = server.guest();
    let seq = |n: u32| n.wrapping_mul(0x9e37_79b9);
    let pings: Vec<u8> =
        (0..10_000).flat_map(|n| Frame::request(PING, seq(n), Vec::new()).to_bytes(Reading::Body)).collect();
    let mut writer = raw.writer();
    let writing = std::thread::spawn(move || writer.write_all(&pings));
    for n in 0..10_000 {
        assert_eq!(raw.answer(PONG, seq(n)), OK);
    }
    writing.join().expect("no panic").expect("all was taken");
    for seq in [7, 7, 0, u32::MAX, 0] {
        raw.send_frame(&Frame::request(PING, seq, Vec::new()));
        assert_eq!(raw.answer(PONG, seq), OK);
    }
    server.stop();
}

fn a_client_that_reads_late_is_read_late(shards: u32) {
    //= PROTOCOL.md#15.8
    // Once 4 KiB of answers are owed, the client is not read until it reads; nothing is lost by it.
    //= PROTOCOL.md#15.15
    // Nobody else is delayed.
    let server = Server::start(shards);
    let mut bystander = server.guest();
    let mut raw = server.guest();
    let count = 200_000;
    let resident = server.resident_kib();
    let pings: Vec<u8> =
        (0..count).flat_map(|n| Frame::request(PING, n, Vec::new()).to_bytes(Reading::Body)).collect();
    let mut writer = raw.writer();
    let writing = std::thread::spawn(move || writer.write_all(&pings));
    for _ in 0..100 {
        bystander.ping();
    }
    assert!(server.resident_kib() < resident + 4 * 1024, "answers are not piled up");
    for n in 0..count {
        assert_eq!(raw.answer(PONG, n), OK);
    }
    writing.join().expect("no panic").expect("all was taken");
    server.stop();
}

fn four_thousand_messages_reach_one_who_reads_only_afterwards(shards: u32) {
    //= PROTOCOL.md#15.10
    // Each sender's records in its order.
    //= PROTOCOL.md#15.14
    // All of them: 4,000 stand within the ring of the room.
    let server = Server::start(shards);
    let mut reader = server.member("", "lobby");
    let mut senders: Vec<Raw> = (0..4).map(|n| server.member(&format!("sender {n}"), "lobby")).collect();
    for n in 0..1_000 {
        for sender in &mut senders {
            sender.say("lobby", format!("{n:04} {}", "x".repeat(100)));
        }
    }
    // The senders are members too, and read nothing either until here.
    for sender in &mut senders {
        sender.ping();
    }
    let mut by_sender: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for _ in 0..4_000 {
        let record = reader.next_record();
        by_sender.entry(record.from.clone()).or_default().push(record.text()[..4].parse().expect("a number"));
    }
    let all: Vec<usize> = (0..1_000).collect();
    assert_eq!(by_sender.len(), 4);
    assert!(by_sender.values().all(|seen| *seen == all), "{by_sender:?}");
    let books = server.stop();
    assert_eq!(books.normal.owed, 4_000 * 4);
    assert_eq!(books.normal.dropped_as("overtaken"), 0);
}

fn frames_take_effect_in_the_order_sent(shards: u32) {
    //= PROTOCOL.md#15.6
    // Frames of a connection take effect in the order they were sent: JOIN_CR, CMS and LOGIN, all in one piece.
    //= PROTOCOL.md#15.7
    // What stands behind a LOGIN or a JOIN_CR waits for it.
    let server = Server::start(shards);
    let mut witness = server.member("", "room 0");
    for _ in 0..20 {
        let mut raw = server.connect();
        let mut steps =
            vec![(LOGIN, Vec::new()), (CMS, cms_body("x", "as a guest")), (LOGIN, login_body("t", "alice"))];
        for n in 0..20 {
            let room = format!("room {n}");
            let (early, late) = (cms_body(&room, "too early"), cms_body(&room, "in time"));
            steps.extend([(CMS, early), (JOIN_CR, join_body(&room)), (CMS, late)]);
        }
        steps.push((PING, Vec::new()));
        let frames: Vec<Frame> =
            steps.into_iter().map(|(command, body)| raw.request(command, body)).collect();
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.to_bytes(Reading::Body)).collect();
        raw.send(&bytes);
        assert_eq!(raw.answer(LOGIN, frames[0].seq), OK);
        assert_eq!(raw.answer(CMS, frames[1].seq), FORBIDDEN);
        assert_eq!(raw.answer(LOGIN, frames[2].seq), OK);
        for step in frames[3..frames.len() - 1].chunks(3) {
            assert_eq!(raw.answer(CMS, step[0].seq), NOT_JOINED);
            assert_eq!(raw.answer(JOIN_CR, step[1].seq), OK);
        }
        assert_eq!(raw.answer(PONG, frames[frames.len() - 1].seq), OK);
        assert_eq!(witness.next_record().text(), "in time");
    }
    server.stop();
}
