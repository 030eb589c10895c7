//! One data-plane thread's share of the node: its connections, its rooms, the rooms it is home to.

use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use longwire_wire::{Deflater, Inflater, Status};

use crate::account::{Books, DropReason, Tally};
use crate::action::{Action, CloseReason};
use crate::config::Config;
use crate::conn::{Conn, Half, Hot, Wait};
use crate::drain::Drain;
use crate::home::Home;
use crate::ids::{ConnId, Millis, Now, ShardId, Slot};
use crate::limits::SLICE_SENDS_MAX;
use crate::post::{Ports, ShardMsg};
use crate::refusals::Refusals;
use crate::room::{HOLE, Room};
use crate::session::Session;
use crate::slots::Free;
use crate::table::Table;
use crate::users::Users;

/// What a shard counts beside its [`Books`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Open now, closing ones included.
    pub connections: usize,
    /// Not logged in yet.
    pub unauthenticated: usize,
    /// Logins that succeeded.
    pub logins: u64,
    /// Rooms with a place in this shard's tables.
    pub rooms: usize,
    /// Members of these, here.
    pub members: usize,
    /// Records that were sequenced here.
    pub sequenced: u64,
    /// Whom it refused.
    pub refusals: Refusals,
    /// Rooms left silently because another was joined at the limit.
    pub silent_leaves: u64,
    /// Rounds that were begun.
    pub rounds: u64,
    /// Frames that were encoded, one a dialect and round.
    pub encodes: u64,
    /// Headers of WebSocket messages that were written around them.
    pub headers: u64,
    /// Bodies that were compressed.
    pub gzips: u64,
    /// Bytes in rings.
    pub ring_bytes: usize,
    /// Bytes pinned by half-sent frames.
    pub pinned_bytes: usize,
}

/// How short of memory the process is (`limits.memory_max`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// Below 80 %.
    #[default]
    None,
    /// From 80 %: logins are refused with OVERLOADED.
    RefuseLogins,
    /// From 90 %: rings are halved too.
    ShrinkRings,
    /// From 95 %: the slowest connections are closed too.
    CloseSlowest,
}

/// The engine of one data-plane thread.
pub struct Shard {
    pub(crate) id: ShardId,
    shards: u16,
    /// Decides a room's home; the same in all shards of a node.
    seed: u64,
    /// Where epochs come from; differs between shards.
    epochs: u64,
    pub(crate) config: Arc<Config>,
    pub(crate) conns: Vec<Conn>,
    pub(crate) hot: Vec<Hot>,
    pub(crate) free: Free,
    /// Of the connection that came last.
    pub(crate) last_generation: u32,
    /// Who is not logged in, oldest first; may name connections that are by now.
    pub(crate) unauthenticated: VecDeque<ConnId>,
    pub(crate) rooms: Table<Room>,
    pub(crate) room_names: HashMap<Arc<str>, u32>,
    pub(crate) homes: Table<Home>,
    pub(crate) home_names: HashMap<Arc<str>, u32>,
    /// Rooms whose round is due or under way, in the order of their turns. Bounded by the rooms: each is in it once.
    pub(crate) ready: VecDeque<u32>,
    /// What the room in front has left of its share, where a slice ended in its turn; else 0.
    pub(crate) share_left: usize,
    /// What the turn under way has cost beside its sends, in sends.
    pub(crate) toll: usize,
    /// Rooms that wait for their interval.
    pub(crate) deferred: BinaryHeap<std::cmp::Reverse<(Millis, u32)>>,
    /// Laggards whose sockets take bytes. Bounded by the connections: each is in it once.
    pub(crate) catch_up: VecDeque<ConnId>,
    /// Homes with records that are not in a batch yet.
    pub(crate) dirty: Vec<u32>,
    /// Homes with a subscriber that is behind.
    pub(crate) behind: Vec<u32>,
    /// Connections that wait for a home's ring.
    pub(crate) home_waiters: Vec<ConnId>,
    pub(crate) users: Users,
    /// Sessions that ended, and their users' homes have not heard of it yet.
    pub(crate) withdrawals: Vec<(Arc<str>, ConnId)>,
    pub(crate) actions: VecDeque<Action>,
    pub(crate) inflater: Inflater,
    pub(crate) deflater: Deflater,
    /// Answers of the connection whose turn it is, until they are flushed.
    pub(crate) answers: Vec<u8>,
    pub(crate) scratch: Vec<u8>,
    pub(crate) fields: Vec<u8>,
    pub(crate) books: Books,
    pub(crate) stats: Stats,
    pub(crate) pinned: usize,
    pub(crate) ring_bytes: usize,
    pub(crate) pressure: Pressure,
    pub(crate) drain: Option<Drain>,
    pub(crate) rooms_swept: Millis,
    /// [`SLICE_SENDS_MAX`]; the simulation lowers it, so that rounds of few members are cut too.
    pub(crate) slice_sends: usize,
    #[cfg(test)]
    pub(crate) planted: Option<crate::planted::Planted>,
    #[cfg(test)]
    pub(crate) trace: Vec<crate::trace::Trace>,
    #[cfg(test)]
    pub(crate) delayed: Vec<(ConnId, Vec<u8>)>,
}

impl Shard {
    /// A shard of a node of `shards`. `seed` must be the same for all of them, and not be known to clients.
    pub fn new(id: ShardId, shards: u16, seed: u64, config: Arc<Config>) -> Self {
        Self {
            id,
            shards,
            seed,
            epochs: mix(seed ^ mix(u64::from(id.0) + 1)),
            config,
            conns: Vec::new(),
            hot: Vec::new(),
            free: Free::default(),
            last_generation: 0,
            unauthenticated: VecDeque::new(),
            rooms: Table::default(),
            room_names: HashMap::new(),
            homes: Table::default(),
            home_names: HashMap::new(),
            ready: VecDeque::new(),
            share_left: 0,
            toll: 0,
            deferred: BinaryHeap::new(),
            catch_up: VecDeque::new(),
            dirty: Vec::new(),
            behind: Vec::new(),
            home_waiters: Vec::new(),
            users: Users::default(),
            withdrawals: Vec::new(),
            actions: VecDeque::new(),
            inflater: Inflater::new(),
            deflater: Deflater::new(6),
            answers: Vec::new(),
            scratch: Vec::new(),
            fields: Vec::new(),
            books: Books::default(),
            stats: Stats::default(),
            pinned: 0,
            ring_bytes: 0,
            pressure: Pressure::None,
            drain: None,
            rooms_swept: Millis(0),
            slice_sends: SLICE_SENDS_MAX,
            #[cfg(test)]
            planted: None,
            #[cfg(test)]
            trace: Vec::new(),
            #[cfg(test)]
            delayed: Vec::new(),
        }
    }

    /// Whatever the first LOGIN of `slot` says, it is refused with `status`, and closed.
    pub fn refuse_login(&mut self, slot: Slot, status: Status) {
        self.conns[slot as usize].unwelcome = Some(status);
    }

    /// What the driver is to do next.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Takes a message of another shard.
    pub fn receive(&mut self, from: ShardId, msg: ShardMsg, now: Now, ports: &mut impl Ports) {
        match msg {
            ShardMsg::Subscribe { room } => self.home_subscribe(from, room, now, ports),
            ShardMsg::Unsubscribe { room } => self.home_unsubscribe(from, &room, now),
            ShardMsg::Publish(publish) => self.home_publish(*publish, now, ports),
            ShardMsg::Subscribed { room, epoch, at } => self.subscribed(&room, epoch, at.0, now, ports),
            ShardMsg::SubscribeRefused { room, status } => self.subscribe_refused(&room, status, now, ports),
            ShardMsg::PublishRefused { conn, seq, code, status } => {
                self.publish_refused(conn, (seq, code), status, now, ports);
            }
            ShardMsg::Enroll { user, conn, renews } => self.enroll(user, conn, renews, now, ports),
            ShardMsg::Enrolled { conn, state } => self.enrolled(conn, state, now, ports),
            ShardMsg::EnrollRefused { conn, status } => self.enroll_refused(conn, status, now, ports),
            ShardMsg::Displace { conn } => self.displaced(conn, now, ports),
            ShardMsg::Withdraw { user, conn } => self.withdraw(&user, conn),
            ShardMsg::Batch { room, epoch, batch, lost_own } => {
                self.batch_came(&room, epoch, batch, &lost_own)
            }
        }
    }

    /// One slice of what is to be done: batches to their subscribers, rounds to their members, laggards forward.
    pub fn run(&mut self, now: Now, ports: &mut impl Ports) {
        self.post_withdrawals(now, ports);
        self.retry_home_waiters(now);
        self.retry_behind(ports);
        self.flush_homes(ports);
        self.trim_rings();
        self.catch_up_some(now, ports);
        self.wake_deferred(now);
        self.run_rooms(now, ports);
        self.planted_flush(now, ports);
    }

    /// Whether [`Shard::run`] has something to do at once.
    pub fn busy(&self) -> bool {
        !(self.ready.is_empty()
            && self.catch_up.is_empty()
            && self.dirty.is_empty()
            && self.withdrawals.is_empty())
    }

    /// Whether [`Shard::run`] has something to try again soon: another shard's ring was full.
    pub fn retries(&self) -> bool {
        !(self.behind.is_empty() && self.home_waiters.is_empty())
    }

    /// When a room's interval is over, if one waits for it.
    pub fn next_timer(&self) -> Option<Millis> {
        self.deferred.peek().map(|std::cmp::Reverse((at, _))| *at)
    }

    /// How short of memory the process is, from now on.
    pub fn set_pressure(&mut self, pressure: Pressure) {
        self.pressure = pressure;
    }

    /// The counters, and what can be counted from the tables.
    pub fn stats(&self) -> Stats {
        Stats {
            rooms: self.rooms.len(),
            members: self.rooms.iter().map(|(_, room)| room.population()).sum(),
            ring_bytes: self.ring_bytes,
            pinned_bytes: self.pinned,
            ..self.stats
        }
    }

    /// The account up to this moment. Walks every member: for the end, and for those who ask.
    pub fn books(&self) -> Books {
        let mut books = self.books.clone();
        for (at, room) in self.rooms.iter() {
            for member in room.members.iter().filter(|member| member.flags & HOLE == 0) {
                let rest = self.rest_of(at, room, member);
                books.drop_records(DropReason::Overtaken, &rest.overtaken);
                books.behind.add(&rest.behind);
            }
        }
        let halves = self.conns.iter().filter_map(|conn| conn.slow.as_ref()?.half.as_ref());
        let half_sent: Tally = halves.fold(Tally::ZERO, |mut sum, half: &Half| {
            sum.add(&half.content);
            sum
        });
        books.behind.add(&half_sent);
        books
    }

    /// The shard that sequences `room`.
    pub(crate) fn home_of(&self, room: &str) -> ShardId {
        let mut hasher = DefaultHasher::new(); // SipHash; the seed keeps clients from choosing a shard
        self.seed.hash(&mut hasher);
        room.hash(&mut hasher);
        ShardId((hasher.finish() % u64::from(self.shards)) as u16)
    }

    pub(crate) fn new_epoch(&mut self) -> u64 {
        self.epochs = self.epochs.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.epochs)
    }

    /// Input of `slot` may be offered again.
    pub(crate) fn resume(&mut self, slot: Slot, now: Now) {
        let conn = &mut self.conns[slot as usize];
        if conn.open && conn.wait != Wait::No {
            conn.wait = Wait::No;
            //= PROTOCOL.md#9.8
            // While a LOGIN or a JOIN_CR waits for its answer, idle time stands still.
            conn.last_seen = now.mono;
            self.actions.push_back(Action::Resume(slot));
        }
    }

    /// The status with which logins are refused at the moment, if they are.
    pub(crate) fn refuses_logins(&self) -> Option<Status> {
        (self.pressure >= Pressure::RefuseLogins || self.drain.is_some()).then_some(Status::OVERLOADED)
    }

    pub(crate) fn unauthenticated_came(&mut self, id: ConnId) {
        self.stats.unauthenticated += 1;
        self.config.unauthenticated.add();
        self.unauthenticated.push_back(id);
        // of the node's, this shard closes the oldest of its own: connections come to all shards alike
        while self.config.unauthenticated.now() > self.config.unauthenticated_max {
            let Some(oldest) = self.unauthenticated.pop_front() else { break };
            if let Some(slot) = self.find(oldest).filter(|&slot| self.is_unauthenticated(slot)) {
                self.close_now(slot, CloseReason::Overloaded);
            }
        }
        self.forget_authenticated();
    }

    /// Of those who wait in line without need, no more are kept than of the others.
    pub(crate) fn forget_authenticated(&mut self) {
        if self.unauthenticated.len() > 64 + 2 * self.stats.unauthenticated {
            let mut all = std::mem::take(&mut self.unauthenticated);
            all.retain(|&id| self.find(id).is_some_and(|slot| self.is_unauthenticated(slot)));
            self.unauthenticated = all;
        }
    }

    /// A connection that had not logged in did so, or is closed.
    pub(crate) fn unauthenticated_left(&mut self) {
        self.stats.unauthenticated -= 1;
        self.config.unauthenticated.remove();
    }

    pub(crate) fn is_unauthenticated(&self, slot: Slot) -> bool {
        match &self.conns[slot as usize].session {
            Session::AwaitLogin(_) => true,
            Session::Authenticating(auth) => auth.before.is_none(),
            Session::Guest(_) | Session::User(_) | Session::Closing(_) => false,
        }
    }
}

/// SplitMix64's finaliser (Steele, Lea, Flood 2014): neighbouring seeds give unrelated numbers.
fn mix(seed: u64) -> u64 {
    let z = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
