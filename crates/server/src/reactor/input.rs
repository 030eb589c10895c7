//! What a connection sent, between its socket and the engine: read in turns, kept only where a frame is cut.

use std::collections::VecDeque;

use longwire_engine::{Slot, Then};

/// Where a connection's input stands.
#[derive(Default)]
struct Input {
    /// Bytes that did not take effect yet, and how many of them did since. Boxed: nothing for the idle.
    rest: Option<Box<Rest>>,
    flags: u8,
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

/// All inputs of a shard, and whose turn is next.
#[derive(Default)]
pub(crate) struct Inputs {
    by_slot: Vec<Input>,
    /// Bounded by the connections: each is in it once.
    ready: VecDeque<Slot>,
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
        if let Some(input) = self.by_slot.get_mut(slot as usize) {
            *input = Input::default();
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.ready.is_empty()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.ready.len()
    }

    pub(crate) fn next(&mut self) -> Option<Slot> {
        let slot = self.ready.pop_front()?;
        self.by_slot.get_mut(slot as usize)?.flags &= !QUEUED;
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
        if let Some(input) = self.by_slot.get_mut(slot as usize) {
            input.rest = None;
            input.flags |= DISCARD;
            input.flags &= !PAUSED;
        }
        self.queue(slot);
    }

    pub(crate) fn turn(&mut self, slot: Slot) -> Turn {
        let Some(input) = self.by_slot.get_mut(slot as usize) else { return Turn::Nothing };
        if input.has(PAUSED) {
            return Turn::Nothing;
        }
        if input.has(DISCARD) {
            return if input.has(READABLE) { Turn::Discard } else { Turn::Nothing };
        }
        match input.rest.take() {
            Some(rest) if !input.has(WANTS_MORE) => Turn::Offer(rest.bytes, rest.taken),
            Some(rest) if input.has(READABLE) => Turn::Read(rest.bytes),
            None if input.has(READABLE) => Turn::Read(Vec::new()),
            None if input.has(ENDED) => Turn::Ended,
            Some(_) if input.has(ENDED) => Turn::Ended, // it ended inside a frame
            rest => {
                input.rest = rest;
                Turn::Nothing
            }
        }
    }

    /// The socket said that it has nothing more at the moment.
    pub(crate) fn drained(&mut self, slot: Slot) {
        self.clear(slot, READABLE);
    }

    /// The peer has ended its side.
    pub(crate) fn ended(&mut self, slot: Slot) {
        self.clear(slot, READABLE);
        self.set(slot, ENDED);
    }

    /// Keeps what the engine did not take, as it wants it, and lines up for the next turn.
    pub(crate) fn keep(&mut self, slot: Slot, rest: &[u8], then: Then) {
        self.keep_vec(slot, rest.to_vec(), 0, then);
    }

    /// The same without a copy, for bytes that were kept before.
    pub(crate) fn keep_vec(&mut self, slot: Slot, mut bytes: Vec<u8>, taken: usize, then: Then) {
        let Some(input) = self.by_slot.get_mut(slot as usize) else { return };
        input.flags &= !WANTS_MORE;
        match then {
            Then::More => {
                bytes.drain(..taken);
                bytes.shrink_to_fit(); // the rest of a cut frame may stay for long
                input.rest = (!bytes.is_empty()).then(|| Box::new(Rest { bytes, taken: 0 }));
                input.flags |= WANTS_MORE;
                if input.flags & (READABLE | ENDED) != 0 {
                    self.queue(slot);
                }
            }
            Then::Yield | Then::Pause => {
                let left = taken < bytes.len();
                input.rest = left.then(|| Box::new(Rest { bytes, taken }));
                match then {
                    Then::Pause => input.flags |= PAUSED,
                    _ => self.queue(slot),
                }
            }
            Then::Discard => self.discard(slot),
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
