//! Each measurement against the real server, over its variants.

use crate::common::server::Server;
use crate::process::{command, good, number, run};
use serde_json::Value;
use std::process::Command;

const SHORT: &str = "--warm 100ms --secs 0.5 --seed 7";

/// Nothing was lost, and every member got everything.
#[track_caller]
fn check_fanout(report: &Value, members: f64) {
    let account = &report["fanout"]["account"];
    for fault in ["lost", "twice", "disordered", "own", "foreign"] {
        assert_eq!(account[fault], 0, "{fault}: {report}");
    }
    assert!(number(report, "fanout.account.received") > 0.0);
    let (messages, deliveries) =
        (number(report, "fanout.messages_per_s"), number(report, "fanout.deliveries_per_s"));
    assert!(deliveries > 0.0 && deliveries <= 1.5 * messages * members, "{messages} {deliveries}");
    assert!(number(report, "fanout.messages_per_flush") >= 1.0);
    for percentiles in ["latency", "last_member"] {
        let at = |name: &str| number(report, &format!("fanout.{percentiles}.{name}"));
        let all = ["p50_us", "p90_us", "p99_us", "p999_us", "max_us"].map(at);
        assert!(at("count") > 0.0 && all.is_sorted() && all[0] > 0.0, "{percentiles}: {report}");
    }
}

#[test]
fn a_rate_is_kept_and_measured_from_its_schedule() {
    let server = Server::start(1);
    let arguments = format!("fanout --members 10 --rate 100 {SHORT} --pid {}", server.pid());
    let report = good(server.address(), &arguments);
    check_fanout(&report, 9.0);
    assert_eq!(
        (&report["bench"], &report["server"], &report["seed"]),
        (&"fanout".into(), &"longwire".into(), &7.into())
    );
    assert_eq!(report["fanout"]["from_schedule"], true);
    assert_eq!(report["shape"]["rate"], 100.0);
    assert!((number(&report, "fanout.messages_per_s") - 100.0).abs() < 10.0, "{report}");
    assert!(number(&report, "server_use.rss_after_bytes") > 1e5);
    assert!(number(&report, "server_use.cpu_cores") >= 0.0);
    assert!(number(&report, "generator.late.count") > 0.0);
    server.stop();
}

#[test]
fn windows_rooms_senders_threads_sources_and_dialects_go_together() {
    let server = Server::start(2);
    for shape in [
        "--members 20 --window 1",
        "--members 20 --window 64 --batch 16 --threads 2",
        "--members 10 --rooms 3 --senders 2 --window 8 --threads 3 --sources 5",
        "--members 10 --senders 10 --window 4 --size 2000 --gzip --length rest",
        "--members 30 --window 32 --user ada --gzip",
        "--members 10 --rate 50 --batch 5 --rooms 2 --threads 2 --token own --user bob",
    ] {
        let report = good(server.address(), &format!("fanout {shape} {SHORT}"));
        check_fanout(&report, 30.0);
    }
    server.stop();
}

#[test]
fn idle_connections_are_held_and_weighed() {
    let server = Server::start(1);
    let arguments = format!("idle --connections 200 --hold 300ms --rooms 3 --pid {}", server.pid());
    let report = good(server.address(), &arguments);
    assert_eq!((number(&report, "idle.held"), number(&report, "idle.dropped")), (200.0, 0.0));
    assert_eq!((number(&report, "idle.wanted"), number(&report, "idle.failed")), (200.0, 0.0));
    assert!(number(&report, "idle.connects_per_s") > 0.0);
    assert_eq!(number(&report, "idle.entry.count"), 200.0);
    assert!(number(&report, "idle.pings") >= number(&report, "idle.pongs"));
    assert!(report["idle"]["user_bytes_per_connection"].is_number());
    assert!(report["fanout"].is_null());
    server.stop();
}

/// More connections than one table of descriptors holds: each thread has its own, and still they wake each other.
#[test]
fn tables_of_their_own_hold_more_than_the_limit_of_open_files() {
    let server = Server::start(1);
    let few_files = |arguments: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n 200; exec \"$0\" bench {arguments} --json")]);
        shell.arg(env!("CARGO_BIN_EXE_longwire")).env("LONGWIRE_ADDR", server.address().to_string());
        let ended = run(shell);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        let report = ended.json();
        assert!(number(&report, "generator.threads") >= 3.0);
        report
    };
    let report = few_files("idle --connections 300 --hold 100ms");
    assert_eq!(number(&report, "idle.held"), 300.0);
    check_fanout(&few_files("fanout --members 300 --senders 5 --window 2 --warm 100ms --secs 0.5"), 300.0);
    server.stop();
}

#[test]
fn members_come_and_go_while_the_others_get_everything() {
    let server = Server::start(2);
    let arguments = format!("churn --members 20 --rate 50 --connections 20 --hold 50ms {SHORT} --secs 1");
    let report = good(server.address(), &arguments.replace("--secs 0.5 ", ""));
    check_fanout(&report, 40.0);
    for rate in ["joins_per_s", "leaves_per_s", "reconnects_per_s"] {
        assert!(number(&report, &format!("churn.{rate}")) > 20.0, "{rate}: {report}");
    }
    assert_eq!((number(&report, "churn.failed"), number(&report, "churn.dropped")), (0.0, 0.0));
    server.stop();
}

#[test]
fn logins_come_all_at_once_with_and_without_a_room_that_is_served() {
    let server = Server::start(1);
    let report = good(server.address(), "login --connections 300");
    assert_eq!((number(&report, "login.logins"), number(&report, "login.failed")), (300.0, 0.0));
    assert!(number(&report, "login.logins_per_s") > 0.0);
    assert!(report["fanout"].is_null());
    let report = good(server.address(), "login --connections 300 --members 20 --rate 500 --warm 200ms");
    assert_eq!(number(&report, "login.logins"), 300.0);
    assert_eq!(report["fanout"]["account"]["lost"], 0);
    server.stop();
}

#[test]
fn progress_goes_to_stderr_and_the_table_to_stdout() {
    let server = Server::start(1);
    let arguments = "fanout --members 5 --rate 20 --warm 100ms --secs 1.5";
    let ended = run(command(server.address(), arguments));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("deliveries/s"), "{}", ended.stderr);
    for row in
        ["machine", "shape", "messages", "a flush", "latency", "last member", "loss, order", "generator"]
    {
        assert!(ended.stdout.lines().any(|line| line.starts_with(row)), "no {row}: {}", ended.stdout);
    }
    server.stop();
}

#[test]
fn members_that_stop_reading_are_overtaken_and_catch_up() {
    let server = Server::of(1).set("fanout.ring.records", "64").start();
    let arguments = "fanout --members 20 --stop 20 --rate 400 --size 2000 --warm 200ms --secs 2 --seed 7";
    let report = good(server.address(), arguments);
    assert_eq!(report["shape"]["members"], 16, "{report}");
    check_fanout(&report, 15.0);
    let laggards = &report["laggards"];
    assert_eq!((&laggards["members"], &laggards["stopped"]), (&4.into(), &true.into()), "{report}");
    assert_eq!((&laggards["faults"], &laggards["disconnected"]), (&0.into(), &0.into()), "{report}");
    assert!(
        number(&report, "laggards.overtaken") > 0.0,
        "the ring is shorter than what they missed: {report}"
    );
    assert_eq!(laggards["caught_up"], 4, "{report}");
    let books = server.stop();
    let booked = books.normal.dropped_as("overtaken");
    assert_eq!(
        laggards["overtaken"], booked,
        "what members missed is what the server says it let go: {report}"
    );
}
