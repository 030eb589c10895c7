//! Signals: a drain that ends by itself, one that is cut short, and the books that both leave.

use crate::common::on_one_and_four_shards;
use crate::common::raw::{End, Raw};
use crate::common::server::{Plan, Server};
use std::net::TcpStream;

on_one_and_four_shards!(
    sigterm_and_sigint_drain_and_exit_0,
    what_was_accepted_before_sigterm_still_arrives,
    a_second_signal_cuts_the_drain_short_with_3,
    the_drains_deadline_cuts_it_short_with_3,
);

fn sigterm_and_sigint_drain_and_exit_0(shards: u32) {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(shards);
        let mut members: Vec<Raw> = (0..32).map(|_| server.member("", "lobby")).collect();
        let mut silent = server.connect();
        server.signal(signal);
        for member in &mut members {
            assert_eq!(member.frames_to_end(), (Vec::new(), End::Stream), "an orderly end, not a reset");
        }
        silent.assert_closed_without_a_byte();
        assert_eq!(server.wait().code(), Some(0), "SIG{signal}: {}", server.log().join("\n"));
        server.books();
    }
}

fn what_was_accepted_before_sigterm_still_arrives(shards: u32) {
    let server = Server::start(shards);
    let mut speaker = server.member("speaker", "lobby");
    let mut readers: Vec<Raw> = (0..16).map(|_| server.member("", "lobby")).collect();
    for n in 0..1_000 {
        speaker.say("lobby", format!("message {n}"));
    }
    // Behind its PONG all 1,000 are accepted; delivered they are not yet.
    speaker.ping();
    let books = server.stop();
    assert_eq!(books.normal.owed, 16_000, "{books:?}");
    let received: usize = readers.iter_mut().map(|reader| reader.records_to_end().len()).sum();
    assert_eq!(
        (received as u64, books.normal.delivered),
        (books.normal.owed, books.normal.owed),
        "{books:?}"
    );
}

/// A server whose drain takes long: one member is owed more than the kernel holds, and reads nothing.
fn with_a_stalled_member(plan: Plan) -> (Server, Raw) {
    let server = plan.start();
    let stalled = server.member("", "lobby");
    let mut speaker = server.member("speaker", "lobby");
    for _ in 0..300 {
        speaker.say("lobby", vec![b'x'; 30_000]);
    }
    speaker.ping();
    (server, stalled)
}

fn a_second_signal_cuts_the_drain_short_with_3(shards: u32) {
    let (mut server, _stalled) = with_a_stalled_member(Server::of(shards));
    server.signal("TERM");
    // That the first signal has been taken shows in connections no longer being accepted.
    while TcpStream::connect(server.address()).is_ok() {}
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(3), "{}", server.log().join("\n"));
    server.books();
}

fn the_drains_deadline_cuts_it_short_with_3(shards: u32) {
    let plan = Server::of(shards).set("drain.spread", "100ms").set("drain.deadline", "500ms");
    let (mut server, _stalled) = with_a_stalled_member(plan);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(3), "{}", server.log().join("\n"));
    server.books();
}
