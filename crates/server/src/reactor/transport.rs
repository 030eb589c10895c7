//! How bytes travel between a connection and its shard. Rooms and sessions know nothing of it.
//!
//! Two floors, and a connection has at most one boxed [`Layer`](super::layer::Layer) for both of them:
//!
//! - The lower floor is a byte stream, [`Transport`]: a TCP socket, or TLS on one. The socket itself always stays in
//!   [`super::sockets`], by slot; a layer borrows it for the length of a call. So a plain connection is its descriptor
//!   and nothing else, and a newcomer that turns out to be plain just loses its layer.
//! - The upper floor is what is spoken on it: frames as they are, WebSocket messages around them ([`super::messages`]), or
//!   HTTP on its way to either. It is written once, over `impl Transport`, so `wss` is `ws` over TLS.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown};

use mio::net::TcpStream;

use crate::tls::Session;

/// A byte stream to one client. Never waits: a call that would is [`io::ErrorKind::WouldBlock`].
pub(crate) trait Transport {
    /// Bytes from the client, in clear; `Ok(0)`: it has ended its side. A stream that ends without TLS's own end is
    /// an end too: frames say themselves where they end. `Interrupted`: none so far, and there are more.
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

/// TLS, for the length of a call. Its handshake is done.
pub(crate) struct Secure<'a> {
    pub(crate) socket: &'a mut TcpStream,
    pub(crate) session: &'a mut Session,
}

impl Transport for Secure<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.session.read(self.socket, buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.session.write(self.socket, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.session.flush(self.socket)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.session.close(self.socket)?;
        Transport::shut_down(self.socket)
    }
}

/// The address at the other end of a socket.
pub(crate) fn peer(socket: &TcpStream) -> io::Result<IpAddr> {
    Ok(socket.peer_addr()?.ip())
}
