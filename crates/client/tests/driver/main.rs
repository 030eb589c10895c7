//! The driver against a scripted peer: real sockets, and in-memory streams where time is paused.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test stops where what it needs is not there

mod calls;
mod flow;
mod loss;
mod peer;
mod time;

use longwire_client::{Config, ConfigBuilder, Event, Events, Reconnect};
use peer::soon;
use std::time::Duration;

/// Alice, who comes back within milliseconds.
fn alice(address: impl Into<String>) -> ConfigBuilder {
    let quick = Reconnect {
        first: Duration::from_millis(1),
        most: Duration::from_millis(20),
        seed: Some(1),
        ..Reconnect::default()
    };
    Config::builder(address).user("alice", "secret").reconnect(quick)
}

/// The next event in few words.
async fn next(events: &mut Events) -> String {
    match soon(events.next()).await {
        Some(Event::Connected) => "connected".into(),
        Some(Event::Lost { fault, .. }) => format!("lost: {fault}"),
        Some(Event::Back) => "back".into(),
        Some(Event::Message(message)) => {
            format!("{} {}: {}", message.room, message.from, message.text().unwrap_or("?"))
        }
        Some(Event::Refused(refusal)) => format!("refused {refusal}"),
        Some(Event::Closed(closed)) => format!("closed: {closed:?}"),
        Some(other) => format!("{other:?}"),
        None => "the end".into(),
    }
}
