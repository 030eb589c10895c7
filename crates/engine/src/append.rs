//! A batch becomes visible on a shard: owed is counted, the ring lets go of what no longer fits.

use std::sync::Arc;

use crate::account::Tally;
use crate::batch::Batch;
use crate::ids::{ConnId, ShardId};
use crate::limits::RINGS_TRIM_PERCENT;
use crate::log::{Evicted, Log, Place};
use crate::room::{LAG, Phase, Room};
use crate::shard::Shard;

impl Shard {
    /// A batch from the room's home, on another shard.
    pub(crate) fn batch_came(
        &mut self,
        name: &str,
        epoch: u64,
        batch: Arc<Batch>,
        lost_own: &[(ConnId, Tally)],
    ) {
        let Some(&at) = self.room_names.get(name) else { return }; // unsubscribed, and home has not heard of it yet
        let Some(mut room) = self.rooms.take(at) else { return };
        if matches!(room.phase, Phase::Live) && room.epoch == epoch {
            self.append_batch(at, &mut room, batch, lost_own);
        }
        self.rooms.put_back(at, room);
        self.queue_room(at);
    }

    /// Appends `batch` to the log of `room`, which the caller has taken out of the table.
    pub(crate) fn append_batch(
        &mut self,
        at: u32,
        room: &mut Room,
        batch: Arc<Batch>,
        lost_own: &[(ConnId, Tally)],
    ) {
        let head = room.log.head();
        if batch.start < head.offset {
            debug_assert!(false, "a batch came twice");
            return;
        }
        if batch.start > head.offset {
            self.jump_over(at, room, &batch, lost_own);
        }
        self.count_owed(at, room, &batch);
        self.with_log(at, room, |log, ring, evicted| log.append(batch, ring, evicted));
        if room.population() == 0 {
            room.mark = room.log.head();
            self.with_log(at, room, |log, _, _| log.forget());
        }
    }

    /// Every member here is owed the batch, but for its own records.
    fn count_owed(&mut self, at: u32, room: &Room, batch: &Batch) {
        self.books.owed.add_times(&batch.counts(), room.population() as u64);
        let mut own = Tally::ZERO;
        for meta in batch.metas.iter().filter(|meta| meta.origin.shard == self.id) {
            if self.member_at(meta.origin, at).is_some() {
                own.count(meta.kind);
            }
        }
        self.books.owed = self.books.owed.minus(&own);
    }

    /// Records that never came, because this shard's ring was full for too long: owed, and overtaken.
    fn jump_over(&mut self, at: u32, room: &mut Room, batch: &Batch, lost_own: &[(ConnId, Tally)]) {
        let head = Place { offset: batch.start, totals: batch.before };
        let gap = head.totals.minus(&room.log.head().totals);
        self.books.owed.add_times(&gap, room.population() as u64);
        for (origin, tally) in lost_own {
            let Some(member_at) = self.member_at(*origin, at) else { continue };
            self.books.owed = self.books.owed.minus(tally);
            self.make_lag(at, room, member_at);
            if let Some(lag) = self.conns[origin.slot as usize].slow.as_mut().and_then(|slow| slow.lag(at)) {
                lag.own_evicted.add(tally);
            }
        }
        self.with_log(at, room, |log, ring, evicted| log.jump(head, ring, evicted));
    }

    /// Changes a room's log, keeps the count of ring bytes, and tells laggards of their own records that went.
    pub(crate) fn with_log(
        &mut self,
        at: u32,
        room: &mut Room,
        change: impl FnOnce(&mut Log, &crate::log::RingLimits, &mut dyn FnMut(Evicted)),
    ) {
        let mut own = Vec::new(); // empty, and so without an allocation, unless a local sender's record goes
        let ring = self.config.ring;
        let here: ShardId = self.id;
        self.ring_bytes -= room.log.bytes();
        change(&mut room.log, &ring, &mut |evicted| {
            if evicted.origin.shard == here {
                own.push(evicted);
            }
        });
        self.ring_bytes += room.log.bytes();
        for evicted in own {
            let Some(member_at) = self.member_at(evicted.origin, at) else { continue };
            if room.members[member_at as usize].next > evicted.offset {
                continue;
            }
            self.make_lag(at, room, member_at);
            if let Some(lag) =
                self.conns[evicted.origin.slot as usize].slow.as_mut().and_then(|slow| slow.lag(at))
            {
                lag.own_evicted.count(evicted.kind);
            }
        }
    }

    /// Where `id` stands in the member list of room `at`, if it is in it.
    pub(crate) fn member_at(&self, id: ConnId, at: u32) -> Option<u32> {
        let slot = self.find(id)?;
        self.conns[slot as usize].memberships.get(at)
    }

    /// Takes a member out of the rounds: from now on catch-up serves it.
    pub(crate) fn make_lag(&mut self, at: u32, room: &mut Room, member_at: u32) {
        let member = room.members[member_at as usize];
        if member.flags & LAG == 0 {
            let place = room.standing(&member);
            room.members[member_at as usize].flags |= LAG;
            room.laggards += 1;
            self.add_lag(member.slot, at, place);
            self.queue_catch_up(member.slot);
        }
    }

    /// Holds all rings together under their bound: the longest is trimmed first.
    pub(crate) fn trim_rings(&mut self) {
        if self.ring_bytes <= self.config.rings_max {
            return;
        }
        let target = self.config.rings_max / 100 * RINGS_TRIM_PERCENT;
        let mut before = usize::MAX;
        while self.ring_bytes > target && self.ring_bytes != before {
            before = self.ring_bytes; // the same after a pass: nothing is left but the newest batch of each room
            self.trim_pass(target);
        }
    }

    fn trim_pass(&mut self, target: usize) {
        let mut longest: Vec<(usize, u32)> = self
            .rooms
            .iter()
            .map(|(at, room)| (room.log.bytes(), at))
            .filter(|(bytes, _)| *bytes > 0)
            .collect();
        longest.sort_unstable_by(|a, b| b.cmp(a));
        for (_, at) in longest {
            if self.ring_bytes <= target {
                break;
            }
            self.shrink_ring(at);
        }
    }

    pub(crate) fn shrink_ring(&mut self, at: u32) {
        if let Some(mut room) = self.rooms.take(at) {
            self.with_log(at, &mut room, |log, ring, evicted| log.shrink(ring, evicted));
            self.rooms.put_back(at, room);
        }
    }
}
