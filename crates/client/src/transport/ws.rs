//! WebSocket (RFC 6455) over anything that opens connections: each frame a binary message, and the messages' bytes in order.
//!
//! Pings of the server are answered by the library below; they are no sign of life in the protocol. A text message, or
//! one over the limit, ends the connection.

use super::{Connect, Connecting, Tcp, Transport};
use crate::address::WS_PATH;
use crate::limits::FRAME_BYTES_DEFAULT;
use futures_core::Stream;
use futures_sink::Sink;
use longwire_wire::{HEADER_BYTES, Header, LengthReading};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_websockets::{ClientBuilder, Config, Limits, Message, WebSocketStream};

/// The sub-protocol that is offered; a server need not take it.
const PROTOCOL: &str = "longwire";

/// WebSocket, by default over plain TCP.
#[derive(Clone, Debug)]
pub struct WebSocket<C = Tcp> {
    below: C,
    path: String,
    length: LengthReading,
    message_bytes_max: usize,
}

impl WebSocket {
    /// Asks for `/ws` over plain TCP, for frames of the reading `body`.
    pub fn new() -> Self {
        WebSocket::over(Tcp)
    }
}

impl Default for WebSocket {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Connect> WebSocket<C> {
    /// The same over another way to open connections.
    pub fn over(below: C) -> Self {
        let message_bytes_max = FRAME_BYTES_DEFAULT as usize + HEADER_BYTES;
        Self { below, path: WS_PATH.to_owned(), length: LengthReading::Body, message_bytes_max }
    }

    /// What is asked for; begins with `/`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// What `len` counts in the frames that are sent: where one ends is where a message ends.
    pub fn length(mut self, length: LengthReading) -> Self {
        self.length = length;
        self
    }

    /// The largest body taken from the server; a message holds one frame.
    pub fn frame_bytes_max(mut self, bytes: u32) -> Self {
        self.message_bytes_max = bytes as usize + HEADER_BYTES;
        self
    }
}

impl<C: Connect> Connect for WebSocket<C> {
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a> {
        Box::pin(async move {
            let below = self.below.connect(address).await?;
            let limits = Limits::default().max_payload_len(Some(self.message_bytes_max));
            // A message is never cut in two: a server need not join what it need not.
            let config = Config::default().frame_size(usize::MAX);
            let builder = ClientBuilder::new().limits(limits).config(config);
            let builder = builder.uri(&format!("ws://{address}{}", self.path)).map_err(invalid)?;
            let offered = http::HeaderValue::from_static(PROTOCOL);
            let builder =
                builder.add_header(http::header::SEC_WEBSOCKET_PROTOCOL, offered).map_err(invalid)?;
            let (stream, _) = builder.connect_on(below).await.map_err(broken)?;
            Ok(Box::new(Messages { stream, length: self.length, unread: None, ended: false })
                as Box<dyn Transport>)
        })
    }
}

/// A WebSocket as a stream of bytes.
struct Messages {
    stream: WebSocketStream<Box<dyn Transport>>,
    length: LengthReading,
    /// The message that is being read, and how much of it was.
    unread: Option<(Message, usize)>,
    ended: bool,
}

impl AsyncRead for Messages {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if let Some((message, read)) = &mut this.unread {
                let rest = &message.as_payload()[*read..];
                let taken = rest.len().min(buffer.remaining());
                buffer.put_slice(&rest[..taken]);
                *read += taken;
                if *read == message.as_payload().len() {
                    this.unread = None;
                }
                // An empty message is no end.
                if taken > 0 || buffer.remaining() == 0 {
                    return Poll::Ready(Ok(()));
                }
            }
            if this.ended {
                return Poll::Ready(Ok(()));
            }
            match ready!(Pin::new(&mut this.stream).poll_next(cx)) {
                None => this.ended = true,
                Some(Err(error)) => return Poll::Ready(Err(broken(error))),
                Some(Ok(message)) if message.is_binary() => this.unread = Some((message, 0)),
                Some(Ok(message)) if message.is_text() => {
                    return Poll::Ready(Err(io::Error::other("the server sent a text message")));
                }
                // Pings are answered by the library, a close by the end of the stream.
                Some(Ok(_)) => {}
            }
        }
    }
}

impl AsyncWrite for Messages {
    /// Takes the first frame of `bytes` as one message; what calls it hands over whole frames.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let Some(frame) = first_frame(bytes, self.length) else {
            return Poll::Ready(Err(io::Error::other("a WebSocket message is a whole frame")));
        };
        ready!(Pin::new(&mut self.stream).poll_ready(cx)).map_err(broken)?;
        let message = Message::binary(frame.to_vec());
        Pin::new(&mut self.stream).start_send(message).map_err(broken)?;
        Poll::Ready(Ok(frame.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx).map_err(broken)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx).map_err(broken)
    }
}

fn first_frame(bytes: &[u8], length: LengthReading) -> Option<&[u8]> {
    let header = Header::parse(bytes.first_chunk::<HEADER_BYTES>()?);
    bytes.get(..HEADER_BYTES + length.body_of(header.len)? as usize)
}

fn broken(error: tokio_websockets::Error) -> io::Error {
    match error {
        tokio_websockets::Error::Io(error) => error,
        error => io::Error::other(error),
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
