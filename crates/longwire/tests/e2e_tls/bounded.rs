//! What TLS keeps for a connection counts against the bound on parts of frames, like these.

use super::pair::{Pair, showing};
use crate::common::{Uninterrupted, WAIT_MAX};
use rustls::version::{TLS12, TLS13};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

/// 700 halves of a record, of 16 KiB each, would be 11 MiB.
const CLIENTS: usize = 700;
/// The header of a record of 16,401 bytes, and most of them.
const HALF: usize = 16_000;

/// An eighth of `limits.memory_max`, which is 64 MiB here: those who have held a part longest make room.
#[test]
fn cut_records_keep_to_the_bound_of_cut_frames() {
    longwire_sys::raise_open_files().expect("a process may raise its soft limit");
    let pair = Pair::new();
    let plan = showing(&[&pair]).set("limits.memory_max", "64MiB").set("fanout.rings_max", "16MiB");
    let plan = plan.set("wire.timeouts.login_start", "10m"); // no deadline closes them
    let server = plan.set("fanout.pinned_max", "4MiB").set("drain.spread", "0s").start();
    let mut bystander = server.guest();
    let half = [&[23, 3, 3, 0x40, 0x11][..], &[7; HALF]].concat();
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|at| {
            let mut tls = pair.client([&TLS12, &TLS13][at % 2]);
            let mut socket = TcpStream::connect(server.address()).expect("the server accepts");
            socket.set_read_timeout(Some(WAIT_MAX)).expect("a read timeout");
            while tls.is_handshaking() || tls.wants_write() {
                tls.complete_io(&mut socket).expect("a handshake");
            }
            socket.write_all(&half).expect("the kernel takes it");
            bystander.ping();
            socket
        })
        .collect();
    for socket in &mut clients[..10] {
        assert!(ends(socket), "the first holders are closed");
    }
    bystander.ping();
    server.guest().ping();
    drop(clients);
    server.stop();
}

fn ends(socket: &mut TcpStream) -> bool {
    let mut chunk = [0; 4096];
    loop {
        match Uninterrupted(&mut *socket).read(&mut chunk) {
            Ok(0) => return true,
            Ok(_) => {} // tickets, and words of an end
            Err(err) => return err.kind() == ErrorKind::ConnectionReset,
        }
    }
}
