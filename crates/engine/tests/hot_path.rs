//! What a message costs, in counts that no busy machine can change: allocations, encodes, compressions, sends.
//!
//! The bounds stand in `crates/engine/tests/hot_path.bounds`. A count above its bound fails; so does one below, so that
//! a gain is written down where it was made and cannot be lost again unseen.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod hall;

use std::collections::BTreeMap;

use allocation_counter::measure;
use hall::{BODY, GZIP, Hall, REST, code};
use longwire_wire::{Command, Flow, Status, put_frame};

/// Compares counts with the file's, all of them at once.
fn check(counts: &BTreeMap<&str, u64>) {
    let file = include_str!("hot_path.bounds");
    let lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let bounds: BTreeMap<&str, u64> = lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, n)| (name, n.trim().parse().unwrap()))
        .collect();
    for (name, count) in counts {
        let bound = bounds.get(name).unwrap_or_else(|| panic!("{name} has no bound; it counts {count}"));
        assert_eq!(count, bound, "{name}: counted, and bound (crates/engine/tests/hot_path.bounds)");
    }
}

/// Allocations, sends, encodes, compressions and WebSocket headers of one message, when everything has been used once before.
fn one_message(hall: &mut Hall) -> [u64; 5] {
    (0..3).for_each(|_| hall.message());
    let (before, sends) = (hall.shard.stats(), hall.sink.sends);
    let allocations = measure(|| hall.message()).count_total;
    let after = hall.shard.stats();
    let stats =
        [(before.encodes, after.encodes), (before.gzips, after.gzips), (before.headers, after.headers)];
    let [encodes, gzips, headers] = stats.map(|(before, after)| after - before);
    [allocations, hall.sink.sends - sends, encodes, gzips, headers]
}

#[test]
fn a_delivery_costs_a_send_and_nothing_else() {
    let [few, sends_few, ..] = one_message(&mut Hall::new(100, &[BODY], 128));
    let [many, sends_many, encodes, gzips, headers] = one_message(&mut Hall::new(10_000, &[BODY], 128));
    assert_eq!((sends_few, sends_many), (100, 10_000));
    assert_eq!((encodes, gzips, headers), (1, 0, 1));
    // 10,000 sends are cut into slices, each of which may look at itself, and no more than that
    assert_eq!(many, few, "allocations with 10,000 members and with 100");
    check(&BTreeMap::from([("message.allocations", few)]));
}

#[test]
fn a_round_encodes_once_a_dialect_and_compresses_once() {
    let mut hall = Hall::new(10_000, &[BODY, REST, GZIP], 2_000);
    let [allocations, sends, encodes, gzips, headers] = one_message(&mut hall);
    assert_eq!((sends, encodes, gzips, headers), (10_000, 3, 1, 3));
    check(&BTreeMap::from([("message.three-dialects.allocations", allocations)]));
}

/// Half of ten thousand members are WebSockets: frame and message are the same bytes for all of a dialect, not copies, and
/// the header in front of them was written once.
#[test]
fn a_push_is_made_once_whatever_carries_it() {
    for dialects in [&[BODY][..], &[BODY, REST, GZIP]] {
        let mut hall = Hall::new(10_000, dialects, 2_000);
        (0..3).for_each(|_| hall.message());
        hall.sink.places = Some(BTreeMap::new());
        let before = hall.shard.stats();
        hall.message();
        let after = hall.shard.stats();
        let variants = dialects.len() as u64;
        assert_eq!([after.encodes - before.encodes, after.headers - before.headers], [variants, variants]);
        let places = hall.sink.places.take().unwrap();
        assert_eq!(places.len() as u64, variants, "places in memory that pushes were sent from");
        assert_eq!(places.values().sum::<u64>(), 10_000);
    }
}

#[test]
fn members_are_announced_two_sends_ahead() {
    let mut hall = Hall::new(1_000, &[REST, BODY], 128);
    hall.message();
    hall.sink.announced = 0;
    hall.message();
    // but the first two of the round, and the two that follow where it comes round to the first member
    assert!(hall.sink.announced >= 1_000 - 4, "{} of 1,000", hall.sink.announced);
}

#[test]
fn a_heartbeat_allocates_nothing() {
    let mut hall = Hall::new(1, &[BODY], 128);
    let mut ping = Vec::new();
    put_frame(&mut ping, BODY, code(Command::Ping), Flow::Request, 7, Status::OK, &[]);
    hall.says(1, &ping);
    let sends = hall.sink.sends;
    let allocations = measure(|| hall.says(1, &ping)).count_total;
    assert_eq!((allocations, hall.sink.sends - sends), (0, 1));
}

#[test]
fn a_burst_is_one_round_and_one_send_a_member() {
    let mut hall = Hall::new(1_000, &[BODY], 128);
    let burst = hall.cms.repeat(32);
    hall.says(hall.speaker, &burst);
    let (before, sends) = (hall.shard.stats(), hall.sink.sends);
    let allocations = measure(|| hall.says(hall.speaker, &burst)).count_total;
    let after = hall.shard.stats();
    assert_eq!(after.sequenced - before.sequenced, 32);
    assert_eq!((after.rounds - before.rounds, after.encodes - before.encodes), (1, 1));
    assert_eq!(hall.sink.sends - sends, 1_000, "32 records in one send a member");
    check(&BTreeMap::from([("burst-of-32.allocations", allocations)]));
}

#[test]
fn every_bound_is_of_something_that_is_counted() {
    let source = include_str!("hot_path.rs");
    let names = include_str!("hot_path.bounds").lines().filter_map(|line| line.split_once(' '));
    for (name, _) in names.filter(|(name, _)| *name != "#") {
        assert!(source.contains(&format!("\"{name}\"")), "{name} is counted nowhere");
    }
}
