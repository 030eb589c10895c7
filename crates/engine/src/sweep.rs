//! What time does: deadlines of logins, heartbeats, stalls and closes, by a sweep over dense tables.

use crate::action::{Action, CloseReason};
use crate::conn::Wait;
use crate::ids::{Now, Slot};
use crate::post::Ports;
use crate::session::Session;
use crate::shard::{Pressure, Shard};

/// Connections that are closed a tick, where memory is at its end, at the least.
const CLOSE_SLOWEST_MIN: usize = 64;

/// Rooms are looked at this often.
const ROOMS_SWEEP_MS: u64 = 1_000;

impl Shard {
    /// Closes what has run out of time. To be called several times a second, with a time from which the server's own
    /// pauses were taken out (PROTOCOL.md#9.9).
    pub fn tick(&mut self, now: Now, ports: &mut impl Ports) {
        for slot in 0..self.conns.len() as Slot {
            if self.conns[slot as usize].open {
                self.sweep_conn(slot, now, ports);
            }
        }
        if now.mono.since(self.rooms_swept) >= ROOMS_SWEEP_MS {
            self.sweep_rooms(now, ports);
            self.sweep_homes(now);
            self.sweep_users(now);
        }
        self.relieve(now);
        self.give_back_slots();
    }

    /// The driver has read the socket once more ([`Action::LastLook`]): closes it if it is idle all the same.
    //= PROTOCOL.md#9.3
    // After the login the server closes a connection between 30 s and 31 s after the last complete frame.
    pub fn idle_confirmed(&mut self, slot: Slot, now: Now) {
        if self.conns[slot as usize].open && self.is_idle(slot, now) {
            self.close_now(slot, CloseReason::Idle);
        }
    }

    fn is_idle(&self, slot: Slot, now: Now) -> bool {
        let conn = &self.conns[slot as usize];
        let logged_in = matches!(conn.session, Session::Guest(_) | Session::User(_));
        logged_in && conn.wait == Wait::No && now.mono.since(conn.last_seen) >= self.config.idle_ms
    }

    fn sweep_conn(&mut self, slot: Slot, now: Now, ports: &mut impl Ports) {
        //= PROTOCOL.md#8.21
        // 25 s after its token's end a connection is closed.
        let grace = self.config.expiry_grace_ms;
        let user = self.conns[slot as usize].session.user();
        if user.is_some_and(|user| user.identity.is_expired(now, grace)) {
            return self.close_after_flush(slot, CloseReason::Expired, now, ports);
        }
        if self.is_idle(slot, now) {
            self.actions.push_back(Action::LastLook(slot));
        }
        if let Some(reason) = self.overdue(slot, now) {
            self.close_now(slot, reason);
        }
    }

    fn overdue(&self, slot: Slot, now: Now) -> Option<CloseReason> {
        let conn = &self.conns[slot as usize];
        match &conn.session {
            //= PROTOCOL.md#9.1
            //= PROTOCOL.md#9.2
            // A LOGIN begins within 30 s of the connection, and is complete within 10 s of its first byte.
            Session::AwaitLogin(login) => {
                let (since, limit) = match login.began {
                    Some(began) => (began, self.config.login_ms),
                    None => (login.since, self.config.login_start_ms),
                };
                (now.mono.since(since) >= limit).then_some(CloseReason::NoLogin)
            }
            Session::Closing(closing) => (now.mono >= closing.deadline).then_some(closing.reason),
            Session::Authenticating(_) | Session::Guest(_) | Session::User(_) => self.stalled(slot, now),
        }
    }

    //= PROTOCOL.md#15.4
    // A member that takes no byte for 30 s while it is owed some is closed.
    fn stalled(&self, slot: Slot, now: Now) -> Option<CloseReason> {
        let slow = self.conns[slot as usize].slow.as_ref().filter(|_| self.hot[slot as usize].blocked)?;
        (now.mono.since(slow.since) >= self.config.stall_ms).then_some(CloseReason::Slow)
    }

    /// Half-sent frames above their bound: the longest-stalled connections are closed.
    pub(crate) fn close_pinning(&mut self) {
        while self.pinned > self.config.pinned_max {
            let Some(slot) = self.longest_stalled(|slow| slow.half.is_some()) else { return };
            self.close_now(slot, CloseReason::Slow);
        }
    }

    /// Does what memory pressure asks for.
    fn relieve(&mut self, now: Now) {
        if self.pressure >= Pressure::ShrinkRings {
            let rooms: Vec<u32> =
                self.rooms.iter().filter(|(_, room)| room.log.bytes() > 0).map(|(at, _)| at).collect();
            rooms.into_iter().for_each(|at| self.shrink_ring(at));
        }
        if self.pressure >= Pressure::CloseSlowest {
            self.close_slowest(now);
        }
    }

    /// Closes the longest-stalled: a sixteenth of all connections a tick, so that a night's worth is gone in seconds.
    fn close_slowest(&mut self, now: Now) {
        let blocked = (0..self.conns.len()).filter(|&slot| self.hot[slot].blocked);
        let mut stalled: Vec<_> =
            blocked.filter_map(|slot| Some((self.conns[slot].slow.as_ref()?.since, slot))).collect();
        stalled.retain(|(since, _)| now.mono.since(*since) > 0);
        stalled.sort_unstable();
        let most = CLOSE_SLOWEST_MIN.max(self.stats.connections / 16);
        for (_, slot) in stalled.into_iter().take(most) {
            self.close_now(slot as Slot, CloseReason::Overloaded);
        }
    }

    fn longest_stalled(&self, which: impl Fn(&crate::conn::Slow) -> bool) -> Option<Slot> {
        let blocked = self.hot.iter().enumerate().filter(|(_, hot)| hot.blocked).map(|(slot, _)| slot);
        blocked
            .filter_map(|slot| {
                Some((self.conns[slot].slow.as_deref().filter(|slow| which(slow))?.since, slot))
            })
            .min()
            .map(|(_, slot)| slot as Slot)
    }
}
