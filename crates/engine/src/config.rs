//! What a shard takes from the configuration: plain values, checked by whoever made them.

use std::sync::Arc;

use longwire_wire::{CommandMap, LengthReading, LoginFields};

pub use crate::log::RingLimits;
use crate::quota::{NodeTime, Rate};
use crate::users::SessionPolicy;

/// A set of message types, by number. Small: looked through, not looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageTypes(Vec<u32>);

impl MessageTypes {
    /// The set of these numbers.
    pub fn new(types: impl IntoIterator<Item = u32>) -> Self {
        Self(types.into_iter().collect())
    }

    /// Whether `message_type` is one of them.
    pub fn contains(&self, message_type: u32) -> bool {
        self.0.contains(&message_type)
    }
}

/// A shard's configuration. Names as in the configuration file; times in milliseconds, sizes in bytes.
#[derive(Clone, Debug)]
pub struct Config {
    /// `wire.commands`.
    pub commands: CommandMap,
    /// `wire.login`.
    pub login_fields: LoginFields,
    /// `wire.length`; `None` = auto.
    pub length: Option<LengthReading>,
    /// `wire.versions`: bit n for nibble n.
    pub versions: u16,
    /// `wire.relay_fields`.
    pub relay_fields: Vec<u32>,
    /// `wire.timeouts.login_start`.
    pub login_start_ms: u64,
    /// `wire.timeouts.login`.
    pub login_ms: u64,
    /// `wire.timeouts.idle`.
    pub idle_ms: u64,
    /// `wire.frame_max`: a client's body, as sent and inflated.
    pub frame_max: usize,
    /// `wire.push_max`: a push body that carries more than one record.
    pub push_max: usize,
    /// `wire.gzip_min`: bodies below it go out as they are.
    pub gzip_min: usize,
    /// `fanout.min_interval`: between two rounds of a room.
    pub min_interval_ms: u64,
    /// `fanout.ring`.
    pub ring: RingLimits,
    /// This shard's share of `fanout.rings_max`.
    pub rings_max: usize,
    /// `fanout.pinned_max`, a shard's.
    pub pinned_max: usize,
    /// `fanout.stall_timeout`.
    pub stall_ms: u64,
    /// `limits.unauthenticated_max` of the node.
    pub unauthenticated_max: usize,
    /// How many there are on the node, counted by all its shards.
    pub unauthenticated: Arc<Count>,
    /// `limits.login_max`: LOGIN's body, inflated too; a token at most half of it.
    pub login_max: usize,
    /// `limits.message_max`.
    pub message_max: usize,
    /// `limits.id_max`.
    pub id_max: usize,
    /// `limits.rooms_per_connection`.
    pub rooms_per_connection: usize,
    /// `limits.rooms_max` of the node, shared by its shards.
    pub rooms: Arc<Budget>,
    /// `login.guests`.
    pub guests: bool,
    /// `login.sessions`.
    pub sessions: SessionPolicy,
    /// `login.jwt.expiry_grace`: from a token's expiry to the close.
    pub expiry_grace_ms: u64,
    /// `quotas`.
    pub quotas: Quotas,
    /// What time it is for the quotas of users, who may be on several shards.
    pub node_time: Arc<NodeTime>,
    /// `rooms.create.idle_ttl`: an empty room is forgotten after it.
    pub room_idle_ms: u64,
    /// `rooms.types.client`: what users may send.
    pub client_types: MessageTypes,
    /// `rooms.types.priority`: which of theirs ride in the priority class.
    pub priority_types: MessageTypes,
}

/// What may be done how often (`quotas`), as far as the engine knows who does it. `None`, 0: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// `connection_frames`: above it RATE_LIMITED, then closed. Fails open.
    pub connection_frames: Option<Rate>,
    /// `user.connections`: above it TOO_MANY. Fails closed.
    pub user_connections: usize,
    /// `user.messages`: above it RATE_LIMITED. Fails open.
    pub user_messages: Option<Rate>,
    /// `user.joins`: above it RATE_LIMITED. Fails open.
    pub user_joins: Option<Rate>,
    /// `user.reconnects`: above it RATE_LIMITED for five minutes. Fails open.
    pub user_reconnects: Option<Rate>,
    /// `room.messages`: above it RATE_LIMITED. Fails open.
    pub room_messages: Option<Rate>,
    /// `room.priority_percent`: what of it only the priority class may use.
    pub priority_percent: u32,
}

/// A count that all shards of a node share, with its bound. Not on any message's way.
#[derive(Debug)]
pub struct Budget {
    left: std::sync::atomic::AtomicUsize,
}

impl Budget {
    /// A budget of `max`.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { left: max.into() })
    }

    /// Takes one; `false` where none is left.
    pub fn take(&self) -> bool {
        use std::sync::atomic::Ordering::Relaxed;
        self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// Gives one back.
    pub fn give_back(&self) {
        self.left.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.left.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// A number of things that all shards of a node share.
#[derive(Debug, Default)]
pub struct Count(std::sync::atomic::AtomicUsize);

impl Count {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    /// One less.
    pub fn remove(&self) {
        self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }

    /// How many there are.
    pub fn now(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Default for Config {
    /// The defaults of the configuration file, for a node of one shard.
    fn default() -> Self {
        Self {
            commands: CommandMap::default(),
            login_fields: LoginFields::default(),
            length: None,
            versions: u16::MAX,
            relay_fields: Vec::new(),
            login_start_ms: 30_000,
            login_ms: 10_000,
            idle_ms: 30_000,
            frame_max: 64 << 10,
            push_max: 64 << 10,
            gzip_min: 512,
            min_interval_ms: 0,
            ring: RingLimits {
                records: 8192,
                bytes: 2 << 20,
                priority_records: 1024,
                priority_bytes: 512 << 10,
            },
            rings_max: 256 << 20,
            pinned_max: 64 << 20,
            stall_ms: 30_000,
            unauthenticated_max: 10_000,
            unauthenticated: Arc::default(),
            login_max: 8 << 10,
            message_max: 64 << 10,
            id_max: 128,
            rooms_per_connection: 16,
            rooms: Budget::new(100_000),
            guests: true,
            sessions: SessionPolicy::All,
            expiry_grace_ms: 25_000,
            quotas: Quotas::default(),
            node_time: Arc::default(),
            room_idle_ms: 60_000,
            client_types: MessageTypes::new([0, 2]),
            priority_types: MessageTypes::default(),
        }
    }
}
