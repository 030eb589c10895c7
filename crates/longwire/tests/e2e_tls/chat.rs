//! The protocol inside of TLS: nothing of it is different.

use super::openssl::{Through, through};
use super::pair::{Pair, showing};
use crate::common::bytes::cms_body;
use crate::common::on_one_and_four_shards;
use std::net::SocketAddr;

on_one_and_four_shards!(
    members_over_both_versions_and_plain_tcp_hear_each_other,
    a_drained_session_ends_in_order,
);

const MESSAGES: usize = 300;

fn member(server: SocketAddr, pair: &Pair, flag: &str, name: &str) -> Through {
    let mut client = through(server, pair, &[flag]);
    client.raw.log_in(name);
    client.raw.join("room");
    client
}

/// Each sends to all others, short and as long as may be, and everybody hears everything in one order.
fn members_over_both_versions_and_plain_tcp_hear_each_other(shards: u32) {
    let pair = Pair::new();
    let server = showing(&[&pair]).shards(shards).start();
    let mut old = member(server.address(), &pair, "-tls1_2", "alice");
    let mut new = member(server.address(), &pair, "-tls1_3", "bob");
    let mut plain = server.member("carol", "room");
    for at in 0..MESSAGES {
        old.raw.say("room", format!("old {at}"));
        new.raw.say("room", format!("new {at}"));
    }
    old.raw.ping();
    new.raw.ping();
    let mut heard = plain.next_texts(2 * MESSAGES);
    for (client, own, other) in [(&mut old, "old", "new"), (&mut new, "new", "old")] {
        let theirs: Vec<_> = heard.iter().filter(|text| text.starts_with(other)).cloned().collect();
        assert_eq!(client.raw.next_texts(MESSAGES), theirs, "{own} hears {other}");
    }
    heard.sort();
    heard.dedup();
    assert_eq!(heard.len(), 2 * MESSAGES);

    let longest = "x".repeat(65_536 - cms_body("room", "").len() - 8);
    old.raw.say("room", &longest);
    new.raw.say("room", &longest);
    assert!(plain.next_record().text() == longest && plain.next_record().text() == longest);
    assert!(old.raw.next_record().text() == longest && new.raw.next_record().text() == longest);
    drop((old, new, plain));
    server.stop();
}

/// The end of the server's side is told in TLS's own words, and then by TCP.
fn a_drained_session_ends_in_order(shards: u32) {
    let pair = Pair::new();
    let server = showing(&[&pair]).shards(shards).start();
    let mut clients: Vec<_> = ["-tls1_2", "-tls1_3"]
        .iter()
        .map(|flag| {
            let mut client = through(server.address(), &pair, &[flag]);
            client.raw.log_in_as_guest();
            client
        })
        .collect();
    server.stop();
    clients.iter_mut().for_each(|client| client.raw.assert_ended());
}
