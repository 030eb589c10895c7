//! A server that does what no good server does: refuses when a test wants it, stops reading, goes away.

use crate::common::bytes::*;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// Statuses that only this peer gives.
pub const BANNED: u8 = 7;
pub const NO_SUCH_ROOM: u8 = 8;
pub const REJECTED: u8 = 14;

/// Waits for clients on a port of its own.
pub struct Peer {
    listener: TcpListener,
}

/// One connection, from the peer's side.
pub struct Client {
    stream: TcpStream,
}

impl Peer {
    pub fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").expect("a free port") }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound listener")
    }

    /// The next client, its LOGIN answered with `status`.
    pub fn next_client(&self, status: u8) -> Client {
        let (stream, _) = self.listener.accept().expect("a client");
        let mut client = Client { stream };
        client.answer(LOGIN, status);
        client
    }

    /// The next client, logged in and in its room.
    pub fn next_member(&self) -> Client {
        let mut client = self.next_client(OK);
        client.answer(JOIN_CR, OK);
        client
    }
}

impl Client {
    /// Reads the next frame, which is a `command`, and answers it.
    pub fn answer(&mut self, command: u8, status: u8) {
        let seq = self.take(command);
        self.send(if command == PING { PONG } else { command }, seq, status);
    }

    /// Reads the next frame, which is a `command`: its seq.
    pub fn take(&mut self, command: u8) -> u32 {
        let frame = self.frame().expect("a frame");
        assert_eq!(frame.command, command);
        frame.seq
    }

    /// The next frame, or `None` at the end of the stream.
    pub fn frame(&mut self) -> Option<Frame> {
        let mut header = [0; 11];
        self.stream.read_exact(&mut header).ok()?;
        let number =
            |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let mut body = vec![0; number(0) as usize];
        self.stream.read_exact(&mut body).ok()?;
        Some(Frame::request(header[8], number(4), body))
    }

    /// Answers everything up to and with the next `command`. `chat` on a terminal pings when it likes.
    pub fn answer_all_until(&mut self, command: u8) {
        loop {
            let frame = self.frame().expect("a frame");
            self.send(if frame.command == PING { PONG } else { frame.command }, frame.seq, OK);
            if frame.command == command {
                return;
            }
        }
    }

    pub fn send(&mut self, command: u8, seq: u32, status: u8) {
        self.send_frame(&Frame { command, seq, status, flow: ANSWER, ..Frame::default() });
    }

    pub fn send_frame(&mut self, frame: &Frame) {
        self.stream.write_all(&frame.to_bytes(Reading::Body)).expect("the client reads");
    }
}
