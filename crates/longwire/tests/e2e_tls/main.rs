//! TLS on the real binary, with clients that are not ours: `openssl s_client`, and bytes written by hand.

// Each module of a test program is as public as it likes; helpers may fail where they stand.
#![allow(unreachable_pub, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod bounded;
mod certificates;
mod chat;
mod hostile;
mod openssl;
mod pair;
mod sliced;
mod stalled;
