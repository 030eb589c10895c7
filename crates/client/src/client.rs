//! The handle an application holds, and the stream of events it reads.

use crate::{CallError, Config, Event, Fault, LoginSource, Outgoing, Refusal, SendId, State};
use std::{
    task::{Context, Poll},
    time::Duration,
};

/// A handle on a client: cheap to clone, usable from any task.
///
/// While any clone lives the connection is kept; dropping the last one sends what was taken so far and a LOGOUT,
/// then closes. A call while there is no connection fails at once with [`CallError::NotConnected`]; nothing is kept
/// for later.
#[derive(Clone, Debug)]
pub struct Client {}

impl Client {
    /// Connects and logs in. The first attempt decides; later losses are tried again on the reconnect schedule.
    /// Needs a tokio runtime with I/O and time.
    pub async fn connect(_config: Config) -> Result<(Self, Events), Fault> {
        todo!()
    }

    /// Returns at once and connects behind the scenes: the first connection, too, is tried again on the reconnect
    /// schedule, and [`Event::Connected`] tells when it stands. Needs a tokio runtime with I/O and time.
    pub fn start(_config: Config) -> (Self, Events) {
        todo!()
    }

    /// Joins a room and waits for the answer. From then on its messages are events, and after a reconnect it is
    /// joined again.
    pub async fn join(&self, _room: &str) -> Result<(), CallError> {
        todo!()
    }

    /// Hands a message to the connection. `Ok` is no acknowledgement: it says that the message is in the outgoing
    /// buffer of a connection that is logged in. A refusal comes as [`Event::Refused`] with the returned id.
    /// Waits while the server takes nothing.
    pub async fn send(&self, _message: Outgoing) -> Result<SendId, CallError> {
        todo!()
    }

    /// Waits until the server has seen everything sent so far: for the PONG of a PING behind it.
    ///
    /// Only a message that the server parks for an operator's check can still be refused later.
    pub async fn flush(&self) -> Result<Flushed, CallError> {
        todo!()
    }

    /// Measures a round trip.
    pub async fn ping(&self) -> Result<Duration, CallError> {
        todo!()
    }

    /// Logs in again on the same connection: a guest becomes a user and keeps its rooms, or a user renews its
    /// token. Accepted, it is what reconnects use from then on; refused, nothing changes here (servers close on
    /// the third failure).
    pub async fn login(&self, _source: impl Into<LoginSource>) -> Result<(), CallError> {
        todo!()
    }

    /// Sends LOGOUT behind everything sent so far and waits for the server to close. The client is closed then,
    /// also where this returns an error.
    pub async fn logout(&self) -> Result<(), CallError> {
        todo!()
    }

    /// Where the client stands.
    pub fn state(&self) -> State {
        todo!()
    }

    /// The last round trip measured, by a heartbeat, `ping` or `flush`.
    pub fn round_trip(&self) -> Option<Duration> {
        todo!()
    }
}

/// What [`Client::flush`] learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flushed {
    /// From the PING to its PONG.
    pub round_trip: Duration,
    /// The sends that were refused since the last flush, oldest first; at most 256.
    pub refused: Vec<Refusal>,
    /// How many more were refused.
    pub refused_more: u64,
}

impl Flushed {
    /// Whether nothing was refused.
    pub fn is_clean(&self) -> bool {
        self.refused.is_empty() && self.refused_more == 0
    }
}

/// The events of a client, in order. Ends after [`Event::Closed`].
///
/// Read it, or drop it. While it is full (`events_queued_max`) the socket is not read: the server sees a slow
/// client and drops for it what its rooms cannot hold, and answers wait behind what is unread. Heartbeats go on.
/// Dropped, events are thrown away as they come.
#[derive(Debug)]
pub struct Events {}

impl Events {
    /// The next event, or `None` after the last. Cancel-safe.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The same for those who write their own `Stream`.
    pub fn poll_next(&mut self, _cx: &mut Context<'_>) -> Poll<Option<Event>> {
        todo!()
    }
}
