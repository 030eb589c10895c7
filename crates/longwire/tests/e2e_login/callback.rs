//! The provider `http`, against a service that is late, hangs, is down, or answers nobody.

use super::place::Place;
use super::service::Service;
use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::server::{Plan, Server};

on_one_and_four_shards!(
    what_stands_behind_a_late_login_takes_effect_in_order,
    a_service_that_hangs_is_overloaded_and_harms_nobody,
    a_service_that_is_down_leaves_sessions_alone,
    a_wrong_token_is_unauthenticated,
    an_answer_for_a_connection_that_has_gone_finds_nobody,
    a_drain_does_not_wait_for_a_login,
);

fn plan(place: &Place, service: &Service, shards: u32) -> Plan {
    let secret = place.write("http.secret", &Service::secret());
    Server::of(shards)
        .log_level("trace")
        .set("login.provider", "http")
        .set("login.http.url", &service.url())
        .set("login.http.secret_file", &secret)
        .set("login.http.timeout", "20s")
}

/// Fault: frames behind a LOGIN whose answer is late.
fn what_stands_behind_a_late_login_takes_effect_in_order(shards: u32) {
    //= PROTOCOL.md#8.5
    // The client may send further frames without waiting for LOGIN's answer; they take effect after it.
    //= PROTOCOL.md#9.8
    // While a LOGIN waits for its answer, idle time stands still: it takes longer here than a connection may be idle.
    //= PROTOCOL.md#15.7
    // The server decodes nothing behind a LOGIN that waits.
    //= PROTOCOL.md#16.2
    // *Waits*: left undecoded, and treated as the state that the LOGIN led to.
    let (place, service) = (Place::new(), Service::start());
    let plan = plan(&place, &service, shards);
    let server = plan
        .set("wire.timeouts.heartbeat", "1s")
        .set("wire.timeouts.idle", "2s")
        .set("drain.spread", "0s")
        .start();
    let mut late = server.connect();
    let login = late.request(LOGIN, login_body("canary-token-late", "late"));
    let join = late.request(JOIN_CR, join_body("lobby"));
    let say = late.request(CMS, cms_body("elsewhere", "canary-body-behind"));
    let ping = late.request(PING, Vec::new());
    let frames = [&login, &join, &say, &ping];
    late.send(&frames.map(|frame| frame.to_bytes(late.reading)).concat());
    service.was_asked("late");
    for (command, frame, status) in
        [(LOGIN, login, OK), (JOIN_CR, join, OK), (CMS, say, NOT_JOINED), (PONG, ping, OK)]
    {
        assert_eq!(late.answer(command, frame.seq), status);
    }
    let mut speaker = server.member("speaker", "lobby");
    speaker.say("lobby", "canary-body-heard");
    assert_eq!(late.next_record().text(), "canary-body-heard");
    server.stop();
}

/// Fault: the login callback hangs.
fn a_service_that_hangs_is_overloaded_and_harms_nobody(shards: u32) {
    //= PROTOCOL.md#8.22
    // A provider that does not answer in its time: OVERLOADED, and the client may try again.
    //= PROTOCOL.md#8.4
    // 11: the login provider is not available.
    let (place, service) = (Place::new(), Service::start());
    let server = plan(&place, &service, shards).set("login.http.timeout", "500ms").start();
    let mut session = server.member("alice", "lobby");
    for at in 0..5 {
        assert_eq!(server.connect().try_log_in("canary-token-hang", &format!("hang{at}")), OVERLOADED);
        session.ping();
    }
    // Five failures in a row: it is left alone for a while.
    let asked = service.times_asked();
    assert_eq!(server.connect().try_log_in("canary-token-hang", "hang6"), OVERLOADED);
    assert_eq!(service.times_asked(), asked);
    server.guest().ping();
    server.stop();
}

/// Fault: the login callback is down.
fn a_service_that_is_down_leaves_sessions_alone(shards: u32) {
    //= PROTOCOL.md#8.22
    // Sessions that exist go on; a renewal that cannot be judged is refused, and changes nothing.
    //= PROTOCOL.md#8.11
    // A later LOGIN that is refused leaves the session as it was.
    let (place, service) = (Place::new(), Service::start());
    let server = plan(&place, &service, shards).start();
    let mut listener = server.member("bob", "lobby");
    let mut session = server.member("alice", "lobby");
    service.set_down(true);
    assert_eq!(server.connect().try_log_in("canary-token-down", "carol"), OVERLOADED);
    assert_eq!(session.status_of(LOGIN, login_body("canary-token-down", "alice")), OVERLOADED);
    assert_eq!(session.verdict_on(cms_body("lobby", "canary-body-still")), None);
    assert_eq!(listener.next_record().from, "alice");
    service.set_down(false);
    assert_eq!(session.status_of(LOGIN, login_body("canary-token-down", "alice")), OK);
    server.stop();
}

fn a_wrong_token_is_unauthenticated(shards: u32) {
    //= PROTOCOL.md#8.4
    // 2: token wrong.
    let (place, service) = (Place::new(), Service::start());
    let server = plan(&place, &service, shards).start();
    assert_eq!(server.connect().try_log_in("canary-token-wrong", "wrong"), UNAUTHENTICATED);
    server.user("alice").ping();
    server.stop();
}

/// Fault: a late answer for a reused slot.
fn an_answer_for_a_connection_that_has_gone_finds_nobody(shards: u32) {
    //= PROTOCOL.md#1.4
    // The first frame of a connection is a LOGIN: nobody is logged in by the answer to another's.
    let (place, service) = (Place::new(), Service::start());
    let server = plan(&place, &service, shards).set("drain.spread", "0s").start();
    for at in 0..8 {
        let user = format!("held{at}");
        let mut gone = server.connect();
        gone.ask(LOGIN, login_body("canary-token-held", &user));
        service.was_asked(&user);
    }
    let mut strangers: Vec<_> = (0..8).map(|_| server.connect()).collect();
    let mut session = server.member("alice", "lobby");
    service.open_gate();
    (0..8).for_each(|at| service.has_answered(&format!("held{at}")));
    session.ping();
    for stranger in &mut strangers {
        stranger.ask(PING, Vec::new());
        assert!(stranger.next_frame_or_end().is_err(), "a stranger's first frame must be a LOGIN");
    }
    session.ping();
    server.stop();
}

fn a_drain_does_not_wait_for_a_login(shards: u32) {
    //= PROTOCOL.md#13.9
    // A server that is told to stop closes every connection within a bound.
    let (place, service) = (Place::new(), Service::start());
    let mut server = plan(&place, &service, shards).start();
    let mut held = server.connect();
    held.ask(LOGIN, login_body("canary-token-held", "held"));
    service.was_asked("held");
    server.signal("TERM");
    held.assert_ended();
    assert_eq!(server.wait().code(), Some(0), "drained clean");
    server.books();
}
