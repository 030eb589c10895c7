//! The sockets of a shard by slot, and the engine's way to them.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use longwire_engine::{ConnId, GuestId, Millis, Offered, Outgoing, Ports, ShardId, ShardMsg, Slot};
use longwire_wire::Status;
use mio::net::TcpStream;

use super::mail::Outbox;
use super::transport::{Transport, peer};
use crate::throttle::{Origin, Throttle, Welcome};

/// What the engine writes to: sockets of this shard, rings of the others.
pub(crate) struct Sockets {
    by_slot: Vec<Option<TcpStream>>,
    outbox: Outbox,
    throttle: Arc<Throttle>,
    /// Where connections come from, as far as anything is counted there; else empty.
    callers: Vec<Caller>,
    now: Millis,
}

#[derive(Clone, Copy)]
struct Caller {
    origin: Origin,
    guest: bool,
}

impl Sockets {
    pub(crate) fn new(outbox: Outbox, throttle: &Arc<Throttle>) -> Self {
        let throttle = Arc::clone(throttle);
        Self { by_slot: Vec::new(), outbox, throttle, callers: Vec::new(), now: Millis(0) }
    }

    pub(crate) fn insert(&mut self, slot: Slot, socket: TcpStream) {
        let at = slot as usize;
        if self.by_slot.len() <= at {
            self.by_slot.resize_with(at + 1, || None);
        }
        self.by_slot[at] = Some(socket);
    }

    /// Taking it out closes it.
    pub(crate) fn remove(&mut self, slot: Slot) -> Option<TcpStream> {
        let socket = self.by_slot.get_mut(slot as usize)?.take()?;
        if let Some(caller) = self.callers.get(slot as usize) {
            self.throttle.closed(caller.origin, caller.guest);
        }
        Some(socket)
    }

    /// This turn's time, for what is counted by time.
    pub(crate) fn set_now(&mut self, now: Millis) {
        self.now = now;
    }

    /// Counts a new connection where it comes from.
    pub(crate) fn came_from(&mut self, slot: Slot, origin: Origin) -> Welcome {
        if !self.throttle.is_on() {
            return Welcome::In;
        }
        let at = slot as usize;
        if self.callers.len() <= at {
            self.callers.resize(at + 1, Caller { origin, guest: false });
        }
        self.callers[at] = Caller { origin, guest: false };
        self.throttle.connected(origin, self.now)
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut TcpStream> {
        self.by_slot.get_mut(slot as usize)?.as_mut()
    }

    /// The other end's address; of no address where it is gone already.
    pub(crate) fn peer_of(&self, slot: Slot) -> IpAddr {
        let socket = self.by_slot.get(slot as usize).and_then(Option::as_ref);
        socket.and_then(|socket| peer(socket).ok()).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// Reads once. `Ok(None)`: nothing there at the moment.
    pub(crate) fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(socket) = self.get_mut(slot) else { return Ok(Some(0)) };
        loop {
            match Transport::read(socket, buffer) {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(err) if err.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) => return Err(err),
            }
        }
    }
}

impl Sockets {
    /// Hands on what the connection's transport still holds. `false`: it holds some after all, and an edge will come.
    pub(crate) fn flush(&mut self, slot: Slot) -> bool {
        let Some(socket) = self.get_mut(slot) else { return true };
        // a dead one is the engine's to find: it has something to write, or reads the end
        !matches!(Transport::flush(socket), Err(err) if err.kind() == ErrorKind::WouldBlock)
    }
}

impl Ports for Sockets {
    fn offer(&mut self, slot: Slot, out: Outgoing<'_>) -> Offered {
        let bytes = out.bytes();
        let Some(Some(socket)) = self.by_slot.get_mut(slot as usize) else { return Offered::Gone };
        let mut taken = 0;
        while taken < bytes.len() {
            // a short write repeats until the socket would block: only then an edge will come
            match Transport::write(socket, &bytes[taken..]) {
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

    fn admit_guest(&mut self, conn: ConnId) -> Result<(), Status> {
        if let Some(caller) = self.callers.get_mut(conn.slot as usize) {
            self.throttle.admit_guest(caller.origin, self.now)?;
            caller.guest = true;
        }
        tracing::debug!(guest = %GuestId(conn), "guest logged in");
        Ok(())
    }

    fn guest_left(&mut self, slot: Slot) {
        if let Some(caller) = self.callers.get_mut(slot as usize)
            && std::mem::take(&mut caller.guest)
        {
            self.throttle.guest_left(caller.origin);
        }
    }
}
