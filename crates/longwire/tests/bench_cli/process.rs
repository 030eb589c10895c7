//! `longwire bench …` as a child process.

use crate::common::canary;
use serde_json::Value;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// What a run ended with.
#[derive(Debug)]
pub struct Ended {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// The one JSON object on stdout.
    pub fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "one line: {:?} {:?}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).expect("it is JSON")
    }
}

/// `longwire bench ARGUMENTS…` against the server at `address`, with nothing of the developer's own settings.
pub fn command(address: SocketAddr, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longwire"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LONGWIRE_")) {
        command.env_remove(name);
    }
    command.arg("bench").args(arguments.split_whitespace()).env("LONGWIRE_ADDR", address.to_string());
    if arguments.contains("--user") && !arguments.contains("--token") {
        command.env("LONGWIRE_TOKEN", "canary-of-the-bench");
    }
    command
}

/// Runs it to its end.
pub fn run(mut command: Command) -> Ended {
    let output = command.stdin(Stdio::null()).output().expect("the binary runs");
    let text = |bytes| {
        let text = String::from_utf8(bytes).expect("it writes UTF-8");
        canary::check(&text);
        text
    };
    Ended {
        status: output.status.code().expect("no signal ended it"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A run that is good: its JSON.
pub fn good(address: SocketAddr, arguments: &str) -> Value {
    let ended = run(command(address, &format!("{arguments} --json")));
    assert_eq!(ended.status, 0, "{arguments}: {} {}", ended.stdout, ended.stderr);
    ended.json()
}

/// The number at a path such as `fanout.latency.p99_us`.
#[track_caller]
pub fn number(report: &Value, path: &str) -> f64 {
    let found = path.split('.').fold(report, |value, key| &value[key]);
    found.as_f64().unwrap_or_else(|| panic!("no number at {path}: {report}"))
}
