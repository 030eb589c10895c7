//! The search for secrets, judged: a server that prints one must fail the test that started it.
//!
//! A user's id is no secret, and a refused LOGIN's is logged at `debug`. So a user who is called like a canary is a leak
//! that the real server makes, through its real log.

use super::place::Place;
use crate::common::canary::never_printed;
use crate::common::on_one_and_four_shards;
use crate::common::server::{Plan, Server};
use std::panic::{AssertUnwindSafe, catch_unwind};

on_one_and_four_shards!(
    a_word_of_a_test_that_is_printed_fails_it_at_the_end,
    a_word_of_a_test_that_is_printed_fails_it_where_lines_are_waited_for,
    a_word_of_a_test_that_is_printed_fails_it_unread,
    a_word_that_was_learnt_fails_too,
    without_a_leak_nothing_fails,
);

fn plan(place: &Place, shards: u32) -> Plan {
    place.static_plan(shards, &[("alice", "canary-token-of-alice")]).log_level("debug")
}

/// Lets the server log `user`, and what the test made of it.
fn leaked(user: &str, shards: u32, then: impl FnOnce(Server)) -> Option<String> {
    let place = Place::new();
    let server = plan(&place, shards).start();
    assert!(server.connect().try_log_in("canary-token-wrong", user) != 0, "it is refused, and logged");
    let failed = catch_unwind(AssertUnwindSafe(|| then(server))).err()?;
    let words = failed.downcast_ref::<String>().cloned();
    Some(words.unwrap_or_else(|| panic!("it failed with other than words")))
}

fn is_told(failure: Option<String>, user: &str) {
    let failure = failure.expect("the leak was not found");
    assert!(failure.contains("a secret is in the server's output"), "{failure}");
    assert!(failure.contains(user), "{failure}");
}

fn a_word_of_a_test_that_is_printed_fails_it_at_the_end(shards: u32) {
    is_told(leaked("canary-planted", shards, |server| drop(server.stop())), "canary-planted");
}

fn a_word_of_a_test_that_is_printed_fails_it_where_lines_are_waited_for(shards: u32) {
    let waits = |mut server: Server| drop(server.line_with("login refused"));
    is_told(leaked("canary-planted", shards, waits), "canary-planted");
}

/// One whose output nobody has read when it is dropped. It has ended by then: what is killed may not have written its log yet.
fn a_word_of_a_test_that_is_printed_fails_it_unread(shards: u32) {
    let unread = |server: Server| {
        server.signal("TERM");
        server.wait_for_state('Z');
        drop(server);
    };
    is_told(leaked("canary-planted", shards, unread), "canary-planted");
}

fn a_word_that_was_learnt_fails_too(shards: u32) {
    let word = never_printed(format!("learnt-in-a-test-{shards}"));
    is_told(leaked(&word, shards, |server| drop(server.stop())), &word);
}

fn without_a_leak_nothing_fails(shards: u32) {
    assert_eq!(leaked("harmless", shards, |server| drop(server.stop())), None);
}
