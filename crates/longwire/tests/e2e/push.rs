//! What members receive: everybody but the sender, in one order, in their own dialect (sections 6, 12 and 15).

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::Raw;
use crate::common::server::Server;
use std::collections::BTreeMap;

on_one_and_four_shards!(
    everybody_but_the_sender_hears_it,
    all_members_see_one_order_and_senders_keep_theirs,
    every_dialect_gets_the_same_records,
    gzip_goes_only_to_those_who_showed_it,
    one_long_record_goes_alone,
    senders_of_a_hot_room_get_all_but_their_own,
);

/// So many connections that four shards have some each: that one of four has none is 4 × (3/4)^32, one in 2,500 at most.
const MEMBERS: usize = 32;

fn everybody_but_the_sender_hears_it(shards: u32) {
    //= PROTOCOL.md#12.4
    // Every member, guests too, except the connection that sent it.
    //= PROTOCOL.md#12.1
    // Flow 2, seq 0, status 0, command CMS: `Raw` checks it of every push.
    //= PROTOCOL.md#15.14
    // A member that stays connected and reads receives everything it is owed.
    let server = Server::start(shards);
    let name = |n: usize| if n.is_multiple_of(2) { format!("user {n}") } else { String::new() };
    let mut members: Vec<Raw> = (0..MEMBERS).map(|n| server.member(&name(n), "lobby")).collect();
    for sender in (0..MEMBERS).step_by(2) {
        members[sender].say("lobby", name(sender));
        for (n, member) in members.iter_mut().enumerate().filter(|(n, _)| *n != sender) {
            assert_eq!(member.next_record().text(), name(sender), "member {n}");
        }
    }
    // Each was left out of its own alone: with the room's order kept, an echo would have come before now.
    let mut last = server.member("last", "lobby");
    last.say("lobby", "mark");
    for member in &mut members {
        assert_eq!(member.next_record().text(), "mark");
    }
    let books = server.stop();
    assert_eq!(books.normal.owed, (MEMBERS / 2 * (MEMBERS - 1) + MEMBERS) as u64);
    assert_eq!(books.normal.delivered, books.normal.owed);
}

fn all_members_see_one_order_and_senders_keep_theirs(shards: u32) {
    //= PROTOCOL.md#15.9
    // All members of a room see its records in the same order.
    //= PROTOCOL.md#15.10
    // Records of one connection come in the order it sent them.
    //= PROTOCOL.md#15.5
    // No record comes twice.
    let server = Server::start(shards);
    let mut readers: Vec<Raw> = (0..MEMBERS).map(|_| server.member("", "lobby")).collect();
    let mut senders: Vec<Raw> = (0..8).map(|n| server.member(&format!("sender {n}"), "lobby")).collect();
    let per_sender = 50;
    for n in 0..per_sender {
        for sender in &mut senders {
            sender.say("lobby", n.to_string());
        }
    }
    let total = per_sender * senders.len();
    let seen = |reader: &mut Raw| -> Vec<(String, String)> {
        (0..total).map(|_| reader.next_record()).map(|r| (r.from.clone(), r.text().to_owned())).collect()
    };
    let order = seen(&mut readers[0]);
    for reader in &mut readers[1..] {
        assert_eq!(seen(reader), order);
    }
    let mut by_sender: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (from, n) in &order {
        by_sender.entry(from).or_default().push(n.parse().expect("a number was sent"));
    }
    let all: Vec<usize> = (0..per_sender).collect();
    assert!(by_sender.len() == senders.len() && by_sender.values().all(|seen| *seen == all), "{by_sender:?}");
    server.stop();
}

fn every_dialect_gets_the_same_records(shards: u32) {
    //= PROTOCOL.md#1.5
    // The server answers in the dialect of the first LOGIN.
    //= PROTOCOL.md#12.9
    // The bytes of a record are the same for every member.
    let server = Server::start(shards);
    let mut readers = Vec::new();
    for reading in READINGS {
        for version in [0, 1, 7, 15] {
            for gzip in [false, true] {
                let mut raw = server.connect().with(reading, version, gzip);
                raw.log_in_as_guest();
                raw.join("lobby");
                readers.push(raw);
            }
        }
    }
    let mut speaker = server.member("speaker", "lobby");
    for len in [0, 3, 500, 5_000, 60_000] {
        speaker.say("lobby", "长".repeat(len / 3));
        let first = readers[0].next_record();
        for reader in &mut readers[1..] {
            assert_eq!(reader.next_record(), first);
        }
    }
    server.stop();
}

fn gzip_goes_only_to_those_who_showed_it(shards: u32) {
    //= PROTOCOL.md#6.7
    // Only a client whose first LOGIN had compression 1, also one without a body, is sent gzip: `Raw` checks every push.
    //= PROTOCOL.md#6.8
    // Only bodies of at least 512 bytes, only where smaller.
    let server = Server::start(shards);
    let mut speaker = server.member("speaker", "lobby");
    let member = |gzip: bool| {
        let mut raw = server.connect().with(Reading::Body, 0, gzip);
        raw.log_in_as_guest();
        raw.join("lobby");
        raw
    };
    let (mut plain, mut gzipped) = (member(false), member(true));
    for (content, may_be_gzip) in [("short".to_owned(), false), ("a long one ".repeat(200), true)] {
        speaker.say("lobby", &content);
        assert_eq!(plain.next_record().text(), content);
        assert_eq!(gzipped.next_record().text(), content);
        // What may be compressed is, for a member that keeps up: that is what it asked for.
        assert_eq!(gzipped.gzip_pushes > 0, may_be_gzip);
        assert_eq!(plain.gzip_pushes, 0);
    }
    server.stop();
}

fn one_long_record_goes_alone(shards: u32) {
    //= PROTOCOL.md#12.10
    // A push body is at most 64 KiB unless it carries one record alone, then at most 66: `Raw` checks every push.
    //= PROTOCOL.md#14.10
    // A client reads bodies of up to 66 KiB.
    let server = Server::start(shards);
    let mut reader = server.member("", &"r".repeat(128));
    let mut speaker = server.member(&"u".repeat(128), &"r".repeat(128));
    let head = cms_body(&"r".repeat(128), vec![0; 60_000]).len() - 60_000;
    let user = bytes(5, bytes(3, "n".repeat(1000)));
    let content = vec![b'x'; 65_536 - head - user.len()];
    for _ in 0..5 {
        let body = [cms_body(&"r".repeat(128), &content), user.clone()].concat();
        assert_eq!(body.len(), 65_536);
        speaker.ask(CMS, body);
        speaker.say(&"r".repeat(128), "small");
    }
    for _ in 0..5 {
        assert_eq!(reader.next_record().content, content);
        assert_eq!(reader.next_record().text(), "small");
    }
    server.stop();
}

fn senders_of_a_hot_room_get_all_but_their_own(shards: u32) {
    //= PROTOCOL.md#12.4
    // Also in a batch that many connections wrote, each gets the others' records and never its own.
    let server = Server::start(shards);
    let mut chatters: Vec<Raw> = (0..16).map(|n| server.member(&n.to_string(), "hot")).collect();
    let rounds = 40;
    for _ in 0..rounds {
        for (n, chatter) in chatters.iter_mut().enumerate() {
            chatter.say("hot", n.to_string());
        }
    }
    for (n, chatter) in chatters.iter_mut().enumerate() {
        let mut heard: BTreeMap<String, usize> = BTreeMap::new();
        for text in chatter.next_texts(rounds * 15) {
            *heard.entry(text).or_default() += 1;
        }
        assert!(!heard.contains_key(&n.to_string()), "{n} hears itself");
        assert!(heard.len() == 15 && heard.values().all(|count| *count == rounds), "{n}: {heard:?}");
    }
    server.stop();
}
