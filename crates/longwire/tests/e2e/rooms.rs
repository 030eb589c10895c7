//! JOIN_CR and membership (section 10).

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::server::Server;

on_one_and_four_shards!(
    users_and_guests_join_and_hear_only_their_rooms,
    joining_again_changes_nothing,
    the_room_joined_longest_ago_is_left_at_the_limit,
    the_number_of_rooms_can_be_set,
    a_joiner_hears_nothing_from_before,
    an_ended_connection_is_no_member,
    ids_of_rooms_are_checked,
);

const TOO_LONG: usize = 129;

fn users_and_guests_join_and_hear_only_their_rooms(shards: u32) {
    //= PROTOCOL.md#10.1
    // JOIN_CR makes the connection a member, answered with 0 and no body.
    //= PROTOCOL.md#10.2
    // Guests may join.
    //= PROTOCOL.md#10.8
    // A room exists as soon as somebody joins it.
    let server = Server::start(shards);
    let mut speaker = server.member("speaker", "red");
    speaker.join("blue");
    let mut red = server.member("", "red");
    let mut blue = server.member("alice", "blue");
    speaker.say("red", "to red");
    speaker.say("blue", "to blue");
    speaker.say("red", "red again");
    assert_eq!(red.next_texts(2), ["to red", "red again"]);
    let (room, record) = blue.next_record_of();
    assert_eq!((room.as_str(), record.text()), ("blue", "to blue"));
    server.stop();
}

fn joining_again_changes_nothing(shards: u32) {
    //= PROTOCOL.md#10.3
    // A JOIN_CR of a joined room is answered with 0 and changes nothing: nothing comes twice.
    let server = Server::start(shards);
    let mut speaker = server.member("speaker", "lobby");
    let mut raw = server.member("", "lobby");
    raw.join("lobby");
    raw.join("lobby");
    for text in ["one", "two"] {
        speaker.say("lobby", text);
    }
    assert_eq!(raw.next_texts(2), ["one", "two"]);
    let books = server.stop();
    assert_eq!(books.normal.owed, 2);
}

fn the_room_joined_longest_ago_is_left_at_the_limit(shards: u32) {
    //= PROTOCOL.md#10.4
    // 16 rooms by default.
    //= PROTOCOL.md#10.5
    // One more succeeds, and the room joined longest ago is left in silence.
    let server = Server::start(shards);
    let room = |n: usize| format!("room {n}");
    let mut raw = server.guest();
    let mut speaker = server.user("speaker");
    for n in 0..16 {
        raw.join(&room(n));
    }
    // Of a room joined already: no new place, nobody is pushed out.
    raw.join(&room(0));
    speaker.join(&room(0));
    speaker.say(&room(0), "still a member");
    assert_eq!(raw.next_record().text(), "still a member");
    raw.join(&room(16));
    speaker.say(&room(0), "not heard any more");
    for n in [1, 16] {
        speaker.join(&room(n));
        speaker.say(&room(n), room(n));
        assert_eq!(raw.next_record().text(), room(n));
    }
    raw.ping();
    assert_eq!(raw.kept_records(), 0);
    let books = server.stop();
    assert_eq!(books.normal.owed, 3, "what a room says after the leave is not owed");
}

fn the_number_of_rooms_can_be_set(shards: u32) {
    //= PROTOCOL.md#19.9
    // `limits.rooms_per_connection` sets it.
    let server = Server::of(shards).set("limits.rooms_per_connection", "1").start();
    let mut raw = server.user("alice");
    raw.join("first");
    raw.join("second");
    assert_eq!(raw.verdict_on(cms_body("second", "x")), None);
    assert_eq!(raw.verdict_on(cms_body("first", "x")), Some(NOT_JOINED));
    server.stop();
}

fn a_joiner_hears_nothing_from_before(shards: u32) {
    //= PROTOCOL.md#10.7
    // Nothing that was sequenced before the JOIN_CR.
    //= PROTOCOL.md#10.6
    // The answer precedes the first push: `join` fails on a push of a room not yet answered.
    let server = Server::start(shards);
    let mut speaker = server.member("speaker", "lobby");
    // All who ever joined stay and have heard what was said before the next one joins: so it has reached every shard of the
    // room. What is still on its way between two shards may reach a joiner of the second.
    let mut members = vec![server.member("", "lobby")];
    for round in 0..20 {
        speaker.say("lobby", format!("before {round}"));
        for member in &mut members {
            assert_eq!(member.next_record().text(), format!("before {round}"));
        }
        let mut joiner = server.guest();
        joiner.join("lobby");
        assert_eq!(joiner.kept_records(), 0, "no push before the answer");
        members.push(joiner);
        speaker.say("lobby", format!("after {round}"));
        for member in &mut members {
            assert_eq!(member.next_record().text(), format!("after {round}"));
        }
    }
    server.stop();
}

fn an_ended_connection_is_no_member(shards: u32) {
    //= PROTOCOL.md#10.9
    // A LOGOUT or the end of the connection leaves all rooms.
    //= PROTOCOL.md#13.8
    // A client that ends its side is treated as gone.
    let server = Server::start(shards);
    let mut speaker = server.member("speaker", "lobby");
    let mut leaver = server.member("", "lobby");
    leaver.ask(LOGOUT, Vec::new());
    leaver.frames_to_end();
    let mut half = server.member("", "lobby");
    half.shut_down_sending();
    half.frames_to_end();
    let mut witness = server.member("", "lobby");
    speaker.say("lobby", "anybody?");
    assert_eq!(witness.next_record().text(), "anybody?");
    let books = server.stop();
    assert_eq!(books.normal.owed, 1, "owed to the witness alone");
}

fn ids_of_rooms_are_checked(shards: u32) {
    //= PROTOCOL.md#10.10
    // Empty or with a control character: MALFORMED. Over 128 bytes: TOO_LARGE.
    //= PROTOCOL.md#14.5
    // 1 to 128 bytes of UTF-8.
    let server = Server::start(shards);
    let mut raw = server.guest();
    for (room, status) in [
        (String::new(), MALFORMED),
        ("a\tb".into(), MALFORMED),
        ("\u{9f}".into(), MALFORMED),
        ("x".repeat(TOO_LONG), TOO_LARGE),
        ("x".repeat(TOO_LONG - 1), OK),
        ("直播间 \u{1f600}".into(), OK),
    ] {
        assert_eq!(raw.status_of(JOIN_CR, join_body(&room)), status, "{room:?}");
    }
    assert_eq!(raw.status_of(JOIN_CR, Vec::new()), MALFORMED, "no id at all");
    server.stop();
}
