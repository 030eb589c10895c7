//! Names for connections, guests, shards and moments.

use std::fmt;

/// A connection's place in its shard's tables. Reused; [`ConnId`] is not.
pub type Slot = u32;

/// A data-plane thread, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u16);

/// One connection for ever: whoever has its slot later has another generation, so a late answer finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnId {
    /// Where it lives.
    pub shard: ShardId,
    /// Its place there.
    pub slot: Slot,
    /// Which of its shard's connections it is, counted from 1; 0 is nobody. After four billion it begins again: whoever
    /// asks for the first of them by then asks late indeed.
    pub generation: u32,
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.shard.0, self.slot, self.generation)
    }
}

/// Whose records are the server's own, and who speaks through its API.
const SYSTEM: &str = "system";
/// What the ids of guests begin with, and no user's.
const GUEST: &str = "guest:";

/// A guest's name, while its connection lasts: made here, from nothing that a client says, and nobody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestId(pub ConnId);

impl fmt::Display for GuestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{GUEST}{}", self.0)
    }
}

/// Whether a user may not have this id, whoever vouches for it: it is the server's or a guest's.
pub fn is_reserved(user_id: &str) -> bool {
    user_id == SYSTEM || user_id.starts_with(GUEST)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guests_id_is_its_connections_and_can_be_no_users() {
        let conn = |slot, generation| ConnId { shard: ShardId(3), slot, generation };
        assert_eq!(GuestId(conn(17, 2)).to_string(), "guest:3-17-2");
        assert_ne!(GuestId(conn(1, 71)).to_string(), GuestId(conn(17, 1)).to_string());
        assert!(is_reserved(&GuestId(conn(u32::MAX, u32::MAX)).to_string()));
    }

    #[test]
    fn what_only_looks_like_a_reserved_id_is_a_users() {
        for reserved in ["system", "guest:", "guest:0-1-2", "guest:alice"] {
            assert!(is_reserved(reserved), "{reserved}");
        }
        for free in ["", "System", "system ", "systems", "guest", "guest1", "Guest:1", "a guest:", "alice"] {
            assert!(!is_reserved(free), "{free}");
        }
    }
}
