//! One shard, one room with its members, and a user who speaks there: for counts and for benches.

// Each program takes what it needs; its helpers may fail where they stand.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use longwire_engine::{
    Action, Config, Identity, Millis, Now, Offered, Outgoing, Ports, Shard, ShardId, ShardMsg, Slot,
};
use longwire_wire::{
    Command, CommandMap, Compression, Deflater, Dialect, Flow, LengthReading, LoginFields, Message, Status,
    put_cms, put_frame, put_header, put_join, put_login,
};

pub const NOW: Now = Now { mono: Millis(1), unix_ms: 1_700_000_000_000 };
pub const BODY: Dialect = Dialect { length: LengthReading::Body, version: 0, gzip: false };
pub const GZIP: Dialect = Dialect { gzip: true, ..REST };
pub const REST: Dialect = Dialect { length: LengthReading::Rest, version: 0, gzip: false };

/// Sockets that take everything, and count it. Every other one is a WebSocket's.
#[derive(Default)]
pub struct Sink {
    pub sends: u64,
    pub bytes: u64,
    /// Where in memory pushes stood, if that is asked: each place once, with how many were offered from there.
    pub places: Option<BTreeMap<usize, u64>>,
    /// Who was named last: at a push, whom it goes to and the two behind.
    named: [Slot; 3],
    /// Pushes to somebody who was named shortly before.
    pub announced: u64,
}

impl Ports for Sink {
    fn offer(&mut self, slot: Slot, out: Outgoing<'_>) -> Offered {
        let bytes = out.bytes().len();
        if let (Outgoing::Push(push), Some(places)) = (out, &mut self.places) {
            let (message, header) = (push.message(), push.header_len());
            let frame = if slot.is_multiple_of(2) { push.frame() } else { &message[header..] };
            *places.entry(frame.as_ptr() as usize).or_default() += 1;
        }
        self.announced += u64::from(matches!(out, Outgoing::Push(_)) && self.named.contains(&slot));
        self.sends += 1;
        self.bytes += bytes as u64;
        Offered::Took(bytes)
    }

    fn soon(&mut self, slot: Slot) {
        self.named = [slot, self.named[0], self.named[1]];
    }

    fn post(&mut self, _: ShardId, msg: ShardMsg) -> Result<(), ShardMsg> {
        panic!("there is one shard: {msg:?}")
    }
}

/// One shard, one room, its members, and the user who speaks there.
pub struct Hall {
    pub shard: Shard,
    pub sink: Sink,
    pub speaker: Slot,
    pub cms: Vec<u8>,
}

impl Hall {
    /// `members` guests, who speak the dialects in turn, and a user who says `content` bytes at a time.
    pub fn new(members: usize, dialects: &[Dialect], content: usize) -> Self {
        let config = Config { rooms_per_connection: 4, ..Config::default() };
        let shard = Shard::new(ShardId(0), 1, 7, Arc::new(config));
        let mut hall = Self { shard, sink: Sink::default(), speaker: 0, cms: Vec::new() };
        hall.speaker = hall.comes(dialects[0], "alice");
        for i in 0..members {
            hall.comes(dialects[i % dialects.len()], "");
        }
        // letters that gzip makes smaller, where there are enough of them
        let message = Message { content: vec![b'x'; content], to: "lobby".into(), ..Message::default() };
        let mut body = Vec::new();
        put_cms(&mut body, &message);
        put_frame(&mut hall.cms, dialects[0], code(Command::Cms), Flow::Request, 9, Status::OK, &body);
        hall
    }

    pub fn comes(&mut self, dialect: Dialect, user: &str) -> Slot {
        let conn = self.shard.connect(NOW);
        let token = if user.is_empty() { "" } else { "token" };
        let (mut login, mut join, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        put_login(&mut login, token, user, LoginFields::default());
        put_join(&mut join, "lobby");
        put_login_frame(&mut bytes, dialect, &login);
        let login_bytes = bytes.len();
        put_frame(&mut bytes, dialect, code(Command::JoinCr), Flow::Request, 2, Status::OK, &join);
        self.says(conn.slot, &bytes[..login_bytes]);
        while let Some(action) = self.shard.poll_action() {
            if let Action::Authenticate { conn, user_id, .. } = action {
                let identity = Identity { user_id: user_id.into(), claims: None };
                self.shard.login_answered(conn, Ok(identity), NOW, &mut self.sink);
            }
        }
        self.says(conn.slot, &bytes[login_bytes..]);
        conn.slot
    }

    pub fn says(&mut self, slot: Slot, bytes: &[u8]) {
        let consumed = self.shard.consume(slot, bytes, NOW, &mut self.sink);
        assert!(
            consumed.bytes == bytes.len() || self.shard.state(slot) != longwire_engine::State::AwaitLogin
        );
        while self.shard.busy() {
            self.shard.run(NOW, &mut self.sink);
        }
    }

    /// The speaker says one message, and everybody gets it.
    pub fn message(&mut self) {
        let cms = std::mem::take(&mut self.cms);
        self.says(self.speaker, &cms);
        self.cms = cms;
    }
}

/// A LOGIN; compressed by a client of a gzip dialect, which is how it says that it is one.
fn put_login_frame(out: &mut Vec<u8>, dialect: Dialect, body: &[u8]) {
    let (mut member, compression) = (body.to_vec(), Compression::Gzip);
    if !dialect.gzip {
        return put_frame(out, dialect, code(Command::Login), Flow::Request, 1, Status::OK, body);
    }
    member.clear();
    Deflater::new(6).deflate(body, &mut member);
    put_header(out, dialect, code(Command::Login), Flow::Request, compression, 1, Status::OK, member.len());
    out.extend_from_slice(&member);
}

pub fn code(command: Command) -> u8 {
    CommandMap::default().code(command)
}
