//! Whoever knocks at the one port: every first byte, handshakes and heads that are slow, cut or never end, health checks.
//!
//! By bytes on sockets against the real binary, with clients that share no code with it.

// Each module of a test program is as public as it likes; helpers may fail where they stand.
#![allow(unreachable_pub, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod cut;
mod endless;
mod first_byte;
mod knock;
mod noise;
mod places;
mod table;
