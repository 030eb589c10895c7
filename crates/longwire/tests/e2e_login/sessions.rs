//! Sessions of one user on several connections (`login.sessions`, `quotas.user.connections`), on whatever shards they are.

use super::place::eventually;
use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::Raw;
use crate::common::server::{Plan, Server};

on_one_and_four_shards!(
    the_newest_session_closes_the_older,
    a_replaced_session_that_ends_late_does_not_touch_its_successor,
    of_two_logins_that_race_exactly_one_stays,
    the_oldest_session_keeps_out_the_newer,
    a_user_has_as_many_sessions_as_its_quota,
    a_renewal_is_not_counted_twice,
);

/// So many that on four shards every pair of shards has had its turn.
const REPETITIONS: usize = 40;

fn plan(shards: u32, policy: &str) -> Plan {
    Server::of(shards).log_level("trace").set("login.sessions", policy)
}

fn session_of(server: &Server, user: &str) -> Option<Raw> {
    let mut raw = server.connect();
    (raw.try_log_in("sesame", user) == OK).then_some(raw)
}

fn the_newest_session_closes_the_older(shards: u32) {
    //= PROTOCOL.md#8.16
    // Where the deployment lets a user have one connection, the newest, its login closes the older one.
    let server = plan(shards, "newest").start();
    let mut bystander = server.user("bob");
    let mut current = server.member("alice", "lobby");
    for _ in 0..REPETITIONS {
        let mut newer = server.member("alice", "lobby");
        current.assert_ended();
        newer.ping();
        current = newer;
    }
    bystander.ping();
    server.stop();
}

/// Fault: two logins race; a replaced session closes late.
fn a_replaced_session_that_ends_late_does_not_touch_its_successor(shards: u32) {
    //= PROTOCOL.md#8.16
    // The end of a replaced connection changes nothing for the one that replaced it.
    let server = plan(shards, "newest").start();
    let mut listener = server.member("bob", "lobby");
    let mut replaced = vec![server.member("alice", "lobby")];
    for round in 0..REPETITIONS {
        let mut newer = server.member("alice", "lobby");
        if round % 2 == 0 {
            replaced.clear(); // their ends come now, after their successor's login
        }
        newer.say("lobby", format!("{round}"));
        newer.ping();
        assert_eq!(listener.next_record().text(), round.to_string());
        replaced.push(newer);
    }
    // The home still knows the last one: a next login closes it.
    let mut last = replaced.pop().expect("the loop pushed");
    let _next = server.user("alice");
    last.assert_ended();
    server.stop();
}

/// Fault: two logins race.
fn of_two_logins_that_race_exactly_one_stays(shards: u32) {
    //= PROTOCOL.md#8.16
    // Of two logins at once one closes the other, whichever came first at the user's home.
    let server = plan(shards, "newest").start();
    for round in 0..REPETITIONS {
        let user = format!("alice{round}");
        let mut two = [server.connect(), server.connect()];
        let seqs = two.each_mut().map(|raw| raw.ask(LOGIN, login_body("sesame", &user)));
        for (raw, seq) in two.iter_mut().zip(seqs) {
            assert_eq!(raw.answer(LOGIN, seq), OK);
        }
        let ended =
            eventually("one of two is closed", || two.iter_mut().position(|raw| !answers_a_ping(raw)));
        let [first, second] = &mut two;
        let stays = if ended == 0 { second } else { first };
        (0..5).for_each(|_| stays.ping());
    }
    server.stop();
}

fn answers_a_ping(raw: &mut Raw) -> bool {
    let ping = raw.request(PING, Vec::new()).to_bytes(raw.reading);
    raw.send_what_it_takes(&ping);
    raw.next_frame_or_end().is_ok()
}

fn the_oldest_session_keeps_out_the_newer(shards: u32) {
    //= PROTOCOL.md#8.17
    // Where the oldest connection stays, a LOGIN beside it is answered with TOO_MANY, and closed.
    let server = plan(shards, "oldest").start();
    for _ in 0..REPETITIONS / 4 {
        let mut first = eventually("the user's place is free", || session_of(&server, "alice"));
        for _ in 0..4 {
            let mut newer = server.connect();
            assert_eq!(newer.try_log_in("sesame", "alice"), TOO_MANY);
        }
        eventually("the other user's place is free", || session_of(&server, "bob")).ping();
        first.ping();
        first.ask(LOGOUT, Vec::new());
        first.assert_ended();
    }
    server.stop();
}

fn a_user_has_as_many_sessions_as_its_quota(shards: u32) {
    //= PROTOCOL.md#19.14
    // `quotas.user.connections` sets how many.
    //= PROTOCOL.md#8.17
    // Up to the quota they live; one more is answered with TOO_MANY.
    let server = plan(shards, "all").set("quotas.user.connections", "3").start();
    let mut sessions: Vec<Raw> = (0..3).map(|_| server.user("alice")).collect();
    for round in 0..REPETITIONS {
        assert_eq!(server.connect().try_log_in("sesame", "alice"), TOO_MANY);
        sessions.iter_mut().for_each(Raw::ping);
        drop(sessions.remove(round % 3));
        sessions.push(eventually("an ended session's place is free", || session_of(&server, "alice")));
    }
    server.user("bob").ping();
    server.stop();
}

fn a_renewal_is_not_counted_twice(shards: u32) {
    //= PROTOCOL.md#8.6
    // A later LOGIN with the same userId renews the session: it is no second one.
    for policy in ["all", "newest", "oldest"] {
        let server = plan(shards, policy).set("quotas.user.connections", "1").start();
        let mut raw = server.user("alice");
        for _ in 0..3 {
            assert_eq!(raw.status_of(LOGIN, login_body("sesame", "alice")), OK);
            raw.ping();
        }
        if policy != "newest" {
            assert_eq!(server.connect().try_log_in("sesame", "alice"), TOO_MANY);
        }
        drop(raw);
        let mut next = eventually("one place in all", || session_of(&server, "alice"));
        next.ping();
        server.stop();
    }
}
