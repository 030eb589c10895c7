//! The Longwire server: shards, listeners, configuration, logs.
//!
//! The only crate that does things: it owns sockets, threads, clocks and signals, and asks `longwire-engine` what they
//! mean. [`serve`] is one run; `reactor` is a data-plane thread; `config` what an operator may set.

mod books;
pub mod config;
mod engine_config;
pub mod escape;
pub mod http;
mod listen;
pub mod logging;
pub mod login;
mod memory;
mod origin;
#[cfg(any(test, feature = "properties"))]
#[doc(hidden)]
pub mod properties;
pub mod proxy;
mod reactor;
mod refusals;
mod serve;
mod tables;
mod throttle;
pub mod tls;
pub mod ws;

pub use listen::ListenError;
pub use origin::Network;
pub use serve::{ServeEnd, ServeError, ServeOptions, serve};
