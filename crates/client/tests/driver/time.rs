//! Hours in milliseconds: in-memory streams under paused time.

use crate::{next, peer::*};
use longwire_client::{
    CallError, Client, Config, ConfigBuilder, Event, Outgoing,
    transport::{Connect, Connecting, Transport},
};
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex},
    sync::mpsc,
    time::Instant,
};

const S: Duration = Duration::from_secs(1);

/// Hands the server's end of each connection to the test; refuses once nobody takes them.
struct InMemory(mpsc::Sender<DuplexStream>);

impl Connect for InMemory {
    fn connect<'a>(&'a self, _address: &'a str) -> Connecting<'a> {
        Box::pin(async {
            let (ours, theirs) = duplex(4096);
            self.0.send(theirs).await.map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok(Box::new(ours) as Box<dyn Transport>)
        })
    }
}

fn in_memory() -> (ConfigBuilder, mpsc::Receiver<DuplexStream>) {
    let (accepting, accepted) = mpsc::channel(1);
    (Config::builder("memory:0").user("alice", "secret").connect_with(InMemory(accepting)), accepted)
}

async fn welcome(accepted: &mut mpsc::Receiver<DuplexStream>) -> Peer<DuplexStream> {
    let mut peer = Peer::new(accepted.recv().await.unwrap());
    let login = peer.request().await.unwrap();
    peer.answer(LOGIN, login.seq, 0).await;
    peer
}

//= PROTOCOL.md#9.7
// A client sends a PING after 14 s in which it sent nothing else.
#[tokio::test(start_paused = true)]
async fn a_silent_client_pings_every_fourteen_seconds() {
    let (config, mut accepted) = in_memory();
    let (connected, mut peer) =
        tokio::join!(Client::connect(config.build().unwrap()), welcome(&mut accepted));
    let (client, _events) = connected.unwrap();
    for _ in 0..1000 {
        let before = Instant::now();
        let ping = peer.request().await.unwrap();
        assert_eq!((ping.code, before.elapsed().as_secs()), (PING, 14));
        peer.answer(PONG, ping.seq, 0).await;
    }
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_server_without_pongs_is_left_after_ten_more_seconds() {
    let (config, mut accepted) = in_memory();
    let (connected, mut peer) =
        tokio::join!(Client::connect(config.build().unwrap()), welcome(&mut accepted));
    let (_client, mut events) = connected.unwrap();
    let before = Instant::now();
    assert_eq!(peer.request().await.unwrap().code, PING);
    assert!(peer.request().await.is_none());
    assert_eq!(before.elapsed().as_secs(), 24);
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "lost: the server did not answer a ping in time");
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_not_answered_is_tried_again_after_ten_seconds() {
    let (config, mut accepted) = in_memory();
    let (_client, mut events) = Client::start(config.build().unwrap());
    let before = Instant::now();
    let mut peer = Peer::new(accepted.recv().await.unwrap());
    peer.next(LOGIN).await;
    assert!(peer.request().await.is_none());
    assert_eq!(before.elapsed().as_secs(), 10);
    assert_eq!(next(&mut events).await, "lost: the login was not answered in time");
}

#[tokio::test(start_paused = true)]
async fn waits_grow_to_thirty_seconds_and_start_over_after_a_stable_connection() {
    let (config, mut accepted) = in_memory();
    let (client, mut events) = Client::start(config.build().unwrap());
    let lost = async |events: &mut longwire_client::Events| match events.next().await {
        Some(Event::Lost { retry_in, attempt, .. }) => (retry_in, attempt),
        other => panic!("{other:?}"),
    };
    for n in 1..=20 {
        drop(accepted.recv().await.unwrap());
        let (retry_in, attempt) = lost(&mut events).await;
        let lost_at = Instant::now();
        assert_eq!(attempt, n);
        assert!(retry_in <= (S / 2).saturating_mul(1 << (n - 1)).min(30 * S), "{n}: {retry_in:?}");
        if n == 20 {
            let mut peer = welcome(&mut accepted).await;
            assert!(lost_at.elapsed() >= retry_in);
            for _ in 0..3 {
                peer.expect(PING, 0).await;
            }
        }
    }
    assert!(matches!(events.next().await, Some(Event::Connected)));
    assert_eq!(lost(&mut events).await.1, 1, "42 s were stable");
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_nothing_is_left_though_events_are_unread() {
    let (config, mut accepted) = in_memory();
    let config = config.events_queued_max(1).build().unwrap();
    let (connected, mut peer) = tokio::join!(Client::connect(config), welcome(&mut accepted));
    let (client, mut events) = connected.unwrap();
    peer.push("lobby", &["a", "b"]).await;
    let before = Instant::now();
    let flood = tokio::spawn(async move {
        while client.send(Outgoing::new("lobby", vec![0; 1000])).await.is_ok() {}
        client
    });
    let client = flood.await.unwrap(); // only the loss ends it: what was sent is bounded
    assert!(before.elapsed() >= 30 * S);
    for expected in ["connected", "lobby bob: a", "lobby bob: b", "lost: the server took no byte for 30 s"] {
        assert_eq!(next(&mut events).await, expected);
    }
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_go_on_for_hours_while_events_are_unread() {
    let (config, mut accepted) = in_memory();
    let config = config.events_queued_max(1).build().unwrap();
    let (connected, mut peer) = tokio::join!(Client::connect(config), welcome(&mut accepted));
    let (client, mut events) = connected.unwrap();
    peer.push("lobby", &["a", "b"]).await;
    for _ in 0..250 {
        let before = Instant::now();
        peer.expect(PING, 0).await; // the stream has room for 250 PONGs that nobody reads
        assert_eq!(before.elapsed().as_secs(), 14);
    }
    assert!(matches!(client.join("other").await, Err(CallError::EventsUnread)));
    for expected in ["connected", "lobby bob: a", "lobby bob: b"] {
        assert_eq!(next(&mut events).await, expected);
    }
    let serving = tokio::spawn(peer.serve_to_the_end());
    client.ping().await.unwrap();
    drop(client);
    assert!(serving.await.unwrap().starts_with(&[JOIN, PING, PING]), "the join, a heartbeat, the ping");
}

/// Breaks for writing when told to; reads on.
struct Breakable(DuplexStream, Arc<AtomicBool>);

impl AsyncRead for Breakable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.1.load(SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Poll::Ready(Ok(ready!(Pin::new(&mut self.0).poll_write(cx, buf))?))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Connects once.
struct Once(std::sync::Mutex<Option<Breakable>>);

impl Connect for Once {
    fn connect<'a>(&'a self, _address: &'a str) -> Connecting<'a> {
        let io = self.0.lock().unwrap().take().ok_or(io::ErrorKind::ConnectionRefused);
        Box::pin(async { Ok(Box::new(io?) as Box<dyn Transport>) })
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_said_before_the_socket_broke_is_still_heard() {
    let (ours, theirs) = duplex(4096);
    let broken = Arc::new(AtomicBool::new(false));
    let once = Once(Some(Breakable(ours, broken.clone())).into());
    let config = Config::builder("memory:0").user("alice", "secret").connect_with(once).build().unwrap();
    let mut peer = Peer::new(theirs);
    let (connected, ()) = tokio::join!(Client::connect(config), async {
        peer.expect(LOGIN, 0).await;
    });
    let (client, mut events) = connected.unwrap();
    client.send(Outgoing::new("lobby", "too much")).await.unwrap();
    let refused = peer.next(CMS).await;
    broken.store(true, SeqCst);
    client.send(Outgoing::new("lobby", "x")).await.unwrap();
    peer.answer(CMS, refused.seq, 9).await;
    let before = Instant::now();
    for expected in
        ["connected", "refused message 1 to lobby: TOO_LARGE (9)", "lost: the connection broke: broken pipe"]
    {
        assert_eq!(next(&mut events).await, expected);
    }
    assert!(before.elapsed() <= 2 * S, "the end of the stream never comes: a second of silence is enough");
}
