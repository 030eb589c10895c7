//! What the simulation is told of the engine's inside: where records and memberships stand, and in which order shards
//! were asked what they decide; never what they decided. Compiled into tests alone.

use std::sync::Arc;

use crate::account::{DropReason, Kind};
use crate::ids::{ConnId, ShardId, Slot};
use crate::shard::Shard;

/// One step of a room's history, in the order in which a shard took them.
#[derive(Debug)]
pub(crate) enum Trace {
    /// The home gave a record the next place in this life of the room.
    Sequenced {
        room: Arc<str>,
        epoch: u64,
        origin: ConnId,
        kind: Kind,
        /// As it will be pushed: one `messages` element.
        record: Vec<u8>,
    },
    /// A connection became a member: it is owed what stands at `offset` and behind it.
    Joined { conn: ConnId, room: Arc<str>, home: ShardId, epoch: u64, offset: u64 },
    /// A membership ended: it is owed nothing from `offset` on.
    Left { conn: ConnId, room: Arc<str>, offset: u64, reason: DropReason },
    /// The next frame of a connection takes effect now: the first LOGIN, or one that its rate is asked about.
    Took { conn: ConnId },
    /// The frame that was taken last did not take effect: it will be offered again.
    PutBack { conn: ConnId },
    /// That frame asks for a permit of its user: to speak, or to join.
    AsksUser { conn: ConnId },
    /// A record asks for a permit of its room, in this life of it.
    AsksRoom { room: Arc<str>, epoch: u64, kind: Kind, record: Vec<u8> },
    /// A user's home is asked to take a session in.
    Enrolls { user: Arc<str>, conn: ConnId },
    /// A user's home hears that a session has ended.
    Withdrawn { user: Arc<str>, conn: ConnId },
    /// The connection is this user's from here on.
    LoggedIn { conn: ConnId, user: Arc<str> },
}

impl Shard {
    pub(crate) fn trace_took(&mut self, slot: Slot) {
        self.trace.push(Trace::Took { conn: self.conn_id(slot) });
    }

    /// Only where there is a rate: most runs have none, and this copies every record.
    pub(crate) fn trace_asks_room(&mut self, home: u32, kind: Kind, fields: &[u8], split: usize) {
        let Some(home) = self.homes.get(home).filter(|_| self.config.quotas.room_messages.is_some()) else {
            return;
        };
        let mut record = Vec::new();
        longwire_wire::put_record(&mut record, fields, split, 0);
        self.trace.push(Trace::AsksRoom { room: Arc::clone(&home.name), epoch: home.epoch, kind, record });
    }
}
