//! How bytes travel between a connection and its shard. Rooms and sessions know nothing of it.
//!
//! Two floors, and a connection has at most one boxed layer for both of them ([`super::layer`], to come):
//!
//! - The lower floor is a byte stream, [`Transport`]: a TCP socket, or TLS on one. The socket itself always stays in
//!   [`super::sockets`], by slot; a layer borrows it for the length of a call. So a plain connection is its descriptor
//!   and nothing else, and a newcomer that turns out to be plain just loses its layer.
//! - The upper floor is what is spoken on it: frames as they are, WebSocket messages around them, or HTTP on its way to
//!   either. It is written once, over `impl Transport`, so `wss` is `ws` over TLS.
//!
//! What TLS brings (`crate::tls`): a session that borrows the socket in each call and keeps nothing while idle but the
//! library's own state. `read` takes ciphertext into a buffer that all connections of the shard share, keeps only the
//! rest of a cut record, and goes on returning clear bytes it still has before it reads the socket again (an edge does
//! not come twice). The first byte was only peeked at, so the session reads its hello from the socket itself. A
//! handshake goes on in steps the reactor counts: one call, one flight, and whether it is done, failed (the alert is
//! sent) or waits. Deadlines and caps are the reactor's.
//!
//! What WebSocket brings (`crate::ws`): a reader that unmasks in place (`&mut [u8]` in; ranges or a shorter prefix of
//! clear payload out, with events between them: the end of a message, a ping's payload, a close, a violation with its
//! code), holds no payload itself, and writers for pong, close and an answer's header. Whether a message ends on a
//! frame's end, what a reader that blocks is owed, and the first message's reading are the reactor's. What HTTP brings
//! (`crate::http`): a head parsed from a slice (need more, request, refusal with its answer), and whole answers as bytes.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown};

use mio::net::TcpStream;

/// A byte stream to one client. Never waits: a call that would is [`io::ErrorKind::WouldBlock`].
pub(crate) trait Transport {
    /// Bytes from the client, in clear; `Ok(0)`: it has ended its side. A stream that ends without TLS's own end is
    /// an end too: frames say themselves where they end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Takes as many of `bytes` as there is room for. TLS takes a record's worth (16 KiB at most) and holds at most one
    /// record of ciphertext that the kernel did not take; while it holds any it takes nothing.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Hands what it holds to the kernel: nothing for a plain socket. `WouldBlock`: some is left, an edge will come.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Ends our side (TLS: says so first); what was written before still arrives.
    fn shut_down(&mut self) -> io::Result<()>;
}

impl Transport for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(self, buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        TcpStream::shutdown(self, Shutdown::Write)
    }
}

/// The address at the other end of a socket.
pub(crate) fn peer(socket: &TcpStream) -> io::Result<IpAddr> {
    Ok(socket.peer_addr()?.ip())
}
