//! Which messages all members of this thread have: counted a message at a time, told to the other threads once.

use super::senders::Times;
use crate::shared::Progress;

/// For each sender of the run, the messages it may have under way.
pub(super) struct Arrivals {
    window: usize,
    slots: Vec<Slot>,
}

#[derive(Clone, Copy)]
struct Slot {
    seq: u32,
    members: u32,
    due_ns: u64,
}

/// A message that every member of the run has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    /// From when it was due until the last member had it; `None` where that is not to be measured.
    pub(super) took_ns: Option<u64>,
}

impl Arrivals {
    pub(super) fn new(senders: usize, window: u32) -> Self {
        let slot = Slot { seq: u32::MAX, members: 0, due_ns: 0 };
        Self { window: window as usize, slots: vec![slot; senders * window as usize] }
    }

    /// One more member has passed message `seq` of a sender, of `members` here. `due_ns`: `None` where it was lost.
    #[inline]
    pub(super) fn passed(
        &mut self,
        (sender, seq): (usize, u32),
        due_ns: Option<u64>,
        members: u32,
        times: Times,
        progress: &Progress,
    ) -> Option<Arrived> {
        let slot = &mut self.slots[sender * self.window + seq as usize % self.window];
        if slot.seq != seq {
            if slot.seq != u32::MAX && slot.seq > seq {
                return None; // given up long ago
            }
            *slot = Slot { seq, members: 0, due_ns: 0 };
        }
        slot.members += 1;
        slot.due_ns = slot.due_ns.max(due_ns.unwrap_or(0));
        if slot.members != members {
            return None;
        }
        let due = slot.due_ns;
        let last_ns = progress.passed(seq, times.now)?;
        Some(Arrived { took_ns: times.measures(due).then(|| last_ns.saturating_sub(due)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_arrived_with_its_last_member() {
        let (mut arrivals, progress) = (Arrivals::new(2, 2), Progress::new(0, 2));
        let times = |now| Times { now, start: 0, open: 10, close: 20 };
        for (seq, due, took_ns) in [(0, 5, None), (1, 10, Some(40)), (2, 19, Some(31)), (3, 20, None)] {
            progress.begin(seq, 1);
            assert_eq!(arrivals.passed((1, seq), Some(due), 2, times(40), &progress), None);
            let last = arrivals.passed((1, seq), Some(due), 2, times(50), &progress);
            assert_eq!(last, Some(Arrived { took_ns }), "message {seq}");
        }
        assert_eq!(arrivals.passed((1, 0), Some(5), 1, times(60), &progress), None, "long gone");
    }
}
