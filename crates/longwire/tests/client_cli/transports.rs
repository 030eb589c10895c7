//! `tls://`, `ws://` and `wss://` addresses, through third-party server sides.

use crate::common::server::Server;
use crate::process::{longwire, run};
use crate::relay::Relay;
use tokio_rustls::rustls::{ALL_VERSIONS, SupportedProtocolVersion, version};

const NO_TLS: &[&SupportedProtocolVersion] = &[];

#[test]
fn send_and_tail_take_every_scheme() {
    let server = Server::start(1);
    for (scheme, versions) in
        [("tls", &[&version::TLS12][..]), ("tls", &[&version::TLS13]), ("ws", NO_TLS), ("wss", ALL_VERSIONS)]
    {
        let relay = Relay::to(server.address(), versions, scheme.starts_with("ws"));
        let address = format!("{scheme}://{}", relay.address);
        let trust: &[&str] = if versions.is_empty() { &[] } else { &["--ca", relay.ca()] };
        send_and_tail(&server, &address, trust);
    }
    server.stop();
}

/// Both commands reach `server` at `address`, in two dialects, with messages short and long.
pub fn send_and_tail(server: &Server, address: &str, trust: &[&str]) {
    for dialect in [&[][..], &["--gzip", "--length", "rest"]] {
        let common = [&["--addr", address], trust, dialect].concat();
        let mut bob = server.member("bob", "lobby");
        let long = "x".repeat(60_000);
        for text in ["hello", &long] {
            let send = [&["send", "--room", "lobby", "--user", "ada", text], &common[..]].concat();
            assert_eq!(run(longwire(server.address(), &send), b""), (0, String::new(), String::new()));
            assert_eq!(bob.next_record().text(), text);
        }
        let tail = [&["tail", "--room", "hall", "--count", "2"], &common[..]].concat();
        let tailing = std::thread::spawn({
            let command = longwire(server.address(), &tail);
            move || run(command, b"")
        });
        // What is said before tail is in the hall is not heard there: it is said until it was heard twice.
        bob.join("hall");
        while !tailing.is_finished() {
            bob.say("hall", "still here?");
            bob.ping();
        }
        let (status, out, err) = tailing.join().unwrap();
        assert_eq!((status, out.matches("still here?").count()), (0, 2), "{out} {err}");
    }
}

#[test]
fn a_server_that_nobody_vouches_for_gets_nothing() {
    let server = Server::start(1);
    let relay = Relay::to(server.address(), ALL_VERSIONS, false);
    let other = Relay::to(server.address(), ALL_VERSIONS, false);
    let address = format!("tls://{}", relay.address);
    let send = ["send", "--room", "lobby", "--user", "ada", "--addr", &address, "hello"];
    let (status, out, err) =
        run(longwire(server.address(), &[&send[..], &["--ca", other.ca()]].concat()), b"");
    assert_eq!((status, out.as_str()), (4, ""));
    assert!(err.contains("signed by nobody who is trusted here; --ca FILE names whom to trust"), "{err}");
    // Asked for by name, it goes on, and says so.
    let (status, _, err) = run(longwire(server.address(), &[&send[..], &["--insecure"]].concat()), b"");
    assert_eq!(status, 0);
    assert!(err.starts_with("warning: --insecure"), "{err}");
    server.stop();
}
