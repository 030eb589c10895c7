//! What docs/login.md tells people to do, done: its configurations, its users, its login service.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A copy of docs/examples/login, to run things from, with fresh keys as the page makes them.
fn examples() -> TempDir {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dir = TempDir::new().unwrap();
    for entry in std::fs::read_dir(root.join("docs/examples/login")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    let fixtures = root.join("crates/server/fixtures/login");
    std::fs::copy(fixtures.join("p256.pem"), dir.path().join("app.key")).unwrap();
    std::fs::copy(fixtures.join("p256.pub.pem"), dir.path().join("app.pub")).unwrap();
    std::fs::write(dir.path().join("webhook.secret"), SECRET).unwrap();
    dir
}

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n";
const OTHER_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";

/// Status and answer of a command that was run from `dir`, with this on its stdin.
fn longwire(dir: &Path, args: &[&str], stdin: &str) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longwire"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LONGWIRE_") {
            command.env_remove(name);
        }
    }
    let command = command.args(args).current_dir(dir).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// How the server would judge `token`: `good`, or the reason of the refusal.
fn judged(dir: &Path, config: &str, set: &[&str], user: &str, token: &str) -> String {
    let mut args = vec!["token", "check", "--json", "--config", config, "--user", user];
    for set in set {
        args.extend(["--set", set]);
    }
    let (status, told) = longwire(dir, &args, token);
    let object: serde_json::Value = serde_json::from_str(&told).expect(&told);
    let reason = object["reason"].as_str().unwrap_or("good").to_owned();
    assert_eq!(status == 0, reason == "good", "{told}");
    reason
}

#[test]
fn the_jwt_example_takes_its_tokens() {
    let dir = examples();
    assert_eq!(longwire(dir.path(), &["check-config", "jwt.toml"], "").0, 0);
    let make = ["token", "make", "--config", "jwt.toml", "--key-file", "app.key", "--user", "alice"];
    let (_, token) = longwire(dir.path(), &make, "");
    assert_eq!(judged(dir.path(), "jwt.toml", &[], "alice", &token), "good");
    assert_eq!(judged(dir.path(), "jwt.toml", &[], "bob", &token), "user_mismatch");
}

#[test]
fn the_file_of_users_has_the_tokens_it_says() {
    let dir = examples();
    assert_eq!(longwire(dir.path(), &["check-config", "static.toml"], "").0, 0);
    for (user, token, judgement) in [
        ("alice", "token-of-alice", "good"),
        ("bob", "token-of-bob", "good"),
        ("alice", "token-of-bob", "wrong_token"),
        ("carol", "token-of-alice", "wrong_token"),
    ] {
        assert_eq!(judged(dir.path(), "static.toml", &[], user, token), judgement, "{user} {token}");
    }
}

/// The example's service, on a port of its own; ended with its guard.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Service {
    /// The service in one of its languages, and its address as it prints it.
    fn start(dir: &Path, language: &str, script: &str) -> (Self, String) {
        let script: PathBuf = dir.join(script);
        let mut command = Command::new(language);
        let command = command.arg(script).args(["webhook.secret", "0"]).current_dir(dir);
        let runs = format!("{language} runs: it is needed for the examples (./test tools)");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect(&runs);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("asks at ").expect(&line).to_owned();
        (Self(child), url)
    }
}

/// The backend's side, signed by Node itself; make_token.py needs PyJWT, whose tokens the server's own tests take.
#[test]
fn the_node_example_makes_tokens_that_are_good() {
    let dir = examples();
    let make = ["make_token.mjs", "app.key", "alice"];
    let made =
        Command::new("node").args(make).current_dir(dir.path()).output().expect("node runs (./test tools)");
    let token = String::from_utf8(made.stdout).unwrap();
    assert_eq!(judged(dir.path(), "jwt.toml", &[], "alice", &token), "good");
    assert_eq!(judged(dir.path(), "jwt.toml", &[], "bob", &token), "user_mismatch");
}

#[test]
fn the_callback_in_python_knows_us_by_our_signature_and_its_users_by_their_tokens() {
    the_callback_knows_us_and_its_users("python3", "callback.py");
}

#[test]
fn the_callback_in_node_knows_us_by_our_signature_and_its_users_by_their_tokens() {
    the_callback_knows_us_and_its_users("node", "callback.mjs");
}

/// Their signature checks are implementations of Standard Webhooks that share nothing with ours.
fn the_callback_knows_us_and_its_users(language: &str, script: &str) {
    let dir = examples();
    assert_eq!(longwire(dir.path(), &["check-config", "callback.toml"], "").0, 0);
    let (service, url) = Service::start(dir.path(), language, script);
    let at = format!("login.http.url={url}");
    let judged = |user: &str, token: &str| judged(dir.path(), "callback.toml", &[&at], user, token);
    assert_eq!(judged("alice", "token-of-alice"), "good");
    assert_eq!(judged("bob", "token-of-bob"), "good");
    assert_eq!(judged("alice", "wrong"), "callback_refused");
    assert_eq!(judged("bob", "token-of-alice"), "callback_refused");
    std::fs::write(dir.path().join("webhook.secret"), OTHER_SECRET).unwrap();
    assert_eq!(judged("alice", "token-of-alice"), "callback_status", "somebody else asks");
    std::fs::write(dir.path().join("webhook.secret"), format!("{OTHER_SECRET}{SECRET}")).unwrap();
    assert_eq!(judged("alice", "token-of-alice"), "good", "while the secret is being changed");
    drop(service);
    assert_eq!(judged("alice", "token-of-alice"), "callback_unreachable");
}

/// The page shows the files that are run here, line by line.
#[test]
fn the_page_shows_the_jwt_configuration_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = std::fs::read_to_string(root.join("login.md")).unwrap();
    let config = std::fs::read_to_string(root.join("examples/login/jwt.toml")).unwrap();
    let shown = config.split_once('\n').unwrap().1; // without its first line, which says how to run it
    assert!(page.contains(shown), "docs/login.md shows another jwt.toml");
}

/// Every reason is on the page, so that a word of the log can be looked up.
#[test]
fn every_reason_is_on_the_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = std::fs::read_to_string(root.join("login.md")).unwrap();
    for reason in longwire_server::login::Reason::ALL {
        assert!(page.contains(&format!("`{}`", reason.name())), "{reason:?}");
    }
}
