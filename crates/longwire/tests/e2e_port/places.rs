//! `limits.handshakes_max`: at the cap a newcomer waits, and the handshake that has been under way longest makes room.
//! Who has not said its hello takes no place.

use super::knock::{Certified, connect, hello, is_open, is_served, rest, session};
use crate::common::Uninterrupted;
use rustls::version;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// One whose handshake is under way, and will never end: it has its place, for the server's flight has come.
fn stalled(address: SocketAddr, hello: &[u8]) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(hello).expect("the server takes it");
    read_record(&mut stream);
    stream
}

/// Reads all of the server's flight.
fn read_record(stream: &mut TcpStream) {
    let mut chunk = [0; 16 * 1024];
    let bytes = Uninterrupted(stream).read(&mut chunk).expect("the server's flight");
    assert_eq!(chunk[..3], [22, 3, 3], "{:02x?}", &chunk[..bytes]);
}

/// Each shard has a line of its own, so it is one shard that is looked at.
#[test]
fn at_the_cap_the_oldest_handshake_makes_room_and_no_other() {
    let certified = Certified::new();
    let plan = certified.plan(1).set("limits.handshakes_max", "2").set("tls.handshake_timeout", "60s");
    let server = plan.set("wire.timeouts.idle", "2m").start();
    let config = certified.client(&version::TLS13);
    let hello = hello(&config);
    let mut bystander = server.guest();
    let [mut oldest, mut younger] = [(); 2].map(|()| stalled(server.address(), &hello));
    for _ in 0..3 {
        let mut next = connect(server.address());
        next.write_all(&hello).expect("the server takes it");
        bystander.ping();
        rest(&mut oldest); // closed long before its deadline
        read_record(&mut next);
        bystander.ping();
        assert!(is_open(&younger), "it has its place still");
        (oldest, younger) = (younger, next);
    }
    drop((oldest, younger));
    assert!(is_served(&mut session(connect(server.address()), &config)));
    bystander.ping();
    server.stop();
}

/// However many records it is cut into: the only place is taken by who has all of a hello.
#[test]
fn a_hello_that_dribbles_in_takes_no_place() {
    let certified = Certified::new();
    let plan = certified.plan(1).set("limits.handshakes_max", "1").set("tls.handshake_timeout", "60s");
    let server = plan.set("wire.timeouts.idle", "2m").start();
    let config = certified.client(&version::TLS13);
    let mut bystander = server.guest();
    let tiny: Vec<u8> = hello(&config)[5..].iter().flat_map(|byte| [0x16, 3, 1, 0, 1, *byte]).collect();
    for left in [1, 2, 6, tiny.len() - 6, tiny.len() - 30] {
        let mut dribbling = connect(server.address());
        let (first, last) = tiny.split_at(tiny.len() - left);
        dribbling.write_all(first).expect("the server takes it");
        bystander.ping();
        let mut other = session(connect(server.address()), &config);
        assert!(is_served(&mut other) && is_open(&dribbling), "{left} bytes are missing");
        dribbling.write_all(last).expect("it is still there");
        read_record(&mut dribbling);
    }
    server.stop();
}
