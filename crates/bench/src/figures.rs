//! Figures for people: short, three digits, with their unit.

use hdrhistogram::Histogram;
use serde::Serialize;

/// What a distribution comes to, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many values it is made of.
    pub count: u64,
    /// Half of them were at most this.
    pub p50_us: f64,
    /// 90 % of them.
    pub p90_us: f64,
    /// 99 % of them.
    pub p99_us: f64,
    /// 99.9 % of them.
    pub p999_us: f64,
    /// All of them.
    pub max_us: f64,
}

impl Percentiles {
    /// Of nanoseconds.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            count: histogram.len(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: histogram.max() as f64 / 1e3,
        }
    }

    /// One line of a table.
    pub(crate) fn line(&self) -> String {
        if self.count == 0 {
            return "nothing came".to_owned();
        }
        let named = [
            ("p50", self.p50_us),
            ("p90", self.p90_us),
            ("p99", self.p99_us),
            ("p99.9", self.p999_us),
            ("max", self.max_us),
        ];
        named.map(|(name, us)| format!("{name} {}", micros(us))).join("  ")
    }
}

/// 1234567 as 1.23 M.
pub(crate) fn brief(value: f64) -> String {
    match value.abs() {
        big if big >= 1e9 => format!("{} G", digits(value / 1e9)),
        big if big >= 1e6 => format!("{} M", digits(value / 1e6)),
        big if big >= 1e4 => format!("{} k", digits(value / 1e3)),
        big if big >= 1e3 => format!("{value:.0}"),
        _ => digits(value),
    }
}

/// 1234567 bytes as 1.18 MiB.
pub(crate) fn bytes(value: f64) -> String {
    match value.abs() {
        big if big >= 1024.0 * 1024.0 * 1024.0 => format!("{} GiB", digits(value / 1024.0 / 1024.0 / 1024.0)),
        big if big >= 1024.0 * 1024.0 => format!("{} MiB", digits(value / 1024.0 / 1024.0)),
        big if big >= 1e4 => format!("{} KiB", digits(value / 1024.0)),
        _ => format!("{value:.0} B"),
    }
}

/// 1234.5 µs as 1.23 ms.
pub(crate) fn micros(value: f64) -> String {
    match value {
        big if big >= 1e6 => format!("{} s", digits(value / 1e6)),
        big if big >= 1e3 => format!("{} ms", digits(value / 1e3)),
        _ => format!("{} µs", digits(value)),
    }
}

/// 12.3 s
pub(crate) fn seconds(value: f64) -> String {
    format!("{value:.0} s")
}

/// Three of them, as far as there are any behind the point.
fn digits(value: f64) -> String {
    match value.abs() {
        big if big >= 100.0 => format!("{value:.0}"),
        big if big >= 10.0 => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        small if small < 0.1 => format!("{value:.4}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let cases = [(0.0, "0"), (0.071, "0.0710"), (3.0, "3.00"), (45.678, "45.7"), (999.4, "999")];
        for (value, text) in cases {
            assert_eq!(brief(value), text);
        }
        assert_eq!([1234.0, 12_345.0, 1.2345e6, 14e9].map(brief), ["1234", "12.3 k", "1.23 M", "14.0 G"]);
        assert_eq!([240.0, 123_456.0, 5e6].map(bytes), ["240 B", "121 KiB", "4.77 MiB"]);
        assert_eq!([0.5, 87.0, 1234.5, 2.5e6].map(micros), ["0.50 µs", "87.0 µs", "1.23 ms", "2.50 s"]);
    }

    #[test]
    fn percentiles_come_from_nanoseconds() {
        let mut histogram = crate::worker::histogram();
        (1..=1000).for_each(|ms| histogram.saturating_record(ms * 1_000_000));
        let of = Percentiles::of(&histogram);
        for (got, ms) in [(of.p50_us, 500.0), (of.p99_us, 990.0), (of.p999_us, 999.0), (of.max_us, 1000.0)] {
            assert!((got / 1e3 - ms).abs() <= ms / 500.0, "{got} µs is not {ms} ms");
        }
        assert_eq!(Percentiles::of(&crate::worker::histogram()).line(), "nothing came");
    }
}
