//! What the simulation is told of the engine's inside: where records and memberships stand. Compiled into tests alone.

use std::sync::Arc;

use crate::account::{DropReason, Kind};
use crate::ids::{ConnId, ShardId};

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
}
