//! `default-config --production`, put to use as its comments say: users get in, and floods are refused.

use super::place::{Place, eventually};
use crate::common::bytes::*;
use crate::common::canary::never_printed;
use crate::common::on_one_and_four_shards;
use crate::common::raw::{End, Raw};
use crate::common::server::{Plan, Server};
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};

on_one_and_four_shards!(
    a_user_gets_in_and_is_heard,
    floods_of_a_connection_a_user_and_a_room_are_refused,
    floods_of_an_address_are_refused,
);

struct Production {
    /// Holds the file.
    _folder: Place,
    file: String,
}

impl Production {
    /// The file, with the one edit that it asks for: the whole path of the public key.
    fn new() -> Self {
        let place = Place::new();
        let text = longwire(&["default-config", "--production"]);
        let asked_for = "key_file = \"login-key.pem\"";
        assert!(text.contains(asked_for), "{text}");
        let key = format!("key_file = \"{}\"", fixture("p256.pub.pem"));
        let file = place.write("longwire.toml", &text.replace(asked_for, &key));
        Self { _folder: place, file }
    }

    /// Everything as in the file, but for the port, and where the tests' machine is an address like any other.
    fn plan(&self, shards: u32) -> Plan {
        Server::of(shards).config(&self.file).log_level("trace").set("quotas.exempt", "[]")
    }

    fn token(&self, user: &str) -> String {
        let key = fixture("p256.pem");
        let token = longwire(&["token", "make", "--config", &self.file, "--key-file", &key, "--user", user]);
        never_printed(token.trim_end())
    }
}

fn fixture(name: &str) -> String {
    format!("{}/../server/fixtures/login/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// What a command prints that works.
fn longwire(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longwire"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LONGWIRE_")) {
        command.env_remove(name);
    }
    let output = command.args(args).stdin(Stdio::null()).output().expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn from(server: &Server, host: u8) -> Raw {
    Raw::connect_from(IpAddr::V4(Ipv4Addr::new(127, 0, 6, host)), server.address())
}

/// A session of `user` in the lobby, from an address of its own.
fn member(server: &Server, host: u8, user: &str, token: &str) -> Raw {
    let mut raw = from(server, host);
    assert_eq!(raw.try_log_in(token, user), OK, "{user}");
    raw.join("lobby");
    raw
}

fn a_user_gets_in_and_is_heard(shards: u32) {
    //= PROTOCOL.md#8.1
    // token and userId: 0 once the provider accepts them.
    let production = Production::new();
    let server = production.plan(shards).start();
    let alice = production.token("alice");
    let mut speaker = member(&server, 1, "alice", &alice);
    let mut guest = from(&server, 2);
    guest.log_in_as_guest();
    guest.join("lobby");
    assert_eq!(speaker.verdict_on(cms_body("lobby", "canary-body-hello")), None);
    assert_eq!(guest.next_record().text(), "canary-body-hello");
    for (token, user) in [(alice.as_str(), "bob"), ("canary-no-token", "alice")] {
        assert_eq!(from(&server, 3).try_log_in(token, user), UNAUTHENTICATED, "{user}");
    }
    server.stop_and_count().assert_is(&[("UNAUTHENTICATED", 2)], &[]);
}

/// Sends so many frames at once, and a PING behind them; how many of them were refused for their rate.
fn refused_of(raw: &mut Raw, frames: &[Frame]) -> usize {
    raw.send(&frames.iter().flat_map(|frame| frame.to_bytes(raw.reading)).collect::<Vec<u8>>());
    let ping = raw.ask(PING, Vec::new());
    let mut refused = 0;
    loop {
        let frame = raw.next_frame();
        match (frame.flow, frame.command, frame.status) {
            (ANSWER, PONG, OK) if frame.seq == ping => return refused,
            (ANSWER, _, OK) | (NOTIFY, _, _) => {}
            (ANSWER, _, RATE_LIMITED) => refused += 1,
            _ => panic!("{frame:?}"),
        }
    }
}

fn floods_of_a_connection_a_user_and_a_room_are_refused(shards: u32) {
    //= PROTOCOL.md#5.22
    //= PROTOCOL.md#10.11
    //= PROTOCOL.md#11.19
    //= PROTOCOL.md#11.20
    // Frames over the rate of their connection, joins and messages of their user, messages of their room: RATE_LIMITED.
    let production = Production::new();
    // the rates of the file come back in real time: the room's is the only one that one user cannot exceed
    let server = production.plan(shards).set("quotas.room.messages", "3/1h").start();
    let [alice, bob] = ["alice", "bob"].map(|user| production.token(user));
    let mut bystander = member(&server, 1, "bob", &bob);
    let mut flooding = member(&server, 2, "alice", &alice);

    let joins: Vec<_> = (0..15).map(|at| flooding.request(JOIN_CR, join_body(&format!("r{at}")))).collect();
    let refused = refused_of(&mut flooding, &joins);
    assert!((1..=6).contains(&refused), "ten at once, the lobby among them, and one a second: {refused}");
    let said: Vec<_> = (0..40).map(|_| flooding.request(CMS, cms_body("lobby", "canary-body"))).collect();
    let refused = refused_of(&mut flooding, &said);
    assert!((1..=39).contains(&refused), "one of three is what the room has for chat: {refused}");
    bystander.ping();

    let pings: Vec<_> = (0..5_000).map(|_| flooding.request(PING, Vec::new())).collect();
    let mut writer = flooding.writer();
    let bytes: Vec<u8> = pings.iter().flat_map(|ping| ping.to_bytes(flooding.reading)).collect();
    let writing = std::thread::spawn(move || drop(std::io::Write::write_all(&mut writer, &bytes)));
    let (frames, end) = flooding.frames_to_end();
    assert_eq!(end, End::Stream);
    let refused = frames.iter().filter(|frame| (frame.command, frame.status) == (PING, RATE_LIMITED)).count();
    assert!(refused >= 100, "{refused}: a hundred in a row close");
    writing.join().expect("it wrote as long as it could");
    bystander.ping();

    let refused = server.stop_and_count();
    for quota in ["connection_frames", "user.joins", "user.messages", "room.priority_percent"] {
        assert!(refused.quota.get(quota).is_some_and(|count| *count > 0), "{quota}: {refused:?}");
    }
    assert_eq!(refused.status.keys().collect::<Vec<_>>(), ["RATE_LIMITED"]);
}

fn floods_of_an_address_are_refused(shards: u32) {
    //= PROTOCOL.md#8.18
    //= PROTOCOL.md#8.19
    // Connections, sessions and guesses over their rate or number: RATE_LIMITED or TOO_MANY, each for whoever is over.
    let production = Production::new();
    let server = production.plan(shards).start();
    let [alice, bob] = ["alice", "bob"].map(|user| production.token(user));
    let mut bystander = member(&server, 1, "bob", &bob);

    let mut sessions: Vec<Raw> = (2..7).map(|host| member(&server, host, "alice", &alice)).collect();
    assert_eq!(from(&server, 7).try_log_in(&alice, "alice"), TOO_MANY, "five at a time");
    eventually("so many sessions in so short a time are too many", || {
        (from(&server, 8).try_log_in(&alice, "alice") == RATE_LIMITED).then_some(())
    });
    sessions.iter_mut().for_each(Raw::ping);

    eventually("an address that guesses is not judged any more", || {
        (from(&server, 9).try_log_in("canary-guess", "carol") == RATE_LIMITED).then_some(())
    });
    // all at once, so that not even a slow machine gives them the time that the rate asks for
    let mut crowd: Vec<Raw> = (0..200).map(|_| from(&server, 10)).collect();
    let told = crowd.iter_mut().filter_map(|raw| (raw.log_in_with(Vec::new()) == RATE_LIMITED).then_some(()));
    assert!(told.count() > 0, "an address that connects and connects is told so");
    bystander.ping();
    from(&server, 11).log_in_as_guest();

    let refused = server.stop_and_count();
    for quota in ["user.connections", "user.reconnects", "address.login_failures", "address.connects"] {
        assert!(refused.quota.get(quota).is_some_and(|count| *count > 0), "{quota}: {refused:?}");
    }
}
