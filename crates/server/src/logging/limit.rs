//! At most so many lines a second of one kind, and nothing silently lost: what was held back is counted and told.
//!
//! Holds no clock and no lock: time is an argument, and each thread has its own limit for each kind of line. So a
//! process stays within [`LINES_PER_SECOND_MAX`] if its threads share that number among them.

use std::time::{Duration, Instant};

/// Lines a second of one kind, in the whole process. A disk takes that for a night: 100 lines of 200 bytes are 1.7 GB a
/// day.
pub const LINES_PER_SECOND_MAX: u32 = 100;

/// One kind of line.
///
/// ```
/// # use longwire_server::logging::LogLimit;
/// # use std::time::Instant;
/// let mut limit = LogLimit::new(1);
/// let now = Instant::now();
/// assert_eq!(limit.pass(now), Some(0)); // log it
/// assert_eq!(limit.pass(now), None); // hold it back
/// ```
#[derive(Clone, Debug)]
pub struct LogLimit {
    per_second: u32,
    /// The second that is being counted.
    since: Option<Instant>,
    passed: u32,
    suppressed: u64,
}

const SECOND: Duration = Duration::from_secs(1);

impl LogLimit {
    /// At most `per_second` lines in any second that this counts, and at least one.
    pub fn new(per_second: u32) -> Self {
        Self { per_second: per_second.max(1), since: None, passed: 0, suppressed: 0 }
    }

    /// One of `threads` equal shares of [`LINES_PER_SECOND_MAX`].
    pub fn share(threads: usize) -> Self {
        let threads = u32::try_from(threads).unwrap_or(u32::MAX).max(1);
        Self::new(LINES_PER_SECOND_MAX / threads)
    }

    /// Whether a line may be logged now. `Some(n)`: yes, and `n` were held back since the last one, which it should
    /// tell (`suppressed = n`). `None`: hold it back.
    pub fn pass(&mut self, now: Instant) -> Option<u64> {
        self.roll(now);
        if self.passed < self.per_second {
            self.passed += 1;
            return Some(std::mem::take(&mut self.suppressed));
        }
        self.suppressed += 1;
        None
    }

    /// What was held back, once its second is over: for a line that says so when no further one comes. A sweep asks.
    pub fn take_suppressed(&mut self, now: Instant) -> Option<u64> {
        self.roll(now);
        let over = self.passed < self.per_second && self.suppressed > 0;
        over.then(|| {
            self.passed += 1;
            std::mem::take(&mut self.suppressed)
        })
    }

    /// Begins a new second where the last one is over. A clock that stands or steps back begins none.
    fn roll(&mut self, now: Instant) {
        let over = self.since.is_none_or(|since| now.saturating_duration_since(since) >= SECOND);
        if over {
            self.since = Some(now);
            self.passed = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A storm of a million events in 10 s: exactly 100 lines a second, and every other event is counted.
    #[test]
    fn a_storm_is_thinned_and_every_line_counted() {
        let mut limit = LogLimit::new(100);
        let start = Instant::now();
        let (mut logged, mut told) = (0, 0);
        for event in 0..1_000_000u64 {
            if let Some(suppressed) = limit.pass(start + Duration::from_micros(10 * event)) {
                logged += 1;
                told += suppressed;
            }
        }
        assert_eq!(logged, 10 * 100);
        let last = limit.take_suppressed(start + Duration::from_secs(11)).unwrap();
        assert_eq!(logged + told + last, 1_000_000);
    }

    #[test]
    fn the_limit_and_one_past_it() {
        let mut limit = LogLimit::new(2);
        let start = Instant::now();
        let almost = start + SECOND - Duration::from_nanos(1);
        assert_eq!([limit.pass(start), limit.pass(almost), limit.pass(almost)], [Some(0), Some(0), None]);
        assert_eq!(limit.take_suppressed(almost), None, "its second is not over");
        assert_eq!(limit.pass(start + SECOND), Some(1));
        assert_eq!(limit.take_suppressed(start + SECOND), None, "told already");
    }

    #[test]
    fn quiet_kinds_are_never_held_back() {
        let mut limit = LogLimit::new(1);
        let start = Instant::now();
        for second in 0..100 {
            assert_eq!(limit.pass(start + second * SECOND), Some(0));
        }
    }

    #[test]
    fn shares_of_many_threads_stay_within_the_whole() {
        for threads in [1usize, 3, 4, 100] {
            let share = LogLimit::share(threads).per_second;
            assert!(share >= 1 && share * u32::try_from(threads).unwrap() <= LINES_PER_SECOND_MAX);
        }
        assert_eq!(LogLimit::share(0).per_second, 100);
        assert_eq!(LogLimit::share(usize::MAX).per_second, 1);
    }
}
