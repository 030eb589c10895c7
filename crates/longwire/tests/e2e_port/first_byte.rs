//! Every first byte at every setting of a listener, as proto/first-bytes.txt has it: one connection each.

use super::knock::{Certified, connect, hello, is_served, login, rest_in_time, session};
use super::table::{Spoken, outcome, spoken};
use crate::common::server::{Plan, Server};
use rustls::{ClientConfig, version};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

/// Connections at once.
const WORKERS: usize = 4;
/// Nobody who is awaited is closed by a deadline: whatever closes here closes because of the byte.
const PATIENCE: [(&str, &str); 3] =
    [("tls.handshake_timeout", "60s"), ("wire.timeouts.login_start", "10m"), ("wire.timeouts.login", "10m")];
/// A proxy's headers, in both versions: they say nothing of the client.
const LINE: &[u8] = b"PROXY UNKNOWN\r\n";
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
/// Bytes on both sides of each border of the table.
const BORDERS: [u8; 10] = [0x00, 0x01, 0x15, 0x16, 0x17, 0x40, 0x41, 0x5a, 0x5b, 0xff];

/// One port.
struct Door {
    place: &'static str,
    spoken: Spoken,
    address: SocketAddr,
}

#[test]
fn every_first_byte_at_every_listener_without_a_certificate() {
    //= PROTOCOL.md#1.7
    // 0x00 frames, 0x16 TLS, `A` to `Z` HTTP; anything else, and whatever is not served at that port: without a byte.
    let certified = Certified::new();
    walk(Server::of(2), false, &certified.client(&version::TLS13));
}

#[test]
fn every_first_byte_at_every_listener_with_a_certificate() {
    //= PROTOCOL.md#1.7
    // The same, where there is TLS.
    let certified = Certified::new();
    let plan = certified.plan(2).set("server.transports", "[]");
    walk(plan, true, &certified.client(&version::TLS13));
}

#[test]
fn every_first_byte_in_a_session() {
    let certified = Certified::new();
    let client = certified.client(&version::TLS13);
    let settings: Vec<_> =
        Spoken::all().filter(|named| speaks_tls(*named)).map(|named| (named, "open")).collect();
    let plan = certified.plan(2).set("server.transports", "[]").set("listener", &listeners(&settings));
    let server = patient(plan).start();
    let mut cases = Vec::new();
    for (place, (named, address)) in doors(&server, &settings) {
        let is_pure = !named.has("tcp") && !named.has("ws");
        let bytes: Vec<u8> = if is_pure { (0..=255).collect() } else { BORDERS.to_vec() };
        assert_eq!(place, "open");
        cases.extend(
            bytes
                .into_iter()
                .map(|byte| (Door { place: "inside", spoken: spoken(named, true), address }, byte)),
        );
    }
    side_by_side(&cases, |(door, byte)| knock(door, *byte, &client));
    server.stop();
}

#[test]
fn where_nothing_would_be_spoken_it_does_not_start() {
    let silent: Vec<_> = Spoken::all().filter(|named| spoken(*named, false).names().is_empty()).collect();
    assert_eq!(silent.len(), 3, "TLS alone, without a certificate");
    for named in silent {
        let mut server = Server::of(1).set("server.transports", &format!("{:?}", named.names())).spawn();
        server.line_with("nothing is spoken on");
        assert_eq!(server.wait().code(), Some(1), "{}", named.cell());
    }
}

fn speaks_tls(named: Spoken) -> bool {
    let spoken = spoken(named, true);
    spoken.has("tls") || spoken.has("wss")
}

fn patient(plan: Plan) -> Plan {
    PATIENCE.iter().fold(plan.set("drain.spread", "0s"), |plan, (key, value)| plan.set(key, value))
}

/// Every setting with every place, as `listener` has them; and where they are.
fn listeners(settings: &[(Spoken, &'static str)]) -> String {
    let listener = |(named, place): &(Spoken, &str)| {
        let peers = match *place {
            "open" => "",
            "stranger" => "\"10.9.8.7\"",
            _ => "\"127.0.0.0/8\"",
        };
        format!("{{ address = \"127.0.0.1:0\", transports = {:?}, proxy_from = [{peers}] }}", named.names())
    };
    format!("[{}]", settings.iter().map(listener).collect::<Vec<_>>().join(", "))
}

fn doors<'a>(
    server: &'a Server,
    settings: &'a [(Spoken, &'static str)],
) -> impl Iterator<Item = (&'static str, (Spoken, SocketAddr))> {
    assert_eq!(server.ports().len(), settings.len() + 1, "server.listen is the first");
    settings.iter().zip(&server.ports()[1..]).map(|((named, place), address)| (*place, (*named, *address)))
}

fn walk(plan: Plan, has_certificate: bool, client: &Arc<ClientConfig>) {
    let named = Spoken::all().filter(|named| !spoken(*named, has_certificate).names().is_empty());
    let settings: Vec<_> =
        named.flat_map(|named| ["open", "stranger", "proxy"].map(|place| (named, place))).collect();
    let server = patient(plan).set("listener", &listeners(&settings)).start();
    let mut cases = Vec::new();
    let mut said = vec![spoken(Spoken([false; 4]), has_certificate).cell()];
    for (place, (named, address)) in doors(&server, &settings) {
        let spoken = spoken(named, has_certificate);
        said.push(spoken.cell());
        let places = if place == "proxy" { vec!["proxy", "behind"] } else { vec![place] };
        for place in places {
            cases.extend((0..=255).map(|byte| (Door { place, spoken, address }, byte)));
        }
    }
    let line = format!("\"transports\":\"{}\"", said.join(" "));
    assert!(server.log().iter().any(|said| said.contains(&line)), "{line} is not in {:?}", server.log());
    side_by_side(&cases, |(door, byte)| knock(door, *byte, client));
    server.stop();
}

fn side_by_side<T: Sync>(cases: &[T], run: impl Fn(&T) + Sync) {
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let run = &run;
            scope.spawn(move || cases.iter().skip(worker).step_by(WORKERS).for_each(run));
        }
    });
}

/// Sends the byte, and sees that what the table says comes of it.
fn knock(door: &Door, byte: u8, client: &Arc<ClientConfig>) {
    let due = outcome(door.place, door.spoken, byte);
    let mut stream = connect(door.address);
    let what = || format!("{byte:02x} {} where {} is spoken: {due}", door.place, door.spoken.cell());
    if door.place == "inside" {
        return assert!(leads_to(&mut session(stream, client), &[byte], due, door, client), "{}", what());
    }
    let header = if door.place == "behind" { LINE } else { b"" };
    let first = if byte.is_multiple_of(2) {
        [header, &[byte]].concat() // together with the header, or apart from it
    } else {
        stream.write_all(header).expect("the server takes it");
        vec![byte]
    };
    assert!(leads_to(&mut stream, &first, due, door, client), "{}", what());
}

/// Sends `first`, whose last byte is the one in question, and then what should follow it.
fn leads_to(
    stream: &mut (impl Read + Write),
    first: &[u8],
    due: &str,
    door: &Door,
    client: &Arc<ClientConfig>,
) -> bool {
    stream.write_all(first).expect("the server takes it");
    stream.flush().expect("it is sent");
    let mut send = |bytes: &[u8]| stream.write_all(bytes).expect("the server waits for it");
    match due {
        "closed" => return rest_in_time(stream).is_ok_and(|heard| heard.is_empty()),
        "frames" => send(&login()[1..]),
        "tls" => send(&hello(client)[1..]),
        "http" => send(b" / HTTP/1.1\r\nHost: a\r\n\r\n"),
        "header" => {
            let header = if first.ends_with(b"P") { LINE } else { BINARY };
            send(&header[1..]);
            return is_welcome(stream, door.spoken, client);
        }
        other => panic!("there is no outcome {other}"),
    }
    hears(stream, due)
}

/// Whether the answer's beginning is one of `due`.
fn hears(stream: &mut impl Read, due: &str) -> bool {
    let expected: &[u8] = match due {
        "frames" => b"\0\0\0\0\0\0\0\x07\x01\x01\0",
        "tls" => &[22, 3, 3],
        _ => b"HTTP/1.1 405 ", // a method of one letter
    };
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer).is_ok() && answer == expected
}

/// Whether something that is spoken here is answered.
fn is_welcome(stream: &mut (impl Read + Write), spoken: Spoken, client: &Arc<ClientConfig>) -> bool {
    if spoken.has("tcp") {
        return is_served(stream);
    }
    let (request, due) = if spoken.has("ws") {
        (b"X / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), "http")
    } else {
        (hello(client), "tls")
    };
    stream.write_all(&request).expect("the server takes it");
    hears(stream, due)
}
