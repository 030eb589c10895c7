//! TLS and WebSocket in front of a plain server: third-party server sides, that take both off and pass the frames on.
//!
//! So clients and the load generator meet peers that share no code with us.

use futures_core::Stream;
use futures_sink::Sink;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::future::poll_fn;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ServerConfig, SupportedProtocolVersion, pki_types::PrivateKeyDer};
use tokio_websockets::{Message, ServerBuilder};

/// One that runs as long as the test's process.
pub struct Relay {
    pub address: SocketAddr,
    /// The authority that vouches for it, in PEM.
    pub authority: tempfile::NamedTempFile,
}

impl Relay {
    /// In front of `server`: TLS of these versions, or none, and WebSocket where it is asked for.
    pub fn to(server: SocketAddr, versions: &[&'static SupportedProtocolVersion], web_socket: bool) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(authority.pem().as_bytes()).unwrap();
        let acceptor = (!versions.is_empty()).then(|| acceptor(&authority, versions));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let listener = {
                let _entered = runtime.enter();
                TcpListener::from_std(listener).unwrap()
            };
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, async {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::task::spawn_local(relay(client, acceptor.clone(), web_socket, server));
                }
            });
        });
        Self { address, authority: file }
    }

    /// The path of the authority's file.
    pub fn ca(&self) -> &str {
        self.authority.path().to_str().unwrap()
    }
}

fn acceptor(
    authority: &CertifiedIssuer<'_, KeyPair>,
    versions: &[&'static SupportedProtocolVersion],
) -> TlsAcceptor {
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let chain = vec![params.signed_by(&key, authority).unwrap().der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    TlsAcceptor::from(Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap()))
}

/// Whatever ends one side ends the other: a client that is not wanted is just closed.
async fn relay(client: TcpStream, acceptor: Option<TlsAcceptor>, web_socket: bool, server: SocketAddr) {
    let _ = client.set_nodelay(true);
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let _ = server.set_nodelay(true);
    match acceptor {
        None if web_socket => relay_messages(client, server).await,
        None => drop(copy_bidirectional(&mut { client }, &mut server).await),
        Some(acceptor) => {
            let Ok(mut client) = acceptor.accept(client).await else { return };
            if web_socket {
                relay_messages(client, server).await;
            } else {
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        }
    }
}

async fn relay_messages(client: impl AsyncRead + AsyncWrite + Unpin, server: TcpStream) {
    let Ok((_, mut stream)) = ServerBuilder::new().accept(client).await else { return };
    let (mut from_server, mut to_server) = server.into_split();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        tokio::select! {
            message = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)) => match message {
                Some(Ok(message)) if message.is_binary() => {
                    if to_server.write_all(message.as_payload()).await.is_err() {
                        return;
                    }
                }
                Some(Ok(message)) if !message.is_close() => {}
                _ => return,
            },
            bytes = from_server.read(&mut buffer) => match bytes {
                Ok(bytes @ 1..) => {
                    let message = Message::binary(buffer[..bytes].to_vec());
                    if poll_fn(|cx| Pin::new(&mut stream).poll_ready(cx)).await.is_err()
                        || Pin::new(&mut stream).start_send(message).is_err()
                        || poll_fn(|cx| Pin::new(&mut stream).poll_flush(cx)).await.is_err()
                    {
                        return;
                    }
                }
                _ => {
                    let _ = poll_fn(|cx| Pin::new(&mut stream).poll_close(cx)).await;
                    return;
                }
            },
        }
    }
}
