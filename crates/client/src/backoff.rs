//! The reconnect schedule: how long to wait after the n-th failure in a row.
//!
//! Full jitter: a random time between nothing and a ceiling that doubles. Without it every client of a server that
//! restarts comes back in the same instant. Never reads a clock; randomness comes from a seed.

use crate::Reconnect;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Backoff {
    reconnect: Reconnect,
    rng: fastrand::Rng,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(reconnect: Reconnect) -> Self {
        let rng = reconnect.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self { reconnect, rng, failures: 0 }
    }

    /// Counts a failure. How long to wait before the next attempt; `None`: the attempts are used up.
    pub(crate) fn fail(&mut self) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        if self.reconnect.attempts_max.is_some_and(|max| self.failures > max) {
            return None;
        }
        Some(self.ceiling().mul_f64(self.rng.f64()))
    }

    /// How many failures in a row were counted.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Something worked: the schedule starts over.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// A seed for a schedule of its own, so that one seed decides everything a client does.
    pub(crate) fn fork(&mut self) -> u64 {
        self.rng.u64(..)
    }

    fn ceiling(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(31);
        self.reconnect.first.saturating_mul(1 << doublings).min(self.reconnect.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(seed: u64, len: usize) -> Vec<Duration> {
        let mut backoff = Backoff::new(Reconnect { seed: Some(seed), ..Reconnect::default() });
        (0..len).map(|_| backoff.fail().unwrap()).collect()
    }

    #[test]
    fn waits_stay_below_a_ceiling_that_doubles_from_half_a_second_to_thirty() {
        for seed in 0..500 {
            for (n, wait) in schedule(seed, 40).into_iter().enumerate() {
                let ceiling =
                    Duration::from_millis(500).saturating_mul(1 << n.min(20)).min(Duration::from_secs(30));
                assert!(wait <= ceiling, "seed {seed}: wait {n} is {wait:?}, over {ceiling:?}");
            }
        }
    }

    #[test]
    fn waits_are_spread_over_the_whole_range() {
        let lasts: Vec<_> = (0..500).map(|seed| schedule(seed, 10)[9].as_secs_f64()).collect();
        let mean = lasts.iter().sum::<f64>() / 500.0;
        assert!((13.0..17.0).contains(&mean), "seeds 0..500: mean {mean} of 0 to 30 s");
        assert!(lasts.iter().any(|&s| s < 1.0) && lasts.iter().any(|&s| s > 29.0));
    }

    #[test]
    fn a_seed_repeats_its_schedule_and_another_differs() {
        assert_eq!(schedule(7, 20), schedule(7, 20));
        assert_ne!(schedule(7, 20), schedule(8, 20));
    }

    #[test]
    fn attempts_end_where_they_are_limited() {
        let mut backoff = Backoff::new(Reconnect { attempts_max: Some(2), ..Reconnect::default() });
        assert!(backoff.fail().is_some() && backoff.fail().is_some());
        assert_eq!((backoff.fail(), backoff.failures()), (None, 3));
        backoff.reset();
        assert!(backoff.fail().is_some(), "something worked in between");
        assert_eq!(Backoff::new(Reconnect::never()).fail(), None);
    }
}
