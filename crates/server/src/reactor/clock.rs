//! Engine time: monotonic, without the server's own pauses.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use longwire_engine::{Millis, Now};

/// A standstill longer than this is the server's fault, and nobody else's.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads both clocks once a turn, and takes out of the monotonic one what the process slept through.
//= PROTOCOL.md#9.9
// A standstill of the server over 1 s is added to all deadlines.
pub(crate) struct Clock {
    base: Instant,
    last: Instant,
    paused: Duration,
}

impl Clock {
    pub(crate) fn start(at: Instant) -> Self {
        Self { base: at, last: at, paused: Duration::ZERO }
    }

    /// This moment. To be called at least four times a second, so that a longer silence is a standstill.
    pub(crate) fn now(&mut self) -> Now {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono: self.observe(Instant::now()), unix_ms: since_epoch.as_millis() as u64 }
    }

    fn observe(&mut self, at: Instant) -> Millis {
        let silence = at.saturating_duration_since(self.last);
        if silence > PAUSE {
            self.paused += silence;
            tracing::warn!(
                ms = silence.as_millis() as u64,
                "this shard stood still: all deadlines move by as much"
            );
        }
        self.last = at;
        Millis((at.saturating_duration_since(self.base).saturating_sub(self.paused)).as_millis() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standstill_takes_no_time_from_anybody() {
        let base = Instant::now();
        let mut clock = Clock::start(base);
        assert_eq!(clock.observe(base + Duration::from_millis(900)), Millis(900));
        assert_eq!(clock.observe(base + Duration::from_secs(41)), Millis(900), "40 s of SIGSTOP");
        assert_eq!(clock.observe(base + Duration::from_millis(41_250)), Millis(1_150));
    }
}
