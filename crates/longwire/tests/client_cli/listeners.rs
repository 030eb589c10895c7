//! The client commands and the Rust client against the server's own TLS and WebSocket, all on one port.

use crate::common::WAIT_MAX;
use crate::common::server::Server;
use crate::pair::{Pair, showing};
use crate::process::{Running, longwire};
use crate::transports::send_and_tail;
use longwire_client::transport::Trust;
use longwire_client::{Client, Config, Event, Outgoing, Reconnect};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SCHEMES: [&str; 4] = ["tcp", "tls", "ws", "wss"];

/// What makes a client trust this certificate, where its transport has one.
fn trust<'a>(scheme: &str, chain: &'a str) -> Vec<&'a str> {
    if ["tls", "wss"].contains(&scheme) { vec!["--ca", chain] } else { Vec::new() }
}

#[test]
fn send_and_tail_reach_every_transport_of_the_server() {
    let pair = Pair::of(&["127.0.0.1"]);
    let server = showing(&[&pair]).start();
    let chain = pair.chain();
    for scheme in SCHEMES {
        let trust = trust(scheme, chain.to_str().unwrap());
        send_and_tail(&server, &format!("{scheme}://{}", server.address()), &trust);
    }
    server.stop();
}

#[test]
fn people_chat_whatever_carries_them() {
    let pair = Pair::of(&["127.0.0.1"]);
    let server = showing(&[&pair]).start();
    let chain = pair.chain();
    let mut people: Vec<Running> = SCHEMES
        .iter()
        .map(|scheme| {
            let address = format!("{scheme}://{}", server.address());
            let arguments = ["chat", "--room", "lobby", "--user", scheme, "--addr", &address];
            let arguments = [&arguments[..], &trust(scheme, chain.to_str().unwrap())].concat();
            let mut chat = Running::start(longwire(server.address(), &arguments));
            chat.tells("joined lobby");
            chat
        })
        .collect();
    for (speaker, scheme) in SCHEMES.iter().enumerate() {
        people[speaker].type_in("hello, 世界\n");
        for (at, listener) in people.iter_mut().enumerate() {
            if at != speaker {
                assert_eq!(listener.line(), format!("[lobby] {scheme}: hello, 世界"));
            }
        }
    }
    for mut chat in people {
        chat.type_in("/quit\n");
        assert_eq!(chat.end().0, 0);
    }
    server.stop();
}

/// The path that no address names is the one that a server has by default; another is its own business.
#[test]
fn a_path_that_is_not_served_is_told() {
    let server = Server::start(1);
    let address = format!("ws://{}/elsewhere", server.address());
    let arguments = ["send", "--room", "lobby", "--user", "ada", "--addr", &address, "hello"];
    let (status, out, err) = crate::process::run(longwire(server.address(), &arguments), b"");
    assert_eq!((status, out.as_str()), (4, ""), "{err}");
    server.stop();
}

/// A server goes away, another takes its place: the client comes back, is in its room again, hears and says.
#[test]
fn the_rust_client_comes_back_over_every_transport() {
    let pair = Pair::of(&["127.0.0.1"]);
    let authority = std::fs::read(pair.chain()).unwrap();
    for scheme in SCHEMES {
        let start = || showing(&[&pair]).set("drain.spread", "0s").start();
        let (first, second) = (start(), start());
        let door = Door::to(first.address());
        let quick = Reconnect {
            first: Duration::from_millis(1),
            most: Duration::from_millis(20),
            ..Reconnect::default()
        };
        let config = Config::builder(format!("{scheme}://{}", door.address)).user("ada", "sesame");
        let config = config.trust(Trust::Pem(authority.clone())).reconnect(quick).build().unwrap();
        let told = watch(config);
        assert_eq!(told.recv_timeout(WAIT_MAX).unwrap(), "joined");
        let mut bob = first.member("bob", "lobby");
        bob.say("lobby", "one");
        assert_eq!(told.recv_timeout(WAIT_MAX).unwrap(), "one");
        assert_eq!(bob.next_record().text(), "heard one");

        door.lead_to(second.address());
        drop(bob); // so that nobody is waited for
        first.stop();
        assert_eq!(told.recv_timeout(WAIT_MAX).unwrap(), "lost");
        while told.recv_timeout(WAIT_MAX).unwrap() != "back" {}
        let mut bob = second.member("bob", "lobby");
        // What is said before it is in the room again is not heard: it is said until it was.
        let heard = loop {
            bob.say("lobby", "two");
            bob.ping();
            if let Ok(heard) = told.try_recv() {
                break heard;
            }
        };
        assert_eq!(heard, "two", "{scheme}");
        assert_eq!(bob.next_record().text(), "heard two");
        drop((told, bob));
        second.stop();
    }
}

/// A client in `lobby`, in a thread of its own: says what happens to it, and answers what it hears.
fn watch(config: Config) -> Receiver<String> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(config, tell));
    });
    told
}

/// Until nobody listens any more.
async fn live(config: Config, tell: Sender<String>) {
    let (client, mut events) = Client::connect(config).await.unwrap();
    client.join("lobby").await.unwrap();
    let mut happened = Some("joined".to_owned());
    loop {
        if happened.is_some_and(|what| tell.send(what).is_err()) {
            return;
        }
        happened = match events.next().await {
            None | Some(Event::Closed(_)) => return,
            Some(Event::Message(message)) => {
                let text = message.text().unwrap().to_owned();
                client.send(Outgoing::new("lobby", format!("heard {text}"))).await.unwrap();
                Some(text)
            }
            Some(Event::Lost { .. }) => Some("lost".into()),
            Some(Event::Back) => Some("back".into()),
            Some(_) => None,
        };
    }
}

/// An address that stays while servers come and go behind it.
struct Door {
    address: SocketAddr,
    to: Arc<Mutex<SocketAddr>>,
}

impl Door {
    fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, to) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(server)));
        let current = Arc::clone(&to);
        std::thread::spawn(move || {
            for outer in listener.incoming().map_while(Result::ok) {
                let server = *current.lock().unwrap();
                // A server that has gone: the client sees the end of its stream, and tries again.
                let Ok(inner) = TcpStream::connect(server) else { continue };
                let (from_outer, to_inner) = (outer.try_clone().unwrap(), inner.try_clone().unwrap());
                std::thread::spawn(move || carry(from_outer, to_inner));
                std::thread::spawn(move || carry(inner, outer));
            }
        });
        Self { address, to }
    }

    fn lead_to(&self, server: SocketAddr) {
        *self.to.lock().unwrap() = server;
    }
}

/// What comes from one goes to the other, the end too.
fn carry(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
