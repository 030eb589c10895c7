//! Runs the golden vectors of `proto/vectors`, every one, against this crate. The format is in its README.
//!
//! `conversations.json` is a server's, and `coverage.json` is about the document: neither is read here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test")]

mod bodies;
mod format;
mod frames;
