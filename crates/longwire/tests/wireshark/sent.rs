//! A capture of the real server: tshark shows what was sent, in both readings, plain and gzipped.

use crate::capture::Capture;
use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::Raw;
use crate::common::server::Server;
use crate::tshark::{Said, dissect};

const ROOM: &str = "wire room";

/// What a side sent, written down beside it in the dissector's names.
#[derive(Default)]
struct Noted(Said);

impl Noted {
    fn add(&mut self, name: &'static str, value: impl ToString) {
        self.0.entry(name).or_default().push(value.to_string());
    }

    fn frame(&mut self, frame: &Frame, reading: Reading) {
        let more = if reading == Reading::Rest { 7 } else { 0 };
        self.add("len", frame.body.len() + more);
        self.add("seq", frame.seq);
        self.add("command", frame.command);
        self.add("version", frame.version);
        self.add("compression", frame.compression);
        self.add("flow", frame.flow);
        self.add("status", frame.status);
        self.add("reading", if reading == Reading::Rest { "rest" } else { "body" });
    }

    fn push(&mut self, frame: &Frame) {
        let (room, records) = read_push(&frame.plain_body());
        self.add("push.chatroom", room);
        for record in records {
            self.add("message.messageContent", hex(&record.content));
            self.add("message.from", record.from);
            self.add("message.to", record.to);
            self.add("message.timestamp", record.timestamp);
            if let Some(user) = record.user {
                self.add("userInfo.nickname", user.nickname);
                user.tags.iter().for_each(|tag| self.add("userInfo.tag", tag));
            }
            if record.message_type != 0 {
                self.add("message.messageType", record.message_type);
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A client that writes down all it says and hears.
struct Client {
    raw: Raw,
    port: u16,
    said: Noted,
    heard: Noted,
}

impl Client {
    fn connect(server: &Server, reading: Reading, version: u8, gzip: bool) -> Self {
        let raw = server.connect().with(reading, version, gzip);
        let port = raw.writer().local_addr().unwrap().port();
        Self { raw, port, said: Noted::default(), heard: Noted::default() }
    }

    /// The bytes of a request, gzipped where the client speaks gzip.
    fn request(&mut self, command: u8, body: Vec<u8>) -> Vec<u8> {
        let mut frame = self.raw.request(command, body);
        if self.raw.gzip && !frame.body.is_empty() {
            frame.body = gzip(&frame.body);
        }
        frame.compression = u8::from(self.raw.gzip);
        self.said.frame(&frame, self.raw.reading);
        frame.to_bytes(self.raw.reading)
    }

    fn ask(&mut self, command: u8, body: Vec<u8>) -> Frame {
        let bytes = self.request(command, body);
        self.raw.send(&bytes);
        self.hear()
    }

    fn hear(&mut self) -> Frame {
        let frame = self.raw.next_frame();
        self.heard.frame(&frame, self.raw.reading);
        if frame.flow == NOTIFY {
            self.heard.push(&frame);
        }
        frame
    }

    fn log_in(&mut self, user: &str) {
        let body = [login_body("token of wire", user), number(77, 5)].concat();
        assert_eq!(self.ask(LOGIN, body).status, OK);
        self.said.add("login.token", "token of wire");
        self.said.add("login.userId", user);
        self.said.add("unknown.number", 77);
    }

    fn join(&mut self) {
        assert_eq!(self.ask(JOIN_CR, join_body(ROOM)).status, OK);
        self.said.add("join.chatroomId", ROOM);
    }

    fn say(&mut self, content: &[u8], more: Vec<u8>) -> Vec<u8> {
        self.said.add("message.messageContent", hex(content));
        self.said.add("message.to", ROOM);
        self.request(CMS, [cms_body(ROOM, content), more].concat())
    }
}

fn shown_is_sent(shards: u32, reading: Reading, version: u8, is_gzip: bool) {
    let server = Server::start(shards);
    let capture = Capture::of(server.address().port());
    let mut alice = Client::connect(&server, reading, version, is_gzip);
    let mut bob = Client::connect(&server, reading, version, is_gzip);
    alice.log_in("alice");
    bob.log_in("bob");
    alice.join();
    bob.join();

    // Three frames in one segment.
    let user = [number(1, 3), bytes(3, "Alice"), bytes(4, "vip"), bytes(4, "new")].concat();
    let gift = [bytes(5, user), number(6, 2)].concat();
    let together = [
        alice.request(PING, Vec::new()),
        alice.say(b"hello", Vec::new()),
        alice.say("a rose \u{1F339}".as_bytes(), gift),
    ];
    alice.said.add("userInfo.nickname", "Alice");
    alice.said.add("userInfo.tag", "vip");
    alice.said.add("userInfo.tag", "new");
    alice.said.add("message.messageType", 2);
    alice.raw.send(&together.concat());
    assert_eq!(alice.hear().command, PONG);

    // One frame over many segments: more than a segment of the loopback interface holds, and shrinks when gzipped.
    let long: Vec<u8> = (0..65_000_u32).map(|at| b"what the room says "[at as usize % 19]).collect();
    let bytes = alice.say(&long, Vec::new());
    bytes.chunks(9000).for_each(|piece| alice.raw.send(piece));
    assert_eq!(alice.ask(PING, Vec::new()).command, PONG);

    let mut heard = 0;
    while heard < 3 {
        heard += read_push(&bob.hear().plain_body()).1.len();
    }
    // A refusal, and the end.
    assert_eq!(bob.ask(60, Vec::new()).status, UNSUPPORTED);
    for client in [&mut alice, &mut bob] {
        let goodbye = client.request(LOGOUT, Vec::new());
        client.raw.send(&goodbye);
        assert!(client.raw.next_frame_or_end().is_err());
    }

    let mut shown = dissect(&capture.finish(), server.address().port());
    for client in [alice, bob] {
        for (from_client, noted) in [(true, client.said), (false, client.heard)] {
            let mut said = shown.remove(&(client.port, from_client)).expect("tshark shows this side");
            said.retain(|_, values| !values.is_empty());
            for (name, values) in &noted.0 {
                assert_eq!(said.get(name), Some(values), "{name}, from the client: {from_client}");
            }
            assert_eq!(said.len(), noted.0.len(), "no field is shown that was not sent: {:?}", said.keys());
        }
    }
    assert!(shown.is_empty(), "nobody else spoke");
}

fn the_reading_body_is_shown_as_it_was_sent(shards: u32) {
    shown_is_sent(shards, Reading::Body, 1, false);
}

fn the_reading_rest_is_shown_as_it_was_sent(shards: u32) {
    shown_is_sent(shards, Reading::Rest, 15, false);
}

fn gzip_is_inflated_in_both_readings(shards: u32) {
    shown_is_sent(shards, Reading::Body, 0, true);
    shown_is_sent(shards, Reading::Rest, 7, true);
}

on_one_and_four_shards!(
    the_reading_body_is_shown_as_it_was_sent,
    the_reading_rest_is_shown_as_it_was_sent,
    gzip_is_inflated_in_both_readings,
);
