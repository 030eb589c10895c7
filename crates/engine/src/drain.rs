//! Going down without dropping everybody at one moment: closes are spread, and what can be flushed is flushed first.

use crate::action::CloseReason;
use crate::ids::{Millis, Now, Slot};
use crate::limits::{DRAIN_OWED_MS, DRAIN_PER_SECOND_MIN};
use crate::post::Ports;
use crate::session::State;
use crate::shard::Shard;

/// Closes that are due at once: with few connections nobody waits.
const DRAIN_AT_ONCE: u64 = 50;

pub(crate) struct Drain {
    since: Millis,
    spread_ms: u64,
    total: u64,
    closed: u64,
}

impl Drain {
    /// How many connections are to be closed by now: all within the spread, and no fewer than 500 a second.
    fn due(&self, now: Now) -> u64 {
        let elapsed = now.mono.since(self.since);
        let by_spread = match elapsed >= self.spread_ms {
            true => self.total,
            false => self.total * elapsed / self.spread_ms.max(1),
        };
        by_spread.max(DRAIN_AT_ONCE + elapsed * DRAIN_PER_SECOND_MIN / 1000).min(self.total)
    }

    fn is_over(&self, now: Now) -> bool {
        now.mono.since(self.since) >= self.spread_ms
    }

    /// Whether members that are owed something may still be waited for.
    fn is_patient(&self, now: Now) -> bool {
        now.mono.since(self.since) < self.spread_ms.min(DRAIN_OWED_MS)
    }
}

impl Shard {
    /// Begins to close all connections over `spread_ms`; logins are refused from now on.
    pub fn begin_drain(&mut self, spread_ms: u64, now: Now) {
        if self.drain.is_none() {
            let total = self.stats.connections as u64;
            self.drain = Some(Drain { since: now.mono, spread_ms, total, closed: 0 });
        }
    }

    /// Closes what is due; those that are still owed something are waited for, for a while. To be called each turn of a drain.
    pub fn drain_step(&mut self, now: Now, ports: &mut impl Ports) {
        let Some(drain) = &self.drain else { return };
        let (mut left, over) = (drain.due(now).saturating_sub(drain.closed), drain.is_over(now));
        let patient = drain.is_patient(now);
        if left == 0 && !over {
            return;
        }
        for slot in 0..self.conns.len() as Slot {
            if left == 0 && !over {
                break;
            }
            let conn = &self.conns[slot as usize];
            let owed = conn.slow.is_some() || !self.ready.is_empty() || !self.deferred.is_empty();
            if !conn.open || self.state(slot) == State::Closing || (owed && patient) {
                continue;
            }
            self.close_after_flush(slot, CloseReason::Draining, now, ports);
            left = left.saturating_sub(1);
            if let Some(drain) = &mut self.drain {
                drain.closed += 1;
            }
        }
    }

    /// Closes everything at once.
    pub fn cut_all(&mut self) {
        for slot in 0..self.conns.len() as Slot {
            self.close_now(slot, CloseReason::Cut);
        }
    }
}
