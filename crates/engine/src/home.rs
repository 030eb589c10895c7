//! The home of a room: the one shard that gives its records their order, and every subscribed shard its batches.
//!
//! Sequence, commit, visible: a record gets its offset in [`Shard::sequence`], is committed (in memory: at once),
//! and becomes visible when its batch is sealed. Nothing else may assume that the second step is immediate.

use std::sync::Arc;

use longwire_wire::{Status, put_record, record_bytes};

use crate::account::{Class, Kind, Tally};
use crate::batch::Batch;
use crate::ids::{ConnId, Millis, Now, ShardId};
use crate::limits::PENDING_RECORDS_MAX;
use crate::log::{Log, Place, RingLimits};
use crate::post::{Ports, Position, Publish, ShardMsg};
use crate::quota::Bucket;
use crate::refusals::Quota;
use crate::shard::Shard;
use crate::shrink::Shrink;

pub(crate) struct Home {
    pub(crate) name: Arc<str>,
    pub(crate) epoch: u64,
    /// Sequenced records that are not in a batch yet.
    pending: Batch,
    /// The offset up to which records are committed.
    committed: u64,
    /// The newest record's timestamp.
    last_ms: u64,
    subscribers: Vec<Subscriber>,
    /// What subscribers that are behind still need; empty while none is.
    backlog: Log,
    is_behind: bool,
    is_dirty: bool,
    empty_since: Option<Millis>,
    /// `quotas.room.messages`, and what of it chat may use.
    permits: Bucket,
    chat_permits: Bucket,
}

struct Subscriber {
    shard: ShardId,
    /// The offset up to which batches were posted to it.
    next: u64,
    /// Own records of its members among those the backlog let go.
    lost_own: Vec<(ConnId, Tally)>,
}

impl Home {
    fn head(&self) -> Place {
        Place { offset: self.pending.end(), totals: self.pending.after() }
    }

    fn has_remote(&self, here: ShardId) -> bool {
        self.subscribers.iter().any(|one| one.shard != here)
    }

    /// What is committed, as one batch.
    fn seal(&mut self) -> Option<Arc<Batch>> {
        if self.pending.metas.is_empty() || self.committed < self.pending.end() {
            return None;
        }
        let Place { offset, totals } = self.head();
        Some(Arc::new(std::mem::replace(&mut self.pending, Batch::at(offset, totals))))
    }
}

impl Shard {
    /// Gives a record its place in the room's log.
    #[allow(clippy::too_many_arguments)] // one record, and the two that every call takes
    pub(crate) fn sequence(
        &mut self,
        at: u32,
        kind: Kind,
        origin: ConnId,
        fields: &[u8],
        split: usize,
        now: Now,
        ports: &mut impl Ports,
    ) -> Result<(), Status> {
        #[cfg(test)]
        self.trace_asks_room(at, kind, fields, split);
        self.room_has_permit(at, kind, now)?;
        let (bytes_max, records_max) =
            (self.config.push_max, self.config.ring.records.min(PENDING_RECORDS_MAX));
        let Some(home) = self.homes.get_mut(at) else { return Err(Status::INTERNAL) };
        let bytes = home.pending.records.len() + record_bytes(fields, now.unix_ms.max(home.last_ms));
        if !home.pending.metas.is_empty() && (bytes > bytes_max || home.pending.metas.len() >= records_max) {
            self.seal_and_post(at, ports);
        }
        let Some(home) = self.homes.get_mut(at) else { return Err(Status::INTERNAL) };
        //= PROTOCOL.md#11.5
        // Timestamps never decrease within a room, in the order of its records.
        home.last_ms = now.unix_ms.max(home.last_ms);
        put_record(&mut home.pending.records, fields, split, home.last_ms);
        home.pending.push_meta(kind, origin);
        #[cfg(test)]
        self.trace.push(crate::trace::Trace::Sequenced {
            room: Arc::clone(&home.name),
            epoch: home.epoch,
            origin,
            kind,
            record: home.pending.record(home.pending.metas.len() - 1).to_vec(),
        });
        home.committed = home.pending.end(); // in memory the commit is immediate
        if !std::mem::replace(&mut home.is_dirty, true) {
            self.dirty.push(at);
        }
        self.stats.sequenced += 1;
        Ok(())
    }

    /// Takes a permit of `quotas.room.messages`. Of the rate a share is the priority class's alone.
    //= PROTOCOL.md#11.20
    // Over the room's rate RATE_LIMITED; a share is kept for the priority types.
    fn room_has_permit(&mut self, at: u32, kind: Kind, now: Now) -> Result<(), Status> {
        let quotas = &self.config.quotas;
        let (Some(rate), Some(home)) = (quotas.room_messages, self.homes.get_mut(at)) else { return Ok(()) };
        let (mut chat, mut all) = (home.chat_permits, home.permits);
        let chat_passes = kind.class() == Class::Priority
            || chat.take(rate.share(100 - quotas.priority_percent.min(99)), now.mono);
        if !all.take(rate, now.mono) {
            return Err(self.stats.refusals.over(Quota::RoomMessages));
        }
        if !chat_passes {
            return Err(self.stats.refusals.over(Quota::RoomPriorityShare));
        }
        (home.chat_permits, home.permits) = (chat, all);
        Ok(())
    }

    pub(crate) fn home_publish(&mut self, publish: Publish, now: Now, ports: &mut impl Ports) {
        // no home: its sender's shard has unsubscribed since, so nobody is owed the record
        let Some(&at) = self.home_names.get(&publish.room) else { return };
        let taken =
            self.sequence(at, publish.kind, publish.origin, &publish.fields, publish.split, now, ports);
        if let Err(status) = taken {
            let Publish { origin: conn, seq, code, .. } = publish;
            self.tell(conn.shard, ShardMsg::PublishRefused { conn, seq, code, status }, now, ports);
        }
    }

    /// Batches for rooms with subscribers elsewhere; for the others the round that begins next takes all there is.
    pub(crate) fn flush_homes(&mut self, ports: &mut impl Ports) {
        for at in std::mem::take(&mut self.dirty) {
            let Some(home) = self.homes.get_mut(at) else { continue };
            home.is_dirty = false;
            let local = self.room_names.get(&home.name).copied();
            match local {
                Some(room) if !home.has_remote(self.id) => self.queue_room(room),
                Some(_) | None => self.seal_and_post(at, ports),
            }
        }
    }

    /// Whether a room's home is here and has records that are not in a batch yet.
    pub(crate) fn has_pending(&self, home: Option<u32>) -> bool {
        home.and_then(|at| self.homes.get(at)).is_some_and(|home| !home.pending.metas.is_empty())
    }

    /// Seals what is pending, posts it to the other shards, and returns it for this one.
    pub(crate) fn seal(&mut self, at: u32, ports: &mut impl Ports) -> Option<Arc<Batch>> {
        let batch = self.homes.get_mut(at)?.seal()?;
        self.post_batch(at, &batch, ports);
        Some(batch)
    }

    fn seal_and_post(&mut self, at: u32, ports: &mut impl Ports) {
        let Some(batch) = self.seal(at, ports) else { return };
        let local = self.homes.get(at).and_then(|home| self.room_names.get(&home.name)).copied();
        if let Some(room_at) = local
            && let Some(mut room) = self.rooms.take(room_at)
        {
            if room.home_here == Some(at) {
                self.append_batch(room_at, &mut room, batch, &[]);
            }
            self.rooms.put_back(room_at, room);
            self.queue_room(room_at);
        }
    }

    /// A joining member's place is the log's head, so what is pending must be in the log first.
    pub(crate) fn seal_before_join(&mut self, room_at: u32, ports: &mut impl Ports) {
        if let Some(home) = self.rooms.get(room_at).and_then(|room| room.home_here) {
            self.seal_and_post(home, ports);
        }
    }

    fn post_batch(&mut self, at: u32, batch: &Arc<Batch>, ports: &mut impl Ports) {
        let here = self.id;
        // a subscriber gets batches, whole, or hears that it lost them: single priority records are not kept for it
        let ring = RingLimits { priority_records: 0, priority_bytes: 0, ..self.config.ring };
        let Some(home) = self.homes.get_mut(at) else { return };
        let mut all_took_it = true;
        for subscriber in &mut home.subscribers {
            if subscriber.shard == here {
                subscriber.next = batch.end();
            } else if subscriber.next != batch.start || !subscriber.post(&home.name, home.epoch, batch, ports)
            {
                all_took_it = false;
            }
        }
        if all_took_it && !home.is_behind {
            return; // where somebody was behind, even one who is gone, the backlog has no holes
        }
        if !std::mem::replace(&mut home.is_behind, true) {
            home.backlog = Log::at(Place { offset: batch.start, totals: batch.before });
            self.behind.push(at);
        }
        let subscribers = &mut home.subscribers;
        home.backlog.append(Arc::clone(batch), &ring, &mut |evicted| {
            for one in subscribers.iter_mut().filter(|one| one.shard == evicted.origin.shard) {
                one.lose_own(evicted.offset, evicted.kind, evicted.origin);
            }
        });
    }

    /// Batches for shards whose ring was full.
    pub(crate) fn retry_behind(&mut self, ports: &mut impl Ports) {
        for at in std::mem::take(&mut self.behind) {
            let Some(home) = self.homes.get_mut(at) else { continue };
            let head = home.backlog.head().offset;
            for subscriber in
                home.subscribers.iter_mut().filter(|one| one.shard != self.id && one.next < head)
            {
                for batch in home.backlog.batches_from(subscriber.next) {
                    if !subscriber.post(&home.name, home.epoch, batch, ports) {
                        break;
                    }
                }
            }
            home.is_behind = home.subscribers.iter().any(|one| one.shard != self.id && one.next < head);
            if home.is_behind {
                self.behind.push(at);
            } else {
                home.backlog = Log::default();
            }
        }
    }

    pub(crate) fn home_subscribe(&mut self, from: ShardId, name: Arc<str>, now: Now, ports: &mut impl Ports) {
        let Some(at) = self.home_of_name(&name) else {
            let status = Status::OVERLOADED;
            return self.tell(from, ShardMsg::SubscribeRefused { room: name, status }, now, ports);
        };
        self.seal_and_post(at, ports);
        let Some(home) = self.homes.get_mut(at) else { return };
        let place = home.head();
        home.subscribers.retain(|one| one.shard != from);
        home.subscribers.push(Subscriber { shard: from, next: place.offset, lost_own: Vec::new() });
        home.empty_since = None;
        let reply = ShardMsg::Subscribed { room: name, epoch: home.epoch, at: Position(place) };
        self.tell(from, reply, now, ports);
    }

    pub(crate) fn home_unsubscribe(&mut self, from: ShardId, name: &str, now: Now) {
        let Some(home) = self.home_names.get(name).and_then(|&at| self.homes.get_mut(at)) else { return };
        home.subscribers.retain(|one| one.shard != from);
        if home.subscribers.is_empty() {
            home.empty_since = Some(now.mono);
        }
    }

    /// Forgets rooms that nobody has been in for `rooms.create.idle_ttl`. Called about once a second.
    pub(crate) fn sweep_homes(&mut self, now: Now) {
        let ttl = if self.config.rooms.left() == 0 { 0 } else { self.config.room_idle_ms };
        let over = |home: &Home| home.empty_since.is_some_and(|since| now.mono.since(since) >= ttl);
        let gone: Vec<u32> = self
            .homes
            .iter()
            .filter(|(_, home)| home.subscribers.is_empty() && !home.is_dirty && over(home))
            .map(|(at, _)| at)
            .collect();
        for at in gone {
            if let Some(home) = self.homes.remove(at) {
                self.home_names.remove(&home.name);
                self.config.rooms.give_back();
            }
        }
        self.homes.shrink();
        self.home_names.shrink();
    }

    /// The home of `name`, made now if there is none; `None` where the node has no place for another room.
    fn home_of_name(&mut self, name: &Arc<str>) -> Option<u32> {
        if let Some(&at) = self.home_names.get(name) {
            return Some(at);
        }
        if !self.config.rooms.take() {
            return None;
        }
        let home = Home {
            name: Arc::clone(name),
            epoch: self.new_epoch(),
            pending: Batch::default(),
            committed: 0,
            last_ms: 0,
            subscribers: Vec::new(),
            backlog: Log::default(),
            is_behind: false,
            is_dirty: false,
            empty_since: None,
            permits: Bucket::default(),
            chat_permits: Bucket::default(),
        };
        let at = self.homes.insert(Box::new(home));
        self.home_names.insert(Arc::clone(name), at);
        Some(at)
    }
}

impl Subscriber {
    /// Whether its ring took the batch.
    fn post(&mut self, room: &Arc<str>, epoch: u64, batch: &Arc<Batch>, ports: &mut impl Ports) -> bool {
        let lost_own = std::mem::take(&mut self.lost_own);
        let msg = ShardMsg::Batch { room: Arc::clone(room), epoch, batch: Arc::clone(batch), lost_own };
        match ports.post(self.shard, msg) {
            Ok(()) => {
                self.next = batch.end();
                true
            }
            Err(ShardMsg::Batch { lost_own, .. }) => {
                self.lost_own = lost_own;
                false
            }
            Err(_) => false,
        }
    }

    fn lose_own(&mut self, offset: u64, kind: Kind, origin: ConnId) {
        if self.next > offset {
            return;
        }
        match self.lost_own.iter_mut().find(|(id, _)| *id == origin) {
            Some((_, tally)) => tally.count(kind),
            None => {
                let mut tally = Tally::ZERO;
                tally.count(kind);
                self.lost_own.push((origin, tally));
            }
        }
    }
}
