//! What a delivery costs whatever carries it, in allocations: from a room to its members' sockets.
//!
//! Real sockets, real layers, and the engine between them; only the loop is the test's.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream as Client};
use std::sync::Arc;

use allocation_counter::measure;
use longwire_engine::{Action, Config, Identity, Millis, Now, Shard, ShardId, Slot};
use longwire_wire::{
    Command, CommandMap, Dialect, Flow, LengthReading, LoginFields, Message, Status, put_cms, put_frame,
    put_join, put_login,
};
use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, version};

use super::layer::{Heard, Layer};
use super::porch::{Porch, Step};
use super::rules::Rules;
use super::sockets::Sockets;
use super::{WAKE, mail};
use crate::config::Transports;
use crate::logging::LogLimit;
use crate::throttle::Throttle;
use crate::tls::Tls;
use crate::tls::testing::{Pair, client, config};

const NOW: Now = Now { mono: Millis(1), unix_ms: 1_700_000_000_000 };
const DIALECT: Dialect = Dialect { length: LengthReading::Body, version: 0, gzip: false };
const ALL: Transports = Transports { tcp: true, tls: true, ws: true, wss: true };
const UPGRADE: &[u8] = b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Tcp,
    Tls,
    Ws,
    Wss,
}

/// A room with its members' sockets, and a user on plain TCP who speaks there.
struct Hall {
    engine: Shard,
    sockets: Sockets,
    listener: TcpListener,
    trusting: Arc<ClientConfig>,
    buffer: Vec<u8>,
    /// The other ends: nobody reads what little there is.
    clients: Vec<Client>,
    cms: Vec<u8>,
    speaker: Slot,
}

impl Hall {
    fn new(members: usize, carrier: Carrier) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = Pair::new(&["localhost"]);
        let tls = Tls::build(&config(vec![pair.write(folder.path(), "a")])).unwrap().unwrap();
        let all = crate::config::Config::default();
        let porch = Arc::new(Porch::new(&all, Some(Arc::new(tls))));
        let throttle = Arc::new(Throttle::new(crate::engine_config::throttle(&all)));
        let poll = mio::Poll::new().unwrap();
        let (outbox, _) = mail::post_office(vec![mail::waker(&poll, WAKE).unwrap()]).remove(0);
        let site = all.site();
        let refusals = LogLimit::new(1);
        let rules =
            Rules { site, length: None, first_message_max: 1024, message_max: 1024, ready: true, refusals };
        let mut hall = Self {
            engine: Shard::new(ShardId(0), 1, 7, Arc::new(Config::default())),
            sockets: Sockets::new(outbox, &throttle, &porch, rules),
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            trusting: client(pair.certificate.der(), &[&version::TLS13]),
            buffer: vec![0; 16 * 1024],
            clients: Vec::new(),
            cms: Vec::new(),
            speaker: 0,
        };
        let message = Message { content: vec![b'x'; 128], to: "lobby".into(), ..Message::default() };
        let mut body = Vec::new();
        put_cms(&mut body, &message);
        hall.cms = request(Command::Cms, &body);
        hall.speaker = hall.member(Carrier::Tcp, "alice");
        for _ in 0..members {
            hall.member(carrier, "");
        }
        hall
    }

    /// Connects as `carrier` says, logs in and joins.
    fn member(&mut self, carrier: Carrier, user: &str) -> Slot {
        let mut client = Client::connect(self.listener.local_addr().unwrap()).unwrap();
        let (socket, from) = self.listener.accept().unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.set_nodelay(true).unwrap();
        let slot = self.engine.connect(NOW).slot;
        self.sockets.insert(slot, TcpStream::from_std(socket), from.ip());
        if carrier != Carrier::Tcp {
            self.sockets.put_layer(slot, Layer::of_newcomer(ALL, false).unwrap());
        }
        let mut tls =
            (carrier == Carrier::Tls || carrier == Carrier::Wss).then(|| self.secure(slot, &mut client));
        if carrier == Carrier::Ws || carrier == Carrier::Wss {
            match &mut tls {
                None => client.write_all(UPGRADE).unwrap(),
                Some(tls) => {
                    tls.writer().write_all(UPGRADE).unwrap();
                    tls.write_tls(&mut client).unwrap();
                }
            }
            while !self.sockets.layer(slot).unwrap().speaks_messages() {
                let heard = self.sockets.hear(slot, &mut self.buffer, 0);
                assert!(matches!(heard, Heard::Taken | Heard::Nothing), "{heard:?}");
            }
        }
        self.clients.push(client);
        self.enter(slot, user);
        slot
    }

    /// A handshake at `slot`, with the library's client.
    fn secure(&mut self, slot: Slot, socket: &mut Client) -> ClientConnection {
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = ClientConnection::new(Arc::clone(&self.trusting), name).unwrap();
        tls.write_tls(socket).unwrap();
        socket.set_nonblocking(true).unwrap();
        while self.sockets.hear(slot, &mut self.buffer, 0) != Heard::Hello {}
        loop {
            let step = self.sockets.handshake(slot);
            assert!(matches!(step, Step::Done | Step::More | Step::Blocked), "{step:?}");
            if step == Step::Done {
                socket.set_nonblocking(false).unwrap();
                return tls;
            }
            while let Ok(1..) = tls.read_tls(socket) {
                tls.process_new_packets().unwrap();
            }
            while tls.wants_write() {
                tls.write_tls(socket).unwrap();
            }
        }
    }

    fn enter(&mut self, slot: Slot, user: &str) {
        let (mut login, mut join) = (Vec::new(), Vec::new());
        put_login(&mut login, if user.is_empty() { "" } else { "token" }, user, LoginFields::default());
        put_join(&mut join, "lobby");
        self.says(slot, &request(Command::Login, if user.is_empty() { &[] } else { &login }));
        while let Some(action) = self.engine.poll_action() {
            if let Action::Authenticate { conn, user_id, .. } = action {
                let identity = Identity { user_id: user_id.into(), claims: None };
                self.engine.login_answered(conn, Ok(identity), NOW, &mut self.sockets);
            }
        }
        self.says(slot, &request(Command::JoinCr, &join));
    }

    fn says(&mut self, slot: Slot, bytes: &[u8]) {
        self.engine.consume(slot, bytes, NOW, &mut self.sockets);
        while self.engine.busy() {
            self.engine.run(NOW, &mut self.sockets);
        }
    }

    /// Allocations of one message to everybody, when everything has been used before.
    fn allocations(mut self) -> u64 {
        let cms = std::mem::take(&mut self.cms);
        (0..3).for_each(|_| self.says(self.speaker, &cms));
        let cost = measure(|| self.says(self.speaker, &cms)).count_total;
        let last = self.clients.last_mut().unwrap();
        last.set_nonblocking(true).unwrap();
        let heard = last.read(&mut self.buffer).unwrap();
        assert!(heard > 4 * 128, "four messages came: {heard} bytes");
        cost
    }
}

fn request(command: Command, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    put_frame(&mut frame, DIALECT, CommandMap::default().code(command), Flow::Request, 1, Status::OK, body);
    frame
}

/// A hundred members more cost a record's buffer each over TLS, which is the library's, and else nothing.
#[test]
fn a_delivery_allocates_nothing_of_ours() {
    for (carrier, of_the_library) in
        [(Carrier::Tcp, 0), (Carrier::Ws, 0), (Carrier::Tls, 1), (Carrier::Wss, 1)]
    {
        let (few, many) = (Hall::new(20, carrier).allocations(), Hall::new(120, carrier).allocations());
        assert_eq!(many - few, 100 * of_the_library, "{carrier:?}: {few} with 20 members, {many} with 120");
    }
}
