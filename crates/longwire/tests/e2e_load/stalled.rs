//! 100,000 messages past 1,000 members that read nothing: memory keeps to its bounds, the others lose nothing.
//!
//! `LONGWIRE_TEST_STALLED` and `LONGWIRE_TEST_MESSAGES` scale it; the defaults are the real sizes.

use super::SPREAD;
use crate::common::on_one_and_four_shards;
use crate::common::raw::Raw;
use crate::common::server::Server;

on_one_and_four_shards!(a_thousand_stalled_members_cost_nobody_anything);

const READERS: usize = 10;
/// Messages under way: small enough that a reader that is merely busy is not overtaken.
const WINDOW: usize = 1_000;
/// What may grow: the room's ring (2 MiB, its parts in both encodings), and what half-sent frames pin (`fanout.pinned_max`,
/// 64 MiB a shard at most; a frame is one batch for all, so it is far less).
const GROWTH_KIB_MAX: u64 = (2 * 2 + 64) * 1024;

fn a_thousand_stalled_members_cost_nobody_anything(shards: u32) {
    //= PROTOCOL.md#15.15
    // A stalled member never delays another and never takes a record from another.
    //= PROTOCOL.md#15.3
    // It loses what no longer fits the ring.
    // Without the limit raised, 1,000 sockets do not fit the usual 1,024 descriptors of a process.
    longwire_sys::raise_open_files().expect("a process may raise its soft limit");
    let (stalled_count, messages) = (size("STALLED", 1_000), size("MESSAGES", 100_000));
    // They say nothing for as long as it takes: neither silence nor stalling is what is tested here.
    let plan = Server::of(shards)
        .set("wire.timeouts.idle", "10m")
        .set("fanout.stall_timeout", "10m")
        .set("drain.spread", SPREAD);
    let server = plan.start();
    let mut stalled: Vec<Raw> = (0..stalled_count).map(|_| server.member("", "lobby")).collect();
    let mut readers: Vec<Raw> = (0..READERS).map(|_| server.member("", "lobby")).collect();
    let mut speaker = server.member("speaker", "lobby");
    say_window(&mut speaker, &mut readers, 0);
    let resident = server.resident_kib();
    let mut resident_max = resident;
    for window in 1..messages / WINDOW {
        say_window(&mut speaker, &mut readers, window);
        resident_max = resident_max.max(server.resident_kib());
    }
    let grown = resident_max - resident;
    println!("{shards} shards: {resident} KiB resident with everybody there, at most {grown} KiB more");
    assert!(grown <= GROWTH_KIB_MAX, "{grown} KiB more than before the messages");

    let books = server.stop();
    let received: u64 = stalled.iter_mut().map(|raw| raw.whole_records_to_end() as u64).sum();
    assert_eq!(books.normal.owed, (messages * (stalled_count + READERS)) as u64);
    assert_eq!(books.normal.delivered, (messages * READERS) as u64 + received, "{books:?}");
}

/// The speaker says one window, and each reader gets all of it, in order.
fn say_window(speaker: &mut Raw, readers: &mut [Raw], window: usize) {
    let text = |n: usize| format!("{:08} {}", window * WINDOW + n, "x".repeat(100));
    let bytes: Vec<u8> = (0..WINDOW).flat_map(|n| speaker.cms_bytes("lobby", &text(n))).collect();
    speaker.send(&bytes);
    for reader in readers {
        for n in 0..WINDOW {
            assert_eq!(reader.next_record().text(), text(n));
        }
    }
}

fn size(name: &str, default: usize) -> usize {
    let text = std::env::var(format!("LONGWIRE_TEST_{name}"));
    text.map_or(default, |text| text.parse().expect("a whole number"))
}
