//! The bare loop, alone and in turns with the real server, both started by the tool itself.

use crate::common::WAIT_MAX;
use crate::common::server::Server;
use crate::process::{command, number, run};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Nothing listens there: what these runs measure they start themselves.
const NOWHERE: ([u8; 4], u16) = ([127, 0, 0, 1], 1);
const SHORT: &str = "--members 10 --window 4 --warm 50ms --secs 0.3";

fn nowhere() -> SocketAddr {
    SocketAddr::from(NOWHERE)
}

#[test]
fn the_bare_loop_has_the_same_report() {
    for (arguments, figure) in [
        (format!("limit {SHORT} --rooms 2 --senders 2"), "fanout.deliveries_per_s"),
        (
            "limit fanout --members 10 --rate 50 --warm 50ms --secs 0.3 --pin none".to_owned(),
            "fanout.deliveries_per_s",
        ),
        ("limit idle --connections 100 --hold 100ms".to_owned(), "idle.connects_per_s"),
        ("limit login --connections 100".to_owned(), "login.logins_per_s"),
        (format!("limit churn {SHORT} --connections 10 --hold 20ms"), "churn.reconnects_per_s"),
    ] {
        let ended = run(command(nowhere(), &format!("{arguments} --expect-loss 0 --json")));
        assert_eq!(ended.status, 0, "{arguments}: {} {}", ended.stdout, ended.stderr);
        let report = ended.json();
        assert_eq!(report["server"], "bare");
        assert!(number(&report, figure) > 0.0, "{arguments}: {report}");
        assert!(number(&report, "server_use.rss_after_bytes") > 0.0);
    }
}

#[test]
fn a_comparison_says_every_figure_as_a_ratio() {
    let ended = run(command(nowhere(), &format!("compare {SHORT} --rounds 2 --expect-loss 0 --json")));
    assert_eq!(ended.status, 0, "{} {}", ended.stdout, ended.stderr);
    let found = ended.json();
    assert_eq!(found["rounds"].as_array().map(Vec::len), Some(2));
    let ratios = found["ratios"].as_array().unwrap();
    for figure in ["deliveries_per_s", "messages_per_flush", "latency_p99_us", "last_member_p99_us"] {
        let ratio = ratios.iter().find(|ratio| ratio["figure"] == figure);
        let ratio = ratio.unwrap_or_else(|| panic!("no {figure}: {found}"));
        let [low, middle, high] = ["ratio_lowest", "ratio", "ratio_highest"].map(|name| number(ratio, name));
        assert!(low > 0.0 && low <= high && middle.is_finite(), "{ratio}");
    }
}

#[test]
fn a_server_of_ones_own_is_compared_where_its_process_is_named() {
    let server = Server::start(1);
    let arguments = format!("compare {SHORT} --rounds 1 --pid {}", server.pid());
    let ended = run(command(server.address(), &arguments));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("deliveries_per_s") && ended.stdout.contains("ratio"), "{}", ended.stdout);
    server.stop();
}

#[test]
fn more_connections_than_a_table_holds_are_compared_in_as_many_as_it_takes() {
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "ulimit -n 200; exec \"$0\" bench compare idle --connections 400 --hold 100ms --rounds 1 --json",
    ]);
    shell.arg(env!("CARGO_BIN_EXE_longwire"));
    let ended = run(shell);
    assert_eq!(ended.status, 0, "{} {}", ended.stdout, ended.stderr);
    let round = &ended.json()["rounds"][0];
    for side in ["longwire", "baseline"] {
        assert_eq!(number(&round[side], "idle.held"), 400.0, "{round}");
    }
}

#[test]
fn members_that_stop_are_compared_with_the_same_while_all_read() {
    let arguments = "compare --members 20 --stop 20 --window 16 --warm 50ms --secs 0.5 --rounds 1 --json";
    let ended = run(command(nowhere(), arguments));
    assert_eq!(ended.status, 0, "{} {}", ended.stdout, ended.stderr);
    let found = ended.json();
    assert_eq!(found["baseline"], "all reading");
    let round = &found["rounds"][0];
    for (side, stopped) in [("longwire", true), ("baseline", false)] {
        let laggards = &round[side]["laggards"];
        assert_eq!((&laggards["stopped"], &laggards["members"]), (&stopped.into(), &4.into()), "{round}");
        assert_eq!(laggards["caught_up"], 4, "{round}");
        assert_eq!(round[side]["server"], "longwire");
    }
    assert_eq!(round["baseline"]["laggards"]["overtaken"], 0, "{round}");
}

#[test]
fn a_signal_ends_the_servers_that_it_started_too() {
    for (name, code) in [("TERM", Some(143)), ("INT", Some(130)), ("KILL", None)] {
        let mut child = command(nowhere(), "compare --members 10 --secs 600")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("deliveries/s")), "traffic runs");
        let servers = children_of(child.id());
        assert_eq!(servers.len(), 1, "Longwire runs");
        let killed = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status();
        assert!(killed.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), code);
        let deadline = Instant::now() + WAIT_MAX;
        while servers.iter().any(|pid| runs(*pid)) {
            assert!(Instant::now() < deadline, "a server of ours is left");
        }
    }
}

/// Whether it is there, and no zombie that waits for its new parent's attention.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// The processes that a process has started, whatever thread of it did.
fn children_of(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let files = threads.map(|thread| thread.unwrap().path().join("children"));
    let texts: String = files.map(|file| std::fs::read_to_string(file).unwrap_or_default()).collect();
    texts.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}
