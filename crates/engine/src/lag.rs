//! Laggards: members whose cursors stand behind their rooms, and how they catch up.
//!
//! A laggard pins nothing but a half-sent frame. When its socket drains it gets what lies between its cursor and
//! the room's mark, one bounded write a turn; what the ring has let go meanwhile is counted as overtaken.

use crate::account::{DropReason, Tally};
use crate::action::CloseReason;
use crate::conn::{Frame, Half, Lag, Wait};
use crate::ids::{ConnId, Now, Slot};
use crate::limits::CATCH_UP_BYTES_MAX;
use crate::log::Place;
use crate::outgoing::{Outgoing, Push};
use crate::planted::Planted;
use crate::post::{Offered, Ports};
use crate::room::{LAG, Member, Room};
use crate::shard::Shard;

/// Catch-ups of one run: with [`CATCH_UP_BYTES_MAX`] each, 1 MiB before rounds get their turn.
const CATCH_UPS_PER_RUN: usize = 16;

/// What a member has still to get, and what it cannot get any more.
pub(crate) struct Rest {
    pub(crate) overtaken: Tally,
    pub(crate) behind: Tally,
}

/// What one catch-up came to.
enum CaughtUp {
    /// Nothing to do for this room before its mark moves.
    Nothing,
    /// The cursor moved.
    Moved,
    Blocked,
    Gone,
}

impl Shard {
    /// The socket of `slot` takes bytes again.
    pub fn writable(&mut self, slot: Slot, now: Now, ports: &mut impl Ports) {
        if !self.hot.get(slot as usize).is_some_and(|hot| hot.blocked) || !self.conns[slot as usize].open {
            return;
        }
        match self.flush_owed(slot, now, ports) {
            Ok(true) => self.unblocked(slot, now),
            Ok(false) => {}
            Err(reason) => self.close_now(slot, reason),
        }
    }

    /// Writes the half-sent frame, then owed answers. `true`: nothing is owed any more.
    fn flush_owed(&mut self, slot: Slot, now: Now, ports: &mut impl Ports) -> Result<bool, CloseReason> {
        let Some(slow) = self.conns[slot as usize].slow.as_mut() else { return Ok(true) };
        if let Some(half) = &mut slow.half {
            let Offered::Took(taken) = ports.offer(slot, Outgoing::Rest(half.rest())) else {
                return Err(CloseReason::Gone);
            };
            half.taken += taken;
            if taken > 0 {
                slow.since = now.mono;
            }
            if !half.rest().is_empty() {
                return Ok(false);
            }
        }
        if let Some(half) = slow.half.take() {
            self.books.delivered.add(&half.content);
            half.unpin(&mut self.pinned);
        }
        if !slow.answers.is_empty() {
            let Offered::Took(taken) = ports.offer(slot, Outgoing::Answers(&slow.answers)) else {
                return Err(CloseReason::Gone);
            };
            slow.answers.drain(..taken);
            if taken > 0 {
                slow.since = now.mono;
            }
        }
        Ok(slow.answers.is_empty())
    }

    fn unblocked(&mut self, slot: Slot, now: Now) {
        self.hot[slot as usize].blocked = false;
        self.shut_if_flushed(slot, now);
        if self.conns[slot as usize].wait == Wait::Answers {
            self.resume(slot, now);
        }
        self.queue_catch_up(slot);
        self.forget_slow(slot);
    }

    /// The socket would block: nothing more is written to it before it says otherwise.
    pub(crate) fn block(&mut self, slot: Slot, now: Now) {
        if !std::mem::replace(&mut self.hot[slot as usize].blocked, true) {
            self.conns[slot as usize].slow.get_or_insert_default().since = now.mono;
        }
    }

    pub(crate) fn add_lag(&mut self, slot: Slot, room: u32, place: Place) {
        let slow = self.conns[slot as usize].slow.get_or_insert_default();
        slow.lags.push(Lag { room, place, own_evicted: Tally::ZERO, waits: false });
    }

    /// Catch-up has nothing for this laggard before the room's mark moves: the next round wakes it.
    pub(crate) fn wait_for_mark(&mut self, slot: Slot, at: u32, ahead: &mut Vec<ConnId>) {
        let id = self.conn_id(slot);
        if let Some(lag) = self.conns[slot as usize].slow.as_mut().and_then(|slow| slow.lag(at))
            && !std::mem::replace(&mut lag.waits, true)
        {
            ahead.push(id);
        }
    }

    /// The member stands at the mark again, or is a member no more.
    pub(crate) fn end_lag(&mut self, slot: Slot, at: u32, room: &mut Room) {
        if let Some(slow) = self.conns[slot as usize].slow.as_mut() {
            slow.lags.retain(|lag| lag.room != at);
        }
        room.laggards -= 1;
        self.forget_slow(slot);
    }

    /// Gives the box of a connection that is slow no more back.
    fn forget_slow(&mut self, slot: Slot) {
        let blocked = self.hot[slot as usize].blocked;
        let idle = |slow: &crate::conn::Slow| {
            slow.half.is_none() && slow.answers.is_empty() && slow.lags.is_empty() && !slow.queued
        };
        let conn = &mut self.conns[slot as usize];
        if !blocked && conn.slow.as_deref().is_some_and(idle) {
            conn.slow = None;
        }
    }

    /// Puts a laggard whose socket takes bytes in line, once.
    pub(crate) fn queue_catch_up(&mut self, slot: Slot) {
        let id = self.conn_id(slot);
        if self.hot[slot as usize].blocked {
            return;
        }
        if let Some(slow) = self.conns[slot as usize].slow.as_mut()
            && !slow.lags.is_empty()
            && !std::mem::replace(&mut slow.queued, true)
        {
            self.catch_up.push_back(id);
        }
    }

    pub(crate) fn catch_up_some(&mut self, now: Now, ports: &mut impl Ports) {
        for _ in 0..CATCH_UPS_PER_RUN.min(self.catch_up.len()) {
            let Some(id) = self.catch_up.pop_front() else { return };
            let Some(slot) = self.find(id) else { continue };
            if let Some(slow) = self.conns[slot as usize].slow.as_mut() {
                slow.queued = false;
            }
            if !self.hot[slot as usize].blocked {
                self.catch_up_one(slot, now, ports);
            }
        }
        self.close_pinning();
    }

    /// One write for the first of its rooms that has something for it; the others have their turn later.
    fn catch_up_one(&mut self, slot: Slot, now: Now, ports: &mut impl Ports) {
        let lags = self.conns[slot as usize].slow.as_ref().map_or(0, |slow| slow.lags.len());
        for _ in 0..lags {
            let Some(slow) = self.conns[slot as usize].slow.as_mut() else { return };
            let Some(at) = slow.lags.first().map(|lag| lag.room) else { break };
            slow.lags.rotate_left(1);
            let Some(mut room) = self.rooms.take(at) else { continue };
            let caught_up = self.catch_up_room(slot, at, &mut room, now, ports);
            self.rooms.put_back(at, room);
            match caught_up {
                CaughtUp::Nothing => {}
                CaughtUp::Moved => {
                    if !self.is_planted(Planted::LostWakeup) {
                        self.queue_catch_up(slot);
                    }
                    break;
                }
                CaughtUp::Blocked => break,
                CaughtUp::Gone => return self.close_now(slot, CloseReason::Gone),
            }
        }
        self.forget_slow(slot);
    }

    fn catch_up_room(
        &mut self,
        slot: Slot,
        at: u32,
        room: &mut Room,
        now: Now,
        ports: &mut impl Ports,
    ) -> CaughtUp {
        let Some(member_at) = self.conns[slot as usize].memberships.get(at) else { return CaughtUp::Nothing };
        let Some(lag) = self.conns[slot as usize].slow.as_mut().and_then(|slow| slow.lag(at)) else {
            return CaughtUp::Nothing;
        };
        let (from, mark) = (lag.place, room.mark);
        let owns_beyond = lag.own_evicted != Tally::ZERO;
        if from.offset > mark.offset || (from.offset == mark.offset && owns_beyond) {
            // it joined ahead of the rounds, or the ring let go of what it sent there
            self.wait_for_mark(slot, at, &mut room.ahead);
            return CaughtUp::Nothing;
        }
        let mut bytes = std::mem::take(&mut self.scratch);
        let limit = self.config.push_max.min(CATCH_UP_BYTES_MAX).saturating_sub(room.name.len() + 6);
        let read = self.read_push(room, slot, (from.offset, &mark), limit, &mut bytes);
        let push = Push::of(&bytes);
        let offered = match read.content == Tally::ZERO {
            true => Offered::Took(push.frame().len()), // nothing but its own records, or none at all
            false => ports.offer(slot, Outgoing::Push(push)),
        };
        let outcome = match offered {
            Offered::Gone => CaughtUp::Gone,
            Offered::Took(0) => {
                self.block(slot, now);
                CaughtUp::Blocked
            }
            Offered::Took(taken) => {
                let owns_beyond = self.move_lag(slot, at, &read);
                room.members[member_at as usize].next = read.next.offset;
                let whole = taken == push.frame().len();
                if whole {
                    self.books.delivered.add(&read.content);
                } else {
                    self.block(slot, now);
                    let half = Half::pin(&Frame::new(bytes.clone()), taken, read.content, &mut self.pinned);
                    if let Some(slow) = self.conns[slot as usize].slow.as_mut() {
                        slow.half = Some(half);
                    }
                }
                if read.next.offset == mark.offset && !owns_beyond {
                    room.members[member_at as usize].flags &= !LAG;
                    self.end_lag(slot, at, room);
                }
                if whole { CaughtUp::Moved } else { CaughtUp::Blocked }
            }
        };
        self.scratch = bytes;
        outcome
    }

    /// Moves a laggard's cursor to where a read stopped; what lay between and was not read is dropped.
    /// Returns whether the ring let go of own records beyond that place, which only a laggard can remember.
    fn move_lag(&mut self, slot: Slot, at: u32, read: &crate::log::Read) -> bool {
        let lag = self.conns[slot as usize].slow.as_mut().and_then(|slow| slow.lag(at));
        let Some(lag) = lag else { return false };
        let mut dropped = read.next.totals.minus(&lag.place.totals).minus(&read.content).minus(&read.own);
        dropped.cancel(&mut lag.own_evicted);
        lag.place = read.next;
        let owns_beyond = lag.own_evicted != Tally::ZERO;
        if !self.is_planted(Planted::MiscountedDrop) {
            self.books.drop_records(DropReason::Overtaken, &dropped);
        }
        owns_beyond
    }

    /// What a member of `room` has still to get up to the room's head.
    pub(crate) fn rest_of(&self, at: u32, room: &Room, member: &Member) -> Rest {
        let slot = member.slot;
        let conn = &self.conns[slot as usize];
        let lag = conn.slow.as_ref().and_then(|slow| slow.lags.iter().find(|lag| lag.room == at));
        let (place, mut own_evicted) = match lag {
            Some(lag) => (lag.place, lag.own_evicted),
            None => (room.standing(member), Tally::ZERO),
        };
        let own = if conn.spoke { room.log.count_own(place.offset, self.conn_id(slot)) } else { Tally::ZERO };
        let mut overtaken = room.log.lost_after(&place);
        let all = room.log.head().totals.minus(&place.totals);
        let behind = all.minus(&overtaken).minus(&own);
        overtaken.cancel(&mut own_evicted);
        Rest { overtaken, behind }
    }
}
