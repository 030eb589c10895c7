//! Thousands come and go: the memory that their places took is given back, and whoever stays, or comes next, is served.

use super::SPREAD;
use crate::common::WAIT_MAX;
use crate::common::carried::{self, Transport};
use crate::common::raw::Raw;
use crate::common::server::Server;
use std::time::Instant;

/// Those who were there before, and stay.
const STAY: usize = 200;
const STORM: usize = 5_000;
/// Over anything but plain TCP, where each has a layer too, and takes longer to come.
const STORM_IN_LAYERS: usize = 600;
/// What a connection takes, at the least: a storm that takes less shows nothing.
const TAKEN_MIN: u64 = 128;
/// What may be left of it (docs/memory.md); of layers, which lie all over the heap, an eighth.
const LEFT_MAX: u64 = 32;

#[test]
fn what_a_storm_took_is_given_back() {
    carried::run("what_a_storm_took_is_given_back", a_storm_comes_and_goes);
}

fn a_storm_comes_and_goes() {
    longwire_sys::raise_open_files().expect("a process may raise its soft limit");
    let server = Server::of(1).set("wire.timeouts.idle", "10m").set("drain.spread", SPREAD).start();
    let mut stay: Vec<Raw> = (0..STAY).map(|_| server.member("", "lobby")).collect();
    let mut speaker = server.member("speaker", "lobby");
    let mut hear = |text: &str| {
        speaker.say("lobby", text);
        stay.iter_mut().for_each(|member| assert_eq!(member.next_record().text(), text));
    };
    hear("before the storm");
    let before = server.resident_kib();
    let is_plain = Transport::wanted() == Transport::Tcp;
    let storm = if is_plain { STORM } else { STORM_IN_LAYERS };
    let each = || server.resident_kib().saturating_sub(before) * 1024 / storm as u64;
    let came: Vec<Raw> = (0..storm).map(|_| server.member("", "lobby")).collect();
    let taken = each();
    assert!(taken >= TAKEN_MIN, "{taken} B a connection");
    drop(came);
    let (gone, mut left) = (Instant::now(), taken);
    while left > if is_plain { LEFT_MAX } else { taken / 8 } {
        hear("after the storm");
        left = each();
        assert!(gone.elapsed() < WAIT_MAX, "of {taken} B a connection {left} B are left");
    }
    println!("{taken} B a connection, {left} B of it left after {:?}", gone.elapsed());
    let mut next: Vec<Raw> = (0..STAY).map(|_| server.member("", "lobby")).collect();
    hear("to places that were made again");
    next.iter_mut()
        .for_each(|member| assert_eq!(member.next_record().text(), "to places that were made again"));
    server.stop();
}
