//! One connection's conversation: bytes in, events and bytes out.
//!
//! Holds no socket, clock or randomness of its own: time comes as an argument. The driver hands in what it read
//! once `poll_event` gave `None`, writes what `poll_transmit` lends and comes back at `poll_timeout`.
//! Invariant: after [`SessionEvent::Failed`] there is nothing more, in neither direction.

mod heart;
mod inbound;
mod outbound;
mod pending;
mod server;
mod standing;
#[cfg(test)]
mod tests;

use crate::{
    CallError, Config, Fault, Flushed, Login, Outgoing, Received, Refusal, SendId,
    backoff::Backoff,
    check,
    config::Reconnect,
    limits::{CALLS_PENDING_MAX, ROOMS_MAX},
};
use heart::Heart;
use inbound::Inbound;
use longwire_wire::{Command, LoginFields, Message, put_cms, put_join, put_login};
use outbound::Outbound;
pub(crate) use pending::Ticket;
use pending::{Asked, Pending, Ping, Why};
pub(crate) use standing::Standing;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What a session tells its driver.
#[derive(Debug)]
pub(crate) enum SessionEvent {
    /// The first LOGIN was accepted.
    LoggedIn,
    /// A call is done.
    Answered(Ticket, Result<Answer, Refusal>),
    Message(Received),
    /// A call that nobody waits for was refused.
    Refused(Refusal),
    /// The connection is to be given up.
    Failed(Fault),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// LOGIN or JOIN accepted.
    Done,
    /// PONG after this time.
    Pong(Duration),
    Flushed(Flushed),
}

#[derive(Debug)]
enum Phase {
    /// The first LOGIN's answer is due at this time.
    LoggingIn(Instant),
    Open,
    LoggingOut,
    /// Tell this, then nothing.
    Failing(Fault),
    Failed,
}

pub(crate) struct Session {
    phase: Phase,
    inbound: Inbound,
    outbound: Outbound,
    pending: Pending,
    heart: Heart,
    standing: Standing,
    /// Rooms whose joining again was put off by the server, and when to try.
    rejoin: Vec<Arc<str>>,
    rejoin_at: Option<Instant>,
    rejoin_backoff: Backoff,
    tickets: u64,
    body_bytes_max: usize,
    login_fields: LoginFields,
    /// When the last bytes came: what they say happened then.
    heard_at: Instant,
    /// The last one measured.
    round_trip: Option<Duration>,
    scratch: Vec<u8>,
}

impl Session {
    /// Begins with LOGIN. `seed` spreads the retries of rooms that cannot be joined again at once.
    pub(crate) fn new(config: &Config, login: &Login, standing: Standing, seed: u64, now: Instant) -> Self {
        let reconnect = Reconnect { attempts_max: None, seed: Some(seed), ..config.reconnect.clone() };
        let mut session = Self {
            phase: Phase::LoggingIn(now + config.timeouts.login),
            inbound: Inbound::new(&config.wire),
            outbound: Outbound::new(config.wire.clone()),
            pending: Pending::default(),
            heart: Heart::new(&config.timeouts, now),
            standing,
            rejoin: Vec::new(),
            rejoin_at: None,
            rejoin_backoff: Backoff::new(reconnect),
            tickets: 0,
            body_bytes_max: config.wire.body_bytes_max,
            login_fields: config.wire.login_fields,
            heard_at: now,
            round_trip: None,
            scratch: Vec::new(),
        };
        session.put_login(login, Asked::FirstLogin, now);
        session
    }

    /// What the next connection goes on with.
    pub(crate) fn into_standing(mut self) -> Standing {
        self.standing.lose(self.pending.flushing());
        self.standing
    }
}

/// Calls of the application.
impl Session {
    pub(crate) fn login(&mut self, login: &Login, now: Instant) -> Result<Ticket, CallError> {
        self.may_ask()?;
        check::login(login)?;
        let ticket = self.ticket();
        self.put_login(login, Asked::Login(ticket), now);
        Ok(ticket)
    }

    pub(crate) fn join(&mut self, room: &str, now: Instant) -> Result<Ticket, CallError> {
        self.may_ask()?;
        check::room(room)?;
        if self.standing.rooms().len() >= ROOMS_MAX {
            return Err(CallError::TooMany { what: "rooms joined", max: ROOMS_MAX });
        }
        let ticket = self.ticket();
        self.put_join(Arc::from(room), |room| Asked::Join(ticket, room), now);
        Ok(ticket)
    }

    pub(crate) fn send(&mut self, message: Outgoing, now: Instant) -> Result<SendId, CallError> {
        self.is_open()?;
        check::room(&message.room)?;
        let room = self.room(&message.room);
        self.scratch.clear();
        let Outgoing { room: to, content, message_type, user } = message;
        let message = Message { content, to, user, message_type: message_type.into(), ..Message::default() };
        put_cms(&mut self.scratch, &message);
        check::at_most("message", self.scratch.len(), self.body_bytes_max)?;
        let seq = self.outbound.put(Command::Cms, &self.scratch);
        self.heart.spoke(now);
        let id = self.standing.next_send();
        self.pending.sent(seq, id, room);
        Ok(id)
    }

    pub(crate) fn ping(&mut self, now: Instant) -> Result<Ticket, CallError> {
        self.may_ask()?;
        let ticket = self.ticket();
        self.put_ping(Why::Measure(ticket), now);
        Ok(ticket)
    }

    /// Fails where an earlier connection took sends with it: no PONG of this one can speak for them.
    pub(crate) fn flush(&mut self, now: Instant) -> Result<Ticket, CallError> {
        self.may_ask()?;
        if std::mem::take(&mut self.standing.sends_lost) {
            return Err(CallError::Lost);
        }
        let ticket = self.ticket();
        self.put_ping(Why::Flush(ticket), now);
        Ok(ticket)
    }

    /// Says goodbye behind everything sent so far; the server closes then. No call is taken any more.
    pub(crate) fn logout(&mut self) {
        if self.is_open().is_ok() {
            self.outbound.put(Command::Logout, &[]);
            self.phase = Phase::LoggingOut;
        }
    }

    fn is_open(&self) -> Result<(), CallError> {
        match self.phase {
            Phase::Open => Ok(()),
            Phase::LoggingIn(_) | Phase::Failing(_) | Phase::Failed => Err(CallError::NotConnected),
            Phase::LoggingOut => Err(CallError::Closed),
        }
    }

    fn may_ask(&self) -> Result<(), CallError> {
        self.is_open()?;
        if self.pending.len() >= CALLS_PENDING_MAX {
            return Err(CallError::TooMany { what: "unanswered calls", max: CALLS_PENDING_MAX });
        }
        Ok(())
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// The room's name, shared where it is known.
    fn room(&self, name: &str) -> Arc<str> {
        let known = self.standing.rooms().iter().find(|room| ***room == *name).cloned();
        known.unwrap_or_else(|| Arc::from(name))
    }

    fn put_login(&mut self, login: &Login, asked: Asked, now: Instant) {
        self.scratch.clear();
        if let Login::User { user, token } = login {
            put_login(&mut self.scratch, token, user, self.login_fields);
        }
        let seq = self.outbound.put(Command::Login, &self.scratch);
        self.pending.asked(seq, asked);
        self.heart.spoke(now);
    }

    fn put_join(&mut self, room: Arc<str>, asked: impl FnOnce(Arc<str>) -> Asked, now: Instant) {
        self.scratch.clear();
        put_join(&mut self.scratch, &room);
        let seq = self.outbound.put(Command::JoinCr, &self.scratch);
        self.pending.asked(seq, asked(room));
        self.heart.spoke(now);
    }

    fn put_ping(&mut self, why: Why, now: Instant) {
        let seq = self.outbound.put(Command::Ping, &[]);
        self.heart.spoke(now);
        // One heartbeat is remembered: while events are unread they go on, and their PONGs are not seen.
        if why == Why::Heartbeat && self.pending.pings().any(|ping| ping.why == Why::Heartbeat) {
            return;
        }
        self.heart.pinged(now);
        self.pending.asked(seq, Asked::Ping(Ping { at: now, behind: self.standing.last_sent, why }));
    }
}
