//! The conversation vectors of proto/vectors against the real server: one server with its defaults, all side by side.
//!
//! The slow ones wait out the real deadlines of section 9: 30 s of silence, 10 s for a LOGIN. Tests begin in the order of
//! their names, so this module's is early in the alphabet: all others run while this one waits.

use crate::common::WAIT_MAX;
use crate::common::bytes::{CMS, Frame, GZIP, NOTIFY, Reading, varint};
use crate::common::carried::Transport;
use crate::common::on_one_and_four_shards;
use crate::common::server::Server;
use crate::common::stream::Stream;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

on_one_and_four_shards!(every_conversation_goes_as_written);

const VECTORS: &str = include_str!("../../../../proto/vectors/conversations.json");
/// What a loaded machine, or one that stands still, may add to a deadline that a vector names. Never taken off: nothing
/// may come too early.
const LATE: Duration = Duration::from_secs(15);
/// Conversations that go otherwise over WebSocket, and why. One that goes as written all the same needs no excuse any more.
const NOT_OVER_WEBSOCKET: [(&str, &str); 4] = {
    const WHY: &str = "a stream takes it for the beginning of a frame in the other reading (3.7); a message says where it ends (18.2)";
    [
        ("talk.token_alone.rest", WHY),
        ("talk.user_alone.rest", WHY),
        ("talk.token_alone_then_ping.rest", WHY),
        ("talk.user_alone_then_ping.rest", WHY),
    ]
};
/// Quick conversations at once, beside all slow ones.
const WORKERS: usize = 4;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Theme {
    format: u32,
    #[serde(rename = "theme")]
    _theme: String,
    #[serde(rename = "about")]
    _about: String,
    vectors: VecDeque<Conversation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    name: String,
    #[serde(rename = "sense")]
    _sense: String,
    sentences: Vec<String>,
    slow: bool,
    config: BTreeMap<String, Value>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    conn: Option<String>,
    open: Option<Open>,
    send: Option<Hex>,
    split: Option<usize>,
    expect: Option<Hex>,
    expect_records: Option<Records>,
    expect_close: Option<Close>,
    shutdown: Option<bool>,
    pause_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    reading: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    version: u8,
    gzip: String,
    chatroom: String,
    records: Vec<AroundTime>,
}

/// A record's bytes before and behind its timestamp.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AroundTime {
    before: Hex,
    after: Hex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    reset: String,
    after_ms: u64,
    within_ms: u64,
}

/// Hex digits, or parts of which some are repeated.
#[derive(Deserialize)]
#[serde(untagged)]
enum Hex {
    Digits(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Digits(String),
    Times { hex: String, times: usize },
}

fn every_conversation_goes_as_written(shards: u32) {
    let theme: Theme = serde_json::from_str(VECTORS).expect("a format this test knows");
    assert_eq!(theme.format, 1);
    // On several shards a joiner may get what was still on its way between them (10.7), and no step of a conversation can
    // wait for that; `rooms::a_joiner_hears_nothing_from_before` does.
    let is_for_all = |vector: &Conversation| shards == 1 || !vector.sentences.iter().any(|id| id == "10.7");
    let conversations = theme.vectors.into_iter().filter(is_for_all);
    let (slow, quick): (VecDeque<_>, _) = conversations.partition(|vector| vector.slow);
    let server = Server::start(shards);
    let address = server.address();
    let quick = Mutex::new(quick);
    let failures = Mutex::new(Vec::new());
    let run = |vector: &Conversation| {
        let excuse = NOT_OVER_WEBSOCKET.iter().find(|(name, _)| *name == vector.name);
        let failure = match (converse(vector, address), excuse.filter(|_| Transport::wanted().is_web())) {
            (Ok(()), Some((_, excuse))) => format!("it goes as written, and needs no excuse: {excuse}"),
            (Err(why), None) => why,
            (Ok(()), None) | (Err(_), Some(_)) => return,
        };
        failures.lock().expect("no panic").push(format!("{}: {failure}", vector.name));
    };
    std::thread::scope(|scope| {
        for vector in &slow {
            scope.spawn(|| run(vector));
        }
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(vector) = { quick.lock().expect("no panic").pop_front() } {
                    run(&vector)
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{} conversations:\n{}", failures.len(), failures.join("\n"));
    server.stop();
}

/// Whether it went as written; else at which step it did not, and how.
fn converse(vector: &Conversation, address: SocketAddr) -> Result<(), String> {
    if !vector.config.is_empty() {
        return Err("this runner knows the defaults alone".into());
    }
    let mut connections: BTreeMap<&str, Connection> = BTreeMap::new();
    for (n, step) in vector.steps.iter().enumerate() {
        let name = step.conn.as_deref().unwrap_or_default();
        if let Some(open) = &step.open {
            connections.insert(name, Connection::open(address, &open.reading)?);
        } else if let Some(pause_ms) = step.pause_ms {
            // Time itself is the subject of these: nothing is waited for.
            std::thread::sleep(Duration::from_millis(pause_ms));
        } else {
            let connection = connections.get_mut(name).ok_or("a step on a connection that is not open")?;
            connection.take(step).map_err(|why| format!("step {n}, connection {name}: {why}"))?;
        }
    }
    Ok(())
}

struct Connection {
    stream: Stream,
    reading: Reading,
    input: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr, reading: &str) -> Result<Self, String> {
        let reading = match reading {
            "body" => Reading::Body,
            "rest" => Reading::Rest,
            other => return Err(format!("no reading {other}")),
        };
        let stream = TcpStream::connect(address).map_err(|err| err.to_string())?;
        let mut stream = Stream::to_server(stream);
        stream.reading = reading;
        Ok(Self { stream, reading, input: Vec::new() })
    }

    fn take(&mut self, step: &Step) -> Result<(), String> {
        if let Some(bytes) = &step.send {
            self.send(&bytes.decode()?, step.split)
        } else if let Some(bytes) = &step.expect {
            self.expect(&bytes.decode()?)
        } else if let Some(records) = &step.expect_records {
            self.expect_records(records)
        } else if let Some(close) = &step.expect_close {
            self.expect_close(close)
        } else if step.shutdown == Some(true) {
            self.stream.shutdown(Shutdown::Write).map_err(|err| err.to_string())
        } else {
            Err("a step without anything to do".into())
        }
    }

    /// The server may close while it goes on; whether that was right, the next step says.
    fn send(&mut self, bytes: &[u8], split: Option<usize>) -> Result<(), String> {
        for piece in bytes.chunks(split.unwrap_or(bytes.len()).max(1)) {
            match self.stream.write_all(piece) {
                Err(err) if !is_reset(&err) => return Err(format!("send: {err}")),
                _ => {}
            }
        }
        Ok(())
    }

    fn expect(&mut self, want: &[u8]) -> Result<(), String> {
        while self.input.len() < want.len() && want.starts_with(&self.input) {
            self.read_until(Instant::now() + WAIT_MAX)?;
        }
        if !self.input.starts_with(want) {
            return Err(format!("expected {}, got {}", show(want), show(&self.input)));
        }
        self.input.drain(..want.len());
        Ok(())
    }

    fn expect_records(&mut self, want: &Records) -> Result<(), String> {
        let mut next = want.records.iter();
        while next.len() > 0 {
            let frame = self.next_frame()?;
            let head = (frame.command, frame.flow, frame.seq, frame.status, frame.version);
            let gzip_is_fine =
                frame.compression == 0 || (frame.compression == GZIP && want.gzip == "allowed");
            if head != (CMS, NOTIFY, 0, 0, want.version) || !gzip_is_fine {
                return Err(format!("a push was due, not {frame:?}"));
            }
            let body = frame.plain_body();
            let mut rest = body.as_slice();
            while rest.first() == Some(&0x0a) {
                let (record, behind) = delimited(&rest[1..])?;
                next.next().ok_or("a record too many")?.compare(record)?;
                rest = behind;
            }
            if rest
                != [&[0x12], varint(want.chatroom.len() as u64).as_slice(), want.chatroom.as_bytes()].concat()
            {
                return Err(format!("a push ends with its chatroom, not {}", show(rest)));
            }
        }
        Ok(())
    }

    fn expect_close(&mut self, close: &Close) -> Result<(), String> {
        let began = Instant::now();
        let deadline = began + Duration::from_millis(close.within_ms) + LATE;
        while self.input.is_empty() {
            self.stream.set_read_timeout(until(deadline)?);
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(taken) => self.input.extend(&chunk[..taken]),
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) if is_reset(&err) && close.reset == "allowed" => break,
                Err(err) => return Err(format!("a close was due: {err}")),
            }
        }
        if !self.input.is_empty() {
            return Err(format!("a close without a byte was due, got {}", show(&self.input)));
        }
        let took = began.elapsed();
        let early = took < Duration::from_millis(close.after_ms);
        if early { Err(format!("closed after {took:?}, before {} ms", close.after_ms)) } else { Ok(()) }
    }

    fn next_frame(&mut self) -> Result<Frame, String> {
        loop {
            if let Some((frame, taken)) = Frame::cut_from(&self.input, self.reading) {
                self.input.drain(..taken);
                return Ok(frame);
            }
            self.read_until(Instant::now() + WAIT_MAX)?;
        }
    }

    fn read_until(&mut self, deadline: Instant) -> Result<(), String> {
        self.stream.set_read_timeout(until(deadline)?);
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(format!("the stream ended behind {}", show(&self.input))),
            Ok(taken) => {
                self.input.extend(&chunk[..taken]);
                Ok(())
            }
            Err(err) if err.kind() == ErrorKind::Interrupted => Ok(()), // who waits looks again
            Err(err) => Err(format!("nothing more came ({err}) behind {}", show(&self.input))),
        }
    }
}

impl AroundTime {
    /// `before`, then field 4 as a minimal varint near this machine's clock, then `after`.
    fn compare(&self, record: &[u8]) -> Result<(), String> {
        let wrong = || format!("the record {} is not as written", show(record));
        let behind = record.strip_prefix(self.before.decode()?.as_slice()).ok_or_else(wrong)?;
        let behind = behind.strip_prefix(&[0x20]).ok_or_else(wrong)?;
        let time = behind.strip_suffix(self.after.decode()?.as_slice()).ok_or_else(wrong)?;
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_err(|err| err.to_string())?;
        let now = u64::try_from(now.as_millis()).map_err(|err| err.to_string())?;
        let minute = 60_000;
        let near = (now - minute..now + minute).contains(&decode_varint(time).ok_or_else(wrong)?);
        if near { Ok(()) } else { Err(wrong()) }
    }
}

impl Hex {
    fn decode(&self) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        match self {
            Self::Digits(digits) => out.extend(unhex(digits)?),
            Self::Parts(parts) => {
                for part in parts {
                    match part {
                        Part::Digits(digits) => out.extend(unhex(digits)?),
                        Part::Times { hex, times } => out.extend(unhex(hex)?.repeat(*times)),
                    }
                }
            }
        }
        Ok(out)
    }
}

fn unhex(digits: &str) -> Result<Vec<u8>, String> {
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).map_err(|err| err.to_string())?;
        u8::from_str_radix(pair, 16).map_err(|err| format!("{pair:?}: {err}"))
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}

/// A varint that is minimal and whole.
fn decode_varint(input: &[u8]) -> Option<u64> {
    let value = input.iter().enumerate().take(9).map(|(n, byte)| u64::from(byte & 0x7f) << (7 * n)).sum();
    (varint(value) == input).then_some(value)
}

/// A minimal length and as many bytes, and what stands behind them.
fn delimited(input: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let digits = input.iter().position(|byte| byte & 0x80 == 0).ok_or("a length that does not end")? + 1;
    let len = decode_varint(&input[..digits]).ok_or("a length that is not minimal")?;
    let len = usize::try_from(len).map_err(|err| err.to_string())?;
    input[digits..].split_at_checked(len).ok_or_else(|| "a record beyond the end".to_owned())
}

fn until(deadline: Instant) -> Result<Duration, String> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err("nothing came in time".into()) } else { Ok(left) }
}

fn is_reset(err: &std::io::Error) -> bool {
    matches!(err.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

fn show(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > 64 { format!("{hex}… ({} bytes)", bytes.len()) } else { hex }
}
