//! When the kernel chooses a socket's port.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// A later bind to an address with port 0 only takes the address: the port is chosen by connect.
///
/// A port that bind chooses is taken from every other socket of that address, and connects of any address pass it over;
/// one that connect chooses can serve again for another destination. `IP_BIND_ADDRESS_NO_PORT`, Linux 4.2.
///
/// # Errors
/// What the kernel answers: the socket is none of IPv4 or IPv6.
pub fn choose_port_late(socket: &impl AsFd) -> io::Result<()> {
    let yes: libc::c_int = 1;
    let bytes = size_of::<libc::c_int>() as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the descriptor is borrowed, so it is open; the pointer is to a live c_int of the size that is stated, which
    // the call reads and does not keep.
    #[allow(unsafe_code, reason = "no safe wrapper in the standard library")]
    let answer = unsafe {
        libc::setsockopt(fd, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, (&raw const yes).cast(), bytes)
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    fn sockets_of_the_internet_take_it_and_others_do_not() {
        choose_port_late(&TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
        choose_port_late(&UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
        assert!(choose_port_late(&std::fs::File::open("/dev/null").unwrap()).is_err());
    }
}
