//! What a session costs: allocations of a record, and bytes while idle.

use super::*;
use crate::config::Transports;
use crate::reactor::{Layer, Layers};
use allocation_counter::measure;
use rustls::server::{ServerConnection, UnbufferedServerConnection};
use rustls::unbuffered::ConnectionState;

/// Bytes of ours that an idle session may have above what the library takes by itself.
const OURS_MAX: u64 = 256;
const SESSIONS: u32 = 200;

/// The library makes one buffer a record; nothing of ours is made, whatever the record's size.
#[test]
fn a_record_costs_one_allocation_of_the_library_and_none_of_ours() {
    for versions in [TLS12, TLS13] {
        let mut talk = Party::of(versions).connected();
        talk.socket.outbox.reserve(1 << 20); // the kernel's, in real life
        for size in [1, 100, 16_384] {
            let bytes = vec![2; size];
            talk.server_says(&bytes); // once before: what is made once is not a record's
            let cost = measure(|| (0..10).for_each(|_| talk.server_says(&bytes)));
            let library = measure(|| library_alone(&mut talk, &bytes));
            assert_eq!(library.count_total, 1, "what the library does by itself");
            assert_eq!((cost.count_total, cost.bytes_current), (10, 0), "{size} bytes");
        }
    }
}

fn library_alone(talk: &mut Conversation, body: &[u8]) {
    thread_local! {
        static ROOM: std::cell::RefCell<[u8; 17_000]> = const { std::cell::RefCell::new([0; 17_000]) };
    }
    ROOM.with_borrow_mut(|room| talk.server.seal_for_test(body, room));
}

/// A bare session of the library that has read and written a record, and is left alone: all that is above it is ours.
fn bare(party: &Party) -> Box<UnbufferedServerConnection> {
    let mut client =
        ClientConnection::new(Arc::clone(&party.client), ServerName::try_from("localhost").unwrap()).unwrap();
    let mut server = Box::new(UnbufferedServerConnection::new(party.tls.server_for_test()).unwrap());
    let (mut inbox, mut outbox) = (Vec::new(), vec![0; 1 << 16]);
    for _ in 0..4 {
        while client.wants_write() {
            client.write_tls(&mut inbox).unwrap();
        }
        let (mut used, mut sent) = (0, 0);
        loop {
            let status = server.process_tls_records(&mut inbox[used..]);
            used += status.discard;
            match status.state.unwrap() {
                ConnectionState::EncodeTlsData(mut data) => sent += data.encode(&mut outbox[sent..]).unwrap(),
                ConnectionState::TransmitTlsData(data) => data.done(),
                _ => break,
            }
        }
        inbox.drain(..used);
        let mut sent = &outbox[..sent];
        while !sent.is_empty() {
            client.read_tls(&mut sent).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    assert!(!server.is_handshaking());
    client.writer().write_all(b"x").unwrap();
    client.write_tls(&mut inbox).unwrap();
    match server.process_tls_records(&mut inbox).state.unwrap() {
        ConnectionState::ReadTraffic(mut traffic) => drop(traffic.next_record().unwrap().unwrap()),
        other => panic!("{other:?}"),
    }
    match server.process_tls_records(&mut []).state.unwrap() {
        ConnectionState::WriteTraffic(mut traffic) => drop(traffic.encrypt(b"x", &mut outbox).unwrap()),
        other => panic!("{other:?}"),
    }
    server
}

/// What the library's other way would take, with buffers of its own: for comparison alone.
fn buffered(party: &Party) -> Box<ServerConnection> {
    let mut client =
        ClientConnection::new(Arc::clone(&party.client), ServerName::try_from("localhost").unwrap()).unwrap();
    let mut server = Box::new(ServerConnection::new(party.tls.server_for_test()).unwrap());
    for _ in 0..4 {
        let mut pipe = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut pipe).unwrap();
        }
        let mut sent = pipe.as_slice();
        while !sent.is_empty() {
            server.read_tls(&mut sent).unwrap();
            server.process_new_packets().unwrap();
        }
        let mut pipe = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut pipe).unwrap();
        }
        let mut sent = pipe.as_slice();
        while !sent.is_empty() {
            client.read_tls(&mut sent).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    assert!(!server.is_handshaking());
    server
}

/// Ours, with the reactor's layer around it, and a life behind it: it has read, written and been blocked.
fn ours(party: &Party) -> Box<Layer> {
    let mut talk = party.connected();
    talk.client_says(&[1; 20_000]);
    talk.server_hears(1000);
    talk.socket.room = 10;
    let sent = talk.server.write(&mut talk.socket, &[2; 10_000]).unwrap();
    talk.socket.room = usize::MAX;
    talk.server_says(&[2; 10_000][sent..]);
    talk.client_says(b"x");
    talk.server_hears(1000);
    let tls_alone = Transports { tls: true, ..Transports::default() };
    let mut layer = Layer::of_newcomer(tls_alone, false).unwrap();
    layer.begin_tls(talk.server);
    layer.end_handshake();
    layer
}

/// Bytes of the heap that a session of `make` costs, with its place where `keep` puts it: of `SESSIONS` the average.
fn idle_bytes<T>(make: impl Fn() -> T, mut keep: impl FnMut(u32, T)) -> u64 {
    drop(make()); // what is made once is nobody's
    let before = longwire_sys::heap_bytes_in_use();
    (0..SESSIONS).for_each(|at| keep(at, make()));
    let after = longwire_sys::heap_bytes_in_use();
    (after - before) / u64::from(SESSIONS)
}

fn room<T>() -> Vec<T> {
    Vec::with_capacity(SESSIONS as usize)
}

/// The whole heap of a process, so it runs in one of its own: this test starts itself again, alone.
#[test]
fn an_idle_session_has_at_most_256_bytes_of_ours() {
    let this = std::env::current_exe().unwrap();
    let mut command = std::process::Command::new(this);
    let name = "tls::tests::cost::idle_bytes_of_a_quiet_process";
    command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "started by an_idle_session_has_at_most_256_bytes_of_ours, in a process of its own"]
fn idle_bytes_of_a_quiet_process() {
    for (versions, name) in [(TLS12, "1.2"), (TLS13, "1.3")] {
        let party = Party::of(versions);
        let (mut bares, mut layers, mut buffereds) = (room(), Layers::default(), room());
        let library = idle_bytes(|| bare(&party), |_, session| bares.push(session));
        let all = idle_bytes(|| ours(&party), |at, layer| layers.put(at, layer));
        let buffered = idle_bytes(|| buffered(&party), |_, session| buffereds.push(session));
        println!(
            "TLS {name}, idle: a bare session {library} B, ours {all} B, with the library's buffers {buffered} B"
        );
        assert!(all <= library + OURS_MAX, "{all} B, the library alone {library} B");
    }
}
