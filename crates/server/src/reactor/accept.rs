//! Letting connections in: a bounded number a turn, within the node's limit, through every accept error.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use longwire_engine::Budget;
use mio::net::{TcpListener, TcpStream};

use crate::logging::LogLimit;

/// Connections that a shard lets in before anything else gets its turn, from all listeners together: 5 µs each, so a crowd
/// at the door holds up a room for as long as two of its slices. With fewer the kernel's queue runs over in a storm, and
/// whoever does not fit it tries again a second later.
const ACCEPTS_PER_TURN: usize = 512;
/// After an accept error that will not go away by itself.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// A shard's listeners and the door's rules.
pub(crate) struct Door {
    listeners: Vec<(TcpListener, bool)>,
    /// The listener that begins the next turn: a crowd at one of them does not keep the others shut.
    first: usize,
    accepts_max: usize,
    /// Places left on the node.
    places: Arc<Budget>,
    /// Given up for a moment where descriptors ran out, so that a client is told at once instead of being kept waiting.
    reserve: Option<File>,
    retry_at: Option<Instant>,
    /// A line a second says it all: a crowd at a shut door would fill the log with the same one.
    log: LogLimit,
}

impl Door {
    pub(crate) fn new(listeners: Vec<TcpListener>, places: Arc<Budget>) -> Self {
        let listeners = listeners.into_iter().map(|listener| (listener, false)).collect();
        Self {
            listeners,
            first: 0,
            accepts_max: ACCEPTS_PER_TURN,
            places,
            reserve: open_reserve(),
            retry_at: None,
            log: LogLimit::new(1),
        }
    }

    /// Somebody knocks at listener `at`.
    pub(crate) fn knock(&mut self, at: usize) {
        if let Some((_, ready)) = self.listeners.get_mut(at) {
            *ready = true;
        }
    }

    /// No one is let in from now on.
    pub(crate) fn shut(&mut self) {
        self.listeners.clear();
        self.retry_at = None;
    }

    /// How long until it wants another turn: zero where somebody waits.
    pub(crate) fn wants_turn_in(&self, now: Instant) -> Option<Duration> {
        let waiting = self.listeners.iter().any(|(_, ready)| *ready);
        waiting.then(|| self.retry_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now)))
    }

    /// A connection's place is free again.
    pub(crate) fn give_back(&self) {
        self.places.give_back();
    }

    /// Lets in whom it can, in one turn.
    pub(crate) fn turn(&mut self, now: Instant, mut let_in: impl FnMut(usize, TcpStream, SocketAddr)) {
        if self.retry_at.is_some_and(|at| now < at) {
            return;
        }
        self.retry_at = None;
        let (mut left, listeners) = (self.accepts_max, self.listeners.len());
        self.first = if self.first + 1 < listeners { self.first + 1 } else { 0 };
        for step in 0..listeners {
            let at = (self.first + step) % listeners;
            while left > 0 && self.listeners[at].1 && self.retry_at.is_none() {
                left -= 1;
                self.accept(at, now, &mut let_in);
            }
        }
    }

    fn accept(&mut self, at: usize, now: Instant, let_in: &mut impl FnMut(usize, TcpStream, SocketAddr)) {
        match self.listeners[at].0.accept() {
            Ok((stream, peer)) if self.places.take() => {
                tracing::trace!(peer = %crate::logging::Address(&peer), "connection accepted");
                let_in(at, stream, peer);
            }
            Ok((stream, _)) => {
                drop(stream);
                self.say(now, "server.connections_max is reached: connections are closed as they come");
            }
            Err(err) if err.kind() == ErrorKind::WouldBlock => self.listeners[at].1 = false,
            Err(err) => self.failed(at, now, &err),
        }
    }

    fn failed(&mut self, at: usize, now: Instant, err: &io::Error) {
        match err.kind() {
            ErrorKind::Interrupted | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset => return,
            _ => self.retry_at = Some(now + RETRY_AFTER),
        }
        if is_out_of_descriptors(err) {
            self.reserve = None; // its descriptor serves to take the call, and to end it
            let turned_away = self.listeners[at].0.accept().is_ok();
            self.reserve = open_reserve();
            let line = match (err.raw_os_error(), turned_away) {
                (Some(ENFILE), _) => "the machine is out of file descriptors: new connections wait",
                (_, true) => "out of file descriptors: new connections are turned away until some end",
                (_, false) => return, // the kernel says so before it looks whether anybody waits: nobody does
            };
            return self.say(now, line);
        }
        if let Some(suppressed) = self.log.pass(now) {
            tracing::error!(%err, suppressed, "a connection could not be accepted; trying again in 100 ms");
        }
    }

    fn say(&mut self, now: Instant, line: &'static str) {
        if let Some(suppressed) = self.log.pass(now) {
            tracing::warn!(suppressed, "{line}");
        }
    }

    pub(crate) fn register(&mut self, registry: &mio::Registry, first: usize) -> io::Result<()> {
        for (at, (listener, _)) in self.listeners.iter_mut().enumerate() {
            registry.register(listener, mio::Token(first + at), mio::Interest::READABLE)?;
        }
        Ok(())
    }
}

fn open_reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Errors for which `io::ErrorKind` has no stable name; the numbers are Linux's on every architecture.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

fn is_out_of_descriptors(err: &io::Error) -> bool {
    matches!(err.raw_os_error(), Some(ENFILE | EMFILE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream as Client;

    fn door(listeners: usize, places: usize, accepts_max: usize) -> (Door, Vec<SocketAddr>) {
        let bound = || TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listeners: Vec<_> = (0..listeners).map(|_| bound()).collect();
        let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let mut door = Door::new(listeners, Budget::new(places));
        door.accepts_max = accepts_max;
        (door, addresses)
    }

    /// Whom a turn lets in, by the listener's number.
    fn turn(door: &mut Door, addresses: &[SocketAddr]) -> Vec<usize> {
        let mut came = Vec::new();
        door.turn(Instant::now(), |_, stream, _| {
            let at = stream.local_addr().unwrap();
            came.push(addresses.iter().position(|address| *address == at).unwrap());
        });
        came
    }

    #[test]
    fn a_turn_is_bounded_and_what_is_left_is_asked_for_at_once() {
        let (mut door, addresses) = door(1, 100, 4);
        let _clients: Vec<_> = (0..10).map(|_| Client::connect(addresses[0]).unwrap()).collect();
        assert_eq!(door.wants_turn_in(Instant::now()), None, "nobody has knocked");
        door.knock(0);
        let mut came = Vec::new();
        while door.wants_turn_in(Instant::now()) == Some(Duration::ZERO) {
            came.push(turn(&mut door, &addresses).len());
        }
        assert_eq!(came, [4, 4, 2], "and asked until nobody waits any more");
    }

    #[test]
    fn a_crowd_at_one_listener_does_not_keep_the_other_shut() {
        let (mut door, addresses) = door(2, 100, 4);
        let crowd = |count| (0..count).map(|_| Client::connect(addresses[0]).unwrap()).collect::<Vec<_>>();
        let _crowd = crowd(20);
        let _one = Client::connect(addresses[1]).unwrap();
        door.knock(0);
        door.knock(1);
        let (first, second) = (turn(&mut door, &addresses), turn(&mut door, &addresses));
        assert!(first.len() <= 4 && second.len() <= 4);
        assert!(first.contains(&1) || second.contains(&1), "{first:?} {second:?}");
    }

    #[test]
    fn who_comes_without_a_place_is_closed_and_counts_as_a_turns_work() {
        let (mut door, addresses) = door(1, 2, 4);
        let clients: Vec<_> = (0..6).map(|_| Client::connect(addresses[0]).unwrap()).collect();
        door.knock(0);
        assert_eq!(turn(&mut door, &addresses), [0, 0]);
        assert_eq!(door.wants_turn_in(Instant::now()), Some(Duration::ZERO), "two of six still wait");
        door.give_back();
        assert_eq!(turn(&mut door, &addresses), [0]);
        drop(clients);
    }
}
