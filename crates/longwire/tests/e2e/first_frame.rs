//! What may stand first on a connection, and in which reading of `len` it is taken (sections 3 and 5).

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::server::Server;

on_one_and_four_shards!(
    every_other_command_closes_without_a_byte,
    flow_and_compression_are_judged_from_the_header,
    a_len_over_the_limit_is_refused_from_the_header,
    the_longest_login_is_served_in_both_readings,
    bodies_that_do_not_decode_close_without_a_byte,
    bodies_that_do_not_inflate_close_without_a_byte,
    fields_over_their_limits_close_without_a_byte,
    both_readings_are_told_apart,
    both_readings_are_told_apart_with_a_frame_behind,
    a_guest_in_either_reading_is_not_kept_waiting,
);

const LOGIN_BODY_MAX: usize = 8192;

fn every_other_command_closes_without_a_byte(shards: u32) {
    //= PROTOCOL.md#5.3
    // A first frame that is not a well-formed LOGIN closes without a byte.
    //= PROTOCOL.md#5.4
    // One whose command is not LOGIN is not.
    let server = Server::start(shards);
    let mut bystander = server.guest();
    for command in (0..=255).filter(|command| *command != LOGIN) {
        for body in [Vec::new(), vec![0x0a, 0x00], vec![0; LOGIN_BODY_MAX]] {
            let mut raw = server.connect();
            raw.send_what_it_takes(&Frame::request(command, 1, body).to_bytes(Reading::Body));
            raw.assert_closed_without_a_byte();
        }
    }
    bystander.ping();
    server.stop();
}

fn flow_and_compression_are_judged_from_the_header(shards: u32) {
    //= PROTOCOL.md#5.5
    // A first frame whose flow is not 0 is refused.
    //= PROTOCOL.md#5.6
    // One with a reserved compression is refused.
    //= PROTOCOL.md#5.9
    // From the 11 bytes of the header: the body that they announce never comes. (A message ends with them: 18.16.)
    let server = Server::start(shards);
    let mut frames = vec![Frame::request(PING, 1, Vec::new())];
    frames.extend((1..=3).map(|flow| Frame { flow, ..Frame::request(LOGIN, 1, Vec::new()) }));
    frames.extend((2..=3).map(|compression| Frame { compression, ..Frame::request(LOGIN, 1, Vec::new()) }));
    for frame in frames {
        let mut raw = server.connect();
        raw.send_and_end(&frame.with_len(100));
        raw.assert_closed_without_a_byte();
    }
    server.stop();
}

fn a_len_over_the_limit_is_refused_from_the_header(shards: u32) {
    //= PROTOCOL.md#3.3
    // A first `len` over 8,199 closes without a byte, from the header alone.
    //= PROTOCOL.md#14.3
    // Nothing is buffered for it.
    let server = Server::start(shards);
    for len in [8200, 65_536, 0x00ff_ffff, u32::MAX] {
        let mut raw = server.connect();
        raw.send(&Frame::request(LOGIN, 1, Vec::new()).with_len(len));
        raw.assert_closed_without_a_byte();
    }
    //= PROTOCOL.md#3.13
    // A body over 8 KiB in the reading that was found closes without a byte: 8,193 to 8,199 can only be `body`.
    let body = padded_login(LOGIN_BODY_MAX + 1);
    let mut raw = server.connect();
    raw.send_what_it_takes(&Frame::request(LOGIN, 1, body).to_bytes(Reading::Body));
    raw.assert_closed_without_a_byte();
    server.stop();
}

fn the_longest_login_is_served_in_both_readings(shards: u32) {
    //= PROTOCOL.md#14.2
    // LOGIN's body has at most 8,192 bytes.
    let server = Server::start(shards);
    for reading in READINGS {
        let mut raw = server.connect().with(reading, 0, false);
        assert_eq!(raw.log_in_with(padded_login(LOGIN_BODY_MAX)), OK, "{reading:?}");
        raw.ping();
    }
    server.stop();
}

fn bodies_that_do_not_decode_close_without_a_byte(shards: u32) {
    //= PROTOCOL.md#5.7
    // A first LOGIN whose body does not decode closes without a byte.
    let server = Server::start(shards);
    let bad: [&[u8]; 7] = [
        &[0x0a],                                                             // a length is missing
        &[0x0a, 0x05, b'x'],                                                 // beyond the end (7.14)
        &[0x0a, 0x01, 0xff],                                                 // no UTF-8 (7.8)
        &[0x0b, 0x0c],                                                       // a group (7.9)
        &[0x08, 0x01],                                                       // token as a number (7.10)
        &[0x00, 0x01],                                                       // field number 0 (7.11)
        &[0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], // a varint over 64 bits (7.12)
    ];
    for body in bad {
        // A known good pair in front: it is the flaw that is refused, not what is missing.
        let body = [login_body("sesame", "alice"), body.to_vec()].concat();
        let mut raw = server.connect();
        raw.send(&Frame::request(LOGIN, 1, body.clone()).to_bytes(Reading::Body));
        raw.assert_closed_without_a_byte();
    }
    server.stop();
}

fn bodies_that_do_not_inflate_close_without_a_byte(shards: u32) {
    //= PROTOCOL.md#5.7
    // A first LOGIN whose body does not inflate closes without a byte.
    //= PROTOCOL.md#6.3
    // Exactly one member, its CRC-32 and ISIZE right: cut, wrong, twice, with a byte behind.
    let server = Server::start(shards);
    let good = gzip(&login_body("sesame", "alice"));
    let flipped = |at: usize| {
        let mut member = good.clone();
        member[at] ^= 1;
        member
    };
    let cut = good[..good.len() - 1].to_vec();
    let trailing = [good.as_slice(), &[0]].concat();
    let twice = [good.as_slice(), good.as_slice()].concat();
    let bomb = gzip(&vec![0; 4 << 20]);
    assert!(bomb.len() < LOGIN_BODY_MAX, "small as sent");
    let crc = good.len() - 8;
    for body in [flipped(crc), flipped(crc + 4), flipped(0), cut, trailing, twice, bomb] {
        let mut raw = server.connect();
        let frame = Frame { compression: GZIP, ..Frame::request(LOGIN, 1, body) };
        raw.send_what_it_takes(&frame.to_bytes(Reading::Body));
        raw.assert_closed_without_a_byte();
    }
    server.stop();
}

fn fields_over_their_limits_close_without_a_byte(shards: u32) {
    //= PROTOCOL.md#5.8
    // A token or userId that breaks a limit is no well-formed first LOGIN.
    //= PROTOCOL.md#14.4
    // userId: 1 to 128 bytes without control characters.
    //= PROTOCOL.md#14.6
    // token: at most 4,096 bytes.
    let server = Server::start(shards);
    let long = |len: usize| "x".repeat(len);
    for user in [long(129), "a\u{0}b".into(), "a\nb".into(), "a\u{7f}".into(), "a\u{85}".into()] {
        let mut raw = server.connect();
        raw.send(&Frame::request(LOGIN, 1, login_body("sesame", &user)).to_bytes(Reading::Body));
        raw.assert_closed_without_a_byte();
    }
    let mut raw = server.connect();
    raw.send(&Frame::request(LOGIN, 1, login_body(&long(4097), "alice")).to_bytes(Reading::Body));
    raw.assert_closed_without_a_byte();
    for (token, user) in
        [(long(4096), "alice".into()), ("t".into(), long(128)), ("t".into(), "聊天\u{202e}".into())]
    {
        assert_eq!(server.connect().log_in_with(login_body(&token, &user)), OK);
    }
    server.stop();
}

fn both_readings_are_told_apart(shards: u32) {
    //= PROTOCOL.md#3.1
    // A frame is 11 + len bytes in the reading body, 4 + len in the reading rest.
    //= PROTOCOL.md#3.2
    // The reading is told from the first LOGIN and used in both directions.
    let server = Server::start(shards);
    for reading in READINGS {
        for gzip in [false, true] {
            for (body, room) in [
                (Vec::new(), "lobby"),
                (login_body("t", "u"), "lobby"),
                (login_body("sesame", "alice"), "hall"),
            ] {
                let mut raw = server.connect().with(reading, 3, gzip);
                assert_eq!(raw.log_in_with(body), OK, "{reading:?}, gzip {gzip}");
                raw.join(room);
                raw.ping();
            }
        }
    }
    server.stop();
}

fn both_readings_are_told_apart_with_a_frame_behind(shards: u32) {
    //= PROTOCOL.md#3.10
    // Where a further byte is already there, 0x00 means rest and any other byte body.
    //= PROTOCOL.md#8.5
    // Further frames may come without waiting for LOGIN's answer.
    let server = Server::start(shards);
    for reading in READINGS {
        for body in [Vec::new(), login_body("sesame", "alice"), padded_login(300)] {
            let mut raw = server.connect().with(reading, 0, false);
            let frames = [(LOGIN, body), (PING, Vec::new()), (JOIN_CR, join_body("lobby"))];
            let frames: Vec<_> =
                frames.into_iter().map(|(command, body)| raw.request(command, body)).collect();
            let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.to_bytes(reading)).collect();
            raw.send(&bytes);
            for (frame, answer) in frames.iter().zip([LOGIN, PONG, JOIN_CR]) {
                assert_eq!(raw.answer(answer, frame.seq), OK, "{reading:?}");
            }
        }
    }
    server.stop();
}

fn a_guest_in_either_reading_is_not_kept_waiting(shards: u32) {
    //= PROTOCOL.md#3.4
    // A first len below 7 is the reading body: a guest's bare LOGIN has len 0.
    //= PROTOCOL.md#3.11
    // Where no further byte is there, 7 is the reading rest: the server never waits for a byte.
    let server = Server::start(shards);
    for (reading, len) in [(Reading::Body, 0), (Reading::Rest, 7)] {
        let mut raw = server.connect().with(reading, 0, false);
        raw.send(&Frame::request(LOGIN, 9, Vec::new()).with_len(len));
        assert_eq!(raw.answer(LOGIN, 9), OK);
        raw.ping();
    }
    server.stop();
}

/// A LOGIN body of exactly `size` bytes: token, userId, and an unknown field that fills it up.
fn padded_login(size: usize) -> Vec<u8> {
    let body = login_body("sesame", "alice");
    (0..=size)
        .map(|fill| [body.clone(), bytes(50, vec![b'x'; size - fill])].concat())
        .find(|b| b.len() == size)
        .expect("a filling fits")
}
