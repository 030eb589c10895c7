//! Strangers that never come to an end: heads, headers, handshakes and first messages without one, whatever dribbles in.
//! Each is closed at its deadline, in a bounded piece of memory, and nobody else notices.

use super::knock::{Certified, all_is_given_back, connect, hello, is_served, rest, session};
use crate::common::on_one_and_four_shards;
use crate::common::server::Plan;
use crate::common::websocket::{BINARY, head, upgrade};
use rustls::version;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

on_one_and_four_shards!(
    what_never_ends_is_closed_at_its_deadline,
    a_session_in_which_nothing_ends_is_closed_too,
    half_a_hello_and_half_a_head_cost_little,
);

const EVERYTHING: usize = 0;
const FRAMES: usize = 1;
const TLS: usize = 2;
const BROWSERS: usize = 3;
const PROXIES: usize = 4;

/// With a port for everything, and one for each kind alone; all deadlines are a second.
fn plan(certified: &Certified, shards: u32) -> Plan {
    let listener = |of: &str| format!("{{ address = \"127.0.0.1:0\", {of} }}");
    let listeners = [
        r#"transports = ["tcp"]"#,
        r#"transports = ["tls"]"#,
        r#"transports = ["ws"]"#,
        r#"proxy_from = ["127.0.0.0/8"]"#,
    ];
    certified
        .plan(shards)
        .set("listener", &format!("[{}]", listeners.map(listener).join(", ")))
        .set("tls.handshake_timeout", "1s")
        .set("wire.timeouts.login_start", "1s")
        .set("wire.timeouts.login", "1s")
}

/// At which port, what is sent at once, and what dribbles in behind it as long as it is taken: nothing, or this byte.
type Stranger = (usize, Vec<u8>, Option<u8>);

fn strangers(certified: &Certified) -> Vec<Stranger> {
    let hello = hello(&certified.client(&version::TLS13));
    let upgraded = |behind: &[u8]| [upgrade("").as_bytes(), behind].concat();
    let silent = [EVERYTHING, FRAMES, TLS, BROWSERS, PROXIES].map(|port| (port, Vec::new(), None));
    let mut strangers = Vec::from(silent);
    for dribble in [None, Some(b'x')] {
        strangers.extend([
            (EVERYTHING, b"\0\0\0".to_vec(), dribble.map(|_| 0)),
            (FRAMES, b"\0\0\x10\0\0\0\0\x01\x01\0\0".to_vec(), dribble),
            (EVERYTHING, hello[..5].to_vec(), dribble),
            (TLS, hello[..hello.len() / 2].to_vec(), None),
            (TLS, b"\x16\x03\x01\x40\0\x01".to_vec(), dribble),
            (EVERYTHING, b"GET / HTTP/1.1\r\nHost: a\r\nX: ".to_vec(), dribble),
            (BROWSERS, upgraded(b"")[..60].to_vec(), dribble),
            (PROXIES, b"PROXY ".to_vec(), None),
            (PROXIES, b"PROXY UNKNOWN ".to_vec(), dribble),
            (PROXIES, b"\r\n\r\n\0\r\nQUIT\n\x20\0\x08\0".to_vec(), dribble),
            (PROXIES, b"PROXY UNKNOWN\r\n".to_vec(), None),
        ]);
    }
    strangers
}

fn what_never_ends_is_closed_at_its_deadline(shards: u32) {
    //= PROTOCOL.md#9.1
    // Whoever has not begun its LOGIN in time is closed without a byte, whatever else it has begun.
    let certified = Certified::new();
    let server = plan(&certified, shards).start();
    let mut bystander = server.guest();
    let files = server.open_files();
    std::thread::scope(|scope| {
        let strangers: Vec<_> = strangers(&certified)
            .into_iter()
            .map(|stranger| {
                let address = server.ports()[stranger.0];
                scope.spawn(move || assert_ends(address, &stranger))
            })
            .collect();
        while !strangers.iter().all(|stranger| stranger.is_finished()) {
            bystander.ping();
        }
    });
    all_is_given_back(&server, &mut bystander, files);
    server.stop();
}

/// It is closed without an answer, but for a head of HTTP, which may be told why.
fn assert_ends(address: SocketAddr, (_, first, dribble): &Stranger) {
    let mut stream = connect(address);
    stream.write_all(first).expect("the server takes it");
    let answer = match dribble {
        None => rest(&mut stream),
        Some(byte) => rest_while_dribbling(&mut stream, *byte),
    };
    let is_told = answer.is_empty() || (first.starts_with(b"GET") && answer.starts_with(b"HTTP/1.1 4"));
    assert!(is_told, "{:?}: {:?}", first.escape_ascii().to_string(), answer.escape_ascii().to_string());
}

fn rest_while_dribbling(stream: &mut TcpStream, byte: u8) -> Vec<u8> {
    let mut writer = stream.try_clone().expect("a second handle");
    let dribbling = std::thread::spawn(move || {
        while writer.write_all(&[byte]).is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(20)); // time is what is tested: it never stops for long
        }
    });
    let answer = rest(stream);
    let _ = stream.shutdown(std::net::Shutdown::Both); // the server may have thrown away what came and still listen to it
    dribbling.join().expect("it wrote as long as it could");
    answer
}

/// The same behind a handshake, and behind an upgrade.
fn a_session_in_which_nothing_ends_is_closed_too(shards: u32) {
    let certified = Certified::new();
    let server = plan(&certified, shards).start();
    let mut bystander = server.guest();
    let files = server.open_files();
    let config = certified.client(&version::TLS13);
    let half_message = head(BINARY, 100);
    let upgraded = |behind: &[u8]| [upgrade("").as_bytes(), behind].concat();
    let beginnings =
        [Vec::new(), b"\0\0\0".to_vec(), b"GET / HT".to_vec(), upgraded(b""), upgraded(b"")[..40].to_vec()];
    std::thread::scope(|scope| {
        for beginning in beginnings {
            let (config, address) = (&config, server.ports()[EVERYTHING]);
            scope.spawn(move || {
                let mut stream = session(connect(address), config);
                stream.write_all(&beginning).expect("the server takes it");
                stream.flush().expect("it is sent");
                rest(&mut stream);
            });
        }
        for behind in [&half_message[..], &half_message[..1], &[]] {
            let address = server.ports()[BROWSERS];
            scope.spawn(move || {
                let mut stream = connect(address);
                stream.write_all(upgrade("").as_bytes()).expect("the server takes it");
                let mut answer = [0; 12];
                stream.read_exact(&mut answer).expect("the server answers");
                assert_eq!(answer, *b"HTTP/1.1 101");
                stream.write_all(behind).expect("the server takes it");
                let end = rest(&mut stream);
                assert!(end.windows(4).any(|bytes| bytes[0] == 0x88 && bytes[2..] == 4008u16.to_be_bytes()));
            });
        }
    });
    all_is_given_back(&server, &mut bystander, files);
    server.stop();
}

/// Fault: silent, half a header, half a TLS hello.
fn half_a_hello_and_half_a_head_cost_little(shards: u32) {
    const STRANGERS: usize = 500;
    longwire_sys::raise_open_files().expect("a process may raise its soft limit");
    let certified = Certified::new();
    let server = certified.plan(shards).set("tls.handshake_timeout", "60s").start();
    let mut bystander = server.guest();
    let config = certified.client(&version::TLS13);
    let half_hello = [&b"\x16\x03\x01\x40\0"[..], &[1; 8_000]].concat();
    let half_head = [&b"GET / HTTP/1.1\r\nHost: a\r\nX: "[..], &[b'x'; 7_900]].concat();
    // what stays in the kernel is no memory of ours; a head is kept, and a bit beside it
    for (half, kib_max) in [(half_hello, 1), (half_head, 8 + 2)] {
        let files = server.open_files();
        let resident = server.resident_kib();
        let strangers: Vec<TcpStream> = (0..STRANGERS)
            .map(|_| {
                let mut stream = connect(server.address());
                stream.write_all(&half).expect("the server takes it");
                stream
            })
            .collect();
        (0..3).for_each(|_| bystander.ping());
        assert!(
            is_served(&mut session(connect(server.address()), &config)),
            "an honest one comes in beside them"
        );
        let grown = server.resident_kib().saturating_sub(resident);
        assert!(grown < (STRANGERS * kib_max) as u64 + 1024, "{grown} KiB for {STRANGERS}");
        drop(strangers);
        all_is_given_back(&server, &mut bystander, files);
    }
    server.stop();
}
