//! WebSocket (RFC 6455) as a server speaks it: bytes in, values out.
//!
//! [`Reader`] turns a client's masked frames into the bytes of its messages, in place, and says where a message ends;
//! [`header`] is what stands in front of a message of ours; [`Owed`] keeps the pong or close that could not be sent yet;
//! [`split`] tells the reading of `len` from the first message; [`close_code`] is the one place where a reason becomes a
//! close code.
//!
//! Holds no socket, no clock and no buffer. No extension is spoken: bodies have a compression of their own. What each
//! frame leads to in each state is a table, `proto/websocket-cases.txt`, which tests here and end to end walk.

mod close;
mod first;
mod head;
mod mask;
mod reader;
mod writer;

#[cfg(test)]
mod cases;
#[cfg(any(test, feature = "properties"))]
pub(crate) mod property;

pub use close::{close_code, is_sendable};
pub use first::{Split, split};
pub use head::{Fault, HEAD_BYTES_MAX};
pub use reader::{Event, FRAGMENTS_MAX, Reader, Span};
pub use writer::{Control, Header, Owed, header};

/// What the payload of a control frame may have (RFC 6455, 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// How long a message of the client may be, where the body of a frame may have `body_max` bytes: before the LOGIN
/// `limits.login_max`, later `wire.frame_max`.
//= PROTOCOL.md#18.8
// As many bytes as the longest frame; the first message as the longest LOGIN.
pub const fn message_max(body_max: usize) -> usize {
    longwire_wire::HEADER_BYTES + body_max
}
