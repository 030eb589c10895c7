//! Handshakes cost a thousand times what a frame costs: they may not stand in its way. Told by counts, not by clocks.

use super::hostile::hello;
use super::pair::{Pair, showing};
use crate::common::WAIT_MAX;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

const CROWD: usize = 400;

/// A bystander's PONG comes before most of a crowd's hellos, which were all there before its PING.
#[test]
fn a_pong_passes_a_crowd_that_shakes_hands() {
    let pair = Pair::new();
    let server = showing(&[&pair]).start();
    let mut bystander = server.guest();
    let hello = hello();
    let mut crowd: Vec<_> = (0..CROWD)
        .map(|_| {
            let stream = TcpStream::connect(server.address()).expect("the server accepts");
            stream.set_read_timeout(Some(WAIT_MAX)).expect("a read timeout");
            stream
        })
        .collect();
    for _ in 0..3 {
        bystander.ping(); // they are all let in
    }
    server.signal("STOP"); // so that all of it waits for the server at once
    crowd.iter_mut().for_each(|stream| stream.write_all(&hello).expect("the kernel takes it"));
    let seq = bystander.ask(crate::common::bytes::PING, Vec::new());
    server.signal("CONT");
    assert_eq!(bystander.answer(crate::common::bytes::PONG, seq), 0);
    let served = crowd.iter().filter(|stream| has_bytes(stream)).count();
    assert!(served < CROWD / 2, "{served} of {CROWD} hellos were answered before one PING");
    for stream in &mut crowd {
        let mut record = [0; 5];
        stream.read_exact(&mut record).expect("everybody has a turn");
        assert_eq!(record[..3], [22, 3, 3], "a wish for a share of a key");
    }
}

fn has_bytes(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).expect("a socket");
    match peeked {
        Ok(bytes) => bytes > 0,
        Err(err) => err.kind() != ErrorKind::WouldBlock,
    }
}

/// With one place for handshakes, clients that never end theirs delay an honest one by their deadline at most.
#[test]
fn handshakes_at_the_cap_wait_for_their_turn() {
    let pair = Pair::new();
    let server =
        showing(&[&pair]).set("limits.handshakes_max", "1").set("tls.handshake_timeout", "500ms").start();
    let stalled: Vec<_> = (0..3)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address()).expect("the server accepts");
            stream.write_all(&hello()).expect("the kernel takes it");
            stream
        })
        .collect();
    let served = (0..20).any(|_| {
        let mut honest = super::openssl::through(server.address(), &pair, &["-tls1_3"]);
        honest.raw.is_served_as_guest()
    });
    assert!(served, "the stalled ones ended, and one of twenty attempts came through");
    drop(stalled);
    server.stop();
}
