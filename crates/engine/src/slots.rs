//! The places of a shard's connections: who has which, which is given out next, and which there are.
//!
//! The lowest free slot is given out first, so what is free gathers at the tables' upper end, where sweeps cut it off: a
//! slot from [`Shard::slots`] on does not exist, and nobody has to keep anything for it. It is made again when it is
//! needed. What is kept for slots is theirs alone who have them, and ends with [`Shard::release`].
//! Invariant: a slot is free iff its generation is 0, which no connection has. Generations count connections, not
//! the uses of a slot, so one that was cut off and made again has no memory to lose: no id ever comes back.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::conn::{Conn, Hot};
use crate::ids::{ConnId, Now, Slot};
use crate::limits::SLOTS_CUT_MAX;
use crate::planted::Planted;
use crate::session::{AwaitLogin, Session, State};
use crate::shard::Shard;
use crate::shrink::Shrink;

/// Free slots. Empty where every slot is taken, so it costs nothing when there are most connections.
#[derive(Default)]
pub(crate) struct Free {
    /// May name slots that were cut off; none that exists is in it twice.
    lowest: BinaryHeap<Reverse<Slot>>,
}

impl Free {
    /// The lowest free slot of the first `slots`.
    fn take(&mut self, slots: usize) -> Option<Slot> {
        match self.lowest.pop() {
            Some(Reverse(slot)) if (slot as usize) < slots => Some(slot),
            // the lowest was cut off, so all were: from here on each is made again, and may come back in here
            Some(_) => {
                self.lowest.clear();
                None
            }
            None => None,
        }
    }

    fn give_back(&mut self, slot: Slot) {
        self.lowest.push(Reverse(slot));
    }

    /// Forgets what was cut off.
    fn cut(&mut self, slots: usize) {
        self.lowest.retain(|Reverse(slot)| (*slot as usize) < slots);
    }
}

impl Shard {
    /// A new connection. Its slot is the driver's name for it until [`Shard::release`].
    pub fn connect(&mut self, now: Now) -> ConnId {
        let slot = self.free.take(self.conns.len()).unwrap_or_else(|| {
            self.conns.push(Conn::new());
            self.hot.push(Hot::default());
            (self.conns.len() - 1) as Slot
        });
        self.last_generation = self.last_generation.wrapping_add(1).max(1);
        let conn = &mut self.conns[slot as usize];
        conn.generation = self.last_generation;
        conn.open = true;
        conn.session = Session::AwaitLogin(AwaitLogin { since: now.mono, began: None, reading: None });
        conn.last_seen = now.mono;
        self.stats.connections += 1;
        let id = self.conn_id(slot);
        self.unauthenticated_came(id);
        id
    }

    /// The driver has closed the socket of an [`Action::Close`](crate::Action::Close): the slot may be used again.
    pub fn release(&mut self, slot: Slot) {
        self.conns[slot as usize] = Conn::new();
        self.hot[slot as usize] = Hot::default();
        self.free.give_back(slot);
        self.stats.connections -= 1;
    }

    /// How many slots there are: whatever a driver keeps by slot may end here. Less only after [`Shard::tick`].
    pub fn slots(&self) -> usize {
        self.conns.len()
    }

    /// Whoever has `slot` now; nobody's id where it is free, or was cut off.
    pub fn conn_id(&self, slot: Slot) -> ConnId {
        let generation = self.conns.get(slot as usize).map_or(0, |conn| conn.generation);
        ConnId { shard: self.id, slot, generation }
    }

    /// The state of the session at `slot`.
    pub fn state(&self, slot: Slot) -> State {
        self.conns[slot as usize].session.state()
    }

    /// The slot of a connection that is still there.
    pub(crate) fn find(&self, id: ConnId) -> Option<Slot> {
        let conn = self.conns.get(id.slot as usize)?;
        (id.shard == self.id && conn.open && conn.generation == id.generation).then_some(id.slot)
    }

    /// Cuts off what is free at the end of the tables, a bounded part a call, and gives back room that a storm of
    /// connections left, here and in what is queued by connection.
    pub(crate) fn give_back_slots(&mut self) {
        let free =
            self.conns.iter().rev().take(SLOTS_CUT_MAX).take_while(|conn| conn.generation == 0).count();
        let slots = self.conns.len() - free;
        self.conns.truncate(slots);
        self.hot.truncate(slots);
        if free > 0 && self.is_planted(Planted::GenerationsBeginAgain) {
            self.last_generation = 0;
        }
        let room = self.conns.capacity();
        self.conns.shrink();
        self.hot.shrink();
        if self.conns.capacity() < room {
            self.free.cut(slots);
        }
        self.free.lowest.shrink();
        self.forget_authenticated();
        self.unauthenticated.shrink();
        self.catch_up.shrink();
        self.actions.shrink();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use super::*;
    use crate::action::{Action, CloseReason};
    use crate::config::Config;
    use crate::ids::ShardId;
    use crate::stage::{Wire, now};

    /// A storm's worth: many times what one sweep cuts off.
    const STORM: usize = 3 * SLOTS_CUT_MAX + 17;

    fn shard() -> Shard {
        let config = Config { unauthenticated_max: usize::MAX, ..Config::default() };
        Shard::new(ShardId(0), 1, 7, Arc::new(config))
    }

    fn come(shard: &mut Shard, count: usize) -> Vec<ConnId> {
        (0..count).map(|_| shard.connect(now(0))).collect()
    }

    fn leave(shard: &mut Shard, conn: ConnId) {
        shard.close_now(conn.slot, CloseReason::Gone);
        while let Some(action) = shard.poll_action() {
            if let Action::Close(slot, _) = action {
                shard.release(slot);
            }
        }
    }

    fn sweep(shard: &mut Shard) {
        shard.tick(now(1), &mut Wire::default());
    }

    #[test]
    fn the_lowest_free_slot_is_given_out_first() {
        let mut shard = shard();
        let all = come(&mut shard, 10);
        [7, 2, 5, 9, 0].into_iter().for_each(|at: usize| leave(&mut shard, all[at]));
        let slots: Vec<_> = come(&mut shard, 7).iter().map(|conn| conn.slot).collect();
        assert_eq!(slots, [0, 2, 5, 7, 9, 10, 11]);
    }

    #[test]
    fn what_a_storm_left_is_cut_off_a_part_at_a_time() {
        let mut shard = shard();
        let all = come(&mut shard, STORM);
        let room = shard.conns.capacity();
        all.iter().skip(10).for_each(|conn| leave(&mut shard, *conn));
        let slots: Vec<_> = (0..5).map(|_| (sweep(&mut shard), shard.slots()).1).collect();
        assert_eq!(slots, [STORM - SLOTS_CUT_MAX, STORM - 2 * SLOTS_CUT_MAX, 17, 10, 10]);
        assert!(room > STORM && shard.conns.capacity() <= 1024 && shard.hot.capacity() <= 1024);
        assert!(shard.free.lowest.capacity() <= 1024 && shard.unauthenticated.capacity() <= 1024);
        assert_eq!(shard.hot.len(), shard.conns.len());
    }

    /// One that stays keeps what is below it; what is above goes, and newcomers fill up from below.
    #[test]
    fn one_that_stays_keeps_what_is_below_it() {
        let mut shard = shard();
        let all = come(&mut shard, 5_000);
        let stays = all[3_000];
        all.iter().filter(|conn| **conn != stays).for_each(|conn| leave(&mut shard, *conn));
        sweep(&mut shard);
        assert_eq!((shard.slots(), shard.find(stays)), (3_001, Some(3_000)));
        assert_eq!(come(&mut shard, 1)[0].slot, 0);
        leave(&mut shard, stays);
        sweep(&mut shard);
        assert_eq!((shard.slots(), shard.find(stays)), (1, None));
    }

    #[test]
    fn an_old_id_finds_nobody_before_and_after_its_slot_is_made_again() {
        let mut shard = shard();
        let old = come(&mut shard, 100);
        old.iter().for_each(|conn| leave(&mut shard, *conn));
        sweep(&mut shard);
        let is_gone = |shard: &Shard| {
            let id = |conn: &ConnId| shard.find(*conn).is_none() && shard.conn_id(conn.slot) != *conn;
            old.iter().all(id)
        };
        assert!(shard.slots() == 0 && is_gone(&shard));
        shard.writable(50, now(1), &mut Wire::default()); // an edge of the socket that was there
        let new = come(&mut shard, 100);
        assert!(shard.slots() == 100 && is_gone(&shard));
        assert!(new.iter().all(|conn| shard.find(*conn) == Some(conn.slot)));
    }

    /// Against a plain model: a slot is never given to two, the lowest is given first, and no id is given twice.
    #[test]
    fn slots_are_what_a_plain_model_says() {
        let seed = 11;
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut shard, mut there, mut names) = (shard(), Vec::<Option<ConnId>>::new(), HashSet::new());
        for step in 0..20_000 {
            let comes = rng.u32(..100) < if step / 2_000 % 2 == 0 { 70 } else { 25 }; // flood, then ebb
            if comes {
                let conn = shard.connect(now(0));
                let lowest = there.iter().position(Option::is_none).unwrap_or(there.len());
                assert_eq!(conn.slot as usize, lowest, "seed {seed}, step {step}");
                assert!(names.insert(conn), "seed {seed}, step {step}: {conn:?} twice");
                there.resize(there.len().max(lowest + 1), None);
                there[lowest] = Some(conn);
            } else if let Some(at) = (!there.is_empty()).then(|| rng.usize(..there.len()))
                && let Some(conn) = there[at].take()
            {
                leave(&mut shard, conn);
            }
            if rng.u32(..50) == 0 {
                sweep(&mut shard);
                there.truncate(there.iter().rposition(Option::is_some).map_or(0, |last| last + 1));
                assert_eq!(shard.slots(), there.len(), "seed {seed}, step {step}");
            }
        }
        assert!(there.iter().flatten().all(|conn| shard.find(*conn) == Some(conn.slot)));
    }
}
