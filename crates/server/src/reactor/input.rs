//! What a connection sent, between its socket and the engine: read in turns, kept only where a frame is cut.

use std::collections::VecDeque;

use longwire_engine::{Shrink, Slot, Then};

/// Where a connection's input stands.
#[derive(Default)]
struct Input {
    /// Bytes that did not take effect yet, and how many of them did since. Boxed: nothing for the idle.
    rest: Option<Box<Rest>>,
    flags: u8,
    /// When it began to hold what it holds, in the order of all connections; 0: it holds nothing.
    stamp: u32,
}

#[derive(Default)]
struct Rest {
    bytes: Vec<u8>,
    taken: usize,
}

/// The socket may have bytes: an edge came, and it has not said "would block" since.
const READABLE: u8 = 1;
/// In the ready list.
const QUEUED: u8 = 2;
/// The engine does not want to be offered anything.
const PAUSED: u8 = 4;
/// The peer has ended its side.
const ENDED: u8 = 8;
/// Whatever comes is thrown away.
const DISCARD: u8 = 16;
/// The rest ends inside a frame: it wants more bytes before it is offered again.
const WANTS_MORE: u8 = 32;
/// The last edge told of the peer's end: read until it is there.
const ENDING: u8 = 64;

/// Stale entries of the holders' queue that are let be.
const HOLDERS_MIN: usize = 1024;

/// All inputs of a shard, and whose turn is next.
#[derive(Default)]
pub(crate) struct Inputs {
    by_slot: Vec<Input>,
    /// Bounded by the connections: each is in it once.
    ready: VecDeque<Slot>,
    /// Bytes that all connections together hold.
    held: usize,
    /// Who holds any, by stamp; may name some who do not any more.
    holders: VecDeque<(Slot, u32)>,
    last_stamp: u32,
}

/// What to do in a connection's turn.
pub(crate) enum Turn {
    /// Offer these bytes; nothing is read.
    Offer(Vec<u8>, usize),
    /// Read, behind these bytes.
    Read(Vec<u8>),
    /// Read, and throw away.
    Discard,
    /// The peer has ended, and all it sent has had its turn.
    Ended,
    Nothing,
}

impl Inputs {
    pub(crate) fn add(&mut self, slot: Slot) {
        let at = slot as usize;
        if self.by_slot.len() <= at {
            self.by_slot.resize_with(at + 1, Input::default);
        }
        self.by_slot[at] = Input::default();
    }

    pub(crate) fn remove(&mut self, slot: Slot) {
        self.take_rest(slot);
        if let Some(input) = self.by_slot.get_mut(slot as usize) {
            *input = Input::default();
        }
    }

    /// Forgets all but the first `slots`: the others are nobody's.
    pub(crate) fn keep_slots(&mut self, slots: usize) {
        self.by_slot.truncate(slots);
        self.by_slot.shrink();
        self.forget_holders();
        self.holders.shrink();
        self.ready.shrink();
    }

    /// Bytes that are held for all connections: cut frames, and what waits for a LOGIN, a JOIN or a full buffer.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Lets go of what the connection holds that began to hold it longest ago, and names it: it is to be closed.
    pub(crate) fn drop_oldest(&mut self) -> Option<Slot> {
        while let Some((slot, stamp)) = self.holders.pop_front() {
            let Some(input) = self.by_slot.get(slot as usize) else { continue };
            if input.stamp == stamp && input.rest.is_some() {
                self.take_rest(slot);
                return Some(slot);
            }
        }
        None
    }

    /// Of those who hold nothing any more, about as many are kept as there are slots.
    fn forget_holders(&mut self) {
        if self.holders.len() > HOLDERS_MIN + 2 * self.by_slot.len() {
            let by_slot = &self.by_slot;
            self.holders.retain(|(slot, stamp)| {
                by_slot.get(*slot as usize).is_some_and(|input| input.stamp == *stamp)
            });
        }
    }

    fn take_rest(&mut self, slot: Slot) -> Option<Box<Rest>> {
        let rest = self.by_slot.get_mut(slot as usize)?.rest.take()?;
        self.held -= rest.bytes.len();
        Some(rest)
    }

    /// Holds `bytes`. Whoever made progress, or held nothing, is the newest holder.
    fn hold(&mut self, slot: Slot, bytes: Vec<u8>, taken: usize, progress: bool) {
        let Some(input) = self.by_slot.get_mut(slot as usize) else { return };
        if progress || input.stamp == 0 {
            self.last_stamp = self.last_stamp.wrapping_add(1).max(1);
            input.stamp = self.last_stamp;
            self.holders.push_back((slot, input.stamp));
        }
        self.held += bytes.len();
        input.rest = Some(Box::new(Rest { bytes, taken }));
        self.forget_holders();
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.ready.is_empty()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.ready.len()
    }

    pub(crate) fn next(&mut self) -> Option<Slot> {
        let slot = self.ready.pop_front()?;
        self.clear(slot, QUEUED); // where its slot was cut off meanwhile, its turn comes to nothing
        Some(slot)
    }

    /// An edge came: there is something to read; with `ending`, the peer's end stands behind it.
    pub(crate) fn readable(&mut self, slot: Slot, ending: bool) {
        self.set(slot, if ending { READABLE | ENDING } else { READABLE });
        self.queue(slot);
    }

    /// A read took less than it could: the next bytes will come with an edge of their own, but an end that is
    /// there already will not.
    pub(crate) fn read_short(&mut self, slot: Slot) {
        if self.by_slot.get(slot as usize).is_some_and(|input| !input.has(ENDING)) {
            self.drained(slot);
        }
    }

    /// Whatever waits may be offered again.
    pub(crate) fn resume(&mut self, slot: Slot) {
        self.clear(slot, PAUSED | WANTS_MORE);
        self.queue(slot);
    }

    /// The engine is through with this connection: throw away what it sends.
    pub(crate) fn discard(&mut self, slot: Slot) {
        self.take_rest(slot);
        if let Some(input) = self.by_slot.get_mut(slot as usize) {
            input.flags |= DISCARD;
            input.flags &= !PAUSED;
        }
        self.queue(slot);
    }

    pub(crate) fn turn(&mut self, slot: Slot) -> Turn {
        let Some(input) = self.by_slot.get_mut(slot as usize) else { return Turn::Nothing };
        if input.has(PAUSED) {
            // whoever has gone is not waited for; what it sent before its end is, for it has its turn first
            //= PROTOCOL.md#13.8
            // When the client ends its side, the server treats it as gone, also while a LOGIN waits for its provider.
            let may_be_gone = input.rest.is_none() && input.has(ENDING) && input.has(READABLE);
            return if may_be_gone { Turn::Read(Vec::new()) } else { Turn::Nothing };
        }
        if input.has(DISCARD) {
            return if input.has(READABLE) { Turn::Discard } else { Turn::Nothing };
        }
        let (wants_more, readable, ended) = (input.has(WANTS_MORE), input.has(READABLE), input.has(ENDED));
        if input.rest.is_some() && wants_more && !readable && !ended {
            return Turn::Nothing; // inside a frame, and nothing new
        }
        match self.take_rest(slot) {
            Some(rest) if !wants_more => Turn::Offer(rest.bytes, rest.taken),
            Some(rest) if readable => Turn::Read(rest.bytes),
            None if readable => Turn::Read(Vec::new()),
            Some(_) | None if ended => Turn::Ended, // with a rest, it ended inside a frame
            Some(_) | None => Turn::Nothing,
        }
    }

    /// The socket said that it has nothing more at the moment.
    pub(crate) fn drained(&mut self, slot: Slot) {
        self.clear(slot, READABLE);
    }

    /// Whether an edge has told of the peer's end.
    pub(crate) fn is_ending(&self, slot: Slot) -> bool {
        self.by_slot.get(slot as usize).is_some_and(|input| input.has(ENDING))
    }

    /// The peer has ended its side.
    pub(crate) fn ended(&mut self, slot: Slot) {
        self.clear(slot, READABLE);
        self.set(slot, ENDED);
    }

    /// Keeps what the engine did not take of `bytes`, as it wants it, and lines up for the next turn. `progress`: a frame
    /// took effect.
    pub(crate) fn keep(&mut self, slot: Slot, mut bytes: Vec<u8>, taken: usize, then: Then, progress: bool) {
        self.clear(slot, WANTS_MORE);
        match then {
            Then::More => {
                if taken > 0 {
                    bytes = bytes[taken..].to_vec(); // the rest of a cut frame may stay for long: no room to spare
                }
                self.set(slot, WANTS_MORE);
                self.hold_any(slot, bytes, 0, progress);
                if self.by_slot.get(slot as usize).is_some_and(|input| input.flags & (READABLE | ENDED) != 0)
                {
                    self.queue(slot);
                }
            }
            Then::Yield | Then::Pause => {
                self.hold_any(slot, bytes, taken, progress);
                if matches!(then, Then::Pause) {
                    self.set(slot, PAUSED);
                }
                if self
                    .by_slot
                    .get(slot as usize)
                    .is_some_and(|input| !input.has(PAUSED) || input.has(ENDING))
                {
                    self.queue(slot);
                }
            }
            Then::Discard => self.discard(slot),
        }
    }

    fn hold_any(&mut self, slot: Slot, bytes: Vec<u8>, taken: usize, progress: bool) {
        if taken < bytes.len() {
            self.hold(slot, bytes, taken, progress);
        } else if let Some(input) = self.by_slot.get_mut(slot as usize) {
            input.stamp = 0;
        }
    }

    fn queue(&mut self, slot: Slot) {
        if let Some(input) = self.by_slot.get_mut(slot as usize)
            && !input.has(QUEUED)
        {
            input.flags |= QUEUED;
            self.ready.push_back(slot);
        }
    }

    fn set(&mut self, slot: Slot, flags: u8) {
        if let Some(input) = self.by_slot.get_mut(slot as usize) {
            input.flags |= flags;
        }
    }

    fn clear(&mut self, slot: Slot, flags: u8) {
        if let Some(input) = self.by_slot.get_mut(slot as usize) {
            input.flags &= !flags;
        }
    }
}

impl Input {
    fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORM: Slot = 5_000;

    /// docs/memory.md counts on it.
    #[test]
    fn an_idle_input_stays_small() {
        assert_eq!(size_of::<Input>(), 16);
    }

    fn inputs() -> Inputs {
        let mut inputs = Inputs::default();
        (0..STORM).for_each(|slot| inputs.add(slot));
        inputs
    }

    fn go(inputs: &mut Inputs, from: Slot) {
        (from..STORM).for_each(|slot| inputs.remove(slot));
        inputs.keep_slots(from as usize);
    }

    #[test]
    fn a_turn_whose_slot_was_cut_off_comes_to_nothing_and_holds_up_nobody() {
        let mut inputs = inputs();
        (0..STORM).rev().for_each(|slot| inputs.readable(slot, false));
        go(&mut inputs, 1);
        let turns: Vec<_> = std::iter::from_fn(|| inputs.next()).collect();
        assert_eq!(turns.len(), STORM as usize);
        let read: Vec<_> =
            turns.into_iter().filter(|slot| matches!(inputs.turn(*slot), Turn::Read(_))).collect();
        assert_eq!(read, [0]);
    }

    #[test]
    fn whoever_stays_is_still_found_behind_holders_that_were_cut_off() {
        let mut inputs = inputs();
        (0..STORM).rev().for_each(|slot| inputs.keep(slot, vec![0; 4], 0, Then::More, false));
        go(&mut inputs, 1);
        assert_eq!(inputs.held(), 4);
        assert_eq!((inputs.drop_oldest(), inputs.held()), (Some(0), 0));
        assert_eq!(inputs.drop_oldest(), None);
    }

    #[test]
    fn a_storm_leaves_no_room_behind() {
        let mut inputs = inputs();
        (0..STORM).for_each(|slot| inputs.keep(slot, vec![0; 4], 0, Then::Yield, false));
        while inputs.next().is_some() {}
        go(&mut inputs, 1);
        inputs.keep_slots(1);
        let room = [inputs.by_slot.capacity(), inputs.ready.capacity(), inputs.holders.capacity()];
        assert!(room.iter().all(|room| *room <= 1024 + 512), "{room:?}");
        inputs.add(9);
        assert!(matches!(inputs.turn(9), Turn::Nothing), "a slot that is made again is empty");
    }
}
