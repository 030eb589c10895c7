//! A session against scripted bytes: no socket, no clock.

mod calls;
mod dialect;
mod hostile;
mod life;

use super::*;
use longwire_wire::{
    Compression, ConnectFlag, Decoder, Deflater, Dialect, Flow, Header, LengthReading, Status, put_frame,
    put_header,
};

const LOGIN: u8 = 1;
const PING: u8 = 3;
const PONG: u8 = 4;
const JOIN: u8 = 5;
const CMS: u8 = 6;
const S: Duration = Duration::from_secs(1);

fn user() -> crate::ConfigBuilder {
    Config::builder("server:7610").user("alice", "secret")
}

/// A session and the time it is told.
struct Talk {
    session: Session,
    now: Instant,
    length: LengthReading,
}

/// A frame of the client's, as the server reads it.
#[derive(Debug)]
struct Request {
    code: u8,
    seq: u32,
    flag: ConnectFlag,
    body: Vec<u8>,
}

impl Talk {
    fn new(config: &Config, login: &Login, standing: Standing) -> Self {
        let now = Instant::now();
        let session = Session::new(config, login, standing, 1, now);
        Self { session, now, length: config.wire.length }
    }

    /// Alice, logged in, in the lobby; LOGIN took seq 1 and JOIN seq 2.
    fn in_lobby(config: crate::ConfigBuilder) -> Self {
        let config = config.build().unwrap();
        let mut talk = Self::new(&config, &Login::user("alice", "secret"), Standing::default());
        assert_eq!(talk.hear(&answer(LOGIN, 1, 0)), ["logged in"]);
        talk.session.join("lobby", talk.now).unwrap();
        assert_eq!(talk.hear(&answer(JOIN, 2, 0)), ["1: Done"]);
        talk.sent();
        talk
    }

    /// The next connection of the same client.
    fn reconnect(self, config: &Config) -> Self {
        Self::new(config, &Login::user("alice", "secret"), self.session.into_standing())
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<String> {
        self.session.handle_bytes(bytes, self.now);
        std::iter::from_fn(|| self.session.poll_event()).map(told).collect()
    }

    fn pass(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        self.session.handle_timeout(self.now);
        self.hear(&[])
    }

    fn send(&mut self, text: &str) -> SendId {
        self.session.send(Outgoing::new("lobby", text), self.now).unwrap()
    }

    /// What the socket takes; all of it.
    fn sent(&mut self) -> Vec<Request> {
        let bytes = self.session.poll_transmit().to_vec();
        self.session.handle_transmitted(bytes.len());
        let (mut rest, mut requests) = (&bytes[..], Vec::new());
        while let Some((frame, taken)) = Decoder::new(self.length, u32::MAX).next(rest).unwrap() {
            let Header { command: code, seq, flag, .. } = frame.header;
            assert_eq!(flag.flow(), Flow::Request);
            requests.push(Request { code, seq, flag, body: frame.body.to_vec() });
            rest = &rest[taken..];
        }
        assert!(rest.is_empty(), "half a frame of our own");
        requests
    }

    fn sent_codes(&mut self) -> Vec<u8> {
        self.sent().iter().map(|request| request.code).collect()
    }
}

fn told(event: SessionEvent) -> String {
    match event {
        SessionEvent::LoggedIn => "logged in".into(),
        SessionEvent::Answered(ticket, Ok(answer)) => format!("{}: {answer:?}", ticket.0),
        SessionEvent::Answered(ticket, Err(refusal)) => format!("{}: {refusal}", ticket.0),
        SessionEvent::Message(message) => {
            let Received { room, from, timestamp_ms, message_type, .. } = &message;
            format!("{room} {from}@{timestamp_ms} {message_type:?}: {}", message.text().unwrap_or("?"))
        }
        SessionEvent::Refused(refusal) => format!("refused {refusal}"),
        SessionEvent::Failed(fault) => format!("failed: {fault}"),
    }
}

const DIALECT: Dialect = Dialect { length: LengthReading::Body, version: 0, gzip: false };

fn frame_in(length: LengthReading, code: u8, flow: Flow, seq: u32, status: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_frame(&mut out, Dialect { length, ..DIALECT }, code, flow, seq, Status(status), body);
    out
}

fn answer(code: u8, seq: u32, status: u8) -> Vec<u8> {
    frame_in(LengthReading::Body, code, Flow::Answer, seq, status, &[])
}

fn push(body: &[u8]) -> Vec<u8> {
    frame_in(LengthReading::Body, CMS, Flow::Notify, 0, 0, body)
}

fn gzip_push_in(length: LengthReading, body: &[u8]) -> Vec<u8> {
    let (mut zipped, mut out) = (Vec::new(), Vec::new());
    Deflater::new(6).deflate(body, &mut zipped);
    let dialect = Dialect { length, ..DIALECT };
    put_header(&mut out, dialect, CMS, Flow::Notify, Compression::Gzip, 0, Status::OK, zipped.len());
    out.extend(zipped);
    out
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn bytes_field(number: u8, value: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// A push body written by hand: (from, text, type) each.
fn batch(room: &str, messages: &[(&str, &str, u8)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (n, (from, text, kind)) in messages.iter().enumerate() {
        let mut record = Vec::new();
        bytes_field(1, text.as_bytes(), &mut record);
        bytes_field(2, from.as_bytes(), &mut record);
        record.push(4 << 3);
        varint(1000 + n as u64, &mut record);
        record.extend([6 << 3, *kind]);
        bytes_field(1, &record, &mut body);
    }
    bytes_field(2, room.as_bytes(), &mut body);
    body
}
