//! What carries the frames of all clients of a test program, so that every case can be had over each transport:
//! `LONGWIRE_E2E_TRANSPORT=wss cargo test -p longwire --test e2e`. WebSocket is [`super::stream`]'s; TLS is a port that takes
//! plain connections, and carries each in a session of its own, from the address that it came from.

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Tls12,
    Tls13,
    Ws,
    Wss,
}

impl Transport {
    const ALL: [(&'static str, Self); 5] = [
        ("tcp", Self::Tcp),
        ("tls12", Self::Tls12),
        ("tls13", Self::Tls13),
        ("ws", Self::Ws),
        ("wss", Self::Wss),
    ];

    /// What all clients speak.
    pub fn wanted() -> Self {
        let name = std::env::var("LONGWIRE_E2E_TRANSPORT").unwrap_or_else(|_| "tcp".into());
        let found = Self::ALL.into_iter().find(|(other, _)| *other == name);
        found.unwrap_or_else(|| panic!("LONGWIRE_E2E_TRANSPORT={name}: {:?}", Self::ALL)).1
    }

    pub fn is_web(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    /// Of TLS, where it is in TLS.
    pub fn version(self) -> Option<&'static SupportedProtocolVersion> {
        match self {
            Self::Tcp | Self::Ws => None,
            Self::Tls12 => Some(&version::TLS12),
            Self::Tls13 | Self::Wss => Some(&version::TLS13),
        }
    }

    /// What `server.transports` calls it; `None`: a server with its defaults.
    pub fn spoken(self) -> Option<&'static str> {
        match self {
            Self::Tcp => None,
            Self::Tls12 | Self::Tls13 => Some("tls"),
            Self::Ws => Some("ws"),
            Self::Wss => Some("wss"),
        }
    }
}

/// Cases that a transport is excused from, and why. One that passes all the same fails: nobody needs its excuse any more.
const EXCUSES: [(&str, &[Transport], &str); 3] = [
    (
        "an_idle_connection_stays_within_its_bytes",
        &[Transport::Tls12, Transport::Tls13, Transport::Ws, Transport::Wss],
        "its bounds are those of a plain connection; what a layer costs is bounded in crates/server/src/tls/tests/cost.rs, and docs/memory.md says it",
    ),
    (
        "a_browser_is_told_that_its_token_has_expired",
        &[Transport::Tls12, Transport::Tls13],
        "a browser speaks WebSocket, which a server of TLS alone does not",
    ),
    (
        "the_books_say_what_clients_received",
        &[Transport::Tls12, Transport::Tls13, Transport::Wss],
        "what its stalled members should lose fits the sockets of the relay; e2e_tls/stalled.rs has them without one",
    ),
];

/// Runs a case, or sees that it needs its excuse.
pub fn run(case: &str, body: impl FnOnce()) {
    let transport = Transport::wanted();
    let excuse =
        EXCUSES.iter().find(|(name, transports, _)| *name == case && transports.contains(&transport));
    match excuse {
        None => body(),
        Some((_, _, why)) => {
            let failed = catch_unwind(AssertUnwindSafe(body)).is_err();
            assert!(failed, "{case} passes over {transport:?}, and needs no excuse: {why}");
            println!("excused over {transport:?}: {why}");
        }
    }
}

/// Writes a certificate and its key into `folder`; as a value of `tls.certificate`.
pub fn certificate(folder: &Path) -> String {
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a good name");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("it signs itself");
    let (chain_file, key_file) = (folder.join("carried.pem"), folder.join("carried.key"));
    std::fs::write(&chain_file, certificate.pem()).expect("a file of the folder");
    std::fs::write(&key_file, key.serialize_pem()).expect("a file of the folder");
    format!("[{{ chain = {chain_file:?}, key = {key_file:?} }}]")
}

/// A client that trusts what `certificate` wrote into `folder`.
pub fn trusting(folder: &Path, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let pem = std::fs::read(folder.join("carried.pem")).expect("`certificate` has written it");
    let mut roots = RootCertStore::empty();
    let trusted = rustls::pki_types::CertificateDer::from_pem_slice(&pem).expect("PEM");
    roots.add(trusted).expect("a certificate");
    let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into());
    let config = config.with_protocol_versions(&[version]).expect("one of the library's");
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// Carries connections to `server` in TLS, for as long as the process lives. The port it takes them at.
pub fn start(server: SocketAddr, folder: &Path, version: &'static SupportedProtocolVersion) -> SocketAddr {
    let connector = TlsConnector::from(trusting(folder, version));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let tasks = tokio::task::LocalSet::new();
        tasks.block_on(&runtime, async move {
            while let Ok((client, from)) = listener.accept().await {
                tokio::task::spawn_local(carry(client, from, server, connector.clone()));
            }
        });
    });
    address
}

/// One connection. Either end's end is told to the other; a handshake that fails is an end too.
async fn carry(mut client: TcpStream, from: SocketAddr, server: SocketAddr, connector: TlsConnector) {
    let name = ServerName::try_from("localhost").expect("a good name");
    let Ok(stream) = connect(from, server).await else { return };
    let _ = (stream.set_nodelay(true), client.set_nodelay(true));
    let Ok(mut tls) = connector.connect(name, stream).await else { return };
    let _ = copy_bidirectional(&mut client, &mut tls).await;
}

async fn connect(from: SocketAddr, server: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if from.ip() != Ipv4Addr::LOCALHOST {
        socket.bind(SocketAddr::new(from.ip(), 0))?;
    }
    socket.connect(server).await
}
