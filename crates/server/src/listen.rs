//! Binding the listeners: one a shard for every address, all on the same port.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpListener;
use socket2::{Domain, Protocol, Socket, Type};

/// How many connections the kernel keeps until they are accepted. Its own limit (`net.core.somaxconn`, 4,096 by default)
/// is lower on most machines: who raises it for a storm needs no second place to raise.
const BACKLOG: i32 = 65_535;

/// An address that could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {cause}{}", hint(.cause))]
pub struct ListenError {
    /// The address of `server.listen`.
    pub address: SocketAddr,
    /// What the kernel says.
    pub cause: io::Error,
}

fn hint(err: &io::Error) -> &'static str {
    match err.kind() {
        io::ErrorKind::AddrInUse => " (another process has this port; port 0 takes any free one)",
        io::ErrorKind::PermissionDenied => " (ports below 1024 need a privilege)",
        io::ErrorKind::AddrNotAvailable => " (this machine has no such address)",
        _ => "",
    }
}

/// Ports that the kernel chose: while this is there it gives them to nobody else.
pub(crate) struct Chosen {
    _sockets: Vec<Socket>,
}

/// The addresses themselves, with the ports that are free.
///
/// With `SO_REUSEPORT` two servers would share a port in silence, so each is bound once without it. Where the kernel chose
/// the port, it is to be kept until it is listened on, or another server that starts meanwhile may be given the same one.
pub(crate) fn probe(
    addresses: impl Iterator<Item = SocketAddr>,
) -> Result<(Vec<SocketAddr>, Chosen), ListenError> {
    let mut sockets = Vec::new();
    let mut probe_one = |address: SocketAddr| {
        let probe = socket(address, false)?;
        let bound = probe.local_addr()?.as_socket().unwrap_or(address);
        if address.port() == 0 {
            sockets.push(probe);
        }
        Ok(bound)
    };
    let mut probed = |address| probe_one(address).map_err(|cause| ListenError { address, cause });
    let bound = addresses.map(&mut probed).collect::<Result<_, _>>()?;
    Ok((bound, Chosen { _sockets: sockets }))
}

/// One of the listeners on an address that was probed.
pub(crate) fn listener(address: SocketAddr, send_buffer: usize) -> Result<TcpListener, ListenError> {
    listen(address, send_buffer).map_err(|cause| ListenError { address, cause })
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?; // what the address says, and nothing more
    }
    socket.set_reuse_address(true)?; // a restart finds its port although old connections linger
    socket.set_reuse_port(shared)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// What connections inherit from their listener is set here once: the send buffer's bound, no delay.
fn listen(address: SocketAddr, send_buffer: usize) -> io::Result<TcpListener> {
    let socket = socket(address, true)?;
    socket.set_send_buffer_size(send_buffer)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_somebody_has_is_refused_in_one_line() {
        let address = "127.0.0.1:0".parse().unwrap();
        let bound = probe([address].into_iter()).unwrap().0[0];
        let _listeners = [listener(bound, 64 << 10).unwrap(), listener(bound, 64 << 10).unwrap()];
        let err = probe([bound].into_iter()).err().unwrap().to_string();
        assert!(err.contains(&bound.to_string()) && err.contains("another process has this port"), "{err}");
    }

    /// So many that the kernel would give some port twice, were it free again between two of them.
    #[test]
    fn ports_that_the_kernel_chooses_are_different_ones() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let servers = [(); 2].map(|()| probe([any; 500].into_iter()).unwrap());
        let addresses = servers.iter().flat_map(|(addresses, _)| addresses);
        let mut ports: Vec<_> = addresses.clone().map(SocketAddr::port).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 1000);
        let listeners = addresses.map(|address| listener(*address, 64 << 10));
        assert!(listeners.collect::<Result<Vec<_>, _>>().is_ok(), "and who has them may listen on them");
    }
}
