//! PROXY headers that do not come in one piece, or not to their end.

use crate::common::server::Server;
use crate::common::websocket::{Said, WebSocket};

const HEADER: &[u8] = b"PROXY TCP4 203.0.113.7 10.0.0.1 8080 7610\r\n";
const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// Wherever a header is cut, what stands behind it is read once it is there, and not before.
#[test]
fn a_header_may_come_in_two_pieces() {
    let server = Server::of(1).set("server.proxy_from", r#"["127.0.0.0/8"]"#).start();
    let all = [HEADER, REQUEST].concat();
    for cut in [1, 5, 6, HEADER.len() - 1, HEADER.len(), HEADER.len() + 1] {
        let mut proxied = WebSocket::over(server.address());
        proxied.send_bytes(&all[..cut]);
        // a header of its own, read and answered meanwhile: the first piece was looked at by then
        let mut whole = WebSocket::over(server.address());
        whole.send_bytes(&all);
        assert!(whole.head().starts_with("HTTP/1.1 200 "));
        proxied.send_bytes(&all[cut..]);
        assert!(proxied.head().starts_with("HTTP/1.1 200 "), "cut at {cut}");
    }
    server.stop();
}

/// A proxy that ends its side within the header has gone: nobody waits for the rest until the deadline.
#[test]
fn half_a_header_and_an_end_is_an_end() {
    let plan = Server::of(1).set("server.proxy_from", r#"["127.0.0.0/8"]"#);
    let plan = plan.set("tls.handshake_timeout", "1m").set("wire.timeouts.login_start", "10m");
    let server = plan.start();
    for cut in [0, 1, HEADER.len() - 1] {
        let mut proxied = WebSocket::over(server.address());
        proxied.send_bytes(&HEADER[..cut]);
        proxied.shut_down_sending();
        let end = proxied.next();
        assert!(matches!(end, Said::End | Said::Reset), "cut at {cut}: {end:?}");
    }
    server.stop();
}

/// Who looks for a client in the log finds the address that the proxy told, masked where addresses are.
#[test]
fn the_log_names_the_address_that_a_proxy_told() {
    for (addresses, named) in [("full", "203.0.113.7"), ("masked", "203.0.113.0/24")] {
        let plan = Server::of(1).set("server.proxy_from", r#"["127.0.0.0/8"]"#).log_level("debug");
        let mut server = plan.set("log.addresses", addresses).start();
        let mut proxied = WebSocket::over(server.address());
        proxied.send_bytes(&[HEADER, REQUEST].concat());
        assert!(proxied.head().starts_with("HTTP/1.1 200 "));
        drop(proxied);
        let line = server.line_with("connection closed");
        assert!(line.contains(&format!("\"{named}\"")) && !line.contains("127.0.0.1"), "{line}");
        server.stop();
    }
}
