//! One connection, from its LOGIN to its end.

use super::{
    End, NewLogin, Outlets, Quit, Request, now,
    request::{Waiter, Waiters},
};
use crate::{
    CallError, Event, Fault, State,
    config::Timeouts,
    limits::{DRAIN, READ_BYTES_MAX, STALL},
    session::{Session, SessionEvent, Standing},
    transport::Transport,
};
use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc::error::TrySendError,
    time::{sleep_until, timeout},
};

/// What a connection leaves behind.
pub(super) struct Outcome {
    pub(super) end: End,
    pub(super) standing: Standing,
    pub(super) login: NewLogin,
    pub(super) logged_in_at: Option<Instant>,
}

pub(super) struct Connection<'a> {
    session: Session,
    outlets: &'a mut Outlets,
    waiters: Waiters,
    close_timeout: Duration,
    /// An event that finds no room in the queue. While it waits nothing more is read.
    blocked: Option<Event>,
    /// LOGOUT was said: who asked for it, and until when the server may take to close.
    goodbye: Option<(Quit, Instant)>,
    /// The socket takes nothing any more. What the server said before that is still read, until this time.
    broken: Option<(Fault, Instant)>,
    /// When the socket last took a byte, or had nothing to take.
    taken_at: Instant,
    unflushed: bool,
    login: NewLogin,
    logged_in_at: Option<Instant>,
}

/// What ended a wait.
enum Woken {
    Room,
    Read(io::Result<usize>),
    Wrote(io::Result<Option<usize>>),
    Call(Option<Request>),
    Time,
}

impl<'a> Connection<'a> {
    pub(super) fn new(session: Session, outlets: &'a mut Outlets, timeouts: &Timeouts) -> Self {
        Self {
            session,
            outlets,
            waiters: Waiters::default(),
            close_timeout: timeouts.close,
            blocked: None,
            goodbye: None,
            broken: None,
            taken_at: now(),
            unflushed: false,
            login: None,
            logged_in_at: None,
        }
    }

    pub(super) async fn run(mut self, io: Box<dyn Transport>) -> Outcome {
        let (mut reader, mut writer) = tokio::io::split(io);
        let end = self.serve(&mut reader, &mut writer).await;
        if matches!(end, End::Quit(..)) {
            let _ = timeout(DRAIN, writer.shutdown()).await; // the server is gone either way
        }
        self.outlets.shared.set_unread(false);
        let Self { session, login, logged_in_at, .. } = self;
        Outcome { end, standing: session.into_standing(), login, logged_in_at }
    }

    async fn serve(
        &mut self,
        reader: &mut (impl AsyncReadExt + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> End {
        let mut buffer = vec![0; READ_BYTES_MAX];
        let mut armed = now();
        let timer = sleep_until(armed.into());
        tokio::pin!(timer);
        loop {
            if let Some(fault) = self.tell_what_happened() {
                return self.end(fault);
            }
            if self.session.poll_transmit().is_empty() {
                self.taken_at = now();
            }
            let deadline = self.deadline();
            if armed != deadline {
                armed = deadline;
                timer.as_mut().reset(armed.into());
            }
            let to_write =
                self.broken.is_none() && (self.unflushed || !self.session.poll_transmit().is_empty());
            let takes_calls = self.goodbye.is_none() && (self.broken.is_some() || self.session.takes_calls());
            let woken = tokio::select! {
                _ = self.outlets.events.reserve(), if self.blocked.is_some() => Woken::Room,
                read = reader.read(&mut buffer), if self.blocked.is_none() => Woken::Read(read),
                wrote = pump(writer, self.session.poll_transmit()), if to_write => Woken::Wrote(wrote),
                call = self.outlets.calls.recv(), if takes_calls => Woken::Call(call),
                () = &mut timer => Woken::Time,
            };
            let end = match woken {
                Woken::Room => self.tell_blocked(),
                Woken::Read(read) => self.on_read(read.map(|len| &buffer[..len])),
                Woken::Wrote(wrote) => self.on_wrote(wrote),
                Woken::Call(call) => self.on_call(call),
                Woken::Time => self.on_deadline(),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// Hands on what the session says, until it has nothing or the application's queue is full.
    fn tell_what_happened(&mut self) -> Option<Fault> {
        let mut fault = None;
        while self.blocked.is_none() && fault.is_none() {
            let Some(event) = self.session.poll_event() else { break };
            self.outlets.shared.set_round_trip(self.session.round_trip());
            match event {
                SessionEvent::LoggedIn => self.on_logged_in(),
                SessionEvent::Answered(ticket, answer) => {
                    let login = self.waiters.answer(ticket, answer);
                    self.login = login.or(self.login.take());
                }
                SessionEvent::Message(message) => self.tell(Event::Message(message)),
                SessionEvent::Refused(refusal) => self.tell(Event::Refused(refusal)),
                SessionEvent::Failed(failed) => fault = Some(failed),
            }
        }
        self.outlets.shared.set_round_trip(self.session.round_trip());
        self.outlets.shared.set_unread(self.blocked.is_some());
        self.session.handle_reading(self.blocked.is_none(), now());
        fault
    }

    /// After the goodbye nobody is kept waiting: what finds no room then is thrown away.
    fn tell(&mut self, event: Event) {
        if let Err(TrySendError::Full(event)) = self.outlets.events.try_send(event)
            && self.goodbye.is_none()
        {
            self.blocked = Some(event);
        }
    }

    fn on_logged_in(&mut self) {
        self.logged_in_at = Some(now());
        self.outlets.shared.set_state(State::Connected);
        let again = std::mem::replace(&mut self.outlets.was_connected, true);
        self.tell(if again { Event::Back } else { Event::Connected });
        if let Some(first) = self.outlets.first.take() {
            let _ = first.send(Ok(())); // whoever gave up waiting dropped the handle too
        }
    }

    /// The queue has room for what waits, or nobody listens any more.
    fn tell_blocked(&mut self) -> Option<End> {
        if let Some(event) = self.blocked.take() {
            self.tell(event);
        }
        None
    }

    fn on_read(&mut self, read: io::Result<&[u8]>) -> Option<End> {
        match read {
            Ok([]) => Some(self.end(Fault::ServerClosed)),
            Ok(bytes) => {
                self.session.handle_bytes(bytes, now());
                None
            }
            Err(error) => Some(self.end(Fault::Io(Arc::new(error)))),
        }
    }

    fn on_wrote(&mut self, wrote: io::Result<Option<usize>>) -> Option<End> {
        match wrote {
            Ok(None) => self.unflushed = false,
            Ok(Some(0)) => self.break_off(Fault::Io(Arc::new(io::ErrorKind::WriteZero.into()))),
            Ok(Some(len)) => {
                self.session.handle_transmitted(len);
                self.unflushed = true;
                self.taken_at = now();
            }
            Err(error) => self.break_off(Fault::Io(Arc::new(error))),
        }
        None
    }

    fn on_call(&mut self, call: Option<Request>) -> Option<End> {
        let now = now();
        match call {
            None => return self.say_goodbye(Quit(None)),
            Some(Request::Logout { reply }) => return self.say_goodbye(Quit(Some(reply))),
            Some(request) if self.broken.is_some() => request.fail(CallError::NotConnected),
            Some(Request::Send { message, reply }) => {
                let _ = reply.send(self.session.send(message, now)); // who no longer waits sent it all the same
            }
            Some(Request::Join { room, reply }) => {
                let taken = self.session.join(&room, now);
                self.waiters.wait(taken, Waiter::Join(reply));
            }
            Some(Request::Login { login, source, reply }) => {
                let taken = self.session.login(&login, now);
                self.waiters.wait(taken, Waiter::Login(source, reply));
            }
            Some(Request::Ping { reply }) => {
                let taken = self.session.ping(now);
                self.waiters.wait(taken, Waiter::Ping(reply));
            }
            Some(Request::Flush { reply }) => {
                let taken = self.session.flush(now);
                self.waiters.wait(taken, Waiter::Flush(reply));
            }
        }
        None
    }

    fn say_goodbye(&mut self, quit: Quit) -> Option<End> {
        if self.logged_in_at.is_none() || self.broken.is_some() {
            return Some(quit.into());
        }
        self.session.logout();
        self.blocked = None;
        self.goodbye = Some((quit, now() + self.close_timeout));
        None
    }

    fn break_off(&mut self, fault: Fault) {
        self.broken = Some((fault, now() + STALL));
    }

    fn deadline(&self) -> Instant {
        let now = now();
        let unanswered = self.goodbye.as_ref().map(|(_, until)| *until);
        let (session, drained) = match &self.broken {
            None => (self.session.poll_timeout(), None),
            // While events are unread nothing is read, so silence says nothing.
            Some(_) if self.blocked.is_some() => (None, None),
            Some((_, until)) => (None, Some((now + DRAIN).min(*until))),
        };
        [session, unanswered, drained, self.stalls_at()].into_iter().flatten().min().unwrap_or(now + STALL)
    }

    fn stalls_at(&self) -> Option<Instant> {
        let owed = self.broken.is_none() && !self.session.poll_transmit().is_empty();
        owed.then(|| self.taken_at + STALL)
    }

    fn on_deadline(&mut self) -> Option<End> {
        let now = now();
        if let Some((quit, _)) = self.goodbye.take_if(|(_, until)| *until <= now) {
            return Some(End::Quit(quit, Err(CallError::TimedOut)));
        }
        match self.broken.take_if(|_| self.blocked.is_none()) {
            Some((fault, _)) => return Some(self.end(fault)),
            None if self.broken.is_some() => {}
            None if self.stalls_at().is_some_and(|at| at <= now) => self.break_off(Fault::Stalled),
            None => self.session.handle_timeout(now),
        }
        None
    }

    /// After the goodbye every end is the one asked for; the end of the stream is the clean one.
    fn end(&mut self, fault: Fault) -> End {
        match (self.goodbye.take(), fault) {
            (None, fault) => End::Fault(fault),
            (Some((quit, _)), Fault::ServerClosed) => End::Quit(quit, Ok(())),
            (Some((quit, _)), _) => End::Quit(quit, Err(CallError::Lost)),
        }
    }
}

/// Writes some of `bytes`; where there are none, flushes, which is `None`. Cancel-safe.
async fn pump(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<Option<usize>> {
    if bytes.is_empty() {
        writer.flush().await?;
        return Ok(None);
    }
    writer.write(bytes).await.map(Some)
}
