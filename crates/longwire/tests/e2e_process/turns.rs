//! Turns: what one connection sends at once is taken in shares, and everybody else is served between them.

use crate::common::bytes::*;
use crate::common::raw::Raw;
use crate::common::server::Server;

/// Of how many frames of one connection a turn consists, at most.
const TURN: usize = 64;
/// What fits the sockets of a server that stands still, in turns: one read brings it all.
const TURNS_WAITING: usize = 60;
/// How many turns a bystander may wait for, whose message was there before the first.
const TURNS_MAX: usize = 4;

/// Told by the order in which a room hears of both, which no busy machine changes: the flood and the bystander's message
/// are there before the server looks at either.
#[test]
fn a_bystander_waits_for_a_few_turns_of_a_flood_and_no_more() {
    //= PROTOCOL.md#15.15
    // A slow or stalled member never delays another; nor does a noisy one.
    let server = Server::start(1);
    let mut witness = server.member("", "lobby");
    let [mut flooding, mut bystander] = ["mallory", "bob"].map(|name| server.member(name, "lobby"));
    let bytes: Vec<u8> = (0..TURNS_WAITING).flat_map(|_| turn_of(&mut flooding)).collect();
    server.signal("STOP");
    server.wait_for_state('T');
    flooding.send(&bytes);
    bystander.say("lobby", "here");
    server.signal("CONT");
    let turns = (0..=TURNS_WAITING).position(|_| witness.next_record().text() == "here");
    assert!(turns.is_some_and(|turns| turns <= TURNS_MAX), "behind {turns:?} turns of {TURNS_WAITING}");
    bystander.ping();
    server.stop();
}

/// A message, which says that a turn begins, and what fills it: frames that nobody hears of.
fn turn_of(flooding: &mut Raw) -> Vec<u8> {
    let mut bytes = flooding.cms_bytes("lobby", "a turn");
    for _ in 1..TURN {
        bytes.extend(flooding.request(PING, Vec::new()).to_bytes(flooding.reading));
    }
    bytes
}
