//! TLS between a client of raw bytes and the server, so that every case can be had over it: a port that takes plain
//! connections, and carries each in a TLS session of its own. `LONGWIRE_E2E_TRANSPORT=tls13 cargo test -p longwire --test e2e`

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// What all clients of a test program speak; `None`: frames on plain TCP.
pub fn wanted() -> Option<&'static SupportedProtocolVersion> {
    match std::env::var("LONGWIRE_E2E_TRANSPORT").as_deref() {
        Ok("tls12") => Some(&version::TLS12),
        Ok("tls13") => Some(&version::TLS13),
        Ok("tcp") | Err(_) => None,
        Ok(other) => panic!("LONGWIRE_E2E_TRANSPORT={other}: there are tcp, tls12 and tls13"),
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

/// Carries connections to `server` in TLS, for as long as the process lives. The port it takes them at.
pub fn start(server: SocketAddr, folder: &Path, version: &'static SupportedProtocolVersion) -> SocketAddr {
    let pem = std::fs::read(folder.join("carried.pem")).expect("`certificate` has written it");
    let mut roots = RootCertStore::empty();
    let trusted = rustls::pki_types::CertificateDer::from_pem_slice(&pem).expect("PEM");
    roots.add(trusted).expect("a certificate");
    let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into());
    let config = config.with_protocol_versions(&[version]).expect("one of the library's");
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let tasks = tokio::task::LocalSet::new();
        tasks.block_on(&runtime, async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::task::spawn_local(carry(client, server, connector.clone()));
            }
        });
    });
    address
}

/// One connection. Either end's end is told to the other; a handshake that fails is an end too.
async fn carry(mut client: TcpStream, server: SocketAddr, connector: TlsConnector) {
    let name = ServerName::try_from("localhost").expect("a good name");
    let Ok(stream) = TcpStream::connect(server).await else { return };
    let _ = (stream.set_nodelay(true), client.set_nodelay(true));
    let Ok(mut tls) = connector.connect(name, stream).await else { return };
    let _ = copy_bidirectional(&mut client, &mut tls).await;
}
