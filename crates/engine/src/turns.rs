//! Whose turn it is among the rooms: round robin over sends, so that no room waits for more than the others' shares.
//!
//! A turn is a share of [`SLICE_SENDS_MAX`](crate::limits::SLICE_SENDS_MAX) sends. A room that has used it up goes to the
//! back, in the middle of its round or not; a room whose round is over goes to the back too, so that what comes meanwhile
//! is put together. A slice is what all rooms get before connections and other shards have their turn: a turn that it
//! cuts goes on with the next slice, in its place. Going to the back then would make the members behind the cut wait for
//! all other rooms, and a hundred rooms of a hundred are cut five times in every pass.

use crate::ids::Now;
use crate::post::Ports;
use crate::shard::Shard;

/// What a room's slice left to be done in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    Nothing,
    /// Its round is under way: members are left.
    Members,
    /// Its round is over, and there are records for another one.
    Records,
}

impl Shard {
    /// Rooms forward, a slice of them all.
    pub(crate) fn run_rooms(&mut self, now: Now, ports: &mut impl Ports) {
        let mut slice = self.slice_sends;
        while slice > 0 {
            let Some(at) = self.ready.pop_front() else { return };
            let share = match std::mem::take(&mut self.share_left) {
                0 => self.slice_sends,
                left => left,
            };
            let granted = share.min(slice);
            let mut sends = granted;
            let left = self.run_room(at, &mut sends, now, ports);
            let used = granted - sends + std::mem::take(&mut self.toll);
            slice = slice.saturating_sub(used);
            match left {
                Left::Nothing => {}
                Left::Members if used < share => {
                    self.share_left = share - used;
                    self.queue_in_front(at);
                }
                Left::Members | Left::Records => self.queue_room(at),
            }
        }
    }

    /// Puts a room in line for its round, once.
    pub(crate) fn queue_room(&mut self, at: u32) {
        if self.marks_queued(at) {
            self.ready.push_back(at);
        }
    }

    fn queue_in_front(&mut self, at: u32) {
        if self.marks_queued(at) {
            self.ready.push_front(at);
        }
    }

    fn marks_queued(&mut self, at: u32) -> bool {
        self.rooms.get_mut(at).is_some_and(|room| !std::mem::replace(&mut room.queued, true))
    }

    /// Puts rooms whose interval is over back in line.
    pub(crate) fn wake_deferred(&mut self, now: Now) {
        while let Some(&std::cmp::Reverse((due, at))) = self.deferred.peek()
            && due <= now.mono
        {
            self.deferred.pop();
            self.ready.push_back(at);
        }
    }
}
