//! Frames and messages by hand, from PROTOCOL.md sections 2, 3, 4 and 7.

use std::io::{Read, Write};

pub const LOGIN: u8 = 1;
pub const LOGOUT: u8 = 2;
pub const PING: u8 = 3;
pub const PONG: u8 = 4;
pub const JOIN_CR: u8 = 5;
pub const CMS: u8 = 6;

pub const OK: u8 = 0;
pub const MALFORMED: u8 = 1;
pub const UNAUTHENTICATED: u8 = 2;
pub const FORBIDDEN: u8 = 3;
pub const NOT_JOINED: u8 = 4;
pub const RATE_LIMITED: u8 = 5;
pub const TOO_LARGE: u8 = 9;
pub const UNSUPPORTED: u8 = 10;
pub const OVERLOADED: u8 = 11;
pub const TOO_MANY: u8 = 12;

pub const REQUEST: u8 = 0;
pub const ANSWER: u8 = 1;
pub const NOTIFY: u8 = 2;

pub const GZIP: u8 = 1;

/// What `len` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Body,
    Rest,
}

pub const READINGS: [Reading; 2] = [Reading::Body, Reading::Rest];

/// A frame, its `len` left to whoever writes it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Frame {
    pub seq: u32,
    pub command: u8,
    pub version: u8,
    pub compression: u8,
    pub flow: u8,
    pub status: u8,
    pub body: Vec<u8>,
}

impl Frame {
    pub fn request(command: u8, seq: u32, body: Vec<u8>) -> Self {
        Self { command, seq, body, ..Self::default() }
    }

    pub fn to_bytes(&self, reading: Reading) -> Vec<u8> {
        let body_len = u32::try_from(self.body.len()).expect("a test's body fits");
        let len = if reading == Reading::Rest { body_len + 7 } else { body_len };
        self.with_len(len)
    }

    /// The frame with any `len`, true or not.
    pub fn with_len(&self, len: u32) -> Vec<u8> {
        let mut out = len.to_be_bytes().to_vec();
        out.extend(self.seq.to_be_bytes());
        out.extend([self.command, self.version << 4 | self.compression << 2 | self.flow, self.status]);
        out.extend(&self.body);
        out
    }

    /// The first frame of `input` and how many bytes it takes; `None` while it is not whole.
    pub fn cut_from(input: &[u8], reading: Reading) -> Option<(Self, usize)> {
        let header = input.first_chunk::<11>()?;
        let word =
            |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let whole = word(0) as usize + if reading == Reading::Rest { 4 } else { 11 };
        assert!(whole >= 11, "the server sent a `rest` len below 7: {header:02x?}");
        let body = input.get(11..whole)?.to_vec();
        let (flag, status) = (header[9], header[10]);
        let (version, compression, flow) = (flag >> 4, flag >> 2 & 3, flag & 3);
        Some((Self { seq: word(4), command: header[8], version, compression, flow, status, body }, whole))
    }

    /// The body as it was before compression.
    pub fn plain_body(&self) -> Vec<u8> {
        if self.compression == GZIP { gunzip(&self.body) } else { self.body.clone() }
    }
}

/// Field `field` of wire type 0.
pub fn number(field: u32, value: u64) -> Vec<u8> {
    let mut out = varint(u64::from(field) << 3);
    out.extend(varint(value));
    out
}

/// Field `field` of wire type 2.
pub fn bytes(field: u32, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    let mut out = varint(u64::from(field) << 3 | 2);
    out.extend(varint(value.len() as u64));
    out.extend(value);
    out
}

pub fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

pub fn login_body(token: &str, user: &str) -> Vec<u8> {
    [bytes(1, token), bytes(2, user)].concat()
}

pub fn join_body(room: &str) -> Vec<u8> {
    bytes(1, room)
}

pub fn cms_body(room: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    [bytes(1, content), bytes(3, room)].concat()
}

/// One CRMessage of a push. `unknown` holds fields that section 7 does not name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub content: Vec<u8>,
    pub from: String,
    pub to: String,
    pub timestamp: u64,
    pub user: Option<UserInfo>,
    pub message_type: u64,
    pub unknown: Vec<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInfo {
    pub level: u64,
    pub room_level: u64,
    pub nickname: String,
    pub tags: Vec<String>,
}

impl Record {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.content).expect("the test sent UTF-8")
    }
}

/// A push body: its records and its room. Panics on what section 7 does not allow a server to send.
pub fn read_push(body: &[u8]) -> (String, Vec<Record>) {
    let (mut room, mut records) = (String::new(), Vec::new());
    for (field, value) in fields(body) {
        match field {
            1 => {
                assert!(room.is_empty(), "`chatroom` stands last (12.8)");
                records.push(read_record(value.bytes()));
            }
            2 => room = value.string(),
            field => panic!("a push has no field {field}"),
        }
    }
    (room, records)
}

fn read_record(body: &[u8]) -> Record {
    let mut record = Record::default();
    for (field, value) in fields(body) {
        match field {
            1 => record.content = value.bytes().to_vec(),
            2 => record.from = value.string(),
            3 => record.to = value.string(),
            4 => record.timestamp = value.number(),
            5 => record.user = Some(read_user(value.bytes())),
            6 => record.message_type = value.number(),
            field => record.unknown.push(field),
        }
    }
    record
}

fn read_user(body: &[u8]) -> UserInfo {
    let mut user = UserInfo::default();
    for (field, value) in fields(body) {
        match field {
            1 => user.level = value.number(),
            2 => user.room_level = value.number(),
            3 => user.nickname = value.string(),
            4 => user.tags.push(value.string()),
            field => panic!("UserInfo has no field {field}"),
        }
    }
    user
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl Value<'_> {
    fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Bytes(bytes) => panic!("a number was due, not {bytes:02x?}"),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Number(number) => panic!("bytes were due, not {number}"),
            Self::Bytes(bytes) => bytes,
        }
    }

    fn string(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("the server sends valid UTF-8")
    }
}

fn fields(mut body: &[u8]) -> Vec<(u32, Value<'_>)> {
    let mut fields = Vec::new();
    while !body.is_empty() {
        let tag = read_varint(&mut body);
        let value = match tag & 7 {
            0 => Value::Number(read_varint(&mut body)),
            2 => {
                let len = read_varint(&mut body) as usize;
                let (value, rest) = body.split_at_checked(len).expect("a field ends within its message");
                body = rest;
                Value::Bytes(value)
            }
            other => panic!("the server sends no wire type {other}"),
        };
        fields.push((u32::try_from(tag >> 3).expect("a field number"), value));
    }
    fields
}

fn read_varint(body: &mut &[u8]) -> u64 {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = body.split_first().expect("a varint ends within its message");
        *body = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return value;
        }
    }
    panic!("a varint has at most 10 bytes");
}

pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

pub fn gunzip(member: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(member).read_to_end(&mut body).expect("the server sends whole gzip members");
    body
}
