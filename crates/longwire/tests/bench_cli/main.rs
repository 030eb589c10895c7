//! `longwire bench` against the real server, the bare loop, and a server that lies: small runs, whose figures are not the
//! subject. What is: that each run comes to its end, says what it must, and ends with the status that it promises.

// Each module of a test program is as public as it likes; helpers may fail where they stand.
#![allow(
    unreachable_pub,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr
)]

#[path = "../common/mod.rs"]
#[allow(unused_macros, unused_imports, reason = "what a server does does not depend on shards here")]
mod common;

#[path = "../common/relay.rs"]
mod relay;

mod carried;
mod compared;
mod expected;
mod liar;
mod measured;
mod process;
