//! What a provider is asked.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use longwire_engine::{ConnId, ShardId};

/// A token, a key or a secret: text that nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// A LOGIN with a token and a userId, both not empty and within their limits.
#[derive(Clone, Debug)]
pub struct Question {
    /// The client's proof.
    pub token: Secret,
    /// Whom the client claims to be.
    pub user_id: Box<str>,
    /// Which connection asks; opaque to providers.
    pub connection: ConnId,
    /// Its peer.
    pub address: IpAddr,
    /// How it came: `tcp`, `tls`, `ws`, `wss`.
    pub transport: &'static str,
}

impl Question {
    /// For trying a token out: no connection asks, and none is named.
    pub fn trial(token: impl Into<Box<str>>, user_id: impl Into<Box<str>>) -> Self {
        Self {
            token: Secret::new(token),
            user_id: user_id.into(),
            connection: ConnId { shard: ShardId(0), slot: 0, generation: 0 },
            address: Ipv4Addr::LOCALHOST.into(),
            transport: "tcp",
        }
    }

    /// The connection's name as services beside the server see it.
    pub fn connection_name(&self) -> String {
        self.connection.to_string()
    }
}
