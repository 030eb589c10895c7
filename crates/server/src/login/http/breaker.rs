//! When not to ask: after failures in a row nobody waits for a service that does not answer.
//!
//! Closed, every call passes. After [`FAILURES_MAX`] failures in a row it opens: no call passes, but one every
//! [`PROBE_INTERVAL`], and its success closes it. Time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open the breaker.
pub(super) const FAILURES_MAX: u32 = 5;
/// While it is open, one call passes in this time.
pub(super) const PROBE_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// Open: when the next probe may pass.
    open_until: Option<Instant>,
    probing: bool,
}

/// The right to one call; handed back with its outcome.
#[derive(Debug)]
pub(super) struct Gate {
    probe: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Opened,
    Closed,
}

impl Breaker {
    /// `None`: not now.
    pub(super) fn enter(&mut self, now: Instant) -> Option<Gate> {
        let Some(until) = self.open_until else { return Some(Gate { probe: false }) };
        if self.probing || now < until {
            return None;
        }
        self.probing = true;
        Some(Gate { probe: true })
    }

    /// How a call ended; `None`: nobody waited for its end.
    pub(super) fn leave(&mut self, gate: Gate, worked: Option<bool>, now: Instant) -> Option<Change> {
        if gate.probe {
            self.probing = false;
        }
        match worked {
            Some(true) => {
                self.failures = 0;
                self.open_until.take().map(|_| Change::Closed)
            }
            Some(false) => {
                self.failures = self.failures.saturating_add(1);
                let opens = self.open_until.is_none() && self.failures >= FAILURES_MAX;
                if opens || gate.probe {
                    self.open_until = Some(now + PROBE_INTERVAL);
                }
                opens.then_some(Change::Opened)
            }
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &mut Breaker, now: Instant) -> Option<Change> {
        let gate = breaker.enter(now).expect("closed");
        breaker.leave(gate, Some(false), now)
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_starts_the_count_anew() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..4 {
            assert_eq!(fail(&mut breaker, now), None);
        }
        let gate = breaker.enter(now).unwrap();
        breaker.leave(gate, Some(true), now);
        for _ in 0..4 {
            assert_eq!(fail(&mut breaker, now), None);
        }
        assert_eq!(fail(&mut breaker, now), Some(Change::Opened));
        assert!(breaker.enter(now).is_none());
    }

    #[test]
    fn while_it_is_open_one_call_passes_every_five_seconds() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES_MAX {
            fail(&mut breaker, start);
        }
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert!(breaker.enter(at(4999)).is_none());
        let probe = breaker.enter(at(5000)).unwrap();
        assert!(breaker.enter(at(5000)).is_none(), "one probe at a time");
        assert_eq!(breaker.leave(probe, Some(false), at(8000)), None);
        assert!(breaker.enter(at(12_999)).is_none());
        let probe = breaker.enter(at(13_000)).unwrap();
        assert_eq!(breaker.leave(probe, Some(true), at(13_001)), Some(Change::Closed));
        assert!(breaker.enter(at(13_001)).is_some());
    }

    #[test]
    fn a_probe_that_nobody_waited_for_makes_room_for_the_next() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES_MAX {
            fail(&mut breaker, start);
        }
        let probe = breaker.enter(start + PROBE_INTERVAL).unwrap();
        breaker.leave(probe, None, start + PROBE_INTERVAL);
        assert!(breaker.enter(start + PROBE_INTERVAL).is_some());
    }

    #[test]
    fn calls_that_began_before_it_opened_do_not_postpone_the_probe() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        let late = breaker.enter(start).unwrap();
        for _ in 0..FAILURES_MAX {
            fail(&mut breaker, start);
        }
        assert_eq!(breaker.leave(late, Some(false), start + Duration::from_secs(3)), None);
        assert!(breaker.enter(start + PROBE_INTERVAL).is_some());
    }
}
