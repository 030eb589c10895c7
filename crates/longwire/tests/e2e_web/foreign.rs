//! Clients that other people wrote, talking to each other: Python's `websockets` and Node's `ws`.
//!
//! `./test tools` installs both under the target folder. They share no code with the server, nor with the tests' own
//! client; each sends 10,000 messages and one of the largest size, and hears as many, whole and in order.

use crate::common::server::{Server, lines_of};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

const MESSAGES: &str = "10000";
/// Two cores, two languages, all dialects one after another: wide, and a bound on failures alone.
const PATIENCE: Duration = Duration::from_secs(300);

struct Peer {
    child: Child,
    lines: Receiver<String>,
    name: &'static str,
}

#[test]
fn python_and_node_talk_in_every_dialect() {
    let server = Server::start(2);
    for (python, node) in [
        (["body", "plain"], ["rest", "plain"]),
        (["rest", "gzip"], ["body", "plain"]),
        (["rest", "plain"], ["body", "gzip"]),
    ] {
        talk(&server, Peer::python(&server, python), Peer::node(&server, node));
    }
    server.stop();
}

/// Starts both with one word once both are in the room, and waits for their ends.
fn talk(server: &Server, mut python: Peer, mut node: Peer) {
    let mut conductor = server.member("conductor", "lobby");
    python.says("joined");
    node.says("joined");
    conductor.say("lobby", "go");
    conductor.ping();
    drop(conductor);
    python.says("done");
    node.says("done");
    python.ends_well();
    node.ends_well();
}

impl Peer {
    fn python(server: &Server, dialect: [&str; 2]) -> Self {
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", installed("python/websockets").parent().expect("it is in a folder"));
        Self::start("python", command.arg(script("peer.py")), server, ["python", "node"], dialect)
    }

    fn node(server: &Server, dialect: [&str; 2]) -> Self {
        let mut command = Command::new("node");
        command.env("NODE_PATH", installed("node/node_modules/ws").parent().expect("it is in a folder"));
        Self::start("node", command.arg(script("peer.cjs")), server, ["node", "python"], dialect)
    }

    fn start(
        name: &'static str,
        command: &mut Command,
        server: &Server,
        users: [&str; 2],
        dialect: [&str; 2],
    ) -> Self {
        command.arg(format!("ws://{}/ws", server.address())).args(users).arg(MESSAGES).args(dialect);
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child =
            spawned.unwrap_or_else(|err| panic!("{name} does not start ({err}): ./test tools says why"));
        let lines = lines_of(child.stdout.take().expect("it is piped"));
        Self { child, lines, name }
    }

    fn says(&mut self, expected: &str) {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => assert_eq!(line, expected, "{}", self.name),
            Err(err) => panic!("{} did not say {expected:?} ({err}); its errors are above", self.name),
        }
    }

    fn ends_well(mut self) {
        let status = self.child.wait().expect("a child of ours");
        assert!(status.success(), "{}: {status}", self.name);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e_web/foreign").join(name)
}

/// Below the target folder, beside the one that cargo gives to tests.
fn installed(what: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../foreign").join(what);
    assert!(path.exists(), "{} is not there: `./test tools` installs it", path.display());
    path
}
