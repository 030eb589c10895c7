//! Who comes and who goes: a connection's places in the tables of its shard's driver, all of them by its slot.
//!
//! The engine alone decides which slots there are (`engine/src/slots.rs`). What is kept here by slot is made when
//! somebody comes, emptied when it goes, and ends where the engine's slots end: they become fewer in its sweep alone.

use std::time::Instant;

use longwire_engine::{CloseReason, ConnId, Now, Slot};
use mio::{Interest, Token};

use super::Reactor;
use super::layer::Layer;

impl Reactor {
    /// Lets in whom the door lets in.
    pub(super) fn let_in(&mut self, now: Now) {
        let mut came = std::mem::take(&mut self.came);
        self.door.turn(Instant::now(), |at, stream, peer| came.push((at, stream, peer)));
        for (at, mut stream, peer) in came.drain(..) {
            let ConnId { slot, .. } = self.engine.connect(now);
            let token = Token(self.first_slot + slot as usize);
            let armed =
                self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE);
            self.sockets.insert(slot, stream, peer.ip());
            self.inputs.add(slot);
            let entrance = &self.porch.entrances[at];
            let is_proxied = entrance.is_proxy(peer.ip());
            if let Some(layer) = Layer::of_newcomer(entrance.allowed, is_proxied) {
                self.sockets.put_layer(slot, layer);
            }
            if is_proxied {
                self.watch(slot, now);
            } else {
                self.welcome(slot, peer.ip());
            }
            if let Err(err) = armed {
                tracing::error!(%err, "a connection cannot be watched");
                self.engine.close_now(slot, CloseReason::Overloaded);
            }
        }
        self.came = came;
    }

    /// Ends what the engine is through with.
    pub(super) fn close(&mut self, slot: Slot, reason: CloseReason) {
        if let Some(mut socket) = self.sockets.remove(slot, reason) {
            let _ = self.poll.registry().deregister(&mut socket); // closing it says the same
        }
        self.inputs.remove(slot);
        self.engine.release(slot);
        self.door.give_back();
    }

    /// Gives back what slots had that the engine has cut off, and room that a storm left. To be called behind its sweep.
    pub(super) fn give_back_slots(&mut self) {
        let slots = self.engine.slots();
        self.sockets.keep_slots(slots);
        self.inputs.keep_slots(slots);
        self.line.shrink();
    }
}
