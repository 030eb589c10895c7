//! How connections end: by LOGOUT, by silence, by a deadline, and never by the server's own pause (sections 9 and 13).

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::{End, Raw};
use crate::common::server::{Plan, Server};
use std::time::{Duration, Instant};

on_one_and_four_shards!(
    logout_finishes_what_is_owed_and_closes,
    input_behind_a_logout_is_thrown_away,
    the_silent_are_closed_and_the_pinging_stay,
    pushes_and_parts_of_frames_are_no_sign_of_life,
    any_whole_frame_is_a_sign_of_life,
    a_login_has_a_deadline_whatever_dribbles,
    a_stopped_server_drops_nobody_when_it_goes_on,
);

/// Before it looks again whether a connection has ended, a test waits this long for the end itself.
const LOOK: Duration = Duration::from_millis(100);
const IDLE: Duration = Duration::from_secs(4);

fn with_short_idle(shards: u32) -> Plan {
    Server::of(shards).set("wire.timeouts.idle", "4s").set("wire.timeouts.heartbeat", "2s")
}

fn logout_finishes_what_is_owed_and_closes(shards: u32) {
    //= PROTOCOL.md#13.2
    // The answers already owed come, and nothing else.
    //= PROTOCOL.md#13.3
    // Then the server closes.
    //= PROTOCOL.md#13.1
    // All memberships end at once.
    let server = Server::start(shards);
    // a room for each: what is said behind one's end may be under way to its shard when the next one joins there
    for (reading, room) in READINGS.into_iter().zip(["a", "b"]) {
        let mut speaker = server.member("speaker", room);
        let mut raw = server.connect().with(reading, 2, false);
        raw.log_in_as_guest();
        let steps =
            [(JOIN_CR, join_body(room)), (PING, Vec::new()), (LOGOUT, Vec::new()), (PING, Vec::new())];
        let frames: Vec<Frame> =
            steps.into_iter().map(|(command, body)| raw.request(command, body)).collect();
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.to_bytes(reading)).collect();
        raw.send(&bytes);
        assert_eq!(raw.answer(JOIN_CR, frames[0].seq), OK);
        assert_eq!(raw.answer(PONG, frames[1].seq), OK);
        assert_eq!(raw.frames_to_end(), (Vec::new(), End::Stream));
        speaker.say(room, "is anybody here?");
        speaker.ping();
    }
    let books = server.stop();
    assert_eq!(books.normal.owed, 0);
}

fn input_behind_a_logout_is_thrown_away(shards: u32) {
    //= PROTOCOL.md#13.4
    // Whatever comes behind a LOGOUT is thrown away.
    //= PROTOCOL.md#13.5
    // The sending side is shut down before the close, and input is read on: no reset destroys what was sent.
    let server = Server::start(shards);
    let mut witness = server.member("", "lobby");
    let mut raw = server.member("alice", "lobby");
    let ping = raw.ask(PING, Vec::new());
    let logout = raw.request(LOGOUT, Vec::new());
    let late = raw.request(CMS, cms_body("lobby", "too late"));
    let mut bytes = [logout.to_bytes(raw.reading), late.to_bytes(raw.reading)].concat();
    bytes.resize(300_000, 0xee);
    raw.send_what_it_takes(&bytes);
    assert_eq!(raw.answer(PONG, ping), OK);
    assert_eq!(raw.frames_to_end(), (Vec::new(), End::Stream));
    server.member("bob", "lobby").say("lobby", "mark");
    assert_eq!(witness.next_record().text(), "mark");
    server.stop();
}

fn the_silent_are_closed_and_the_pinging_stay(shards: u32) {
    //= PROTOCOL.md#9.3
    // Closed between `idle` and a second more after the last complete frame.
    //= PROTOCOL.md#9.10
    // An idle close sends no frame.
    //= PROTOCOL.md#19.8
    // `wire.timeouts` sets it.
    let server = with_short_idle(shards).start();
    let mut pinging = server.guest();
    let before = Instant::now();
    let mut silent = server.member("", "lobby");
    while !silent.ends_within(LOOK) {
        pinging.ping();
    }
    assert!(before.elapsed() >= IDLE, "not before its time: {:?}", before.elapsed());
    pinging.ping();
    server.stop();
}

fn pushes_and_parts_of_frames_are_no_sign_of_life(shards: u32) {
    //= PROTOCOL.md#9.5
    // Parts of a frame do not count.
    //= PROTOCOL.md#9.6
    // What the server sends does not count.
    let server = with_short_idle(shards).start();
    let mut speaker = server.member("speaker", "lobby");
    let mut listener = server.member("", "lobby");
    let mut dribbler = server.guest();
    dribbler.send(&Frame::request(JOIN_CR, 1, Vec::new()).with_len(60_000));
    let (mut listening, mut dribbling) = (true, true);
    while listening || dribbling {
        speaker.say("lobby", "noise");
        speaker.ping();
        dribbler.send_what_it_takes(b"x");
        listening = listening && !listener.ends_within(LOOK);
        dribbling = dribbling && !dribbler.ends_within(LOOK);
    }
    server.stop();
}

fn any_whole_frame_is_a_sign_of_life(shards: u32) {
    //= PROTOCOL.md#9.4
    // Any complete frame counts, also one that is refused.
    let server = with_short_idle(shards).start();
    let mut silent = server.guest();
    let mut living = [server.guest(), server.member("alice", "lobby"), server.guest()];
    while !silent.ends_within(LOOK) {
        assert_eq!(living[0].status_of(99, Vec::new()), UNSUPPORTED);
        living[1].say("lobby", "nobody hears me");
        assert_eq!(living[2].status_of(CMS, vec![0x0a]), MALFORMED);
    }
    living.iter_mut().for_each(Raw::ping);
    server.stop();
}

fn a_login_has_a_deadline_whatever_dribbles(shards: u32) {
    //= PROTOCOL.md#9.1
    // No first byte within `login_start`: closed without a byte.
    //= PROTOCOL.md#9.2
    // No whole LOGIN within `login` of its first byte: the same.
    let server =
        Server::of(shards).set("wire.timeouts.login_start", "1s").set("wire.timeouts.login", "1s").start();
    let mut user = server.user("alice");
    let mut silent = server.connect();
    let mut half = server.connect();
    half.send(&[0, 0, 0]);
    let mut dribbler = server.connect();
    dribbler.send(&Frame::request(LOGIN, 1, Vec::new()).with_len(4_000));
    while !dribbler.ends_within(LOOK) {
        dribbler.send_what_it_takes(&[0x0a]);
    }
    for raw in [&mut silent, &mut half, &mut dribbler] {
        raw.assert_closed_without_a_byte();
    }
    user.ping();
    server.stop();
}

fn a_stopped_server_drops_nobody_when_it_goes_on(shards: u32) {
    //= PROTOCOL.md#9.9
    // A pause of the server is never held against a client: its socket is read before an idle close, and a standstill
    // of over 1 s is added to all deadlines.
    let server = with_short_idle(shards).start();
    let mut pinging: Vec<Raw> = (0..50).map(|_| server.guest()).collect();
    let mut quiet = server.guest();
    server.signal("STOP");
    let seqs: Vec<u32> = pinging.iter_mut().map(|raw| raw.ask(PING, Vec::new())).collect();
    // Not for something to happen: the standstill itself, longer than `idle`, is what is tested.
    std::thread::sleep(IDLE + Duration::from_secs(1));
    server.signal("CONT");
    quiet.ping();
    for (raw, seq) in pinging.iter_mut().zip(seqs) {
        assert_eq!(raw.answer(PONG, seq), OK);
        raw.ping();
    }
    server.stop();
}
