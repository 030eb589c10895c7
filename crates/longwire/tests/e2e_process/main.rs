//! `longwire serve` as a process: how it starts, how it ends, and what it does when the machine refuses it something.

// Each module of a test program is as public as it likes; helpers may fail where they stand.
#![allow(unreachable_pub, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod ending;
mod files;
mod starting;
mod tables;
mod tour;
mod turns;
