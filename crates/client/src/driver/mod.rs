//! The task behind a [`Client`]: sockets, clocks and randomness around the sans-io session.
//!
//! One task a client, and nothing in it grows: calls and events pass through bounded queues, one event may wait for
//! room in the latter, and while it does the socket is not read. Decides nothing about the protocol.

mod connection;
mod request;

use crate::{
    CallError, Client, Closed, Config, Event, Fault, Login, LoginSource, State,
    backoff::Backoff,
    check,
    client::Shared,
    limits::{CALLS_QUEUED_MAX, STABLE},
    session::{Session, Standing},
    transport::Transport,
};
use connection::Connection;
use request::Reply;
pub(crate) use request::Request;
use std::{future::Future, sync::Arc, time::Instant};
use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};

/// Who waits for the first login of [`Client::connect`].
pub(crate) type First = oneshot::Sender<Result<(), Fault>>;

/// Starts the task of a client.
pub(crate) fn spawn(config: Config, first: Option<First>) -> (Client, mpsc::Receiver<Event>) {
    let (calls_in, calls) = mpsc::channel(CALLS_QUEUED_MAX);
    let (events, events_out) = mpsc::channel(config.events_queued_max);
    let shared = Arc::new(Shared::default());
    let client = Client::new(calls_in, shared.clone(), config.timeouts.call);
    let driver = Driver {
        backoff: Backoff::new(config.reconnect.clone()),
        standing: Standing::default(),
        outlets: Outlets { calls, events, shared, first, was_connected: false },
        config,
    };
    tokio::spawn(driver.run());
    (client, events_out)
}

/// What the time of the protocol is measured with; tokio's, so that tests may pause it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

struct Driver {
    config: Config,
    backoff: Backoff,
    standing: Standing,
    outlets: Outlets,
}

/// The application's end of the driver.
struct Outlets {
    calls: mpsc::Receiver<Request>,
    events: mpsc::Sender<Event>,
    shared: Arc<Shared>,
    first: Option<First>,
    was_connected: bool,
}

/// The application wants no connection any more; by `logout`, or by dropping every handle.
struct Quit(Option<Reply<()>>);

/// How a connection, or the try to make one, ended.
enum End {
    Fault(Fault),
    /// And whether the goodbye was a clean one.
    Quit(Quit, Result<(), CallError>),
}

impl From<Quit> for End {
    fn from(quit: Quit) -> Self {
        Self::Quit(quit, Ok(()))
    }
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Driver {
    async fn run(mut self) {
        let closed = loop {
            let fault = match self.one_connection().await {
                End::Fault(fault) => fault,
                End::Quit(quit, result) => break self.quit(quit, result),
            };
            match self.wait_to_retry(fault).await {
                Ok(()) => {}
                Err(closed) => break closed,
            }
        };
        self.outlets.shared.set_state(State::Closed);
        self.outlets.calls.close();
        drop(self.outlets.calls);
        let _ = self.outlets.events.send(Event::Closed(closed)).await; // nobody listens: nobody misses it
    }

    fn quit(&self, Quit(reply): Quit, result: Result<(), CallError>) -> Closed {
        self.outlets.shared.set_state(State::Closed);
        match reply {
            Some(reply) => {
                let _ = reply.send(result); // who no longer waits needs no answer
                Closed::LoggedOut
            }
            None => Closed::Dropped,
        }
    }

    /// Connects, logs in and serves the connection until it ends.
    async fn one_connection(&mut self) -> End {
        self.outlets.shared.set_state(State::Connecting);
        let login = match self.login().await {
            Ok(login) => login,
            Err(end) => return end,
        };
        let io = match self.open().await {
            Ok(io) => io,
            Err(end) => return end,
        };
        let standing = std::mem::take(&mut self.standing);
        let session = Session::new(&self.config, &login, standing, self.backoff.fork(), now());
        let outcome = Connection::new(session, &mut self.outlets, &self.config.timeouts).run(io).await;
        self.standing = outcome.standing;
        if let Some(source) = outcome.login {
            self.config.login = source;
        }
        if outcome.logged_in_at.is_some_and(|at| now().saturating_duration_since(at) >= STABLE) {
            self.backoff.reset();
        }
        outcome.end
    }

    async fn login(&mut self) -> Result<Login, End> {
        let asked = timeout(self.config.timeouts.login, self.config.login.login());
        let login = self.outlets.meanwhile(asked).await?.map_err(|_| Fault::LoginTimeout)?;
        let login = login.map_err(|error| Fault::LoginSource(error.into()))?;
        check::login(&login).map_err(Fault::LoginInvalid)?;
        Ok(login)
    }

    async fn open(&mut self) -> Result<Box<dyn Transport>, End> {
        let opening =
            timeout(self.config.timeouts.connect, self.config.connect.0.connect(&self.config.address));
        let io = self.outlets.meanwhile(opening).await?.map_err(|_| Fault::ConnectTimeout)?;
        Ok(io.map_err(|error| Fault::Connect(Arc::new(error)))?)
    }

    /// Tells of the loss and lets the time pass; or says why there will be no further attempt.
    async fn wait_to_retry(&mut self, fault: Fault) -> Result<(), Closed> {
        if let Some(first) = self.outlets.first.take() {
            let _ = first.send(Err(fault.clone())); // `connect`: the first attempt decides
            return Err(Closed::Final(fault));
        }
        if fault.is_final() {
            return Err(Closed::Final(fault));
        }
        let retry_in = self.backoff.fail();
        let attempt = self.backoff.failures();
        let Some(retry_in) = retry_in else { return Err(Closed::GaveUp { fault, attempts: attempt }) };
        self.outlets.shared.set_state(State::Waiting);
        let events = self.outlets.events.clone();
        let waited = self.outlets.meanwhile(async move {
            let _ = events.send(Event::Lost { fault, retry_in, attempt }).await; // nobody listens: go on
            sleep(retry_in).await;
        });
        waited.await.map_err(|quit| self.quit(quit, Ok(())))
    }
}

impl Outlets {
    /// Waits for `done` while there is no connection: calls fail, and the application may quit.
    async fn meanwhile<T>(&mut self, done: impl Future<Output = T>) -> Result<T, Quit> {
        tokio::pin!(done);
        loop {
            tokio::select! {
                done = &mut done => return Ok(done),
                call = self.calls.recv() => match call {
                    Some(Request::Logout { reply }) => return Err(Quit(Some(reply))),
                    Some(request) => request.fail(CallError::NotConnected),
                    None => return Err(Quit(None)),
                },
            }
        }
    }
}

/// The login that a later LOGIN of the same connection put in place.
type NewLogin = Option<LoginSource>;
