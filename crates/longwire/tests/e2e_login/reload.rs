//! SIGHUP: what a provider reads is read again, as a whole or not at all.

use super::place::Place;
use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::server::Server;

on_one_and_four_shards!(
    a_file_of_users_is_read_again_and_a_broken_one_keeps_the_old,
    a_key_file_is_read_again_and_sessions_stay,
);

const OLD: &str = "canary-token-old";
const NEW: &str = "canary-token-new";
const DONE: &str = "files were read again";
const KEPT: &str = "SIGHUP: the old files stay in force";

fn try_log_in(server: &Server, token: &str, user: &str) -> u8 {
    server.connect().try_log_in(token, user)
}

fn a_file_of_users_is_read_again_and_a_broken_one_keeps_the_old(shards: u32) {
    let place = Place::new();
    let mut server = place.static_plan(shards, &[("alice", OLD), ("bob", OLD)]).start();
    let mut open = server.connect();
    assert_eq!(open.try_log_in(OLD, "alice"), OK);
    open.join("lobby");
    place.static_plan(shards, &[("alice", NEW), ("carol", NEW)]); // writes the file
    assert_eq!(try_log_in(&server, NEW, "alice"), UNAUTHENTICATED, "not before it is asked to");
    server.signal("HUP");
    server.line_with(DONE);
    for (token, user, status) in [
        (NEW, "alice", OK),
        (NEW, "carol", OK),
        (OLD, "alice", UNAUTHENTICATED),
        (OLD, "bob", UNAUTHENTICATED),
    ] {
        assert_eq!(try_log_in(&server, token, user), status, "{user}");
    }
    assert_eq!(open.verdict_on(cms_body("lobby", "canary-body-still")), None, "an open session goes on");
    for broken in
        ["[[user]]\nid = 7\n", "canary-not-toml", "[[user]]\nid = \"system\"\ntoken_sha256 = \"\"\n"]
    {
        place.write("users.toml", broken);
        server.signal("HUP");
        let line = server.line_with(KEPT);
        assert!(line.contains("login.static_file"), "{line}");
        assert_eq!(try_log_in(&server, NEW, "carol"), OK);
    }
    open.ping();
    server.stop();
}

fn a_key_file_is_read_again_and_sessions_stay(shards: u32) {
    let place = Place::new();
    let mut server = place.jwt_plan(shards).start();
    let old = place.token("alice", &[]);
    let mut open = server.connect();
    assert_eq!(open.try_log_in(&old, "alice"), OK);
    open.join("lobby");
    place.write("hs.key", "short");
    server.signal("HUP");
    server.line_with(KEPT);
    assert_eq!(try_log_in(&server, &old, "alice"), OK);
    place.write("hs.key", "canary-key-another-0123456789abcdef0123");
    let new = place.token("alice", &[]);
    server.signal("HUP");
    server.line_with(DONE);
    assert_eq!(try_log_in(&server, &new, "alice"), OK);
    assert_eq!(try_log_in(&server, &old, "alice"), UNAUTHENTICATED);
    assert_eq!(open.verdict_on(cms_body("lobby", "canary-body-still")), None, "an open session goes on");
    server.stop();
}
