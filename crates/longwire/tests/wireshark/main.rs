//! The Wireshark dissector, asked by the real `tshark`: what it shows is what was sent.
//!
//! `sent` captures the real server on the loopback interface; `cut` makes captures of its own, cut and joined as TCP may,
//! and hostile; `secret` looks into TLS. Needs tshark and dumpcap (`./test tools` installs them) and the right to capture.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr
)]

#[path = "../common/mod.rs"]
mod common;

#[path = "../e2e_tls/pair.rs"]
#[allow(dead_code, reason = "certificates of other kinds are not needed here")]
mod pair;

mod capture;
mod cut;
mod secret;
mod sent;
mod tshark;
