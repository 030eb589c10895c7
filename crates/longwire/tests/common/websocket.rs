//! A WebSocket client of raw bytes, written from RFC 6455: knows nothing of the code it judges.
//!
//! Every frame of the server is checked against what holds for all of them: final, no mask, no reserved bit, the shortest
//! length, and in a binary message exactly one whole frame of Longwire.

use super::bytes::{Frame, LOGIN, OK, PING, Reading};
use super::{Uninterrupted, WAIT_MAX};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const WS_PING: u8 = 0x89;
/// Any will do: not a secret, and the same bytes in every run.
const MASK: [u8; 4] = [0x5A, 0x01, 0xFE, 0x37];
/// RFC 6455, 1.3: this key, and the answer to it.
const KEY: (&str, &str) = ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");

pub struct WebSocket {
    stream: TcpStream,
    input: Vec<u8>,
    reading: Reading,
    seq: u32,
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Message(Vec<u8>),
    Pong(Vec<u8>),
    /// Code and reason.
    Close(Option<u16>, String),
    /// The end of the stream.
    End,
    /// The end of a stream whose rest was destroyed.
    Reset,
}

/// What a client sends to become a WebSocket; `further` are headers with their ends of line.
pub fn upgrade(further: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n{further}\r\n",
        KEY.0
    )
}

/// Asks the server at the other end for a WebSocket, which it must become.
pub fn become_one(stream: &mut TcpStream) {
    stream.write_all(upgrade("").as_bytes()).expect("the server takes it");
    let (mut head, mut chunk) = (Vec::new(), [0; 1024]);
    while !head.ends_with(b"\r\n\r\n") {
        let read = Uninterrupted(&mut *stream).read(&mut chunk).expect("the server answers");
        assert!(read > 0, "closed within an upgrade: {:?}", String::from_utf8_lossy(&head));
        head.extend(&chunk[..read]);
    }
    assert_upgraded(&String::from_utf8(head).expect("a head is text"));
}

fn assert_upgraded(head: &str) {
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains(&format!("\r\nSec-WebSocket-Accept: {}\r\n", KEY.1)), "{head}");
}

/// A client's frame: `first` is the byte with FIN and opcode.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len());
    frame.extend(masked(payload, 0));
    frame
}

/// The head of a client's frame with `len` bytes of payload.
pub fn head(first: u8, len: usize) -> Vec<u8> {
    let mut head = match len {
        0..126 => vec![first, 0x80 | len as u8],
        126..0x1_0000 => [&[first, 0xFE][..], &(len as u16).to_be_bytes()].concat(),
        _ => [&[first, 0xFF][..], &(len as u64).to_be_bytes()].concat(),
    };
    head.extend(MASK);
    head
}

/// Payload as it travels, from byte `from` of its frame on.
pub fn masked(payload: &[u8], from: usize) -> impl Iterator<Item = u8> {
    payload.iter().enumerate().map(move |(at, byte)| byte ^ MASK[(from + at) % 4])
}

/// Of a frame of the server: how long its head is, and its payload. `None`: the head is not whole yet.
pub fn server_head(input: &[u8]) -> Option<(usize, usize)> {
    let (head, behind) = input.split_first_chunk::<2>()?;
    assert_eq!(head[1] & 0x80, 0, "a server masks nothing (5.1)");
    let (len, wide) = match head[1] {
        126 => (u64::from(u16::from_be_bytes(*behind.first_chunk()?)), 2),
        127 => (u64::from_be_bytes(*behind.first_chunk()?), 8),
        len => (len.into(), 0),
    };
    assert!(wide != 2 || len >= 126, "the shortest form (5.2)");
    assert!(wide != 8 || len >= 65_536, "the shortest form (5.2)");
    Some((2 + wide, usize::try_from(len).expect("nothing here is so long")))
}

impl WebSocket {
    /// Connects and upgrades; the first message is the caller's.
    pub fn connect(address: SocketAddr) -> Self {
        let mut client = Self::over(address);
        client.send_bytes(upgrade("").as_bytes());
        assert_upgraded(&client.head());
        client
    }

    /// Connects, and says nothing yet.
    pub fn over(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(WAIT_MAX)).expect("a read timeout");
        stream.set_write_timeout(Some(WAIT_MAX)).expect("a write timeout");
        Self { stream, input: Vec::new(), reading: Reading::Body, seq: 1000 }
    }

    /// A guest that has logged in, in the reading *body*.
    pub fn guest(address: SocketAddr) -> Self {
        let mut client = Self::connect(address);
        client.log_in(Reading::Body, Vec::new());
        client
    }

    pub fn log_in(&mut self, reading: Reading, body: Vec<u8>) {
        self.reading = reading;
        let status = self.status_of(LOGIN, body);
        assert_eq!(status, OK, "LOGIN");
    }

    /// Sends a request in a message of its own and returns the status of its answer, which is the next message.
    pub fn status_of(&mut self, command: u8, body: Vec<u8>) -> u8 {
        let seq = self.ask(command, body);
        let answer = self.next_frame();
        assert_eq!(answer.seq, seq, "{answer:?}");
        answer.status
    }

    /// Sends a request in a message of its own.
    pub fn ask(&mut self, command: u8, body: Vec<u8>) -> u32 {
        self.seq += 1;
        let request = Frame::request(command, self.seq, body).to_bytes(self.reading);
        self.send_bytes(&frame(BINARY, &request));
        self.seq
    }

    /// PING and PONG of Longwire.
    pub fn ping(&mut self) {
        assert_eq!(self.status_of(PING, Vec::new()), OK);
    }

    /// Sends a PING of either kind, and reads up to both answers. What came before: how many messages, and the last pong.
    /// Between messages and pongs no order is promised, among messages it is.
    pub fn still_answers(&mut self) -> (usize, Option<Vec<u8>>) {
        let last = self.ask(PING, Vec::new());
        self.send_bytes(&frame(WS_PING, b"there?"));
        let (mut messages, mut pong, mut answered, mut ponged) = (0, None, false, false);
        while !(answered && ponged) {
            match self.next() {
                Said::Message(message) => {
                    answered = self.only_frame_of(&message).seq == last;
                    messages += usize::from(!answered);
                }
                Said::Pong(payload) if payload == b"there?" => ponged = true,
                Said::Pong(payload) => pong = Some(payload),
                said => panic!("it should live on: {said:?}"),
            }
        }
        (messages, pong)
    }

    /// The next message's frame.
    pub fn next_frame(&mut self) -> Frame {
        match self.next() {
            Said::Message(message) => self.only_frame_of(&message),
            other => panic!("a message was due: {other:?}"),
        }
    }

    //= PROTOCOL.md#18.5
    // Each message of the server is exactly one whole frame.
    pub fn only_frame_of(&self, message: &[u8]) -> Frame {
        match Frame::cut_from(message, self.reading) {
            Some((frame, taken)) if taken == message.len() => frame,
            other => panic!("a message is one whole frame: {other:02x?} of {message:02x?}"),
        }
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes it");
    }

    /// To a server that may close at any moment; what it does not take is lost.
    pub fn send_what_it_takes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub fn shut_down_sending(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// What the server says next.
    pub fn next(&mut self) -> Said {
        loop {
            if let Some((said, taken)) = self.cut() {
                self.input.drain(..taken);
                return said;
            }
            match self.read_once() {
                Ok(0) => {
                    assert!(self.input.is_empty(), "the stream ends within a frame: {:02x?}", self.input);
                    return Said::End;
                }
                Ok(_) => {}
                Err(err) if err.kind() == ErrorKind::ConnectionReset => return Said::Reset,
                Err(err) => panic!("nothing came: {err}; unread: {:02x?}", self.input),
            }
        }
    }

    /// An answer's head, with its empty line.
    pub fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.input.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.input.drain(..end + 4).collect();
                return String::from_utf8(head).expect("a head is text");
            }
            let read = self.read_once().expect("the server answers");
            assert!(read > 0, "closed within an answer: {:?}", String::from_utf8_lossy(&self.input));
        }
    }

    /// All there is up to the end of the stream, and whether that was orderly.
    pub fn rest(mut self) -> (Vec<u8>, Said) {
        loop {
            match self.read_once() {
                Ok(0) => return (self.input, Said::End),
                Ok(_) => {}
                Err(err) if err.kind() == ErrorKind::ConnectionReset => return (self.input, Said::Reset),
                Err(err) => panic!("it does not end: {err}"),
            }
        }
    }

    fn read_once(&mut self) -> std::io::Result<usize> {
        let mut chunk = [0; 64 * 1024];
        let taken = Uninterrupted(&self.stream).read(&mut chunk)?;
        self.input.extend(&chunk[..taken]);
        Ok(taken)
    }

    /// One frame of the server, if all of it is here.
    fn cut(&self) -> Option<(Said, usize)> {
        let (head, len) = server_head(&self.input)?;
        let payload = self.input.get(head..head + len)?;
        let said = match self.input[0] {
            BINARY => Said::Message(payload.to_vec()),
            0x8A => Said::Pong(payload.to_vec()),
            CLOSE => close_of(payload),
            other => panic!("no frame of this server begins with {other:02x}"),
        };
        Some((said, head + len))
    }
}

fn close_of(payload: &[u8]) -> Said {
    assert!(payload.len() <= 125 && payload.len() != 1, "a close frame (5.5): {payload:02x?}");
    match payload.split_first_chunk() {
        None => Said::Close(None, String::new()),
        Some((code, reason)) => {
            let reason = String::from_utf8(reason.to_vec()).expect("a reason is UTF-8");
            Said::Close(Some(u16::from_be_bytes(*code)), reason)
        }
    }
}
