//! The fake network: bounded sockets with epoll's manners, and bounded rings between shards.

use std::collections::{HashSet, VecDeque};

use fastrand::Rng;
use longwire_wire::Status;

use super::plan::Plan;
use crate::ids::{ConnId, ShardId, Slot};
use crate::outgoing::{Outgoing, Push};
use crate::post::{Offered, Ports, ShardMsg};

/// The sending side of one connection, as its kernel has it.
pub(super) struct Socket {
    /// How many bytes it holds for a peer that does not read.
    pub(super) room: usize,
    pub(super) held: usize,
    /// Taken by the kernel, and not yet looked at by the model.
    pub(super) unheard: Vec<u8>,
    /// Bytes of the stream that the model has looked at.
    pub(super) heard: u64,
    /// It took less than it was offered, and its edge is still to come.
    pub(super) full: bool,
    /// Every offer finds it dead.
    pub(super) dead: bool,
    pub(super) shut: bool,
    pub(super) closed: bool,
}

impl Socket {
    pub(super) fn new(room: usize) -> Self {
        Self {
            room,
            held: 0,
            unheard: Vec::new(),
            heard: 0,
            full: false,
            dead: false,
            shut: false,
            closed: false,
        }
    }

    /// Bytes of the stream so far.
    pub(super) fn taken(&self) -> u64 {
        self.heard + self.unheard.len() as u64
    }

    /// Whether the edge is due that follows a short write.
    pub(super) fn has_edge(&self) -> bool {
        self.full && !self.closed && (self.held < self.room || self.dead)
    }
}

/// A ring from one shard to another.
#[derive(Default)]
pub(super) struct Link {
    pub(super) queue: VecDeque<ShardMsg>,
    data: usize,
}

impl Link {
    pub(super) fn take(&mut self) -> Option<ShardMsg> {
        let msg = self.queue.pop_front()?;
        self.data -= usize::from(!msg.is_control());
        Some(msg)
    }
}

pub(super) struct Net {
    pub(super) rng: Rng,
    /// By client, for ever.
    pub(super) sockets: Vec<Socket>,
    /// By shard and slot: the client there, until its slot is released.
    pub(super) slots: Vec<Vec<Option<usize>>>,
    /// By shard: how many of them there were at the most.
    pub(super) slots_most: Vec<usize>,
    /// From, then to.
    pub(super) links: Vec<Vec<Link>>,
    pub(super) link_max: usize,
    pub(super) short_writes: u32,
    /// Guests that were let in, and how many there may be.
    pub(super) guests: HashSet<usize>,
    pub(super) guests_max: usize,
    /// What those who asked to be guests in this step were told.
    pub(super) guests_told: Vec<(usize, Status)>,
    /// Clients whose streams grew in this step.
    pub(super) touched: Vec<usize>,
    /// The first thing that the engine may not do to a socket.
    pub(super) fault: Option<String>,
}

impl Net {
    pub(super) fn new(rng: Rng, plan: &Plan) -> Self {
        let Plan { shards, link_max, short_writes, guests_max, .. } = *plan;
        let links = (0..shards).map(|_| (0..shards).map(|_| Link::default()).collect()).collect();
        Self {
            rng,
            sockets: Vec::new(),
            slots: vec![Vec::new(); shards],
            slots_most: vec![0; shards],
            links,
            link_max,
            short_writes,
            guests: HashSet::new(),
            guests_max,
            guests_told: Vec::new(),
            touched: Vec::new(),
            fault: None,
        }
    }

    pub(super) fn client_at(&self, shard: usize, slot: Slot) -> Option<usize> {
        self.slots[shard].get(slot as usize).copied().flatten()
    }

    fn offer(&mut self, shard: usize, slot: Slot, out: Outgoing<'_>) -> Offered {
        let bytes = out.bytes();
        let Some(client) = self.client_at(shard, slot) else {
            return self.fault(format!("bytes for slot {slot} of shard {shard}, where nobody is"));
        };
        let socket = &mut self.sockets[client];
        if socket.closed || socket.shut {
            return self.fault(format!("bytes for client {client}, whose sending side is closed"));
        }
        if bytes.is_empty() {
            return self.fault(format!("nothing was offered to client {client}"));
        }
        if let Outgoing::Push(push) = out
            && !is_message_around(&push)
        {
            return self.fault(format!("a push to client {client} has a wrong WebSocket header"));
        }
        if socket.full {
            return self.fault(format!("client {client} was offered bytes before its edge came"));
        }
        if socket.dead {
            return Offered::Gone;
        }
        let mut taken = bytes.len().min(socket.room - socket.held);
        if self.rng.u32(..100) < self.short_writes {
            taken = self.rng.usize(..=taken);
        }
        socket.full = taken < bytes.len();
        socket.held += taken;
        socket.unheard.extend_from_slice(&bytes[..taken]);
        self.touched.push(client);
        Offered::Took(taken)
    }

    fn fault(&mut self, what: String) -> Offered {
        self.fault.get_or_insert(what);
        Offered::Gone
    }
}

/// Read back the other way round than it was written.
fn is_message_around(push: &Push<'_>) -> bool {
    let [0x82, short, long @ ..] = push.message() else { return false };
    let (len, frame) = match *short {
        126 => (usize::from(u16::from_be_bytes([long[0], long[1]])), &long[2..]),
        127 => (long[..8].iter().fold(0, |len, byte| len << 8 | usize::from(*byte)), &long[8..]),
        len => (usize::from(len), long),
    };
    len == frame.len() && frame == push.frame()
}

/// The network as one shard reaches it.
pub(super) struct Port<'a> {
    pub(super) net: &'a mut Net,
    pub(super) shard: usize,
}

impl Ports for Port<'_> {
    fn offer(&mut self, slot: Slot, out: Outgoing<'_>) -> Offered {
        self.net.offer(self.shard, slot, out)
    }

    fn post(&mut self, to: ShardId, msg: ShardMsg) -> Result<(), ShardMsg> {
        let link = &mut self.net.links[self.shard][usize::from(to.0)];
        if msg.is_control() {
            link.queue.push_back(msg);
        } else if link.data >= self.net.link_max {
            return Err(msg);
        } else {
            link.data += 1;
            link.queue.push_back(msg);
        }
        Ok(())
    }

    fn admit_guest(&mut self, conn: ConnId) -> Result<(), Status> {
        let Some(client) = self.net.client_at(self.shard, conn.slot) else { return Err(Status::INTERNAL) };
        let full = self.net.guests.len() >= self.net.guests_max;
        if !full && !self.net.guests.insert(client) {
            self.net.fault(format!("client {client} is a guest twice"));
        }
        self.net.guests_told.push((client, if full { Status::TOO_MANY } else { Status::OK }));
        if full { Err(Status::TOO_MANY) } else { Ok(()) }
    }

    fn guest_left(&mut self, slot: Slot) {
        let client = self.net.client_at(self.shard, slot);
        if !client.is_some_and(|client| self.net.guests.remove(&client)) {
            self.net.fault(format!("client {client:?} is no guest that could leave"));
        }
    }
}
