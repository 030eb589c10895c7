//! What quotas allow, counted the plain way: a tank that fills at a steady pace and never overflows.
//!
//! Shares no arithmetic with `quota.rs`, which keeps one moment a bucket instead. Where a plan's numbers divide evenly,
//! the two must agree about every single permit.

use std::time::Duration;

use crate::ids::Millis;
use crate::quota::Rate;

/// "`count` in each `period_ms`, `burst` at once".
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    pub(super) count: u32,
    pub(super) period_ms: u64,
    pub(super) burst: u32,
}

/// What a plan allows whom; `None`, 0: everything. As `Quotas`, in numbers that the model can read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowances {
    pub(super) frames: Option<Allowance>,
    pub(super) messages: Option<Allowance>,
    pub(super) joins: Option<Allowance>,
    pub(super) reconnects: Option<Allowance>,
    pub(super) room: Option<Allowance>,
    pub(super) priority_percent: u32,
    /// Sessions of a user.
    pub(super) sessions: usize,
}

impl Allowance {
    pub(super) fn rate(self) -> Rate {
        Rate::new(self.count, Duration::from_millis(self.period_ms), self.burst)
    }

    /// The part of it that is `percent` of count and burst.
    pub(super) fn part(self, percent: u32) -> Self {
        let burst = (self.burst * percent / 100).max(1);
        Self { count: self.count * percent / 100, period_ms: self.period_ms, burst }
    }
}

impl Allowances {
    /// When nothing that a user did is held against it any more.
    pub(super) fn forgotten_after_ms(&self) -> u64 {
        let full = |one: Allowance| one.period_ms * u64::from(one.burst) / u64::from(one.count);
        let tanks = [self.messages, self.joins, self.reconnects];
        let kept_out = if self.reconnects.is_some() { super::users::KEPT_OUT_MS } else { 0 };
        tanks.into_iter().flatten().map(full).max().unwrap_or(0).max(kept_out)
    }

    pub(super) fn quotas(&self) -> crate::config::Quotas {
        crate::config::Quotas {
            connection_frames: self.frames.map(Allowance::rate),
            user_connections: self.sessions,
            user_messages: self.messages.map(Allowance::rate),
            user_joins: self.joins.map(Allowance::rate),
            user_reconnects: self.reconnects.map(Allowance::rate),
            room_messages: self.room.map(Allowance::rate),
            priority_percent: self.priority_percent,
        }
    }
}

/// Permits that are there, in microseconds that they take to come back.
#[derive(Clone, Debug)]
pub(super) struct Tank {
    permit: u64,
    most: u64,
    level: u64,
    at: Millis,
}

impl Tank {
    pub(super) fn full(allowance: Allowance) -> Self {
        let permit = allowance.period_ms * 1000 / u64::from(allowance.count);
        let most = permit * u64::from(allowance.burst);
        Self { permit, most, level: most, at: Millis(0) }
    }

    pub(super) fn has(&mut self, now: Millis) -> bool {
        self.level = self.most.min(self.level + now.since(self.at) * 1000);
        self.at = now;
        self.level >= self.permit
    }

    pub(super) fn take(&mut self, now: Millis) -> bool {
        let has = self.has(now);
        self.level -= if has { self.permit } else { 0 };
        has
    }

    pub(super) fn give_back(&mut self) {
        self.level = self.most.min(self.level + self.permit);
    }
}
