//! A folder with what a provider reads, and waiting for what has no answer of its own.

use crate::common::WAIT_MAX;
use crate::common::canary::never_printed;
use crate::common::server::{Plan, Server};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a folder") }
    }

    /// Writes a file; returns its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("the folder takes files");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// A plan with the provider `static`, and users by name and token.
    pub fn static_plan(&self, shards: u32, users: &[(&str, &str)]) -> Plan {
        let entry = |(user, token): &(&str, &str)| {
            format!("[[user]]\nid = \"{user}\"\ntoken_sha256 = \"{}\"\n", sha256(token))
        };
        let file = self.write("users.toml", &users.iter().map(entry).collect::<String>());
        Server::of(shards).log_level("trace").set("login.provider", "static").set("login.static_file", &file)
    }

    /// A plan with the provider `jwt` and one HS256 key, with which `token` signs.
    pub fn jwt_plan(&self, shards: u32) -> Plan {
        let key = self.write("hs.key", "canary-key-0123456789abcdef0123456789abcdef");
        let keys = format!("[{{ id = \"app\", algorithm = \"HS256\", key_file = \"{key}\" }}]");
        Server::of(shards)
            .log_level("trace")
            .set("login.provider", "jwt")
            .set("login.key", &keys)
            .set("login.jwt.leeway", "0s")
    }

    /// A token of `jwt_plan`'s key, made by the command line, with further arguments of it.
    pub fn token(&self, user: &str, args: &[&str]) -> String {
        let key = self.folder.path().join("hs.key");
        let output = Command::new(env!("CARGO_BIN_EXE_longwire"))
            .args(["token", "make", "--alg", "HS256", "--kid", "app", "--user", user, "--key-file"])
            .arg(key)
            .args(args)
            .stdin(Stdio::null())
            .output()
            .expect("the binary starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        never_printed(String::from_utf8(output.stdout).expect("text").trim_end())
    }
}

/// Tries until it works: for what follows from a close, which nobody is told of.
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < deadline, "never: {what}");
    }
}

/// As hexadecimal digits, by coreutils: a second opinion on the server's own.
fn sha256(text: &str) -> String {
    let mut child = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sha256sum (of coreutils) runs");
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8(output.stdout).expect("text").split(' ').next().expect("a digest").to_owned()
}
