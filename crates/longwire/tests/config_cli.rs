//! `check-config`, `default-config` and the way `serve` starts, on the real binary: what is said where, and the status.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::io::Write;
use std::process::{Command, Output, Stdio};
use tempfile::NamedTempFile;

fn longwire(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longwire"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

/// Status, stdout and stderr.
fn ended(mut command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().expect("an exit status"), text(stdout), text(stderr))
}

fn run(args: &[&str]) -> (i32, String, String) {
    ended(longwire(args))
}

/// A configuration file with this text, and its path.
fn file(text: &str) -> (NamedTempFile, String) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    (file, path)
}

#[test]
fn the_default_file_is_good() {
    let (status, text, complaints) = run(&["default-config"]);
    assert_eq!((status, complaints.as_str()), (0, ""));
    let (_file, path) = file(&text);
    assert_eq!(run(&["check-config", &path]), (0, format!("{path}: good\n"), String::new()));
}

/// Judged with its key file and without; every rate of it is in force.
#[test]
fn the_production_file_is_good_once_its_key_is_there() {
    let folder = tempfile::TempDir::new().unwrap();
    let (status, text, complaints) = run(&["default-config", "--production"]);
    assert_eq!((status, complaints.as_str()), (0, ""));
    std::fs::write(folder.path().join("longwire.toml"), text).unwrap();
    let check = |args: &[&str]| {
        let mut command = longwire(&[&["check-config", "longwire.toml"], args].concat());
        command.current_dir(folder.path());
        ended(command)
    };
    let (status, told, _) = check(&[]);
    assert_eq!(status, 1);
    assert!(told.contains("login.key") && told.contains("login-key.pem"), "{told}");
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/fixtures/login/p256.pub.pem");
    std::fs::copy(key, folder.path().join("login-key.pem")).unwrap();
    assert_eq!(check(&[]), (0, "longwire.toml: good\n".to_owned(), String::new()));
    let (status, shown, _) = check(&["--show"]);
    assert_eq!(status, 0);
    for (key, value) in [
        ("server.listen", "[\"0.0.0.0:7610\"]"),
        ("login.provider", "\"jwt\""),
        ("quotas.connection_frames", "\"50/1s burst 100\""),
        ("quotas.node_logins", "\"2000/1s\""),
        ("quotas.address.connections", "1000"),
        ("quotas.address.guests", "1000"),
        ("quotas.address.connects", "\"20/1s burst 100\""),
        ("quotas.user.connections", "5"),
        ("quotas.user.messages", "\"5/1s burst 10\""),
        ("quotas.user.joins", "\"10/10s\""),
        ("quotas.user.reconnects", "\"15/1m\""),
        ("quotas.room.messages", "\"200/1s burst 40\""),
    ] {
        let line = format!("{key} = {value} ");
        assert!(shown.lines().any(|shown| shown.starts_with(&line)), "{line}\n{shown}");
    }
}

#[test]
fn what_is_shown_is_a_file_with_the_same_values() {
    let (_file, path) = file("log.level = \"debug\"\n");
    let mut command = longwire(&["check-config", &path, "--show"]);
    command.env("LONGWIRE_LIMITS__ROOMS_MAX", "7").env("LONGWIRE_LOG__LEVLE", "x");
    let (status, shown, _) = ended(command);
    assert_eq!(status, 0);
    let line = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap_or_default();
    assert!(line("log.level").ends_with(&format!("\"debug\"                              # {path}:1:13")));
    assert!(line("limits.rooms_max").contains("= 7 ") && shown.contains("# LONGWIRE_LIMITS__ROOMS_MAX"));
    assert!(line("drain.spread").ends_with("# default"));
    assert!(shown.starts_with("# warning: LONGWIRE_LOG__LEVLE: "), "{shown}");

    let (_file, again) = file(&shown);
    let (status, shown_again, _) = run(&["check-config", &again, "--show"]);
    assert_eq!(status, 0);
    let values = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split(" #").next().unwrap().trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values(&shown), values(&shown_again));
}

#[test]
fn every_mistake_is_told_at_once() {
    let (_file, path) = file("[server]\nlisten = [\"0.0.0.0:1\"]\nshard = 1\n\n[log]\nlevel = 3\n");
    let (status, told, complaints) = run(&["check-config", &path]);
    assert_eq!((status, complaints.as_str()), (1, ""));
    let starts = ["2:10: server.listen: ", "3:1: server.shard: ", "6:9: log.level: "];
    assert_eq!(told.lines().count(), starts.len(), "{told}");
    for (line, start) in told.lines().zip(starts) {
        assert!(line.starts_with(&format!("{path}:{start}")), "{line}");
    }
}

#[test]
fn json_is_one_object() {
    let (_file, path) = file("[wire]\nframe = 1\n");
    let (status, text, _) = run(&["check-config", "--json", &path]);
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, text.lines().count()), (1, 1));
    let error = serde_json::json!({
        "from": format!("{path}:2:1"), "line": 2, "column": 1,
        "key": "wire.frame", "reason": "unknown key", "nearest": "wire.frame_max",
    });
    let expected = serde_json::json!({"file": path, "good": false, "errors": [error], "warnings": []});
    assert_eq!(object, expected);

    let (_file, path) = file("drain.spread = \"1s\"");
    let (status, text, _) = run(&["check-config", "--json", "--show", &path]);
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &object["good"]), (0, &serde_json::json!(true)));
    let listen = serde_json::json!({"key": "server.listen", "value": ["127.0.0.1:7610"], "from": "default"});
    assert!(object["values"].as_array().unwrap().contains(&listen));
    let spread = serde_json::json!({"key": "drain.spread", "value": "1s", "from": format!("{path}:1:16")});
    assert!(object["values"].as_array().unwrap().contains(&spread));
}

#[test]
fn a_file_that_cannot_be_read_fails() {
    let (status, told, complaints) = run(&["check-config", "/nowhere/longwire.toml"]);
    assert_eq!((status, told.as_str()), (1, ""));
    assert_eq!(
        complaints,
        "error: cannot read /nowhere/longwire.toml: No such file or directory (os error 2)\n"
    );
}

#[test]
fn the_default_variables_are_taken_back() {
    let (status, text, _) = run(&["default-config", "--env"]);
    assert_eq!(status, 0);
    let (_file, path) = file("");
    let mut command = longwire(&["check-config", &path, "--show"]);
    command
        .envs(text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once('=').unwrap()));
    let (status, shown, _) = ended(command);
    assert_eq!(status, 0);
    // an empty variable counts as not set
    assert!(shown.lines().all(|line| line.contains("# LONGWIRE_") || line.contains(" = \"\" ")), "{shown}");
}

/// Before a port is bound: the address that is asked for is in use, and nobody gets to know.
#[test]
fn serve_refuses_a_wrong_configuration_before_it_binds() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let (status, told, complaints) =
        run(&["serve", "--listen", &listen, "--set", "log.levle=debug", "--log-level", "inof"]);
    assert_eq!((status, told.as_str()), (1, ""));
    let lines: Vec<_> = complaints.lines().collect();
    assert_eq!(lines[0], "error: --set: log.levle: unknown key; the nearest is log.level");
    assert!(lines[1].starts_with("error: --log-level: log.level: expected off, error"), "{complaints}");
    assert_eq!(lines.len(), 2);
}

#[test]
fn open_login_beyond_loopback_is_refused() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:7610"] {
        let (status, _, complaints) = run(&["serve", "--listen", address]);
        assert_eq!(status, 1);
        assert!(complaints.contains("--allow-open-login"), "{complaints}");
        assert_eq!(complaints.lines().count(), 1);
    }
}

/// Fault: a server on the internet that limits nobody.
#[test]
fn a_listener_beyond_loopback_without_quotas_warns() {
    let warns = |listen: &str, more: &str| {
        let login = "[login]\nopen_on_any_address = true\n";
        let (_file, path) = file(&format!("[server]\nlisten = [\"{listen}\"]\n{login}{more}"));
        let (status, told, complaints) = run(&["check-config", &path]);
        assert_eq!((status, complaints.as_str()), (0, ""), "{told}");
        let (_, json, _) = run(&["check-config", "--json", &path]);
        let object: serde_json::Value = serde_json::from_str(&json).unwrap();
        let warnings = object["warnings"].as_array().unwrap().len();
        assert_eq!((told.lines().count(), told.ends_with(": good\n")), (warnings + 1, true), "{told}");
        let start = format!("warning: {path}:2:10: server.listen: {listen} can be reached by other machines");
        assert!(warnings == 0 || told.starts_with(&start), "{told}");
        warnings == 1
    };
    for listen in ["0.0.0.0:7610", "[::]:7610", "192.0.2.1:0"] {
        assert!(warns(listen, ""), "{listen}");
    }
    for listen in ["127.0.0.1:7610", "[::1]:7610", "127.9.9.9:0", "[::ffff:127.0.0.1]:0"] {
        assert!(!warns(listen, ""), "{listen}");
    }
    for quota in [
        "connection_frames = \"50/s\"",
        "node_logins = \"1/s\"",
        "address = { connections = 1 }",
        "address = { guests = 1 }",
        "address = { connects = \"1/s\" }",
        "user = { connections = 1 }",
        "user = { messages = \"1/s\" }",
        "user = { joins = \"1/s\" }",
        "user = { reconnects = \"1/s\" }",
        "room = { messages = \"1/s\" }",
    ] {
        assert!(!warns("0.0.0.0:7610", &format!("[quotas]\n{quota}\n")), "{quota}");
    }
    for no_quota in ["exempt = []", "room = { priority_percent = 1 }", "user = { login_failures = \"1/s\" }"]
    {
        assert!(warns("0.0.0.0:7610", &format!("[quotas]\n{no_quota}\n")), "{no_quota}");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_a_suggestion() {
    for (args, hint) in [
        (&["sreve"][..], "serve"),
        (&["serve", "--lsten", "127.0.0.1:1"], "--listen"),
        (&["serve", "--listen", "somewhere"], "invalid"),
        (&["serve", "--set", "log.level"], "KEY=VALUE"),
        (&["check-config"], "<FILE>"),
        (&[], "Usage"),
    ] {
        let (status, told, complaints) = run(args);
        assert_eq!((status, told.as_str()), (2, ""), "{args:?}");
        assert!(complaints.contains(hint), "{complaints}");
    }
}

#[test]
fn a_closed_pipe_ends_quietly_with_0() {
    for args in [
        &["default-config"][..],
        &["default-config", "--env"],
        &["default-config", "--production"],
        &["check-config", "/dev/null", "--show"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = longwire(args);
        command.stdout(writer).stderr(Stdio::piped());
        let ended = command.spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]), "{args:?}");
    }
}

#[test]
fn help_goes_to_stdout_and_has_no_colour_in_a_pipe() {
    for args in [&["--help"][..], &["serve", "-h"], &["help", "check-config"], &["--version"]] {
        let (status, told, complaints) = run(args);
        assert_eq!((status, complaints.as_str()), (0, ""));
        assert!(told.contains("longwire") && !told.contains('\u{1b}'), "{told}");
    }
}
