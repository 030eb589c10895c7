//! What the server says, and what time does, to a session.

use super::{
    Answer, Phase, Session, SessionEvent,
    heart::Beat,
    inbound::Heard,
    pending::{Asked, Ping, Why},
};
use crate::{Call, Fault, Flushed, ProtocolError, Refusal, limits::OUT_BYTES_MAX};
use longwire_wire::{Command, Status};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

impl Session {
    /// Bytes of the server, cut anywhere; to be called once `poll_event` gave `None`.
    pub(crate) fn handle_bytes(&mut self, bytes: &[u8], now: Instant) {
        self.heard_at = now;
        self.heart.heard(now);
        if !matches!(self.phase, Phase::Failing(_) | Phase::Failed) {
            self.inbound.push(bytes);
        }
    }

    /// Whether the driver reads the socket: it does not while the application leaves its events unread.
    pub(crate) fn handle_reading(&mut self, reading: bool, now: Instant) {
        self.heart.reading(now, reading);
    }

    /// The time of `poll_timeout` has come.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        match self.phase {
            Phase::LoggingIn(due) if due <= now => self.fail(Fault::LoginTimeout),
            Phase::Open => {
                match self.heart.beat(now) {
                    Beat::Quiet => {}
                    Beat::Ping => self.put_ping(Why::Heartbeat, now),
                    Beat::Dead => return self.fail(Fault::NoPong),
                }
                if self.rejoin_at.take_if(|at| *at <= now).is_some() {
                    self.put_rejoins(now);
                }
            }
            Phase::LoggingIn(_) | Phase::LoggingOut | Phase::Failing(_) | Phase::Failed => {}
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::LoggingIn(due) => Some(due),
            Phase::Open => Some(self.heart.deadline().min(self.rejoin_at.unwrap_or(self.heart.deadline()))),
            Phase::LoggingOut | Phase::Failing(_) | Phase::Failed => None,
        }
    }

    /// What the socket shall take; empty: nothing.
    pub(crate) fn poll_transmit(&self) -> &[u8] {
        match self.phase {
            Phase::LoggingIn(_) | Phase::Open | Phase::LoggingOut => self.outbound.pending(),
            Phase::Failing(_) | Phase::Failed => &[],
        }
    }

    /// The socket took this many bytes of `poll_transmit`.
    pub(crate) fn handle_transmitted(&mut self, len: usize) {
        self.outbound.advance(len);
    }

    /// Whether a call may be made without the outgoing bytes growing over their bound.
    pub(crate) fn takes_calls(&self) -> bool {
        self.outbound.pending().len() < OUT_BYTES_MAX
    }

    /// The last round trip that was measured.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// What happened, in order; `None`: feed more bytes.
    pub(crate) fn poll_event(&mut self) -> Option<SessionEvent> {
        loop {
            if let Some(message) = self.inbound.message() {
                return Some(SessionEvent::Message(message));
            }
            if matches!(self.phase, Phase::Failing(_) | Phase::Failed) {
                let Phase::Failing(fault) = std::mem::replace(&mut self.phase, Phase::Failed) else {
                    return None;
                };
                return Some(SessionEvent::Failed(fault));
            }
            match self.inbound.heard(self.standing.rooms()) {
                Ok(None) => return None,
                Ok(Some(heard)) => {
                    if let Some(event) = self.on_heard(heard) {
                        return Some(event);
                    }
                }
                Err(error) => self.fail(error.into()),
            }
        }
    }

    fn fail(&mut self, fault: Fault) {
        self.phase = Phase::Failing(fault);
    }

    fn on_heard(&mut self, heard: Heard) -> Option<SessionEvent> {
        match heard {
            Heard::Answer { code, seq, status } => self.on_answer(code, seq, status),
            Heard::Push | Heard::Other => {
                if matches!(self.phase, Phase::LoggingIn(_)) {
                    self.inbound.discard();
                    self.fail(ProtocolError::BeforeLogin.into());
                }
                None
            }
        }
    }

    fn on_answer(&mut self, code: u8, seq: u32, status: Status) -> Option<SessionEvent> {
        let refused = status != Status::OK;
        let command = self.inbound.command(code);
        match command.and_then(|command| self.pending.answer(command, seq, refused)) {
            Some(asked) if refused => self.on_refused(asked, status),
            Some(asked) => self.on_accepted(asked),
            None if matches!(self.phase, Phase::LoggingIn(_)) => {
                self.fail(ProtocolError::BeforeLogin.into());
                None
            }
            None if !refused => None, // the PONG of a heartbeat not remembered, or a newer server's word
            None => {
                let send = command.filter(|command| *command == Command::Cms);
                let call = send.and_then(|_| self.pending.refuse_send(seq));
                let refusal = Refusal { call: call.unwrap_or(Call::Unknown { command: code, seq }), status };
                if matches!(refusal.call, Call::Send { .. }) {
                    self.standing.refused(refusal.clone());
                }
                Some(SessionEvent::Refused(refusal))
            }
        }
    }

    fn on_accepted(&mut self, asked: Asked) -> Option<SessionEvent> {
        match asked {
            Asked::FirstLogin => {
                self.phase = Phase::Open;
                self.rejoin = self.standing.rooms().to_vec();
                self.put_rejoins(self.heard_at);
                Some(SessionEvent::LoggedIn)
            }
            Asked::Login(ticket) => Some(SessionEvent::Answered(ticket, Ok(Answer::Done))),
            Asked::Join(ticket, room) => {
                self.rejoin.retain(|other| *other != room);
                self.standing.enter(room);
                Some(SessionEvent::Answered(ticket, Ok(Answer::Done)))
            }
            Asked::Rejoin(_) => {
                self.rejoin_backoff.reset();
                None
            }
            Asked::Ping(ping) => self.on_pong(ping),
        }
    }

    fn on_pong(&mut self, ping: Ping) -> Option<SessionEvent> {
        let round_trip = self.heard_at.saturating_duration_since(ping.at);
        self.heart.ponged(self.heard_at, self.pending.pings().next().is_some());
        self.standing.seen = self.standing.seen.max(ping.behind);
        self.round_trip = Some(round_trip);
        match ping.why {
            Why::Heartbeat => None,
            Why::Measure(ticket) => Some(SessionEvent::Answered(ticket, Ok(Answer::Pong(round_trip)))),
            Why::Flush(ticket) => {
                let (refused, refused_more) = self.standing.take_refused();
                let flushed = Flushed { round_trip, refused, refused_more };
                Some(SessionEvent::Answered(ticket, Ok(Answer::Flushed(flushed))))
            }
        }
    }

    fn on_refused(&mut self, asked: Asked, status: Status) -> Option<SessionEvent> {
        let refusal = Refusal { call: asked.call(), status };
        match asked {
            Asked::FirstLogin => {
                self.fail(Fault::LoginRefused(status));
                None
            }
            Asked::Login(ticket) | Asked::Join(ticket, _) => {
                Some(SessionEvent::Answered(ticket, Err(refusal)))
            }
            Asked::Rejoin(room) => {
                self.put_off_or_forget(room, status);
                Some(SessionEvent::Refused(refusal))
            }
            Asked::Ping(ping) => {
                // A refused PING is a sign of life all the same.
                self.heart.ponged(self.heard_at, self.pending.pings().next().is_some());
                match ping.why {
                    Why::Heartbeat => Some(SessionEvent::Refused(refusal)),
                    Why::Measure(ticket) | Why::Flush(ticket) => {
                        Some(SessionEvent::Answered(ticket, Err(refusal)))
                    }
                }
            }
        }
    }

    fn put_off_or_forget(&mut self, room: Arc<str>, status: Status) {
        if !refusal_may_pass(status) {
            return self.standing.forget(&room);
        }
        self.rejoin.push(room);
        if self.rejoin_at.is_none() {
            self.rejoin_at = self.rejoin_backoff.fail().map(|wait| self.heard_at + wait);
        }
    }

    fn put_rejoins(&mut self, now: Instant) {
        for room in std::mem::take(&mut self.rejoin) {
            self.put_join(room, Asked::Rejoin, now);
        }
    }
}

/// Whether the same JOIN can succeed a little later.
fn refusal_may_pass(status: Status) -> bool {
    matches!(status, Status::RATE_LIMITED | Status::OVERLOADED | Status::TOO_MANY | Status::INTERNAL)
}
