//! What may be spoken at which port, whose handshake has its turn, and who has taken too long over one.
//!
//! Handshakes are the one thing here that costs real work, so a turn does a few of them and no more: whoever chats beside
//! ten thousand newcomers does not notice. A place is taken only once a whole hello is there; at the cap the handshake
//! that has been under way longest makes room, if it has had its time.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use longwire_engine::{Budget, ConnId, Millis, Now};

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
    /// Hellos and flights that wait for their turn. Bounded by the connections: each is in it once.
    waiting: VecDeque<ConnId>,
    /// Handshakes under way, by when they began; may name some that are over.
    under_way: VecDeque<(Millis, ConnId)>,
    /// When what was begun must be done; all wait equally long, so the first is the next. May name some that are done.
    deadlines: VecDeque<(Millis, ConnId)>,
}

impl Line {
    pub(crate) fn join(&mut self, conn: ConnId) {
        self.waiting.push_back(conn);
    }

    /// Goes on waiting, before all others.
    pub(crate) fn wait_on(&mut self, conn: ConnId) {
        self.waiting.push_front(conn);
    }

    pub(crate) fn next(&mut self) -> Option<ConnId> {
        self.waiting.pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
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

    /// `conn` is to be done with what it has begun at `deadline`.
    pub(crate) fn expects(&mut self, conn: ConnId, deadline: Millis) {
        self.deadlines.push_back((deadline, conn));
    }

    /// Whose time is over, as it was set then.
    pub(crate) fn overdue(&mut self, now: Now) -> Option<(Millis, ConnId)> {
        self.deadlines.pop_front_if(|(deadline, _)| *deadline <= now.mono)
    }
}
