//! `chat`, `send` and `tail` as people and scripts use them: the real binary against the real server.

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

#[path = "../e2e_tls/pair.rs"]
#[allow(dead_code, reason = "certificates of other kinds are not needed here")]
mod pair;

mod chat;
mod chat_terminal;
mod listeners;
mod peer;
mod process;
mod send;
mod tail;
mod terminal;
mod transports;
