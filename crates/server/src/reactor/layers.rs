//! Layers by slot, dense: a connection's is found by one look into a table, and a plain one has an empty place there.

use longwire_engine::Slot;

use super::layer::Layer;

/// Eight bytes a slot, as far as any had a layer; every newcomer has one until its first byte is there.
#[derive(Default)]
pub(crate) struct Layers {
    by_slot: Vec<Option<Box<Layer>>>,
}

impl Layers {
    pub(crate) fn get(&self, slot: Slot) -> Option<&Layer> {
        self.by_slot.get(slot as usize)?.as_deref()
    }

    /// Asked before every send.
    #[inline]
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Layer> {
        self.by_slot.get_mut(slot as usize)?.as_deref_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Layer)> {
        let all = self.by_slot.iter().enumerate();
        all.filter_map(|(slot, layer)| Some((slot as Slot, layer.as_deref()?)))
    }

    pub(crate) fn put(&mut self, slot: Slot, layer: Box<Layer>) {
        let at = slot as usize;
        if self.by_slot.len() <= at {
            self.by_slot.resize_with(at + 1, || None);
        }
        self.by_slot[at] = Some(layer);
    }

    pub(crate) fn take(&mut self, slot: Slot) -> Option<Box<Layer>> {
        self.by_slot.get_mut(slot as usize)?.take()
    }
}
