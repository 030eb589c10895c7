//! A bot that joins a room as a user and answers whoever says `!ping`.
//!
//! ```text
//! cargo run -p longwire-client --example chat_bot -- [HOST:PORT] [ROOM] [USER] [TOKEN]
//! ```
#![allow(clippy::print_stdout)] // printing is what it is for

use longwire_client::{CallError, Client, Config, Event, Outgoing, Received};
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut arg = |default: &str| args.next().unwrap_or_else(|| default.into());
    let (address, room) = (arg("127.0.0.1:7610"), arg("lobby"));
    let config = Config::builder(address).user(arg("bot"), arg("local")).build()?;

    let (client, mut events) = Client::connect(config).await?;
    client.join(&room).await?;
    println!("in {room}; say !ping there, or press ctrl-c");
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Event::Message(message)) => answer(&client, &message).await?,
                Some(event) => println!("{event:?}"),
                None => return Ok(()),
            },
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    client.logout().await?;
    Ok(())
}

async fn answer(client: &Client, message: &Received) -> Result<(), CallError> {
    if message.text() != Some("!ping") {
        return Ok(());
    }
    let text = format!("pong, {}", message.nickname().unwrap_or(&message.from));
    match client.send(Outgoing::new(&*message.room, text).nickname("Bot")).await {
        // Nothing is kept for later: an answer that comes minutes late helps nobody.
        Err(CallError::NotConnected) => Ok(()),
        sent => sent.map(drop),
    }
}
