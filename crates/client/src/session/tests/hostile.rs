//! Any cut of the stream, and servers that mean no good.

use super::*;
use crate::{ProtocolError, limits::READ_BYTES_MAX};
use longwire_wire::{FrameError, HEADER_BYTES};

/// A long talk of the server's, in a reading.
fn script(length: LengthReading) -> Vec<u8> {
    let frame = |code, flow, seq, status, body: &[u8]| frame_in(length, code, flow, seq, status, body);
    let answer = |code, seq, status| frame(code, Flow::Answer, seq, status, &[]);
    let long = batch("lobby", &[("carol", &"long ".repeat(300), 2), ("bob", "x", 0)]);
    [
        answer(LOGIN, 1, 0),
        answer(JOIN, 2, 0),
        frame(CMS, Flow::Notify, 0, 0, &batch("lobby", &[("bob", "one", 0)])),
        answer(CMS, 3, 6),
        gzip_push_in(length, &long),
        frame(70, Flow::Notify, 0, 0, b"a later server's"),
        answer(PONG, 4, 0),
        frame(CMS, Flow::Notify, 0, 0, &batch("other", &[("bob", "two", 0), ("dan", "three", 0)])),
        answer(JOIN, 5, 12),
        frame(CMS, Flow::Notify, 0, 0, &long),
        answer(LOGIN, 6, 5),
    ]
    .concat()
}

/// Hears the script in these pieces, making its calls once logged in.
fn hear_in_pieces<'a>(length: LengthReading, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let config = user().length(length).build().unwrap();
    let mut talk = Talk::new(&config, &Login::user("alice", "secret"), Standing::default());
    let mut heard = Vec::new();
    for piece in pieces {
        talk.session.handle_bytes(piece, talk.now);
        while let Some(event) = talk.session.poll_event() {
            if matches!(event, SessionEvent::LoggedIn) {
                talk.session.join("lobby", talk.now).unwrap();
                talk.send("x");
                talk.session.ping(talk.now).unwrap();
                talk.session.join("full", talk.now).unwrap();
                talk.session.login(&Login::user("alice", "again"), talk.now).unwrap();
            }
            heard.push(told(event));
        }
    }
    heard
}

/// TCP may cut the stream anywhere; where it cuts must not change what we hear.
#[test]
fn cuts_do_not_change_what_is_heard() {
    for length in [LengthReading::Body, LengthReading::Rest] {
        let script = script(length);
        let whole = hear_in_pieces(length, [&script[..]].into_iter());
        assert_eq!(whole.len(), 13, "{whole:#?}");
        assert!(!whole.iter().any(|told| told.contains("failed")), "{whole:#?}");
        for cut in 0..=script.len() {
            let (a, b) = script.split_at(cut);
            assert_eq!(hear_in_pieces(length, [a, b].into_iter()), whole, "{length:?}, cut at {cut}");
        }
        for size in 1..40 {
            assert_eq!(hear_in_pieces(length, script.chunks(size)), whole, "{length:?}, pieces of {size}");
        }
    }
}

/// Whatever a server sends: no panic, no more memory than the bounds, and at most one end.
#[test]
fn hostile_bytes_end_in_a_fault_or_nothing() {
    let seed = seed();
    let mut rng = fastrand::Rng::with_seed(seed);
    for round in 0..2000 {
        let mut bytes = script(LengthReading::Body);
        match rng.u8(0..3) {
            0 => {
                let len = rng.usize(0..400);
                bytes = std::iter::repeat_with(|| rng.u8(..)).take(len).collect();
            }
            1 => (0..rng.usize(1..8)).for_each(|_| {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }),
            _ => {
                let (a, b) = (rng.usize(..bytes.len()), rng.usize(..bytes.len()));
                bytes.drain(a.min(b)..a.max(b));
            }
        }
        let heard = hear_in_pieces(LengthReading::Body, bytes.chunks(rng.usize(1..200)));
        let ends = heard.iter().filter(|told| told.starts_with("failed")).count();
        assert!(ends <= 1, "SEED={seed}, round {round}: {heard:#?}");
        if ends == 1 {
            assert!(heard.last().unwrap().starts_with("failed"), "SEED={seed}, round {round}: {heard:#?}");
        }
    }
}

fn fault_of(bytes: &[u8]) -> ProtocolError {
    let mut talk = Talk::in_lobby(user().frame_bytes_max(10_000));
    talk.session.handle_bytes(bytes, talk.now);
    match std::iter::from_fn(|| talk.session.poll_event()).last() {
        Some(SessionEvent::Failed(Fault::Protocol(error))) => error,
        other => panic!("{other:?} for {bytes:x?}"),
    }
}

#[test]
fn planted_hostile_frames_are_known_for_what_they_are() {
    let header = |len: u32, flag: u8| {
        Header { len, seq: 0, command: CMS, flag: ConnectFlag(flag), status: 0 }.to_bytes().to_vec()
    };
    let from_header_alone = fault_of(&header(10_001, 2));
    assert!(matches!(from_header_alone, ProtocolError::Frame(FrameError::TooLarge { .. })));
    assert!(matches!(fault_of(&header(u32::MAX, 2)), ProtocolError::Frame(_)));
    assert!(matches!(fault_of(&header(0, 0)), ProtocolError::Flow(0)));
    assert!(matches!(fault_of(&header(0, 3)), ProtocolError::Flow(3)));
    assert!(matches!(fault_of(&header(0, 0b1010)), ProtocolError::ReservedCompression));
    assert!(matches!(fault_of(&header(0, 0b1110)), ProtocolError::ReservedCompression));
    assert!(matches!(fault_of(&push(b"\xff\xff")), ProtocolError::Push(_)));
    assert!(matches!(fault_of(&[header(3, 0b0110), b"zip".to_vec()].concat()), ProtocolError::Inflate(_)));
    let bomb = gzip_push_in(LengthReading::Body, &batch("lobby", &[("eve", &"0".repeat(1_000_000), 0)]));
    assert!(bomb.len() < 10_000);
    assert!(matches!(fault_of(&bomb), ProtocolError::Inflate(_)));
}

#[test]
fn input_held_is_bounded_by_one_frame_and_one_read() {
    let mut talk = Talk::in_lobby(user().frame_bytes_max(10_000));
    let flood: Vec<u8> = push(&batch("lobby", &[("eve", &"x".repeat(9_900), 0)])).repeat(100);
    let mut heard = 0;
    for piece in flood.chunks(READ_BYTES_MAX) {
        heard += talk.hear(piece).len();
        assert!(talk.session.inbound.held() <= 10_000 + HEADER_BYTES + READ_BYTES_MAX);
    }
    assert_eq!(heard, 100);
}

fn seed() -> u64 {
    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    seed
}
