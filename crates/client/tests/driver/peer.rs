//! The other end: a server that says what a test tells it to, over any byte stream.

use longwire_client::{LengthReading, Status};
use longwire_wire::{Decoder, Deflater, Dialect, Flow, put_frame, put_header};
use std::{future::Future, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

pub(crate) const LOGIN: u8 = 1;
pub(crate) const LOGOUT: u8 = 2;
pub(crate) const PING: u8 = 3;
pub(crate) const PONG: u8 = 4;
pub(crate) const JOIN: u8 = 5;
pub(crate) const CMS: u8 = 6;

const DIALECT: Dialect = Dialect { length: LengthReading::Body, version: 0, gzip: false };

/// What should happen soon; a test that waits for what never comes says so.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), what).await.expect("this should have happened by now")
}

pub(crate) struct Server(TcpListener);

impl Server {
    pub(crate) async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    pub(crate) async fn accept(&self) -> Peer<TcpStream> {
        Peer::new(soon(self.0.accept()).await.unwrap().0)
    }

    /// Accepts and lets the client in.
    pub(crate) async fn welcome(&self) -> Peer<TcpStream> {
        let mut peer = self.accept().await;
        peer.expect(LOGIN, 0).await;
        peer
    }
}

pub(crate) struct Peer<S> {
    pub(crate) io: S,
    /// The rest of a frame that the client did not take yet.
    pub(crate) cut: Vec<u8>,
    bytes: Vec<u8>,
}

/// A frame of the client's.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) code: u8,
    pub(crate) seq: u32,
    pub(crate) body: Vec<u8>,
}

impl<S: AsyncReadExt + AsyncWriteExt + Unpin> Peer<S> {
    pub(crate) fn new(io: S) -> Self {
        Self { io, cut: Vec::new(), bytes: Vec::new() }
    }

    /// The next frame, or `None` at the end of the stream.
    pub(crate) async fn request(&mut self) -> Option<Request> {
        loop {
            if let Some((frame, taken)) =
                Decoder::new(LengthReading::Body, 1 << 20).next(&self.bytes).unwrap()
            {
                let (code, seq) = (frame.header.command, frame.header.seq);
                let request = Request { code, seq, body: frame.body.to_vec() };
                self.bytes.drain(..taken);
                return Some(request);
            }
            if self.io.read_buf(&mut self.bytes).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next frame, which is this one.
    pub(crate) async fn next(&mut self, code: u8) -> Request {
        let request = soon(self.request()).await.expect("the client ended the stream");
        assert_eq!(request.code, code, "{request:?}");
        request
    }

    /// The next frame, which is this one, answered with this status.
    pub(crate) async fn expect(&mut self, code: u8, status: u8) -> Request {
        let request = self.next(code).await;
        self.answer(if code == PING && status == 0 { PONG } else { code }, request.seq, status).await;
        request
    }

    pub(crate) async fn answer(&mut self, code: u8, seq: u32, status: u8) {
        let mut out = Vec::new();
        put_frame(&mut out, DIALECT, code, Flow::Answer, seq, Status(status), &[]);
        self.raw(&out).await;
    }

    pub(crate) async fn push(&mut self, room: &str, texts: &[&str]) {
        self.raw(&push(room, texts)).await;
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        self.io.write_all(bytes).await.unwrap();
    }

    /// Answers everything with 0 until LOGOUT or the end of the stream; what it saw.
    pub(crate) async fn serve_to_the_end(mut self) -> Vec<u8> {
        let mut seen = Vec::new();
        while let Some(Request { code, seq, .. }) = self.request().await {
            seen.push(code);
            match code {
                LOGOUT => break,
                CMS => {}
                _ => self.answer(if code == PING { PONG } else { code }, seq, 0).await,
            }
        }
        seen
    }
}

/// A push of messages from bob.
pub(crate) fn push(room: &str, texts: &[&str]) -> Vec<u8> {
    let (body, mut out) = (batch(room, texts), Vec::new());
    put_frame(&mut out, DIALECT, CMS, Flow::Notify, 0, Status::OK, &body);
    out
}

/// The same as gzip.
pub(crate) fn gzip_push(room: &str, texts: &[&str]) -> Vec<u8> {
    let (mut zipped, mut out) = (Vec::new(), Vec::new());
    Deflater::new(6).deflate(&batch(room, texts), &mut zipped);
    let compression = longwire_wire::Compression::Gzip;
    put_header(&mut out, DIALECT, CMS, Flow::Notify, compression, 0, Status::OK, zipped.len());
    out.extend(zipped);
    out
}

/// A push body, written by hand; texts below 16 KiB.
fn batch(room: &str, texts: &[&str]) -> Vec<u8> {
    let mut body = Vec::new();
    for text in texts {
        let mut record = Vec::new();
        field(1, text.as_bytes(), &mut record);
        field(2, b"bob", &mut record);
        field(1, &record, &mut body);
    }
    field(2, room.as_bytes(), &mut body);
    body
}

fn field(number: u8, value: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    match value.len() {
        len @ 0..0x80 => out.push(len as u8),
        len => out.extend([len as u8 | 0x80, (len >> 7) as u8]),
    }
    out.extend_from_slice(value);
}
