//! Layers by slot, and a byte a slot that says whether a delivery needs to know of one.
//!
//! A room of ten thousand visits ten thousand slots for every message: what lies apart in memory for each of them is a
//! wait for each of them. So a push to a plain socket, or to a WebSocket on one that has nothing else to send, looks at
//! the byte alone.

use longwire_engine::{Shrink, Slot};

use super::layer::Layer;

/// How a push gets to a connection's socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// There is no layer.
    #[default]
    Plain,
    /// As a message, and nothing is to be sent before it: the same bytes for all.
    Message,
    /// Its layer knows.
    Layer,
}

/// Nine bytes a slot, as far as any had a layer; every newcomer has one until its first byte is there.
#[derive(Default)]
pub(crate) struct Layers {
    ways: Vec<Way>,
    by_slot: Vec<Option<Box<Layer>>>,
}

impl Layers {
    /// Asked before every send.
    #[inline]
    pub(crate) fn way(&self, slot: Slot) -> Way {
        self.ways.get(slot as usize).copied().unwrap_or_default()
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&Layer> {
        self.by_slot.get(slot as usize)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Layer> {
        self.by_slot.get_mut(slot as usize)?.as_deref_mut()
    }

    /// Has the layer of `slot` fetched from memory.
    pub(crate) fn prefetch(&self, slot: Slot) {
        if let Some(layer) = self.get(slot) {
            longwire_sys::prefetch(layer);
        }
    }

    /// Has the session of TLS behind the layer of `slot` fetched from memory; looks into the layer itself.
    pub(crate) fn prefetch_session(&self, slot: Slot) {
        if let Some(session) = self.get(slot).and_then(Layer::tls) {
            longwire_sys::prefetch(session);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Layer)> {
        let all = self.by_slot.iter().enumerate();
        all.filter_map(|(slot, layer)| Some((slot as Slot, layer.as_deref()?)))
    }

    pub(crate) fn put(&mut self, slot: Slot, layer: Box<Layer>) {
        let at = slot as usize;
        if self.by_slot.len() <= at {
            self.by_slot.resize_with(at + 1, || None);
            self.ways.resize(at + 1, Way::Plain);
        }
        self.ways[at] = layer.way();
        self.by_slot[at] = Some(layer);
    }

    /// Forgets all but the first `slots`.
    pub(crate) fn keep_slots(&mut self, slots: usize) {
        self.ways.truncate(slots);
        self.ways.shrink();
        self.by_slot.truncate(slots);
        self.by_slot.shrink();
    }

    /// To be called once something has happened to the layer of `slot`.
    pub(crate) fn settle(&mut self, slot: Slot) {
        if let Some(Some(layer)) = self.by_slot.get(slot as usize) {
            self.ways[slot as usize] = layer.way();
        }
    }

    pub(crate) fn take(&mut self, slot: Slot) -> Option<Box<Layer>> {
        let layer = self.by_slot.get_mut(slot as usize)?.take()?;
        self.ways[slot as usize] = Way::Plain;
        Some(layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Transports;

    /// docs/memory.md counts on it.
    #[test]
    fn a_slot_costs_nine_bytes() {
        assert_eq!(size_of::<Way>() + size_of::<Option<Box<Layer>>>(), 9);
    }

    #[test]
    fn a_slot_that_was_cut_off_is_plain_and_may_be_made_again() {
        let all = Transports { tcp: true, tls: true, ws: true, wss: true };
        let newcomer = || Layer::of_newcomer(all, false).unwrap();
        let mut layers = Layers::default();
        (0..5_000).for_each(|slot| layers.put(slot, newcomer()));
        (1..5_000).for_each(|slot| drop(layers.take(slot)));
        layers.keep_slots(1);
        assert_eq!(layers.iter().count(), 1);
        assert!(layers.ways.capacity() <= 1024 && layers.by_slot.capacity() <= 1024);
        assert!(layers.way(4_999) == Way::Plain && layers.take(4_999).is_none());
        layers.settle(4_999);
        layers.put(3, newcomer());
        assert!(layers.get(3).is_some() && layers.get(2).is_none());
    }
}
