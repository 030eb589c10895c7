//! Handshakes that come byte by byte, that are cut, or that somebody has tampered with: all that they took is given back.

use super::knock::{Certified, all_is_given_back, connect, end_of_sending, hello, is_served, rest, session};
use crate::common::raw::Raw;
use crate::common::server::Server;
use crate::common::{Uninterrupted, on_one_and_four_shards};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned, version};
use std::io::{Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

on_one_and_four_shards!(
    a_session_may_come_byte_by_byte,
    a_handshake_that_is_cut_anywhere_gives_everything_back,
    who_goes_within_a_beginning_is_gone_at_once,
    hellos_that_were_tampered_with_harm_nobody,
    strangers_come_and_go_and_leave_nothing,
);

/// A socket that sends a byte at a time.
struct Dribble(TcpStream);

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        Uninterrupted(&self.0).read(buffer)
    }
}

impl Write for Dribble {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.write(&bytes[..bytes.len().min(1)])
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

fn a_session_may_come_byte_by_byte(shards: u32) {
    let certified = Certified::new();
    let server = certified.plan(shards).start();
    let mut bystander = server.guest();
    for version in [&version::TLS12, &version::TLS13] {
        let name = ServerName::try_from("localhost").expect("a good name");
        let client = ClientConnection::new(certified.client(version), name).expect("a client");
        let mut stream = StreamOwned::new(client, Dribble(connect(server.address())));
        assert!(is_served(&mut stream), "{version:?}");
        bystander.ping();
    }
    server.stop();
}

/// How a stranger takes leave.
#[derive(Clone, Copy, Debug)]
enum Leave {
    /// It says that it has said everything.
    InOrder,
    /// It is gone.
    AtOnce,
    /// It never says anything again.
    Never,
}

/// After which of the client's flights, and whether all of that one was sent, then how.
fn cuts() -> impl Iterator<Item = (u8, bool, Leave)> {
    let flights = [(1, false), (1, true), (2, false), (2, true)];
    let leaves = [Leave::InOrder, Leave::AtOnce, Leave::Never];
    flights.into_iter().flat_map(move |(flight, whole)| leaves.map(|leave| (flight, whole, leave)))
}

/// Shakes hands up to a cut. Both versions have two flights of the client's, with one of the server's between them.
fn shake(address: SocketAddr, config: &Arc<ClientConfig>, last: u8, whole: bool) -> TcpStream {
    let mut stream = connect(address);
    let name = ServerName::try_from("localhost").expect("a good name");
    let mut client = ClientConnection::new(Arc::clone(config), name).expect("a client");
    for flight in 1..=last {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).expect("memory takes it");
        }
        let end = if flight == last && !whole { bytes.len() / 2 } else { bytes.len() };
        stream.write_all(&bytes[..end]).expect("the server takes it");
        while flight < last && !client.wants_write() {
            assert!(client.read_tls(&mut Uninterrupted(&stream)).expect("the server goes on") > 0);
            client.process_new_packets().expect("an honest server");
        }
    }
    stream
}

fn a_handshake_that_is_cut_anywhere_gives_everything_back(shards: u32) {
    let certified = Certified::new();
    // as many places as one version's cuts may take at once: what is lost of them would be missed by those that follow
    let plan = certified.plan(shards).set("limits.handshakes_max", "12").set("tls.handshake_timeout", "2s");
    let server = plan.set("wire.timeouts.login_start", "2s").start();
    let mut bystander = server.guest();
    let files = server.open_files();
    for version in [&version::TLS12, &version::TLS13, &version::TLS12, &version::TLS13] {
        let config = certified.client(version);
        std::thread::scope(|scope| {
            for (flight, whole, leave) in cuts() {
                let (address, config) = (server.address(), &config);
                scope.spawn(move || {
                    let mut stream = shake(address, config, flight, whole);
                    match leave {
                        Leave::AtOnce => return,
                        Leave::InOrder => end_of_sending(&stream),
                        Leave::Never => {}
                    }
                    rest(&mut stream); // the end must come, whatever comes before it
                });
            }
        });
        bystander.ping();
    }
    all_is_given_back(&server, &mut bystander, files);
    let config = certified.client(&version::TLS13);
    let honest = (0..24).map(|_| {
        let mut session = session(connect(server.address()), &config);
        assert!(is_served(&mut session), "every place is free again");
        session
    });
    drop(honest.collect::<Vec<_>>()); // all of them at once
    bystander.ping();
    server.stop();
}

/// Not at a deadline, which is far away.
fn who_goes_within_a_beginning_is_gone_at_once(shards: u32) {
    let certified = Certified::new();
    let hello = hello(&certified.client(&version::TLS13));
    let plan = certified.plan(shards).set("tls.handshake_timeout", "60s");
    let listener = r#"[{ address = "127.0.0.1:0", proxy_from = ["127.0.0.0/8"] }]"#;
    let server = plan.set("wire.timeouts.login_start", "10m").set("listener", listener).start();
    let mut bystander = server.guest();
    let (open, proxied) = (server.ports()[0], server.ports()[1]);
    let files = server.open_files();
    let beginnings: [(SocketAddr, &[u8]); 9] = [
        (open, b""),
        (open, b"\0\0"),
        (open, &hello[..1]),
        (open, &hello[..hello.len() - 1]),
        (open, b"G"),
        (open, b"GET /ws HTTP/1.1\r\nUpgrade: "),
        (proxied, b""),
        (proxied, b"PROXY TCP4 10.1"),
        (proxied, b"\r\n\r\n\0\r\nQUIT\n\x21"),
    ];
    for (address, beginning) in beginnings {
        let mut stream = connect(address);
        stream.write_all(beginning).expect("the server takes it");
        bystander.ping(); // it is looked at before it ends, or together with its end: both come about
        end_of_sending(&stream);
        let answer = rest(&mut stream);
        assert!(answer.is_empty(), "{:?}: {answer:02x?}", beginning.escape_ascii().to_string());
        let mut stream = connect(address);
        stream.write_all(beginning).expect("the server takes it");
        end_of_sending(&stream);
        assert!(rest(&mut stream).is_empty());
    }
    all_is_given_back(&server, &mut bystander, files);
    server.stop();
}

/// Bytes changed, cut out, put in, doubled. What comes is an alert, a flight of the server's, or nothing.
fn hellos_that_were_tampered_with_harm_nobody(shards: u32) {
    const ROUNDS: usize = 400;
    const WORKERS: usize = 8;
    let certified = Certified::new();
    let server = certified.plan(shards).set("tls.handshake_timeout", "300ms").start();
    let mut bystander = server.guest();
    let files = server.open_files();
    let config = certified.client(&version::TLS13);
    let seed = std::time::UNIX_EPOCH.elapsed().expect("after 1970").subsec_nanos().into();
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let tampered: Vec<_> = (0..ROUNDS).map(|_| tamper(hello(&config), &mut random)).collect();
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (tampered, address) = (&tampered, server.address());
            scope.spawn(move || {
                for bytes in tampered.iter().skip(worker).step_by(WORKERS) {
                    let mut stream = connect(address);
                    let _ = stream.write_all(bytes); // it may be refused before it has ended
                    let heard = rest(&mut stream);
                    let is_record = matches!(heard[..], [] | [21 | 22, 3, ..]);
                    assert!(is_record || bytes[0] != 22, "{heard:02x?} to {bytes:02x?}");
                }
            });
        }
        for _ in 0..50 {
            bystander.ping();
        }
    });
    all_is_given_back(&server, &mut bystander, files);
    assert!(is_served(&mut session(connect(server.address()), &config)));
    server.stop();
}

fn tamper(mut bytes: Vec<u8>, random: &mut fastrand::Rng) -> Vec<u8> {
    for _ in 0..random.usize(1..4) {
        let at = random.usize(0..bytes.len());
        match random.u8(0..5) {
            0 => bytes[at] = random.u8(..),
            1 => bytes[at] ^= 1 << random.u8(0..8),
            2 => {
                bytes.remove(at);
            }
            3 => bytes.insert(at, random.u8(..)),
            _ => bytes.extend_from_within(at..),
        }
    }
    bytes
}

/// A thousand of each kind.
fn strangers_come_and_go_and_leave_nothing(shards: u32) {
    const EACH: usize = 1_000;
    let certified = Certified::new();
    let hello = hello(&certified.client(&version::TLS13));
    // few places, so that what is under way at the worst moment is no memory to speak of
    let server = certified.plan(shards).set("limits.handshakes_max", "16").start();
    let mut bystander = server.guest();
    let beginnings: [&[u8]; 5] = [b"", &hello[..40], &hello, b"GET / HT", b"\0"];
    come_and_go(&server, &beginnings, EACH, &mut bystander); // tables and pools have their size then
    let (files, resident) = (server.open_files(), server.resident_kib());
    come_and_go(&server, &beginnings, EACH, &mut bystander);
    all_is_given_back(&server, &mut bystander, files);
    let grown = server.resident_kib().saturating_sub(resident);
    assert!(grown < 2 * 1024, "{grown} KiB are left of {} strangers", EACH * beginnings.len());
    server.stop();
}

fn come_and_go(server: &Server, beginnings: &[&[u8]], each: usize, bystander: &mut Raw) {
    for round in 0..each {
        for beginning in beginnings {
            let mut stream = connect(server.address());
            stream.write_all(beginning).expect("the server takes it");
        }
        if round % 20 == 0 {
            bystander.ping();
        }
    }
    bystander.ping();
}
