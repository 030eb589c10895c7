//! owed = delivered + behind + dropped, compared with what each client really received (PROTOCOL.md 15.12, 15.13).

use super::SPREAD;
use crate::common::WAIT_MAX;
use crate::common::bytes::{CMS, LOGOUT, cms_body, number};
use crate::common::on_one_and_four_shards;
use crate::common::raw::{End, Raw};
use crate::common::server::Server;
use std::time::Instant;

on_one_and_four_shards!(
    the_books_say_what_clients_received,
    a_stalled_member_is_closed_and_its_loss_is_booked,
);

const MESSAGES: usize = 4_000;
const HALF: usize = MESSAGES / 2;
const CONTENT: usize = 1_500;
const GIFT: u64 = 2;

/// How many messages a reader may have before it: 30 KB, which any socket holds. So the server is never kept waiting by one
/// whose turn to read comes late on a busy machine, and closes nobody for it.
const PACE: usize = 20;

/// Says `count` messages, and paces itself by the readers: each has all of them before the next few are sent. So only those
/// who choose not to read are overtaken.
fn say_paced(speaker: &mut Raw, room: &str, count: usize, readers: &mut [Raw]) {
    for said in (0..count).step_by(PACE) {
        for n in said..said + PACE {
            let mut content = format!("{n} ").into_bytes();
            content.resize(CONTENT, b'x');
            speaker.say(room, content);
        }
        for reader in &mut *readers {
            reader.next_texts(PACE);
        }
    }
}

fn the_books_say_what_clients_received(shards: u32) {
    //= PROTOCOL.md#15.12
    // Owed is what was sequenced between joining and leaving and not sent by the member itself, and the books balance.
    //= PROTOCOL.md#15.13
    // Delivered is what the kernel took: of members that read to the end, exactly what they received.
    //= PROTOCOL.md#15.3
    // A member that does not read loses the oldest records of more than the room's ring.
    // nobody here is silent for too long, however long the messages take
    let server = Server::of(shards).set("drain.spread", SPREAD).set("wire.timeouts.idle", "10m").start();
    let group = |count: usize| -> Vec<Raw> { (0..count).map(|_| server.member("", "lobby")).collect() };
    let (mut readers, mut stalled, mut leavers) = (group(8), group(8), group(8));
    let mut speaker = server.member("speaker", "lobby");
    let mut both: Vec<Raw> = readers.drain(..).chain(leavers.drain(..)).collect();
    say_paced(&mut speaker, "lobby", HALF, &mut both);
    let mut leavers = both.split_off(8);
    let mut readers = both;
    for leaver in &mut leavers {
        leaver.ask(LOGOUT, Vec::new());
        assert_eq!(leaver.frames_to_end(), (Vec::new(), End::Stream));
    }
    say_paced(&mut speaker, "lobby", HALF, &mut readers);
    let received_before_death = killed_members(&server);
    let books = server.stop();

    let received_late: u64 = stalled.iter_mut().map(|raw| raw.whole_records_to_end() as u64).sum();
    let received = 8 * MESSAGES as u64 + 8 * HALF as u64 + received_late;
    assert_eq!(books.normal.owed, (8 + 8) * MESSAGES as u64 + 8 * HALF as u64);
    assert_eq!(books.normal.delivered, received, "late {received_late}: {books:?}");
    assert!(books.normal.dropped_as("overtaken") > 0, "6 MB do not fit a ring of 2 MiB: {books:?}");
    // What the kernel took for the killed, nobody received; what they had read they were given. How much more they were
    // owed depends on when each shard saw them die.
    assert!(books.gift.delivered >= received_before_death, "{books:?}");
    assert!(books.gift.dropped() > 0, "{books:?}");
}

/// Members of a room of their own, spoken to in gifts so that their account stands apart: they read some, then their
/// sockets are closed with input unread, which the server's kernel sees as resets. Returns how many they received.
fn killed_members(server: &Server) -> u64 {
    let mut killed: Vec<Raw> = (0..8).map(|_| server.member("", "grave")).collect();
    let mut speaker = server.member("speaker", "grave");
    let mut give = |count: usize| {
        for _ in 0..count {
            speaker.ask(CMS, [cms_body("grave", "x".repeat(CONTENT)), number(6, GIFT)].concat());
        }
        speaker.ping();
    };
    give(100);
    for raw in &mut killed {
        raw.next_texts(100);
    }
    give(1_000);
    drop(killed);
    give(1_000);
    8 * 100
}

fn a_stalled_member_is_closed_and_its_loss_is_booked(shards: u32) {
    //= PROTOCOL.md#15.4
    // A member that takes no byte for the stall time while it is owed some is closed, and what it was owed is lost to it.
    let plan = Server::of(shards).set("fanout.stall_timeout", "1s").set("drain.spread", SPREAD);
    let server = plan.set("wire.timeouts.idle", "10m").start();
    let mut readers: Vec<Raw> = (0..4).map(|_| server.member("", "lobby")).collect();
    let mut stalled = server.member("", "lobby");
    let mut speaker = server.member("speaker", "lobby");
    let files = server.open_files(); // with the stalled one, which a busy machine may lose while the messages are said
    say_paced(&mut speaker, "lobby", MESSAGES, &mut readers);
    let mut said = MESSAGES;
    let deadline = Instant::now() + WAIT_MAX;
    while server.open_files() == files {
        // The others go on, and nobody closes them.
        say_paced(&mut speaker, "lobby", 100, &mut readers);
        said += 100;
        assert!(Instant::now() < deadline, "the stalled member is not closed");
    }
    readers.iter_mut().for_each(Raw::ping);
    let received = stalled.whole_records_to_end() as u64;
    let books = server.stop();
    let others = 4 * said as u64;
    assert!(books.normal.owed > others && books.normal.owed <= 5 * said as u64, "{said}: {books:?}");
    // The close may have destroyed what the kernel held for it, so it has received that much or less.
    assert!(books.normal.delivered >= others + received, "{said}, {received}: {books:?}");
    assert!(books.normal.dropped() > 0, "{books:?}");
}
