//! What may be spoken at which port, whose handshake has its turn, and who has taken too long over one.
//!
//! Handshakes are the one thing here that costs real work, so a turn does a few of them and no more: whoever chats beside
//! ten thousand newcomers does not notice. A place is taken only once a whole hello is there; at the cap the handshake
//! that has been under way longest makes room, if it has had its time.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use longwire_engine::{Budget, ConnId, Millis, Now, Shrink};

use crate::config::{Config, Listener, PeerNetwork, Transports};
use crate::tls::Tls;

/// Steps of handshakes in a turn: a signature and a key exchange each, below a millisecond with RSA, a fifth with ECDSA.
pub(super) const HANDSHAKES_PER_TURN: usize = 8;
/// A handshake younger than this is not closed for another one: two round trips around the world.
const YOUNG_MS: u64 = 1_000;

/// What all shards know of the ports.
pub(crate) struct Porch {
    /// By the number of the listener.
    pub(crate) entrances: Vec<Entrance>,
    pub(crate) tls: Option<Arc<Tls>>,
    /// `limits.handshakes_max`.
    pub(crate) handshakes: Arc<Budget>,
    /// `tls.handshake_timeout`.
    pub(crate) timeout_ms: u64,
}

impl Porch {
    pub(crate) fn new(config: &Config, tls: Option<Arc<Tls>>) -> Self {
        let entrance = |listener: Listener| Entrance {
            allowed: listener.transports.in_force(tls.is_some()),
            proxy_from: listener.proxy_from,
        };
        Self {
            entrances: config.listeners().map(entrance).collect(),
            handshakes: Budget::new(config.limits.handshakes_max),
            timeout_ms: config.tls.handshake_timeout.as_millis() as u64,
            tls,
        }
    }

    /// What is spoken, a listener each: for the line that says where.
    pub(crate) fn spoken(&self) -> String {
        let names = |entrance: &Entrance| entrance.allowed.names().collect::<Vec<_>>().join(",");
        self.entrances.iter().map(names).collect::<Vec<_>>().join(" ")
    }
}

/// One port.
pub(crate) struct Entrance {
    pub(crate) allowed: Transports,
    pub(crate) proxy_from: Vec<PeerNetwork>,
}

impl Entrance {
    /// Whether `peer` must say in a PROXY header where the connection really comes from.
    pub(crate) fn is_proxy(&self, peer: IpAddr) -> bool {
        self.proxy_from.iter().any(|network| network.contains(peer))
    }
}

/// What a step of a handshake came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Done,
    More,
    Blocked,
    Failed,
    /// `limits.handshakes_max` are under way.
    NoPlace,
    /// It is gone, or past it.
    Over,
}

/// Who is in line, oldest first.
#[derive(Default)]
pub(crate) struct Line {
    /// Whose next step is due: each has its place, and gives it back the sooner the sooner it gets on. Bounded by
    /// `limits.handshakes_max`, and by who was closed since.
    going: VecDeque<ConnId>,
    /// Whole hellos that wait for a place. Bounded by the connections: each is in it once.
    waiting: VecDeque<ConnId>,
    /// The last step was a newcomer's: they and those under way take turns, so that neither keeps the other out.
    was_newcomers: bool,
    /// Handshakes under way, by when they began; may name some that are over.
    under_way: VecDeque<(Millis, ConnId)>,
    /// When what was begun must be done; all wait equally long, so the first is the next. May name some that are done.
    deadlines: VecDeque<(Millis, ConnId)>,
}

impl Line {
    pub(crate) fn join(&mut self, conn: ConnId, has_place: bool) {
        if has_place {
            self.going.push_back(conn);
        } else {
            self.waiting.push_back(conn);
        }
    }

    /// Goes on waiting for a place, before all others.
    pub(crate) fn wait_on(&mut self, conn: ConnId) {
        self.waiting.push_front(conn);
    }

    /// Whose turn it is; where there are no `places`, none but those who have theirs.
    pub(crate) fn next(&mut self, places: bool) -> Option<ConnId> {
        let is_newcomers =
            places && !self.waiting.is_empty() && (!self.was_newcomers || self.going.is_empty());
        self.was_newcomers = is_newcomers;
        if is_newcomers { self.waiting.pop_front() } else { self.going.pop_front() }
    }

    /// Whether anybody has a turn at once.
    pub(crate) fn is_ready(&self, places: bool) -> bool {
        !self.going.is_empty() || (places && !self.waiting.is_empty())
    }

    /// Whether anybody waits for a place.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(crate) fn begins(&mut self, conn: ConnId, now: Now) {
        self.under_way.push_back((now.mono, conn));
    }

    /// The handshake that has been under way longest, if it is old enough to make room.
    pub(crate) fn oldest(&mut self, now: Now) -> Option<ConnId> {
        self.under_way.pop_front_if(|(since, _)| now.mono.since(*since) >= YOUNG_MS).map(|(_, conn)| conn)
    }

    /// What began before `ms` is over by now.
    pub(crate) fn forget_before(&mut self, ms: u64) {
        while self.under_way.pop_front_if(|(since, _)| since.0 < ms).is_some() {}
    }

    /// Gives back the room that a storm of newcomers left.
    pub(crate) fn shrink(&mut self) {
        self.going.shrink();
        self.waiting.shrink();
        self.under_way.shrink();
        self.deadlines.shrink();
    }

    /// `conn` is to be done with what it has begun at `deadline`.
    pub(crate) fn expects(&mut self, conn: ConnId, deadline: Millis) {
        self.deadlines.push_back((deadline, conn));
    }

    /// Whose time is over, as it was set then.
    pub(crate) fn overdue(&mut self, now: Now) -> Option<(Millis, ConnId)> {
        self.deadlines.pop_front_if(|(deadline, _)| *deadline <= now.mono)
    }
}

#[cfg(test)]
mod tests {
    use longwire_engine::ShardId;

    use super::*;

    fn conn(slot: u32) -> ConnId {
        ConnId { shard: ShardId(0), slot, generation: 0 }
    }

    fn turns(line: &mut Line, places: bool) -> Vec<u32> {
        std::iter::from_fn(|| line.next(places)).map(|conn| conn.slot).collect()
    }

    /// At the cap, whoever waits for a place must not stand before those who would give theirs back.
    #[test]
    fn who_has_a_place_goes_on_where_there_is_none() {
        let mut line = Line::default();
        [(1, false), (2, false), (3, true)].into_iter().for_each(|(slot, has)| line.join(conn(slot), has));
        assert!(line.is_ready(false));
        assert_eq!(turns(&mut line, false), [3]);
        assert!(!line.is_ready(false) && line.is_ready(true) && line.is_waiting());
        assert_eq!(turns(&mut line, true), [1, 2]);
    }

    #[test]
    fn newcomers_and_those_under_way_take_turns() {
        let mut line = Line::default();
        (1..=3).for_each(|slot| line.join(conn(slot), false));
        (11..=13).for_each(|slot| line.join(conn(slot), true));
        assert_eq!(turns(&mut line, true), [1, 11, 2, 12, 3, 13]);
        line.join(conn(1), false);
        line.join(conn(2), false);
        let first = line.next(true).unwrap();
        line.wait_on(first);
        assert_eq!(turns(&mut line, true), [1, 2], "it keeps its turn");
    }
}
