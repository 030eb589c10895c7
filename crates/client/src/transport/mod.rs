//! The seam below the client: anything that carries bytes both ways.
//!
//! TCP is built in, TLS and WebSocket with the features `tls` and `ws`; anything else needs only another [`Connect`].

#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "ws")]
mod ws;

#[cfg(feature = "tls")]
pub use tls::{HandshakeError, Tls, Trust, TrustError};
#[cfg(feature = "ws")]
pub use ws::WebSocket;

use std::{future::Future, io, pin::Pin};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// An open connection: a byte stream both ways.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for T {}

/// The future of a [`Connect`].
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Transport>>> + Send + 'a>>;

/// Opens connections; asked once for each attempt.
pub trait Connect: Send + Sync + 'static {
    /// Opens a connection to `address` (HOST:PORT). Dropped where it takes longer than the connect timeout.
    ///
    /// What is written to it at once begins with a whole frame where all that was written before ended with one.
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a>;
}

/// Plain TCP, without Nagle's delay. Tries every address the name resolves to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

impl Connect for Tcp {
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}
