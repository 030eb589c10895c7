//! What the engine reaches the world through: sockets of its own shard, and the other shards.

use std::sync::Arc;

use longwire_wire::Status;

use crate::account::{Kind, Tally};
use crate::batch::Batch;
use crate::ids::{ConnId, ShardId, Slot};
use crate::log::Place;
use crate::outgoing::Outgoing;
use crate::users::UserState;

/// What a socket made of the bytes it was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// How many bytes of [`Outgoing::bytes`] it took. Fewer than offered: it took what it could, and [`crate::Shard::writable`] follows.
    Took(usize),
    /// The connection is dead.
    Gone,
}

/// The driver's side: real sockets and rings in the server, a simulation in tests.
pub trait Ports {
    /// Writes to a socket without waiting, again and again until all is taken or the socket would block.
    fn offer(&mut self, slot: Slot, out: Outgoing<'_>) -> Offered;

    /// A hint, out of the hot loop: `slot` is offered something after the next one or two. Worth something to whoever keeps
    /// much for a connection, and far apart in memory.
    fn soon(&mut self, slot: Slot) {
        let _ = slot;
    }

    /// Hands a message to another shard, behind all that was handed to it before. Data is refused, and comes back,
    /// where the ring is full; control messages ([`ShardMsg::is_control`]) never are.
    fn post(&mut self, to: ShardId, msg: ShardMsg) -> Result<(), ShardMsg>;

    /// Whether one more guest may come from where `conn` comes from; counts it if so, until it is closed or
    /// [`Ports::guest_left`] says that it is a user now.
    fn admit_guest(&mut self, conn: ConnId) -> Result<(), Status> {
        let _ = conn;
        Ok(())
    }

    /// A guest has become a user.
    fn guest_left(&mut self, slot: Slot) {
        let _ = slot;
    }
}

/// What shards say to each other. Between two shards in the order it was said.
#[derive(Debug)]
pub enum ShardMsg {
    /// To a room's home: this shard has a first member, or asks again.
    Subscribe {
        /// The room.
        room: Arc<str>,
    },
    /// To the subscriber: from here on you get every batch.
    Subscribed {
        /// The room.
        room: Arc<str>,
        /// Which life of the room this is.
        epoch: u64,
        /// Where its log stands.
        at: Position,
    },
    /// To the subscriber: there is no room for this room.
    SubscribeRefused {
        /// The room.
        room: Arc<str>,
        /// What to answer the JOIN with.
        status: Status,
    },
    /// To the home: nobody here any more.
    Unsubscribe {
        /// The room.
        room: Arc<str>,
    },
    /// To the home: sequence this record.
    Publish(Box<Publish>),
    /// To a sender's shard: its room's home refused the record.
    PublishRefused {
        /// Who said it.
        conn: ConnId,
        /// The CMS's seq.
        seq: u32,
        /// The CMS's command byte.
        code: u8,
        /// Why.
        status: Status,
    },
    /// To a user's home: a session whose login provider said yes.
    Enroll {
        /// Whose.
        user: Arc<str>,
        /// Which.
        conn: ConnId,
        /// It is that user's already.
        renews: bool,
    },
    /// From a user's home: the session is one of the user's.
    Enrolled {
        /// Which.
        conn: ConnId,
        /// What it shares with the others.
        state: Arc<UserState>,
    },
    /// From a user's home: the session is one too many, or comes too often.
    EnrollRefused {
        /// Which.
        conn: ConnId,
        /// Why.
        status: Status,
    },
    /// From a user's home: a newer session took this one's place.
    Displace {
        /// Which.
        conn: ConnId,
    },
    /// To a user's home: the session has ended.
    Withdraw {
        /// Whose.
        user: Arc<str>,
        /// Which.
        conn: ConnId,
    },
    /// To a subscriber: what the log gained.
    Batch {
        /// The room.
        room: Arc<str>,
        /// Which life of the room.
        epoch: u64,
        /// The records; shared by all shards, immutable.
        batch: Arc<Batch>,
        /// Own records of this shard's members among those that never came, where the ring was full for too long.
        lost_own: Vec<(ConnId, Tally)>,
    },
}

/// A place in a room's log, with the running totals there. Opaque to the driver.
#[derive(Clone, Copy, Debug)]
pub struct Position(pub(crate) Place);

/// A checked record on its way to its room's home.
#[derive(Debug)]
pub struct Publish {
    /// The room.
    pub room: Arc<str>,
    /// Who said it.
    pub origin: ConnId,
    /// Class and type.
    pub kind: Kind,
    /// The record's fields but for the timestamp.
    pub fields: Vec<u8>,
    /// Where in `fields` the timestamp goes.
    pub split: usize,
    /// The CMS's seq and command byte, for a refusal.
    pub seq: u32,
    /// See `seq`.
    pub code: u8,
}

impl ShardMsg {
    /// Never refused: bounded by one request in flight a connection, and one refusal a record in flight.
    pub fn is_control(&self) -> bool {
        match self {
            Self::Subscribe { .. }
            | Self::Subscribed { .. }
            | Self::SubscribeRefused { .. }
            | Self::Unsubscribe { .. }
            | Self::PublishRefused { .. }
            | Self::Enroll { .. }
            | Self::Enrolled { .. }
            | Self::EnrollRefused { .. }
            | Self::Displace { .. }
            | Self::Withdraw { .. } => true,
            Self::Publish(_) | Self::Batch { .. } => false,
        }
    }

    /// What it keeps in memory, for the ring's bound.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Publish(publish) => publish.fields.len() + size_of::<Publish>(),
            Self::Batch { batch, lost_own, .. } => batch.bytes() + size_of_val(lost_own.as_slice()),
            control => {
                debug_assert!(control.is_control(), "data counts against the ring's bound");
                0
            }
        }
    }
}
