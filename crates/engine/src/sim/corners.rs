//! Which corners of the engine a run comes to: a simulation that no longer reaches one finds no bug in it.

use std::collections::BTreeMap;

use longwire_wire::Status;

use super::client::Standing;
use super::world::World;
use crate::action::CloseReason;
use crate::conn::Wait;
use crate::shard::Shard;
use crate::trace::Trace;

/// How often each corner was seen, by name.
#[derive(Default)]
pub(super) struct Corners(BTreeMap<&'static str, u64>);

type State = (&'static str, fn(&Shard) -> bool);

/// What can be seen from outside of a shard, after a call.
const STATES: [State; 13] = [
    ("a round is cut by its slice", |shard| shard.rooms.iter().any(|(_, room)| room.round.is_some())),
    ("somebody left in a round", |shard| shard.rooms.iter().any(|(_, room)| !room.holes.is_empty())),
    ("a member waits for the mark", |shard| shard.rooms.iter().any(|(_, room)| !room.ahead.is_empty())),
    ("a room waits for its interval", |shard| !shard.deferred.is_empty()),
    ("a subscriber is behind", |shard| !shard.behind.is_empty()),
    ("a sender waits for a home", |shard| shard.conns.iter().any(|conn| conn.wait == Wait::Home)),
    ("answers are not read", |shard| shard.conns.iter().any(|conn| conn.wait == Wait::Answers)),
    ("a LOGIN waits", |shard| shard.conns.iter().any(|conn| conn.wait == Wait::Login)),
    ("a JOIN waits", |shard| shard.conns.iter().any(|conn| matches!(conn.wait, Wait::Join { .. }))),
    ("a frame is half sent", |shard| shard.pinned > 0),
    ("a laggard in two rooms", |shard| {
        shard.conns.iter().any(|conn| conn.slow.as_ref().is_some_and(|slow| slow.lags.len() > 1))
    }),
    ("own records were let go", |shard| {
        let lags = |conn: &crate::conn::Conn| {
            let slow = conn.slow.as_ref();
            slow.is_some_and(|slow| slow.lags.iter().any(|lag| lag.own_evicted.total() > 0))
        };
        shard.conns.iter().any(lags)
    }),
    ("a home without a subscriber", |shard| shard.homes.len() > shard.rooms.len()),
];

/// What the model counts.
const EVENTS: [&str; 18] = [
    "late refusals were not read",
    "a guest became a user",
    "a login was renewed",
    "a replaced session asked for its place",
    "a frame was put back",
    "a refusal came late",
    "chat was refused what priority may have",
    "a push of many records",
    "a compressed push",
    "a record was passed over",
    "a slot was used again",
    "slots were cut off",
    "a slot was made again",
    "a login answer came late",
    "a login answer found no slot",
    "a room had two lives",
    "a room was left silently",
    "a batch jumped over lost ones",
];

impl Corners {
    pub(super) fn note(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(super) fn seen(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    /// Statuses that come up; the others are for what this engine does not decide yet.
    const STATUSES: [Status; 11] = [
        Status::OK,
        Status::MALFORMED,
        Status::UNAUTHENTICATED,
        Status::FORBIDDEN,
        Status::NOT_JOINED,
        Status::RATE_LIMITED,
        Status::BANNED,
        Status::TOO_LARGE,
        Status::UNSUPPORTED,
        Status::OVERLOADED,
        Status::TOO_MANY,
    ];

    /// The names of all corners there are.
    pub(super) fn all() -> impl Iterator<Item = &'static str> {
        // the driver's own, from before there is a frame; and what only a bug of a provider would bring about
        let elsewhere = [
            CloseReason::NotServed,
            CloseReason::Handshake,
            CloseReason::Http,
            CloseReason::Violation,
            CloseReason::Internal,
        ];
        let reasons = CloseReason::ALL.into_iter().filter(move |reason| !elsewhere.contains(reason));
        let reasons = reasons.map(CloseReason::name);
        let statuses = Self::STATUSES.into_iter().filter_map(Status::name);
        STATES.into_iter().map(|(what, _)| what).chain(EVENTS).chain(reasons).chain(statuses)
    }
}

impl World {
    pub(super) fn note_corners(&mut self, shard: usize) {
        self.calls += 1;
        if !self.calls.is_multiple_of(4) {
            return; // looking costs as much as the call
        }
        for (what, is_there) in STATES {
            if is_there(&self.shards[shard]) {
                self.corners.note(what);
            }
        }
    }

    /// What is about to happen in the model, too.
    pub(super) fn note_trace(&mut self, trace: &Trace) {
        let client = |conn| self.truth.client(conn).ok().map(|id| &self.clients[id]);
        match trace {
            Trace::PutBack { .. } => self.corners.note("a frame was put back"),
            Trace::LoggedIn { conn, .. } => {
                let Some(client) = client(*conn) else { return };
                if client.user.is_some() {
                    self.corners.note("a login was renewed");
                } else if client.standing == Standing::Guest {
                    self.corners.note("a guest became a user");
                }
            }
            Trace::Enrolls { conn, .. } if client(*conn).is_some_and(|client| client.replaced) => {
                self.corners.note("a replaced session asked for its place");
            }
            _ => {}
        }
    }
}
