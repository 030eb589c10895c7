//! Heartbeats: a sweep over all connections that comes to each of them every 14 s. No timer for a connection.

use std::time::Duration;

use super::conn::{Phase, SILENT};
use super::{Worker, bump};
use crate::speech::Peer;

//= PROTOCOL.md#9.7
// A client sends a PING after 14 s in which it sent nothing else.
/// From one PING of a connection to its next.
const PERIOD: Duration = Duration::from_secs(14);
/// PINGs between two looks at the sockets.
const PINGS_A_TURN: u64 = 1024;

pub(super) struct Hearts {
    since_ns: u64,
    /// Connections that the sweep has come by, over all its rounds.
    passed: u64,
}

impl Hearts {
    pub(super) fn new(now_ns: u64) -> Self {
        Self { since_ns: now_ns, passed: 0 }
    }

    /// The connections whose turn it is, of so many.
    fn due(&mut self, now_ns: u64, conns: usize) -> impl Iterator<Item = usize> + use<> {
        let elapsed = u128::from(now_ns - self.since_ns);
        let target = (elapsed * conns as u128 / PERIOD.as_nanos()) as u64;
        let from = self.passed;
        self.passed = target.min(from + PINGS_A_TURN);
        let conns = conns.max(1) as u64;
        (from..self.passed).map(move |at| (at % conns) as usize)
    }
}

impl Worker {
    /// Sends the PINGs that are due.
    pub(super) fn beat(&mut self) {
        let due = self.hearts.due(self.times.now, self.conns.len());
        if due.size_hint().1 == Some(0) {
            return;
        }
        let mut ping = Vec::new();
        self.speech.put_ping(&mut ping);
        for at in due {
            self.ping(at, &ping);
        }
    }

    fn ping(&mut self, at: usize, ping: &[u8]) {
        let conn = &mut self.conns[at];
        // what a sender of the bare loop says are records; a sender in the middle of a frame is heard anyway
        let is_sender = conn.sender != SILENT;
        let speaks = is_sender && (self.speech.peer == Peer::Bare || self.senders.is_mid_frame(conn.sender));
        if conn.phase != Phase::In || speaks {
            return;
        }
        let missed = std::mem::replace(&mut conn.awaits_pong, true);
        if conn.write(ping) == ping.len() {
            bump(&self.tally().pings, 1);
        }
        if missed {
            bump(&self.tally().missed, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweep_comes_to_everybody_once_a_period() {
        let mut hearts = Hearts::new(5);
        let second = 1_000_000_000;
        assert_eq!(hearts.due(5, 28).count(), 0);
        assert_eq!(hearts.due(5 + second, 28).collect::<Vec<_>>(), [0, 1]);
        let rest: Vec<_> = (2..=14).flat_map(|at| hearts.due(5 + at * second, 28)).collect();
        assert_eq!(rest, (2..28).collect::<Vec<_>>());
        assert_eq!(hearts.due(5 + 15 * second, 28).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(Hearts::new(0).due(PERIOD.as_nanos() as u64, 0).count(), 0);
    }
}
