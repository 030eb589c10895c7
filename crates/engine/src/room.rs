//! A room as one shard sees it: who is in it here, and its log as far as it came.
//!
//! Invariant: a connection is in `members` iff the room is in its memberships, at the place noted there.
//! Where members stand: a member without flags stands at [`Room::mark`], or at the start of the round under way;
//! every other one has [`LAG`] and a [`crate::conn::Lag`] that knows its place.

use std::sync::Arc;

use crate::account::Tally;
use crate::conn::Frame;
use crate::ids::{ConnId, Millis, ShardId, Slot};
use crate::log::{Log, Place};
use crate::shrink::Shrink;

/// Flag: it sent records that are in the round under way.
pub(crate) const OWN: u8 = 1;
/// Flag: it does not stand where rounds stand; catch-up serves it.
pub(crate) const LAG: u8 = 2;
/// Flag: it left while a round was under way; the round's end closes the hole.
pub(crate) const HOLE: u8 = 4;

/// A membership: who, and the offset of the next record it is to get.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) slot: Slot,
    pub(crate) flags: u8,
    pub(crate) next: u64,
}

pub(crate) enum Phase {
    /// Home has not answered yet; these connections wait for it.
    Subscribing {
        waiting: Vec<ConnId>,
    },
    Live,
}

/// A pass over the members with one range of records, the same bytes for all that stand at its start.
pub(crate) struct Round {
    pub(crate) start: Place,
    pub(crate) end: Place,
    /// The records in the frame.
    pub(crate) content: Tally,
    /// Records of the range that the ring let go before the round began: every member standing here lost them.
    pub(crate) gap: Tally,
    /// The body, header's room in front; then one frame a dialect that was met.
    pub(crate) body: Vec<u8>,
    pub(crate) gzipped: Option<Vec<u8>>,
    pub(crate) frames: Vec<(u8, Arc<Frame>)>,
    /// Members there were at the start, where among them it started, and how many were visited.
    pub(crate) members: usize,
    pub(crate) first: usize,
    pub(crate) visited: usize,
}

pub(crate) struct Room {
    pub(crate) name: Arc<str>,
    pub(crate) home: ShardId,
    /// The home's place in this shard's own table, where this shard is the home.
    pub(crate) home_here: Option<u32>,
    pub(crate) epoch: u64,
    pub(crate) phase: Phase,
    pub(crate) members: Vec<Member>,
    pub(crate) holes: Vec<u32>,
    pub(crate) laggards: usize,
    /// Members beyond the mark (they joined between it and the head, or the ring let go of what they sent there):
    /// caught up once it has moved.
    pub(crate) ahead: Vec<ConnId>,
    pub(crate) log: Log,
    /// Where the next round begins.
    pub(crate) mark: Place,
    pub(crate) round: Option<Box<Round>>,
    /// In the shard's ready queue, or waiting there for its interval.
    pub(crate) queued: bool,
    pub(crate) next_round_at: Millis,
    pub(crate) rotation: usize,
    pub(crate) empty_since: Option<Millis>,
}

impl Room {
    pub(crate) fn new(name: Arc<str>, home: ShardId) -> Self {
        Self {
            name,
            home,
            home_here: None,
            epoch: 0,
            phase: Phase::Subscribing { waiting: Vec::new() },
            members: Vec::new(),
            holes: Vec::new(),
            laggards: 0,
            ahead: Vec::new(),
            log: Log::default(),
            mark: Place::default(),
            round: None,
            queued: false,
            next_round_at: Millis(0),
            rotation: 0,
            empty_since: None,
        }
    }

    /// How many are in it here.
    pub(crate) fn population(&self) -> usize {
        self.members.len() - self.holes.len()
    }

    /// Whether a round could begin.
    pub(crate) fn has_news(&self) -> bool {
        self.mark.offset < self.log.head().offset
    }

    /// Where a member without [`LAG`] stands.
    pub(crate) fn standing(&self, member: &Member) -> Place {
        match &self.round {
            Some(round) if member.next == round.start.offset => round.start,
            Some(_) | None => {
                // the simulation must find by its own means that somebody stands nowhere
                debug_assert!(member.next == self.mark.offset || cfg!(test), "{member:?}");
                self.mark
            }
        }
    }

    /// Takes a member out; returns who moved to its place, if somebody did.
    pub(crate) fn remove(&mut self, at: u32, skip_hole: bool) -> Option<Slot> {
        if self.round.is_some() && !skip_hole {
            self.members[at as usize].flags = HOLE;
            self.holes.push(at);
            return None;
        }
        self.members.swap_remove(at as usize);
        self.members.get(at as usize).map(|moved| moved.slot)
    }

    /// Closes the holes that a round's leavers left; tells who moved where.
    pub(crate) fn close_holes(&mut self, mut moved: impl FnMut(Slot, u32)) {
        let mut holes = std::mem::take(&mut self.holes);
        holes.sort_unstable_by(|a, b| b.cmp(a)); // from the end, so that no hole moves
        for at in holes.drain(..) {
            self.members.swap_remove(at as usize);
            if let Some(member) = self.members.get(at as usize) {
                moved(member.slot, at);
            }
        }
        self.holes = holes;
    }
}

impl Room {
    /// Gives back the room for members that a storm of them left.
    pub(crate) fn shrink(&mut self) {
        self.members.shrink();
        self.holes.shrink();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_membership_is_16_bytes() {
        assert_eq!(size_of::<Member>(), 16);
    }

    #[test]
    fn holes_close_without_losing_anybody() {
        for holes in [[0u32, 1], [3, 4], [4, 0], [2, 1]] {
            let mut room = Room::new("r".into(), ShardId(0));
            room.members = (0..5).map(|slot| Member { slot, flags: 0, next: 0 }).collect();
            room.holes = holes.to_vec();
            let mut places = Vec::new();
            room.close_holes(|slot, at| places.push((slot, at)));
            let mut left: Vec<_> = room.members.iter().map(|member| member.slot).collect();
            for (slot, at) in places {
                let _ = (slot, at); // the last word about a slot is where it stands
            }
            left.sort_unstable();
            assert_eq!(left, (0..5).filter(|slot| !holes.contains(slot)).collect::<Vec<_>>());
        }
    }
}
