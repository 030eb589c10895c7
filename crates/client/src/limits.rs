//! Every bound of this crate, with what it costs in memory.
//!
//! What meets a bound gets an error, waits, or ends the connection: never silence, never growth.

use std::time::Duration;

/// Default for a client's body: a server closes the connection on a longer one.
pub const BODY_BYTES_DEFAULT: usize = 64 * 1024;
/// chatroomId and userId.
pub const ID_BYTES_MAX: usize = 128;
/// LOGIN's token.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;

/// Default for what the server may send in one frame, as sent and inflated. A server's own limit is 66 KiB.
///
/// The worst a hostile server can make of it: a push of empty records, two bytes each on the wire and about
/// 150 in memory, so one frame costs up to 75 times its size, once (about 10 MiB at this default).
pub const FRAME_BYTES_DEFAULT: u32 = 128 * 1024;
/// The highest frame limit that can be configured; above it the protocol's own length rules end.
pub const FRAME_BYTES_MAX: u32 = 16 * 1024 * 1024 - 1;
/// What is read from the socket at once.
pub const READ_BYTES_MAX: usize = 16 * 1024;
/// Bytes that wait for the socket to take them; from here on no call is taken, so callers wait. One message more may
/// be there, and the rooms joined again after a reconnect.
pub const OUT_BYTES_MAX: usize = 64 * 1024;

/// Calls that wait in the queue between the handles and the connection.
pub const CALLS_QUEUED_MAX: usize = 64;
/// JOINs, LOGINs and PINGs that wait for their answer on one connection.
pub const CALLS_PENDING_MAX: usize = 1024;
/// Sends whose refusal can still be told by name. A CMS that succeeds is silent, so the oldest are forgotten.
pub const SENDS_REMEMBERED_MAX: usize = 4096;
/// Refusals kept for the next flush; further ones are only counted there (each is an event all the same).
pub const REFUSALS_KEPT_MAX: usize = 256;
/// Rooms that are joined again after a reconnect; with so many no further JOIN is sent.
pub const ROOMS_MAX: usize = 1024;
/// Default for the events that wait for the application.
pub const EVENTS_QUEUED_DEFAULT: usize = 256;

/// The protocol's heartbeat: a PING after so much silence of our own.
pub const HEARTBEAT: Duration = Duration::from_secs(14);
/// A server closes after so much silence of ours.
pub const IDLE: Duration = Duration::from_secs(30);
/// The longest wait that can be configured: far from where adding it to a time overflows.
pub const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// The socket takes no byte for so long: the connection counts as dead. Servers use the same time.
pub const STALL: Duration = Duration::from_secs(30);
/// The socket broke for writing, or was shut down: how long to wait for what the server still says.
pub const DRAIN: Duration = Duration::from_secs(1);
/// How long a connection must have lasted for the reconnect schedule to start over.
pub const STABLE: Duration = Duration::from_secs(30);

const _: () = assert!(FRAME_BYTES_DEFAULT as usize >= 66 * 1024, "a push of one large record must fit");
const _: () = assert!(FRAME_BYTES_DEFAULT <= FRAME_BYTES_MAX);
const _: () = assert!(HEARTBEAT.as_secs() * 2 < IDLE.as_secs(), "one lost heartbeat is normal");
