//! The load generator: fan-out, idle connections, churn, logins, and the bare loop to compare with.
//!
//! It speaks the protocol over raw sockets with an event loop of its own: no task, no timer and no buffer for a
//! connection, so that a core of it keeps up with a core of a server, and a table of descriptors for each thread where
//! the limit of open files binds. Every message carries who sent it, its number and when it was due; every member's
//! numbers are verified, and latency counts from the schedule.
//!
//! [`run`] measures a server; [`limit`] measures the bare loop, a send to every socket and nothing else, with frames of
//! the same length; [`compare`] runs both in turns and says ratios. All take a [`Plan`], checked before any network is
//! touched. How to measure, and what a figure means: `docs/benchmarks.md`.
//!
//! Never uses the engine, the server or the client library: it must share neither their mistakes nor their costs.

mod bare;
mod bench;
mod carrier;
mod child;
mod compare;
mod expect;
mod failure;
mod figures;
mod fleet;
mod meter;
mod pin;
mod plan;
mod pushes;
mod report;
mod shared;
mod speech;
mod stamp;
mod table;
mod verify;
mod watch;
mod worker;

pub use bare::serve_bare;
pub use bench::run;
pub use carrier::{Carrier, Told};
pub use compare::{Comparison, Ratio, Round, Setting, compare, limit};
pub use expect::{Expect, Verdict};
pub use failure::Failure;
pub use figures::Percentiles;
pub use longwire_wire::LengthReading;
pub use meter::Machine;
pub use pin::Pin;
pub use plan::{
    CONNECTIONS_MAX, Crowd, Load, Logins, Plan, PlanError, SOURCES_MAX, Shape, THREADS_MAX, Target,
    WINDOW_MAX,
};
pub use report::{Churn, Fanout, Generator, Idle, Kind, Laggards, Login, Report, ServerUse, ShapeLine};
pub use verify::Account;
pub use watch::Watch;
