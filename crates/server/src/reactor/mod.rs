//! One data-plane thread: its sockets, its engine, and the loop that brings them together.
//!
//! epoll through mio, edge-triggered, each socket armed once for reading and writing. Decides nothing: what a frame
//! means and who gets a record is the engine's. Never waits but in one place, and never longer than a tick.

mod accept;
mod clock;
#[cfg(test)]
mod cost;
mod hear;
mod hello;
mod input;
mod layer;
mod layers;
mod mail;
mod messages;
mod porch;
mod rules;
mod slots;
mod sockets;
mod transport;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use longwire_engine::{
    Action, Books, Budget, CloseReason, Config, ConnId, LoginAnswer, Now, Pressure, Shard, ShardId, Slot,
    State, Stats, Then,
};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Poll, Token};

use crate::http::{HEAD_BYTES_MAX, Site};
use crate::logging::LogLimit;
use crate::login::desk::{SendBack, Window};
use crate::login::{Question, Secret};
use crate::ws::message_max;
use accept::Door;
use clock::Clock;
use input::{Inputs, Turn};
#[cfg(test)]
pub(crate) use layer::Layer;

#[cfg(test)]
pub(crate) use layers::Layers;
pub(crate) use mail::{Bell, Inbox, Outbox, post_office};
use porch::Line;
pub(crate) use porch::Porch;
use rules::Rules;
use sockets::Sockets;

/// Deadlines are looked at this often.
const TICK: Duration = Duration::from_millis(250);
/// Another shard's ring was full: tried again this soon.
const RETRY: Duration = Duration::from_millis(1);
/// While draining, closes come in steps this far apart.
const DRAIN_STEP: Duration = Duration::from_millis(20);
/// Connections that are read before rooms get their turn.
const READS_PER_TURN: usize = 256;
/// Messages of other shards that are taken before connections get their turn.
const MAIL_PER_TURN: usize = 1024;
/// What is read at once from a connection that is not inside of a frame.
const READ_BYTES: usize = 16 * 1024;
/// A layer is given room for so much behind what is held.
const HEAR_MIN: usize = 256;
const _: () = assert!(HEAR_MIN > messages::ROOM_MIN, "then each look comes forward");
/// Events of one poll.
const EVENTS_MAX: usize = 1024;

/// The waker's token; listeners stand behind it, connections behind them.
const WAKE: Token = Token(0);
const FIRST_LISTENER: usize = 1;

/// What the control plane asks of a shard.
pub(crate) enum Command {
    /// Let nobody in any more, and close everybody over this long.
    Drain { spread: Duration },
    /// Add one once everything that other shards have said so far has had its effect here, and was told on.
    Barrier(Arc<AtomicUsize>),
    /// A login provider has answered.
    LoginAnswered(ConnId, LoginAnswer),
    /// Close everybody at once.
    Cut,
    /// Memory is this short.
    Pressure(Pressure),
    /// All shards are empty: end.
    End,
}

/// What a shard is made of, before its thread runs.
pub(crate) struct Parts {
    pub(crate) id: ShardId,
    pub(crate) shards: u16,
    /// The same for all shards of a node.
    pub(crate) seed: u64,
    pub(crate) config: Arc<Config>,
    pub(crate) poll: Poll,
    pub(crate) places: Arc<Budget>,
    pub(crate) porch: Arc<Porch>,
    pub(crate) site: Site,
    /// Bytes of input that this shard may hold for its connections.
    pub(crate) held_max: usize,
    pub(crate) mail: (Outbox, Inbox),
    pub(crate) commands: Receiver<Command>,
    pub(crate) window: Window,
    /// How the desk's answers come back to this shard.
    pub(crate) send_back: SendBack,
}

/// What a shard leaves behind.
pub(crate) struct Report {
    pub(crate) books: Books,
    pub(crate) stats: Stats,
    /// Made on another thread, where it has its number too.
    pub(crate) poll: Poll,
}

pub(crate) struct Reactor {
    poll: Poll,
    engine: Shard,
    sockets: Sockets,
    inputs: Inputs,
    inbox: Inbox,
    commands: Receiver<Command>,
    door: Door,
    porch: Arc<Porch>,
    /// Handshakes and deadlines of newcomers.
    line: Line,
    window: Window,
    send_back: SendBack,
    clock: Clock,
    first_slot: usize,
    frame_max: usize,
    login_max: usize,
    /// Bytes of input that may be held, at the moment and in calm.
    held_max: usize,
    held_calm: usize,
    /// One for all connections: what they sent is either taken from it at once, or copied out of it.
    buffer: Vec<u8>,
    next_tick: Instant,
    mail_left: bool,
    barrier: Option<Arc<AtomicUsize>>,
    draining: bool,
    /// Room for a turn's newcomers.
    came: Vec<(usize, TcpStream, SocketAddr)>,
}

/// A waker for the shard that will own `poll`.
pub(crate) fn waker(poll: &Poll) -> io::Result<mio::Waker> {
    mail::waker(poll, WAKE)
}

impl Reactor {
    /// Everything that can fail, before it runs; on the thread that it will run on, whose table of descriptors may be its own.
    pub(crate) fn new(parts: Parts, listeners: Vec<TcpListener>) -> io::Result<Self> {
        let first_slot = FIRST_LISTENER + listeners.len();
        let mut door = Door::new(listeners, parts.places);
        door.register(parts.poll.registry(), FIRST_LISTENER)?;
        let (outbox, inbox) = parts.mail;
        let (frame_max, login_max) = (parts.config.frame_max, parts.config.login_max);
        let longest = frame_max.max(login_max).max(HEAD_BYTES_MAX); // of what is held until all of it is there
        let rules = Rules {
            site: parts.site,
            length: parts.config.length,
            first_message_max: message_max(login_max),
            message_max: message_max(frame_max),
            ready: true,
            refusals: LogLimit::new(1),
        };
        let now = Instant::now();
        Ok(Self {
            poll: parts.poll,
            engine: Shard::new(parts.id, parts.shards, parts.seed, parts.config),
            sockets: Sockets::new(outbox, parts.window.throttle(), &parts.porch, rules),
            inputs: Inputs::default(),
            inbox,
            commands: parts.commands,
            door,
            porch: parts.porch,
            line: Line::default(),
            window: parts.window,
            send_back: parts.send_back,
            clock: Clock::start(now),
            first_slot,
            frame_max,
            login_max,
            held_max: parts.held_max,
            held_calm: parts.held_max,
            buffer: vec![0; longest + 2 * longwire_wire::HEADER_BYTES + HEAR_MIN],
            next_tick: now + TICK,
            mail_left: false,
            barrier: None,
            draining: false,
            came: Vec::new(),
        })
    }

    /// Runs until it is told to end.
    pub(crate) fn run(mut self) -> Report {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            let timeout = self.timeout();
            if let Err(err) = self.poll.poll(&mut events, Some(timeout))
                && err.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%err, "this shard cannot wait for events");
                std::process::abort(); // a shard that hears nothing must not look alive
            }
            let now = self.clock.now();
            self.sockets.set_now(now.mono);
            self.take_events(&events, now);
            if self.obey(now) {
                let (books, stats) = (self.engine.books(), self.engine.stats());
                return Report { books, stats, poll: self.poll };
            }
            self.take_mail(now);
            self.let_in(now);
            self.read_turns(now);
            self.run_handshakes(now);
            self.engine.run(now, &mut self.sockets);
            self.pass_barrier();
            self.tick(now);
            self.act(now);
        }
    }

    fn timeout(&self) -> Duration {
        if self.engine.busy()
            || self.line.is_ready(self.porch.handshakes.left() > 0)
            || !self.inputs.is_idle()
            || self.mail_left
        {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let mut timeout = self.next_tick.saturating_duration_since(now);
        if self.engine.retries() || self.line.is_waiting() || self.engine.next_timer().is_some() {
            timeout = timeout.min(RETRY);
        }
        if self.draining {
            timeout = timeout.min(DRAIN_STEP);
        }
        self.door.wants_turn_in(now).map_or(timeout, |turn| timeout.min(turn))
    }

    fn take_events(&mut self, events: &Events, now: Now) {
        for event in events {
            let Token(token) = event.token();
            if event.token() == WAKE {
                self.inbox.open();
                self.mail_left = true;
            } else if token < self.first_slot {
                self.door.knock(token - FIRST_LISTENER);
            } else {
                let slot = (token - self.first_slot) as Slot;
                if self.sockets.layer(slot).is_some_and(|layer| layer.is_handshaking()) {
                    self.wants_handshake(slot);
                    continue;
                }
                if event.is_writable() && self.sockets.flush(slot) {
                    self.engine.writable(slot, now, &mut self.sockets);
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.inputs.readable(slot, event.is_read_closed() || event.is_error());
                }
            }
        }
    }

    /// Does what the control plane asks. `true`: end.
    fn obey(&mut self, now: Now) -> bool {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Drain { spread } => {
                    self.door.shut();
                    self.draining = true;
                    self.sockets.set_ready(false);
                    self.engine.begin_drain(spread.as_millis() as u64, now);
                }
                Command::Barrier(passed) => {
                    self.mail_left = true;
                    self.barrier = Some(passed);
                }
                Command::LoginAnswered(conn, answer) => {
                    self.engine.login_answered(conn, answer, now, &mut self.sockets);
                }
                Command::Cut => self.engine.cut_all(),
                Command::Pressure(pressure) => {
                    let is_last = pressure >= Pressure::CloseSlowest;
                    self.held_max = if is_last { self.held_calm / 8 } else { self.held_calm };
                    self.engine.set_pressure(pressure);
                    self.sockets.set_ready(pressure == Pressure::None && !self.draining);
                }
                Command::End => return true,
            }
        }
        false
    }

    fn take_mail(&mut self, now: Now) {
        if !std::mem::take(&mut self.mail_left) {
            return;
        }
        for _ in 0..MAIL_PER_TURN {
            let Some((from, msg)) = self.inbox.take() else { return };
            self.engine.receive(from, msg, now, &mut self.sockets);
        }
        self.mail_left = true;
    }

    /// What came by mail was handled, and what followed from it was posted by the engine's run.
    fn pass_barrier(&mut self) {
        if !self.mail_left
            && let Some(passed) = self.barrier.take()
        {
            passed.fetch_add(1, Ordering::Release);
        }
    }

    fn read_turns(&mut self, now: Now) {
        for _ in 0..READS_PER_TURN.min(self.inputs.waiting()) {
            let Some(slot) = self.inputs.next() else { break };
            self.read_turn(slot, now);
        }
        self.shed();
    }

    /// Keeps to the bound on what is held for connections. Honest frames are whole within moments, and so are the records
    /// and messages around them: whoever has held a part of one longest is the one to go.
    fn shed(&mut self) {
        loop {
            let (held, kept) = (self.inputs.held(), self.sockets.kept());
            let above = (held + kept).saturating_sub(self.held_max);
            if above == 0 {
                return;
            }
            let slots = match held >= kept {
                true => self.inputs.drop_oldest().into_iter().collect(),
                false => self.sockets.longest_keepers(above + self.held_max / 8),
            };
            if slots.is_empty() {
                return;
            }
            slots.into_iter().for_each(|slot| self.engine.close_now(slot, CloseReason::Overloaded));
        }
    }

    fn read_turn(&mut self, slot: Slot, now: Now) {
        match self.inputs.turn(slot) {
            Turn::Offer(bytes, taken) => {
                let consumed = self.engine.consume(slot, &bytes[taken..], now, &mut self.sockets);
                self.inputs.keep(slot, bytes, taken + consumed.bytes, consumed.then, consumed.bytes > 0);
            }
            Turn::Read(rest) => self.read(slot, rest, now),
            Turn::Discard => {
                let read = self.sockets.read(slot, &mut self.buffer);
                self.after_read(slot, read);
            }
            Turn::Ended => self.engine.peer_closed(slot),
            Turn::Nothing => {}
        }
    }

    /// Reads behind `rest`, and offers both.
    fn read(&mut self, slot: Slot, rest: Vec<u8>, now: Now) {
        // never more than one frame of the largest size: that is all that is held while a LOGIN or a JOIN waits; and
        // less where no long frame is under way, for that is what is held for a client that does not read its answers
        let frame = match self.engine.state(slot) {
            State::AwaitLogin => self.login_max,
            _ if rest.is_empty() => READ_BYTES.min(self.frame_max),
            State::Authenticating | State::Guest | State::User | State::Closing => self.frame_max,
        };
        let most = frame + 2 * longwire_wire::HEADER_BYTES;
        if self.sockets.has_layer(slot) {
            let room = most.max(rest.len() + HEAR_MIN).min(self.buffer.len());
            return self.hear(slot, rest, room, now);
        }
        let room = most.max(rest.len() + 1).min(self.buffer.len());
        self.buffer[..rest.len()].copy_from_slice(&rest);
        let read = self.sockets.read(slot, &mut self.buffer[rest.len()..room]);
        let got = match &read {
            Ok(Some(bytes)) => *bytes,
            Ok(None) | Err(_) => 0,
        };
        if got > 0 && rest.len() + got < room {
            self.inputs.read_short(slot);
        }
        if got == 0 {
            self.inputs.keep(slot, rest, 0, Then::More, false);
            return self.after_read(slot, read);
        }
        if rest.is_empty() && self.buffer[0] != 0 && self.engine.state(slot) == State::AwaitLogin {
            // no frame is so long that its first byte is not 0: there is no second one to wait for
            return self.engine.close_now(slot, CloseReason::NotServed);
        }
        self.consume(slot, rest.len() + got, now);
    }

    /// Offers what stands at the buffer's beginning, and keeps what is left of it.
    fn consume(&mut self, slot: Slot, bytes: usize, now: Now) {
        let consumed = self.engine.consume(slot, &self.buffer[..bytes], now, &mut self.sockets);
        let left = &self.buffer[consumed.bytes..bytes];
        self.inputs.keep(slot, left.to_vec(), 0, consumed.then, consumed.bytes > 0);
    }

    fn after_read(&mut self, slot: Slot, read: io::Result<Option<usize>>) {
        match read {
            Ok(Some(0)) => {
                self.inputs.ended(slot);
                self.engine.peer_closed(slot);
            }
            Ok(Some(_)) => self.inputs.resume(slot),
            Ok(None) => self.inputs.drained(slot),
            Err(_) => self.engine.peer_closed(slot),
        }
    }

    fn tick(&mut self, now: Now) {
        let at = Instant::now();
        if at >= self.next_tick {
            self.next_tick = at + TICK;
            self.mail_left = true;
            self.engine.tick(now, &mut self.sockets);
            self.give_back_slots();
            self.close_overdue(now);
        }
        if self.draining {
            self.engine.drain_step(now, &mut self.sockets);
        }
    }

    /// Does what the engine asks. A last look may ask for more, so it goes on until nothing is left.
    fn act(&mut self, now: Now) {
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Authenticate { conn, token, user_id } => {
                    let address = self.sockets.peer_of(conn.slot);
                    let transport = self.sockets.transport_of(conn.slot);
                    let (token, user_id) = (Secret::new(token), user_id.into());
                    let question = Question { token, user_id, connection: conn, address, transport };
                    if let Some(answer) = self.window.ask(question, now.mono, &self.send_back) {
                        self.engine.login_answered(conn, answer, now, &mut self.sockets);
                    }
                }
                Action::Resume(slot) => self.inputs.resume(slot),
                Action::LastLook(slot) => {
                    self.inputs.readable(slot, false);
                    self.read_turn(slot, now);
                    self.engine.idle_confirmed(slot, now);
                }
                Action::ShutdownWrite(slot, reason) => {
                    self.inputs.discard(slot);
                    if self.sockets.shut_down(slot, reason).is_err() {
                        self.engine.peer_closed(slot);
                    }
                }
                Action::Close(slot, reason) => self.close(slot, reason),
            }
        }
    }
}
