//! Losing the connection, coming back, and giving up.

use crate::{alice, next, peer::*};
use longwire_client::{CallError, Client, Event, Outgoing, Reconnect, State};
use std::time::Duration;

#[tokio::test]
async fn a_lost_connection_comes_back_with_its_rooms() {
    let server = Server::bind().await;
    let (connected, mut peer) =
        tokio::join!(Client::connect(alice(server.address()).build().unwrap()), server.welcome());
    let (client, mut events) = connected.unwrap();
    for room in ["b", "a"] {
        let (join, _) = tokio::join!(client.join(room), peer.expect(JOIN, 0));
        join.unwrap();
    }
    drop(peer);
    let mut peer = server.welcome().await;
    assert_eq!(&peer.expect(JOIN, 0).await.body[2..], b"b");
    assert_eq!(&peer.expect(JOIN, 8).await.body[2..], b"a");
    peer.push("b", &["still here"]).await;
    let expected = [
        "connected",
        "lost: the server closed the connection",
        "back",
        "refused joining a again: NO_SUCH_ROOM (8)",
        "b bob: still here",
    ];
    for expected in expected {
        assert_eq!(next(&mut events).await, expected);
    }
}

#[tokio::test]
async fn a_refusal_in_front_of_the_end_of_the_stream_is_told_first() {
    let server = Server::bind().await;
    let (connected, mut peer) =
        tokio::join!(Client::connect(alice(server.address()).build().unwrap()), server.welcome());
    let (client, mut events) = connected.unwrap();
    client.send(Outgoing::new("lobby", "x")).await.unwrap();
    peer.expect(CMS, 9).await;
    drop(peer);
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "refused message 1 to lobby: TOO_LARGE (9)");
    assert_eq!(next(&mut events).await, "lost: the server closed the connection");
}

#[tokio::test]
async fn calls_under_way_learn_that_the_connection_is_lost() {
    let server = Server::bind().await;
    let (connected, mut peer) =
        tokio::join!(Client::connect(alice(server.address()).build().unwrap()), server.welcome());
    let (client, _events) = connected.unwrap();
    client.send(Outgoing::new("lobby", "x")).await.unwrap();
    let (join, flush, ()) = tokio::join!(client.join("lobby"), client.flush(), async {
        for _ in 0..3 {
            soon(peer.request()).await.unwrap();
        }
        drop(peer);
    });
    assert!(matches!(join, Err(CallError::Lost)), "{join:?}");
    assert!(matches!(flush, Err(CallError::Lost)), "{flush:?}");
}

#[tokio::test]
async fn a_flush_after_the_reconnect_does_not_vouch_for_what_was_sent_before() {
    let server = Server::bind().await;
    let (connected, mut peer) =
        tokio::join!(Client::connect(alice(server.address()).build().unwrap()), server.welcome());
    let (client, mut events) = connected.unwrap();
    client.send(Outgoing::new("lobby", "x")).await.unwrap();
    peer.next(CMS).await;
    drop(peer);
    let mut peer = server.welcome().await;
    while next(&mut events).await != "back" {}
    assert!(matches!(client.flush().await, Err(CallError::Lost)));
    let (flushed, _) = tokio::join!(client.flush(), peer.expect(PING, 0));
    assert!(flushed.unwrap().is_clean());
}

#[tokio::test]
async fn without_a_connection_calls_fail_at_once_and_goodbye_is_heard() {
    let server = Server::bind().await;
    let slow =
        Reconnect { first: Duration::from_secs(600), most: Duration::from_secs(600), ..Reconnect::default() };
    let config = alice(server.address()).reconnect(Reconnect { seed: Some(3), ..slow }).build().unwrap();
    let (connected, peer) = tokio::join!(Client::connect(config), server.welcome());
    let (client, mut events) = connected.unwrap();
    drop(peer);
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "lost: the server closed the connection");
    assert_eq!(client.state(), State::Waiting);
    assert!(matches!(client.send(Outgoing::new("a", "b")).await, Err(CallError::NotConnected)));
    assert!(matches!(client.join("a").await, Err(CallError::NotConnected)));
    assert!(matches!(client.flush().await, Err(CallError::NotConnected)));
    soon(client.logout()).await.unwrap();
    assert_eq!(next(&mut events).await, "closed: LoggedOut");
}

#[tokio::test]
async fn a_start_goes_on_until_it_is_let_in() {
    let server = Server::bind().await;
    let (client, mut events) = Client::start(alice(server.address()).build().unwrap());
    server.accept().await.expect(LOGIN, 11).await;
    server.accept().await.expect(LOGIN, 5).await;
    drop(server.accept().await);
    let _peer = server.welcome().await;
    assert_eq!(next(&mut events).await, "lost: login: OVERLOADED (11)");
    assert_eq!(next(&mut events).await, "lost: login: RATE_LIMITED (5)");
    assert!(next(&mut events).await.starts_with("lost: the "));
    assert_eq!(next(&mut events).await, "connected");
    drop(client);
}

#[tokio::test]
async fn a_login_that_can_never_work_closes_for_good() {
    for (status, name) in [(2, "UNAUTHENTICATED"), (3, "FORBIDDEN"), (7, "BANNED")] {
        let server = Server::bind().await;
        let (connected, peer) =
            tokio::join!(Client::connect(alice(server.address()).build().unwrap()), server.welcome());
        let (client, mut events) = connected.unwrap();
        drop(peer);
        server.accept().await.expect(LOGIN, status).await;
        assert_eq!(next(&mut events).await, "connected");
        assert_eq!(next(&mut events).await, "lost: the server closed the connection");
        assert_eq!(
            next(&mut events).await,
            format!("closed: Final(LoginRefused(Status({status})))"),
            "{name}"
        );
        assert_eq!(client.state(), State::Closed);
    }
}

#[tokio::test]
async fn attempts_may_be_limited_or_none() {
    let server = Server::bind().await;
    let config = alice(server.address()).reconnect(Reconnect::never()).build().unwrap();
    let (connected, peer) = tokio::join!(Client::connect(config), server.welcome());
    let (_client, mut events) = connected.unwrap();
    drop(peer);
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "closed: GaveUp { fault: ServerClosed, attempts: 1 }");
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol_is_left_and_tried_again() {
    let server = Server::bind().await;
    let (connected, mut peer) =
        tokio::join!(Client::connect(alice(server.address()).build().unwrap()), server.welcome());
    let (_client, mut events) = connected.unwrap();
    peer.raw(&push("lobby", &["fine"])).await;
    peer.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert!(soon(peer.request()).await.is_none(), "the client leaves");
    let _peer = server.welcome().await;
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "lobby bob: fine");
    assert!(next(&mut events).await.starts_with("lost: the server broke the protocol: "));
    assert_eq!(next(&mut events).await, "back");
}

#[tokio::test]
async fn lost_tells_when_it_is_tried_again_and_how_often_it_failed() {
    let server = Server::bind().await;
    let config = alice(server.address()).build().unwrap();
    let (client, mut events) = Client::start(config);
    for n in 1..=8 {
        drop(server.accept().await);
        match soon(events.next()).await {
            Some(Event::Lost { retry_in, attempt, .. }) => {
                assert_eq!(attempt, n);
                assert!(retry_in <= Duration::from_millis(20.min(1 << (n - 1))), "{n}: {retry_in:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    drop(client);
}
