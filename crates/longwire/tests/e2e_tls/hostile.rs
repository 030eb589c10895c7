//! Handshakes that are no handshakes: an alert where there is anybody to hear it, and the end.

use super::openssl::looks;
use super::pair::{Pair, showing};
use crate::common::{Uninterrupted, WAIT_MAX};
use rustls::AlertDescription;
use rustls::version::{TLS12, TLS13};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

const DECODE_ERROR: [u8; 2] = [2, 50];
const PROTOCOL_VERSION: [u8; 2] = [2, 70];

/// A hello for TLS 1.3, without a share of a key: honest, and answered by a wish for one.
pub fn hello() -> Vec<u8> {
    hello_of(3, &[])
}

/// A hello of this legacy version (1: TLS 1.0), with more extensions behind its own, in records of 16 KiB at most.
fn hello_of(version: u8, more: &[u8]) -> Vec<u8> {
    let mut extensions = vec![0, 13, 0, 4, 0, 2, 4, 3]; // ECDSA on P-256
    extensions.extend([0, 10, 0, 6, 0, 4, 0, 23, 0, 29]); // P-256, X25519
    if version == 3 {
        extensions.extend([0, 43, 0, 3, 2, 3, 4]); // 1.3
        extensions.extend([0, 51, 0, 2, 0, 0]); // no share
    }
    extensions.extend(more);
    let mut body = vec![3, version];
    body.extend([9; 32]);
    body.extend([0, 0, 4, 0x13, 0x01, 0xc0, 0x2b, 1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0];
    message.extend((body.len() as u16).to_be_bytes());
    message.extend(body);
    let records = message.chunks(16_384);
    records.flat_map(|part| [&[22, 3, 1][..], &(part.len() as u16).to_be_bytes(), part].concat()).collect()
}

/// Sends these bytes, and reads up to the end.
fn answer_to(server: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).expect("the server accepts");
    stream.set_read_timeout(Some(WAIT_MAX)).expect("a read timeout");
    let _ = stream.write_all(bytes); // it may close before all is there
    let (mut heard, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        match Uninterrupted(&mut stream).read(&mut chunk) {
            Ok(0) => return heard,
            Ok(bytes) => heard.extend(&chunk[..bytes]),
            Err(err) if err.kind() == ErrorKind::ConnectionReset => return heard,
            Err(err) => panic!("it neither answers nor closes: {err}"),
        }
    }
}

fn alert(heard: &[u8]) -> Option<[u8; 2]> {
    match heard {
        [21, 3, _, 0, 2, level, description] => Some([*level, *description]),
        _ => None,
    }
}

#[test]
fn garbage_old_versions_and_endless_hellos_get_an_alert_and_the_end() {
    let pair = Pair::new();
    let server = showing(&[&pair]).start();
    let filler: Vec<u8> = [&[0xaa, 0xaa, 0xfb, 0x00][..], &[0; 0xfb00]].concat();
    for (what, bytes, expected) in [
        ("TLS 1.0", hello_of(1, &[]), PROTOCOL_VERSION),
        ("TLS 1.1", hello_of(2, &[]), PROTOCOL_VERSION),
        ("64 KiB", hello_of(3, &filler), DECODE_ERROR),
        ("garbage", b"\x16\x03\x01\x00\x05hello".to_vec(), DECODE_ERROR),
        ("no version of any TLS", b"\x16\x09\x09\x00\x05\x01\0\0\x01\0".to_vec(), DECODE_ERROR),
    ] {
        let heard = answer_to(server.address(), &bytes);
        assert_eq!(alert(&heard), Some(expected), "{what}: {heard:02x?}");
    }
    for flag in ["-tls1", "-tls1_1"] {
        let (content, said) = looks(server.address(), &[flag, "-cipher", "ALL:@SECLEVEL=0"]);
        assert!(!content && said.contains("SSL alert number"), "{flag}: {said}");
    }
    server.guest().ping();
    server.stop();
}

/// Cut anywhere, and then silent: closed at `tls.handshake_timeout`.
#[test]
fn a_handshake_that_stalls_is_closed_in_time() {
    let pair = Pair::new();
    let server = showing(&[&pair]).set("tls.handshake_timeout", "300ms").start();
    let whole = hello();
    let cuts = [1, 4, 5, 6, 43, whole.len() - 1];
    std::thread::scope(|scope| {
        for cut in cuts {
            let (bytes, address) = (&whole[..cut], server.address());
            scope.spawn(move || assert_eq!(answer_to(address, bytes), [0; 0], "cut at {cut}"));
        }
        // what follows the server's wish for a share never comes
        let address = server.address();
        let whole = &whole;
        scope.spawn(move || assert_eq!(answer_to(address, whole)[..3], [22, 3, 3]));
    });
    server.stop();
}

/// Behind the handshake too: the alert comes, whatever the client has sent that nobody read, and no reset destroys it.
#[test]
fn a_spoiled_record_gets_an_alert_and_an_orderly_end() {
    let pair = Pair::new();
    let server = showing(&[&pair]).start();
    for version in [&TLS12, &TLS13] {
        let mut tls = pair.client(version);
        let mut socket = TcpStream::connect(server.address()).expect("the server accepts");
        socket.set_read_timeout(Some(WAIT_MAX)).expect("a read timeout");
        while tls.is_handshaking() || tls.wants_write() {
            tls.complete_io(&mut socket).expect("a handshake");
        }
        let spoiled = [&[23, 3, 3, 0x40, 0][..], &[7; 0x4000]].concat().repeat(8);
        socket.write_all(&spoiled).expect("the kernel takes it");
        let told = loop {
            assert_ne!(
                tls.read_tls(&mut Uninterrupted(&socket)).expect("no reset"),
                0,
                "an end without a word"
            );
            if let Err(err) = tls.process_new_packets() {
                break err;
            }
        };
        assert_eq!(told, rustls::Error::AlertReceived(AlertDescription::BadRecordMac));
        assert_eq!(Uninterrupted(&socket).read(&mut [0; 100]).expect("no reset"), 0);
    }
    server.stop();
}

/// A client that ends its side within its hello has gone: nobody waits for the rest until the deadline.
#[test]
fn half_a_hello_and_an_end_is_an_end() {
    let pair = Pair::new();
    let plan = showing(&[&pair]).set("tls.handshake_timeout", "1m");
    let server = plan.set("wire.timeouts.login_start", "10m").start();
    let whole = hello();
    for cut in [1, 5, whole.len() - 1] {
        let mut stream = TcpStream::connect(server.address()).expect("the server accepts");
        stream.set_read_timeout(Some(WAIT_MAX)).expect("a read timeout");
        stream.write_all(&whole[..cut]).expect("the kernel takes it");
        stream.shutdown(std::net::Shutdown::Write).expect("a socket");
        let end = Uninterrupted(&stream).read(&mut [0; 100]);
        assert!(
            matches!(&end, Ok(0)) || end.is_err_and(|err| err.kind() == ErrorKind::ConnectionReset),
            "{cut}"
        );
    }
    server.stop();
}

/// RFC 5246, section 7.4.1.2 would allow it.
#[test]
fn renegotiation_is_refused() {
    let pair = Pair::new();
    let server = showing(&[&pair]).start();
    let (content, said) = renegotiate(server.address());
    assert!(!content && said.contains("no renegotiation"), "{said}");
    server.stop();
}

fn renegotiate(server: SocketAddr) -> (bool, String) {
    use std::process::{Command, Stdio};
    let mut command = Command::new("openssl");
    command.args(["s_client", "-tls1_2", "-connect", &server.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("openssl is installed: ./test tools");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(b"R\n").expect("openssl reads"); // its command to renegotiate; the end comes by the refusal
    let mut said = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("text");
    (child.wait().expect("it ends").success(), said)
}
