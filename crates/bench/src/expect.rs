//! What was expected of a run, and whether it came: the exit status of a script hangs on it.

use std::time::Duration;

use serde::Serialize;

/// What was expected.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expect {
    /// The 99th percentile: of deliveries; of logins where nothing is said.
    pub p99: Option<Duration>,
    /// Messages that did not come as they should, and connections that were lost.
    pub loss: Option<u64>,
    /// A second: deliveries; connections, logins, reconnects where these are measured.
    pub rate: Option<f64>,
}

/// What was expected, and what came.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The flag.
    pub expectation: &'static str,
    /// At most; for a rate at least. In microseconds, messages, or a second.
    pub wanted: f64,
    /// What came.
    pub got: f64,
    /// Whether that is good enough.
    pub met: bool,
}

impl Expect {
    pub(crate) fn judge(&self, p99_us: f64, faults: u64, rate: f64) -> Vec<Verdict> {
        let p99 = self.p99.map(|wanted| {
            let wanted = wanted.as_secs_f64() * 1e6;
            Verdict { expectation: "--expect-p99", wanted, got: p99_us, met: p99_us <= wanted }
        });
        let loss = self.loss.map(|wanted| {
            let (wanted, got) = (wanted as f64, faults as f64);
            Verdict { expectation: "--expect-loss", wanted, got, met: got <= wanted }
        });
        let rate = self.rate.map(|wanted| Verdict {
            expectation: "--expect-rate",
            wanted,
            got: rate,
            met: rate >= wanted,
        });
        p99.into_iter().chain(loss).chain(rate).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(expect: Expect) -> Vec<bool> {
        expect.judge(1000.0, 3, 50.0).iter().map(|verdict| verdict.met).collect()
    }

    #[test]
    fn a_bound_is_met_at_the_bound_and_not_past_it() {
        let none = Expect::default();
        assert!(met(none).is_empty());
        for (ms, good) in [(1, true), (0, false)] {
            assert_eq!(met(Expect { p99: Some(Duration::from_millis(ms)), ..none }), [good]);
        }
        for (loss, good) in [(3, true), (2, false)] {
            assert_eq!(met(Expect { loss: Some(loss), ..none }), [good]);
        }
        for (rate, good) in [(50.0, true), (50.1, false), (f64::NAN, false)] {
            assert_eq!(met(Expect { rate: Some(rate), ..none }), [good]);
        }
    }
}
