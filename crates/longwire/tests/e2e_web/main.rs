//! What browsers and health checks find at the server's port: WebSocket and HTTP, by bytes on a socket and by the
//! libraries that other people wrote.

// Each module of a test program is as public as it likes; helpers may fail where they stand.
#![allow(unreachable_pub, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod cases;
mod closing;
mod demo;
mod foreign;
mod http;
mod messages;
mod proxied;
mod sequences;
mod stalled;
mod table;
