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
    assert_eq!(talk.server.read(&mut talk.socket, &mut buffer).unwrap(), 0);
    let refused = talk.server.write(&mut talk.socket, b"x").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BrokenPipe);
    assert_eq!(talk.server.kept(), 0);
}

/// Only a client of one's own can send half a message behind the handshake: the library then keeps the place of bytes
/// that it wants to see again, whatever it is asked next.
#[test]
fn half_a_message_behind_the_handshake_is_waited_for_and_breaks_nothing() {
    let party = Party::of(TLS13);
    let mut client = (*party.client).clone();
    client.enable_secret_extraction = true;
    let mut talk = Conversation::new(&party.tls, Arc::new(client));
    talk.shake_hands();
    let secrets = talk.client.dangerous_extract_secrets().unwrap();
    let (mut sequence, secrets) = secrets.tx;
    let mut seal = |content_type: u8, bytes: &[u8]| {
        let (algorithm, key, iv) = match &secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            _ => panic!("AES is the client's first choice"),
        };
        let mut nonce: [u8; 12] = iv.as_ref().try_into().unwrap();
        nonce[4..].iter_mut().zip(sequence.to_be_bytes()).for_each(|(byte, of)| *byte ^= of);
        sequence += 1;
        let header = [23, 3, 3, 0, (bytes.len() + 17) as u8];
        let mut sealed = [bytes, &[content_type]].concat();
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).unwrap());
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, Aad::from(header), &mut sealed).unwrap();
        [&header[..], &sealed].concat()
    };
    let mut buffer = [0; 100];
    talk.socket.inbox = seal(22, &[24, 0, 0]); // half a KeyUpdate
    let read = talk.server.read(&mut talk.socket, &mut buffer);
    assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(talk.server.kept() > 0);
    talk.server.write(&mut talk.socket, b"in between").unwrap();
    talk.socket.inbox = seal(22, &[1, 0]); // its other half: no new keys of ours are asked for
    let read = talk.server.read(&mut talk.socket, &mut buffer);
    assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(talk.server.kept(), 0);

    talk.socket.inbox = seal(22, &[24, 0, 0]); // under the old keys: refused, with half a message in mind or not
    assert_eq!(talk.server.read(&mut talk.socket, &mut buffer).unwrap_err().kind(), ErrorKind::InvalidData);
    talk.server.close(&mut talk.socket).unwrap();
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
