//! How bytes travel between a connection and its shard. Rooms and sessions know nothing of it.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown};

use mio::event::Source;
use mio::net::TcpStream;

/// A byte stream to one client. Never waits: a call that would is [`io::ErrorKind::WouldBlock`].
///
/// Plain TCP is the only one so far; TLS and WebSocket take their place beside it.
pub(crate) trait Transport: Source {
    /// Bytes from the client; `Ok(0)`: it has ended its side.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Takes as many of `bytes` as the kernel has room for.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// The client's address.
    fn peer(&self) -> io::Result<IpAddr>;
    /// Ends our side; what was written before still arrives.
    fn shut_down(&mut self) -> io::Result<()>;
}

impl Transport for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(self, buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn peer(&self) -> io::Result<IpAddr> {
        Ok(self.peer_addr()?.ip())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        TcpStream::shutdown(self, Shutdown::Write)
    }
}
