//! What an idle connection costs the process: resident memory before and after thousands of them. docs/memory.md says
//! where the bytes go; `cargo test -p longwire --test e2e_load idle -- --nocapture` shows the figures.

use crate::common::carried;
use crate::common::raw::Raw;
use crate::common::server::{Plan, Server};

/// Connections before the first look: allocators and tables have their first pages then.
const BEFORE: usize = 1_000;
/// Connections between the two looks.
const COUNTED: usize = 6_000;
/// Bounds of docs/memory.md; the user's own strings would come on top, and are within.
const GUEST_BYTES_MAX: u64 = 256;
const USER_BYTES_MAX: u64 = 384;

fn all_quotas() -> Plan {
    Server::of(1)
        .set("quotas.exempt", "[]")
        .set("quotas.connection_frames", "50/s burst 100")
        .set("quotas.address.connections", "100000")
        .set("quotas.address.guests", "100000")
        .set("quotas.address.connects", "100000/s")
        .set("quotas.user.connections", "5")
        .set("quotas.user.messages", "5/s burst 10")
        .set("quotas.user.joins", "10/10s")
        .set("quotas.user.reconnects", "15/m")
        .set("quotas.room.messages", "200/s burst 40")
}

fn guest(server: &Server, _: usize) -> Raw {
    server.member("", "lobby")
}

fn user(server: &Server, at: usize) -> Raw {
    server.member(&format!("u{at:07}"), "lobby")
}

/// Resident bytes a connection.
fn cost(plan: Plan, come: impl Fn(&Server, usize) -> Raw) -> u64 {
    // long enough for the last to come while the first are there: nobody here says a word
    let server = plan.set("drain.spread", "0s").set("wire.timeouts.idle", "10m").start();
    let mut held: Vec<Raw> = (0..BEFORE).map(|at| come(&server, at)).collect();
    let before = server.resident_kib();
    held.extend((BEFORE..BEFORE + COUNTED).map(|at| come(&server, at)));
    let grown = server.resident_kib().saturating_sub(before);
    drop(held);
    server.stop();
    grown * 1024 / COUNTED as u64
}

#[test]
fn an_idle_connection_stays_within_its_bytes() {
    carried::run("an_idle_connection_stays_within_its_bytes", idle_connections_cost);
}

fn idle_connections_cost() {
    let cases = [
        ("guest in a room", cost(Server::of(1), guest), GUEST_BYTES_MAX),
        ("guest in a room, every quota on", cost(all_quotas(), guest), GUEST_BYTES_MAX),
        ("user in a room", cost(Server::of(1), user), USER_BYTES_MAX),
        ("user in a room, every quota on", cost(all_quotas(), user), USER_BYTES_MAX),
    ];
    cases.iter().for_each(|(what, bytes, max)| println!("{what}: {bytes} B resident, at most {max}"));
    assert!(cases.iter().all(|(_, bytes, max)| bytes <= max), "{cases:?}");
}
