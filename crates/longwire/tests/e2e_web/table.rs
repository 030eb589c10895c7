//! proto/websocket-cases.txt and proto/websocket-sequences.txt, read as their first lines say.

use crate::common::bytes::{Frame, PING, Reading};
use crate::common::websocket::frame;

pub const CASES: &str = include_str!("../../../../proto/websocket-cases.txt");
pub const SEQUENCES: &str = include_str!("../../../../proto/websocket-sequences.txt");
/// The longest message: the longest frame.
pub const MESSAGE_MAX: usize = 11 + 64 * 1024;

pub fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A PING of so many bytes with its header, in the reading *body*: a PING's body is ignored.
pub fn ping_of(bytes: usize) -> Vec<u8> {
    Frame::request(PING, 1, vec![b'z'; bytes - 11]).to_bytes(Reading::Body)
}

/// A row of the second table.
pub struct Scene {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub frames: usize,
    pub pong: Option<Vec<u8>>,
    /// `Some(None)`: a close without a code. `None`: it lives on.
    pub close: Option<Option<u16>>,
}

impl Scene {
    pub fn all() -> impl Iterator<Item = Self> {
        lines(SEQUENCES).map(|line| {
            let [name, section, frames, outcome] = line.split(" | ").collect::<Vec<_>>()[..] else {
                panic!("a row has four columns: {line}");
            };
            assert!(section.split('.').all(|part| part.parse::<u8>().is_ok()), "{line} names a section");
            let bytes = frames.split_whitespace().flat_map(frames_of).collect();
            Self { name, bytes, frames: 0, pong: None, close: None }.with(outcome)
        })
    }

    fn with(mut self, outcome: &str) -> Self {
        for word in outcome.split_whitespace() {
            match word.split_once(':') {
                Some(("frames", count)) => self.frames = count.parse().expect("a count"),
                Some(("pong", payload)) => self.pong = Some(part(payload)),
                Some(("close", "none")) => self.close = Some(None),
                Some(("close", code)) => self.close = Some(Some(code.parse().expect("a code"))),
                _ => assert_eq!(word, "alive", "in {}", self.name),
            }
        }
        self
    }
}

fn frames_of(token: &str) -> Vec<u8> {
    let (first, payload) = token.split_once(':').expect("FIRST:PAYLOAD");
    let first = u8::from_str_radix(first, 16).expect("a byte");
    match payload.strip_prefix("-*") {
        Some(times) => frame(first, b"").repeat(times.parse().expect("a count")),
        None => frame(first, &payload.split(',').flat_map(part).collect::<Vec<_>>()),
    }
}

fn part(part: &str) -> Vec<u8> {
    let (once, times) = part.split_once('*').unwrap_or((part, "1"));
    let bytes = match once {
        "-" => Vec::new(),
        "ping" => ping_of(11),
        "long" => ping_of(MESSAGE_MAX),
        hex => {
            let pairs = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]);
            pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect()
        }
    };
    bytes.repeat(times.parse().expect("a count"))
}
