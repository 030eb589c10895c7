//! A guest reads along, logs in on the same connection, and keeps its rooms.
//!
//! ```text
//! cargo run -p longwire-client --example guest_becomes_user -- [HOST:PORT] [ROOM] [USER] [TOKEN]
//! ```
#![allow(clippy::print_stdout)] // printing is what it is for

use longwire_client::{Client, Config, Login, LoginSource, Outgoing};
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut arg = |default: &str| args.next().unwrap_or_else(|| default.into());
    let (address, room, user, token) = (arg("127.0.0.1:7610"), arg("lobby"), arg("alice"), arg("local"));

    // The events are dropped at once: this client only sends, and what arrives is thrown away.
    let (client, _) = Client::connect(Config::builder(address).build()?).await?;
    client.join(&room).await?;

    client.send(Outgoing::new(&room, "may I?")).await?;
    for refusal in client.flush().await?.refused {
        println!("as a guest: {refusal}");
    }

    // A login source is asked again for every connection, so that a real one can fetch a fresh token.
    let source = LoginSource::ask(move || {
        let login = Login::user(&user, &token);
        async { Ok(login) }
    });
    client.login(source).await?;
    client.send(Outgoing::new(&room, "I may.").nickname("Alice")).await?;
    let flushed = client.flush().await?;
    println!("as a user: {} refused, round trip {:?}", flushed.refused.len(), flushed.round_trip);
    client.logout().await?;
    Ok(())
}
