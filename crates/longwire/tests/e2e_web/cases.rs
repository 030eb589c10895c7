//! Every combination of opcode, FIN, mask, length and state against the real server: one connection each.
//!
//! A combination without a row in proto/websocket-cases.txt fails the run, and so does one with two.

use super::table::{CASES, MESSAGE_MAX, lines, ping_of};
use crate::common::server::Server;
use crate::common::websocket::{CLOSE, Said, WebSocket, frame};
use std::net::SocketAddr;

const LENGTHS: [&str; 8] = ["0", "7", "16", "64", "over", "n16", "n64", "top"];
/// Connections at once.
const WORKERS: usize = 4;

#[derive(Clone, Copy, Debug)]
struct Case {
    state: &'static str,
    rsv: u8,
    opcode: u8,
    is_final: bool,
    is_masked: bool,
    length: &'static str,
}

#[test]
fn every_combination_has_its_outcome() {
    //= PROTOCOL.md#18.4
    // A text message closes with 1003.
    //= PROTOCOL.md#18.9
    // Whatever else breaks RFC 6455 closes with 1002.
    let server = Server::start(2);
    let rows: Vec<Vec<&str>> = lines(CASES).map(|line| line.split_whitespace().collect()).collect();
    assert!(rows.len() >= 150);
    let cases = all();
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (cases, rows, address) = (&cases, &rows, server.address());
            scope.spawn(move || {
                for case in cases.iter().skip(worker).step_by(WORKERS) {
                    let outcome = outcome_of(case, rows);
                    check(case, outcome, address);
                }
            });
        }
    });
    server.stop();
}

/// Reserved bits with one length alone: the first byte decides, which the table of the reader's own tests shows for all.
fn all() -> Vec<Case> {
    let mut all = Vec::new();
    for state in ["idle", "fragment", "closing"] {
        for bits in 0..1 << 9u16 {
            let (rsv, opcode) = ((bits >> 4 & 7) as u8, (bits & 0xF) as u8);
            let (is_final, is_masked) = (bits & 0x80 != 0, bits & 0x100 != 0);
            let lengths = if rsv == 0 { &LENGTHS[..] } else { &["7"] };
            all.extend(lengths.iter().map(|length| Case { state, rsv, opcode, is_final, is_masked, length }));
        }
    }
    all
}

fn outcome_of<'a>(case: &Case, rows: &[Vec<&'a str>]) -> &'a str {
    let bit = |bit: bool| u8::from(bit).to_string();
    let (rsv, opcode) = (case.rsv.to_string(), case.opcode.to_string());
    let (is_final, is_masked) = (bit(case.is_final), bit(case.is_masked));
    let columns = [case.state, &rsv, &opcode, &is_final, &is_masked, case.length];
    let fits = |row: &&Vec<&str>| {
        row.len() == 8 && columns.iter().zip(*row).all(|(is, cell)| is == cell || *cell == "*")
    };
    match rows.iter().filter(fits).collect::<Vec<_>>()[..] {
        [row] => row[6],
        ref rows => panic!("{case:?} has {} rows", rows.len()),
    }
}

impl Case {
    /// As many bytes as the head says, but none where the head alone must be refused.
    fn payload(&self) -> Vec<u8> {
        match (self.length, self.opcode) {
            ("7", 8) => [&1000u16.to_be_bytes()[..], b"good bye!"].concat(),
            ("7" | "n16" | "n64", _) => ping_of(11),
            ("16", _) => ping_of(300),
            ("64", 0 | 2) => ping_of(1 << 16),
            _ => Vec::new(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let payload = self.payload();
        let (len, masked) = (payload.len() as u64, u8::from(self.is_masked) << 7);
        let mut bytes = vec![u8::from(self.is_final) << 7 | self.rsv << 4 | self.opcode];
        match self.length {
            "0" | "7" => bytes.push(masked | len as u8),
            "16" | "n16" => bytes.extend([&[masked | 126][..], &(len as u16).to_be_bytes()].concat()),
            wide => {
                bytes.push(masked | 127);
                bytes.extend(match wide {
                    "64" => (1u64 << 16).to_be_bytes(),
                    "over" => (MESSAGE_MAX as u64 + 1).to_be_bytes(),
                    "top" => (1u64 << 63).to_be_bytes(),
                    _ => len.to_be_bytes(),
                });
            }
        }
        let mask = if self.is_masked { &[9, 8, 7, 6][..] } else { &[] };
        bytes.extend(mask);
        bytes.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask.get(at % 4).unwrap_or(&0)));
        bytes
    }
}

fn check(case: &Case, outcome: &str, address: SocketAddr) {
    let mut client = WebSocket::guest(address);
    let begun = case.state == "fragment";
    let before = match case.state {
        "fragment" => frame(0x02, &ping_of(11)),
        "closing" => frame(CLOSE, &1000u16.to_be_bytes()),
        _ => Vec::new(),
    };
    client.send_what_it_takes(&[before, case.bytes()].concat());
    let frames = usize::from(begun) + usize::from(case.payload().len() >= 11);
    match outcome {
        "message" => alive(case, &mut client, false, frames, None),
        "more" => alive(case, &mut client, true, frames, None),
        "pong" => alive(case, &mut client, begun, begun.into(), Some(case.payload())),
        "nothing" => alive(case, &mut client, begun, begun.into(), None),
        "echo" => ended(case, client, (case.length == "7").then_some(1000), begun.into()),
        "ignored" => ended(case, client, Some(1000), 0),
        code => ended(case, client, Some(code.parse().expect("a close code")), begun.into()),
    }
}

/// The connection goes on: so many PONGs of Longwire come, and the pong that is due, before the answer to a ping more.
fn alive(case: &Case, client: &mut WebSocket, in_message: bool, frames: usize, pong: Option<Vec<u8>>) {
    if pong.is_some() {
        // it is sent before the next ping is, or the next one's might take its place
        let mut messages = 0;
        loop {
            match client.next() {
                Said::Message(_) => messages += 1,
                said => break assert_eq!(Some(said), pong.map(Said::Pong), "{case:?}"),
            }
        }
        return probe(case, client, in_message, frames - messages);
    }
    probe(case, client, in_message, frames);
}

fn probe(case: &Case, client: &mut WebSocket, in_message: bool, frames: usize) {
    let end_of_message = match (in_message, frames) {
        (true, 0) => frame(0x80, &ping_of(11)), // an empty message would be a fault of the test's own
        (true, _) => frame(0x80, b""),
        (false, _) => Vec::new(),
    };
    client.send_bytes(&end_of_message);
    let of_the_end = usize::from(in_message && frames == 0);
    assert_eq!(client.still_answers().0, frames + of_the_end, "{case:?}");
}

/// So many PONGs, the close frame, the orderly end of the stream.
fn ended(case: &Case, mut client: WebSocket, code: Option<u16>, frames: usize) {
    for _ in 0..frames {
        assert!(matches!(client.next(), Said::Message(_)), "{case:?}");
    }
    match client.next() {
        Said::Close(found, _) => assert_eq!(found, code, "{case:?}"),
        said => panic!("{case:?}: {said:?}"),
    }
    assert_eq!(client.next(), Said::End, "{case:?}");
}
