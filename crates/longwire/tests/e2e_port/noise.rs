//! Load balancers connect and close, many times a minute: that is no event, and the log says nothing of it. Who asks for
//! more of it finds every address there.

use super::knock::{Certified, all_is_given_back, connect};
use crate::common::on_one_and_four_shards;
use crate::common::server::Server;
use socket2::SockRef;
use std::net::Shutdown;
use std::time::Duration;

on_one_and_four_shards!(health_checks_leave_no_line_in_the_log, who_goes_by_a_reset_is_named_all_the_same);

const CHECKS: usize = 200;

/// What the log says between two servers' first and last lines is compared: one has been checked, the other has not.
fn health_checks_leave_no_line_in_the_log(shards: u32) {
    let certified = Certified::new();
    let quiet = said(started(&certified, shards));
    let server = started(&certified, shards);
    let mut bystander = server.guest();
    let files = server.open_files();
    for port in server.ports() {
        for check in 0..CHECKS {
            let stream = connect(*port);
            match check % 4 {
                0 => stream.shutdown(Shutdown::Write).expect("a socket"),
                1 => stream.shutdown(Shutdown::Both).expect("a socket"),
                2 => bystander.ping(), // it is let in before it goes
                _ => {}
            }
        }
    }
    all_is_given_back(&server, &mut bystander, files);
    drop(bystander);
    assert_eq!(said(server), quiet);
}

/// A socket that was reset no more knows where it came from.
fn who_goes_by_a_reset_is_named_all_the_same(shards: u32) {
    let mut server = Server::of(shards).log_level("debug").start();
    for _ in 0..2 * shards {
        let stream = connect(server.address());
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
        drop(stream);
        let line = server.line_with("connection closed");
        assert!(line.contains(r#""address":"127.0.0.1""#), "{line}");
    }
    server.stop();
}

/// Everybody's port, and for each kind one alone.
fn started(certified: &Certified, shards: u32) -> Server {
    let listener = |of: &str| format!("{{ address = \"127.0.0.1:0\", {of} }}");
    let listeners = [
        r#"transports = ["tcp"]"#,
        r#"transports = ["tls"]"#,
        r#"transports = ["ws", "wss"]"#,
        r#"proxy_from = ["127.0.0.0/8"]"#,
    ];
    let listeners = format!("[{}]", listeners.map(listener).join(", "));
    certified.plan(shards).set("listener", &listeners).set("web.demo", "off").start()
}

/// The messages of all lines of its life, without what differs from run to run or speaks of the machine's pauses.
fn said(mut server: Server) -> Vec<String> {
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    let message = |line: &String| {
        let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        format!("{} {}", line["level"], line["message"])
    };
    let paused = |said: &String| said.contains("this shard stood still");
    server.log().iter().map(message).filter(|said| !paused(said)).collect()
}
