//! How bytes travel: TCP, TLS, WebSocket, or WebSocket inside TLS. What a connection needs to begin with.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;

use crate::plan::PlanError;

/// The key of RFC 6455's example: every connection has the same one, and knows the answer without a hash.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What a server that speaks WebSocket makes of [`KEY`].
pub(crate) const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Says in words why a handshake came to nothing.
pub type Told = fn(io::Error) -> String;

/// What a handshake goes by.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
    pub(crate) told: Told,
}

/// How bytes travel. By default over TCP alone.
#[derive(Clone, Debug, Default)]
pub struct Carrier {
    pub(crate) tls: Option<Tls>,
    /// The request of an upgrade to WebSocket.
    pub(crate) upgrade: Option<Arc<[u8]>>,
}

impl Carrier {
    /// Inside TLS, whose certificate must be for `host`; `told` finds the words where it comes to nothing. No connection
    /// resumes another's session: each pays its handshake.
    ///
    /// # Errors
    /// `host` is no name that a certificate can have.
    pub fn tls(mut self, config: &ClientConfig, host: &str, told: Told) -> Result<Self, PlanError> {
        let name = ServerName::try_from(host.to_owned());
        let name =
            name.map_err(|_| PlanError::new(format!("{host:?} is no name that a certificate can have")))?;
        let mut config = config.clone();
        config.resumption = Resumption::disabled();
        self.tls = Some(Tls { config: Arc::new(config), name, told });
        Ok(self)
    }

    /// In WebSocket messages, a frame each, masked by zeros. `authority` and `path` are what is asked for.
    pub fn web_socket(mut self, authority: &str, path: &str) -> Self {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: longwire\r\n\r\n"
        );
        self.upgrade = Some(request.into_bytes().into());
        self
    }

    /// `tcp`, `tls`, `ws` or `wss`.
    pub fn name(&self) -> &'static str {
        match (&self.tls, &self.upgrade) {
            (None, None) => "tcp",
            (Some(_), None) => "tls",
            (None, Some(_)) => "ws",
            (Some(_), Some(_)) => "wss",
        }
    }

    /// Whether nothing stands between frames and the socket.
    pub(crate) fn is_plain(&self) -> bool {
        self.tls.is_none() && self.upgrade.is_none()
    }
}
