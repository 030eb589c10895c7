//! Clients that break the protocol: an alert, an error, and never a panic.

use super::*;
use ::aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rustls::ConnectionTrafficSecrets;

/// The alert in the socket's outbox: level and description.
fn alert(socket: &Socket) -> Option<(u8, u8)> {
    match socket.outbox[..] {
        [21, 3, _, 0, 2, level, description] => Some((level, description)),
        _ => None,
    }
}

/// A first flight of these bytes: how the server takes it.
fn first_flight(bytes: &[u8]) -> (io::Result<Handshake>, Socket) {
    let party = Party::of(TLS13);
    let mut server = party.tls.accept().unwrap();
    let mut socket = Socket::new();
    socket.inbox = bytes.to_vec();
    loop {
        let step = server.handshake(&mut socket);
        if !matches!(step, Ok(Handshake::More)) {
            return (step, socket);
        }
    }
}

/// A hello as a message, of this legacy version and with these extensions, in records of at most 16 KiB.
fn hello(version: u8, extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, version];
    body.extend([9; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0];
    message.extend((body.len() as u16).to_be_bytes());
    message.extend(body);
    let records = message.chunks(16_384);
    records.flat_map(|part| [&[22, 3, 1][..], &(part.len() as u16).to_be_bytes(), part].concat()).collect()
}

#[test]
fn old_versions_garbage_and_endless_hellos_get_an_alert() {
    const DECODE_ERROR: u8 = 50;
    const PROTOCOL_VERSION: u8 = 70;
    const SCHEMES: &[u8] = &[0, 13, 0, 4, 0, 2, 4, 3];
    let long = vec![0xaa, 0xaa, 0xfb, 0xf0].into_iter().chain([0; 0xfbf0]).collect::<Vec<u8>>();
    for (what, bytes, description) in [
        ("TLS 1.0", hello(1, SCHEMES), PROTOCOL_VERSION),
        ("TLS 1.1", hello(2, SCHEMES), PROTOCOL_VERSION),
        ("64 KiB", hello(3, &long), DECODE_ERROR),
        ("garbage in a record", b"\x16\x03\x01\x00\x05hello".to_vec(), DECODE_ERROR),
        ("a record of no version", b"\x16\x09\x09\x00\x05\x01\0\0\x01\0".to_vec(), DECODE_ERROR),
    ] {
        let (step, socket) = first_flight(&bytes);
        assert!(step.is_err(), "{what}: {step:?}");
        assert_eq!(alert(&socket), Some((2, description)), "{what}: {:?}", socket.outbox);
    }
}

#[test]
fn half_a_hello_waits_and_an_end_within_is_an_error() {
    let whole = hello(3, &[0; 0]);
    let (step, socket) = first_flight(&whole[..whole.len() - 1]);
    assert_eq!((step.unwrap(), socket.outbox.len()), (Handshake::Blocked, 0));

    let party = Party::of(TLS13);
    let mut server = party.tls.accept().unwrap();
    let mut socket = Socket { inbox: whole[..20].to_vec(), ended: true, ..Socket::new() };
    assert_eq!(server.handshake(&mut socket).unwrap(), Handshake::More);
    assert_eq!(server.handshake(&mut socket).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

/// An honest flight with bits turned over and its end cut: an error, or a wait for more, within a few steps.
#[test]
fn mutated_flights_never_panic() {
    let seed = std::env::var("LONGWIRE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    println!("LONGWIRE_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for versions in [TLS12, TLS13] {
        let party = Party::of(versions);
        for _ in 0..1500 {
            let mut talk = party.begin();
            let spoiled = random.u8(0..4); // which flight
            for flight in 0..4 {
                let _ = talk.carry();
                if flight == spoiled && !talk.socket.inbox.is_empty() {
                    for _ in 0..random.usize(1..4) {
                        let at = random.usize(0..talk.socket.inbox.len());
                        talk.socket.inbox[at] ^= 1 << random.u8(0..8);
                    }
                    if random.bool() {
                        talk.socket.inbox.truncate(random.usize(0..talk.socket.inbox.len()));
                    }
                }
                if talk.server.handshake(&mut talk.socket).is_err() {
                    break;
                }
                let mut buffer = [0; 100];
                let _ = talk.server.write(&mut talk.socket, b"x");
                let _ = talk.server.read(&mut talk.socket, &mut buffer);
            }
            let _ = talk.server.close(&mut talk.socket);
            assert!(talk.server.kept() <= 64 * 1024);
        }
    }
}

#[test]
fn a_spoiled_record_ends_the_session_with_an_alert() {
    let mut talk = Party::of(TLS13).connected();
    talk.client_says(b"good");
    talk.client_says(b"spoiled");
    *talk.socket.inbox.last_mut().unwrap() ^= 1;
    let mut buffer = [0; 100];
    let first = talk.server.read(&mut talk.socket, &mut buffer);
    assert_eq!(first.unwrap_err().kind(), ErrorKind::InvalidData);
    assert!(talk.server.ended());
    assert!(talk.carry().is_err(), "the client is told by an alert");
    let again = talk.server.read(&mut talk.socket, &mut buffer);
    assert_eq!(again.unwrap_err().kind(), ErrorKind::InvalidData, "it stays broken");
    let refused = talk.server.write(&mut talk.socket, b"x").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BrokenPipe);
    assert_eq!(talk.server.kept(), 0);
}

/// What the library's client never sends: records of any type and content, under the keys of a TLS 1.3 session.
struct Sealer {
    secrets: ConnectionTrafficSecrets,
    sequence: u64,
}

impl Sealer {
    /// Of a session that is connected; the library's client is used up.
    fn connected() -> (Conversation, Self) {
        let party = Party::of(TLS13);
        let mut client = (*party.client).clone();
        client.enable_secret_extraction = true;
        let mut talk = Conversation::new(&party.tls, Arc::new(client));
        talk.shake_hands();
        let name = ServerName::try_from("localhost").unwrap();
        let unused = ClientConnection::new(Arc::clone(&party.client), name).unwrap();
        let secrets = std::mem::replace(&mut talk.client, unused).dangerous_extract_secrets().unwrap();
        let (sequence, secrets) = secrets.tx;
        (talk, Self { secrets, sequence })
    }

    fn seal(&mut self, content_type: u8, bytes: &[u8]) -> Vec<u8> {
        self.seal_padded(content_type, bytes, 0)
    }

    /// With so many zeros behind the content (RFC 8446, 5.4).
    fn seal_padded(&mut self, content_type: u8, bytes: &[u8], zeros: usize) -> Vec<u8> {
        let (algorithm, key, iv) = match &self.secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            _ => panic!("AES is the client's first choice"),
        };
        let mut nonce: [u8; 12] = iv.as_ref().try_into().unwrap();
        nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()).for_each(|(byte, of)| *byte ^= of);
        self.sequence += 1;
        let mut sealed = [bytes, &[content_type], &vec![0; zeros]].concat();
        let [high, low] = ((sealed.len() + 16) as u16).to_be_bytes();
        let header = [23, 3, 3, high, low];
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).unwrap());
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, Aad::from(header), &mut sealed).unwrap();
        [&header[..], &sealed].concat()
    }
}

/// Only a client of one's own can send half a message behind the handshake: the library then keeps the place of bytes
/// that it wants to see again, whatever it is asked next.
#[test]
fn half_a_message_behind_the_handshake_is_waited_for_and_breaks_nothing() {
    let (mut talk, mut client) = Sealer::connected();
    let mut buffer = [0; 100];
    talk.socket.inbox = client.seal(22, &[24, 0, 0]); // half a KeyUpdate
    let read = talk.server.read(&mut talk.socket, &mut buffer);
    assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(talk.server.kept() > 0);
    talk.server.write(&mut talk.socket, b"in between").unwrap();
    talk.socket.inbox = client.seal(22, &[1, 0]); // its other half: no new keys of ours are asked for
    let read = talk.server.read(&mut talk.socket, &mut buffer);
    assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(talk.server.kept(), 0);

    talk.socket.inbox = client.seal(22, &[24, 0, 0]); // under the old keys: refused, with half a message in mind or not
    assert_eq!(talk.server.read(&mut talk.socket, &mut buffer).unwrap_err().kind(), ErrorKind::InvalidData);
    talk.server.close(&mut talk.socket).unwrap();
}

/// A record that says nothing, or little, is work like any other: a call does a bounded share of it.
#[test]
fn padded_and_tiny_records_take_no_more_than_a_turn() {
    let (mut talk, mut client) = Sealer::connected();
    let padded: Vec<u8> = (0..20).flat_map(|_| client.seal_padded(23, &[], 16_000)).collect();
    let tiny: Vec<u8> =
        (0..10_000).flat_map(|at| client.seal(23, if at % 30 == 0 { b"x" } else { &[] })).collect();
    talk.socket.inbox = [padded, tiny].concat();
    let (mut buffer, mut heard, mut turns) = (vec![0; 16_384], 0, 0);
    while !talk.socket.inbox.is_empty() {
        let before = talk.socket.inbox.len();
        match talk.server.read(&mut talk.socket, &mut buffer) {
            Err(err) if err.kind() == ErrorKind::Interrupted => turns += 1,
            read => heard += read.unwrap(),
        }
        assert!(before - talk.socket.inbox.len() <= 80 * 1024, "of {before} bytes in one call");
    }
    assert_eq!(heard, 334);
    assert!(turns >= 3, "{turns} calls over 320 KiB that say nothing");
}

/// What was read before a fault counts, and then the fault is told as one, not as an end.
#[test]
fn a_fault_behind_good_bytes_is_told_after_them() {
    let (mut talk, mut client) = Sealer::connected();
    talk.socket.inbox = (0..100).flat_map(|_| client.seal(23, &[7; 200])).collect(); // more than one read of the socket
    talk.socket.inbox.extend(client.seal(23, b"spoiled"));
    *talk.socket.inbox.last_mut().unwrap() ^= 1;
    let mut buffer = vec![0; 40_000];
    let first = talk.server.read(&mut talk.socket, &mut buffer).unwrap();
    assert_eq!(buffer[..first], vec![7; first]);
    assert!(first > 10_000);
    let second = talk.server.read(&mut talk.socket, &mut buffer);
    assert_eq!(second.unwrap_err().kind(), ErrorKind::InvalidData);
}

/// What is sent early can be sent again by anybody who saw it: no ticket of ours invites to it.
#[test]
fn early_data_is_not_offered() {
    let party = Party::of(TLS13);
    let mut client = (*party.client).clone();
    client.enable_early_data = true;
    let client = Arc::new(client);
    for kind in [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed] {
        let mut talk = Conversation::new(&party.tls, Arc::clone(&client));
        assert!(talk.client.early_data().is_none());
        talk.shake_hands();
        assert_eq!(talk.client.handshake_kind(), Some(kind));
        talk.server_says(b"x");
        talk.client_hears();
    }
}
