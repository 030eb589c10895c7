//! What `serve` says at its start, and what it refuses to start with: one clear line, and the exit status of its cause.

use crate::common::on_one_and_four_shards;
use crate::common::server::{Plan, Server};
use std::net::{Ipv4Addr, TcpListener};

on_one_and_four_shards!(
    ready_names_the_address_and_open_login_is_said_loudly,
    a_port_in_use_is_one_line_and_exit_1,
    open_login_beyond_loopback_is_refused_until_allowed,
    a_listener_beyond_loopback_without_quotas_is_said,
    a_mistyped_key_is_one_line_and_exit_1,
    secrets_and_messages_never_reach_the_log,
);

fn ready_names_the_address_and_open_login_is_said_loudly(shards: u32) {
    let mut server = Server::start(shards);
    let ready = server.log().last().cloned().expect("the ready line was read");
    assert!(ready.contains(&server.address().to_string()), "{ready}");
    let warned = server.log().iter().any(|line| line.contains("\"warn\"") && line.contains("login.provider"));
    assert!(warned, "open login is said at the start:\n{}", server.log().join("\n"));
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}

/// It ends with `code`, having said one line that contains `text`, and panicked nowhere.
fn assert_refuses(plan: Plan, code: i32, text: &str) {
    let mut server = plan.spawn();
    assert_eq!(server.wait().code(), Some(code), "{}", server.log().join("\n"));
    let log = server.log();
    assert!(log.iter().filter(|line| line.contains(text)).count() == 1, "once {text:?}:\n{}", log.join("\n"));
    assert!(!log.iter().any(|line| line.contains("panicked")), "{}", log.join("\n"));
}

fn a_port_in_use_is_one_line_and_exit_1(shards: u32) {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    assert_refuses(Server::of(shards).listen(&address), 1, &address);
    // Two servers of our own must not share a port in silence, though each shard has a listener of its own.
    let first = Server::start(shards);
    let address = first.address().to_string();
    assert_refuses(Server::of(shards).listen(&address), 1, &address);
    first.guest().ping();
}

fn open_login_beyond_loopback_is_refused_until_allowed(shards: u32) {
    assert_refuses(Server::of(shards).listen("0.0.0.0:0"), 1, "login.open_on_any_address");
}

fn a_listener_beyond_loopback_without_quotas_is_said(shards: u32) {
    let plan = || Server::of(shards).listen("0.0.0.0:0").set("login.open_on_any_address", "true");
    let warned = |plan: Plan| {
        let mut server = plan.start();
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
        let about = |line: &&String| line.contains("\"warn\"") && line.contains("[quotas]");
        server.log().iter().filter(about).count()
    };
    assert_eq!(warned(plan()), 1);
    assert_eq!(warned(plan().set("quotas.user.messages", "5/s")), 0);
    assert_eq!(warned(Server::of(shards)), 0);
}

fn a_mistyped_key_is_one_line_and_exit_1(shards: u32) {
    assert_refuses(Server::of(shards).set("wire.gzip_mim", "1KiB"), 1, "wire.gzip_min");
}

fn secrets_and_messages_never_reach_the_log(shards: u32) {
    let canaries = ["canary-token-41", "canary-content-42", "canary-nickname-43"];
    let mut server = Server::of(shards).set("log.level", "debug").start();
    use crate::common::bytes::{CMS, LOGIN, OK, bytes, cms_body, login_body};
    let mut raw = server.connect();
    assert_eq!(raw.log_in_with(login_body(canaries[0], "alice")), OK);
    raw.join("lobby");
    let body = [cms_body("lobby", canaries[1]), bytes(5, bytes(3, canaries[2]))].concat();
    assert_eq!(raw.verdict_on(body.clone()), None);
    // Refusals are what a server likes to log.
    raw.status_of(CMS, [body, vec![0x0b]].concat());
    raw.status_of(LOGIN, login_body(canaries[0], "mallory"));
    raw.status_of(LOGIN, [login_body(canaries[0], "alice"), vec![0x0b]].concat());
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    for canary in canaries {
        assert!(!server.log().iter().any(|line| line.contains(canary)), "{canary} is in the log");
    }
}
