//! A one-thread, seeded simulation of a whole node: shards, the rings between them, sockets, clients, time.
//!
//! [`World`] is the driver that a server is, without a thread, a clock or a socket; `steps` picks what happens next
//! by seed; `judge`, `users` and `truth` are a simple model that knows PROTOCOL.md and what was said, and none of the
//! engine's bookkeeping; `checks` holds the one against the other after every step. `run` of a shard is called only when it asks
//! for it, so a wake-up that is lost stays lost, and is found once everything else is quiet.
//!
//! Never sleeps, never asks the time, never uses another source of chance than the seed: a failure is its seed.
mod allow;
mod checks;
mod client;
mod corners;
mod finish;
mod hear;
mod judge;
mod net;
mod plan;
mod run;
mod speak;
mod steps;
mod tests;
mod truth;
mod users;
mod world;

use world::World;

/// What a check found.
type Check = Result<(), String>;
