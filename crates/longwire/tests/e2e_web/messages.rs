//! Frames in messages: readings, many in one, and what members of a room hear whatever carries them (section 18).

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::server::Server;
use crate::common::websocket::{BINARY, Said, WS_PING, WebSocket, frame, upgrade};
use std::time::Duration;

on_one_and_four_shards!(
    a_first_message_tells_its_reading,
    a_first_message_may_hold_more_than_the_login,
    a_first_message_that_splits_in_neither_reading_closes_with_1002,
    a_first_message_that_splits_in_both_is_read_as_a_stream_is,
    a_first_message_without_a_login_closes_with_4500,
    a_first_message_is_looked_at_once_it_has_ended,
    members_hear_each_other_whatever_carries_them,
    pushes_of_every_header_length_arrive_whole,
    a_client_that_reads_gzip_gets_it,
    a_frame_may_be_cut_by_fragments_anywhere,
    many_messages_in_one_segment_are_all_answered,
    neither_a_request_nor_a_ping_begins_a_login,
);

fn request(command: u8, seq: u32, body: Vec<u8>, reading: Reading) -> Vec<u8> {
    Frame::request(command, seq, body).to_bytes(reading)
}

fn a_first_message_tells_its_reading(shards: u32) {
    //= PROTOCOL.md#18.2
    // The reading is the one under which the message with the LOGIN splits exactly into whole frames.
    let server = Server::start(shards);
    // the last field is seven bytes: cut off there, a stream would take the other reading
    let late = [login_body("sesame", "alice"), vec![0x1A, 5, b'e', b'x', b't', b'r', b'a']].concat();
    for reading in READINGS {
        for body in [Vec::new(), login_body("sesame", "alice"), late.clone()] {
            let mut client = WebSocket::connect(server.address());
            client.log_in(reading, body);
            client.ping();
        }
    }
    server.stop();
}

fn a_first_message_may_hold_more_than_the_login(shards: u32) {
    //= PROTOCOL.md#18.1
    // One binary message of the client holds one whole frame or more.
    let server = Server::start(shards);
    for reading in READINGS {
        let mut client = WebSocket::connect(server.address());
        let frames = [
            request(LOGIN, 1, login_body("sesame", "alice"), reading),
            request(JOIN_CR, 2, join_body("lobby"), reading),
            request(PING, 3, Vec::new(), reading),
        ];
        client.send_bytes(&frame(BINARY, &frames.concat()));
        for (command, seq) in [(LOGIN, 1), (JOIN_CR, 2), (PONG, 3)] {
            let Said::Message(message) = client.next() else { panic!("an answer was due") };
            let (answer, taken) = Frame::cut_from(&message, reading).expect("a whole frame");
            assert_eq!(taken, message.len());
            assert_eq!((answer.command, answer.seq, answer.status), (command, seq, OK));
        }
    }
    server.stop();
}

fn a_first_message_that_splits_in_neither_reading_closes_with_1002(shards: u32) {
    let server = Server::start(shards);
    let login = request(LOGIN, 1, login_body("sesame", "alice"), Reading::Body);
    let one_short = &login[..login.len() - 1];
    let one_more = [&login[..], &[0]].concat();
    for message in [one_short, &one_more, &login[..4], &[0]] {
        let mut client = WebSocket::connect(server.address());
        client.send_what_it_takes(&frame(BINARY, message));
        closes(client, 1002);
    }
    server.stop();
}

fn a_first_message_that_splits_in_both_is_read_as_a_stream_is(shards: u32) {
    //= PROTOCOL.md#18.14
    // Where the first message splits into whole frames in both readings, section 3 tells which it is.
    let server = Server::start(shards);
    let login = request(LOGIN, 1, vec![0x1A, 6, b'u', b'n', b'k', b'n', b'o', b'w'], Reading::Rest);
    // read as `body`, the LOGIN takes 26 bytes, and the next frame's len is this one's status
    let odd = Frame { status: 1, ..Frame::request(0, 0x100, vec![0; 8]) }.to_bytes(Reading::Rest);
    let mut client = WebSocket::connect(server.address());
    client.send_bytes(&frame(BINARY, &[login, odd].concat()));
    for (command, status) in [(LOGIN, OK), (0, UNSUPPORTED)] {
        let Said::Message(message) = client.next() else { panic!("an answer was due") };
        let (answer, _) =
            Frame::cut_from(&message, Reading::Rest).expect("in the reading that section 3 tells");
        assert_eq!((answer.command, answer.status), (command, status));
    }
    server.stop();
}

fn a_first_message_without_a_login_closes_with_4500(shards: u32) {
    let server = Server::start(shards);
    for command in [0, PING, JOIN_CR, CMS, 64, 255] {
        let mut client = WebSocket::connect(server.address());
        client.send_what_it_takes(&frame(BINARY, &request(command, 1, Vec::new(), Reading::Body)));
        closes(client, 4500);
    }
    server.stop();
}

fn a_first_message_is_looked_at_once_it_has_ended(shards: u32) {
    //= PROTOCOL.md#18.16
    // What 5.9 refuses from a header is refused then.
    let server = Server::start(shards);
    for header in
        [Frame::request(PING, 1, Vec::new()), Frame { flow: 2, ..Frame::request(LOGIN, 1, Vec::new()) }]
    {
        let mut client = WebSocket::connect(server.address());
        let begun = frame(0x02, &header.to_bytes(Reading::Body));
        client.send_bytes(&[begun, frame(WS_PING, b"still there?")].concat());
        assert_eq!(client.next(), Said::Pong(b"still there?".to_vec()));
        client.send_what_it_takes(&frame(0x80, b""));
        closes(client, 4500);
    }
    server.stop();
}

/// Without a message before it.
fn closes(mut client: WebSocket, expected: u16) {
    match client.next() {
        Said::Close(code, _) => assert_eq!(code, Some(expected)),
        said => panic!("a close with {expected} was due: {said:?}"),
    }
    assert_eq!(client.next(), Said::End);
}

/// A user of a room, in the reading *rest* where its name has an odd length.
fn member(server: &Server, name: &str, room: &str) -> WebSocket {
    let mut client = WebSocket::connect(server.address());
    client.log_in(READINGS[name.len() % 2], login_body("sesame", name));
    assert_eq!(client.status_of(JOIN_CR, join_body(room)), OK);
    client
}

fn next_record(client: &mut WebSocket) -> Record {
    let push = client.next_frame();
    assert_eq!((push.flow, push.command, push.seq), (NOTIFY, CMS, 0));
    let (_, mut records) = read_push(&push.plain_body());
    assert_eq!(records.len(), 1, "nobody else spoke meanwhile");
    records.remove(0)
}

fn members_hear_each_other_whatever_carries_them(shards: u32) {
    let server = Server::start(shards);
    let (mut even, mut odd) = (member(&server, "even", "lobby"), member(&server, "odd", "lobby"));
    let mut raw = server.member("raw", "lobby");
    for round in 0..20 {
        let text = |who: &str| format!("{who} {round}");
        even.ask(CMS, cms_body("lobby", text("even")));
        assert_eq!(next_record(&mut odd).text(), text("even"));
        assert_eq!(raw.next_record().text(), text("even"));
        raw.say("lobby", text("raw"));
        assert_eq!(next_record(&mut odd).text(), text("raw"));
        assert_eq!(next_record(&mut even).text(), text("raw"), "and not its own");
    }
    even.ping();
    server.stop();
}

fn pushes_of_every_header_length_arrive_whole(shards: u32) {
    let server = Server::start(shards);
    let mut listeners = [member(&server, "even", "lobby"), member(&server, "odd", "lobby")];
    let mut raw = server.member("raw", "lobby");
    // around 125, 65,535 and the largest message there is
    let largest = 64 * 1024 - 50;
    for len in
        (40..130).step_by(5).chain([1000, 60_000]).chain((65_400..largest).step_by(13)).chain([largest])
    {
        let content = "x".repeat(len);
        raw.say("lobby", &content);
        for listener in &mut listeners {
            assert_eq!(next_record(listener).text().len(), len);
        }
    }
    raw.ping();
    server.stop();
}

fn a_client_that_reads_gzip_gets_it(shards: u32) {
    let server = Server::start(shards);
    let mut client = WebSocket::connect(server.address());
    let login = Frame { compression: GZIP, ..Frame::request(LOGIN, 1, Vec::new()) };
    client.send_bytes(&frame(BINARY, &login.to_bytes(Reading::Body)));
    assert_eq!(client.next_frame().status, OK);
    assert_eq!(client.status_of(JOIN_CR, join_body("lobby")), OK);
    let mut raw = server.member("raw", "lobby");
    raw.say("lobby", "x".repeat(5000));
    let push = client.next_frame();
    assert_eq!(push.compression, GZIP);
    assert_eq!(read_push(&push.plain_body()).1[0].text(), "x".repeat(5000));
    server.stop();
}

fn a_frame_may_be_cut_by_fragments_anywhere(shards: u32) {
    let server = Server::start(shards);
    let mut speaker = member(&server, "even", "lobby");
    let mut raw = server.member("raw", "lobby");
    let cms = request(CMS, 9, cms_body("lobby", "in pieces"), Reading::Body);
    for cut in 0..=cms.len() {
        let pieces = [frame(0x02, &cms[..cut]), frame(WS_PING, b"x"), frame(0x80, &cms[cut..])];
        speaker.send_bytes(&pieces.concat());
        assert_eq!(raw.next_record().text(), "in pieces", "cut at {cut}");
        assert_eq!(speaker.next(), Said::Pong(b"x".to_vec()));
    }
    server.stop();
}

fn many_messages_in_one_segment_are_all_answered(shards: u32) {
    let server = Server::start(shards);
    let mut client = WebSocket::guest(server.address());
    let pings = (0..500).flat_map(|seq| frame(BINARY, &request(PING, seq, Vec::new(), Reading::Body)));
    client.send_bytes(&pings.collect::<Vec<_>>());
    for seq in 0..500 {
        assert_eq!(client.next_frame().seq, seq);
    }
    server.stop();
}

fn neither_a_request_nor_a_ping_begins_a_login(shards: u32) {
    //= PROTOCOL.md#9.2
    // A LOGIN is complete within its time from its first byte: nothing else has begun it.
    let plan = Server::of(shards).set("wire.timeouts.login", "1s").set("wire.timeouts.login_start", "10s");
    let server = plan.start();
    let mut by_request = WebSocket::over(server.address());
    let mut bystander = server.guest();
    let request = upgrade("");
    by_request.send_bytes(&request.as_bytes()[..40]);
    (0..2).for_each(|_| bystander.ping()); // the server has read that far
    by_request.send_bytes(&request.as_bytes()[40..]);
    assert!(by_request.head().starts_with("HTTP/1.1 101 "));
    let mut by_ping = WebSocket::connect(server.address());
    by_ping.send_bytes(&frame(WS_PING, b"early"));
    assert_eq!(by_ping.next(), Said::Pong(b"early".to_vec()));
    std::thread::sleep(Duration::from_secs(2)); // what is tested is time: longer than a LOGIN may take
    for mut late in [by_request, by_ping] {
        late.log_in(Reading::Body, Vec::new());
    }
    server.stop();
}
