//! The handle an application holds, and the stream of events it reads.

use crate::{
    CallError, Config, Event, Fault, LoginSource, Outgoing, Refusal, SendId, State,
    driver::{self, Request},
};
use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// A handle on a client: cheap to clone, usable from any task.
///
/// While any clone lives the connection is kept; dropping the last one sends what was taken so far and a LOGOUT,
/// then closes, all in the background: a program that ends right then waits with [`Client::logout`]. A call while there is no connection fails at once with [`CallError::NotConnected`]; nothing is kept
/// for later.
#[derive(Clone)]
pub struct Client {
    calls: mpsc::Sender<Request>,
    shared: Arc<Shared>,
    call_timeout: Duration,
}

impl Client {
    /// Connects and logs in. The first attempt decides; later losses are tried again on the reconnect schedule.
    /// Needs a tokio runtime with I/O and time.
    pub async fn connect(config: Config) -> Result<(Self, Events), Fault> {
        let (first, answer) = oneshot::channel();
        let (client, events) = driver::spawn(config, Some(first));
        let gone = |_| Err(Fault::Io(Arc::new(io::Error::other("the runtime is shutting down"))));
        answer.await.unwrap_or_else(gone)?;
        Ok((client, Events { events }))
    }

    /// Returns at once and connects behind the scenes: the first connection, too, is tried again on the reconnect
    /// schedule, and [`Event::Connected`] tells when it stands.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time.
    pub fn start(config: Config) -> (Self, Events) {
        let (client, events) = driver::spawn(config, None);
        (client, Events { events })
    }

    /// Joins a room and waits for the answer. From then on its messages are events, and after a reconnect it is
    /// joined again.
    pub async fn join(&self, room: &str) -> Result<(), CallError> {
        let room = room.to_owned();
        self.in_time(self.call(|reply| Request::Join { room, reply })).await
    }

    /// Hands a message to the connection. `Ok` is no acknowledgement: it says that the message is in the outgoing
    /// buffer of a connection that is logged in. A refusal comes as [`Event::Refused`] with the returned id.
    /// Waits while the server takes nothing.
    pub async fn send(&self, message: Outgoing) -> Result<SendId, CallError> {
        self.call(|reply| Request::Send { message, reply }).await
    }

    /// Waits until the server has seen everything sent so far: for the PONG of a PING behind it.
    ///
    /// [`CallError::Lost`] says that a connection was lost with sends of which this is not known. Only a message
    /// that the server parks for an operator's check can still be refused later.
    //= PROTOCOL.md#11.18
    // Once the PONG of a PING behind a CMS is there, a refusal would have come.
    pub async fn flush(&self) -> Result<Flushed, CallError> {
        self.in_time(self.call(|reply| Request::Flush { reply })).await
    }

    /// Measures a round trip.
    pub async fn ping(&self) -> Result<Duration, CallError> {
        self.in_time(self.call(|reply| Request::Ping { reply })).await
    }

    /// Logs in again on the same connection: a guest becomes a user and keeps its rooms, or a user renews its
    /// token. Accepted, it is what reconnects use from then on; refused, nothing changes here (servers close on
    /// the third failure).
    pub async fn login(&self, source: impl Into<LoginSource>) -> Result<(), CallError> {
        let source = source.into();
        let logging_in = async {
            let login = source.login().await.map_err(|error| CallError::LoginSource(error.into()))?;
            self.call(|reply| Request::Login { login, source: source.clone(), reply }).await
        };
        self.in_time(logging_in).await
    }

    /// Sends LOGOUT behind everything sent so far and waits for the server to close. The client is closed then,
    /// also where this returns an error. Events that find no room meanwhile are thrown away.
    pub async fn logout(&self) -> Result<(), CallError> {
        match self.call(|reply| Request::Logout { reply }).await {
            Err(CallError::Closed) => Ok(()),
            result => result,
        }
    }

    /// Where the client stands.
    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// The last round trip measured, by a heartbeat, `ping` or `flush`.
    pub fn round_trip(&self) -> Option<Duration> {
        Some(self.shared.round_trip_ns.load(Relaxed)).filter(|ns| *ns > 0).map(Duration::from_nanos)
    }

    pub(crate) fn new(calls: mpsc::Sender<Request>, shared: Arc<Shared>, call_timeout: Duration) -> Self {
        Self { calls, shared, call_timeout }
    }

    async fn call<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, CallError>>) -> Request,
    ) -> Result<T, CallError> {
        let (reply, answer) = oneshot::channel();
        self.calls.send(request(reply)).await.map_err(|_| CallError::Closed)?;
        answer.await.unwrap_or_else(|_| {
            Err(if self.state() == State::Closed { CallError::Closed } else { CallError::Lost })
        })
    }

    async fn in_time<T>(&self, call: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
        timeout(self.call_timeout, call).await.unwrap_or_else(|_| {
            Err(if self.shared.unread.load(Relaxed) { CallError::EventsUnread } else { CallError::TimedOut })
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("state", &self.state()).finish_non_exhaustive()
    }
}

/// What handles may look at without asking the driver.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    state: AtomicU8,
    round_trip_ns: AtomicU64,
    unread: AtomicBool,
}

impl Shared {
    pub(crate) fn set_state(&self, state: State) {
        self.state.store(state as u8, Relaxed);
    }

    /// At least 1 ns, as 0 says that nothing was measured.
    pub(crate) fn set_round_trip(&self, round_trip: Option<Duration>) {
        if let Some(round_trip) = round_trip {
            let ns = u64::try_from(round_trip.as_nanos()).unwrap_or(u64::MAX);
            self.round_trip_ns.store(ns.max(1), Relaxed);
        }
    }

    /// Whether the application leaves so many events unread that the socket is not read.
    pub(crate) fn set_unread(&self, unread: bool) {
        self.unread.store(unread, Relaxed);
    }

    fn state(&self) -> State {
        const STATES: [State; 4] = [State::Connecting, State::Connected, State::Waiting, State::Closed];
        STATES.into_iter().find(|state| *state as u8 == self.state.load(Relaxed)).unwrap_or(State::Closed)
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
pub struct Events {
    events: mpsc::Receiver<Event>,
}

impl Events {
    /// The next event, or `None` after the last. Cancel-safe.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The same for those who write their own `Stream`.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.events.poll_recv(cx)
    }
}
