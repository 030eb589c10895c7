//! Input that is never finished, and headers that promise too much: memory keeps to its bounds, and logins go on.

use super::SPREAD;
use crate::common::bytes::{CMS, Frame};
use crate::common::on_one_and_four_shards;
use crate::common::raw::Raw;
use crate::common::server::Server;

on_one_and_four_shards!(
    cut_frames_of_a_thousand_guests_do_not_fill_the_memory,
    headers_over_the_limit_cost_nothing,
);

/// 1,200 guests with 60,000 bytes of a frame each would hold 70 MiB.
const GUESTS: usize = 1_200;
const CUT: usize = 60_000;
/// An eighth of `limits.memory_max`, which is 64 MiB here, is what parts of frames may take; and as much again for what
/// is under way in the kernel's and the allocator's hands.
const GROWTH_KIB_MAX: u64 = 2 * 8 * 1024;

fn cut_frames_of_a_thousand_guests_do_not_fill_the_memory(shards: u32) {
    longwire_sys::raise_open_files().expect("a process may raise its soft limit");
    let server = Server::of(shards)
        .set("limits.memory_max", "64MiB")
        .set("fanout.rings_max", "16MiB")
        .set("fanout.pinned_max", "4MiB")
        .set("drain.spread", SPREAD)
        .start();
    let mut bystander = server.guest();
    let resident = server.resident_kib();
    let mut cut = Frame::request(CMS, 1, vec![0; CUT]).with_len(65_536);
    cut.truncate(CUT);
    let mut resident_max = resident;
    let mut guests: Vec<Raw> = Vec::new();
    for n in 0..GUESTS {
        let mut guest = server.guest();
        guest.send_what_it_takes(&cut);
        guests.push(guest);
        if n % 50 == 0 {
            // Everybody else goes on meanwhile: the ones that hold longest are those that are closed.
            bystander.ping();
            resident_max = resident_max.max(server.resident_kib());
        }
    }
    let grown = resident_max - resident;
    println!("{shards} shards: {resident} KiB, at most {grown} KiB more");
    assert!(grown <= GROWTH_KIB_MAX, "{grown} KiB more than before");
    let mut closed = guests.drain(..10);
    assert!(
        closed.all(|mut guest| guest.ends_within(crate::common::WAIT_MAX)),
        "the first holders are closed"
    );
    bystander.ping();
    server.guest().ping();
    server.stop();
}

fn headers_over_the_limit_cost_nothing(shards: u32) {
    //= PROTOCOL.md#14.3
    // A `len` over the limit is refused before anything is buffered for it.
    longwire_sys::raise_open_files().expect("a process may raise its soft limit");
    let server = Server::of(shards).set("drain.spread", SPREAD).start();
    let mut guests: Vec<Raw> = (0..1_000).map(|_| server.guest()).collect();
    let resident = server.resident_kib();
    let header = Frame::request(CMS, 1, Vec::new()).with_len(u32::MAX);
    for guest in &mut guests {
        guest.send(&header[..11]);
    }
    guests.iter_mut().for_each(Raw::read_to_end_of_anything);
    let grown = server.resident_kib().saturating_sub(resident);
    assert!(grown < 1024, "{grown} KiB for 1,000 headers");
    server.stop();
}
