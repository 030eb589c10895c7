//! Names for connections, shards and moments.

/// A connection's place in its shard's tables. Reused; [`ConnId`] is not.
pub type Slot = u32;

/// A data-plane thread, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u16);

/// One connection for ever: a slot that is used again has another generation, so a late answer finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnId {
    /// Where it lives.
    pub shard: ShardId,
    /// Its place there.
    pub slot: Slot,
    /// How often that place had been used before.
    pub generation: u32,
}

/// Milliseconds of engine time: monotonic, from any start, without the server's own pauses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// How long ago `earlier` was; 0 where it lies ahead.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This moment and `ms` milliseconds.
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For deadlines.
    pub mono: Millis,
    /// Unix milliseconds, for the timestamps of records; may jump.
    pub unix_ms: u64,
}
