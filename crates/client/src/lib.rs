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
//! A lost connection is opened again with full jitter, logged in again and its rooms joined again; the
//! application sees [`Event::Lost`] and [`Event::Back`]. What was said meanwhile is not recovered.
//!
//! The crate holds no protocol knowledge beside `longwire-wire`, and never depends on the server.

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

pub use client::{Client, Events, Flushed};
pub use config::{Config, ConfigBuilder, ConfigError, Reconnect};
pub use error::{Call, CallError, Fault, Invalid, ProtocolError, Refusal, SendId};
pub use event::{Closed, Event, State};
pub use login::{Login, LoginError, LoginSource};
pub use longwire_wire::{CommandMap, LengthReading, LoginFields, Status, UserInfo};
pub use message::{MessageType, Outgoing, Received};
