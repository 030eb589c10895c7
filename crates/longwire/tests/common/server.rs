//! `longwire serve` as a child process: started, watched through its log, signalled, and always killed in the end.

use super::WAIT_MAX;
use super::books::{Books, Refused};
use super::canary;
use super::carried::{self, Transport};
use super::raw::Raw;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;
use tempfile::TempDir;

/// What to start. `Server::of(4).set("wire.gzip_min", "1KiB").start()`
pub struct Plan {
    shards: u32,
    listen: String,
    config: Option<String>,
    sets: Vec<String>,
    open_files_max: Option<u32>,
    log_level: &'static str,
}

impl Plan {
    /// How much it logs; `info` otherwise.
    pub fn log_level(mut self, level: &'static str) -> Self {
        self.log_level = level;
        self
    }

    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.sets.push(format!("{key}={value}"));
        self
    }

    /// The configuration file it reads.
    pub fn config(mut self, path: &str) -> Self {
        self.config = Some(path.to_owned());
        self
    }

    pub fn shards(mut self, shards: u32) -> Self {
        self.shards = shards;
        self
    }

    pub fn listen(mut self, address: &str) -> Self {
        address.clone_into(&mut self.listen);
        self
    }

    /// The limit of open files the server runs under.
    pub fn open_files_max(mut self, files: u32) -> Self {
        self.open_files_max = Some(files);
        self
    }

    /// Starts it, and returns once it serves.
    pub fn start(self) -> Server {
        let mut server = self.spawn();
        server.line_with("\"ready\"");
        let path = server.folder.path().join("ports.json");
        let text = fs::read_to_string(&path).expect("the ports file is there once the server says ready");
        let ports: serde_json::Value = serde_json::from_str(&text).expect("the ports file is JSON");
        let ports = ports["listen"].as_array().expect("it names the listeners");
        let address = |port: &serde_json::Value| port.as_str().and_then(|text| text.parse().ok());
        server.ports = ports.iter().map(|port| address(port).expect("an address")).collect();
        server.address = Some(match Transport::wanted().version() {
            None => server.ports[0],
            Some(version) => carried::start(server.ports[0], server.folder.path(), version),
        });
        server
    }

    /// Starts it, and does not wait: for servers that are expected to refuse.
    pub fn spawn(self) -> Server {
        let folder = TempDir::new().expect("a folder for the ports file");
        let mut command = match self.open_files_max {
            None => Command::new(env!("CARGO_BIN_EXE_longwire")),
            Some(files) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]);
                shell.arg(env!("CARGO_BIN_EXE_longwire"));
                shell
            }
        };
        command.args(["serve", "--listen", &self.listen, "--shards", &self.shards.to_string()]);
        command.args(["--log-format", "json", "--log-level", self.log_level, "--ports-file"]);
        command.arg(folder.path().join("ports.json"));
        command.args(self.config.iter().flat_map(|path| ["--config", path]));
        if let Some(spoken) = Transport::wanted().spoken() {
            let certificate = carried::certificate(folder.path());
            command.args(["--set", &format!("tls.certificate={certificate}")]);
            command.args(["--set", &format!("server.transports=[{spoken:?}]")]); // and nothing else
        }
        command.args(self.sets.iter().flat_map(|set| ["--set", set]));
        // What the developer's own shell sets must not decide what is tested.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LONGWIRE_")) {
            command.env_remove(name);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let (sender, lines) = channel();
        // whatever it prints, wherever: the log is on stderr, and nothing should be on stdout
        send_lines(child.stdout.take().expect("it is piped"), sender.clone());
        send_lines(child.stderr.take().expect("it is piped"), sender);
        Server { address: None, ports: Vec::new(), child, log: Vec::new(), lines, folder }
    }
}

pub struct Server {
    address: Option<SocketAddr>,
    ports: Vec<SocketAddr>,
    child: Child,
    log: Vec<String>,
    lines: Receiver<String>,
    folder: TempDir,
}

impl Server {
    pub fn of(shards: u32) -> Plan {
        Plan {
            shards,
            listen: "127.0.0.1:0".into(),
            config: None,
            sets: Vec::new(),
            open_files_max: None,
            log_level: "info",
        }
    }

    /// One with every default.
    pub fn start(shards: u32) -> Self {
        Self::of(shards).start()
    }

    pub fn address(&self) -> SocketAddr {
        self.address.expect("it was started, not only spawned")
    }

    /// Where it listens: that of `server.listen`, then each `[[listener]]`.
    pub fn ports(&self) -> &[SocketAddr] {
        &self.ports
    }

    /// A connection that has sent nothing yet.
    pub fn connect(&self) -> Raw {
        Raw::connect(self.address())
    }

    pub fn guest(&self) -> Raw {
        let mut raw = self.connect();
        raw.log_in_as_guest();
        raw
    }

    pub fn user(&self, name: &str) -> Raw {
        let mut raw = self.connect();
        raw.log_in(name);
        raw
    }

    /// A user, or without a name a guest, that has joined `room`.
    pub fn member(&self, name: &str, room: &str) -> Raw {
        let mut raw = if name.is_empty() { self.guest() } else { self.user(name) };
        raw.join(room);
        raw
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name, as `kill -NAME` does.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let status = Command::new("sh").args(["-c", &format!("kill -{name} \"$0\""), &pid]).status();
        assert!(status.expect("sh runs").success(), "kill -{name} {pid}");
    }

    /// Waits until all its threads are in this state of /proc: `T` is stopped by a signal, `Z` ended.
    pub fn wait_for_state(&self, state: char) {
        let deadline = Instant::now() + WAIT_MAX;
        let is_in_it =
            |stat: String| stat.rsplit_once(") ").is_some_and(|(_, behind)| behind.starts_with(state));
        loop {
            let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("a child of ours");
            let mut stats =
                threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
            if stats.all(is_in_it) {
                return;
            }
            assert!(Instant::now() < deadline, "it does not get into the state {state}");
        }
    }

    /// The next line of the log that contains `text`.
    pub fn line_with(&mut self, text: &str) -> String {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    canary::check(&line);
                    self.log.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(err) => panic!("no line with {text:?} ({err}); the log:\n{}", self.log.join("\n")),
            }
        }
    }

    /// Waits until the process has ended by itself. The log is complete then.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    canary::check(&line);
                    self.log.push(line);
                }
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().expect("a child of ours"),
                Err(RecvTimeoutError::Timeout) => panic!("it still runs; the log:\n{}", self.log.join("\n")),
            }
        }
    }

    /// Ends it as an operator does, and reads its books, which must balance.
    pub fn stop(mut self) -> Books {
        self.signal("TERM");
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "drained clean; the log:\n{}", self.log.join("\n"));
        self.books()
    }

    /// Ends it as [`Server::stop`] does; whom it refused in its life.
    pub fn stop_and_count(mut self) -> Refused {
        self.signal("TERM");
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "drained clean; the log:\n{}", self.log.join("\n"));
        self.books();
        let refused = self.log.iter().rev().find_map(|line| Refused::of_line(line));
        refused.unwrap_or_else(|| panic!("no refusals in the log:\n{}", self.log.join("\n")))
    }

    /// The books it logged.
    pub fn books(&self) -> Books {
        let books = self.log.iter().rev().find_map(|line| Books::of_line(line));
        books.unwrap_or_else(|| panic!("no books in the log:\n{}", self.log.join("\n")))
    }

    /// What it has logged so far, as far as it was read.
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// Changes the running server's limit of open files.
    pub fn limit_open_files(&self, files: usize) {
        let (pid, limit) = (format!("--pid={}", self.pid()), format!("--nofile={files}:"));
        let status = Command::new("prlimit").args([pid, limit]).status();
        assert!(status.expect("prlimit (of util-linux) runs").success(), "the limit can be {files}");
    }

    /// Resident memory, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = self.proc_file("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a live process has VmRSS");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number of kB")
    }

    /// CPU time used so far, user and system, in clock ticks (100 a second).
    pub fn cpu_ticks(&self) -> u64 {
        let stat = self.proc_file("stat");
        let behind_name = stat.rsplit_once(')').expect("the name stands in parentheses").1;
        let ticks = |at: usize| behind_name.split_whitespace().nth(at).and_then(|t| t.parse::<u64>().ok());
        ticks(11).expect("utime") + ticks(12).expect("stime")
    }

    /// How many descriptors it has open.
    pub fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("the server is alive").count()
    }

    fn proc_file(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.pid())).expect("the server is alive")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Nobody writes any more, so the lines have an end.
        let rest: Vec<String> = self.lines.iter().collect();
        if !std::thread::panicking() {
            rest.iter().for_each(|line| canary::check(line));
        } else {
            self.log.extend(rest);
            eprintln!("the server's log:\n{}", self.log.join("\n"));
        }
    }
}

/// The lines of `source` as they come; disconnected at its end.
pub fn lines_of(source: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    send_lines(source, sender);
    receiver
}

fn send_lines(source: impl std::io::Read + Send + 'static, to: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                break;
            }
        }
    });
}
