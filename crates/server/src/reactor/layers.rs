//! Layers by slot. A bit says whether there is one: all that a plain connection pays.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use longwire_engine::Slot;

use super::layer::Layer;

#[derive(Default)]
pub(crate) struct Layers {
    marks: Vec<u64>,
    /// Slots are the server's own numbers: nobody can choose them to collide.
    by_slot: HashMap<Slot, Box<Layer>, RandomState>,
}

impl Layers {
    /// Whether there is one: asked before every send.
    #[inline]
    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.marks.get(slot as usize / 64).is_some_and(|marks| marks >> (slot % 64) & 1 != 0)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&Layer> {
        if self.has(slot) { self.by_slot.get(&slot).map(|layer| &**layer) } else { None }
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Layer> {
        if self.has(slot) { self.by_slot.get_mut(&slot).map(|layer| &mut **layer) } else { None }
    }

    pub(crate) fn put(&mut self, slot: Slot, layer: Box<Layer>) {
        let at = slot as usize / 64;
        if self.marks.len() <= at {
            self.marks.resize(at + 1, 0);
        }
        self.marks[at] |= 1 << (slot % 64);
        self.by_slot.insert(slot, layer);
    }

    pub(crate) fn take(&mut self, slot: Slot) -> Option<Box<Layer>> {
        if !self.has(slot) {
            return None;
        }
        self.marks[slot as usize / 64] &= !(1 << (slot % 64));
        self.by_slot.remove(&slot)
    }
}
