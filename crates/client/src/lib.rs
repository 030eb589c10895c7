//! The Longwire client: connect, log in, join rooms, send, and read what is said there.
//!
//! ```no_run
//! use longwire_client::{Client, Config, Event, Outgoing};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::builder("127.0.0.1:7610").user("alice", "local").build()?;
//! let (client, mut events) = Client::connect(config).await?;
//! client.join("lobby").await?;
//! client.send(Outgoing::new("lobby", "hello")).await?;
//! while let Some(event) = events.next().await {
//!     if let Event::Message(message) = event {
//!         println!("{}: {}", message.from, message.text().unwrap_or("(not text)"));
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! What to know before relying on it:
//!
//! - **`send` is no acknowledgement.** The protocol is silent where a message succeeds. [`Client::flush`] returns
//!   once the server has seen everything sent so far, with what it refused; nothing tells who received it.
//! - **Losses heal by themselves, and are told.** The connection is opened again with full jitter ([`Reconnect`]),
//!   logged in again (a [`LoginSource`] is asked each time) and its rooms joined again: [`Event::Lost`],
//!   [`Event::Back`]. What was said meanwhile is not recovered. [`Event::Closed`] is for good: a login that can
//!   never work ([`Fault::is_final`]), attempts used up, or a goodbye.
//! - **Read the events, or drop them.** Nothing grows: while [`Events`] is full the socket is not read, so the
//!   server's own bounds hold, and answers wait behind what is unread. Heartbeats go on.
//! - **Nothing is trusted.** Whatever a server sends meets the bounds in [`limits`].
//!
//! # Addresses and features
//!
//! `HOST:PORT` and `tcp://HOST[:PORT]` are plain TCP, always there. The feature `tls` adds `tls://` (rustls, with the
//! machine's authorities or `ConfigBuilder::trust`), the feature `ws` adds `ws://HOST[:PORT][/PATH]`, both together
//! `wss://`; an address whose feature is missing is refused by [`ConfigBuilder::build`]. [`transport::Connect`] is where
//! anything else goes.
//!
//! The crate never depends on the server:
//! the wire protocol is `longwire-wire`, the contract is PROTOCOL.md. Examples: `listen`, `chat_bot`,
//! `guest_becomes_user`.

mod address;
mod backoff;
mod check;
mod client;
mod config;
mod driver;
mod error;
mod event;
pub mod limits;
mod login;
mod message;
mod session;
pub mod transport;

pub use address::{Address, PORT, Scheme, WS_PATH};
pub use client::{Client, Events, Flushed};
pub use config::{Config, ConfigBuilder, ConfigError, Reconnect};
pub use error::{Call, CallError, Fault, Invalid, ProtocolError, Refusal, SendId};
pub use event::{Closed, Event, State};
pub use login::{Login, LoginError, LoginSource};
pub use longwire_wire::{CommandMap, LengthReading, LoginFields, Status, UserInfo};
pub use message::{MessageType, Outgoing, Received};
