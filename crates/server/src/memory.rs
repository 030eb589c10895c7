//! How short of memory the process is (`limits.memory_max`), and what follows from it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use longwire_engine::{Budget, Pressure};

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

    pub(crate) fn is_under_pressure(&self) -> bool {
        self.pressure != Pressure::None
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

/// How often memory that was freed is given back at the most; under pressure, more often.
const TRIM_EVERY: Duration = Duration::from_secs(5);
const TRIM_EVERY_PRESSED: Duration = Duration::from_secs(1);

/// Gives memory back once connections or rooms have gone: a bound on what is resident could never be left else.
pub(crate) struct Trimmer {
    rooms: Arc<Budget>,
    last: Instant,
    /// What was there at the last trim: places for connections, and for rooms, that were free.
    free_places: usize,
    free_rooms: usize,
}

impl Trimmer {
    pub(crate) fn new(rooms: Arc<Budget>) -> Self {
        let free_rooms = rooms.left();
        Self { rooms, last: Instant::now(), free_places: usize::MAX, free_rooms }
    }

    /// Trims where it is due. What became free since the last time is what there can be to give back.
    pub(crate) fn look(&mut self, free_places: usize, pressed: bool) {
        let free_rooms = self.rooms.left();
        let every = if pressed { TRIM_EVERY_PRESSED } else { TRIM_EVERY };
        let gone = free_places > self.free_places || free_rooms > self.free_rooms;
        self.free_places = self.free_places.min(free_places);
        self.free_rooms = self.free_rooms.min(free_rooms);
        if (gone || pressed) && self.last.elapsed() >= every {
            longwire_sys::release_free_memory();
            (self.last, self.free_places, self.free_rooms) = (Instant::now(), free_places, free_rooms);
        }
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
