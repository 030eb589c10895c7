//! `longwire chat` where there is no terminal: lines in, lines out.

use crate::common::bytes::UNAUTHENTICATED;
use crate::common::server::Server;
use crate::peer::Peer;
use crate::process::{Running, longwire, run};

fn chat(server: &Server, arguments: &[&str]) -> Running {
    let mut chat =
        Running::start(longwire(server.address(), &[&["chat", "--room", "lobby"], arguments].concat()));
    chat.tells("joined lobby");
    chat
}

#[test]
fn people_talk() {
    let server = Server::start(1);
    let (mut ada, mut bob) = (chat(&server, &["--user", "ada"]), chat(&server, &["--user", "bob"]));
    ada.type_in("hello\n");
    assert_eq!(bob.line(), "[lobby] ada: hello");
    bob.type_in("/nick 小明\n/gift a rose\n//not a command\n");
    assert_eq!(ada.line(), "[lobby] 🎁 小明 (bob): a rose");
    assert_eq!(ada.line(), "[lobby] 小明 (bob): /not a command");
    bob.type_in("/quit\n");
    assert_eq!(bob.end().0, 0);
    assert_eq!(ada.end().0, 0, "the end of stdin ends it");
    server.stop();
}

#[test]
fn what_was_typed_is_seen_by_the_server_before_the_end() {
    let server = Server::start(1);
    let mut bob = server.member("bob", "lobby");
    let input: String = (0..500).map(|number| format!("{number}\n")).collect();
    let command = longwire(server.address(), &["chat", "--room", "lobby", "--user", "ada"]);
    assert_eq!(run(command, input.as_bytes()).0, 0);
    assert_eq!(bob.next_texts(500).last().map(String::as_str), Some("499"));
    server.stop();
}

#[test]
fn rooms_are_joined_switched_and_not_left() {
    let server = Server::start(1);
    let (mut in_lobby, mut in_den) = (server.member("bob", "lobby"), server.member("eve", "den"));
    let mut ada = chat(&server, &["--user", "ada"]);
    ada.type_in("/join den\nto the den\n/room lobby\nto the lobby\n/leave lobby\n/jion x\n");
    assert_eq!(in_den.next_record().text(), "to the den");
    assert_eq!(in_lobby.next_record().text(), "to the lobby");
    ada.tells("no LEAVE");
    ada.tells("did you mean /join?");
    assert_eq!(ada.end().0, 0);
    server.stop();
}

#[test]
fn a_guest_reads_and_is_told_how_to_write() {
    let server = Server::start(1);
    let mut guest = chat(&server, &[]);
    server.member("ada", "lobby").say("lobby", "hello");
    assert_eq!(guest.line(), "[lobby] ada: hello");
    guest.type_in("hi\n");
    guest.tells("--user NAME");
    guest.tells("not sent to lobby: not allowed: hi");
    assert_eq!(guest.end().0, 1, "something was refused");
    server.stop();
}

#[test]
fn a_connection_lost_for_good_ends_it() {
    let peer = Peer::new();
    let mut chat = Running::start(longwire(peer.address(), &["chat", "--room", "lobby", "--user", "ada"]));
    drop(peer.next_member());
    drop(peer.next_client(UNAUTHENTICATED));
    chat.tells("UNAUTHENTICATED");
    assert_eq!(chat.end().0, 5);
}
