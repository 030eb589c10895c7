//! Who somebody is and how much they may do, on the real binary: login providers, sessions of a user, quotas.
//!
//! Each case names the sentences of PROTOCOL.md that it holds the server to, and runs against one shard and against four.
//! Tokens, keys and bodies are canaries: they may be in no line of any server's output.

// Each module of a test program is as public as it likes; helpers may fail where they stand, and print what a failure needs.
#![allow(unreachable_pub, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod callback;
mod canaries;
mod flood;
mod guessing;
mod guests;
mod in_flight;
mod jwt;
mod place;
mod production;
mod quotas;
mod reload;
mod service;
mod sessions;
