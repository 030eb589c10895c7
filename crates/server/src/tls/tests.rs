//! Sessions against the library's own client, over a socket in memory that takes and gives as little as a test likes.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, SupportedProtocolVersion, version};

use super::testing::{Pair, client, config};
use super::{Handshake, Session, Tls};

mod broken;
mod cost;
mod files;
mod flow;

const TLS12: &[&SupportedProtocolVersion] = &[&version::TLS12];
const TLS13: &[&SupportedProtocolVersion] = &[&version::TLS13];

/// The server's end of a connection: what the client sent, and what it is sent, up to `room` bytes.
#[derive(Default)]
struct Socket {
    inbox: Vec<u8>,
    /// At most so many bytes a read; 0: all there are.
    read_max: usize,
    outbox: Vec<u8>,
    room: usize,
    ended: bool,
}

impl Socket {
    fn new() -> Self {
        Self { room: usize::MAX, ..Self::default() }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.inbox.is_empty() {
            return if self.ended { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let most = if self.read_max == 0 { usize::MAX } else { self.read_max };
        let bytes = self.inbox.len().min(buffer.len()).min(most);
        buffer[..bytes].copy_from_slice(&self.inbox[..bytes]);
        self.inbox.drain(..bytes);
        Ok(bytes)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.room);
        if taken == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.room -= taken;
        self.outbox.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A server with one certificate, and a client that trusts it.
struct Party {
    tls: Tls,
    client: Arc<ClientConfig>,
    _folder: tempfile::TempDir,
}

impl Party {
    fn of(versions: &[&'static SupportedProtocolVersion]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = Pair::new(&["localhost"]);
        let tls = Tls::build(&config(vec![pair.write(folder.path(), "a")])).unwrap().unwrap();
        Self { tls, client: client(pair.certificate.der(), versions), _folder: folder }
    }

    fn begin(&self) -> Conversation {
        Conversation::new(&self.tls, Arc::clone(&self.client))
    }

    fn connected(&self) -> Conversation {
        let mut talk = self.begin();
        talk.shake_hands();
        talk
    }
}

/// Both ends of a connection.
struct Conversation {
    client: ClientConnection,
    server: Session,
    socket: Socket,
}

impl Conversation {
    fn new(tls: &Tls, client: Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from("localhost").unwrap();
        let client = ClientConnection::new(client, name).unwrap();
        Self { client, server: tls.accept().unwrap(), socket: Socket::new() }
    }

    /// Carries what the client has to say to the server's socket, and what is there for it to the client.
    fn carry(&mut self) -> Result<(), rustls::Error> {
        while self.client.wants_write() {
            self.client.write_tls(&mut self.socket.inbox).unwrap();
        }
        let sent = std::mem::take(&mut self.socket.outbox);
        let mut sent = sent.as_slice();
        while !sent.is_empty() {
            self.client.read_tls(&mut sent).unwrap();
            self.client.process_new_packets()?;
        }
        while self.client.wants_write() {
            self.client.write_tls(&mut self.socket.inbox).unwrap();
        }
        Ok(())
    }

    fn shake_hands(&mut self) {
        for _ in 0..10_000 {
            self.carry().unwrap();
            if self.server.handshake(&mut self.socket).unwrap() == Handshake::Done {
                return self.carry().unwrap();
            }
        }
        panic!("the handshake has no end");
    }

    /// Sends clear bytes to the server's socket.
    fn client_says(&mut self, bytes: &[u8]) {
        self.client.writer().write_all(bytes).unwrap();
        self.carry().unwrap();
    }

    /// What the client has received, in clear.
    fn client_hears(&mut self) -> Vec<u8> {
        self.carry().unwrap();
        let mut heard = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(bytes @ 1..) = self.client.reader().read(&mut buffer) {
            heard.extend_from_slice(&buffer[..bytes]);
        }
        heard
    }

    /// Everything that the server reads until it would block, with a buffer of this size.
    fn server_hears(&mut self, size: usize) -> Vec<u8> {
        let (mut heard, mut buffer) = (Vec::new(), vec![0; size]);
        loop {
            match self.server.read(&mut self.socket, &mut buffer) {
                Ok(0) => return heard,
                Ok(bytes) => heard.extend_from_slice(&buffer[..bytes]),
                Err(err) if err.kind() == ErrorKind::WouldBlock => return heard,
                Err(err) => assert_eq!(err.kind(), ErrorKind::Interrupted, "{err}"),
            }
        }
    }

    /// Writes all of `bytes`; panics where the socket would block.
    fn server_says(&mut self, bytes: &[u8]) {
        let mut sent = 0;
        while sent < bytes.len() {
            sent += self.server.write(&mut self.socket, &bytes[sent..]).unwrap();
        }
    }
}
