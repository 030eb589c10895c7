//! Servers that say what a test tells them to: a certificate of their own, and frames in WebSocket messages.

use super::soon;
use futures_core::Stream;
use futures_sink::Sink;
use longwire_client::{LengthReading, Status};
use longwire_wire::{Decoder, Dialect, Flow, put_frame};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{future::poll_fn, pin::Pin, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::{self, ServerConfig, SupportedProtocolVersion, pki_types::PrivateKeyDer};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_websockets::{Message, ServerBuilder, WebSocketStream};

pub(crate) const LOGIN: u8 = 1;
pub(crate) const PING: u8 = 3;
pub(crate) const PONG: u8 = 4;
pub(crate) const JOIN: u8 = 5;
pub(crate) const CMS: u8 = 6;

/// Where a test's server listens.
pub(crate) struct Server(pub(crate) TcpListener);

impl Server {
    pub(crate) async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// With a scheme in front.
    pub(crate) fn address(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.0.local_addr().unwrap())
    }

    pub(crate) async fn accept(&self) -> TcpStream {
        soon(self.0.accept()).await.unwrap().0
    }
}

/// An authority, and servers that it vouches for.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// A server's side of TLS, in the name of `host`.
    pub(crate) fn acceptor(&self, host: &str, versions: &[&'static SupportedProtocolVersion]) -> TlsAcceptor {
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let chain = vec![params.signed_by(&key, &self.0).unwrap().der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

pub(crate) async fn accept_tls(
    server: &Server,
    acceptor: &TlsAcceptor,
) -> std::io::Result<TlsStream<TcpStream>> {
    soon(acceptor.accept(server.accept().await)).await
}

/// A frame of the client's.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) code: u8,
    pub(crate) seq: u32,
}

pub(crate) fn answer(length: LengthReading, code: u8, seq: u32) -> Vec<u8> {
    let (dialect, mut out) = (Dialect { length, version: 0, gzip: false }, Vec::new());
    put_frame(&mut out, dialect, code, Flow::Answer, seq, Status::OK, &[]);
    out
}

/// A push of one message from bob, written by hand; texts of up to 16 KiB - 10.
pub(crate) fn push(length: LengthReading, room: &str, text: &str) -> Vec<u8> {
    let (mut record, mut body) = (Vec::new(), Vec::new());
    field(1, text.as_bytes(), &mut record);
    field(2, b"bob", &mut record);
    field(1, &record, &mut body);
    field(2, room.as_bytes(), &mut body);
    let (dialect, mut out) = (Dialect { length, version: 0, gzip: false }, Vec::new());
    put_frame(&mut out, dialect, CMS, Flow::Notify, 0, Status::OK, &body);
    out
}

fn field(number: u8, value: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    match value.len() {
        len @ 0..0x80 => out.push(len as u8),
        len => out.extend([len as u8 | 0x80, (len >> 7) as u8]),
    }
    out.extend_from_slice(value);
}

/// The server's side of a WebSocket; every message that comes must be one whole frame.
pub(crate) struct Web<S> {
    pub(crate) stream: WebSocketStream<S>,
    length: LengthReading,
    /// What the client asked for.
    pub(crate) asked: http::Request<()>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Web<S> {
    pub(crate) async fn accept(io: S, length: LengthReading) -> Self {
        let (asked, stream) = soon(ServerBuilder::new().accept(io)).await.unwrap();
        Self { stream, length, asked }
    }

    pub(crate) async fn message(&mut self) -> Option<Message> {
        soon(poll_fn(|cx| Pin::new(&mut self.stream).poll_next(cx))).await.map(Result::unwrap)
    }

    pub(crate) async fn send(&mut self, message: Message) {
        poll_fn(|cx| Pin::new(&mut self.stream).poll_ready(cx)).await.unwrap();
        Pin::new(&mut self.stream).start_send(message).unwrap();
        poll_fn(|cx| Pin::new(&mut self.stream).poll_flush(cx)).await.unwrap();
    }

    pub(crate) async fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.send(Message::binary(bytes)).await;
    }

    pub(crate) async fn request(&mut self) -> Request {
        let message = self.message().await.expect("the client ended the stream");
        assert!(message.is_binary(), "{message:?}");
        let bytes = message.as_payload().to_vec();
        let (frame, taken) = Decoder::new(self.length, 1 << 20).next(&bytes).unwrap().expect("a whole frame");
        assert_eq!(taken, bytes.len(), "one frame a message");
        Request { code: frame.header.command, seq: frame.header.seq }
    }

    /// The next frame, which is this one, answered with 0.
    pub(crate) async fn expect(&mut self, code: u8) {
        let request = self.request().await;
        assert_eq!(request.code, code);
        self.send_bytes(answer(self.length, if code == PING { PONG } else { code }, request.seq)).await;
    }
}
