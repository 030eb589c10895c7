//! Token buckets of eight bytes: a rate is a number of permits a period, with a burst.
//!
//! The generic cell rate algorithm (ITU-T I.371): a bucket is the moment at which it would be full again. An empty
//! bucket costs what a full one does, a refused permit changes nothing, and no timer refills anything.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::ids::Millis;

/// "N/period burst M".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Microseconds a permit takes to come back.
    increment: u64,
    /// Microseconds that the whole burst takes.
    burst: u64,
}

impl Rate {
    /// `count` permits in each `period`, `burst` of them at once. At least one permit, one microsecond apart.
    pub fn new(count: u32, period: Duration, burst: u32) -> Self {
        let increment = (period.as_micros() as u64 / u64::from(count.max(1))).max(1);
        Self { increment, burst: increment * u64::from(burst.max(1)) }
    }

    /// The part of this rate that is `percent` of it, burst and all.
    pub fn share(self, percent: u32) -> Self {
        let percent = u64::from(percent.clamp(1, 100));
        let permits = (self.burst / self.increment * percent / 100).max(1);
        let increment = self.increment * 100 / percent;
        Self { increment, burst: increment * permits }
    }

    /// When a bucket that would be full again at `full_at` is full again after one more permit; `None`: there is none.
    fn take(self, full_at: u64, now: u64) -> Option<u64> {
        let next = full_at.max(now) + self.increment;
        (next - now <= self.burst).then_some(next)
    }
}

/// A bucket that one shard owns.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket(u64);

impl Bucket {
    /// Gives a permit back that was taken for something that did not happen.
    pub fn give_back(&mut self, rate: Rate) {
        self.0 = self.0.saturating_sub(rate.increment);
    }

    /// Takes a permit, if there is one.
    pub fn take(&mut self, rate: Rate, now: Millis) -> bool {
        match rate.take(self.0, micros(now)) {
            Some(full_at) => {
                self.0 = full_at;
                true
            }
            None => false,
        }
    }
}

impl Bucket {
    /// How many permits there are, without taking any.
    pub fn left(&self, rate: Rate, now: Millis) -> u32 {
        let owed = self.0.saturating_sub(micros(now));
        u32::try_from(rate.burst.saturating_sub(owed) / rate.increment).unwrap_or(u32::MAX)
    }

    /// Whether it is full: nothing is to be remembered.
    pub fn is_full(&self, now: Millis) -> bool {
        self.0 <= micros(now)
    }
}

/// A bucket that connections of one user on several shards take from.
#[derive(Debug, Default)]
pub struct SharedBucket(AtomicU64);

impl SharedBucket {
    /// Gives a permit back that was taken for something that did not happen.
    pub fn give_back(&self, rate: Rate) {
        let _ = self.0.fetch_update(Relaxed, Relaxed, |full_at| Some(full_at.saturating_sub(rate.increment)));
    }

    /// Takes a permit, if there is one.
    pub fn take(&self, rate: Rate, now: Millis) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |full_at| rate.take(full_at, micros(now))).is_ok()
    }

    /// Whether it is full: nothing is to be remembered.
    pub fn is_full(&self, now: Millis) -> bool {
        self.0.load(Relaxed) <= micros(now)
    }
}

/// The time of all shards together: the one that is furthest. Each shard's own runs a turn behind, and without that
/// shard's standstills; a bucket that several shards take from would see time go backwards, and refuse too much.
#[derive(Debug, Default)]
pub struct NodeTime(AtomicU64);

impl NodeTime {
    /// What time it is for all, at a shard where it is `now`.
    pub fn at_least(&self, now: Millis) -> Millis {
        // most calls find the same millisecond: a load, and no write that other shards would have to fetch
        if self.0.load(Relaxed) < now.0 {
            self.0.fetch_max(now.0, Relaxed);
        }
        Millis(self.0.load(Relaxed))
    }
}

fn micros(now: Millis) -> u64 {
    now.0 * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the calls are spread, no window sees more than the burst and what came back meanwhile.
    #[test]
    fn no_window_sees_more_than_its_budget() {
        let (rate, mut bucket) = (Rate::new(5, Duration::from_secs(1), 10), Bucket::default());
        let mut random = fastrand::Rng::with_seed(7);
        let (mut now, mut passed) = (0u64, Vec::new());
        for _ in 0..20_000 {
            now += random.u64(0..60);
            if bucket.take(rate, Millis(now)) {
                passed.push(now);
            }
        }
        for (first, &start) in passed.iter().enumerate() {
            for (last, &end) in passed.iter().enumerate().skip(first).take(40) {
                let budget = 10 + (end - start) / 200;
                assert!((last - first) as u64 <= budget, "{} in {} ms", last - first + 1, end - start);
            }
        }
        assert!(passed.len() as u64 >= now / 200, "and none is lost");
    }

    #[test]
    fn the_burst_passes_and_one_more_does_not() {
        let (rate, mut bucket) = (Rate::new(1, Duration::from_secs(60), 3), Bucket::default());
        let taken: Vec<_> = (0..5).map(|_| bucket.take(rate, Millis(1_000_000))).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        assert!(!bucket.take(rate, Millis(1_059_999)));
        assert!(bucket.take(rate, Millis(1_060_000)));
    }

    #[test]
    fn as_many_are_left_as_can_be_taken() {
        let rate = Rate::new(2, Duration::from_secs(1), 3);
        for (taken, later) in [(0, 0), (1, 0), (3, 0), (3, 499), (3, 500), (3, 1_500), (2, 9_000)] {
            let mut bucket = Bucket::default();
            (0..taken).for_each(|_| assert!(bucket.take(rate, Millis(70_000))));
            let (now, mut more) = (Millis(70_000 + later), 0);
            let left = bucket.left(rate, now);
            while bucket.take(rate, now) {
                more += 1;
            }
            assert_eq!(left, more, "{taken} taken {later} ms ago");
        }
    }

    /// A shard that is behind the others gets as many permits as they.
    #[test]
    fn shards_whose_clocks_differ_share_a_bucket() {
        let rate = Rate::new(4, Duration::from_secs(3600), 4);
        let (bucket, time) = (SharedBucket::default(), NodeTime::default());
        let taken: Vec<_> = [5_000, 4_999, 5_000, 2_000, 5_000]
            .map(|now| bucket.take(rate, time.at_least(Millis(now))))
            .to_vec();
        assert_eq!(taken, [true, true, true, true, false]);
    }

    #[test]
    fn a_permit_that_came_back_can_be_taken_again() {
        let rate = Rate::new(1, Duration::from_secs(60), 2);
        let (mut own, shared) = (Bucket::default(), SharedBucket::default());
        for _ in 0..5 {
            assert!(own.take(rate, Millis(1_000)) && shared.take(rate, Millis(1_000)));
            own.give_back(rate);
            shared.give_back(rate);
        }
        let taken: Vec<_> =
            (0..3).map(|_| (own.take(rate, Millis(1_000)), shared.take(rate, Millis(1_000)))).collect();
        assert_eq!(taken, [(true, true), (true, true), (false, false)]);
    }

    #[test]
    fn a_share_leaves_the_rest() {
        let rate = Rate::new(200, Duration::from_secs(1), 40);
        assert_eq!(rate.share(50), Rate::new(100, Duration::from_secs(1), 20));
        assert_eq!(rate.share(100), rate);
    }
}
