//! What a run ends with: expectations, refusals, and nobody there.

use crate::common::server::Server;
use crate::process::{command, number, run};
use std::net::{SocketAddr, TcpListener};

const SHORT: &str = "fanout --members 5 --rate 50 --warm 100ms --secs 0.5 --json";

#[test]
fn what_is_expected_and_met_ends_with_0() {
    let server = Server::start(1);
    let met = "--expect-p99 30s --expect-loss 0 --expect-rate 50";
    let ended = run(command(server.address(), &format!("{SHORT} {met}")));
    assert_eq!(ended.status, 0, "{} {}", ended.stdout, ended.stderr);
    let verdicts = ended.json()["expectations"].as_array().unwrap().clone();
    assert_eq!(verdicts.len(), 3);
    assert!(verdicts.iter().all(|verdict| verdict["met"] == true));
    server.stop();
}

#[test]
fn what_is_expected_and_not_met_ends_with_1_and_a_report() {
    let server = Server::start(1);
    for expectation in ["--expect-p99 0ms", "--expect-rate 1000000000"] {
        let ended = run(command(server.address(), &format!("{SHORT} {expectation}")));
        assert_eq!(ended.status, 1, "{}", ended.stdout);
        let verdict = &ended.json()["expectations"][0];
        assert_eq!((&verdict["met"], number(verdict, "wanted") >= 0.0), (&false.into(), true));
        assert!(expectation.starts_with(verdict["expectation"].as_str().unwrap()));
    }
    server.stop();
}

#[test]
fn connections_that_are_kept_out_are_told_and_count_as_faults() {
    let server = Server::of(1).set("server.connections_max", "50").start();
    let arguments = "idle --connections 80 --hold 100ms --expect-loss 0 --json";
    let ended = run(command(server.address(), arguments));
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    let report = ended.json();
    assert!(number(&report, "idle.held") <= 50.0, "{report}");
    assert!(number(&report, "idle.failed") + number(&report, "idle.dropped") >= 30.0, "{report}");
    assert!(report["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty()), "{report}");
    server.stop();
}

#[test]
fn guests_that_are_not_let_in_end_it_with_5() {
    let server = Server::of(1).set("login.guests", "false").start();
    let ended = run(command(server.address(), SHORT));
    assert_eq!((ended.status, ended.stdout.as_str()), (5, ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("FORBIDDEN"), "{}", ended.stderr);
    server.stop();
}

#[test]
fn nobody_there_ends_it_with_4() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = run(command(gone, SHORT));
    assert_eq!(ended.status, 4, "{}", ended.stderr);
}

#[test]
fn wrong_usage_is_told_before_anything_is_tried() {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    for arguments in [
        "",
        "fast",
        "fanout --members 1",
        "fanout --connections 5",
        "fanout --rate 5 --window 5",
        "fanout --size 3",
        "fanout --transport quic",
        "fanout --addr 10.0.0.1:7610",
        "fanout --addr 10.0.0.1:7610 --user ada --token t --sources 3",
        "idle --rate 3",
        "limit storm",
        "limit --stop 10",
        "churn --stop 10",
        "limit --pid 1",
        "limit --pin 0",
        "compare --gzip",
        "compare --rounds none",
    ] {
        let ended = run(command(nowhere, arguments));
        assert_eq!((ended.status, ended.stdout.as_str()), (2, ""), "{arguments}: {}", ended.stderr);
    }
}
