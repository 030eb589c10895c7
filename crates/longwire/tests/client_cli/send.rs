//! `longwire send`: what its exit status promises.

use crate::common::bytes::*;
use crate::common::server::Server;
use crate::peer::{NO_SUCH_ROOM, Peer, REJECTED};
use crate::process::{Running, longwire, run};
use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

#[test]
fn a_message_arrives_as_it_was_asked_for() {
    let server = Server::start(1);
    let mut bob = server.member("bob", "lobby");
    let arguments =
        ["send", "--room", "lobby", "--user", "ada", "--nickname", "小明", "--type", "gift", "a rose"];
    assert_eq!(run(longwire(server.address(), &arguments), b""), (0, String::new(), String::new()));
    let record = bob.next_record();
    assert_eq!((record.text(), record.from.as_str(), record.message_type), ("a rose", "ada", 2));
    assert_eq!(record.user.unwrap().nickname, "小明");
    server.stop();
}

#[test]
fn without_a_user_it_is_the_login_name_on_this_machine() {
    let server = Server::start(1);
    let mut bob = server.member("bob", "lobby");
    let mut command = longwire(server.address(), &["send", "--room", "lobby", "hello"]);
    command.env("USER", "grace");
    assert_eq!(run(command, b"").0, 0);
    assert_eq!(bob.next_record().from, "grace");
    server.stop();
}

#[test]
fn every_line_of_stdin_is_a_message_in_order() {
    let server = Server::start(1);
    let mut bob = server.member("bob", "lobby");
    let lines: Vec<String> = (0..3000).map(|number| format!("line {number}")).collect();
    let input = format!("{}\r\n\n\nlast, without an end", lines.join("\n"));
    for flags in [&[][..], &["--gzip", "--length", "rest"]] {
        let command =
            longwire(server.address(), &[&["send", "--room", "lobby", "--user", "ada"], flags].concat());
        assert_eq!(run(command, input.as_bytes()).0, 0);
        assert_eq!(bob.next_texts(3000), lines);
        assert_eq!(bob.next_record().text(), "last, without an end");
    }
    server.stop();
}

#[test]
fn who_may_not_send_this_is_told_so() {
    let server =
        Server::of(1).set("rooms.types.client", "[\"normal\"]").set("rooms.types.priority", "[]").start();
    let gift = ["send", "--room", "lobby", "--user", "ada", "--type", "gift", "a rose"];
    let (status, _, stderr) = run(longwire(server.address(), &gift), b"");
    assert_eq!(status, 5);
    assert!(stderr.contains("line 1 was refused") && stderr.contains("FORBIDDEN"), "{stderr}");
    server.stop();
}

/// One of three is refused after it was sent: told, and remembered until the end.
#[test]
fn a_refusal_before_the_pong_is_a_failure() {
    let peer = Peer::new();
    let mut send = Running::start(longwire(peer.address(), &["send", "--room", "lobby", "--user", "ada"]));
    send.type_in("one\ntwo\nthree\n");
    let mut client = peer.next_member();
    client.take(CMS);
    client.answer(CMS, REJECTED);
    client.take(CMS);
    send.tells("line 2 was refused");
    drop(send.stdin());
    client.answer(PING, OK);
    client.take(LOGOUT);
    drop(client);
    assert_eq!(send.end(), (1, vec![]));
}

#[test]
fn no_pong_is_no_success() {
    let peer = Peer::new();
    let mut send =
        Running::start(longwire(peer.address(), &["send", "--room", "lobby", "--user", "ada", "hello"]));
    let mut client = peer.next_member();
    client.take(CMS);
    client.take(PING);
    drop(client);
    assert_eq!(send.end().0, 4);
}

#[test]
fn a_refused_join_or_login_has_a_number() {
    let peer = Peer::new();
    let arguments = ["send", "--room", "lobby", "--user", "ada", "hello"];
    for (status, exit) in [(FORBIDDEN, 5), (NO_SUCH_ROOM, 1)] {
        let mut send = Running::start(longwire(peer.address(), &arguments));
        peer.next_client(OK).answer(JOIN_CR, status);
        assert_eq!(send.end().0, exit);
    }
    let mut send = Running::start(longwire(peer.address(), &arguments));
    drop(peer.next_client(UNAUTHENTICATED));
    assert_eq!(send.end().0, 5);
}

#[test]
fn wrong_usage_is_told_before_anything_is_tried() {
    let nowhere = Peer::new().address();
    for arguments in [
        &["send", "hello"][..],
        &["send", "--room", "", "hello"],
        &["send", "--room", "lobby", "--type", "notify", "hello"],
        &["send", "--room", "lobby", "--addr", "wss://chat.example", "hello"],
        &["send", "--room", "lobby", "--addr", "chat.example", "--user", "ada", "hello"],
        &["send", "--room", "lobby", "--addr", "chat.example", "hello"],
        &["tail", "--room", "lobby", "--token", "t"],
        &["tail", "--room", "lobby", "--for", "soon"],
        &["chat"],
    ] {
        assert_eq!(run(longwire(nowhere, arguments), b"").0, 2, "{arguments:?}");
    }
}

/// A server that takes nothing stops the reading of stdin; nothing piles up in between.
#[test]
fn stdin_is_read_as_fast_as_the_server_takes_it() {
    const LINES: usize = 40_000;
    let peer = Peer::new();
    let mut send = Running::start(longwire(peer.address(), &["send", "--room", "lobby", "--user", "ada"]));
    let mut stdin = send.stdin();
    let (fed, feeding) = channel();
    std::thread::spawn(move || {
        let line = [vec![b'x'; 999], vec![b'\n']].concat();
        (0..LINES).for_each(|_| stdin.write_all(&line).expect("it reads on"));
        let _ = fed.send(());
    });
    let mut client = peer.next_member();
    // 40 MB: more than both sockets' buffers, and this wait is the test.
    let early = feeding.recv_timeout(Duration::from_secs(1));
    assert_eq!(early, Err(RecvTimeoutError::Timeout), "it took 40 MB that nobody read");
    let mut taken = 0;
    while let Some(frame) = client.frame().filter(|frame| frame.command != LOGOUT) {
        match frame.command {
            // the one behind the last message, and a heartbeat where a busy machine takes long over the others
            PING => client.send(PONG, frame.seq, OK),
            command => taken += usize::from(command == CMS),
        }
    }
    assert_eq!(taken, LINES);
    drop(client);
    assert_eq!(send.end().0, 0);
}
