//! Many LOGINs under way at once, with a login service that takes its time: guesses cost what they cost one by one, and
//! right tokens cost nothing.

use super::place::Place;
use super::service::Service;
use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::Raw;
use crate::common::server::{Plan, Server};
use std::net::{IpAddr, Ipv4Addr};

on_one_and_four_shards!(
    guesses_at_once_from_one_address_cost_what_they_cost_one_by_one,
    guesses_at_once_for_one_user_lock_nobody_out,
    right_tokens_at_once_from_one_address_all_get_in,
    what_is_not_judged_or_not_waited_for_is_no_failure,
    a_drain_does_not_wait_for_those_who_wait_their_turn,
);

const ALICE: &str = "canary-token-of-alice";
const GUESS: &str = "canary-token-held-guess";

/// Failures come back so slowly that no test sees it; loopback is an address like any other.
fn plan(place: &Place, service: &Service, shards: u32) -> Plan {
    let secret = place.write("http.secret", &Service::secret());
    Server::of(shards)
        .log_level("trace")
        .set("login.provider", "http")
        .set("login.http.url", &service.url())
        .set("login.http.secret_file", &secret)
        .set("login.http.timeout", "30s")
        .set("quotas.exempt", "[]")
        .set("quotas.address.login_failures", "5/1h")
        .set("quotas.user.login_failures", "10/1h")
}

fn from(server: &Server, host: u8) -> Raw {
    Raw::connect_from(IpAddr::V4(Ipv4Addr::new(127, 0, 8, host)), server.address())
}

/// A connection from `host` whose LOGIN is sent, and that LOGIN's seq.
fn asking(server: &Server, host: u8, token: &str, user: &str) -> (Raw, u32) {
    let mut raw = from(server, host);
    let seq = raw.ask(LOGIN, login_body(token, user));
    (raw, seq)
}

/// How many were judged, and how many were not.
fn judged_and_throttled(guesses: Vec<(Raw, u32)>) -> (usize, usize) {
    let answers = guesses.into_iter().map(|(mut raw, seq)| raw.answer(LOGIN, seq));
    answers.fold((0, 0), |(judged, throttled), status| match status {
        UNAUTHENTICATED => (judged + 1, throttled),
        RATE_LIMITED => (judged, throttled + 1),
        status => panic!("{status}"),
    })
}

/// Fault: guessing, all at once, from one address.
fn guesses_at_once_from_one_address_cost_what_they_cost_one_by_one(shards: u32) {
    //= PROTOCOL.md#8.18
    // Too many LOGINs failed from its address: the token is not judged, however many were sent before the first failed.
    let (place, service) = (Place::new(), Service::start());
    let server = plan(&place, &service, shards).start();
    let guesses: Vec<_> = (0..60).map(|at| asking(&server, 1, GUESS, &format!("user{at}"))).collect();
    service.was_asked_so_often(5);
    assert_eq!(from(&server, 2).try_log_in(ALICE, "alice"), OK, "others are not affected");
    service.open_gate();
    assert_eq!(judged_and_throttled(guesses), (5, 55));
    assert_eq!(service.times_asked(), 6, "the service was asked about no other");
    assert_eq!(from(&server, 1).try_log_in(ALICE, "alice"), RATE_LIMITED);
    server.stop();
}

/// Fault: guessing, all at once, from many addresses.
fn guesses_at_once_for_one_user_lock_nobody_out(shards: u32) {
    //= PROTOCOL.md#8.18
    // Too many failed for its user, some of them from its address; who has failed nowhere is let in.
    let (place, service) = (Place::new(), Service::start());
    let server = plan(&place, &service, shards).start();
    let mut open = from(&server, 200);
    assert_eq!(open.try_log_in(ALICE, "alice"), OK);
    open.join("lobby");
    let guesses: Vec<_> = (0..200).map(|at| asking(&server, (at % 50) as u8 + 1, GUESS, "alice")).collect();
    service.was_asked_so_often(1 + 50);
    let mut elsewhere = from(&server, 51);
    assert_eq!(elsewhere.try_log_in(ALICE, "alice"), OK, "the right token from elsewhere works meanwhile");
    assert_eq!(open.status_of(LOGIN, login_body(ALICE, "alice")), OK, "and so does a renewal");
    service.open_gate();
    let (judged, throttled) = judged_and_throttled(guesses);
    assert!(
        (50..=58).contains(&judged),
        "{judged}: ten by the user's rate, and the first of each further address"
    );
    assert_eq!(judged + throttled, 200);
    assert_eq!(service.times_asked(), judged + 3);
    assert_eq!(open.verdict_on(cms_body("lobby", "canary-body-still")), None, "the open session works");
    elsewhere.ping();
    assert_eq!(from(&server, 52).try_log_in(ALICE, "alice"), OK);
    server.stop();
}

fn right_tokens_at_once_from_one_address_all_get_in(shards: u32) {
    //= PROTOCOL.md#8.18
    // RATE_LIMITED is for LOGINs that failed: those that are under way are none.
    let (place, service) = (Place::new(), Service::start());
    let server = plan(&place, &service, shards).start();
    let users: Vec<_> = (0..60).map(|at| asking(&server, 1, ALICE, &format!("held{at}"))).collect();
    service.was_asked_so_often(5);
    service.open_gate();
    for (mut raw, seq) in users {
        assert_eq!(raw.answer(LOGIN, seq), OK);
    }
    assert_eq!(service.times_asked(), 60);
    server.stop();
}

/// Fault: the connection goes, or the service is down, while a LOGIN is under way.
fn what_is_not_judged_or_not_waited_for_is_no_failure(shards: u32) {
    //= PROTOCOL.md#8.18
    // Nothing has failed, so nothing is RATE_LIMITED.
    let (place, service) = (Place::new(), Service::start());
    let server = plan(&place, &service, shards).set("quotas.address.login_failures", "3/1h").start();
    drop((0..3).map(|at| asking(&server, 1, ALICE, &format!("held{at}"))).collect::<Vec<_>>());
    service.was_asked_so_often(3);
    let (mut behind, seq) = asking(&server, 1, ALICE, "alice");
    service.open_gate();
    assert_eq!(behind.answer(LOGIN, seq), OK);
    service.set_down(true);
    for _ in 0..4 {
        assert_eq!(from(&server, 1).try_log_in(ALICE, "alice"), OVERLOADED);
    }
    service.set_down(false);
    assert_eq!(from(&server, 1).try_log_in(ALICE, "alice"), OK);
    server.stop();
}

fn a_drain_does_not_wait_for_those_who_wait_their_turn(shards: u32) {
    //= PROTOCOL.md#13.9
    // A server that is told to stop closes every connection within a bound.
    let (place, service) = (Place::new(), Service::start());
    let mut server = plan(&place, &service, shards).start();
    let asking: Vec<_> = (0..8).map(|at| asking(&server, 1, ALICE, &format!("held{at}"))).collect();
    service.was_asked_so_often(5);
    server.signal("TERM");
    for (mut raw, _) in asking {
        raw.assert_ended();
    }
    assert_eq!(server.wait().code(), Some(0), "drained clean");
    server.books();
}
