//! The provider `http`, against a service that is late, hangs, is down, or answers nobody.

use super::place::{Place, eventually};
use super::service::Service;
use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::server::{Plan, Server};

on_one_and_four_shards!(
    what_stands_behind_a_late_login_takes_effect_in_order,
    a_service_that_hangs_is_overloaded_and_harms_nobody,
    a_service_that_is_down_leaves_sessions_alone,
    a_service_that_is_back_is_asked_again,
    a_service_that_does_its_worst_harms_nobody,
    an_unknown_user_and_a_wrong_token_are_asked_about_alike,
    a_wrong_token_is_unauthenticated,
    an_answer_for_a_connection_that_has_gone_finds_nobody,
    a_client_that_goes_while_its_login_waits_is_gone,
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
    //= PROTOCOL.md#8.12
    // The third refused later LOGIN closes, but for those that nobody judged.
    for _ in 0..3 {
        assert_eq!(session.status_of(LOGIN, login_body("canary-token-down", "alice")), OVERLOADED);
    }
    assert_eq!(session.verdict_on(cms_body("lobby", "canary-body-still")), None);
    assert_eq!(listener.next_record().from, "alice");
    service.set_down(false);
    assert_eq!(session.status_of(LOGIN, login_body("canary-token-down", "alice")), OK);
    server.stop();
}

/// Fault: the login callback was down, and is back.
fn a_service_that_is_back_is_asked_again(shards: u32) {
    //= PROTOCOL.md#8.22
    // OVERLOADED is for now: the client may try again, and is let in once the provider answers.
    let (place, service) = (Place::new(), Service::start());
    let mut server = plan(&place, &service, shards).start();
    let mut session = server.member("alice", "lobby");
    service.set_down(true);
    for at in 0..5 {
        assert_eq!(server.connect().try_log_in("canary-token-down", &format!("down{at}")), OVERLOADED);
    }
    server.line_with("the login service fails");
    service.set_down(false);
    let asked = service.times_asked();
    let mut back = eventually("the service is asked again", || {
        session.ping();
        let mut raw = server.connect();
        match raw.try_log_in("canary-token-back", "bob") {
            OK => Some(raw),
            status => {
                assert_eq!(status, OVERLOADED);
                assert_eq!(service.times_asked(), asked, "who is refused meanwhile was not asked about");
                None
            }
        }
    });
    assert_eq!(service.times_asked(), asked + 1, "the first one that is asked about is let in");
    server.line_with("the login service answers again");
    for at in 0..10 {
        assert_eq!(server.connect().try_log_in("canary-token-back", &format!("back{at}")), OK);
    }
    assert_eq!(service.times_asked(), asked + 11);
    back.ping();
    session.ping();
    server.stop();
}

/// Fault: the login callback answers 500, 1 MiB, garbage, a redirect, or dies.
fn a_service_that_does_its_worst_harms_nobody(shards: u32) {
    //= PROTOCOL.md#8.22
    // A provider that cannot judge: OVERLOADED, and sessions that exist go on.
    let (place, service) = (Place::new(), Service::start());
    let server = plan(&place, &service, shards).start();
    let (mut session, mut listener) = (server.member("alice", "lobby"), server.member("bob", "lobby"));
    let worst = ["broken", "mega", "flood", "garbage", "moved", "dead", "cut"];
    let mut round = |times: usize| {
        for user in (0..times).flat_map(|_| worst) {
            assert_eq!(server.connect().try_log_in("canary-token-worst", user), OVERLOADED, "{user}");
            // one that works in between: without it nobody would be asked about after the fifth
            assert_eq!(server.connect().try_log_in("canary-token-good", "carol"), OK);
            assert_eq!(session.verdict_on(cms_body("lobby", "canary-body-still")), None);
            assert_eq!(listener.next_record().from, "alice");
        }
    };
    round(2);
    let (asked, resident) = (service.times_asked(), server.resident_kib());
    round(ROUNDS);
    assert_eq!(
        service.times_asked() - asked,
        ROUNDS * 2 * worst.len(),
        "each was asked about, none followed"
    );
    let grown = server.resident_kib().saturating_sub(resident);
    println!("{shards} shards: {grown} KiB more after {} bad answers", ROUNDS * worst.len());
    assert!(grown < GROWTH_KIB_MAX, "{grown} KiB more after {} bad answers", ROUNDS * worst.len());
    server.stop();
}

/// How often the service does each of its worst; of what it sends, 2 MiB and more each time, nothing may stay.
const ROUNDS: usize = 20;
const GROWTH_KIB_MAX: u64 = 4 * 1024;

/// What our side does, and shows, is the same: one question, one answer, one close, whatever the service knows.
fn an_unknown_user_and_a_wrong_token_are_asked_about_alike(shards: u32) {
    let (place, service) = (Place::new(), Service::start());
    let server = plan(&place, &service, shards).set("login.http.cache", "30s").start();
    let [wrong, unknown] = ["wrong-token", "unknown"].map(|user| {
        let answers = [(); 3].map(|()| {
            let mut raw = server.connect();
            raw.send_frame(&Frame::request(LOGIN, 7, login_body("canary-token-guess", user)));
            raw.frames_to_end()
        });
        (answers, service.times_asked_about(user))
    });
    assert_eq!(wrong, unknown);
    assert_eq!((wrong.0[0].0.len(), wrong.1), (1, 3), "one answer each, and no refusal is kept");
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

/// Fault: peer gone while the callback hangs.
fn a_client_that_goes_while_its_login_waits_is_gone(shards: u32) {
    //= PROTOCOL.md#13.8
    // The server treats it as gone at once: its place is free before the provider has answered.
    let (place, service) = (Place::new(), Service::start());
    let mut server = plan(&place, &service, shards).set("login.sessions", "oldest").start();
    let mut gone = server.user("alice");
    gone.ask(LOGIN, login_body("canary-token-held-guess", "alice"));
    service.was_asked_so_often(2);
    drop(gone);
    eventually("its place is free", || match server.connect().try_log_in("canary-token-back", "alice") {
        OK => Some(()),
        status => {
            assert_eq!(status, TOO_MANY);
            None
        }
    });
    service.open_gate();
    server.signal("TERM");
    server.wait();
    assert!(
        !server.log().iter().any(|line| line.contains("callback_timeout")),
        "its place came free by time alone"
    );
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
