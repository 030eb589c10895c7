//! Heartbeats: when to ping, and when the server counts as dead.
//!
//! Never reads a clock. Two silences matter: our own, which the server punishes, and the server's, which a client
//! that sends all the time would otherwise never notice.

use crate::config::Timeouts;
use std::time::{Duration, Instant};

/// Coming so late to our own deadline means that this process stood still (a laptop asleep), not the server.
const STANDSTILL: Duration = Duration::from_secs(1);

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Quiet,
    Ping,
    Dead,
}

#[derive(Debug)]
pub(super) struct Heart {
    interval: Duration,
    pong: Duration,
    spoke: Instant,
    heard: Instant,
    /// When the PONG of the oldest unanswered PING is due.
    due: Option<Instant>,
    /// Since when the socket is not read.
    deaf_since: Option<Instant>,
    /// Whether `due` was already put off for a standstill of ours.
    excused: bool,
}

impl Heart {
    pub(super) fn new(timeouts: &Timeouts, now: Instant) -> Self {
        let (interval, pong) = (timeouts.heartbeat, timeouts.pong);
        Self { interval, pong, spoke: now, heard: now, due: None, deaf_since: None, excused: false }
    }

    pub(super) fn spoke(&mut self, now: Instant) {
        self.spoke = now;
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// A PING went out.
    pub(super) fn pinged(&mut self, now: Instant) {
        self.due.get_or_insert(now + self.pong);
    }

    /// A PING was answered; `more`: later ones are not yet.
    pub(super) fn ponged(&mut self, now: Instant, more: bool) {
        self.due = more.then_some(now + self.pong);
        self.excused = false;
    }

    /// Whether the socket is being read. The time in which it is not is never held against the server.
    pub(super) fn reading(&mut self, now: Instant, reading: bool) {
        match (self.deaf_since, reading) {
            (None, false) => self.deaf_since = Some(now),
            (Some(since), true) => {
                self.deaf_since = None;
                self.heard = now;
                self.due = self.due.map(|due| due + now.saturating_duration_since(since));
            }
            (None, true) | (Some(_), false) => {}
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.ping_at().min(self.dead_at().unwrap_or(self.ping_at()))
    }

    /// To be asked when `deadline` passed.
    pub(super) fn beat(&mut self, now: Instant) -> Beat {
        if let Some(dead_at) = self.dead_at().filter(|at| *at <= now) {
            if self.excused || now < dead_at + STANDSTILL {
                return Beat::Dead;
            }
            // The PONG may lie in the socket: it is read before the next deadline.
            self.excused = true;
            self.due = Some(now + STANDSTILL);
        }
        if self.ping_at() <= now { Beat::Ping } else { Beat::Quiet }
    }

    //= PROTOCOL.md#9.7
    // A client sends a PING after 14 s in which it sent nothing else.
    fn ping_at(&self) -> Instant {
        let listening = self.deaf_since.is_none() && self.due.is_none();
        let since = if listening { self.spoke.min(self.heard) } else { self.spoke };
        since + self.interval
    }

    fn dead_at(&self) -> Option<Instant> {
        self.due.filter(|_| self.deaf_since.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn heart() -> (Heart, Instant) {
        let now = Instant::now();
        (Heart::new(&Timeouts::default(), now), now)
    }

    #[test]
    fn a_silent_client_pings_after_fourteen_seconds() {
        let (mut heart, t0) = heart();
        assert_eq!(heart.deadline(), t0 + 14 * S);
        assert_eq!(heart.beat(t0 + 13 * S), Beat::Quiet);
        assert_eq!(heart.beat(t0 + 14 * S), Beat::Ping);
    }

    #[test]
    fn what_the_server_sends_does_not_spare_the_ping() {
        let (mut heart, t0) = heart();
        heart.heard(t0 + 13 * S);
        assert_eq!(heart.beat(t0 + 14 * S), Beat::Ping);
    }

    #[test]
    fn a_client_that_speaks_all_the_time_still_notices_a_dead_server() {
        let (mut heart, t0) = heart();
        for s in 1..14 {
            heart.spoke(t0 + s * S);
        }
        assert_eq!(heart.beat(t0 + 14 * S), Beat::Ping);
        heart.spoke(t0 + 14 * S);
        heart.pinged(t0 + 14 * S);
        heart.spoke(t0 + 23 * S);
        assert_eq!(heart.beat(t0 + 23 * S), Beat::Quiet);
        assert_eq!(heart.beat(t0 + 24 * S), Beat::Dead);
    }

    #[test]
    fn further_pings_do_not_put_the_end_off() {
        let (mut heart, t0) = heart();
        for s in 0..10 {
            heart.pinged(t0 + s * S);
        }
        assert_eq!(heart.beat(t0 + 10 * S), Beat::Dead);
    }

    #[test]
    fn a_pong_keeps_the_connection_alive() {
        let (mut heart, t0) = heart();
        heart.pinged(t0);
        heart.pinged(t0 + S);
        heart.ponged(t0 + 9 * S, true);
        assert_eq!(heart.beat(t0 + 10 * S), Beat::Quiet);
        heart.ponged(t0 + 10 * S, false);
        heart.heard(t0 + 10 * S);
        heart.spoke(t0 + 10 * S);
        assert_eq!(heart.beat(t0 + 23 * S), Beat::Quiet);
    }

    #[test]
    fn unread_events_stop_the_pong_clock_and_not_the_heartbeat() {
        let (mut heart, t0) = heart();
        heart.pinged(t0);
        heart.reading(t0 + S, false);
        assert_eq!(heart.beat(t0 + 14 * S), Beat::Ping);
        heart.spoke(t0 + 14 * S);
        assert_eq!(heart.beat(t0 + 28 * S), Beat::Ping);
        heart.spoke(t0 + 28 * S);
        heart.reading(t0 + 31 * S, true);
        assert_eq!(heart.beat(t0 + 39 * S), Beat::Quiet, "9 of its 10 s are used");
        assert_eq!(heart.beat(t0 + 40 * S), Beat::Dead);
    }

    #[test]
    fn a_standstill_of_our_own_is_excused_once() {
        let (mut heart, t0) = heart();
        heart.pinged(t0);
        heart.spoke(t0 + 100 * S);
        assert_eq!(heart.beat(t0 + 100 * S), Beat::Quiet);
        assert_eq!(heart.beat(t0 + 102 * S), Beat::Dead);
    }
}
