//! The README's tour, literally: its commands are read from the page and run against a server on a free port.

use crate::common::WAIT_MAX;
use crate::common::on_one_and_four_shards;
use crate::common::server::{Server, lines_of};
use std::process::{Command, Stdio};

on_one_and_four_shards!(the_commands_of_the_tour_do_what_it_says);

const README: &str = include_str!("../../../../README.md");
const IN_README: &str = "target/release/longwire";

fn the_commands_of_the_tour_do_what_it_says(shards: u32) {
    let server = Server::start(shards);
    let lines: Vec<&str> = README.lines().filter(|line| line.contains(IN_README)).collect();
    let line = |command: &str| -> Vec<&str> {
        lines.iter().copied().filter(|line| line.contains(&format!("{IN_README} {command}"))).collect()
    };
    assert_eq!(line("serve")[0], "target/release/longwire serve");
    let tail = shell(&server, line("tail")[0].trim_end_matches('&')).stdout(Stdio::piped()).spawn();
    let mut tail = tail.expect("sh runs");
    let heard = lines_of(tail.stdout.take().expect("it is piped"));
    // When it has joined, nobody else can see: it has once it hears something.
    let mut speaker = server.member("speaker", "lobby");
    while heard.try_recv().is_err() {
        speaker.say("lobby", "anybody?");
        speaker.ping();
    }
    for send in line("send") {
        let status = shell(&server, send).status().expect("sh runs");
        assert!(status.success(), "{send}: {status}");
    }
    let mut said = Vec::new();
    while said.len() < 4 {
        let line = heard.recv_timeout(WAIT_MAX).expect("tail prints what is said");
        let message: serde_json::Value = serde_json::from_str(&line).expect("an object a line");
        if message["from"] == "bob" {
            said.push(format!("{} {}", message["type"], message["content"]));
        }
    }
    let wanted =
        [r#""normal" "hello from a script""#, r#""gift" "a rose""#, r#""normal" "one""#, r#""normal" "two""#];
    assert_eq!(said, wanted);
    let chat = line("chat")[0].replace(IN_README, env!("CARGO_BIN_EXE_longwire"));
    let status = shell(&server, &format!("echo /quit | {chat}")).stdout(Stdio::null()).status();
    assert!(status.expect("sh runs").success(), "{chat}");
    tail.kill().expect("it runs until then");
    tail.wait().expect("a child of ours");
    server.stop();
}

/// A line of the page as a shell would run it, with the binary under test, and this server for the default one.
fn shell(server: &Server, line: &str) -> Command {
    let mut command = Command::new("sh");
    // `exec` where the line is one command, so that it can be ended by its id.
    let line = line.replace(IN_README, env!("CARGO_BIN_EXE_longwire"));
    let exec = if line.contains('|') { "" } else { "exec " };
    command.args(["-c", &format!("{exec}{line}")]).env("LONGWIRE_ADDR", server.address().to_string());
    command
}
