//! What becomes of a client's message: who may send it, and what the server makes its own (section 11).

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::server::Server;
use std::time::{SystemTime, UNIX_EPOCH};

on_one_and_four_shards!(
    guests_strangers_and_forged_notices_are_refused_unseen,
    from_and_timestamp_are_the_servers,
    user_info_is_passed_on_merged_and_in_order,
    content_is_bytes_and_may_be_empty,
    unknown_fields_stay_behind_unless_listed,
    sizes_of_a_message_are_checked,
    a_refusal_names_its_message,
    timestamps_never_decrease_in_a_room,
);

const NORMAL: u64 = 0;
const NOTICE: u64 = 1;
const GIFT: u64 = 2;

fn typed(room: &str, content: &str, message_type: u64) -> Vec<u8> {
    [cms_body(room, content), number(6, message_type)].concat()
}

fn guests_strangers_and_forged_notices_are_refused_unseen(shards: u32) {
    //= PROTOCOL.md#11.1
    // A room that is not joined: NOT_JOINED.
    //= PROTOCOL.md#11.2
    // A guest: FORBIDDEN.
    //= PROTOCOL.md#11.7
    // NORMAL and GIFT are open to users.
    //= PROTOCOL.md#11.8
    // NOTIFY from a client: FORBIDDEN.
    //= PROTOCOL.md#11.9
    // Any other type: FORBIDDEN.
    //= PROTOCOL.md#11.16
    // Judged in order: body, guest, type, room.
    let server = Server::start(shards);
    let mut witness = server.member("", "lobby");
    let mut member = server.member("alice", "lobby");
    let mut stranger = server.user("bob");
    let mut guest = server.member("", "lobby");
    let mut guest_outside = server.guest();
    for message_type in [NORMAL, NOTICE, GIFT, 3, 255, u64::from(u32::MAX)] {
        let open = [NORMAL, GIFT].contains(&message_type);
        let body = || typed("lobby", "seen?", message_type);
        assert_eq!(guest.verdict_on(body()), Some(FORBIDDEN), "guest, type {message_type}");
        assert_eq!(guest_outside.verdict_on(body()), Some(FORBIDDEN), "guest outside, type {message_type}");
        let outside = if open { NOT_JOINED } else { FORBIDDEN };
        assert_eq!(stranger.verdict_on(body()), Some(outside), "stranger, type {message_type}");
        let inside = if open { None } else { Some(FORBIDDEN) };
        assert_eq!(member.verdict_on(body()), inside, "member, type {message_type}");
    }
    assert_eq!(guest.verdict_on(vec![0x0a]), Some(MALFORMED), "the body is judged first");
    //= PROTOCOL.md#11.17
    // A refused CMS is not seen by anybody: two came through, then the mark.
    member.say("lobby", "mark");
    let seen: Vec<_> = (0..3).map(|_| witness.next_record()).collect();
    assert_eq!(seen.iter().map(|r| r.message_type).collect::<Vec<_>>(), [NORMAL, GIFT, NORMAL]);
    assert!(seen.iter().all(|record| record.from == "alice"));
    let books = server.stop();
    assert_eq!((books.normal.owed, books.gift.owed, books.notify.owed, books.other.owed), (4, 2, 0, 0));
}

fn from_and_timestamp_are_the_servers(shards: u32) {
    //= PROTOCOL.md#11.3
    // `from` is the session's userId, whatever came.
    //= PROTOCOL.md#11.4
    // `timestamp` is the server's: Unix milliseconds at acceptance.
    let server = Server::start(shards);
    let mut witness = server.member("", "lobby");
    let mut alice = server.member("alice", "lobby");
    let forged = [cms_body("lobby", "hi"), bytes(2, "system"), number(4, 1), bytes(2, "root")].concat();
    let before = unix_ms();
    assert_eq!(alice.verdict_on(forged), None);
    let record = witness.next_record();
    assert_eq!(record.from, "alice");
    // The server may read a clock a moment older than the frame: it asks once a turn.
    assert!(
        (before - 1_000..=unix_ms()).contains(&record.timestamp),
        "{} against {before}",
        record.timestamp
    );
    server.stop();
}

fn user_info_is_passed_on_merged_and_in_order(shards: u32) {
    //= PROTOCOL.md#11.6
    // `userInfo` is passed on as the client sent it, under open login.
    //= PROTOCOL.md#7.5
    // Several occurrences are merged: the last of each singular field, tags joined in order.
    //= PROTOCOL.md#7.2
    // Fields may come in any order.
    //= PROTOCOL.md#12.7
    // In a record it holds the known fields alone; one in which nothing is left is left out.
    let server = Server::start(shards);
    let mut witness = server.member("", "lobby");
    let mut alice = server.member("alice", "lobby");
    let first = [bytes(4, "vip"), number(1, 3), bytes(3, "old"), bytes(77, "unknown")].concat();
    let second = [number(2, 9), bytes(3, "阿丽"), bytes(4, "mod")].concat();
    let body = [bytes(5, first), cms_body("lobby", "hi"), bytes(5, second)].concat();
    assert_eq!(alice.verdict_on(body), None);
    let tags = vec!["vip".to_owned(), "mod".to_owned()];
    let merged = UserInfo { level: 3, room_level: 9, nickname: "阿丽".into(), tags };
    assert_eq!(witness.next_record().user, Some(merged));
    let nothing = [number(1, 0), bytes(3, ""), bytes(77, "unknown")].concat();
    for empty in [Vec::new(), nothing] {
        assert_eq!(alice.verdict_on([cms_body("lobby", "hi"), bytes(5, empty)].concat()), None);
        assert_eq!(witness.next_record().user, None);
    }
    server.stop();
}

fn content_is_bytes_and_may_be_empty(shards: u32) {
    //= PROTOCOL.md#11.10
    // Empty content is passed on like any other.
    //= PROTOCOL.md#11.11
    // The server never looks into it.
    //= PROTOCOL.md#14.8
    // It has no limit of its own below the body's.
    let server = Server::start(shards);
    let mut witness = server.member("", "lobby");
    let mut alice = server.member("alice", "lobby");
    let longest = 65_536 - cms_body("lobby", vec![0; 60_000]).len() + 60_000;
    for content in [Vec::new(), vec![0xff, 0x00, 0xfe], (0..=255).collect(), vec![b'x'; longest]] {
        let body = cms_body("lobby", &content);
        assert_eq!(alice.verdict_on(body), None);
        assert_eq!(witness.next_record().content, content);
    }
    server.stop();
}

fn unknown_fields_stay_behind_unless_listed(shards: u32) {
    //= PROTOCOL.md#11.15
    // Unknown fields are not passed on.
    //= PROTOCOL.md#19.5
    // Unless `wire.relay_fields` lists them.
    //= PROTOCOL.md#7.6
    // They are passed over, whatever they hold.
    let body = || [number(7, 1), cms_body("lobby", "hi"), bytes(20, [0xff, 0x0b]), number(100, 5)].concat();
    for (listed, relayed) in [("[]", vec![]), ("[20, 7]", vec![7, 20])] {
        let server = Server::of(shards).set("wire.relay_fields", listed).start();
        let mut witness = server.member("", "lobby");
        let mut alice = server.member("alice", "lobby");
        assert_eq!(alice.verdict_on(body()), None);
        assert_eq!(witness.next_record().unknown, relayed);
        server.stop();
    }
}

fn sizes_of_a_message_are_checked(shards: u32) {
    //= PROTOCOL.md#11.12
    // `userInfo` over 1,024 bytes: TOO_LARGE.
    //= PROTOCOL.md#11.13
    // Over 64 tags: TOO_LARGE.
    //= PROTOCOL.md#11.14
    // `to` empty or with a control character: MALFORMED; over 128 bytes: TOO_LARGE.
    let server = Server::start(shards);
    let mut alice = server.member("alice", "lobby");
    let nickname = |total: usize| bytes(3, "n".repeat(total - bytes(3, "n".repeat(1000)).len() + 1000));
    let tags = |count: usize| bytes(4, "t").repeat(count);
    let with_user = |user: Vec<u8>| [cms_body("lobby", "hi"), bytes(5, user)].concat();
    for (body, verdict) in [
        (with_user(nickname(1024)), None),
        (with_user(nickname(1025)), Some(TOO_LARGE)),
        (with_user(tags(64)), None),
        (with_user(tags(65)), Some(TOO_LARGE)),
        ([with_user(tags(33)), bytes(5, tags(32))].concat(), Some(TOO_LARGE)),
        (cms_body("", "hi"), Some(MALFORMED)),
        (bytes(1, "no room at all"), Some(MALFORMED)),
        (cms_body("a\u{1}", "hi"), Some(MALFORMED)),
        (cms_body(&"r".repeat(129), "hi"), Some(TOO_LARGE)),
        (cms_body(&"r".repeat(128), "hi"), Some(NOT_JOINED)),
    ] {
        assert_eq!(alice.verdict_on(body.clone()), verdict, "{body:02x?}");
    }
    server.stop();
}

fn a_refusal_names_its_message(shards: u32) {
    //= PROTOCOL.md#5.19
    // A refused CMS is answered with command CMS, flow 1, its seq, the status, no body: `answer` checks them.
    //= PROTOCOL.md#4.7
    // One that succeeds is not answered.
    //= PROTOCOL.md#11.18
    // With a PING behind: once the PONG is there, a refusal would have come.
    let server = Server::start(shards);
    let mut alice = server.member("alice", "lobby");
    let good: Vec<_> = (0..3).map(|_| alice.request(CMS, cms_body("lobby", "good"))).collect();
    let bad: Vec<_> = (0..3).map(|_| alice.request(CMS, cms_body("elsewhere", "bad"))).collect();
    for (good, bad) in good.iter().zip(&bad) {
        alice.send_frame(good);
        alice.send_frame(bad);
    }
    for frame in &bad {
        assert_eq!(alice.answer(CMS, frame.seq), NOT_JOINED);
    }
    alice.ping();
    server.stop();
}

fn timestamps_never_decrease_in_a_room(shards: u32) {
    //= PROTOCOL.md#11.5
    // Timestamps never decrease within a room, in the order of its records.
    let server = Server::start(shards);
    let mut witness = server.member("", "lobby");
    let mut speakers: Vec<_> = (0..8).map(|n| server.member(&format!("user {n}"), "lobby")).collect();
    for round in 0..50 {
        for speaker in &mut speakers {
            speaker.say("lobby", format!("round {round}"));
        }
    }
    let times: Vec<_> = (0..400).map(|_| witness.next_record().timestamp).collect();
    assert!(times.is_sorted(), "{times:?}");
    server.stop();
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_millis()).expect("not yet")
}
