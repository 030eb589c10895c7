//! The sockets of a shard by slot, and the engine's way to them.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use longwire_engine::{
    CloseReason, ConnId, GuestId, Millis, Offered, Outgoing, Ports, Push, ShardId, ShardMsg, Shrink, Slot,
};
use longwire_wire::Status;
use mio::net::TcpStream;

use super::layer::{Heard, Layer, write_all};
use super::layers::{Layers, Way};
use super::mail::Outbox;
use super::porch::{Porch, Step};
use super::rules::Rules;
use super::transport::{Transport, peer};
use crate::logging::Host;
use crate::throttle::{Origin, Throttle, Welcome};
use crate::tls::Handshake;

/// What is peeked at or read at once, of what is no frame yet: what a session of TLS takes for a message of a handshake.
const RAW_BYTES: usize = 20 * 1024;

/// What the engine writes to: sockets of this shard, rings of the others.
pub(crate) struct Sockets {
    by_slot: Vec<Option<TcpStream>>,
    layers: Layers,
    /// The last that a room said it would reach soon.
    soon: Slot,
    /// Bytes that all layers together keep.
    kept: usize,
    /// Addresses that a proxy has told; and where the log names addresses, all: a socket that was reset knows its own no
    /// more.
    told: HashMap<Slot, IpAddr>,
    porch: Arc<Porch>,
    rules: Rules,
    /// For what is no frame yet; all connections share it.
    raw: Vec<u8>,
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
    pub(crate) fn new(outbox: Outbox, throttle: &Arc<Throttle>, porch: &Arc<Porch>, rules: Rules) -> Self {
        Self {
            by_slot: Vec::new(),
            layers: Layers::default(),
            soon: 0,
            kept: 0,
            told: HashMap::new(),
            porch: Arc::clone(porch),
            rules,
            raw: vec![0; RAW_BYTES],
            outbox,
            throttle: Arc::clone(throttle),
            callers: Vec::new(),
            now: Millis(0),
        }
    }

    /// One that was let in, from `address`.
    pub(crate) fn insert(&mut self, slot: Slot, socket: TcpStream, address: IpAddr) {
        if tracing::enabled!(tracing::Level::DEBUG) {
            self.told.insert(slot, address);
        }
        let at = slot as usize;
        if self.by_slot.len() <= at {
            self.by_slot.resize_with(at + 1, || None);
        }
        self.by_slot[at] = Some(socket);
    }

    /// A connection that is more than its socket, until it turns out to be plain.
    pub(crate) fn put_layer(&mut self, slot: Slot, layer: Box<Layer>) {
        self.layers.put(slot, layer);
    }

    /// Taking it out closes it, and whoever has no plain socket hears why, as far as that takes no waiting.
    pub(crate) fn remove(&mut self, slot: Slot, reason: CloseReason) -> Option<TcpStream> {
        let mut socket = self.by_slot.get_mut(slot as usize)?.take()?;
        tracing::debug!(
            address = %Host(self.address_of(slot, Some(&socket))),
            transport = self.transport_of(slot),
            reason = reason.name(),
            "connection closed"
        );
        let mut is_counted = true;
        self.free_place(slot);
        if let Some(mut layer) = self.take_layer(slot) {
            layer.cut_off(&mut socket, reason);
            is_counted = !layer.awaits_proxy();
        }
        self.told.remove(&slot);
        if let Some(caller) = self.callers.get(slot as usize).filter(|_| is_counted) {
            self.throttle.closed(caller.origin, caller.guest);
        }
        Some(socket)
    }

    /// Forgets all but the first `slots`: the others are nobody's.
    pub(crate) fn keep_slots(&mut self, slots: usize) {
        debug_assert!(self.by_slot.iter().skip(slots).all(Option::is_none), "a socket without a slot");
        self.by_slot.truncate(slots);
        self.by_slot.shrink();
        self.layers.keep_slots(slots);
        self.callers.truncate(slots);
        self.callers.shrink();
        self.told.shrink();
    }

    /// Gives the place among the node's handshakes back, if `slot` has one.
    pub(crate) fn free_place(&mut self, slot: Slot) {
        if self.layers.get_mut(slot).is_some_and(|layer| std::mem::take(&mut layer.has_place)) {
            self.porch.handshakes.give_back();
        }
    }

    /// One step of the handshake at `slot`, which has a place of the node's, or takes one now.
    pub(crate) fn handshake(&mut self, slot: Slot) -> Step {
        let step = self.handshake_step(slot);
        self.settle(slot);
        step
    }

    fn handshake_step(&mut self, slot: Slot) -> Step {
        let Some(Some(socket)) = self.by_slot.get_mut(slot as usize) else { return Step::Over };
        let Some(layer) = self.layers.get_mut(slot).filter(|layer| layer.is_handshaking()) else {
            return Step::Over;
        };
        if !layer.has_place {
            if !self.porch.handshakes.take() {
                return Step::NoPlace;
            }
            layer.has_place = true;
            match self.porch.tls.as_ref().map(|tls| tls.accept()) {
                Some(Ok(session)) => layer.begin_tls(session),
                Some(Err(_)) | None => return Step::Failed,
            }
        }
        let step = match layer.session().map(|session| session.handshake(socket)) {
            Some(Ok(Handshake::More)) => return Step::More,
            Some(Ok(Handshake::Blocked)) => return Step::Blocked,
            Some(Ok(Handshake::Done)) => {
                layer.end_handshake();
                Step::Done
            }
            Some(Err(err)) => {
                tracing::debug!(%err, "a handshake failed");
                layer.fail_handshake();
                Step::Failed
            }
            None => Step::Failed,
        };
        self.free_place(slot);
        step
    }

    pub(crate) fn layer(&mut self, slot: Slot) -> Option<&mut Layer> {
        self.layers.get_mut(slot)
    }

    pub(crate) fn has_layer(&self, slot: Slot) -> bool {
        self.layers.get(slot).is_some()
    }

    /// Looks at what has come to a connection with a layer.
    pub(crate) fn hear(&mut self, slot: Slot, buffer: &mut [u8], held: usize) -> Heard {
        let Some(Some(socket)) = self.by_slot.get_mut(slot as usize) else { return Heard::Ended };
        let Some(layer) = self.layers.get_mut(slot) else { return Heard::Plain };
        let heard = layer.hear(socket, &mut self.raw, (buffer, held), &mut self.rules);
        if heard == Heard::Plain {
            self.take_layer(slot);
        }
        self.settle(slot);
        heard
    }

    fn take_layer(&mut self, slot: Slot) -> Option<Box<Layer>> {
        let layer = self.layers.take(slot)?;
        self.kept -= layer.counted as usize;
        Some(layer)
    }

    /// Something has happened to the layer of `slot`: how pushes get past it now, and what it keeps.
    fn settle(&mut self, slot: Slot) {
        self.layers.settle(slot);
        let Some(layer) = self.layers.get_mut(slot) else { return };
        let (before, now) = (layer.counted as usize, layer.kept());
        if before == 0 || now < before {
            layer.since = self.now;
        }
        layer.counted = now as u32; // a few records at most
        self.kept = self.kept - before + now;
    }

    /// Bytes that layers keep: parts of records and messages, and what sockets did not take.
    pub(crate) fn kept(&self) -> usize {
        self.kept
    }

    /// Names those who have kept any for longest, until they are `bytes` together: they are to be closed, and count no more.
    /// Looks at everybody, so it is to be asked for many at once.
    pub(crate) fn longest_keepers(&mut self, bytes: usize) -> Vec<Slot> {
        let mut keepers: Vec<_> = self.layers.iter().filter(|(_, layer)| layer.counted > 0).collect();
        keepers.sort_unstable_by_key(|(slot, layer)| (layer.since, *slot));
        let mut left = bytes;
        let enough = keepers.iter().take_while(|(_, layer)| {
            let wanted = left > 0;
            left = left.saturating_sub(layer.counted as usize);
            wanted
        });
        let slots: Vec<Slot> = enough.map(|(slot, _)| *slot).collect();
        for slot in &slots {
            if let Some(layer) = self.layers.get_mut(*slot) {
                self.kept -= std::mem::take(&mut layer.counted) as usize;
            }
        }
        slots
    }

    /// A proxy has told where `slot` comes from.
    pub(crate) fn is_really_from(&mut self, slot: Slot, address: Option<IpAddr>) {
        if let Some(layer) = self.layers.get_mut(slot) {
            layer.end_proxy();
        }
        if let Some(address) = address {
            self.told.insert(slot, address);
        }
    }

    /// Says whether new clients are welcome, to those who ask over HTTP.
    pub(crate) fn set_ready(&mut self, ready: bool) {
        self.rules.ready = ready;
    }

    /// `tcp`, `tls`, `ws`, `wss`.
    pub(crate) fn transport_of(&self, slot: Slot) -> &'static str {
        self.layers.get(slot).map_or("tcp", Layer::transport)
    }

    /// Ends our side, behind all that is owed.
    pub(crate) fn shut_down(&mut self, slot: Slot, reason: CloseReason) -> io::Result<()> {
        let Some(Some(socket)) = self.by_slot.get_mut(slot as usize) else { return Ok(()) };
        match self.layers.get_mut(slot) {
            None => Transport::shut_down(socket),
            Some(layer) => {
                let ended = layer.shut_down(socket, reason);
                self.settle(slot);
                ended
            }
        }
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

    /// The other end's address; of no address where it is gone already and the log names none.
    pub(crate) fn peer_of(&self, slot: Slot) -> IpAddr {
        self.address_of(slot, self.by_slot.get(slot as usize).and_then(Option::as_ref))
    }

    fn address_of(&self, slot: Slot, socket: Option<&TcpStream>) -> IpAddr {
        if let Some(address) = self.told.get(&slot) {
            return *address;
        }
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
        let Some(layer) = self.layers.get_mut(slot) else { return true };
        let Some(Some(socket)) = self.by_slot.get_mut(slot as usize) else { return true };
        // a dead one is the engine's to find: it has something to write, or reads the end
        let holds = matches!(layer.flush(socket), Err(err) if err.kind() == ErrorKind::WouldBlock);
        self.settle(slot);
        !holds
    }
}

impl Sockets {
    fn offer_to_layer(&mut self, slot: Slot, out: Outgoing<'_>) -> Offered {
        let Some(Some(socket)) = self.by_slot.get_mut(slot as usize) else { return Offered::Gone };
        let Some(layer) = self.layers.get_mut(slot) else { return Offered::Gone };
        let offered = layer.offer(socket, out);
        // a push that goes out whole leaves all as it was
        let is_push = matches!(out, Outgoing::Push(_));
        if !is_push || offered != Offered::Took(out.bytes().len()) || layer.counted > 0 {
            self.settle(slot);
        }
        offered
    }

    /// Of a push that went to `slot` as a message the socket has not taken all.
    fn took_part(&mut self, slot: Slot, push: Push<'_>, sent: usize) -> Offered {
        let Some(layer) = self.layers.get_mut(slot) else { return Offered::Gone };
        let taken = layer.took(push, sent);
        self.settle(slot);
        Offered::Took(taken)
    }
}

impl Ports for Sockets {
    fn offer(&mut self, slot: Slot, out: Outgoing<'_>) -> Offered {
        let Some(Some(socket)) = self.by_slot.get_mut(slot as usize) else { return Offered::Gone };
        match (self.layers.way(slot), out) {
            (Way::Plain, out) => write_all(socket, out.bytes()).map_or(Offered::Gone, Offered::Took),
            (Way::Message, Outgoing::Push(push)) => match write_all(socket, push.message()) {
                Ok(sent) if sent == push.message().len() => Offered::Took(push.frame().len()),
                Ok(sent) => self.took_part(slot, push, sent),
                Err(_) => Offered::Gone,
            },
            (Way::Message | Way::Layer, out) => self.offer_to_layer(slot, out),
        }
    }

    /// A member's layer, then, a send later and through it, its session of TLS: each a wait for memory that a large room has
    /// in no cache.
    #[inline]
    fn soon(&mut self, slot: Slot) {
        let last = std::mem::replace(&mut self.soon, slot);
        if self.layers.way(slot) == Way::Layer {
            self.layers.prefetch(slot);
        }
        if self.layers.way(last) == Way::Layer {
            self.layers.prefetch_session(last);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/memory.md counts on these: of every connection, and of those that are counted by address.
    #[test]
    fn a_socket_and_its_caller_stay_small() {
        let mio_watches_itself = if cfg!(debug_assertions) { 12 } else { 0 };
        assert_eq!(size_of::<Option<TcpStream>>(), 4 + mio_watches_itself);
        assert!(size_of::<Caller>() <= 16, "{}", size_of::<Caller>());
    }
}
