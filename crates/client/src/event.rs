//! What a client tells its application, in the order it happened.

use crate::{Fault, Received, Refusal};
use std::time::Duration;

/// One thing that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The first login was accepted.
    Connected,
    /// The connection is gone, or the first could not be made; it will be tried again.
    Lost {
        /// What ended it.
        fault: Fault,
        /// When it is tried again, from now.
        retry_in: Duration,
        /// How many attempts have failed in a row, this one included; 1 for a working connection that was lost.
        attempt: u32,
    },
    /// Connected and logged in again. The rooms are being joined again: messages sent meanwhile are not recovered.
    Back,
    /// A message in a joined room.
    Message(Received),
    /// The server said no to a call that nobody waits for: a send, a room joined again.
    ///
    /// `join` and `login` return their refusals instead; `flush` returns those of sends as well.
    Refused(Refusal),
    /// The last event: the client is closed for good.
    Closed(Closed),
}

/// Why a client is closed for good.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Closed {
    /// `Client::logout` was called.
    LoggedOut,
    /// Every `Client` handle was dropped.
    Dropped,
    /// Trying again cannot help: [`Fault::is_final`].
    Final(Fault),
    /// The reconnect schedule's attempts are used up.
    GaveUp {
        /// What ended the last attempt.
        fault: Fault,
        /// How many attempts failed in a row.
        attempts: u32,
    },
}

/// Where a client stands; see `Client::state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Opening a connection or logging in.
    Connecting,
    /// Logged in.
    Connected,
    /// Waiting for the next attempt.
    Waiting,
    /// Closed for good.
    Closed,
}
