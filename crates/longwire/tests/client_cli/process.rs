//! The client commands as child processes, whose lines are waited for.

use crate::common::{WAIT_MAX, canary};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// `longwire ARGUMENTS…` against the server at `address`, with nothing of the developer's own settings.
pub fn longwire(address: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longwire"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LONGWIRE_")) {
        command.env_remove(name);
    }
    command.args(arguments).env("LONGWIRE_ADDR", address.to_string()).env_remove("NO_COLOR");
    let chooses = |flag| arguments.contains(&flag);
    if chooses("--user") && !chooses("--token") && !chooses("--addr") {
        command.env("LONGWIRE_TOKEN", "canary-of-the-client");
    }
    command
}

/// Runs it to its end with `input` as its stdin: its status, stdout and stderr.
pub fn run(mut command: Command, input: &[u8]) -> (i32, String, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_vec();
    let feeding = std::thread::spawn(move || stdin.write_all(&input));
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    // A command that refuses early does not read all of it.
    let _ = feeding.join().expect("the thread does not panic");
    let text = |bytes| searched(String::from_utf8(bytes).expect("it writes UTF-8"));
    (status.code().expect("no signal ended it"), text(stdout), text(stderr))
}

/// One that goes on until it is ended.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<Receiver<String>>,
    stderr: Receiver<String>,
    errors: Vec<String>,
}

impl Running {
    pub fn start(command: Command) -> Self {
        let (mut running, stdout) = Self::start_unread(command);
        running.stdout = Some(lines(stdout));
        running
    }

    /// The same, with its stdout left to the caller.
    pub fn start_unread(mut command: Command) -> (Self, ChildStdout) {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stdout = child.stdout.take().expect("it is piped");
        let stderr = lines(child.stderr.take().expect("it is piped"));
        let stdin = child.stdin.take();
        (Self { child, stdin, stdout: None, stderr, errors: Vec::new() }, stdout)
    }

    /// The next line of stdout.
    pub fn line(&mut self) -> String {
        let stdout = self.stdout.as_ref().expect("stdout is read here");
        let line = stdout.recv_timeout(WAIT_MAX);
        searched(line.unwrap_or_else(|_| panic!("no line; stderr so far: {:?}", self.errors)))
    }

    /// The next line of stderr that contains `text`.
    pub fn tells(&mut self, text: &str) -> String {
        let deadline = Instant::now() + WAIT_MAX;
        while let Ok(line) = self.stderr.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.errors.push(searched(line.clone()));
            if line.contains(text) {
                return line;
            }
        }
        panic!("no {text:?} on stderr: {:?}", self.errors);
    }

    pub fn type_in(&mut self, text: &str) {
        self.stdin.as_mut().expect("stdin is open").write_all(text.as_bytes()).expect("it reads stdin");
    }

    pub fn stdin(&mut self) -> ChildStdin {
        self.stdin.take().expect("stdin is open")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Closes stdin and waits for the end: its status, and the stderr that was not asked for yet.
    pub fn end(&mut self) -> (i32, Vec<String>) {
        self.stdin = None;
        let status = self.child.wait().expect("a child of ours");
        (status.code().expect("no signal ended it"), self.stderr.iter().map(searched).collect())
    }
}

/// What a client prints holds no token either.
fn searched(text: String) -> String {
    canary::check(&text);
    text
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, in a test that passes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
