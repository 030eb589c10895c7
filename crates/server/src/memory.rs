//! How short of memory the process is (`limits.memory_max`), and what follows from it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use longwire_engine::{Budget, Pressure};

/// 80 %: logins are refused; 90 %: rings shrink; 95 %: the slowest are closed. Never is the process killed instead.
const STEPS: [(u64, Pressure); 3] =
    [(95, Pressure::CloseSlowest), (90, Pressure::ShrinkRings), (80, Pressure::RefuseLogins)];

/// Of what the machine or control group has, this much is ours where nothing is configured, in percent.
const AUTO_PERCENT: u64 = 70;

/// What was told of a step is not told again before memory fell so far below it, in percent of the bound: it wobbles.
const CALM_PERCENT: u64 = 5;

/// Watches resident memory against its bound.
pub(crate) struct Watch {
    max: Option<u64>,
    pressure: Pressure,
    /// What the log was told last.
    told: Pressure,
}

impl Watch {
    /// `max` as configured; without it, 70 % of what the control group or the machine has.
    pub(crate) fn new(max: Option<usize>) -> Self {
        let auto = || longwire_sys::memory_limit().map(|limit| limit.bytes / 100 * AUTO_PERCENT);
        Self { max: max.map(|max| max as u64).or_else(auto), pressure: Pressure::None, told: Pressure::None }
    }

    pub(crate) fn is_under_pressure(&self) -> bool {
        self.pressure != Pressure::None
    }

    pub(crate) fn max(&self) -> Option<u64> {
        self.max
    }

    /// The pressure that `resident` bytes make, where it changed.
    pub(crate) fn observe(&mut self, resident: u64) -> Option<Pressure> {
        let pressure = pressure_of(resident, self.max?);
        (std::mem::replace(&mut self.pressure, pressure) != pressure).then_some(pressure)
    }

    /// The same, where it is worth a line: a higher step than was told last, or well below that.
    pub(crate) fn news(&mut self, resident: u64) -> Option<Pressure> {
        let max = self.max?;
        let pressure = pressure_of(resident, max);
        let is_calm = pressure_of(resident.saturating_add(max / 100 * CALM_PERCENT), max) < self.told;
        let is_news = pressure > self.told || is_calm;
        is_news.then(|| {
            self.told = pressure;
            pressure
        })
    }
}

fn pressure_of(resident: u64, max: u64) -> Pressure {
    let reached = STEPS.iter().find(|(percent, _)| resident >= max / 100 * percent);
    reached.map_or(Pressure::None, |(_, pressure)| *pressure)
}

/// How often memory that was freed is given back at the most; under pressure, more often.
const TRIM_EVERY: Duration = Duration::from_secs(5);
const TRIM_EVERY_PRESSED: Duration = Duration::from_secs(1);
/// A trim comes this long behind whoever goes first: the shards' tables shrink meanwhile.
const TRIM_BEHIND: Duration = Duration::from_secs(1);
/// A storm's last trim is this long behind the one before it, or less: the longest of what lets go late, the buckets of users
/// that are gone, are forgotten by then.
const TRIM_LATE_MAX: Duration = Duration::from_secs(320);

/// Gives memory back once connections or rooms have gone: a bound on what is resident could never be left else.
pub(crate) struct Trimmer {
    rooms: Arc<Budget>,
    last: Option<Instant>,
    next: Option<Instant>,
    /// Between the next trim and the one behind it, which is for what is let go of later: twice as long each time.
    wait: Duration,
    /// What was there at the last trim: places for connections, and for rooms, that were free.
    free_places: usize,
    free_rooms: usize,
}

impl Trimmer {
    pub(crate) fn new(rooms: Arc<Budget>) -> Self {
        let free_rooms = rooms.left();
        Self { rooms, last: None, next: None, wait: TRIM_EVERY, free_places: usize::MAX, free_rooms }
    }

    /// Trims where it is due.
    pub(crate) fn look(&mut self, free_places: usize, pressed: bool) {
        if self.is_due(Instant::now(), (free_places, self.rooms.left()), pressed) {
            longwire_sys::release_free_memory();
        }
    }

    /// What became free since the last time is what there can be to give back.
    fn is_due(&mut self, now: Instant, (free_places, free_rooms): (usize, usize), pressed: bool) -> bool {
        if free_places > self.free_places || free_rooms > self.free_rooms {
            let due = self.last.map_or(now, |last| last + TRIM_EVERY).max(now + TRIM_BEHIND);
            self.next = Some(self.next.map_or(due, |next| next.min(due)));
            self.wait = TRIM_EVERY;
        }
        self.free_places = self.free_places.min(free_places);
        self.free_rooms = self.free_rooms.min(free_rooms);
        let is_due = self.next.is_some_and(|next| now >= next)
            || (pressed && self.last.is_none_or(|last| now.duration_since(last) >= TRIM_EVERY_PRESSED));
        if is_due {
            (self.last, self.free_places, self.free_rooms) = (Some(now), free_places, free_rooms);
            self.next = (self.wait <= TRIM_LATE_MAX).then_some(now + self.wait);
            self.wait *= 2;
        }
        is_due
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

    /// What follows from a step follows each time; the log does not say so each second.
    #[test]
    fn what_wobbles_about_a_step_is_told_once() {
        let mut watch = Watch::new(Some(1000));
        let wobbles = [801, 799, 802, 770, 810, 751, 800];
        let told: Vec<_> = wobbles.iter().filter_map(|resident| watch.news(*resident)).collect();
        assert_eq!(told, [Pressure::RefuseLogins]);
        assert_eq!(watch.news(749), Some(Pressure::None));
        assert_eq!(watch.news(800), Some(Pressure::RefuseLogins), "it was well below it");
        assert_eq!(watch.news(960), Some(Pressure::CloseSlowest), "a higher step at once");
        assert_eq!([940, 955, 901].map(|resident| watch.news(resident)), [None; 3]);
        assert_eq!(watch.news(899), Some(Pressure::RefuseLogins), "what is in force then, not what might be");
        assert_eq!(watch.news(870), None);
    }

    /// When it trims, in seconds from the start, where `free` says how many places are free at each quarter of one.
    fn trims(seconds: u64, pressed: bool, free: impl Fn(u64) -> usize) -> Vec<f64> {
        let mut trimmer = Trimmer::new(Budget::new(9));
        let start = Instant::now();
        let due = |quarter: &u64| {
            let now = start + Duration::from_millis(250 * quarter);
            trimmer.is_due(now, (free(*quarter), 9), pressed)
        };
        (1..seconds * 4).filter(due).map(|quarter| quarter as f64 / 4.0).collect()
    }

    #[test]
    fn nothing_is_trimmed_while_nobody_goes() {
        assert_eq!(trims(100, false, |quarter| 1_000_000 - quarter as usize), [0.0; 0]);
    }

    /// A storm that comes within 10 s, and goes at 20 s: once its tables have shrunk, and ever more rarely for an hour's rest.
    #[test]
    fn a_storm_that_is_gone_is_followed_by_a_few_trims() {
        let free = |quarter| if (40..80).contains(&quarter) { 0 } else { 1000 };
        assert_eq!(trims(3600, false, free), [21.0, 26.0, 36.0, 56.0, 96.0, 176.0, 336.0, 656.0]);
    }

    #[test]
    fn who_goes_and_comes_all_the_time_is_trimmed_behind_at_intervals() {
        let trimmed = trims(60, false, |quarter| 1000 + quarter as usize % 2);
        assert!((10..=12).contains(&trimmed.len()), "{trimmed:?}");
        assert_eq!(trims(60, true, |_| 0).len(), 60, "every second under pressure");
    }
}
