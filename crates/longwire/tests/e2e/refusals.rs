//! Bad frames after the login: each gets its status, the connection's fate, and nobody else notices (sections 4 to 7).

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::{End, Raw};
use crate::common::server::Server;
use std::io::Write;

on_one_and_four_shards!(
    unlisted_commands_are_unsupported,
    bodies_that_do_not_decode_are_malformed,
    every_rule_of_a_bodys_form_is_kept,
    gzip_bombs_and_broken_gzip_are_refused,
    any_body_may_be_gzipped,
    reserved_compression_is_unsupported,
    faults_of_a_header_close_after_the_answer,
    faults_are_judged_in_order,
    the_longest_body_is_served,
    garbage_closes_one_connection_alone,
    bodies_of_ping_and_logout_are_ignored,
);

const BODY_MAX: u32 = 65_536;

fn unlisted_commands_are_unsupported(shards: u32) {
    //= PROTOCOL.md#4.2
    // RESERVED, PONG and what is not in the table: UNSUPPORTED, and the connection stays.
    //= PROTOCOL.md#17.4
    // Codes from 64 up as well.
    let server = Server::start(shards);
    for mut raw in [server.guest(), server.user("alice")] {
        for command in (0..=255).filter(|command| ![LOGIN, LOGOUT, PING, JOIN_CR, CMS].contains(command)) {
            assert_eq!(raw.status_of(command, vec![0x0b]), UNSUPPORTED, "{command}");
        }
        raw.ping();
    }
    server.stop();
}

fn bodies_that_do_not_decode_are_malformed(shards: u32) {
    //= PROTOCOL.md#5.12
    // A body that does not decode: MALFORMED, and the connection stays.
    //= PROTOCOL.md#5.18
    // The next frame is read as if nothing had happened.
    let server = Server::start(shards);
    let mut raw = server.member("alice", "lobby");
    for command in [JOIN_CR, CMS] {
        for flaw in FLAWS {
            let good = if command == CMS { cms_body("lobby", "x") } else { join_body("lobby") };
            let body = [good.as_slice(), flaw].concat();
            assert_eq!(raw.status_of(command, body), MALFORMED, "{command}, {flaw:02x?}");
            raw.ping();
        }
    }
    server.stop();
}

/// What proto3 parsers refuse, behind a good body.
const FLAWS: [&[u8]; 12] = [
    &[0x0a],                                                                   // the length is missing
    &[0x0a, 0x05, b'x'],                                                       // beyond the end (7.14)
    &[0x7b, 0x7c],                                                             // a group (7.9)
    &[0x7c],                                                                   // a group's end (7.9)
    &[0x7e],                                                                   // wire type 6 (7.9)
    &[0x7f],                                                                   // wire type 7 (7.9)
    &[0x08, 0x01],                                                             // field 1 as a number (7.10)
    &[0x00, 0x00],                                                             // field number 0 (7.11)
    &[0x70, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],       // a varint over 64 bits (7.12)
    &[0x70, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], // over 10 bytes (7.12)
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x01],                                     // a tag of 6 bytes (7.13)
    &[0x7a, 0xff, 0xff, 0xff, 0xff, 0x0f], // a length beyond the end (7.14)
];

fn every_rule_of_a_bodys_form_is_kept(shards: u32) {
    //= PROTOCOL.md#7.4
    // Of a singular field the last one counts.
    //= PROTOCOL.md#7.7
    // A uint32 takes the low 32 bits.
    //= PROTOCOL.md#7.8
    // A string that is not UTF-8: malformed.
    //= PROTOCOL.md#7.15
    // Needless zero bytes at a varint's end are accepted.
    //= PROTOCOL.md#7.16
    // Unknown fields are passed over without being opened.
    let server = Server::start(shards);
    let mut witness = server.member("", "lobby");
    let mut raw = server.member("alice", "lobby");
    let bad_utf8 = [0xff];
    for field in [2, 3] {
        let body = [cms_body("lobby", "x"), bytes(field, bad_utf8)].concat();
        assert_eq!(raw.verdict_on(body), Some(MALFORMED), "field {field}");
    }
    for field in [3, 4] {
        let body = [cms_body("lobby", "x"), bytes(5, bytes(field, bad_utf8))].concat();
        assert_eq!(raw.verdict_on(body), Some(MALFORMED), "userInfo, field {field}");
    }
    let deep = (0..20).fold(vec![0x0b], |inner, _| bytes(15, inner));
    let body = [
        cms_body("elsewhere", "first"),
        cms_body("lobby", "last"),
        number(6, (7 << 32) | 2),
        bytes(5, [number(1, (1 << 32) | 5), vec![0x10, 0x86, 0x80, 0x00]].concat()),
        deep,
        vec![0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7d, 1, 2, 3, 4],
    ];
    assert_eq!(raw.verdict_on(body.concat()), None);
    let record = witness.next_record();
    assert_eq!((record.text(), record.message_type), ("last", 2));
    let user = record.user.expect("it was sent");
    assert_eq!((user.level, user.room_level), (5, 6));
    server.stop();
}

fn gzip_bombs_and_broken_gzip_are_refused(shards: u32) {
    //= PROTOCOL.md#5.13
    // A body that inflates to more than its limit: TOO_LARGE, and the connection stays.
    //= PROTOCOL.md#6.5
    // Inflating stops at the limit.
    //= PROTOCOL.md#6.3
    // Cut, wrong CRC or size, a second member, a byte behind: malformed.
    let bomb = gzip(&vec![0; 16 << 20]);
    assert!(bomb.len() <= BODY_MAX as usize, "small as sent: {}", bomb.len());
    let server = Server::start(shards);
    let mut bystander = server.member("", "lobby");
    let mut raw = server.member("alice", "lobby");
    let resident = server.resident_kib();
    for _ in 0..50 {
        assert_eq!(raw.verdict_on_gzip(bomb.clone()), Some(TOO_LARGE));
    }
    assert!(server.resident_kib() < resident + 8 * 1024, "a bomb is not unpacked");
    let one_over = gzip(&cms_body("lobby", vec![0; BODY_MAX as usize]));
    assert_eq!(raw.verdict_on_gzip(one_over), Some(TOO_LARGE));
    let good = gzip(&cms_body("lobby", "hello"));
    let with = |at: usize| {
        let mut member = good.clone();
        member[at] ^= 0x40;
        member
    };
    let (end, crc) = (good.len() - 1, good.len() - 8);
    let doubled = [good.as_slice(), &good].concat();
    for broken in [good[..end].to_vec(), with(crc), with(end), with(0), doubled, [&good[..], &[0]].concat()] {
        assert_eq!(raw.verdict_on_gzip(broken), Some(MALFORMED));
    }
    assert_eq!(raw.verdict_on_gzip(good), None);
    assert_eq!(bystander.next_record().text(), "hello");
    server.stop();
}

fn any_body_may_be_gzipped(shards: u32) {
    //= PROTOCOL.md#6.6
    // Whatever its first LOGIN showed.
    //= PROTOCOL.md#6.2
    // Compression 1 with no body is an empty body.
    //= PROTOCOL.md#6.4
    // Extra field, name and comment are accepted and ignored.
    let server = Server::start(shards);
    let mut witness = server.member("", "lobby");
    let mut raw = server.user("alice");
    let mut join = raw.request(JOIN_CR, gzip(&join_body("lobby")));
    join.compression = GZIP;
    raw.send_frame(&join);
    assert_eq!(raw.answer(JOIN_CR, join.seq), OK);
    let mut ping = raw.request(PING, Vec::new());
    ping.compression = GZIP;
    raw.send_frame(&ping);
    assert_eq!(raw.answer(PONG, ping.seq), OK);
    let builder = flate2::GzBuilder::new().extra(vec![1, 2, 3, 4]).filename("a name").comment("a comment");
    let mut encoder = builder.write(Vec::new(), flate2::Compression::best());
    encoder.write_all(&cms_body("lobby", "hello")).expect("memory takes it");
    assert_eq!(raw.verdict_on_gzip(encoder.finish().expect("memory takes it")), None);
    assert_eq!(witness.next_record().text(), "hello");
    server.stop();
}

fn reserved_compression_is_unsupported(shards: u32) {
    //= PROTOCOL.md#5.16
    // UNSUPPORTED, whatever the command and with or without a body, and the connection stays.
    let server = Server::start(shards);
    let mut raw = server.member("alice", "lobby");
    for compression in [2, 3] {
        for command in [PING, JOIN_CR, CMS, 0, 99] {
            for body in [Vec::new(), join_body("lobby")] {
                let mut frame = raw.request(command, body);
                frame.compression = compression;
                raw.send_frame(&frame);
                assert_eq!(raw.answer(command, frame.seq), UNSUPPORTED, "{command} with {compression}");
            }
        }
    }
    raw.ping();
    server.stop();
}

fn faults_of_a_header_close_after_the_answer(shards: u32) {
    //= PROTOCOL.md#5.14
    // A len over the limit: TOO_LARGE from the header alone, then closed.
    //= PROTOCOL.md#5.15
    // A flow that is not 0: MALFORMED from the header alone, then closed.
    //= PROTOCOL.md#3.16
    // A rest len below 7: MALFORMED, then closed.
    //= PROTOCOL.md#13.6
    // The client can read everything up to the end of the stream, even while it goes on sending.
    let server = Server::start(shards);
    let mut bystander = server.member("", "lobby");
    for reading in READINGS {
        let rest = if reading == Reading::Rest { 7 } else { 0 };
        let mut cases = vec![(BODY_MAX + 1 + rest, 0, TOO_LARGE), (u32::MAX, 0, TOO_LARGE)];
        cases.extend((1..=3).map(|flow| (100 + rest, flow, MALFORMED)));
        cases.extend((0..rest).map(|len| (len, 0, MALFORMED)));
        for (len, flow, status) in cases {
            let mut raw = server.connect().with(reading, 0, false);
            raw.log_in("alice");
            let ping = raw.ask(PING, Vec::new());
            let bad = Frame { flow, ..raw.request(JOIN_CR, Vec::new()) };
            raw.send(&bad.with_len(len));
            raw.send_what_it_takes(&vec![0xa5; 200_000]);
            assert_eq!(raw.answer(PONG, ping), OK);
            assert_eq!(raw.answer(JOIN_CR, bad.seq), status, "len {len}, flow {flow}, {reading:?}");
            assert_eq!(raw.frames_to_end(), (Vec::new(), End::Stream));
        }
    }
    bystander.ping();
    server.stop();
}

fn faults_are_judged_in_order(shards: u32) {
    //= PROTOCOL.md#5.17
    // Length, flow, command, compression.
    let server = Server::start(shards);
    let close = |mut raw: Raw, len: u32, frame: Frame, status: u8| {
        raw.send(&frame.with_len(len));
        assert_eq!(raw.answer(frame.command, frame.seq), status, "{frame:?}");
        assert_eq!(raw.frames_to_end(), (Vec::new(), End::Stream));
    };
    let all_wrong = Frame { flow: 2, compression: 3, ..Frame::request(99, 5, Vec::new()) };
    close(server.user("alice"), BODY_MAX + 1, all_wrong.clone(), TOO_LARGE);
    close(server.user("alice"), 0, all_wrong, MALFORMED);
    server.stop();
}

fn the_longest_body_is_served(shards: u32) {
    //= PROTOCOL.md#14.1
    // A client's body is at most 65,536 bytes, as sent and as inflated.
    let server = Server::start(shards);
    let mut raw = server.user("alice");
    let filled = |len: usize| {
        let head = join_body("lobby");
        let fill = len - head.len() - bytes(50, vec![0; 60_000]).len() + 60_000;
        [head, bytes(50, vec![0; fill])].concat()
    };
    assert_eq!(raw.status_of(JOIN_CR, filled(BODY_MAX as usize)), OK);
    let mut zipped = raw.request(JOIN_CR, gzip(&filled(BODY_MAX as usize)));
    zipped.compression = GZIP;
    raw.send_frame(&zipped);
    assert_eq!(raw.answer(JOIN_CR, zipped.seq), OK);
    server.stop();
}

fn garbage_closes_one_connection_alone(shards: u32) {
    //= PROTOCOL.md#15.15
    // What one connection sends delays no other and takes nothing from it.
    let server = Server::start(shards);
    let mut speaker = server.member("speaker", "lobby");
    let mut listener = server.member("", "lobby");
    let seed = 0x10e6_71e5;
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..200 {
        let mut garbage = vec![0; random.usize(1..3_000)];
        random.fill(&mut garbage);
        let mut raw = if round % 2 == 0 { server.connect() } else { server.member("noise", "lobby") };
        raw.send_what_it_takes(&garbage);
        raw.shut_down_sending();
        raw.read_to_end_of_anything();
        speaker.say("lobby", round.to_string());
        let heard = listener.next_record();
        assert_eq!((heard.text(), heard.from.as_str()), (round.to_string().as_str(), "speaker"));
    }
    server.stop();
}

fn bodies_of_ping_and_logout_are_ignored(shards: u32) {
    //= PROTOCOL.md#4.6
    // Ignored, compressed or not, as long as it keeps to the size limit.
    let server = Server::start(shards);
    let mut raw = server.guest();
    for (command, answered) in [(PING, true), (LOGOUT, false)] {
        let mut frame = raw.request(command, vec![0xff; BODY_MAX as usize]);
        frame.compression = GZIP;
        raw.send_frame(&frame);
        if answered {
            assert_eq!(raw.answer(PONG, frame.seq), OK);
        } else {
            assert_eq!(raw.frames_to_end(), (Vec::new(), End::Stream));
        }
    }
    server.stop();
}
