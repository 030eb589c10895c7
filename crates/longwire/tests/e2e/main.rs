//! PROTOCOL.md against the real binary over real sockets, with bytes written by hand.
//!
//! Each case names the sentences it holds the server to, and runs against one shard and against four. At the end of each
//! the server is stopped by SIGTERM, must exit with 0, and its books must balance.

// Each module of a test program is as public as it likes; helpers may fail where they stand, and print what a failure needs.
#![allow(unreachable_pub, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod closing;
mod conversations;
mod first_frame;
mod login;
mod messages;
mod push;
mod refusals;
mod rooms;
mod states;
mod stream;
mod walk;
