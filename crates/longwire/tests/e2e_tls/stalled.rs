//! Members that read nothing, over TLS: what the books call delivered is what such a client can decrypt in the end.

use super::pair::{Pair, showing};
use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::{Uninterrupted, WAIT_MAX};
use rustls::{ClientConnection, SupportedProtocolVersion, version};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

on_one_and_four_shards!(what_the_books_call_delivered_can_be_decrypted);

const STALLED: usize = 10;
const WINDOW: usize = 1_000;
/// Some 150 bytes each: more than a socket's two buffers hold.
const WINDOWS: usize = 20;

/// The library's client, which reads when it is told to.
struct Member {
    tls: ClientConnection,
    socket: TcpStream,
    clear: Vec<u8>,
}

impl Member {
    fn join(server: SocketAddr, pair: &Pair, version: &'static SupportedProtocolVersion) -> Self {
        let socket = TcpStream::connect(server).expect("the server accepts");
        socket.set_read_timeout(Some(WAIT_MAX)).expect("a read timeout");
        let mut member = Self { tls: pair.client(version), socket, clear: Vec::new() };
        for (command, seq, body) in [(LOGIN, 1, Vec::new()), (JOIN_CR, 2, join_body("lobby"))] {
            let request = Frame::request(command, seq, body).to_bytes(Reading::Body);
            member.tls.writer().write_all(&request).expect("there is room");
            let answer = member.next_frame().expect("an answer");
            assert_eq!((answer.command, answer.seq, answer.status), (command, seq, OK));
        }
        member
    }

    /// `None`: the stream has ended, maybe within a record.
    fn next_frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, taken)) = Frame::cut_from(&self.clear, Reading::Body) {
                self.clear.drain(..taken);
                return Some(frame);
            }
            while self.tls.wants_write() {
                self.tls.write_tls(&mut self.socket).ok()?;
            }
            match self.tls.read_tls(&mut Uninterrupted(&self.socket)) {
                Ok(0) | Err(_) => return None,
                Ok(_) => self.tls.process_new_packets().ok()?,
            };
            let mut chunk = [0; 16 * 1024];
            while let Ok(bytes @ 1..) = self.tls.reader().read(&mut chunk) {
                self.clear.extend(&chunk[..bytes]);
            }
        }
    }

    fn whole_records_to_end(&mut self) -> u64 {
        let mut records = 0;
        while let Some(frame) = self.next_frame() {
            records += read_push(&frame.plain_body()).1.len() as u64;
        }
        records
    }
}

fn what_the_books_call_delivered_can_be_decrypted(shards: u32) {
    //= PROTOCOL.md#15.15
    // A stalled member never delays another and never takes a record from another.
    let pair = Pair::new();
    let plan = showing(&[&pair]).shards(shards).set("wire.timeouts.idle", "10m");
    let server = plan.set("fanout.stall_timeout", "10m").set("drain.spread", "0s").start();
    let versions = [&version::TLS12, &version::TLS13];
    let mut stalled: Vec<_> =
        (0..STALLED).map(|at| Member::join(server.address(), &pair, versions[at % 2])).collect();
    let mut reader = server.member("", "lobby");
    let mut speaker = server.member("speaker", "lobby");
    for window in 0..WINDOWS {
        let text = |n: usize| format!("{:08} {}", window * WINDOW + n, "x".repeat(100));
        let bytes: Vec<u8> = (0..WINDOW).flat_map(|n| speaker.cms_bytes("lobby", &text(n))).collect();
        speaker.send(&bytes);
        assert_eq!(reader.next_texts(WINDOW), (0..WINDOW).map(text).collect::<Vec<_>>());
    }
    let books = server.stop();
    let received: u64 = stalled.iter_mut().map(Member::whole_records_to_end).sum();
    let all = (WINDOW * WINDOWS) as u64;
    assert_eq!(books.normal.owed, all * (STALLED as u64 + 1));
    assert!(received < all * STALLED as u64, "they were behind: {received}");
    assert_eq!(books.normal.delivered, all + received, "{books:?}");
}
