//! A guest that prints everything said in the rooms given, through every loss of the connection.
//!
//! ```text
//! cargo run -p longwire-client --features tls,ws --example listen -- [ADDRESS] [ROOM]...
//! ```
//!
//! An address is HOST:PORT, or `tls:// ws:// wss://HOST[:PORT][/PATH]`.
#![allow(clippy::print_stdout)] // printing is what it is for

use longwire_client::{Client, Config, Event, MessageType, Received};
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:7610".into());
    let mut rooms: Vec<String> = args.collect();
    if rooms.is_empty() {
        rooms.push("lobby".into());
    }

    // `gzip` lets the server compress large pushes; without `user` or `login` this is a guest.
    let (client, mut events) = Client::connect(Config::builder(address).gzip(true).build()?).await?;
    for room in &rooms {
        client.join(room).await?;
    }
    while let Some(event) = events.next().await {
        match event {
            Event::Message(message) => print(&message),
            Event::Lost { fault, retry_in, .. } => println!("-- {fault}; again in {retry_in:.1?}"),
            Event::Refused(refusal) => println!("-- refused: {refusal}"),
            Event::Closed(closed) => println!("-- closed: {closed:?}"),
            other => println!("-- {other:?}"),
        }
    }
    Ok(())
}

fn print(message: &Received) {
    let Received { room, from, timestamp_ms, content, .. } = message;
    let who = message.nickname().unwrap_or(from).escape_debug();
    // What others wrote may hold escape sequences: a terminal must not see them.
    let what =
        message.text().map_or(format!("({} bytes)", content.len()), |text| text.escape_debug().to_string());
    match message.message_type {
        MessageType::Gift => println!("{timestamp_ms} [{room}] {who} gives {what}"),
        MessageType::Notify => println!("{timestamp_ms} [{room}] * {what}"),
        MessageType::Normal | MessageType::Other(_) => println!("{timestamp_ms} [{room}] {who}: {what}"),
    }
}
