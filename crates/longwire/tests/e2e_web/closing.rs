//! How a WebSocket ends: which code says why, whoever begins (18.11, 18.13).

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::server::{Plan, Server};
use crate::common::websocket::{BINARY, CLOSE, Said, WS_PING, WebSocket, frame};
use std::time::{Duration, Instant};

on_one_and_four_shards!(
    a_close_says_why,
    control_frames_are_no_sign_of_life,
    a_close_of_the_client_is_answered_and_makes_it_gone,
    a_client_that_just_goes_is_gone,
    a_server_that_drains_says_so,
    a_replaced_session_says_so,
    a_refused_login_says_whether_to_come_back,
    frames_above_the_rate_say_so,
    who_takes_no_byte_hears_what_still_fits,
);

/// Reads up to the close; messages before it are counted.
fn close_of(client: &mut WebSocket) -> (usize, Option<u16>) {
    let mut messages = 0;
    loop {
        match client.next() {
            Said::Message(_) => messages += 1,
            Said::Pong(_) => {}
            Said::Close(code, _) => {
                assert_eq!(client.next(), Said::End, "behind a close comes nothing");
                return (messages, code);
            }
            said @ (Said::End | Said::Reset) => panic!("a close frame was due: {said:?}"),
        }
    }
}

fn a_close_says_why(shards: u32) {
    //= PROTOCOL.md#18.13
    // A close frame carries the code of the table.
    let patient = |plan: Plan| plan.set("wire.timeouts.login_start", "1s");
    let server = patient(Server::of(shards)).set("login.guests", "false").start();
    let mut silent = WebSocket::connect(server.address());
    let mut refused = WebSocket::connect(server.address());
    refused.ask(LOGIN, Vec::new());
    assert_eq!(close_of(&mut refused), (1, Some(4503)), "the answer, and then the close");
    let user = || {
        let mut client = WebSocket::connect(server.address());
        client.log_in(Reading::Body, login_body("sesame", "alice"));
        client
    };
    let mut leaving = user();
    leaving.ask(LOGOUT, Vec::new());
    assert_eq!(close_of(&mut leaving), (0, Some(1000)));
    let mut garbled = user();
    let answer = Frame { flow: ANSWER, ..Frame::request(PING, 9, Vec::new()) };
    garbled.send_bytes(&frame(BINARY, &answer.to_bytes(Reading::Body)));
    assert_eq!(close_of(&mut garbled), (1, Some(4500)), "MALFORMED, and then the close");
    let mut large = user();
    large.send_bytes(&frame(0x02, &Frame::request(CMS, 9, Vec::new()).with_len(65_537)));
    assert_eq!(close_of(&mut large), (1, Some(4501)), "TOO_LARGE from the header alone");
    assert_eq!(close_of(&mut silent), (0, Some(4008)));
    server.stop();
}

fn control_frames_are_no_sign_of_life(shards: u32) {
    //= PROTOCOL.md#18.6
    // Ping and pong of WebSocket are no sign of life.
    let server =
        Server::of(shards).set("wire.timeouts.idle", "2s").set("wire.timeouts.heartbeat", "1s").start();
    let mut client = WebSocket::guest(server.address());
    let began = Instant::now();
    loop {
        client.send_what_it_takes(&[frame(WS_PING, b"alive!"), frame(0x8A, b"")].concat());
        match client.next() {
            Said::Pong(payload) => assert_eq!(payload, b"alive!"),
            said => break assert!(matches!(said, Said::Close(Some(4002), _)), "{said:?}"),
        }
        std::thread::sleep(Duration::from_millis(50)); // what is tested is time: it pings all the while
    }
    assert!(began.elapsed() >= Duration::from_secs(2), "not before its time");
    server.stop();
}

fn a_close_of_the_client_is_answered_and_makes_it_gone(shards: u32) {
    //= PROTOCOL.md#18.11
    // A close frame of the client is answered by one with its code, or with none.
    let server = Server::start(shards);
    // a room for each: what is said behind one's end may be under way to its shard when the next one joins there
    for (room, code) in [("a", Some(1000)), ("b", Some(1001)), ("c", Some(4321)), ("d", None)] {
        let mut speaker = server.member("speaker", room);
        let mut client = WebSocket::guest(server.address());
        assert_eq!(client.status_of(JOIN_CR, join_body(room)), OK);
        let code_bytes = code.map_or(Vec::new(), |code: u16| code.to_be_bytes().to_vec());
        client.send_bytes(&frame(CLOSE, &code_bytes));
        assert_eq!(close_of(&mut client), (0, code));
        speaker.say(room, "is anybody here?");
        speaker.ping();
    }
    assert_eq!(server.stop().normal.owed, 0, "who has closed is in no room any more");
}

fn a_client_that_just_goes_is_gone(shards: u32) {
    let server = Server::start(shards);
    for bytes in [&b""[..], &[0x82], &[0x82, 0xFF, 0, 0], &frame(BINARY, b"12345")[..9]] {
        let mut client = WebSocket::guest(server.address());
        client.send_bytes(bytes);
        client.shut_down_sending();
        let (_, end) = client.rest();
        assert_eq!(end, Said::End);
    }
    server.stop();
}

fn a_server_that_drains_says_so(shards: u32) {
    let server = Server::start(shards);
    let mut clients: Vec<_> = (0..8).map(|_| WebSocket::guest(server.address())).collect();
    server.signal("TERM");
    for client in &mut clients {
        assert_eq!(close_of(client), (0, Some(4000)));
    }
    let mut server = server;
    assert_eq!(server.wait().code(), Some(0));
}

fn a_replaced_session_says_so(shards: u32) {
    let server = Server::of(shards).set("login.sessions", "newest").start();
    let log_in = || {
        let mut client = WebSocket::connect(server.address());
        client.log_in(Reading::Rest, login_body("sesame", "alice"));
        client
    };
    let mut first = log_in();
    let mut second = log_in();
    assert_eq!(close_of(&mut first), (0, Some(4506)));
    second.ping();
    server.stop();
}

fn a_refused_login_says_whether_to_come_back(shards: u32) {
    //= PROTOCOL.md#18.13
    // 4003: it could not be judged; 4007: LOGINs above the rate; 4503: refused; 4507: too many connections of this user.
    for (key, value, code) in [
        ("quotas.user.connections", "1", 4507),
        ("quotas.user.reconnects", "1/1h", 4007),
        ("quotas.node_logins", "1/1h", 4003),
    ] {
        let server = Server::of(shards).set(key, value).start();
        let mut first = WebSocket::connect(server.address());
        first.log_in(Reading::Body, login_body("sesame", "alice"));
        let mut second = WebSocket::connect(server.address());
        second.ask(LOGIN, login_body("sesame", "alice"));
        assert_eq!(close_of(&mut second), (1, Some(code)), "{key}: the answer, and then the close");
        let mut half = WebSocket::connect(server.address());
        half.ask(LOGIN, login_body("", "alice"));
        assert_eq!(close_of(&mut half), (1, Some(4503)));
        first.ping();
        server.stop();
    }
}

fn frames_above_the_rate_say_so(shards: u32) {
    //= PROTOCOL.md#18.13
    // 4007: frames above the rate.
    let server = Server::of(shards).set("quotas.connection_frames", "5/1h").start();
    let mut client = WebSocket::guest(server.address());
    (0..5).for_each(|_| client.ping());
    for _ in 0..100 {
        client.ask(PING, Vec::new());
    }
    assert_eq!(close_of(&mut client), (100, Some(4007)), "the hundredth refusal, and then the close");
    server.stop();
}

/// Of one shard: which of several is closed is not promised.
#[test]
fn who_has_to_go_for_others_is_told_to_come_back() {
    //= PROTOCOL.md#18.13
    // 4003: overloaded.
    let server = Server::of(1).set("limits.unauthenticated_max", "1").start();
    let mut oldest = WebSocket::connect(server.address());
    let mut newest = WebSocket::connect(server.address());
    assert_eq!(close_of(&mut oldest), (0, Some(4003)));
    newest.log_in(Reading::Body, Vec::new());
    server.stop();
}

fn who_takes_no_byte_hears_what_still_fits(shards: u32) {
    //= PROTOCOL.md#18.15
    // A client that took no byte may find the end of the stream, inside a message, in place of the close frame 4001.
    let plan = Server::of(shards).log_level("debug").set("fanout.stall_timeout", "1s");
    let mut server = plan.set("wire.timeouts.idle", "10m").start();
    let mut stalled = WebSocket::guest(server.address());
    assert_eq!(stalled.status_of(JOIN_CR, join_body("lobby")), OK);
    let mut speaker = server.member("speaker", "lobby");
    for _ in 0..400 {
        speaker.say("lobby", "x".repeat(60_000)); // 24 MB: more than any socket holds
    }
    speaker.ping();
    server.line_with("\"slow\"");
    let (bytes, end) = stalled.rest();
    assert_eq!(end, Said::End, "what was sent is not destroyed");
    let mut rest = &bytes[..];
    while let Some((first, payload, behind)) = whole_frame(rest) {
        rest = behind;
        match first {
            BINARY => assert_eq!(payload[8], CMS),
            CLOSE => {
                assert_eq!(payload[..2], 4001u16.to_be_bytes());
                assert!(rest.is_empty(), "behind a close comes nothing");
                println!("{shards} shards: told by a close frame");
            }
            other => panic!("{other:02x} in a stream of pushes"),
        }
    }
    assert!(
        rest.first().is_none_or(|&first| first == BINARY),
        "at most a message is cut: {:02x?}",
        rest.get(..2)
    );
    server.stop();
}

/// First byte, payload and what follows, if all of the server's frame is there.
fn whole_frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, behind) = bytes.split_first_chunk::<2>()?;
    let (len, behind) = match head[1] {
        126 => {
            behind.split_first_chunk().map(|(len, behind)| (u64::from(u16::from_be_bytes(*len)), behind))?
        }
        127 => behind.split_first_chunk().map(|(len, behind)| (u64::from_be_bytes(*len), behind))?,
        len => (u64::from(len), behind),
    };
    let (payload, behind) = behind.split_at_checked(len as usize)?;
    Some((head[0], payload, behind))
}
