//! The tables of what a client's frames lead to, walked with the reader alone: every combination, every row, cut anywhere.
//!
//! The same tables are walked end to end; what the harness here adds to the reader is what its owner does: it splits
//! messages into frames.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::property::{Heard, Said, frame};
use super::{Event, Fault, Reader, Span};

const CASES: &str = include_str!("../../../../proto/websocket-cases.txt");
const SEQUENCES: &str = include_str!("../../../../proto/websocket-sequences.txt");
/// The longest message: the longest frame.
const MESSAGE_MAX: usize = super::message_max(64 * 1024);
/// A PING in the reading *body*.
const PING: [u8; 11] = [0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0];
const LENGTHS: [&str; 8] = ["0", "7", "16", "64", "over", "n16", "n64", "top"];

/// One frame in one state.
#[derive(Clone, Copy, Debug)]
struct Combination {
    state: &'static str,
    rsv: u8,
    opcode: u8,
    is_final: bool,
    is_masked: bool,
    length: &'static str,
}

impl Combination {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for state in ["idle", "fragment", "closing"] {
            for bits in 0..1 << 9u16 {
                let (rsv, opcode) = ((bits >> 4 & 7) as u8, (bits & 0xF) as u8);
                let (is_final, is_masked) = (bits & 0x80 != 0, bits & 0x100 != 0);
                let of = |length| Self { state, rsv, opcode, is_final, is_masked, length };
                all.extend(LENGTHS.map(of));
            }
        }
        all
    }

    /// The columns of the table, as it writes them.
    fn columns(&self) -> [String; 6] {
        let bit = |bit: bool| u8::from(bit).to_string();
        let (state, length) = (self.state.to_owned(), self.length.to_owned());
        [
            state,
            self.rsv.to_string(),
            self.opcode.to_string(),
            bit(self.is_final),
            bit(self.is_masked),
            length,
        ]
    }

    /// What comes behind the head. Where the head must do for a fault, no 64 KiB follow it.
    fn payload(&self) -> Vec<u8> {
        let is_read = self.rsv == 0 && self.is_masked && [0, 2].contains(&self.opcode);
        match (self.length, self.opcode) {
            ("7", 8) => [&1000u16.to_be_bytes()[..], b"good bye!"].concat(),
            ("7" | "n16" | "n64", _) => PING.to_vec(),
            ("16", _) => long_ping(300),
            ("64", _) if is_read => long_ping(1 << 16),
            _ => Vec::new(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let payload = self.payload();
        let mask = if self.is_masked { 0x80 } else { 0 };
        let len = payload.len() as u64;
        let length = match self.length {
            "0" | "7" => vec![mask | len as u8],
            "16" | "n16" => [&[mask | 126][..], &(len as u16).to_be_bytes()].concat(),
            "64" => [&[mask | 127][..], &(1u64 << 16).to_be_bytes()].concat(),
            "n64" => [&[mask | 127][..], &len.to_be_bytes()].concat(),
            "over" => [&[mask | 127][..], &(MESSAGE_MAX as u64 + 1).to_be_bytes()].concat(),
            _ => [&[mask | 127, 0x80][..], &[0; 6], &[1]].concat(),
        };
        let first = u8::from(self.is_final) << 7 | self.rsv << 4 | self.opcode;
        let key: &[u8] = if self.is_masked { &[0x37, 0xFA, 0x21, 0x3D] } else { &[] };
        let masked = payload.iter().enumerate().map(|(at, byte)| byte ^ key.get(at % 4).unwrap_or(&0));
        [first].into_iter().chain(length).chain(key.iter().copied()).chain(masked).collect()
    }

    /// What the client sent to come into the state.
    fn before(&self) -> Vec<u8> {
        match self.state {
            "fragment" => frame(0x02, &PING),
            "closing" => frame(0x88, &1000u16.to_be_bytes()),
            _ => Vec::new(),
        }
    }
}

/// A PING of so many bytes: its body is ignored.
fn long_ping(bytes: usize) -> Vec<u8> {
    let mut ping = PING.to_vec();
    ping[..4].copy_from_slice(&((bytes - PING.len()) as u32).to_be_bytes());
    ping.resize(bytes, b'z');
    ping
}

fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The rows of the first table, cell by cell.
static ROWS: LazyLock<Vec<Vec<&str>>> =
    LazyLock::new(|| lines(CASES).map(|line| line.split_whitespace().collect()).collect());

/// The outcome that the one row for `combination` gives, and the section it names.
fn expected(combination: &Combination) -> (&'static str, &'static str) {
    let columns = combination.columns();
    let fits = |row: &&Vec<&str>| {
        columns.iter().zip(row.iter()).all(|(column, cell)| cell == column || *cell == "*")
    };
    match ROWS.iter().filter(fits).collect::<Vec<_>>()[..] {
        [row] => (row[6], row[7]),
        ref rows => panic!("{combination:?} has {} rows", rows.len()),
    }
}

/// What is heard in the state behind `before`; `MESSAGE_MAX` is the limit.
fn outcome(combination: &Combination) -> String {
    let (before, bytes) = (combination.before(), combination.bytes());
    let earlier = Heard::listen(&before, before.len().max(1), MESSAGE_MAX);
    let heard = Heard::listen(&[before, bytes].concat(), 1 << 20, MESSAGE_MAX);
    let mut payload = earlier.open.clone();
    payload.extend(combination.payload());
    match &heard.said[earlier.said.len()..] {
        [] if combination.state == "closing" => "ignored".to_owned(),
        [] => {
            assert_eq!(heard.open, payload);
            "more".to_owned()
        }
        [Said::Message(message)] => {
            assert_eq!((message, &heard.open), (&payload, &Vec::new()));
            "message".to_owned()
        }
        [Said::Ping(ping)] => {
            assert_eq!((ping, &heard.open), (&combination.payload(), &earlier.open));
            "pong".to_owned()
        }
        [Said::Pong] => "nothing".to_owned(),
        [Said::Close(code)] => {
            assert_eq!(code.is_some(), combination.length == "7");
            "echo".to_owned()
        }
        [Said::Fail(fault)] => fault.code().to_string(),
        said => panic!("{combination:?}: {said:?}"),
    }
}

#[test]
fn every_combination_has_one_row_and_its_outcome() {
    let all = Combination::all();
    assert_eq!(all.len(), 3 * 8 * 16 * 2 * 2 * 8);
    for combination in &all {
        let (expected, section) = expected(combination);
        assert_eq!(outcome(combination), expected, "{combination:?}, section {section}");
    }
}

#[test]
fn every_row_has_a_combination_and_a_section() {
    assert!(ROWS.len() >= 150, "{} rows", ROWS.len());
    let all: Vec<_> = Combination::all().iter().map(Combination::columns).collect();
    for row in ROWS.iter() {
        assert_eq!(row.len(), 8, "{row:?}");
        let fits = |columns: &[String; 6]| {
            columns.iter().zip(row).all(|(column, cell)| cell == column || *cell == "*")
        };
        assert!(all.iter().any(fits), "no combination is in {row:?}");
        assert!(row[7].split('.').all(|part| part.parse::<u8>().is_ok()), "{row:?} names a section");
    }
}

/// The frames of a row of the second table.
fn sequence(frames: &str) -> Vec<u8> {
    frames.split_whitespace().flat_map(one_token).collect()
}

fn one_token(token: &str) -> Vec<u8> {
    let (first, payload) = token.split_once(':').expect("FIRST:PAYLOAD");
    let first = u8::from_str_radix(first, 16).expect("a byte in hex");
    match payload.strip_prefix("-*") {
        Some(times) => frame(first, b"").repeat(times.parse().expect("a number")),
        None => frame(first, &payload.split(',').flat_map(part).collect::<Vec<_>>()),
    }
}

fn part(part: &str) -> Vec<u8> {
    let (bytes, times) = part.split_once('*').unwrap_or((part, "1"));
    let bytes = match bytes {
        "-" => Vec::new(),
        "ping" => PING.to_vec(),
        "long" => long_ping(MESSAGE_MAX),
        hex => (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
            .collect(),
    };
    bytes.repeat(times.parse().expect("a number"))
}

/// What the reader's owner makes of `stream`, in the words of the second table.
fn told(stream: &[u8], cuts: &[usize]) -> String {
    let mut told = Told::default();
    let (mut reader, mut held, mut payload) = (Reader::default(), Vec::new(), 0);
    let ends = cuts.iter().copied().chain([stream.len()]);
    let mut from = 0;
    for end in ends {
        held.extend_from_slice(&stream[from..end]);
        from = end;
        let mut span = Span::behind(payload);
        while told.end.is_none() {
            let event = reader.advance(&mut held, &mut span, MESSAGE_MAX);
            if event == Event::More {
                break;
            }
            told.hear(&event, &held, &mut span);
        }
        told.take_frames(&held, &mut span);
        payload = span.payload.len();
        held = [&held[span.payload], &held[span.raw..]].concat();
    }
    told.in_words()
}

#[derive(Default)]
struct Told {
    frames: usize,
    pong: Option<Vec<u8>>,
    end: Option<String>,
}

impl Told {
    fn hear(&mut self, event: &Event, held: &[u8], span: &mut Span) {
        match event {
            Event::More | Event::Pong => {}
            Event::Message => {
                self.take_frames(held, span);
                if !span.payload.is_empty() {
                    self.end = Some(Fault::CutFrame.code().to_string());
                }
            }
            Event::Ping(payload) => self.pong = Some(held[payload.clone()].to_vec()),
            Event::Close(code) => self.end = Some(code.map_or("none".to_owned(), |code| code.to_string())),
            Event::Fail(fault) => {
                self.take_frames(held, span);
                self.end = Some(fault.code().to_string());
            }
        }
    }

    fn take_frames(&mut self, held: &[u8], span: &mut Span) {
        while let Some(len) = held[span.payload.clone()].first_chunk() {
            let frame = PING.len() + u32::from_be_bytes(*len) as usize;
            if span.payload.len() < frame {
                break;
            }
            span.payload.start += frame;
            self.frames += 1;
        }
    }

    fn in_words(&self) -> String {
        let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let frames = (self.frames > 0).then(|| format!("frames:{}", self.frames));
        let pong = self
            .pong
            .as_ref()
            .map(|pong| format!("pong:{}", if pong.is_empty() { "-".into() } else { hex(pong) }));
        let end = self.end.as_ref().map_or("alive".to_owned(), |end| format!("close:{end}"));
        [frames, pong, Some(end)].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// Name, frames and outcome of each row of the second table.
static SCENES: LazyLock<Vec<(&str, Vec<u8>, String)>> = LazyLock::new(|| {
    let of_line = |line: &'static str| match line.split(" | ").collect::<Vec<_>>()[..] {
        [name, _section, frames, outcome] => (name, sequence(frames), written_out(outcome)),
        _ => panic!("a row has four columns: {line}"),
    };
    lines(SEQUENCES).map(of_line).collect()
});

/// `pong:7a*2` is `pong:7a7a`.
fn written_out(outcome: &str) -> String {
    let token = |token: &str| match token.split_once('*') {
        Some((begin, times)) => {
            let (name, hex) = begin.split_once(':').expect("NAME:HEX*N");
            format!("{name}:{}", hex.repeat(times.parse().expect("a number")))
        }
        None => token.to_owned(),
    };
    outcome.split_whitespace().map(token).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_sequence_leads_where_its_row_says() {
    for (name, stream, outcome) in SCENES.iter() {
        assert_eq!(told(stream, &[]), *outcome, "{name}");
        let small = stream.len() < 2000;
        let bytes: Vec<_> = (1..stream.len()).collect();
        assert_eq!(told(stream, if small { &bytes } else { &bytes[..40] }), *outcome, "{name}, byte by byte");
    }
}

proptest! {
    /// Wherever TCP cuts.
    #[test]
    fn cuts_change_no_outcome(row in 0..SCENES.len(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let (name, stream, outcome) = &SCENES[row];
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(&told(stream, &cuts), outcome, "{}", name);
    }

    #[test]
    fn cuts_change_no_combination(at in 0..Combination::all().len(), piece in 1..200usize) {
        let combination = Combination::all().swap_remove(at);
        let stream = [combination.before(), combination.bytes()].concat();
        let at_once = Heard::listen(&stream, stream.len(), MESSAGE_MAX);
        prop_assert_eq!(Heard::listen(&stream, piece, MESSAGE_MAX), at_once, "{:?}", combination);
    }
}
