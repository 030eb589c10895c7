//! What is inside TLS: seen with the keys of the session, and not without them.

use crate::capture::Capture;
use crate::common::server::Server;
use crate::pair::{Pair, showing};
use crate::tshark::tshark;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const FIELDS: [&str; 4] =
    ["longwire.command", "longwire.login.userId", "longwire.join.chatroomId", "longwire.message.text"];

#[test]
fn with_the_keys_of_a_session_its_frames_are_seen() {
    let pair = Pair::of(&["127.0.0.1"]);
    let server = showing(&[&pair]).start();
    let long = "x".repeat(40_000); // of several records
    for scheme in ["tls", "wss"] {
        let keys = pair.folder().join(format!("{scheme}.keys"));
        let capture = Capture::of(server.address().port());
        send(&server, scheme, &pair, &keys, &["in secret", &long]);
        let capture = capture.finish();
        let found = |settings: &[&str]| -> [String; 4] {
            let mut arguments = settings.to_vec();
            arguments.extend(["-Y", "longwire", "-T", "fields", "-E", "separator=;", "-E", "aggregator=,"]);
            arguments.extend(FIELDS.iter().flat_map(|name| ["-e", name]));
            columns(&tshark(&capture, &arguments))
        };
        assert_eq!(found(&[]), [""; 4], "{scheme}: nothing is seen without them");
        let keyed = format!("tls.keylog_file:{}", keys.display());
        let port = format!("longwire.port:{}", server.address().port());
        // At any port, and at the one that is known: the dissector comes to the bytes on different ways.
        for settings in [&["-o", &keyed][..], &["-o", &keyed, "-o", &port]] {
            let [commands, user, room, text] = found(settings);
            assert_eq!(commands, "1,1,5,5,6,6,3,4,2", "{scheme}");
            assert_eq!((user.as_str(), room.as_str()), ("ada", "lobby"), "{scheme}");
            assert!(text == format!("in secret,{long}"), "{scheme}: {text:.80}");
        }
    }
    server.stop();
}

fn send(server: &Server, scheme: &str, pair: &Pair, keys: &Path, texts: &[&str]) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_longwire"))
        .args(["send", "--room", "lobby", "--user", "ada", "--ca"])
        .arg(pair.chain())
        .args(["--addr", &format!("{scheme}://{}", server.address())])
        .env("SSLKEYLOGFILE", keys)
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(texts.join("\n").as_bytes()).expect("it reads stdin");
    drop(stdin);
    assert!(child.wait().expect("a child of ours").success());
}

/// The values of each column, in the order of the packets.
fn columns(lines: &str) -> [String; 4] {
    let value = |at: usize| lines.lines().filter_map(move |line| line.split(';').nth(at));
    std::array::from_fn(|at| value(at).filter(|value| !value.is_empty()).collect::<Vec<_>>().join(","))
}
