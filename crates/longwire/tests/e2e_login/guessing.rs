//! Guessing at a user's token: who pays for it, and who does not.

use super::place::Place;
use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::Raw;
use crate::common::server::{Plan, Server};
use std::net::{IpAddr, Ipv4Addr};

on_one_and_four_shards!(
    a_thousand_wrong_tokens_lock_nobody_out,
    an_address_that_guesses_is_throttled,
    an_unknown_user_and_a_wrong_token_look_the_same,
);

const ALICE: &str = "canary-token-of-alice";
const BOB: &str = "canary-token-of-bob";
const GUESS: &str = "canary-token-guessed";

/// Failures come back so slowly that no test sees it; loopback is an address like any other.
fn plan(place: &Place, shards: u32) -> Plan {
    place
        .static_plan(shards, &[("alice", ALICE), ("bob", BOB)])
        .set("quotas.exempt", "[]")
        .set("quotas.address.login_failures", "5/1h")
        .set("quotas.user.login_failures", "10/1h")
}

fn from(server: &Server, host: u8) -> Raw {
    Raw::connect_from(IpAddr::V4(Ipv4Addr::new(127, 0, 7, host)), server.address())
}

/// Fault: guessing, from many addresses.
fn a_thousand_wrong_tokens_lock_nobody_out(shards: u32) {
    //= PROTOCOL.md#8.18
    // LOGINs that fail too often are answered with RATE_LIMITED, for those who failed.
    let place = Place::new();
    let server = plan(&place, shards).start();
    let mut open = from(&server, 200);
    assert_eq!(open.try_log_in(ALICE, "alice"), OK);
    open.join("lobby");
    let (mut judged, mut throttled) = (0, 0);
    for attempt in 0..1000u32 {
        match from(&server, (attempt % 50) as u8 + 1).try_log_in(GUESS, "alice") {
            UNAUTHENTICATED => judged += 1,
            RATE_LIMITED => throttled += 1,
            status => panic!("attempt {attempt}: {status}"),
        }
    }
    assert_eq!((judged, throttled), (50, 950), "the first of each address was judged, and no other");
    assert_eq!(open.verdict_on(cms_body("lobby", "still here")), None, "the open session works");
    let mut elsewhere = from(&server, 51);
    assert_eq!(elsewhere.try_log_in(ALICE, "alice"), OK, "the right token from elsewhere works");
    assert_eq!(from(&server, 52).try_log_in(BOB, "bob"), OK, "others are not affected");
    elsewhere.ping();
    server
        .stop_and_count()
        .assert_is(&[("RATE_LIMITED", 950), ("UNAUTHENTICATED", 50)], &[("user.login_failures", 950)]);
}

/// Fault: guessing, from one address.
fn an_address_that_guesses_is_throttled(shards: u32) {
    //= PROTOCOL.md#8.18
    // LOGINs of an address that failed too often are answered with RATE_LIMITED, whoever they are for.
    let place = Place::new();
    let server = plan(&place, shards).start();
    for at in 0..5 {
        assert_eq!(from(&server, 1).try_log_in(GUESS, &format!("user{at}")), UNAUTHENTICATED);
    }
    assert_eq!(from(&server, 1).try_log_in(GUESS, "user5"), RATE_LIMITED);
    assert_eq!(
        from(&server, 1).try_log_in(ALICE, "alice"),
        RATE_LIMITED,
        "a right token is not judged either"
    );
    from(&server, 1).log_in_as_guest();
    assert_eq!(from(&server, 2).try_log_in(ALICE, "alice"), OK);
    server
        .stop_and_count()
        .assert_is(&[("RATE_LIMITED", 2), ("UNAUTHENTICATED", 5)], &[("address.login_failures", 2)]);
}

fn an_unknown_user_and_a_wrong_token_look_the_same(shards: u32) {
    let place = Place::new();
    let server = plan(&place, shards).start();
    let answers = ["alice", "nobody"].map(|user| {
        let mut raw = from(&server, 1);
        raw.send_frame(&Frame::request(LOGIN, 7, login_body(GUESS, user)));
        let (frames, end) = raw.frames_to_end();
        (frames, end)
    });
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0.len(), 1);
    // Also to somebody who has guessed at both too often.
    for user in ["alice", "nobody"] {
        for _ in 0..2 {
            assert!(from(&server, 1).try_log_in(GUESS, user) != OK);
        }
    }
    let throttled = ["alice", "nobody"].map(|user| from(&server, 1).try_log_in(GUESS, user));
    assert_eq!(throttled, [RATE_LIMITED; 2]);
    server.stop();
}
