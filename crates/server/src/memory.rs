//! How short of memory the process is (`limits.memory_max`), and what follows from it.

use longwire_engine::Pressure;

/// 80 %: logins are refused; 90 %: rings shrink; 95 %: the slowest are closed. Never is the process killed instead.
const STEPS: [(u64, Pressure); 3] =
    [(95, Pressure::CloseSlowest), (90, Pressure::ShrinkRings), (80, Pressure::RefuseLogins)];

/// Of what the machine or control group has, this much is ours where nothing is configured, in percent.
const AUTO_PERCENT: u64 = 70;

/// Watches resident memory against its bound.
pub(crate) struct Watch {
    max: Option<u64>,
    pressure: Pressure,
}

impl Watch {
    /// `max` as configured; without it, 70 % of what the control group or the machine has.
    pub(crate) fn new(max: Option<usize>) -> Self {
        let auto = || longwire_sys::memory_limit().map(|limit| limit.bytes / 100 * AUTO_PERCENT);
        Self { max: max.map(|max| max as u64).or_else(auto), pressure: Pressure::None }
    }

    pub(crate) fn max(&self) -> Option<u64> {
        self.max
    }

    /// The pressure that `resident` bytes make, where it changed.
    pub(crate) fn observe(&mut self, resident: u64) -> Option<Pressure> {
        let max = self.max?;
        let reached = STEPS.iter().find(|(percent, _)| resident >= max / 100 * percent);
        let pressure = reached.map_or(Pressure::None, |(_, pressure)| *pressure);
        (std::mem::replace(&mut self.pressure, pressure) != pressure).then_some(pressure)
    }
}

/// What a line about it says.
pub(crate) fn consequence(pressure: Pressure) -> &'static str {
    match pressure {
        Pressure::None => "memory is below 80 % of its bound again: logins are served",
        Pressure::RefuseLogins => "memory is at 80 % of its bound: logins are refused",
        Pressure::ShrinkRings => "memory is at 90 % of its bound: logins are refused, rings are halved",
        Pressure::CloseSlowest => {
            "memory is at 95 % of its bound: logins are refused, rings are halved, the slowest connections closed"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_told_once() {
        let mut watch = Watch::new(Some(1000));
        let told: Vec<_> =
            [0, 799, 800, 850, 900, 950, 990, 100].map(|resident| watch.observe(resident)).into();
        let expected = [
            None,
            None,
            Some(Pressure::RefuseLogins),
            None,
            Some(Pressure::ShrinkRings),
            Some(Pressure::CloseSlowest),
            None,
            Some(Pressure::None),
        ];
        assert_eq!(told, expected);
    }
}
