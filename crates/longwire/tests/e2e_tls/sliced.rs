//! Handshakes cost a thousand times what a frame costs: they may not stand in its way. Told by counts, not by clocks.

use super::hostile::hello;
use super::pair::{Pair, showing};
use crate::common::{Uninterrupted, WAIT_MAX};
use rustls::version::TLS13;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

const CROWD: usize = 400;

/// A bystander's PONG comes before most of a crowd's hellos, which were all there before its PING.
#[test]
fn a_pong_passes_a_crowd_that_shakes_hands() {
    let pair = Pair::new();
    let server = showing(&[&pair]).start();
    let mut bystander = server.guest();
    let hello = hello();
    let mut crowd: Vec<_> = (0..CROWD).map(|_| stream(server.address())).collect();
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

/// With the only place taken, whoever waits for it does not stand before the one who would give it back.
#[test]
fn a_handshake_under_way_is_not_held_up_by_who_waits_for_a_place() {
    let pair = Pair::new();
    let server = showing(&[&pair]).set("limits.handshakes_max", "1").start();
    let mut bystander = server.guest();
    // a machine that is busy for a second has the server give its place to the other: once more, then
    let came_through = (0..20).any(|_| {
        let (mut tls, mut socket) = (pair.client(&TLS13), stream(server.address()));
        tls.write_tls(&mut socket).expect("a hello");
        while tls.is_handshaking() {
            tls.read_tls(&mut Uninterrupted(&socket)).expect("the server's flight");
            tls.process_new_packets().expect("a good one");
        }
        let mut waiting = stream(server.address());
        waiting.write_all(&hello()).expect("the kernel takes it");
        (0..2).for_each(|_| bystander.ping()); // it stands in line
        while tls.wants_write() {
            tls.write_tls(&mut socket).expect("the last flight");
        }
        // the place is free: the other has it, and is answered
        waiting.read_exact(&mut [0; 5]).expect("an answer");
        !has_ended(&socket)
    });
    assert!(came_through, "the one that had the place was closed for the other, twenty times");
    server.stop();
}

/// At the cap a newcomer makes one old handshake go, not as many as a turn has steps.
#[test]
fn a_newcomer_at_the_cap_costs_one_old_handshake_its_place() {
    const PLACES: usize = 6;
    let pair = Pair::new();
    let server =
        showing(&[&pair]).set("limits.handshakes_max", "6").set("tls.handshake_timeout", "1m").start();
    let old: Vec<_> = (0..PLACES)
        .map(|_| {
            let mut stream = stream(server.address());
            stream.write_all(&hello()).expect("the kernel takes it");
            stream.read_exact(&mut [0; 5]).expect("it has a place");
            stream
        })
        .collect();
    let mut newcomer = super::openssl::through(server.address(), &pair, &["-tls1_3"]);
    newcomer.raw.log_in_as_guest();
    (0..2).for_each(|_| newcomer.raw.ping()); // whoever was closed for it has heard of it
    assert_eq!(old.iter().filter(|stream| has_ended(stream)).count(), 1);
    server.stop();
}

fn stream(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).expect("the server accepts");
    stream.set_read_timeout(Some(WAIT_MAX)).expect("a read timeout");
    stream
}

/// Whether the server has closed, what it sent before read or not.
fn has_ended(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    let mut chunk = [0; 4096];
    loop {
        match (&mut &*stream).read(&mut chunk) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(err) => return err.kind() != ErrorKind::WouldBlock,
        }
    }
}
