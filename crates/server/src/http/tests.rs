//! Requests, one a case, and the status each gets.

use super::property::site;
use super::*;

fn status(outcome: &Outcome) -> u16 {
    match outcome {
        Outcome::Answer { status, .. } => *status,
        Outcome::Upgrade { .. } => 101,
        Outcome::More => 0,
        Outcome::Refuse => 1,
    }
}

fn text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Answer { mut bytes, page, .. } => {
            bytes.extend_from_slice(page.as_deref().unwrap_or_default());
            String::from_utf8(bytes).unwrap()
        }
        Outcome::Upgrade { bytes } => String::from_utf8(bytes).unwrap(),
        Outcome::More | Outcome::Refuse => String::new(),
    }
}

fn read_text(request: &str) -> Outcome {
    read(request.as_bytes(), 0, &site(), true)
}

/// An upgrade as a browser sends it, its lines changed: `line` replaces the one of the same name or, in front of a
/// blank, the request line; behind `-` stands a name to leave out.
fn upgrade(changes: &[&str]) -> String {
    let mut lines = vec![
        "GET /ws HTTP/1.1",
        "Host: chat.example",
        "Upgrade: websocket",
        "Connection: keep-alive, Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Origin: https://chat.example",
    ];
    for change in changes {
        let name = change.trim_start_matches(['-', '+']).split([':', ' ']).next().unwrap();
        let is_same = |line: &&str| line.split([':', ' ']).next() == Some(name);
        match lines.iter().position(is_same) {
            Some(at) if change.starts_with('-') => drop(lines.remove(at)),
            Some(at) if !change.starts_with('+') => lines[at] = change,
            _ => lines.push(change.trim_start_matches('+')),
        }
    }
    lines.join("\r\n") + "\r\n\r\n"
}

#[test]
fn plain_requests() {
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("GET /?x=/nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("GET / HTTP/1.0\r\n\r\n", 200),
        ("GET / HTTP/1.0\n\n", 200), // typed by hand
        ("GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("HEAD /readyz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 426),
        ("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 426),
        ("GET /favicon.ico HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("GET //healthz HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\r\n", 400),
        ("EHLO example.com\r\n", 400),
        ("A\0", 400),
        ("ABCDEFGHIJKLMNOPQRSTU", 400),
        ("GET / HTTP/2.0\r\n", 505),
        ("GET / HTTP/1.2\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 1),
        ("PRI ", 1),
        ("PRI", 0),
        ("GET / HTTP/1.1\r\nHost: a\r\n", 0),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r", 0),
        ("", 0),
    ] {
        assert_eq!(status(&read_text(request)), expected, "{request:?}");
    }
}

#[test]
fn a_head_has_8_kib_and_64_headers() {
    let long = |bytes: usize| {
        let around = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(bytes - around))
    };
    assert_eq!(status(&read_text(&long(HEAD_BYTES_MAX))), 200);
    assert_eq!(status(&read_text(&long(HEAD_BYTES_MAX + 1))), 431);
    assert_eq!(status(&read_text(&long(1 << 20))), 431);
    assert_eq!(status(&read_text(&long(1 << 20)[..HEAD_BYTES_MAX])), 431);
    assert_eq!(status(&read_text(&long(1 << 20)[..HEAD_BYTES_MAX - 1])), 0);
    let many =
        |headers: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: x\r\n".repeat(headers - 1));
    assert_eq!(status(&read_text(&many(HEADERS_MAX))), 200);
    assert_eq!(status(&read_text(&many(HEADERS_MAX + 1))), 431);
    assert_eq!(status(&read_text(&many(10_000))), 431);
}

#[test]
fn upgrades() {
    for (changes, expected) in [
        (&[][..], 101),
        (&["-Origin:"], 101),
        (&["GET /ws?room=1 HTTP/1.1"], 101),
        (&["Upgrade: WebSocket"], 101),
        (&["Connection: upgrade"], 101),
        (&["Origin: http://chat.example"], 101),
        (&["Host: chat.example:443"], 101),
        (&["Content-Length: 0"], 101),
        (&["GET / HTTP/1.1"], 404),
        (&["GET /ws/ HTTP/1.1"], 404),
        (&["GET /ws HTTP/1.0"], 400),
        (&["Connection: keep-alive"], 400),
        (&["-Connection:"], 400),
        (&["-Sec-WebSocket-Key:"], 400),
        (&["Sec-WebSocket-Key: c2hvcnQ="], 400),
        (&["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"], 400),
        (&["Sec-WebSocket-Key: !!!!IHNhbXBsZSBub25jZQ=="], 400),
        (&["+Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="], 400),
        (&["-Sec-WebSocket-Version:"], 400),
        (&["Sec-WebSocket-Version: 8"], 426),
        (&["Sec-WebSocket-Version: 130"], 426),
        (&["+Sec-WebSocket-Version: 8"], 400),
        (&["+Host: evil.example"], 400),
        (&["-Host:"], 400),
        (&["+Origin: https://chat.example"], 400),
        (&["Content-Length: 5"], 400),
        (&["Transfer-Encoding: chunked"], 400),
        (&["Origin: https://evil.example"], 403),
        (&["Origin: null"], 403),
        (&["Origin: "], 403),
        (&["Origin: https://chat.example:8443"], 403),
    ] {
        assert_eq!(status(&read_text(&upgrade(changes))), expected, "{changes:?}");
    }
    let post = upgrade(&[]).replacen("GET", "POST", 1);
    assert_eq!(status(&read_text(&post)), 405);
    let head = upgrade(&[]).replacen("GET", "HEAD", 1);
    assert_eq!(status(&read_text(&head)), 400);
}

#[test]
fn an_upgrade_is_answered_as_the_rfc_says() {
    let answer = text(read_text(&upgrade(&[])));
    assert_eq!(
        answer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    );
}

#[test]
fn the_sub_protocol_is_offered_and_not_required() {
    for (asked, granted) in [
        ("longwire", true),
        ("a, longwire", true),
        ("Longwire", false),
        ("longwire2", false),
        ("chat", false),
    ] {
        let answer = text(read_text(&upgrade(&[&format!("Sec-WebSocket-Protocol: {asked}")])));
        assert!(answer.starts_with("HTTP/1.1 101 "));
        assert_eq!(answer.contains("\r\nSec-WebSocket-Protocol: longwire\r\n"), granted, "{asked}");
    }
}

#[test]
fn no_extension_is_ever_granted() {
    let answer = text(read_text(&upgrade(&["Sec-WebSocket-Extensions: permessage-deflate"])));
    assert!(!answer.to_lowercase().contains("extensions"), "{answer}");
}

#[test]
fn bytes_behind_an_upgrade_were_sent_too_early() {
    let early = upgrade(&[]) + "\u{2}";
    assert_eq!(status(&read_text(&early)), 400);
}

#[test]
fn a_refused_origin_is_told_the_key_that_allows_it() {
    let answer = text(read_text(&upgrade(&["Origin: https://Evil.example:443"])));
    assert!(answer.contains("web.ws.origins would allow it: add \"https://evil.example\""), "{answer}");
    // what is no origin is not repeated: it could be anything
    let answer = text(read_text(&upgrade(&["Origin: <script>"])));
    assert!(answer.contains("web.ws.origins") && !answer.contains("script>"), "{answer}");
}

#[test]
fn a_server_that_drains_is_healthy_and_not_ready() {
    let at = |path: &str, ready| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        status(&read(request.as_bytes(), 0, &site(), ready))
    };
    assert_eq!([at("/healthz", true), at("/readyz", true)], [200, 200]);
    assert_eq!([at("/healthz", false), at("/readyz", false)], [200, 503]);
    assert_eq!(status(&read(upgrade(&[]).as_bytes(), 0, &site(), false)), 503);
}

#[test]
fn head_is_get_without_the_body() {
    let without_demo = Site { demo: None, ..site() };
    for (site, beginning) in [(&site(), "<!doctype html>"), (&without_demo, include_str!("page.html"))] {
        let ask = |method: &str| {
            let request = format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n");
            text(read(request.as_bytes(), 0, site, true))
        };
        let (get, head) = (ask("GET"), ask("HEAD"));
        assert!(head.ends_with("\r\n\r\n"));
        assert!(get.strip_prefix(&head).is_some_and(|body| body.starts_with(beginning)), "{get}");
    }
}
