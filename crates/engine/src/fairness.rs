//! Fair turns, by counts: who floods, loops or has very many members takes its share, and nobody waits for more than that.
//!
//! Sockets here take everything at once; what is counted is how many sends, frames and turns come before somebody's own.

use std::collections::VecDeque;
use std::sync::Arc;

use longwire_wire::{
    Command, CommandMap, Dialect, Flow, LengthReading, LoginFields, Message, Status, put_cms, put_frame,
    put_join, put_login,
};

use crate::limits::{SLICE_SENDS_MAX, TURN_FRAMES_MAX};
use crate::{
    Action, Config, Identity, Millis, Now, Offered, Outgoing, Ports, Shard, ShardId, ShardMsg, Slot, Then,
};

const NOW: Now = Now { mono: Millis(0), unix_ms: 0 };

/// Whose socket was written to, in order.
#[derive(Default)]
struct Sends(Vec<Slot>);

impl Ports for Sends {
    fn offer(&mut self, slot: Slot, out: Outgoing<'_>) -> Offered {
        self.0.push(slot);
        Offered::Took(out.bytes().len())
    }

    fn post(&mut self, _: ShardId, msg: ShardMsg) -> Result<(), ShardMsg> {
        panic!("there is one shard: {msg:?}")
    }
}

/// A shard, and a driver that gives turns as a server does: connections in the order in which they have something to
/// say, then the rooms.
struct Node {
    shard: Shard,
    sends: Sends,
    /// Who has something to say: a frame, and how often.
    inputs: VecDeque<(Slot, Vec<u8>, usize)>,
    /// Frames that took effect in the last turn, of whom.
    frames: Vec<(Slot, usize)>,
}

impl Node {
    fn new() -> Self {
        let shard = Shard::new(ShardId(0), 1, 7, Arc::new(Config::default()));
        Self { shard, sends: Sends::default(), inputs: VecDeque::new(), frames: Vec::new() }
    }

    /// A user in `room`.
    fn user(&mut self, room: &str) -> Slot {
        let conn = self.shard.connect(NOW);
        let mut login = Vec::new();
        put_login(&mut login, "token", &format!("user {}", conn.slot), LoginFields::default());
        self.consume(conn.slot, &frame(Command::Login, &login));
        while let Some(action) = self.shard.poll_action() {
            if let Action::Authenticate { conn, user_id, .. } = action {
                let identity = Identity { user_id: user_id.into(), claims: None };
                self.shard.login_answered(conn, Ok(identity), NOW, &mut self.sends);
            }
        }
        let mut join = Vec::new();
        put_join(&mut join, room);
        self.consume(conn.slot, &frame(Command::JoinCr, &join));
        self.sends.0.clear();
        conn.slot
    }

    /// A room with so many members, the first of which is returned.
    fn room(&mut self, name: &str, members: usize) -> Slot {
        let first = self.user(name);
        (1..members).for_each(|_| {
            self.user(name);
        });
        first
    }

    fn consume(&mut self, slot: Slot, bytes: &[u8]) {
        let consumed = self.shard.consume(slot, bytes, NOW, &mut self.sends);
        assert_eq!(consumed.bytes, bytes.len());
    }

    fn says(&mut self, slot: Slot, frame: Vec<u8>) {
        self.says_often(slot, frame, 1);
    }

    fn says_often(&mut self, slot: Slot, frame: Vec<u8>, times: usize) {
        self.inputs.push_back((slot, frame, times));
    }

    /// A turn of everybody who has one.
    fn turn(&mut self) {
        self.sends.0.clear();
        self.frames.clear();
        for _ in 0..self.inputs.len() {
            let Some((slot, frame, times)) = self.inputs.pop_front() else { break };
            let consumed = self.shard.consume(slot, &frame.repeat(times), NOW, &mut self.sends);
            let taken = consumed.bytes / frame.len();
            self.frames.push((slot, taken));
            if taken < times {
                assert_eq!(consumed.then, Then::Yield);
                self.inputs.push_back((slot, frame, times - taken));
            }
        }
        self.shard.run(NOW, &mut self.sends);
    }

    /// Sends to others in this turn before the first one to `slot`.
    fn before(&self, slot: Slot) -> Option<usize> {
        self.sends.0.iter().position(|to| *to == slot)
    }

    fn frames_of(&self, slot: Slot) -> usize {
        self.frames.iter().find(|(who, _)| *who == slot).map_or(0, |(_, frames)| *frames)
    }
}

fn frame(command: Command, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let dialect = Dialect { length: LengthReading::Body, version: 0, gzip: false };
    put_frame(&mut frame, dialect, CommandMap::default().code(command), Flow::Request, 1, Status::OK, body);
    frame
}

fn cms(room: &str) -> Vec<u8> {
    let mut body = Vec::new();
    let message = Message { content: b"hello".to_vec(), to: room.into(), ..Message::default() };
    put_cms(&mut body, &message);
    frame(Command::Cms, &body)
}

fn ping() -> Vec<u8> {
    frame(Command::Ping, &[])
}

/// A round costs one send's time beside its sends.
const BEGIN: usize = 1;

#[test]
fn a_round_that_a_slice_cuts_goes_on_before_the_next_one_begins() {
    let mut node = Node::new();
    let rooms = 20;
    let senders: Vec<Slot> = (0..rooms).map(|room| node.room(&format!("room {room}"), 100)).collect();
    (0..rooms).for_each(|room| node.says(senders[room], cms(&format!("room {room}"))));
    let mut sends = Vec::new();
    while sends.len() < rooms * 99 {
        node.turn();
        assert!(node.sends.0.len() <= SLICE_SENDS_MAX);
        sends.append(&mut node.sends.0);
    }
    let rooms_in_order: Vec<Slot> = sends.iter().map(|slot| slot / 100).collect();
    assert!(
        rooms_in_order.is_sorted(),
        "a room's members are served one behind the other: {rooms_in_order:?}"
    );
}

#[test]
fn a_room_of_very_many_members_takes_its_share_and_no_more() {
    let mut node = Node::new();
    let giant = node.room("giant", 20_000);
    let (speaker, listener) = (node.user("small"), node.user("small"));
    node.says(giant, cms("giant"));
    node.turn();
    let mut to_the_giant = node.sends.0.len();
    assert!(to_the_giant >= SLICE_SENDS_MAX - BEGIN, "alone it has all there is: {to_the_giant}");
    let (mut turns, mut silent) = (1, 0);
    while to_the_giant < 19_999 {
        node.says(speaker, cms("small"));
        node.says(listener, ping());
        node.turn();
        assert_eq!(node.before(listener), Some(0), "a PONG never waits for a room");
        let to_listener = node.sends.0.iter().filter(|to| **to == listener).count();
        silent = if to_listener == 1 { silent + 1 } else { 0 };
        assert!(silent <= 1, "what is said in a turn comes in it or in the next one");
        to_the_giant += node.sends.0.len() - to_listener;
        turns += 1;
    }
    let small_round = 2 + BEGIN;
    assert!(turns <= 19_999usize.div_ceil(SLICE_SENDS_MAX - small_round) + 1, "it goes on: {turns} turns");
}

#[test]
fn senders_in_a_loop_do_not_hold_up_a_room_that_speaks_once() {
    let mut node = Node::new();
    let loud: Vec<Slot> = (0..20).map(|room| node.room(&format!("loud {room}"), 64)).collect();
    let (speaker, listener) = (node.user("quiet"), node.user("quiet"));
    let shout = |node: &mut Node| {
        for (room, &sender) in loud.iter().enumerate() {
            node.says_often(sender, cms(&format!("loud {room}")), TURN_FRAMES_MAX);
        }
    };
    shout(&mut node);
    node.turn();
    node.says(speaker, cms("quiet"));
    let (mut waited, mut served) = (0, Vec::new());
    loop {
        shout(&mut node);
        node.turn();
        served.append(&mut node.sends.0.clone());
        match node.before(listener) {
            Some(before) => break waited += before,
            None => waited += node.sends.0.len(),
        }
    }
    assert!(waited <= 20 * 63, "every other room has one round at most: {waited} sends");
    assert!(waited > 0, "and had something to say");
    // and among the loud ones none gets a second round before each had its first
    let first_round = &served[..waited];
    let mut counts = [0; 20];
    first_round.iter().for_each(|slot| counts[*slot as usize / 64] += 1);
    assert!(counts.iter().all(|count| *count <= 63), "{counts:?}");
}

#[test]
fn a_connection_that_pipelines_takes_a_bounded_turn_and_others_theirs() {
    let mut node = Node::new();
    let flooder = node.room("flood", 10);
    let (speaker, listener) = (node.user("small"), node.user("small"));
    node.says_often(flooder, cms("flood"), 10_000);
    let (mut taken, mut turns) = (0, 0);
    while taken < 10_000 {
        node.says(speaker, cms("small"));
        node.says(listener, ping());
        node.turn();
        assert_eq!((node.frames_of(speaker), node.frames_of(listener)), (1, 1));
        assert!(node.frames_of(flooder) <= TURN_FRAMES_MAX);
        let to_listener = node.sends.0.iter().filter(|to| **to == listener).count();
        assert_eq!(to_listener, 2, "PONG and message in the same turn, turn {turns}");
        taken += node.frames_of(flooder);
        turns += 1;
    }
    assert_eq!(turns, 10_000usize.div_ceil(TURN_FRAMES_MAX), "and the flooder is not starved either");
}

#[test]
fn pings_that_are_pipelined_wait_behind_everybody_elses_first_one() {
    let mut node = Node::new();
    let all: Vec<Slot> = (0..50).map(|_| node.user("room")).collect();
    node.says_often(all[0], ping(), 10_000);
    all[1..].iter().for_each(|&slot| node.says(slot, ping()));
    node.turn();
    assert_eq!(node.sends.0, all, "one write each: the flooder's holds a turn's answers");
    assert_eq!(node.frames_of(all[0]), TURN_FRAMES_MAX);
}
