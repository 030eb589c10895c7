//! How connections come in, and go: whose turn it is to connect, LOGIN, JOIN_CR, LOGOUT, and coming back.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

use longwire_wire::Status;
use mio::{Interest, Token};

use super::conn::{Phase, SILENT, source};
use super::layer::Layer;
use super::{FIRST_CONN, Worker, bump};
use crate::failure::Failure;
use crate::plan::{Crowd, Plan};
use crate::shared::NEVER;
use crate::speech::Hello;

/// Connections that are on their way in at once, of all threads together. A storm has no such bound.
const COMING_IN_MAX: usize = 256;
/// Connections begun between two looks at the sockets.
const OPENED_A_TURN: usize = 256;
/// What the kernel keeps for a laggard that does not read: little, so that the server has the rest.
const LAGGARD_RECEIVE_BYTES: usize = 32 * 1024;
/// Before somebody of the crowd who was not let in tries again, where it comes back at all.
const RETRY: Duration = Duration::from_millis(100);

pub(super) struct Door {
    crowd: Crowd,
    /// Connections of this thread that have begun for the first time.
    begun: usize,
    coming_in: usize,
    coming_in_max: usize,
    /// Those that come back now.
    again: VecDeque<u32>,
    /// Those that leave, or come back, at a moment: when, who, and in which life.
    later: BinaryHeap<Reverse<(u64, u32, u64)>>,
    rng: fastrand::Rng,
    /// A turn ended with work left.
    busy: bool,
}

impl Door {
    pub(super) fn new(plan: &Plan, index: usize, threads: usize) -> Self {
        Self {
            crowd: plan.crowd,
            begun: 0,
            coming_in: 0,
            coming_in_max: COMING_IN_MAX.div_ceil(threads),
            again: VecDeque::new(),
            later: BinaryHeap::new(),
            rng: fastrand::Rng::with_seed(plan.seed.rotate_left(32) ^ index as u64),
            busy: false,
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }
}

impl Worker {
    /// Begins the connections whose turn it is, and ends those whose time is up.
    pub(super) fn let_in(&mut self) {
        while let Some(&Reverse((at_ns, conn, life))) = self.door.later.peek()
            && at_ns <= self.times.now
        {
            self.door.later.pop();
            let one = &self.conns[conn as usize];
            match one.phase {
                Phase::In if one.since_ns == life => self.leave(conn as usize),
                Phase::Out => self.door.again.push_back(conn),
                _ => {}
            }
        }
        self.door.busy = true;
        for _ in 0..OPENED_A_TURN {
            match self.next_in() {
                Some(at) => self.open(at),
                None => return self.door.busy = false,
            }
        }
    }

    fn next_in(&mut self) -> Option<usize> {
        let storms = self.door.crowd == Crowd::Storm && self.door.begun >= self.members;
        if self.door.coming_in >= self.door.coming_in_max && !storms {
            return None;
        }
        if let Some(at) = self.door.again.pop_front() {
            return Some(at as usize);
        }
        let at = self.door.begun;
        let in_crowd = at.checked_sub(self.members).map(|place| self.index + place * self.threads);
        let open = in_crowd.is_none_or(|place| (place as u64) < u64::from(self.shared.gate.load(Acquire)));
        if at >= self.conns.len() || !open {
            return None;
        }
        self.door.begun += 1;
        Some(at)
    }

    /// The connection's number in the whole run: names and source addresses go by it.
    fn number(&self, at: usize) -> usize {
        match at.checked_sub(self.members) {
            None => self.index + at * self.threads,
            Some(place) => {
                self.plan.shape.rooms * self.plan.shape.members + self.index + place * self.threads
            }
        }
    }

    fn open(&mut self, at: usize) {
        let to = self.plan.target.address;
        let from = source(self.number(at), self.means.sources, to);
        let lags = at >= self.members && self.has_laggards();
        let registry = self.poll.registry();
        let conn = &mut self.conns[at];
        self.door.coming_in += 1;
        let receive = lags.then_some(LAGGARD_RECEIVE_BYTES);
        let opened = conn.open(to, from, receive, self.shared.clock.now_ns()).and_then(|()| {
            let interest = Interest::READABLE | Interest::WRITABLE;
            let stream = conn.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
            registry.register(stream, Token(FIRST_CONN + at), interest)
        });
        if let Err(err) = opened {
            self.kept_out(at, Failure::Unreachable { address: to, source: err });
        }
    }

    /// The socket has become writable: it is connected, or it never will be.
    pub(super) fn connected(&mut self, at: usize) {
        let (bare, number) = (self.is_bare(), self.number(at));
        let conn = &mut self.conns[at];
        let Some(stream) = &conn.stream else { return };
        let failed = stream.take_error().and_then(|err| err.map_or(Ok(()), Err));
        if let Err(source) = failed {
            let address = self.plan.target.address;
            return self.kept_out(at, Failure::Unreachable { address, source });
        }
        if stream.peer_addr().is_err() {
            return; // not yet
        }
        conn.layer = Layer::of(&self.plan.target.carrier, self.speech.dialect().length);
        let mut words = Vec::new();
        if bare {
            let record_bytes = match conn.sender {
                SILENT => 0,
                sender => self.senders.all[sender as usize].record_bytes(),
            };
            words.extend(Hello { room: conn.room, run: self.speech.run, record_bytes }.to_bytes());
            conn.phase = Phase::Joining;
            self.begin(at);
        } else {
            let login = self.plan.target.logins.of(number, conn.sender != SILENT);
            let login = login.as_ref().map(|(user, token)| (user.as_str(), *token));
            self.speech.put_login(&mut words, login);
            conn.phase = Phase::LoggingIn;
        }
        self.say(at, &words);
    }

    /// Whoever comes in while others speak begins with what it sees first.
    fn begin(&mut self, at: usize) {
        if at >= self.members && !self.has_laggards() {
            self.verifier.begin_anywhere(at as u32);
        }
    }

    /// Says something to a socket that has taken everything so far: it takes this too, or is of no use.
    fn say(&mut self, at: usize, words: &[u8]) {
        if self.conns[at].write(words) < words.len() {
            self.ended(at);
        }
    }

    pub(super) fn logged_in(&mut self, at: usize, status: u8) {
        if status != Status::OK.0 {
            return self.refused(at, "LOGIN", status);
        }
        let mut words = Vec::new();
        self.begin(at);
        let conn = &mut self.conns[at];
        conn.phase = Phase::Joining;
        self.speech.put_join(&mut words, conn.room);
        self.say(at, &words);
    }

    pub(super) fn joined(&mut self, at: usize, status: u8) {
        if status != Status::OK.0 {
            return self.refused(at, "the join of a room", status);
        }
        let now = self.shared.clock.now_ns();
        let conn = &mut self.conns[at];
        let (room, life) = (conn.room as usize, conn.since_ns);
        conn.phase = Phase::In;
        let returns = std::mem::replace(&mut conn.returns, true);
        self.door.coming_in -= 1;
        if at >= self.members || self.door.crowd == Crowd::None {
            self.harvest.entry.saturating_record(now - life);
        }
        if at < self.members {
            self.present[room] += 1;
            self.shared.present[room * self.threads + self.index].store(self.present[room], Release);
            return bump(&self.tally().members_in, 1);
        }
        bump(&self.tally().crowd_in, 1);
        bump(&self.tally().joins, 1);
        bump(&self.tally().reconnects, u64::from(returns));
        if let Crowd::Churn { stay } = self.door.crowd {
            self.door.later.push(Reverse((now + stay.as_nanos() as u64, at as u32, life)));
        }
    }

    fn refused(&mut self, at: usize, what: &'static str, status: u8) {
        self.kept_out(at, Failure::Refused { address: self.plan.target.address, what, status });
    }

    /// A connection does not come in. A run needs all its members; of the crowd it is a figure.
    fn kept_out(&mut self, at: usize, why: Failure) {
        self.door.coming_in -= 1;
        self.conns[at].shut();
        if at < self.members {
            return self.shared.fail(why);
        }
        self.harvest.first_refusal.get_or_insert_with(|| why.to_string());
        bump(&self.tally().crowd_failed, 1);
        if matches!(self.door.crowd, Crowd::Churn { .. }) {
            let again_ns = self.times.now + RETRY.as_nanos() as u64;
            self.door.later.push(Reverse((again_ns, at as u32, NEVER)));
        }
    }

    /// Somebody's stay is over: half of them say goodbye, half just go.
    fn leave(&mut self, at: usize) {
        if self.is_bare() || self.door.rng.bool() {
            return self.left(at);
        }
        self.conns[at].phase = Phase::Leaving;
        let mut words = Vec::new();
        self.speech.put_logout(&mut words);
        self.say(at, &words);
    }

    /// Somebody has left, and comes back.
    fn left(&mut self, at: usize) {
        self.conns[at].shut();
        bump(&self.tally().leaves, 1);
        self.door.again.push_back(at as u32);
    }

    /// The connection has ended.
    pub(super) fn ended(&mut self, at: usize) {
        let (address, conn) = (self.plan.target.address, &mut self.conns[at]);
        match conn.phase {
            Phase::Out => {}
            Phase::Leaving => self.left(at),
            Phase::Connecting | Phase::LoggingIn | Phase::Joining => {
                let declined = conn.layer.as_ref().and_then(|layer| layer.declined(address));
                let reset =
                    || Failure::Unreachable { address, source: io::ErrorKind::ConnectionReset.into() };
                self.kept_out(at, declined.unwrap_or_else(reset));
            }
            Phase::In => self.dropped(at),
        }
    }

    fn dropped(&mut self, at: usize) {
        let room = self.conns[at].room as usize;
        self.conns[at].shut();
        let drops = if at < self.members { &self.tally().members_dropped } else { &self.tally().drops };
        bump(drops, 1);
        if at < self.members {
            self.present[room] -= 1;
            self.shared.present[room * self.threads + self.index].store(self.present[room], Release);
        } else if matches!(self.door.crowd, Crowd::Churn { .. }) {
            self.door.again.push_back(at as u32);
        }
    }
}
