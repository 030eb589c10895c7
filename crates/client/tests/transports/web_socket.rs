//! `ws://`: a frame a message, whatever the server's messages look like, and how it ends.

use super::peer::{CMS, JOIN, LOGIN, PING, Server, Web, push};
use super::{alice, heard};
use longwire_client::{Client, Events, LengthReading, Outgoing};
use tokio::net::TcpStream;
use tokio_websockets::{CloseCode, Message};

const BODY: LengthReading = LengthReading::Body;

/// Alice in `lobby`, over WebSocket.
async fn joined(server: &Server, length: LengthReading) -> (Client, Events, Web<TcpStream>) {
    let config = alice(format!("{}/chat?a=b", server.address("ws"))).length(length).build().unwrap();
    let peer = async {
        let mut web = Web::accept(server.accept().await, length).await;
        web.expect(LOGIN).await;
        web
    };
    let (connected, mut web) = tokio::join!(Client::connect(config), peer);
    let (client, events) = connected.unwrap();
    let (joined, ()) = tokio::join!(client.join("lobby"), web.expect(JOIN));
    joined.unwrap();
    (client, events, web)
}

#[tokio::test]
async fn every_message_is_one_whole_frame_in_both_readings() {
    for length in [BODY, LengthReading::Rest] {
        let server = Server::bind().await;
        let (client, mut events, mut web) = joined(&server, length).await;
        assert_eq!(web.asked.uri().to_string(), "/chat?a=b");
        assert_eq!(web.asked.headers()["sec-websocket-protocol"], "longwire");
        // Many at once, and one of the largest size.
        for _ in 0..50 {
            client.send(Outgoing::new("lobby", "hello")).await.unwrap();
        }
        client.send(Outgoing::new("lobby", "x".repeat(65_000))).await.unwrap();
        for _ in 0..51 {
            assert_eq!(web.request().await.code, CMS);
        }
        let (flushed, ()) = tokio::join!(client.flush(), web.expect(PING));
        flushed.unwrap();
        for text in ["", "hello", "\u{1F680}"] {
            web.send_bytes(push(length, "lobby", text)).await;
            assert_eq!(heard(&mut events).await, text);
        }
        let long = "y".repeat(16_000);
        web.send_bytes(push(length, "lobby", &long)).await;
        assert_eq!(heard(&mut events).await, long);
    }
}

#[tokio::test]
async fn pings_are_answered_and_empty_messages_passed_over() {
    let server = Server::bind().await;
    let (_client, mut events, mut web) = joined(&server, BODY).await;
    web.send(Message::ping("are you there")).await;
    web.send_bytes(Vec::new()).await;
    web.send_bytes(push(BODY, "lobby", "still here")).await;
    assert_eq!(heard(&mut events).await, "still here");
    let pong = web.message().await.unwrap();
    assert!(pong.is_pong() && pong.as_payload()[..] == *b"are you there");
}

/// What ends a connection: told as a loss, and then it comes back.
#[tokio::test]
async fn a_broken_connection_is_told_and_heals() {
    let server = Server::bind().await;
    let (_client, mut events, mut web) = joined(&server, BODY).await;
    for (message, told) in [
        (Message::text("hello"), "the server sent a text message"),
        (Message::close(Some(CloseCode::GOING_AWAY), ""), "the server closed the connection"),
        (Message::binary(vec![0; 200_000]), "payload length"),
        (Message::binary(vec![0xFF; 11]), "over the limit"),
    ] {
        web.send(message).await;
        let lost = heard(&mut events).await.to_lowercase();
        assert!(lost.starts_with("lost: ") && lost.contains(told), "{lost}");
        web = Web::accept(server.accept().await, BODY).await;
        web.expect(LOGIN).await;
        web.expect(JOIN).await;
        web.send_bytes(push(BODY, "lobby", "back")).await;
        assert_eq!(heard(&mut events).await, "back");
    }
}

#[tokio::test]
async fn an_upgrade_that_is_refused_is_no_connection() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for answer in ["HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "\0\0\0\0", ""] {
        let server = Server::bind().await;
        let config = alice(server.address("ws")).build().unwrap();
        let peer = async {
            let mut io = server.accept().await;
            assert!(io.read(&mut [0; 1024]).await.unwrap() > 0);
            io.write_all(answer.as_bytes()).await.unwrap();
        };
        let (connected, ()) = tokio::join!(Client::connect(config), peer);
        assert!(connected.is_err(), "{answer:?}");
    }
}
