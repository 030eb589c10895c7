//! A stranger's socket, the ways to speak on it, and a server to knock at.

use crate::common::bytes::{Frame, LOGIN, Reading};
use crate::common::carried;
use crate::common::raw::Raw;
use crate::common::server::{Plan, Server};
use crate::common::{Uninterrupted, WAIT_MAX};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned, SupportedProtocolVersion};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;

pub type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A folder with a certificate, and who trusts it.
pub struct Certified {
    folder: TempDir,
    value: String,
}

impl Certified {
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let value = carried::certificate(folder.path());
        Self { folder, value }
    }

    /// A server that shows the certificate, and speaks everything.
    pub fn plan(&self, shards: u32) -> Plan {
        let plan = Server::of(shards).set("tls.certificate", &self.value);
        plan.set("server.transports", r#"["tcp", "tls", "ws", "wss"]"#).set("drain.spread", "0s")
    }

    pub fn client(&self, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
        carried::trusting(self.folder.path(), version)
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_nodelay(true).expect("TCP_NODELAY");
    stream.set_read_timeout(Some(WAIT_MAX)).expect("a read timeout");
    stream.set_write_timeout(Some(WAIT_MAX)).expect("a write timeout");
    stream
}

/// The client's side of a session on `stream`; nothing is sent before somebody reads or writes.
pub fn session(stream: TcpStream, config: &Arc<ClientConfig>) -> Tls {
    let name = ServerName::try_from("localhost").expect("a good name");
    StreamOwned::new(ClientConnection::new(Arc::clone(config), name).expect("a client"), stream)
}

/// A client's first flight.
pub fn hello(config: &Arc<ClientConfig>) -> Vec<u8> {
    let name = ServerName::try_from("localhost").expect("a good name");
    let mut client = ClientConnection::new(Arc::clone(config), name).expect("a client");
    let mut flight = Vec::new();
    client.write_tls(&mut flight).expect("memory takes it");
    flight
}

/// A guest's LOGIN.
pub fn login() -> Vec<u8> {
    Frame::request(LOGIN, 7, Vec::new()).to_bytes(Reading::Body)
}

/// Whether a guest is answered on `stream`, which has sent nothing yet.
pub fn is_served(stream: &mut (impl Read + Write)) -> bool {
    let mut answer = [0; 11];
    stream.write_all(&login()).and_then(|()| stream.read_exact(&mut answer)).is_ok()
        && answer[8..] == [LOGIN, 1, 0]
}

/// All that comes up to the end of the stream, however it ends.
pub fn rest(stream: &mut impl Read) -> Vec<u8> {
    rest_in_time(stream).unwrap_or_else(|heard| panic!("it neither answers nor closes; heard {heard:02x?}"))
}

/// The same; what came so far, where the end does not come.
pub fn rest_in_time(stream: &mut impl Read) -> Result<Vec<u8>, Vec<u8>> {
    let (mut heard, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        match Uninterrupted(&mut *stream).read(&mut chunk) {
            Ok(0) => return Ok(heard),
            Ok(bytes) => heard.extend(&chunk[..bytes]),
            Err(err) if matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(heard);
            }
            Err(_) => return Ok(heard), // a reset is an end
        }
    }
}

/// Whether the other end is still there, and has sent nothing that was not read.
pub fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).expect("a socket");
    peeked.is_err_and(|err| err.kind() == ErrorKind::WouldBlock)
}

pub fn end_of_sending(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write); // it may have been closed already
}

/// Waits until the server has no more descriptors open than it had: everything it gave to strangers is back.
pub fn all_is_given_back(server: &Server, bystander: &mut Raw, files: usize) {
    let deadline = Instant::now() + WAIT_MAX;
    while server.open_files() > files {
        bystander.ping(); // a turn of the server and more
        assert!(Instant::now() < deadline, "{} descriptors, {files} before", server.open_files());
    }
}
