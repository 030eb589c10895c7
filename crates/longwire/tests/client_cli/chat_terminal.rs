//! `longwire chat` in a real pseudo-terminal. How it looks is tested beside its code; here: that it works, and that
//! whatever ends it leaves the terminal as it was.

use crate::common::bytes::{JOIN_CR, OK};
use crate::common::server::Server;
use crate::peer::{BANNED, Peer};
use crate::process::longwire;
use crate::terminal::Terminal;

fn chat(server: &Server, arguments: &[&str]) -> Terminal {
    let command = longwire(server.address(), &[&["chat", "--room", "lobby"], arguments].concat());
    let mut terminal = Terminal::of(80, 24, &command);
    terminal.shows("joined lobby");
    terminal
}

#[test]
fn a_person_talks_and_listens() {
    let server = Server::start(1);
    let mut bob = server.member("bob", "lobby");
    let mut ada = chat(&server, &["--user", "ada"]);
    ada.enter("hello, 世界");
    ada.shows("ada: hello, 世界");
    assert_eq!(bob.next_record().text(), "hello, 世界");
    ada.type_in("half a li");
    bob.say("lobby", "你好 \u{1b}[2J\u{7}\u{202e}");
    ada.shows(r"bob: 你好 \u{1b}[2J\u{7}\u{202e}");
    ada.shows("› half a li");
    ada.type_in("ne\u{1b}[D\u{1b}[D\u{1b}[3~n\r");
    assert_eq!(bob.next_record().text(), "half a line");
    ada.enter("/quit");
    let end = ada.ends_with(0);
    assert!(!end.written.contains("\u{1b}[2J"), "{:?}", end.written);
    server.stop();
}

#[test]
fn a_paste_is_one_message_whatever_it_holds() {
    let server = Server::start(1);
    let mut bob = server.member("bob", "lobby");
    let mut ada = chat(&server, &["--user", "ada"]);
    ada.type_in("\u{1b}[200~first\r\nsecond\u{1b}[201~");
    ada.shows("first⏎second");
    ada.enter("");
    assert_eq!(bob.next_record().text(), "first\nsecond");
    ada.type_in("\u{4}");
    ada.ends_with(0);
    server.stop();
}

#[test]
fn several_rooms_are_told_apart_and_switched_by_tab() {
    let server = Server::start(1);
    let mut bob = server.member("bob", "den");
    let mut ada = chat(&server, &["--user", "ada", "--room", "den"]);
    ada.shows("joined den");
    bob.say("den", "here");
    ada.shows("[den] bob: here");
    ada.type_in("\t");
    ada.shows("den · ada");
    ada.enter("there");
    assert_eq!(bob.next_record().text(), "there");
    ada.type_in("\u{3}");
    ada.ends_with(130);
    server.stop();
}

#[test]
fn a_resize_is_followed() {
    let server = Server::start(1);
    let mut ada = chat(&server, &["--user", "ada"]);
    ada.type_in(&"漢".repeat(30));
    ada.shows(&"漢".repeat(30));
    ada.resize(20, 10);
    ada.shows("‹");
    ada.resize(100, 30);
    ada.shows(&"漢".repeat(30));
    ada.type_in("\u{15}\u{4}");
    ada.ends_with(0);
    server.stop();
}

#[test]
fn every_end_leaves_the_terminal_as_it_was() {
    let server = Server::start(1);
    for (name, status) in [("TERM", 143), ("INT", 130), ("HUP", 143)] {
        let mut ada = chat(&server, &["--user", "ada"]);
        ada.type_in("half a line");
        ada.shows("half a line");
        ada.signal(name);
        ada.ends_with(status);
    }
    let mut gone = chat(&server, &["--user", "ada"]);
    gone.hang_up();
    assert_eq!(gone.end().status, 143);
    server.stop();
}

#[test]
fn a_connection_lost_for_good_gives_the_terminal_back_and_says_why() {
    let peer = Peer::new();
    let command = longwire(peer.address(), &["chat", "--room", "lobby", "--user", "ada"]);
    let mut ada = Terminal::of(80, 24, &command);
    let mut client = peer.next_client(OK);
    client.answer_all_until(JOIN_CR);
    ada.shows("joined lobby");
    drop(client);
    ada.shows("trying again");
    ada.shows("no connection");
    drop(peer.next_client(BANNED));
    ada.shows("error: ");
    ada.ends_with(5);
}
