//! A flood on one connection costs its own, never a bystander. Counts and order alone: no clock of a busy machine.

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::{End, Raw};
use crate::common::server::Server;
use std::io::{Read, Write};

on_one_and_four_shards!(
    a_flood_over_its_quota_is_refused_and_closed,
    a_flood_without_quotas_delays_no_bystander,
);

const FLOOD: usize = 200_000;
/// Of an answer without a body: its header.
const EMPTY_BYTES: usize = 11;
/// Fault: 200,000 empty frames a second, quotas on.
fn a_flood_over_its_quota_is_refused_and_closed(shards: u32) {
    //= PROTOCOL.md#5.23
    // After 100 refusals in a row the server closes.
    let server = Server::of(shards)
        .set("quotas.connection_frames", "1000/1h")
        .set("quotas.user.messages", "5/s burst 10")
        .set("quotas.room.messages", "200/s burst 40")
        .start();
    let mut bystander = server.user("bob");
    let mut flooding = server.user("mallory");
    let flood = flood(&mut flooding);
    (0..200).for_each(|_| bystander.ping());
    let (frames, end) = flooding.frames_to_end();
    assert_eq!(end, End::Stream);
    let (pongs, refusals) = frames.split_at(1000);
    assert!(pongs.iter().all(|frame| (frame.command, frame.status) == (PONG, OK)));
    assert_eq!(refusals.len(), 100);
    assert!(refusals.iter().all(|frame| (frame.command, frame.status) == (PING, RATE_LIMITED)));
    flood.join().expect("it wrote as long as it could");
    (0..200).for_each(|_| bystander.ping());
    server.stop();
}

/// Fault: 200,000 empty frames a second, quotas off. How little a bystander waits for them is what e2e_process/turns.rs counts.
fn a_flood_without_quotas_delays_no_bystander(shards: u32) {
    //= PROTOCOL.md#15.15
    // A slow or stalled member never delays another; nor does a noisy one.
    let server = Server::start(shards);
    let mut bystander = server.user("bob");
    let mut flooding = server.user("mallory");
    let flood = flood(&mut flooding);
    let (mut reader, reading) = (flooding.writer(), flooding.reading);
    let answers = std::thread::spawn(move || {
        let mut bytes = vec![0; FLOOD * EMPTY_BYTES];
        reader.read_exact(&mut bytes).expect("every frame is answered"); // looked at later: the server must not wait
        bytes
    });
    while !answers.is_finished() {
        bystander.ping();
    }
    flood.join().expect("all of it was taken");
    let answers = answers.join().expect("it read them");
    for (seq, bytes) in answers.chunks(EMPTY_BYTES).enumerate() {
        let (frame, _) = Frame::cut_from(bytes, reading).expect("an empty frame");
        assert_eq!((frame.command, frame.seq as usize, frame.status), (PONG, seq, OK), "in order");
    }
    flooding.ping();
    bystander.ping();
    server.stop();
}

/// Writes empty frames from a thread of its own, as long as they are taken.
fn flood(raw: &mut Raw) -> std::thread::JoinHandle<()> {
    let (mut writer, reading) = (raw.writer(), raw.reading);
    let frames = (0..FLOOD as u32).map(|seq| Frame::request(PING, seq, Vec::new()).to_bytes(reading));
    let bytes: Vec<u8> = frames.flatten().collect();
    std::thread::spawn(move || {
        let _ = writer.write_all(&bytes); // what a server that closes does not take is lost
    })
}
