//! Members that do not read, die or leave, and what it costs: the books against what clients received, memory against
//! its stated bounds, and nobody else the poorer.

// Each module of a test program is as public as it likes; helpers may fail where they stand.
#![allow(unreachable_pub, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod books;
mod idle;
mod memory;
mod stalled;
mod storm;

/// A drain gives members that are owed something this long before it closes them: 30 s by default.
const SPREAD: &str = "1s";
