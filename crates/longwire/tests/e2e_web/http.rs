//! HTTP on the port of everything else: pages, health, upgrades, and requests that never end.

use crate::common::bytes::OK;
use crate::common::on_one_and_four_shards;
use crate::common::server::Server;
use crate::common::websocket::{Said, WebSocket, upgrade};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

on_one_and_four_shards!(
    every_request_is_answered_and_closed,
    upgrades_are_taken_or_told_why_not,
    the_path_and_the_origins_are_the_deployments,
    a_refused_origin_stands_in_the_log,
    the_sub_protocol_is_for_those_who_ask,
    a_head_has_a_bound_and_a_deadline,
    a_head_may_be_longer_than_any_frame,
    slow_requests_keep_nobody_waiting,
);

/// Sends `request`, and returns the status and everything behind the head, up to the orderly end. 0: not a byte.
fn ask(address: SocketAddr, request: &[u8]) -> (u16, String) {
    let mut client = WebSocket::over(address);
    client.send_what_it_takes(request);
    let (answer, end) = client.rest();
    if answer.is_empty() {
        return (0, String::new());
    }
    assert_eq!(
        end,
        Said::End,
        "an answer is not destroyed by a reset: {:?}",
        String::from_utf8_lossy(request)
    );
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|line| line.get(..3)).expect("a status");
    assert!(head.contains("\r\nConnection: close"), "{head}");
    let length = head.split("\r\n").find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
    assert!(request.starts_with(b"HEAD ") || length == body.len().to_string(), "{answer}");
    (status.parse().expect("a number"), body.to_owned())
}

fn status(address: SocketAddr, request: &str) -> u16 {
    ask(address, request.as_bytes()).0
}

fn every_request_is_answered_and_closed(shards: u32) {
    let server = Server::start(shards);
    let address = server.address();
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("GET /readyz HTTP/1.0\r\n\r\n", 200),
        ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200), // the first alone
        ("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 426),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("EHLO example.com\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0),
    ] {
        assert_eq!(status(address, request), expected, "{request:?}");
    }
    let (_, page) = ask(address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(page.starts_with("<!doctype html>"), "{page}");
    server.stop();
}

fn upgrades_are_taken_or_told_why_not(shards: u32) {
    //= PROTOCOL.md#18.7
    // The handshake is RFC 6455's, version 13, at the path /ws.
    let server = Server::start(shards);
    WebSocket::guest(server.address()).ping();
    let good = upgrade("");
    for (change, to, expected) in [
        ("/ws", "/elsewhere", 404),
        ("GET", "POST", 405),
        ("Version: 13", "Version: 8", 426),
        ("Version: 13", "Version: 13\r\nSec-WebSocket-Version: 14", 400),
        ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 400),
        ("Connection: Upgrade", "Connection: close", 400),
        ("Host: chat.example\r\n", "", 400),
        ("Host: chat.example", "Host: chat.example\r\nContent-Length: 2", 400),
    ] {
        let request = good.replacen(change, to, 1);
        assert_ne!(request, good);
        assert_eq!(status(server.address(), &request), expected, "{change} -> {to}");
    }
    // what comes with the request was sent before anybody agreed to it
    assert_eq!(ask(server.address(), &[good.as_bytes(), &[0x82, 0x80, 0, 0, 0, 0]].concat()).0, 400);
    server.stop();
}

fn the_path_and_the_origins_are_the_deployments(shards: u32) {
    //= PROTOCOL.md#18.12
    // An Origin the deployment does not allow is answered with 403.
    //= PROTOCOL.md#19.16
    // web.ws sets the path and the origins.
    let by_default = Server::start(shards);
    let set = Server::of(shards)
        .set("web.ws.path", "/chat")
        .set("web.ws.origins", r#"["https://app.example"]"#)
        .start();
    for (server, path, origin, expected) in [
        (&by_default, "/ws", "https://chat.example", 101),
        (&by_default, "/ws", "https://app.example", 403),
        (&by_default, "/ws", "null", 403),
        (&by_default, "/chat", "https://chat.example", 404),
        (&set, "/chat", "https://app.example", 101),
        (&set, "/chat", "https://chat.example", 403),
        (&set, "/ws", "https://app.example", 404),
    ] {
        let request = upgrade(&format!("Origin: {origin}\r\n")).replacen("/ws", path, 1);
        if expected == 101 {
            let mut client = WebSocket::over(server.address());
            client.send_bytes(request.as_bytes());
            assert!(client.head().starts_with("HTTP/1.1 101 "), "{origin}");
            continue;
        }
        let (status, body) = ask(server.address(), request.as_bytes());
        assert_eq!(status, expected, "{path} {origin}");
        assert!(status != 403 || body.contains("web.ws.origins"), "it names the key that allows it: {body}");
    }
    by_default.stop();
    set.stop();
}

/// Whoever runs the server is told too: a page that cannot connect shows its visitors nothing.
fn a_refused_origin_stands_in_the_log(shards: u32) {
    for (origin, named) in [("https://App.example:443", "https://app.example"), ("null", "null")] {
        let mut server = Server::start(shards);
        assert_eq!(status(server.address(), &upgrade(&format!("Origin: {origin}\r\n"))), 403);
        let line = server.line_with("web.ws.origins");
        assert!(line.contains(r#""warn""#) && line.contains(&format!(r#""origin":"{named}""#)), "{line}");
        server.stop();
    }
}

fn the_sub_protocol_is_for_those_who_ask(shards: u32) {
    let server = Server::start(shards);
    for (asked, granted) in [("", false), ("longwire", true), ("chat, longwire", true), ("chat", false)] {
        let mut client = WebSocket::over(server.address());
        let header =
            format!("Sec-WebSocket-Protocol: {asked}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n");
        client.send_bytes(upgrade(if asked.is_empty() { "" } else { &header }).as_bytes());
        let head = client.head();
        assert_eq!(head.contains("\r\nSec-WebSocket-Protocol: longwire\r\n"), granted, "{asked}: {head}");
        assert!(!head.contains("Extensions"), "{head}");
        client.log_in(crate::common::bytes::Reading::Rest, Vec::new());
    }
    server.stop();
}

fn a_head_has_a_bound_and_a_deadline(shards: u32) {
    let server = Server::start(shards);
    let began = Instant::now();
    let mut halves: Vec<_> = ["GET / HTTP/1.1\r\nHost: a\r\n", "G", "GET /ws HTTP/1.1\r\nX: "]
        .map(|half| {
            let mut client = WebSocket::over(server.address());
            client.send_bytes(half.as_bytes());
            client
        })
        .into();
    let long = |bytes: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(bytes));
    assert_eq!(status(server.address(), &long(8000)), 200);
    assert_eq!(status(server.address(), &long(8192)), 431);
    assert_eq!(status(server.address(), &long(1 << 20)), 431);
    assert_eq!(status(server.address(), &format!("GET / HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(65))), 431);
    // one of them goes on dribbling: a byte is no excuse
    while began.elapsed() < Duration::from_secs(4) {
        halves[2].send_what_it_takes(b"x");
        std::thread::sleep(Duration::from_millis(200)); // time is what is tested
    }
    for half in halves {
        let (answer, _) = half.rest();
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    assert!(began.elapsed() < Duration::from_secs(15), "closed at the deadline of 5 s, not at another's");
    server.stop();
}

fn a_head_may_be_longer_than_any_frame(shards: u32) {
    let plan = Server::of(shards).set("wire.frame_max", "1KiB");
    let server = plan.set("limits.login_max", "64B").set("limits.message_max", "512B").start();
    for (bytes, expected) in [(100, 101), (4000, 101), (7000, 101), (8192, 431)] {
        let mut client = WebSocket::over(server.address());
        let request = upgrade(&format!("Cookie: {}\r\n", "x".repeat(bytes)));
        request.as_bytes().chunks(500).for_each(|piece| client.send_what_it_takes(piece));
        assert!(client.head().starts_with(&format!("HTTP/1.1 {expected} ")), "{bytes}");
    }
    server.stop();
}

/// Neither half a request nor an answer that nobody reads is in anybody's way: by count, not by the clock.
fn slow_requests_keep_nobody_waiting(shards: u32) {
    let server = Server::start(shards);
    let mut bystander = server.guest();
    let mut browser = WebSocket::guest(server.address());
    let mut hanging = Vec::new();
    for at in 0..256 {
        let mut slow = WebSocket::over(server.address());
        let whole = upgrade("");
        slow.send_bytes(match at % 4 {
            0 => b"G",
            1 => b"GET / HTTP/1.1\r\nHost: a\r\n",
            2 => &whole.as_bytes()[..whole.len() - 1],
            _ => b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", // and never reads
        });
        hanging.push(slow);
        bystander.ping();
        assert_eq!(browser.status_of(crate::common::bytes::PING, Vec::new()), OK);
    }
    assert_eq!(status(server.address(), "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    drop(hanging);
    server.stop();
}
