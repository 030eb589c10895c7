//! `longwire token` and what `check-config` says of `[login]`, as an operator meets them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A folder with a configuration and the fixtures' keys in reach.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new(login: &str) -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("longwire.toml"), login).unwrap();
        std::fs::write(dir.path().join("hs.key"), KEY).unwrap();
        Self { dir }
    }

    fn run(&self, args: &[&str], stdin: &str) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longwire"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LONGWIRE_") {
                command.env_remove(name);
            }
        }
        let command = command.args(args).current_dir(self.dir.path());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes()); // not everybody reads it
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        // a token that is judged and the key that judges it are told to nobody
        for secret in [stdin.trim(), KEY].into_iter().filter(|secret| secret.len() >= 8) {
            assert!(!stdout.contains(secret) && !stderr.contains(secret), "{secret} in: {stdout}{stderr}");
        }
        (status.code().unwrap(), stdout, stderr)
    }

    /// A token, made with these further arguments.
    fn make(&self, args: &[&str]) -> String {
        let (status, token, complaints) = self.run(&[&["token", "make"], args].concat(), "");
        assert_eq!((status, complaints.as_str()), (0, ""));
        token.trim_end().to_owned()
    }
}

const KEY: &str = "canary-key-6f0c1b7e5d3a49288e6b0c7f1d2a3b4c5d6e7f8091a2b3c4d5e6f70";

const HS: &str = r#"
[login]
provider = "jwt"
jwt = { issuer = "me", audience = "chat" }
[[login.key]]
id = "app"
algorithm = "HS256"
key_file = "hs.key"
"#;

fn fixture(name: &str) -> String {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/fixtures/login");
    root.join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_token_that_was_made_is_good_and_says_what_it_was_told() {
    let place = Place::new(HS);
    let claims = ["--claim", "level=7", "--claim", "tags=[\"vip\"]", "--claim", "nickname=007"];
    let token = place.make(&[&["--config", "longwire.toml", "--user", "alice"][..], &claims].concat());
    let (status, told, _) = place.run(&["token", "check", "--config", "longwire.toml"], &token);
    assert_eq!(status, 0, "{told}");
    assert!(told.starts_with("good: alice may log in\n"), "{told}");
    let lines =
        ["kid \"app\"", "iss \"me\"", "aud \"chat\"", "level 7", "tags [\"vip\"]", "nickname \"007\""];
    for line in lines {
        assert!(told.contains(&format!("  {line}\n")), "{line} in {told}");
    }
    assert!(!told.contains(token.rsplit('.').next().unwrap()), "the signature is not echoed");
}

/// The leeway counts for the LOGIN and for what follows it alike.
#[test]
fn a_good_token_says_until_when_it_holds() {
    let place = Place::new(HS);
    let config = ["--config", "longwire.toml"];
    let expired = "--claim=exp=1700000000";
    let token = place.make(&[&config[..], &["--user", "alice", expired]].concat());
    let within = ["--set", "login.jwt.leeway=300s"];
    let fresh = place.make(&[&config[..], &["--user", "alice", "--claim=exp=4102444800"]].concat());
    let check = [&["token", "check"], &config[..], &within].concat();
    let (status, told, _) = place.run(&check, &token);
    assert_eq!(status, 5, "{told}");
    let (status, told, _) = place.run(&check, &fresh);
    assert_eq!(status, 0, "{told}");
    let line = told.lines().nth(1).unwrap();
    let until = "until its exp and login.jwt.leeway (300s); closed login.jwt.expiry_grace (25s) later";
    assert!(line.starts_with("  and send for ") && line.contains(until), "{told}");
    let (_, told, _) = place.run(&[&check[..], &["--json"]].concat(), &fresh);
    let object: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(object["expires_at_ms"], 4_102_445_100_000_u64);
    assert_eq!(object["closes_at_ms"], 4_102_445_125_000_u64);
}

/// The server closes on such a LOGIN without a byte and without asking its provider.
#[test]
fn what_no_login_can_carry_is_not_good() {
    let place = Place::new(HS);
    let config = ["--config", "longwire.toml"];
    let check = |token: &str, more: &[&str]| {
        let (status, told, _) = place.run(&[&["token", "check"], &config[..], more].concat(), token);
        (status, told.lines().next().unwrap_or_default().to_owned())
    };
    // 4096 characters at most: three parts of base64 without padding, of which the claims alone grow
    let padded = |bytes: usize| {
        let pad = format!("pad={}", "x".repeat(bytes));
        place.make(&[&config[..], &["--user", "alice", "--claim", &pad]].concat())
    };
    let fits = (4096 - padded(0).len()) * 3 / 4;
    let (longest, over) = (padded(fits), padded(fits + 2));
    assert!((4094..=4096).contains(&longest.len()) && (4097..=4099).contains(&over.len()));
    let refused = "refused without an answer: not_a_login: ";
    assert_eq!(check(&longest, &[]), (0, "good: alice may log in".to_owned()));
    let told = format!("{refused}token has {}, over the limit of 4096", over.len());
    assert_eq!(check(&over, &[]), (5, told));
    assert_eq!(check(&over, &["--set", "limits.login_max=16KiB"]).0, 0);
    let (status, told) = check(&over, &["--json"]);
    let object: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((status, &object["reason"], &object["status"]), (5, &"not_a_login".into(), &().into()));
    for user in ["u".repeat(129), "a\nb".to_owned()] {
        let token = place.make(&[&config[..], &["--user", &user]].concat());
        let (status, told) = check(&token, &[]);
        assert!(status == 5 && told.starts_with(refused), "{told}");
    }
    let longest = place.make(&[&config[..], &["--user", &"u".repeat(128)]].concat());
    assert_eq!(check(&longest, &[]).0, 0);
}

#[test]
fn every_algorithm_makes_and_checks() {
    let place = Place::new("");
    for (algorithm, key) in
        [("RS512", "rsa"), ("PS256", "rsa"), ("ES256", "p256"), ("ES384", "p384"), ("EdDSA", "ed25519")]
    {
        let (private, public) = (fixture(&format!("{key}.pem")), fixture(&format!("{key}.pub.pem")));
        let token = place.make(&["--user", "alice", "--key-file", &private, "--alg", algorithm]);
        let check = ["token", "check", "--key-file", &public, "--alg", algorithm];
        let (status, told, complaints) = place.run(&check, &token);
        assert_eq!(status, 0, "{algorithm} {told}{complaints}");
    }
}

#[test]
fn a_refusal_says_why_and_ends_with_5() {
    let place = Place::new(HS);
    let config = ["--config", "longwire.toml"];
    let good = place.make(&[&config[..], &["--user", "alice"]].concat());
    let old = place.make(&[&config[..], &["--user", "alice", "--claim", "exp=1700000000"]].concat());
    let other = place.make(&[&config[..], &["--user", "alice", "--claim", "aud=mail"]].concat());
    for (token, args, reason) in [
        (&good, &["--user", "bob"][..], "user_mismatch"),
        (&old, &[], "expired"),
        (&other, &[], "audience"),
        (&format!("{good}A"), &[], "signature"),
        (&"local".to_owned(), &["--user", "alice"], "not_a_token"),
        (&good, &["--set", "login.jwt.issuer=you"], "issuer"),
    ] {
        let check = [&["token", "check"], &config[..], args].concat();
        let (status, told, _) = place.run(&check, token);
        assert_eq!(status, 5, "{told}");
        assert!(told.starts_with(&format!("refused with 2 (UNAUTHENTICATED): {reason}: ")), "{told}");
        let (status, told, _) = place.run(&[&check[..], &["--json"]].concat(), token);
        assert_eq!(status, 5, "{told}");
        let object: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&object["good"], &object["reason"]), (&false.into(), &reason.into()), "{told}");
        assert_eq!(object["status"], 2);
    }
}

#[test]
fn wrong_usage_ends_with_2_and_a_broken_key_with_1() {
    let place = Place::new(HS);
    for (args, status) in [
        (&["token", "make", "--user", "alice"][..], 2),
        (&["token", "make", "--user", "alice", "--alg", "RS256"], 2),
        (&["token", "make", "--user", "alice", "--alg", "none", "--key-file", "hs.key"], 2),
        (&["token", "make", "--config", "longwire.toml", "--user", "alice", "--ttl", "1"], 2),
        (&["token", "make", "--user", "alice", "--alg", "ES256", "--key-file", "hs.key"], 1),
        (&["token", "make", "--user", "alice", "--alg", "HS256", "--key-file", "missing"], 1),
        (&["token", "check", "--config", "longwire.toml"], 2),
        (&["token", "check", "--key-file", "hs.key"], 2),
        (&["token", "check", "--config", "missing.toml"], 2), // no token: nothing was tried
    ] {
        let (ended, told, complaints) = place.run(args, "");
        assert_eq!(ended, status, "{args:?} {told}{complaints}");
        assert!(told.is_empty(), "{complaints}");
    }
}

#[test]
fn check_config_reads_the_files_that_login_names() {
    let place = Place::new(HS);
    let check = |text: &str| {
        std::fs::write(place.dir.path().join("longwire.toml"), text).unwrap();
        let (status, told, _) = place.run(&["check-config", "longwire.toml"], "");
        (status, told)
    };
    assert_eq!(check(HS), (0, "longwire.toml: good\n".to_owned()));
    let (status, told) = check(&HS.replace("hs.key", "gone.key"));
    assert_eq!(status, 1);
    assert!(told.starts_with("longwire.toml:5:1: login.key: \"app\": cannot read gone.key"), "{told}");
    let (status, told) = check(&HS.replace("HS256", "ES256"));
    assert_eq!(status, 1);
    assert!(told.contains("login.key: \"app\": the file holds no public key"), "{told}");
    let (status, told) = check("[login]\nprovider = \"static\"\nstatic_file = \"hs.key\"\n");
    assert_eq!(status, 1);
    assert!(told.starts_with("longwire.toml:3:15: login.static_file: hs.key: line 1: "), "{told}");
}
