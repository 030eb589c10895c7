//! The sockets of a shard by slot, and the engine's way to them.

use std::io::{self, ErrorKind};

use longwire_engine::{Offered, Ports, ShardId, ShardMsg, Slot};

use super::mail::Outbox;
use super::transport::Transport;

/// What the engine writes to: sockets of this shard, rings of the others.
pub(crate) struct Sockets<T> {
    by_slot: Vec<Option<T>>,
    outbox: Outbox,
}

impl<T: Transport> Sockets<T> {
    pub(crate) fn new(outbox: Outbox) -> Self {
        Self { by_slot: Vec::new(), outbox }
    }

    pub(crate) fn insert(&mut self, slot: Slot, socket: T) {
        let at = slot as usize;
        if self.by_slot.len() <= at {
            self.by_slot.resize_with(at + 1, || None);
        }
        self.by_slot[at] = Some(socket);
    }

    /// Taking it out closes it.
    pub(crate) fn remove(&mut self, slot: Slot) -> Option<T> {
        self.by_slot.get_mut(slot as usize)?.take()
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.by_slot.get_mut(slot as usize)?.as_mut()
    }

    /// Reads once. `Ok(None)`: nothing there at the moment.
    pub(crate) fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(socket) = self.get_mut(slot) else { return Ok(Some(0)) };
        loop {
            match socket.read(buffer) {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(err) if err.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) => return Err(err),
            }
        }
    }
}

impl<T: Transport> Ports for Sockets<T> {
    fn offer(&mut self, slot: Slot, bytes: &[u8]) -> Offered {
        let Some(Some(socket)) = self.by_slot.get_mut(slot as usize) else { return Offered::Gone };
        let mut taken = 0;
        while taken < bytes.len() {
            // a short write repeats until the socket would block: only then an edge will come
            match socket.write(&bytes[taken..]) {
                Ok(0) => return Offered::Gone,
                Ok(more) => taken += more,
                Err(err) if err.kind() == ErrorKind::WouldBlock => break,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Offered::Gone,
            }
        }
        Offered::Took(taken)
    }

    fn post(&mut self, to: ShardId, msg: ShardMsg) -> Result<(), ShardMsg> {
        self.outbox.post(to, msg)
    }
}
