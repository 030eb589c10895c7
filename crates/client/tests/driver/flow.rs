//! Events that nobody reads, bytes that nobody takes: nothing grows, nothing is lost in silence.

use crate::{alice, next, peer::*};
use longwire_client::{CallError, Client};
use std::time::Duration;
use tokio::{io::AsyncWriteExt, time::timeout};

/// Pushes numbered messages until the client takes no more; how many.
async fn fill(peer: &mut Peer<tokio::net::TcpStream>, text: &str) -> usize {
    let mut pushed = 0;
    let mut rest = Vec::new();
    loop {
        if rest.is_empty() {
            rest = push("lobby", &[&format!("{pushed} {text}")]);
            pushed += 1;
        }
        match timeout(Duration::from_millis(200), peer.io.write(&rest)).await {
            Ok(len) => drop(rest.drain(..len.unwrap())),
            Err(_) => {
                let flood = rest; // the frame that is cut is owed
                peer.cut = flood;
                return pushed;
            }
        }
    }
}

#[tokio::test]
async fn unread_events_stop_the_server_and_are_all_there_later() {
    let server = Server::bind().await;
    let config = alice(server.address()).events_queued_max(4).call_timeout(Duration::from_millis(100));
    let (connected, mut peer) = tokio::join!(Client::connect(config.build().unwrap()), server.welcome());
    let (client, mut events) = connected.unwrap();
    let pushed = fill(&mut peer, &"x".repeat(10_000)).await;
    assert!(pushed < 5_000, "{pushed} messages of 10 kB were taken by a client that reads none");
    assert!(matches!(client.join("other").await, Err(CallError::EventsUnread)));
    let finishing = async {
        let rest = std::mem::take(&mut peer.cut);
        peer.raw(&rest).await;
        peer
    };
    let reading = async {
        assert_eq!(next(&mut events).await, "connected");
        for n in 0..pushed {
            let told = next(&mut events).await;
            assert!(told.starts_with(&format!("lobby bob: {n} x")), "{n}: {}", &told[..30.min(told.len())]);
        }
    };
    let (peer, ()) = tokio::join!(finishing, reading);
    let serving = tokio::spawn(peer.serve_to_the_end());
    soon(async { while client.ping().await.is_err() {} }).await;
    drop(client);
    soon(serving).await.unwrap();
}

#[tokio::test]
async fn dropped_events_are_thrown_away_and_calls_go_on() {
    let server = Server::bind().await;
    let config = alice(server.address()).events_queued_max(1).build().unwrap();
    let (connected, mut peer) = tokio::join!(Client::connect(config), server.welcome());
    let (client, events) = connected.unwrap();
    drop(events);
    let text = "x".repeat(10_000);
    for _ in 0..2_000 {
        soon(peer.push("lobby", &[&text])).await;
    }
    let (pinged, _) = tokio::join!(client.ping(), peer.expect(PING, 0));
    pinged.unwrap();
}

#[tokio::test]
async fn a_logout_gets_through_a_full_queue() {
    let server = Server::bind().await;
    let config = alice(server.address()).events_queued_max(1).build().unwrap();
    let (connected, mut peer) = tokio::join!(Client::connect(config), server.welcome());
    let (client, mut events) = connected.unwrap();
    peer.push("lobby", &["a", "b", "c", "d"]).await;
    let serving = tokio::spawn(peer.serve_to_the_end());
    soon(client.logout()).await.unwrap();
    assert_eq!(soon(serving).await.unwrap(), [LOGOUT]);
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "closed: LoggedOut");
}
