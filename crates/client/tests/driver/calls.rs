//! What each call does, and what it says when it cannot.

use crate::{alice, next, peer::*};
use longwire_client::{
    Call, CallError, Client, Config, Fault, Login, LoginSource, Outgoing, SendId, State, Status,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

#[tokio::test]
async fn a_whole_visit_from_login_to_logout() {
    let server = Server::bind().await;
    let serving = async {
        let mut peer = server.welcome().await;
        let join = peer.expect(JOIN, 0).await;
        assert_eq!(&join.body[2..], b"lobby");
        peer.push("lobby", &["hi", "there"]).await;
        peer.raw(&gzip_push("lobby", &["zipped"])).await;
        let cms = peer.next(CMS).await;
        assert!(cms.body.ends_with(b"lobby") || cms.body.windows(5).any(|at| at == b"hello"));
        peer.next(LOGOUT).await;
        drop(peer);
    };
    let visiting = async {
        let (client, mut events) = Client::connect(alice(server.address()).build().unwrap()).await.unwrap();
        assert_eq!(client.state(), State::Connected);
        assert_eq!(next(&mut events).await, "connected");
        client.join("lobby").await.unwrap();
        for text in ["hi", "there", "zipped"] {
            assert_eq!(next(&mut events).await, format!("lobby bob: {text}"));
        }
        assert_eq!(client.send(Outgoing::new("lobby", "hello")).await.unwrap(), SendId(1));
        client.logout().await.unwrap();
        assert_eq!(client.state(), State::Closed);
        assert_eq!(next(&mut events).await, "closed: LoggedOut");
        assert_eq!(next(&mut events).await, "the end");
        assert!(matches!(client.ping().await, Err(CallError::Closed)));
        client.logout().await.unwrap();
    };
    soon(async { tokio::join!(serving, visiting) }).await;
}

#[tokio::test]
async fn connect_says_why_it_could_not() {
    let server = Server::bind().await;
    for status in [Status::UNAUTHENTICATED, Status::OVERLOADED] {
        let refusing = async { server.accept().await.expect(LOGIN, status.0).await };
        let connecting = Client::connect(alice(server.address()).build().unwrap());
        let (_, refused) = tokio::join!(refusing, connecting);
        assert!(matches!(refused, Err(Fault::LoginRefused(said)) if said == status));
    }
    let (closed, _) = tokio::join!(Client::connect(alice(server.address()).build().unwrap()), async {
        server.accept().await.next(LOGIN).await
    });
    assert!(matches!(closed, Err(Fault::ServerClosed | Fault::Io(_))));
    let address = server.address();
    drop(server);
    assert!(matches!(Client::connect(alice(address).build().unwrap()).await, Err(Fault::Connect(_))));
    let unfit = Config::builder("127.0.0.1:1").user("", "x").build().unwrap();
    assert!(matches!(Client::connect(unfit).await, Err(Fault::LoginInvalid(_))));
}

#[tokio::test]
async fn a_connect_that_is_given_up_leaves_no_connection_behind() {
    let server = Server::bind().await;
    let connecting = tokio::spawn(Client::connect(alice(server.address()).build().unwrap()));
    let mut peer = server.accept().await;
    peer.next(LOGIN).await;
    connecting.abort();
    assert!(soon(peer.request()).await.is_none());
}

#[tokio::test]
async fn a_refused_join_and_a_refused_ping_say_so_to_their_caller() {
    let server = Server::bind().await;
    let (connected, mut peer) =
        tokio::join!(Client::connect(alice(server.address()).build().unwrap()), server.welcome());
    let (client, _events) = connected.unwrap();
    let (join, _) = tokio::join!(client.join("secret"), peer.expect(JOIN, 7));
    match join {
        Err(CallError::Refused(refusal)) => {
            assert_eq!(refusal.call, Call::Join { room: "secret".into() });
            assert_eq!(refusal.status, Status::BANNED);
        }
        other => panic!("{other:?}"),
    }
    let (ping, _) = tokio::join!(client.ping(), peer.expect(PING, 5));
    assert!(matches!(ping, Err(CallError::Refused(refusal)) if refusal.call == Call::Ping));
    assert!(matches!(client.join("").await, Err(CallError::Invalid(_))));
}

//= PROTOCOL.md#11.18
// Once the PONG of a PING behind a CMS is there, a refusal would have come.
#[tokio::test]
async fn a_flush_tells_what_was_refused_before_its_pong() {
    let server = Server::bind().await;
    let (connected, mut peer) =
        tokio::join!(Client::connect(alice(server.address()).build().unwrap()), server.welcome());
    let (client, mut events) = connected.unwrap();
    for text in ["a", "b"] {
        client.send(Outgoing::new("lobby", text)).await.unwrap();
    }
    let serving = async {
        peer.next(CMS).await;
        peer.expect(CMS, 4).await;
        peer.expect(PING, 0).await;
    };
    let (flushed, ()) = tokio::join!(client.flush(), serving);
    let flushed = flushed.unwrap();
    assert!(!flushed.is_clean());
    assert_eq!(flushed.refused[0].call, Call::Send { id: SendId(2), room: "lobby".into() });
    assert_eq!(client.round_trip(), Some(flushed.round_trip));
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "refused message 2 to lobby: NOT_JOINED (4)");
    let (flushed, _) = tokio::join!(client.flush(), peer.expect(PING, 0));
    assert!(flushed.unwrap().is_clean());
}

#[tokio::test]
async fn a_guest_becomes_a_user_and_comes_back_as_one() {
    let server = Server::bind().await;
    let config = alice(server.address()).login(Login::Guest).build().unwrap();
    let (connected, mut peer) = tokio::join!(Client::connect(config), async {
        let mut peer = server.accept().await;
        assert!(peer.expect(LOGIN, 0).await.body.is_empty(), "a guest sends nothing");
        peer
    });
    let (client, _events) = connected.unwrap();
    let (refused, _) = tokio::join!(client.login(Login::user("alice", "wrong")), peer.expect(LOGIN, 2));
    assert!(matches!(refused, Err(CallError::Refused(_))));
    let (renewed, login) = tokio::join!(client.login(Login::user("alice", "right")), peer.expect(LOGIN, 0));
    renewed.unwrap();
    drop(peer);
    let again = server.accept().await.next(LOGIN).await;
    assert_eq!(again.body, login.body);
}

#[tokio::test]
async fn the_login_source_is_asked_for_every_connection() {
    let server = Server::bind().await;
    let asked = Arc::new(AtomicU32::new(0));
    let source = LoginSource::ask({
        let asked = asked.clone();
        move || {
            let n = asked.fetch_add(1, Relaxed);
            async move {
                if n == 1 { Err("no token today".into()) } else { Ok(Login::user("alice", format!("t{n}"))) }
            }
        }
    });
    let (connected, mut peer) = tokio::join!(
        Client::connect(alice(server.address()).login(source).build().unwrap()),
        server.welcome()
    );
    let (client, mut events) = connected.unwrap();
    peer.push("lobby", &["last words"]).await;
    drop(peer);
    let mut peer = server.accept().await;
    let login = peer.expect(LOGIN, 0).await;
    assert!(login.body.windows(2).any(|at| at == b"t2"), "{login:?}");
    let expected = ["connected", "lobby bob: last words", "lost: the server closed the connection"];
    for expected in expected.into_iter().chain(["lost: no login to send: no token today", "back"]) {
        assert_eq!(next(&mut events).await, expected);
    }
    drop(client);
}

#[tokio::test]
async fn a_call_without_an_answer_times_out() {
    let server = Server::bind().await;
    let config = alice(server.address()).call_timeout(Duration::from_millis(20)).build().unwrap();
    let (connected, mut peer) = tokio::join!(Client::connect(config), server.welcome());
    let (client, _events) = connected.unwrap();
    assert!(matches!(client.join("lobby").await, Err(CallError::TimedOut)));
    peer.next(JOIN).await;
}

#[tokio::test]
async fn dropping_the_last_handle_says_goodbye_behind_what_was_sent() {
    let server = Server::bind().await;
    let (connected, peer) =
        tokio::join!(Client::connect(alice(server.address()).build().unwrap()), server.welcome());
    let (client, mut events) = connected.unwrap();
    let clone = client.clone();
    drop(client);
    clone.send(Outgoing::new("lobby", "bye")).await.unwrap();
    drop(clone);
    assert_eq!(soon(peer.serve_to_the_end()).await, [CMS, LOGOUT]);
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "closed: Dropped");
}

#[tokio::test]
async fn a_logout_does_not_wait_for_ever_for_the_server() {
    let server = Server::bind().await;
    let config = alice(server.address()).close_timeout(Duration::from_millis(20)).build().unwrap();
    let (connected, mut peer) = tokio::join!(Client::connect(config), server.welcome());
    let (client, mut events) = connected.unwrap();
    assert!(matches!(soon(client.logout()).await, Err(CallError::TimedOut)));
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "closed: LoggedOut");
    peer.next(LOGOUT).await;
    assert!(soon(peer.request()).await.is_none(), "the client closed all the same");
}
