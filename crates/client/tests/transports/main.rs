//! TLS and WebSocket against peers that share no code with them: tokio-rustls' acceptor, tokio-websockets' server side.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test stops where what it needs is not there

mod peer;
mod secure;
mod web_socket;

use longwire_client::{Config, ConfigBuilder, Event, Events, Reconnect};
use std::{future::Future, time::Duration};
use tokio::time::timeout;

/// What should happen soon; a test that waits for what never comes says so.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), what).await.expect("this should have happened by now")
}

/// Alice, who comes back within milliseconds.
fn alice(address: impl Into<String>) -> ConfigBuilder {
    let quick = Reconnect {
        first: Duration::from_millis(1),
        most: Duration::from_millis(20),
        ..Reconnect::default()
    };
    Config::builder(address).user("alice", "secret").reconnect(quick)
}

/// The text of the next message, or why there is none.
async fn heard(events: &mut Events) -> String {
    loop {
        match soon(events.next()).await {
            Some(Event::Message(message)) => return message.text().unwrap_or("?").to_owned(),
            Some(Event::Lost { fault, .. }) => return format!("lost: {fault}"),
            Some(Event::Closed(closed)) => return format!("closed: {closed:?}"),
            Some(_) => {}
            None => return "the end".into(),
        }
    }
}
