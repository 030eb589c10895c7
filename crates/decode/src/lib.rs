//! Takes dumps of the wire protocol apart, for people: frames, fields by name and place, the first bad byte.
//!
//! Bytes in, values out. Judges with the parsers of `longwire-wire`, so that what a server refuses is refused here, and
//! adds the one thing those do not say: where. Never holds a socket, a file or a clock, never prints, and never shows a
//! token. Takes at most the input's size several times over, whatever the input claims: a body inflates to its limit.
//!
//! ```
//! use longwire_decode::{Frames, Options, dump};
//!
//! let bytes = dump::bytes_of_hex("0000000e 00000002 05 00 00  0a056c6f626279")?;
//! let frames: Vec<_> = Frames::of(&bytes, Options::default()).collect();
//! assert_eq!(frames[0].title, "JOIN_CR request");
//! assert_eq!(frames[0].fault, None);
//! # Ok::<(), dump::DumpError>(())
//! ```
mod body;
pub mod dump;
mod fault;
mod frame;
mod gzip;
mod header;
mod message;
mod part;
mod reading;
mod schema;
#[cfg(test)]
mod tests;

pub use fault::{Fault, FaultKind};
pub use frame::{Body, Frame, Frames};
pub use longwire_wire::LengthReading;
pub use part::{Part, Value};
pub use reading::{Reading, Why};

use longwire_wire::{CommandMap, LoginFields, limits};

/// Who sent the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A client, from the first byte of its connection: judged as a server judges it.
    Client,
    /// A server: judged as a client reads it.
    Server,
}

/// How to judge the bytes. The default knows nothing beforehand and takes the protocol's own numbers and limits.
#[derive(Clone, Debug)]
pub struct Options {
    /// `None`: each frame tells by its flow, and the dump may begin anywhere between two frames.
    pub sender: Option<Sender>,
    /// What `len` counts; `None`: told from the bytes.
    pub length: Option<LengthReading>,
    /// The deployment's.
    pub commands: CommandMap,
    /// The deployment's.
    pub login: LoginFields,
    /// One bit a version that the deployment serves.
    pub versions: u16,
    /// A first LOGIN's body, as sent and inflated.
    pub login_max: u32,
    /// A client's body, as sent and inflated.
    pub body_max: u32,
    /// A push's body, as sent and inflated.
    pub push_max: u32,
    /// CRMessage fields that the deployment relays.
    pub relay_fields: Vec<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sender: None,
            length: None,
            commands: CommandMap::default(),
            login: LoginFields::default(),
            versions: u16::MAX,
            login_max: limits::LOGIN_BYTES_MAX,
            body_max: limits::BODY_BYTES_MAX,
            push_max: limits::SOLO_PUSH_BYTES_MAX,
            relay_fields: Vec::new(),
        }
    }
}
