//! Calls on their way from a handle to the connection, and who waits for their answers.

use crate::{
    CallError, Flushed, Login, LoginSource, Outgoing, Refusal, SendId,
    session::{Answer, Ticket},
};
use std::{collections::HashMap, time::Duration};
use tokio::sync::oneshot;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, CallError>>;

/// What a handle asks of the driver. A reply that is dropped says: the connection was lost.
#[derive(Debug)]
pub(crate) enum Request {
    Join { room: String, reply: Reply<()> },
    Send { message: Outgoing, reply: Reply<SendId> },
    Ping { reply: Reply<Duration> },
    Flush { reply: Reply<Flushed> },
    Login { login: Login, source: LoginSource, reply: Reply<()> },
    Logout { reply: Reply<()> },
}

impl Request {
    /// Ends the call at once. Who no longer waits needs no answer.
    pub(super) fn fail(self, error: CallError) {
        match self {
            Self::Join { reply, .. } | Self::Login { reply, .. } | Self::Logout { reply } => {
                let _ = reply.send(Err(error));
            }
            Self::Send { reply, .. } => {
                let _ = reply.send(Err(error));
            }
            Self::Ping { reply } => {
                let _ = reply.send(Err(error));
            }
            Self::Flush { reply } => {
                let _ = reply.send(Err(error));
            }
        }
    }
}

/// Who waits for an answer of the server.
#[derive(Debug)]
pub(super) enum Waiter {
    Join(Reply<()>),
    Login(LoginSource, Reply<()>),
    Ping(Reply<Duration>),
    Flush(Reply<Flushed>),
}

/// At most `CALLS_PENDING_MAX`: the session takes no more. Dropped, everybody learns that the connection was lost.
#[derive(Debug, Default)]
pub(super) struct Waiters(HashMap<Ticket, Waiter>);

impl Waiters {
    /// `taken` is the session's word on the call.
    pub(super) fn wait(&mut self, taken: Result<Ticket, CallError>, waiter: Waiter) {
        match taken {
            Ok(ticket) => {
                self.0.insert(ticket, waiter);
            }
            Err(error) => waiter.fail(error),
        }
    }

    /// Hands the answer over; gives the login source that was accepted, if it was that.
    pub(super) fn answer(&mut self, ticket: Ticket, answer: Result<Answer, Refusal>) -> Option<LoginSource> {
        match (self.0.remove(&ticket)?, answer) {
            (waiter, Err(refusal)) => waiter.fail(CallError::Refused(refusal)),
            (Waiter::Join(reply), Ok(Answer::Done)) => drop(reply.send(Ok(()))),
            (Waiter::Login(source, reply), Ok(Answer::Done)) => {
                let _ = reply.send(Ok(()));
                return Some(source);
            }
            (Waiter::Ping(reply), Ok(Answer::Pong(round_trip))) => drop(reply.send(Ok(round_trip))),
            (Waiter::Flush(reply), Ok(Answer::Flushed(flushed))) => drop(reply.send(Ok(flushed))),
            (waiter, Ok(answer)) => debug_assert!(false, "{answer:?} for {waiter:?}"),
        }
        None
    }
}

impl Waiter {
    fn fail(self, error: CallError) {
        match self {
            Self::Join(reply) | Self::Login(_, reply) => drop(reply.send(Err(error))),
            Self::Ping(reply) => drop(reply.send(Err(error))),
            Self::Flush(reply) => drop(reply.send(Err(error))),
        }
    }
}
