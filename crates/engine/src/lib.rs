//! What a Longwire node decides: who is in a room, and who gets which record.
//!
//! **A room is a log, and a member is a cursor over it.** [`Shard`] is the whole of it for one data-plane thread:
//! bytes of a connection go in by [`Shard::consume`], messages of other shards by [`Shard::receive`], time by
//! [`Shard::tick`]; what is to be sent goes out through [`Ports`], what is to be done to a connection through
//! [`Shard::poll_action`]. [`Shard::run`] moves rooms and laggards forward, a bounded slice a call.
//!
//! Never holds a socket, a thread, a clock or randomness: time and seeds are arguments. Never waits.
//! Invariant: every record that a member was owed is delivered, behind, or dropped with a reason ([`Books`]).
//! What clients are promised: PROTOCOL.md; why it is built so: ARCHITECTURE.md.
mod account;
mod action;
mod answer;
mod append;
mod batch;
mod close;
mod config;
mod conn;
mod drain;
mod home;
mod ids;
mod input;
mod join;
mod lag;
pub mod limits;
mod log;
mod login;
mod outgoing;
mod planted;
mod post;
mod publish;
mod quota;
mod refusals;
mod request;
mod room;
mod round;
mod session;
mod shard;
mod shrink;
mod slots;
mod sweep;
mod table;
mod turns;
mod users;

#[cfg(test)]
mod fairness;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod session_events;
#[cfg(test)]
mod sim;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod trace;

pub use account::{Books, Class, DropReason, Kind, TYPE_NAMES, Tally};
pub use action::{Action, CloseReason};
pub use batch::{Batch, RecordMeta};
pub use config::{Budget, Config, Count, MessageTypes, Quotas, RingLimits};
pub use ids::{ConnId, GuestId, Millis, Now, ShardId, Slot, is_reserved};
pub use input::{Consumed, Then};
pub use login::{Claims, Identity, LoginAnswer};
pub use outgoing::{HEADROOM, Outgoing, Push};
pub use post::{Offered, Ports, Position, Publish, ShardMsg};
pub use quota::{Bucket, NodeTime, Rate, SharedBucket};
pub use refusals::{Fails, Quota, Refusals};
pub use session::{Msg, Rule, State, rule};
pub use shard::{Pressure, Shard, Stats};
pub use shrink::Shrink;
pub use users::{SessionPolicy, UserState};
