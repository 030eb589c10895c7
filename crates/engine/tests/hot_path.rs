//! What a message costs, in counts that no busy machine can change: allocations, encodes, compressions, sends.
//!
//! The bounds stand in `crates/engine/tests/hot_path.bounds`. A count above its bound fails; so does one below, so that
//! a gain is written down where it was made and cannot be lost again unseen.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use allocation_counter::measure;
use longwire_engine::{
    Action, Config, Identity, Millis, Now, Offered, Outgoing, Ports, Shard, ShardId, ShardMsg, Slot,
};
use longwire_wire::{
    Command, CommandMap, Compression, Deflater, Dialect, Flow, LengthReading, LoginFields, Message, Status,
    put_cms, put_frame, put_header, put_join, put_login,
};

const NOW: Now = Now { mono: Millis(1), unix_ms: 1_700_000_000_000 };
const BODY: Dialect = Dialect { length: LengthReading::Body, version: 0, gzip: false };
const GZIP: Dialect = Dialect { gzip: true, ..REST };
const REST: Dialect = Dialect { length: LengthReading::Rest, version: 0, gzip: false };

/// Sockets that take everything, and count it. Every other one is a WebSocket's.
#[derive(Default)]
struct Sink {
    sends: u64,
    bytes: u64,
    /// Where in memory pushes stood, if that is asked: each place once, with how many were offered from there.
    places: Option<BTreeMap<usize, u64>>,
}

impl Ports for Sink {
    fn offer(&mut self, slot: Slot, out: Outgoing<'_>) -> Offered {
        let bytes = out.bytes().len();
        if let (Outgoing::Push(push), Some(places)) = (out, &mut self.places) {
            let (message, header) = (push.message(), push.header_len());
            let frame = if slot.is_multiple_of(2) { push.frame() } else { &message[header..] };
            *places.entry(frame.as_ptr() as usize).or_default() += 1;
        }
        self.sends += 1;
        self.bytes += bytes as u64;
        Offered::Took(bytes)
    }

    fn post(&mut self, _: ShardId, msg: ShardMsg) -> Result<(), ShardMsg> {
        panic!("there is one shard: {msg:?}")
    }
}

/// One shard, one room, its members, and the user who speaks there.
struct Hall {
    shard: Shard,
    sink: Sink,
    speaker: Slot,
    cms: Vec<u8>,
}

impl Hall {
    /// `members` guests, who speak the dialects in turn, and a user who says `content` bytes at a time.
    fn new(members: usize, dialects: &[Dialect], content: usize) -> Self {
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

    fn comes(&mut self, dialect: Dialect, user: &str) -> Slot {
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

    fn says(&mut self, slot: Slot, bytes: &[u8]) {
        let consumed = self.shard.consume(slot, bytes, NOW, &mut self.sink);
        assert!(
            consumed.bytes == bytes.len() || self.shard.state(slot) != longwire_engine::State::AwaitLogin
        );
        while self.shard.busy() {
            self.shard.run(NOW, &mut self.sink);
        }
    }

    /// The speaker says one message, and everybody gets it.
    fn message(&mut self) {
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

fn code(command: Command) -> u8 {
    CommandMap::default().code(command)
}

/// Compares counts with the file's, all of them at once.
fn check(counts: &BTreeMap<&str, u64>) {
    let file = include_str!("hot_path.bounds");
    let lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let bounds: BTreeMap<&str, u64> = lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, n)| (name, n.trim().parse().unwrap()))
        .collect();
    for (name, count) in counts {
        let bound = bounds.get(name).unwrap_or_else(|| panic!("{name} has no bound; it counts {count}"));
        assert_eq!(count, bound, "{name}: counted, and bound (crates/engine/tests/hot_path.bounds)");
    }
}

/// Allocations, sends, encodes, compressions and WebSocket headers of one message, when everything has been used once before.
fn one_message(hall: &mut Hall) -> [u64; 5] {
    (0..3).for_each(|_| hall.message());
    let (before, sends) = (hall.shard.stats(), hall.sink.sends);
    let allocations = measure(|| hall.message()).count_total;
    let after = hall.shard.stats();
    let stats =
        [(before.encodes, after.encodes), (before.gzips, after.gzips), (before.headers, after.headers)];
    let [encodes, gzips, headers] = stats.map(|(before, after)| after - before);
    [allocations, hall.sink.sends - sends, encodes, gzips, headers]
}

#[test]
fn a_delivery_costs_a_send_and_nothing_else() {
    let [few, sends_few, ..] = one_message(&mut Hall::new(100, &[BODY], 128));
    let [many, sends_many, encodes, gzips, headers] = one_message(&mut Hall::new(10_000, &[BODY], 128));
    assert_eq!((sends_few, sends_many), (100, 10_000));
    assert_eq!((encodes, gzips, headers), (1, 0, 1));
    // 10,000 sends are cut into slices, each of which may look at itself, and no more than that
    assert_eq!(many, few, "allocations with 10,000 members and with 100");
    check(&BTreeMap::from([("message.allocations", few)]));
}

#[test]
fn a_round_encodes_once_a_dialect_and_compresses_once() {
    let mut hall = Hall::new(10_000, &[BODY, REST, GZIP], 2_000);
    let [allocations, sends, encodes, gzips, headers] = one_message(&mut hall);
    assert_eq!((sends, encodes, gzips, headers), (10_000, 3, 1, 3));
    check(&BTreeMap::from([("message.three-dialects.allocations", allocations)]));
}

/// Half of ten thousand members are WebSockets: frame and message are the same bytes for all of a dialect, not copies, and
/// the header in front of them was written once.
#[test]
fn a_push_is_made_once_whatever_carries_it() {
    for dialects in [&[BODY][..], &[BODY, REST, GZIP]] {
        let mut hall = Hall::new(10_000, dialects, 2_000);
        (0..3).for_each(|_| hall.message());
        hall.sink.places = Some(BTreeMap::new());
        let before = hall.shard.stats();
        hall.message();
        let after = hall.shard.stats();
        let variants = dialects.len() as u64;
        assert_eq!([after.encodes - before.encodes, after.headers - before.headers], [variants, variants]);
        let places = hall.sink.places.take().unwrap();
        assert_eq!(places.len() as u64, variants, "places in memory that pushes were sent from");
        assert_eq!(places.values().sum::<u64>(), 10_000);
    }
}

#[test]
fn a_heartbeat_allocates_nothing() {
    let mut hall = Hall::new(1, &[BODY], 128);
    let mut ping = Vec::new();
    put_frame(&mut ping, BODY, code(Command::Ping), Flow::Request, 7, Status::OK, &[]);
    hall.says(1, &ping);
    let sends = hall.sink.sends;
    let allocations = measure(|| hall.says(1, &ping)).count_total;
    assert_eq!((allocations, hall.sink.sends - sends), (0, 1));
}

#[test]
fn a_burst_is_one_round_and_one_send_a_member() {
    let mut hall = Hall::new(1_000, &[BODY], 128);
    let burst = hall.cms.repeat(32);
    hall.says(hall.speaker, &burst);
    let (before, sends) = (hall.shard.stats(), hall.sink.sends);
    let allocations = measure(|| hall.says(hall.speaker, &burst)).count_total;
    let after = hall.shard.stats();
    assert_eq!(after.sequenced - before.sequenced, 32);
    assert_eq!((after.rounds - before.rounds, after.encodes - before.encodes), (1, 1));
    assert_eq!(hall.sink.sends - sends, 1_000, "32 records in one send a member");
    check(&BTreeMap::from([("burst-of-32.allocations", allocations)]));
}

#[test]
fn every_bound_is_of_something_that_is_counted() {
    let source = include_str!("hot_path.rs");
    let names = include_str!("hot_path.bounds").lines().filter_map(|line| line.split_once(' '));
    for (name, _) in names.filter(|(name, _)| *name != "#") {
        assert!(source.contains(&format!("\"{name}\"")), "{name} is counted nowhere");
    }
}
