//! Joining and leaving: how a connection becomes a member, and a shard a subscriber.

use std::sync::Arc;

use longwire_wire::{Command, Status};

use crate::account::DropReason;
use crate::conn::{Membership, Wait};
use crate::ids::{Millis, Now, Slot};
use crate::log::{Log, Place};
use crate::planted::Planted;
use crate::post::{Ports, ShardMsg};
use crate::room::{LAG, Member, Phase, Room};
use crate::shard::Shard;
use crate::shrink::Shrink;

impl Shard {
    /// A JOIN_CR. Answered at once where this shard is subscribed to the room, else when home has answered.
    pub(crate) fn join_room(&mut self, slot: Slot, seq: u32, name: &str, now: Now, ports: &mut impl Ports) {
        let Some(&at) = self.room_names.get(name) else {
            return self.subscribe(slot, seq, name, now, ports);
        };
        let id = self.conn_id(slot);
        match self.rooms.get_mut(at).map(|room| &mut room.phase) {
            Some(Phase::Live) => self.enter_room(slot, seq, at, now, ports),
            Some(Phase::Subscribing { waiting }) => {
                waiting.push(id);
                self.conns[slot as usize].wait = Wait::Join { seq };
            }
            None => debug_assert!(false, "{name} has a name and no room"),
        }
    }

    fn subscribe(&mut self, slot: Slot, seq: u32, name: &str, now: Now, ports: &mut impl Ports) {
        let name: Arc<str> = name.into();
        let home = self.home_of(&name);
        let mut room = Room::new(Arc::clone(&name), home);
        room.phase = Phase::Subscribing { waiting: vec![self.conn_id(slot)] };
        let at = self.rooms.insert(Box::new(room));
        self.room_names.insert(Arc::clone(&name), at);
        self.conns[slot as usize].wait = Wait::Join { seq };
        if home == self.id {
            self.home_subscribe(home, name, now, ports);
        } else {
            let posted = ports.post(home, ShardMsg::Subscribe { room: name });
            debug_assert!(posted.is_ok(), "control messages are never refused");
        }
    }

    /// Home's answer: the room's log stands `at`; every batch from there on will come.
    pub(crate) fn subscribed(&mut self, name: &str, epoch: u64, at: Place, now: Now, ports: &mut impl Ports) {
        let home_here = self.home_names.get(name).copied();
        let Some(&index) = self.room_names.get(name) else { return };
        let Some(room) = self.rooms.get_mut(index) else { return };
        let Phase::Subscribing { waiting } = std::mem::replace(&mut room.phase, Phase::Live) else { return };
        room.epoch = epoch;
        room.home_here = home_here;
        room.log = Log::at(at);
        room.mark = at;
        room.empty_since = Some(now.mono);
        for id in waiting {
            let Some(slot) = self.find(id) else { continue };
            if let Wait::Join { seq } = self.conns[slot as usize].wait {
                self.enter_room(slot, seq, index, now, ports);
                self.flush_answers(slot, now, ports);
                self.resume(slot, now);
            }
        }
    }

    /// Home has no place for the room.
    pub(crate) fn subscribe_refused(&mut self, name: &str, status: Status, now: Now, ports: &mut impl Ports) {
        let Some(index) = self.room_names.remove(name) else { return };
        let Some(room) = self.rooms.remove(index) else { return };
        let Phase::Subscribing { waiting } = room.phase else { return };
        let code = self.config.commands.code(Command::JoinCr);
        for id in waiting {
            let Some(slot) = self.find(id) else { continue };
            if let Wait::Join { seq } = self.conns[slot as usize].wait {
                self.answer(slot, code, seq, status);
                self.flush_answers(slot, now, ports);
                self.resume(slot, now);
            }
        }
    }

    /// Answers the JOIN and makes the connection a member from the log's head on.
    fn enter_room(&mut self, slot: Slot, seq: u32, at: u32, now: Now, ports: &mut impl Ports) {
        let code = self.config.commands.code(Command::JoinCr);
        self.answer(slot, code, seq, Status::OK);
        if self.is_planted(Planted::PushBeforeJoinAnswer) {
            self.planted_delay(slot);
        }
        let memberships = &self.conns[slot as usize].memberships;
        //= PROTOCOL.md#10.3
        // A JOIN_CR of a room that is joined already is answered with 0 and changes nothing.
        if memberships.get(at).is_some() {
            return;
        }
        //= PROTOCOL.md#10.5
        // A JOIN_CR beyond the limit succeeds, and the connection leaves the room that it joined longest ago.
        while let Some(oldest) = self.conns[slot as usize].memberships.as_slice().first().copied()
            && self.conns[slot as usize].memberships.as_slice().len() >= self.config.rooms_per_connection
        {
            self.leave_room(slot, oldest.room, DropReason::Left);
            self.stats.silent_leaves += 1;
        }
        //= PROTOCOL.md#10.6
        // The answer to a JOIN_CR precedes the first push of that room.
        self.flush_answers(slot, now, ports);
        if self.conns[slot as usize].open {
            self.add_member(slot, at, ports);
        }
    }

    fn add_member(&mut self, slot: Slot, at: u32, ports: &mut impl Ports) {
        self.seal_before_join(at, ports);
        let Some(mut room) = self.rooms.take(at) else { return };
        let place = room.log.head();
        let mut flags = 0;
        if place.offset != room.mark.offset {
            // between two rounds: its first records come by catch-up, once the mark has passed it
            flags = LAG;
            room.laggards += 1;
            self.add_lag(slot, at, place);
            self.wait_for_mark(slot, at, &mut room.ahead);
        }
        let member_at = room.members.len() as u32;
        room.members.push(Member { slot, flags, next: place.offset });
        #[cfg(test)]
        self.trace.push(crate::trace::Trace::Joined {
            conn: self.conn_id(slot),
            room: Arc::clone(&room.name),
            home: room.home,
            epoch: room.epoch,
            offset: place.offset,
        });
        room.empty_since = None;
        self.rooms.put_back(at, room);
        self.conns[slot as usize].memberships.push(Membership { room: at, at: member_at });
    }

    /// Ends a membership. What it was still owed is dropped: overtaken where the ring has let it go, else `reason`.
    pub(crate) fn leave_room(&mut self, slot: Slot, at: u32, reason: DropReason) {
        let Some(member_at) = self.conns[slot as usize].memberships.get(at) else { return };
        let Some(mut room) = self.rooms.take(at) else {
            debug_assert!(false, "a room ends with its members, and nobody closes inside of its round");
            return self.conns[slot as usize].memberships.remove(at);
        };
        #[cfg(test)]
        self.trace.push(crate::trace::Trace::Left {
            conn: self.conn_id(slot),
            room: Arc::clone(&room.name),
            offset: room.log.head().offset,
            reason,
        });
        let member = room.members[member_at as usize];
        let lagging = member.flags & LAG != 0;
        let rest = self.rest_of(at, &room, &member);
        self.books.drop_records(DropReason::Overtaken, &rest.overtaken);
        self.books.drop_records(reason, &rest.behind);
        if lagging {
            self.end_lag(slot, at, &mut room);
        }
        self.conns[slot as usize].memberships.remove(at);
        if let Some(moved) = room.remove(member_at, self.is_planted(Planted::SkipAfterSwapRemove)) {
            self.conns[moved as usize].memberships.moved(at, member_at);
        }
        if room.population() == 0 {
            room.empty_since = Some(self.rooms_swept);
            self.ring_bytes -= room.log.bytes();
            room.log.forget();
            self.ring_bytes += room.log.bytes();
        }
        self.rooms.put_back(at, room);
    }

    /// Ends subscriptions of rooms that have been empty for a while. Called about once a second.
    pub(crate) fn sweep_rooms(&mut self, now: Now, ports: &mut impl Ports) {
        self.rooms_swept = now.mono;
        // with no place left for another room on the node, empty ones go at once
        let full = self.config.rooms.left() == 0;
        let wait = if full { 0 } else { crate::limits::UNSUBSCRIBE_AFTER_MS };
        let over = |since: Option<Millis>| since.is_some_and(|since| now.mono.since(since) >= wait);
        let empty: Vec<u32> = self
            .rooms
            .iter()
            .filter(|(_, room)| matches!(room.phase, Phase::Live) && room.population() == 0)
            .filter(|(_, room)| over(room.empty_since) && room.round.is_none() && !room.queued)
            .map(|(at, _)| at)
            .collect();
        for at in empty {
            let Some(room) = self.rooms.remove(at) else { continue };
            self.ring_bytes -= room.log.bytes();
            self.room_names.remove(&room.name);
            if room.home == self.id {
                self.home_unsubscribe(self.id, &room.name, now);
            } else {
                let posted = ports.post(room.home, ShardMsg::Unsubscribe { room: room.name });
                debug_assert!(posted.is_ok(), "control messages are never refused");
            }
        }
        self.rooms.iter_mut().for_each(Room::shrink);
        self.rooms.shrink();
        self.room_names.shrink();
        self.ready.shrink();
        self.deferred.shrink();
    }
}
