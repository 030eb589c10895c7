//! The end-to-end harness: the real binary as a child process, and a client of raw bytes written from PROTOCOL.md.
//!
//! A second opinion: shares no code with the crates it judges. Waits for events, never for time to pass; every wait has
//! `WAIT_MAX` as its bound, and meeting the bound is a failure.

// Each test program takes what it needs.
#![allow(dead_code)]

pub mod books;
pub mod bytes;
pub mod canary;
pub mod carried;
pub mod raw;
pub mod server;
pub mod stream;
pub mod websocket;

use std::io::{ErrorKind, Read};
use std::time::Duration;

/// How long anything may take before a test gives up. A bound on failures, never a wait of a passing test; wide, because
/// two cores run everything at once.
pub const WAIT_MAX: Duration = Duration::from_secs(30);

/// Reads again where a signal came between: the kernel does not go on by itself with a read that has a timeout once the
/// process was stopped and continued (signal(7), "interruption of system calls by stop signals").
pub struct Uninterrupted<S>(pub S);

impl<S: Read> Read for Uninterrupted<S> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                heard => return heard,
            }
        }
    }
}

/// Makes each case two tests: against a server of one shard, and against one of four.
macro_rules! on_one_and_four_shards {
    ($($case:ident),* $(,)?) => {
        mod on_one_shard {
            $(#[test] fn $case() { crate::common::carried::run(stringify!($case), || super::$case(1)) })*
        }
        mod on_four_shards {
            $(#[test] fn $case() { crate::common::carried::run(stringify!($case), || super::$case(4)) })*
        }
    };
}
pub(crate) use on_one_and_four_shards;
