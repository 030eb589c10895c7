//! `[quotas]`: each at its limit and one past it. Rates come back so slowly that no test sees it.

use super::place::eventually;
use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::Raw;
use crate::common::server::{Plan, Server};
use std::net::{IpAddr, Ipv4Addr};

on_one_and_four_shards!(
    without_quotas_nothing_is_counted,
    frames_of_a_connection,
    messages_of_a_user,
    joins_of_a_user,
    reconnects_of_a_user,
    connections_of_an_address,
    guests_of_an_address,
    connects_of_an_address,
    messages_of_a_room_and_its_priority_share,
    logins_of_the_node,
);

/// One where loopback is an address like any other.
fn plan(shards: u32) -> Plan {
    Server::of(shards).log_level("trace").set("quotas.exempt", "[]")
}

fn from(server: &Server, host: u8) -> Raw {
    Raw::connect_from(IpAddr::V4(Ipv4Addr::new(127, 0, 9, host)), server.address())
}

fn without_quotas_nothing_is_counted(shards: u32) {
    //= PROTOCOL.md#19.15
    // `quotas` sets the rates; without it there are none.
    let server = plan(shards).start();
    let mut sessions: Vec<Raw> = (0..30).map(|_| server.member("alice", "lobby")).collect();
    let speaker = &mut sessions[0];
    for at in 0..300 {
        assert_eq!(speaker.verdict_on(cms_body("lobby", format!("{at}"))), None);
        speaker.join(&format!("room {}", at % 16));
        speaker.join("lobby");
    }
    server.stop_and_count().assert_is(&[], &[]);
}

/// Fault: a flood of frames; over quota RATE_LIMITED, then closed.
fn frames_of_a_connection(shards: u32) {
    //= PROTOCOL.md#5.22
    // A frame over the rate of its connection is answered with RATE_LIMITED and not looked at.
    //= PROTOCOL.md#5.23
    // After 100 such answers in a row the server closes.
    //= PROTOCOL.md#16.4
    // In *user*: "5, stays" in place of the frame's own outcome, and the hundredth closes.
    let server = plan(shards).set("quotas.connection_frames", "5/1h").start();
    let mut bystander = server.user("bob");
    let mut raw = server.user("alice");
    (0..5).for_each(|_| raw.ping());
    for (command, body) in [(PING, Vec::new()), (JOIN_CR, join_body("lobby")), (200, Vec::new())] {
        assert_eq!(raw.status_of(command, body), RATE_LIMITED);
    }
    for _ in 3..100 {
        assert_eq!(raw.status_of(PING, Vec::new()), RATE_LIMITED);
    }
    raw.assert_ended();
    bystander.ping();
    server.stop_and_count().assert_is(&[("RATE_LIMITED", 100)], &[("connection_frames", 100)]);
}

fn messages_of_a_user(shards: u32) {
    //= PROTOCOL.md#11.19
    // A CMS over the rate of its user, on all its connections together, is answered with RATE_LIMITED.
    let server = plan(shards).set("quotas.user.messages", "4/1h").start();
    let mut listener = server.member("bob", "lobby");
    let mut two = [server.member("alice", "lobby"), server.member("alice", "lobby")];
    for at in 0..4 {
        assert_eq!(two[at % 2].verdict_on(cms_body("lobby", format!("{at}"))), None);
    }
    for raw in &mut two {
        assert_eq!(raw.verdict_on(cms_body("lobby", "too many")), Some(RATE_LIMITED));
    }
    // Nor does a new connection bring new permits.
    drop(two);
    let mut again = server.member("alice", "lobby");
    assert_eq!(again.verdict_on(cms_body("lobby", "too many")), Some(RATE_LIMITED));
    let mut heard = listener.next_texts(4);
    heard.sort_unstable();
    assert_eq!(heard, ["0", "1", "2", "3"]);
    assert_eq!(listener.verdict_on(cms_body("lobby", "bob may")), None);
    // its shard may have come to alice's own only when it had joined there
    let heard = std::iter::repeat_with(|| again.next_record().text().to_owned())
        .find(|text| text.parse::<u8>().is_err());
    assert_eq!(heard.as_deref(), Some("bob may"));
    server.stop_and_count().assert_is(&[("RATE_LIMITED", 3)], &[("user.messages", 3)]);
}

fn joins_of_a_user(shards: u32) {
    //= PROTOCOL.md#10.11
    // A JOIN_CR over the rate of its user is answered with RATE_LIMITED, and the connection does not join.
    let server = plan(shards).set("quotas.user.joins", "3/1h").start();
    let mut two = [server.user("alice"), server.user("alice")];
    for (at, room) in ["a", "b", "c"].into_iter().enumerate() {
        two[at % 2].join(room);
    }
    for raw in &mut two {
        assert_eq!(raw.status_of(JOIN_CR, join_body("d")), RATE_LIMITED);
        assert_eq!(raw.verdict_on(cms_body("d", "not in")), Some(NOT_JOINED));
    }
    server.member("bob", "d").ping();
    server.guest().join("d"); // the rate is a user's
    server.stop_and_count().assert_is(&[("NOT_JOINED", 2), ("RATE_LIMITED", 2)], &[("user.joins", 2)]);
}

/// Fault: join and leave storm, reconnect flapping.
fn reconnects_of_a_user(shards: u32) {
    //= PROTOCOL.md#8.18
    // A user that logs in on new connections over its rate is answered with RATE_LIMITED for five minutes.
    let server = plan(shards).set("quotas.user.reconnects", "3/1h").start();
    let mut sessions: Vec<Raw> = (0..3).map(|_| server.user("alice")).collect();
    for _ in 0..2 {
        assert_eq!(server.connect().try_log_in("sesame", "alice"), RATE_LIMITED);
    }
    for raw in &mut sessions {
        assert_eq!(raw.status_of(LOGIN, login_body("sesame", "alice")), OK, "a renewal is no new connection");
    }
    server.user("bob").ping();
    server.stop_and_count().assert_is(&[("RATE_LIMITED", 2)], &[("user.reconnects", 2)]);
}

fn connections_of_an_address(shards: u32) {
    //= PROTOCOL.md#8.19
    // An address with too many connections: the LOGIN of one more is answered with TOO_MANY.
    let server = plan(shards).set("quotas.address.connections", "2").start();
    let mut two = vec![from(&server, 1), from(&server, 1)];
    two[0].log_in("alice");
    two[1].log_in_as_guest();
    for body in [Vec::new(), login_body("sesame", "carol")] {
        let mut third = from(&server, 1);
        assert_eq!(third.log_in_with(body), TOO_MANY);
        third.assert_ended();
    }
    from(&server, 2).log_in("carol");
    drop(two.pop());
    let mut next = eventually("the place of one that has gone is free", || {
        let mut raw = from(&server, 1);
        (raw.try_log_in("sesame", "dave") == OK).then_some(raw)
    });
    next.ping();
    two[0].ping();
    let refused = server.stop_and_count();
    let over = refused.quota["address.connections"];
    assert!(over >= 2, "{refused:?}");
    refused.assert_is(&[("TOO_MANY", over)], &[("address.connections", over)]);
}

/// Fault: guest flood.
fn guests_of_an_address(shards: u32) {
    //= PROTOCOL.md#8.19
    // An address with too many guests: the LOGIN of one more is answered with TOO_MANY.
    let server = plan(shards).set("quotas.address.guests", "2").start();
    let mut guests = [from(&server, 1), from(&server, 1)];
    guests.iter_mut().for_each(Raw::log_in_as_guest);
    let mut third = from(&server, 1);
    assert_eq!(third.log_in_with(Vec::new()), TOO_MANY);
    third.assert_ended();
    from(&server, 1).log_in("carol");
    from(&server, 2).log_in_as_guest();
    // One that has become a user is no guest any more; that holds as soon as it was told so.
    assert_eq!(guests[0].status_of(LOGIN, login_body("sesame", "alice")), OK);
    from(&server, 1).log_in_as_guest();
    server.stop_and_count().assert_is(&[("TOO_MANY", 1)], &[("address.guests", 1)]);
}

fn connects_of_an_address(shards: u32) {
    //= PROTOCOL.md#8.18
    // New connections of an address over its rate: the LOGIN is answered with RATE_LIMITED.
    let server = plan(shards).set("quotas.address.connects", "3/1h").start();
    (0..3).for_each(|_| from(&server, 1).log_in("alice"));
    for body in [Vec::new(), login_body("sesame", "alice")] {
        let mut fourth = from(&server, 1);
        assert_eq!(fourth.log_in_with(body), RATE_LIMITED);
        fourth.assert_ended();
    }
    from(&server, 2).log_in("alice");
    server.stop_and_count().assert_is(&[("RATE_LIMITED", 2)], &[("address.connects", 2)]);
}

/// Fault: one room over its rate; the priority class's share stays free, whatever it is.
fn messages_of_a_room_and_its_priority_share(shards: u32) {
    //= PROTOCOL.md#11.20
    // A CMS over the rate of its room is answered with RATE_LIMITED; a share of the rate is the priority class's alone.
    //= PROTOCOL.md#11.21
    // That refusal may come behind the PONG of a PING that was sent behind the CMS.
    for (percent, chat_max) in [(50, 5), (20, 8), (80, 2), (0, 10)] {
        let server = plan(shards)
            .set("quotas.room.messages", "10/1h")
            .set("quotas.room.priority_percent", &percent.to_string())
            .set("rooms.types.priority", "[\"gift\"]")
            .start();
        let rooms = ["a", "b", "c", "d", "e", "f"];
        rooms.iter().for_each(|room| fill_room(&server, room, chat_max));
        let refused = server.stop_and_count();
        let each = rooms.len() as u64;
        let by_quota: Vec<(&str, u64)> = match percent {
            0 => vec![("room.messages", 3 * each)], // no share is kept, so none is what refuses
            _ => vec![("room.messages", each), ("room.priority_percent", 2 * each)],
        };
        refused.assert_is(&[("RATE_LIMITED", 3 * each)], &by_quota);
    }
}

/// Of ten messages `chat_max` are chat's at the most, and all the rest gifts'. Two and one too many are refused.
fn fill_room(server: &Server, room: &str, chat_max: usize) {
    let mut listener = server.member("bob", room);
    let mut speaker = server.member("alice", room);
    let chat: Vec<u32> =
        (0..chat_max + 2).map(|at| speaker.ask(CMS, cms_body(room, format!("chat {at}")))).collect();
    assert_eq!(refused(&mut speaker, 2), chat[chat_max..]);
    let gifts_max = 10 - chat_max;
    let gift = |at: usize| [cms_body(room, format!("gift {at}")), number(6, 2)].concat();
    let gifts: Vec<u32> = (0..=gifts_max).map(|at| speaker.ask(CMS, gift(at))).collect();
    assert_eq!(refused(&mut speaker, 1), gifts[gifts_max..]);
    let chat = (0..chat_max).map(|at| format!("chat {at}"));
    let due: Vec<String> = chat.chain((0..gifts_max).map(|at| format!("gift {at}"))).collect();
    assert_eq!(listener.next_texts(10), due);
}

/// The `seq` of the next `count` frames, which refuse a CMS for its rate.
fn refused(raw: &mut Raw, count: usize) -> Vec<u32> {
    let refusals = (0..count).map(|_| raw.next_frame());
    refusals
        .map(|frame| {
            assert_eq!((frame.command, frame.flow, frame.status), (CMS, ANSWER, RATE_LIMITED));
            frame.seq
        })
        .collect()
}

fn logins_of_the_node(shards: u32) {
    //= PROTOCOL.md#8.20
    // LOGINs of users over the node's rate are answered with OVERLOADED.
    let server = plan(shards).set("quotas.node_logins", "3/1h").start();
    let mut sessions: Vec<Raw> = (0..3).map(|at| server.user(&format!("user{at}"))).collect();
    for _ in 0..2 {
        assert_eq!(server.connect().try_log_in("sesame", "alice"), OVERLOADED);
    }
    server.guest().ping(); // nobody is asked about a guest
    sessions.iter_mut().for_each(Raw::ping);
    server.stop_and_count().assert_is(&[("OVERLOADED", 2)], &[("node_logins", 2)]);
}
