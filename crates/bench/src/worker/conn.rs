//! One connection of the generator: a socket and a few bytes, so that a thread can have a hundred thousand.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::layer::Layer;
use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not connected: not yet, not any more, or never again.
    Out,
    Connecting,
    LoggingIn,
    Joining,
    /// In its room.
    In,
    /// It said LOGOUT, and waits for the end.
    Leaving,
}

pub(super) struct Conn {
    pub(super) stream: Option<TcpStream>,
    /// TLS, WebSocket or both.
    pub(super) layer: Option<Box<Layer>>,
    /// The beginning of a frame whose rest has not come yet.
    pub(super) rest: Option<Box<[u8]>>,
    /// When it began to connect; also tells one life of a connection from the next.
    pub(super) since_ns: u64,
    pub(super) room: u32,
    /// Its number among this thread's senders, or [`SILENT`].
    pub(super) sender: u32,
    pub(super) phase: Phase,
    /// It has sent a PING that was not answered yet.
    pub(super) awaits_pong: bool,
    /// It has been in before.
    pub(super) returns: bool,
}

/// No sender.
pub(super) const SILENT: u32 = u32::MAX;
// mio knows more of a stream where assertions are on
#[cfg(not(debug_assertions))]
const _: () = assert!(size_of::<Conn>() <= 48, "a million of these must be nothing beside their sockets");

/// What a read brought.
pub(super) enum Got {
    Bytes(usize),
    NothingYet,
    End,
}

impl Conn {
    pub(super) fn new(room: u32, sender: u32) -> Self {
        Self {
            stream: None,
            layer: None,
            rest: None,
            since_ns: 0,
            room,
            sender,
            phase: Phase::Out,
            awaits_pong: false,
            returns: false,
        }
    }

    /// Begins to connect; the socket becomes writable once it has.
    /// `receive`: the kernel keeps so much of what is not read.
    pub(super) fn open(
        &mut self,
        to: SocketAddr,
        from: Option<Ipv4Addr>,
        receive: Option<usize>,
        now_ns: u64,
    ) -> io::Result<()> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(bytes) = receive {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(from) = from {
            longwire_sys::choose_port_late(&socket)?;
            socket.bind(&SocketAddr::from((from, 0)).into())?;
        }
        match socket.connect(&to.into()) {
            Err(err) if err.raw_os_error() != Some(EINPROGRESS) => return Err(err),
            Ok(()) | Err(_) => {}
        }
        self.stream = Some(TcpStream::from_std(socket.into()));
        self.phase = Phase::Connecting;
        self.since_ns = now_ns;
        self.awaits_pong = false;
        self.rest = None;
        self.layer = None;
        Ok(())
    }

    /// Closes it at once.
    pub(super) fn shut(&mut self) {
        self.stream = None;
        self.layer = None;
        self.rest = None;
        self.phase = Phase::Out;
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Got {
        let Some(stream) = &mut self.stream else { return Got::NothingYet };
        if let Some(layer) = &mut self.layer {
            return layer.read(stream, buffer);
        }
        loop {
            match stream.read(buffer) {
                Ok(0) => return Got::End,
                Ok(bytes) => return Got::Bytes(bytes),
                Err(err) if err.kind() == ErrorKind::WouldBlock => return Got::NothingYet,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Got::End,
            }
        }
    }

    /// Writes what the socket takes. An error is not told: the read that follows it ends.
    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        let Some(stream) = &mut self.stream else { return 0 };
        if let Some(layer) = &mut self.layer {
            return layer.write(stream, bytes);
        }
        let mut taken = 0;
        while taken < bytes.len() {
            match stream.write(&bytes[taken..]) {
                Ok(more) if more > 0 => taken += more,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => break,
            }
        }
        taken
    }
}

impl Conn {
    /// Writes what waits between it and its socket.
    pub(super) fn flush(&mut self) {
        if let (Some(layer), Some(stream)) = (&mut self.layer, &mut self.stream) {
            layer.flush(stream);
        }
    }

    /// Whether something waits there.
    pub(super) fn is_behind(&self) -> bool {
        self.layer.as_ref().is_some_and(|layer| layer.is_behind())
    }
}

/// What a connect answers that goes on by itself.
const EINPROGRESS: i32 = 115;

/// The source address of connection `number`: 127.0.1.1, 127.0.1.2 and so on, in turn; `None` where one is enough.
pub(super) fn source(number: usize, sources: usize, to: SocketAddr) -> Option<Ipv4Addr> {
    const A_BLOCK: usize = 250;
    if sources <= 1 || !matches!(to.ip(), IpAddr::V4(_)) {
        return None;
    }
    let at = number % sources;
    let (block, last) = (1 + at / A_BLOCK, 1 + at % A_BLOCK);
    Some(Ipv4Addr::new(127, (block / 256) as u8, (block % 256) as u8, last as u8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::SOURCES_MAX;
    use std::collections::BTreeSet;

    #[test]
    fn every_source_is_an_address_of_its_own_on_this_machine() {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        assert_eq!(source(7, 1, to), None);
        assert_eq!(source(0, 2, to), Some(Ipv4Addr::new(127, 0, 1, 1)));
        assert_eq!(source(3, 2, to), Some(Ipv4Addr::new(127, 0, 1, 2)));
        let all: BTreeSet<_> = (0..SOURCES_MAX).filter_map(|at| source(at, SOURCES_MAX, to)).collect();
        assert_eq!(all.len(), SOURCES_MAX);
        assert!(all.iter().all(|ip| ip.is_loopback() && ip.octets()[3] != 0 && ip.octets()[3] != 255));
    }
}
