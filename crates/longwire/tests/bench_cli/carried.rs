//! The generator over TLS and WebSocket, through third-party server sides: everything arrives, in order, on each.

use crate::common::server::Server;
use crate::process::{command, good, number, run};
use crate::relay::Relay;
use tokio_rustls::rustls::{ALL_VERSIONS, SupportedProtocolVersion, version};

const NO_TLS: &[&SupportedProtocolVersion] = &[];
const SHORT: &str = "--warm 100ms --secs 0.5 --seed 7";

#[test]
fn fanout_is_verified_over_every_transport() {
    let server = Server::start(2);
    for (transport, versions) in
        [("tls", &[&version::TLS12][..]), ("tls", &[&version::TLS13]), ("ws", NO_TLS), ("wss", ALL_VERSIONS)]
    {
        let relay = Relay::to(server.address(), versions, transport.starts_with("ws"));
        let trust = if versions.is_empty() { String::new() } else { format!("--ca {}", relay.ca()) };
        for shape in [
            "fanout --members 20 --rate 100",
            "fanout --members 20 --window 64 --batch 16 --threads 2 --size 2000",
            "fanout --members 10 --rooms 3 --senders 2 --window 8 --length rest --gzip",
            "fanout --members 3 --window 2 --size 60000",
        ] {
            let report = good(relay.address, &format!("{shape} --transport {transport} {trust} {SHORT}"));
            let account = &report["fanout"]["account"];
            for fault in ["lost", "twice", "disordered", "own", "foreign"] {
                assert_eq!(account[fault], 0, "{transport} {shape}, {fault}: {report}");
            }
            assert!(number(&report, "fanout.account.received") > 0.0);
            assert_eq!(report["shape"]["transport"], transport);
        }
    }
    server.stop();
}

#[test]
fn connections_come_and_are_held_over_tls_and_websocket() {
    let server = Server::start(1);
    for (transport, versions) in [("tls", ALL_VERSIONS), ("ws", NO_TLS)] {
        let relay = Relay::to(server.address(), versions, transport == "ws");
        let trust = if versions.is_empty() { String::new() } else { format!("--ca {}", relay.ca()) };
        let idle = format!("idle --connections 50 --hold 300ms --transport {transport} {trust}");
        assert_eq!(number(&good(relay.address, &idle), "idle.held"), 50.0);
        let churn =
            format!("churn --members 5 --connections 10 --hold 50ms --transport {transport} {trust} {SHORT}");
        let report = good(relay.address, &churn);
        assert_eq!(report["fanout"]["account"]["lost"], 0, "{report}");
        assert!(number(&report, "churn.joins_per_s") > 0.0, "{report}");
    }
    server.stop();
}

#[test]
fn what_cannot_be_reached_so_is_told() {
    let server = Server::start(1);
    let relay = Relay::to(server.address(), ALL_VERSIONS, false);
    for (arguments, status, reason) in [
        ("fanout --transport quic", 2, "is not tcp, tls, ws or wss"),
        ("fanout --transport tls --addr ws://127.0.0.1:1", 2, "contradict each other"),
        ("fanout --transport ws --insecure", 2, "--insecure is for tls:// and wss://"),
        ("limit fanout --transport ws", 2, "the bare loop speaks plain TCP alone"),
        ("compare fanout --transport tls --insecure", 2, "name it by --addr and --pid"),
        // A server behind the relay's plain side is no TLS server, and nobody vouches for the relay.
        ("fanout --members 2 --transport ws", 4, "127.0.0.1"),
    ] {
        let ended = run(command(relay.address, arguments));
        assert!(
            ended.status == status && ended.stderr.contains(reason),
            "{arguments}: {} {}",
            ended.status,
            ended.stderr
        );
    }
    server.stop();
}

/// As `chat` and `send` say it; of members, without whom there is no run, and of a crowd, whose failures are a figure.
#[test]
fn a_handshake_that_came_to_nothing_is_told_in_words() {
    let server = Server::start(1);
    let (relay, other) = [0; 2].map(|_| Relay::to(server.address(), ALL_VERSIONS, false)).into();
    let plain = Relay::to(server.address(), NO_TLS, false);
    let stranger = "the server's certificate is signed by nobody who is trusted here; --ca FILE names whom";
    let ca = format!("--transport tls --ca {}", other.ca());
    for (at, shape, status, reason) in [
        (relay.address, "fanout --members 2", 4, stranger),
        (relay.address, "login --connections 2", 0, stranger),
        (plain.address, "fanout --members 2", 4, "it may not speak TLS here"),
    ] {
        let ended = run(command(at, &format!("{shape} {ca}")));
        assert_eq!(ended.status, status, "{shape}: {ended:?}");
        assert!(
            [&ended.stderr, &ended.stdout].iter().any(|text| text.contains(reason)),
            "{shape}: {ended:?}"
        );
    }
    server.stop();
}
