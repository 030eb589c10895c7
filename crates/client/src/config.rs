//! Everything a client can be told, with its defaults and limits.

use crate::{
    LoginSource,
    address::{Address, Scheme},
    limits::{
        BODY_BYTES_DEFAULT, EVENTS_QUEUED_DEFAULT, FRAME_BYTES_DEFAULT, FRAME_BYTES_MAX, HEARTBEAT, IDLE,
        WAIT_MAX,
    },
    login::Login,
    transport::{Connect, Tcp},
};
use longwire_wire::{CommandMap, LengthReading, LoginFields};
use std::{fmt, sync::Arc, time::Duration};

/// A checked configuration; made by [`Config::builder`].
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) address: String,
    pub(crate) login: LoginSource,
    pub(crate) wire: WireConfig,
    pub(crate) reconnect: Reconnect,
    pub(crate) timeouts: Timeouts,
    pub(crate) events_queued_max: usize,
    pub(crate) connect: Connector,
    /// The application's own [`Connect`]: the address is its to read.
    connects_itself: bool,
    #[cfg(feature = "tls")]
    trust: crate::transport::Trust,
}

impl Config {
    /// Starts from the defaults: a guest at `address`, written HOST:PORT for plain TCP, or as an [`Address`].
    pub fn builder(address: impl Into<String>) -> ConfigBuilder {
        ConfigBuilder {
            config: Self {
                address: address.into(),
                login: Login::Guest.into(),
                wire: WireConfig::default(),
                reconnect: Reconnect::default(),
                timeouts: Timeouts::default(),
                events_queued_max: EVENTS_QUEUED_DEFAULT,
                connect: Connector(Arc::new(Tcp)),
                connects_itself: false,
                #[cfg(feature = "tls")]
                trust: crate::transport::Trust::default(),
            },
        }
    }
}

#[cfg(feature = "tls")]
impl Config {
    fn tls(&self) -> Result<crate::transport::Tls, ConfigError> {
        crate::transport::Tls::new(&self.trust).map_err(|error| ConfigError { key: "trust", reason: error.0 })
    }
}

#[cfg(feature = "ws")]
impl Config {
    fn web_socket<C: Connect>(&self, below: C, address: &Address) -> crate::transport::WebSocket<C> {
        let socket = crate::transport::WebSocket::over(below).path(address.path());
        socket.length(self.wire.length).frame_bytes_max(self.wire.frame_bytes_max)
    }
}

/// How this client speaks on the wire.
#[derive(Clone, Debug)]
pub(crate) struct WireConfig {
    pub(crate) length: LengthReading,
    pub(crate) version: u8,
    pub(crate) gzip: bool,
    pub(crate) gzip_bytes_min: usize,
    pub(crate) commands: CommandMap,
    pub(crate) login_fields: LoginFields,
    pub(crate) body_bytes_max: usize,
    pub(crate) frame_bytes_max: u32,
}

impl Default for WireConfig {
    fn default() -> Self {
        Self {
            length: LengthReading::Body,
            version: 0,
            gzip: false,
            gzip_bytes_min: 512,
            commands: CommandMap::default(),
            login_fields: LoginFields::default(),
            body_bytes_max: BODY_BYTES_DEFAULT,
            frame_bytes_max: FRAME_BYTES_DEFAULT,
        }
    }
}

/// How long a client waits for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) login: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) pong: Duration,
    pub(crate) call: Duration,
    pub(crate) close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            login: Duration::from_secs(10),
            heartbeat: HEARTBEAT,
            pong: Duration::from_secs(10),
            call: Duration::from_secs(15),
            close: Duration::from_secs(5),
        }
    }
}

/// When a lost connection is tried again: full jitter, so that a crowd does not come back at once.
///
/// The n-th failure in a row waits a random time between nothing and `min(most, first * 2^(n-1))`. The count
/// starts over once a connection has lasted 30 s.
#[derive(Clone, Debug)]
pub struct Reconnect {
    /// The ceiling of the first wait. Default 0.5 s.
    pub first: Duration,
    /// The highest ceiling. Default 30 s.
    pub most: Duration,
    /// How many failed attempts in a row end the client; 0: the first loss does. Default `None`: never.
    pub attempts_max: Option<u32>,
    /// Makes the waits repeatable. Default `None`: a different schedule for each client.
    pub seed: Option<u64>,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            most: Duration::from_secs(30),
            attempts_max: None,
            seed: None,
        }
    }
}

impl Reconnect {
    /// No second connection: the first loss closes the client.
    pub fn never() -> Self {
        Self { attempts_max: Some(0), ..Self::default() }
    }
}

/// Hides what cannot be printed.
#[derive(Clone)]
pub(crate) struct Connector(pub(crate) Arc<dyn Connect>);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

/// A configuration that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct ConfigError {
    /// The builder's method.
    pub key: &'static str,
    /// What it asks for.
    pub reason: &'static str,
}

/// Builds a [`Config`].
#[derive(Clone, Debug)]
pub struct ConfigBuilder {
    config: Config,
}

impl ConfigBuilder {
    /// Checks everything; touches no network. With TLS the certificate authorities are read here.
    pub fn build(mut self) -> Result<Config, ConfigError> {
        let Config { address, wire, reconnect, timeouts, events_queued_max, .. } = &self.config;
        let Timeouts { connect, login, heartbeat, pong, call, close } = *timeouts;
        let waits = [connect, login, heartbeat, pong, call, close, reconnect.first, reconnect.most];
        let frames = 1..=FRAME_BYTES_MAX as usize;
        let rules = [
            (
                address.contains(':'),
                "address",
                "is written HOST:PORT, or with tcp://, tls://, ws:// or wss:// in front",
            ),
            (wire.version < 16, "version", "is a nibble, 0 to 15"),
            (frames.contains(&wire.body_bytes_max), "body_bytes_max", "is 1 byte to 16 MiB - 1"),
            (frames.contains(&(wire.frame_bytes_max as usize)), "frame_bytes_max", "is 1 byte to 16 MiB - 1"),
            (*events_queued_max >= 1, "events_queued_max", "is at least 1"),
            (reconnect.first <= reconnect.most, "reconnect", "has `first` at most `most`"),
            (waits.iter().all(|wait| *wait <= WAIT_MAX), "timeouts and reconnect", "are at most a day"),
            (
                !heartbeat.is_zero() && heartbeat < IDLE,
                "heartbeat",
                "is above 0 and below 30 s: servers close then",
            ),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, key, reason)) => Err(ConfigError { key, reason }),
            None if self.config.connects_itself => Ok(self.config),
            None => {
                self.connect_as_addressed()?;
                Ok(self.config)
            }
        }
    }

    /// Puts the transport in place that the address asks for.
    fn connect_as_addressed(&mut self) -> Result<(), ConfigError> {
        let config = &mut self.config;
        let refused = |reason| ConfigError { key: "address", reason };
        let address: Address =
            config.address.parse().map_err(|_| refused("is not HOST:PORT or a scheme with one behind it"))?;
        config.address = address.authority();
        config.connect = match address.scheme() {
            Scheme::Tcp => Connector(Arc::new(Tcp)),
            #[cfg(feature = "tls")]
            Scheme::Tls => Connector(Arc::new(config.tls()?)),
            #[cfg(feature = "ws")]
            Scheme::Ws => Connector(Arc::new(config.web_socket(Tcp, &address))),
            #[cfg(all(feature = "tls", feature = "ws"))]
            Scheme::Wss => {
                Connector(Arc::new(config.web_socket(config.tls()?.speaking(b"http/1.1"), &address)))
            }
            #[cfg(not(all(feature = "tls", feature = "ws")))]
            _ => return Err(refused("needs the feature `tls`, `ws` or both of longwire-client")),
        };
        Ok(())
    }

    /// Logs in as this user on every connection.
    pub fn user(self, user: impl Into<String>, token: impl Into<String>) -> Self {
        self.login(Login::user(user, token))
    }

    /// Logs in with this [`Login`], or with what [`LoginSource::ask`] gives before each connection. Default: a guest.
    pub fn login(mut self, source: impl Into<LoginSource>) -> Self {
        self.config.login = source.into();
        self
    }

    /// What `len` counts. Default: the body alone. Servers tell the two apart by themselves.
    pub fn length(mut self, length: LengthReading) -> Self {
        self.config.wire.length = length;
        self
    }

    /// The version nibble of every frame, 0 to 15. Default 0.
    pub fn version(mut self, version: u8) -> Self {
        self.config.wire.version = version;
        self
    }

    /// Lets the server gzip what it sends, and gzips own bodies of 512 bytes and more where that makes them
    /// smaller. Default off.
    pub fn gzip(mut self, gzip: bool) -> Self {
        self.config.wire.gzip = gzip;
        self
    }

    /// From how many bytes up own bodies are gzipped, where gzip is on. Default 512.
    pub fn gzip_bytes_min(mut self, bytes: usize) -> Self {
        self.config.wire.gzip_bytes_min = bytes;
        self
    }

    /// The deployment's command numbers. Default: LOGIN 1 … CMS 6.
    pub fn commands(mut self, commands: CommandMap) -> Self {
        self.config.wire.commands = commands;
        self
    }

    /// The deployment's field numbers of LOGIN. Default: token 1, userId 2.
    pub fn login_fields(mut self, fields: LoginFields) -> Self {
        self.config.wire.login_fields = fields;
        self
    }

    /// The largest body sent, before gzip. Default 64 KiB, as servers have it; less than 16 MiB.
    pub fn body_bytes_max(mut self, bytes: u32) -> Self {
        self.config.wire.body_bytes_max = bytes as usize;
        self
    }

    /// The largest body taken from the server, as sent and inflated. Default 128 KiB, less than 16 MiB. A hostile
    /// server can make one frame cost about 75 times this in memory.
    pub fn frame_bytes_max(mut self, bytes: u32) -> Self {
        self.config.wire.frame_bytes_max = bytes;
        self
    }

    /// How many events wait for the application before the socket is not read any more. Default 256; the memory
    /// is theirs: at most this many messages of at most `frame_bytes_max`.
    pub fn events_queued_max(mut self, events: usize) -> Self {
        self.config.events_queued_max = events;
        self
    }

    /// When a lost connection is tried again.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.config.reconnect = reconnect;
        self
    }

    /// How long opening a connection may take. Default 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.timeouts.connect = timeout;
        self
    }

    /// How long the login source may take, and then the answer to LOGIN. Default 10 s.
    pub fn login_timeout(mut self, timeout: Duration) -> Self {
        self.config.timeouts.login = timeout;
        self
    }

    /// After how much silence a PING goes out. Default 14 s, which the protocol asks for; servers close after 30 s.
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.config.timeouts.heartbeat = interval;
        self
    }

    /// How long a PONG may take before the server counts as dead. Default 10 s. Time in which unread events keep
    /// this client from reading does not count.
    pub fn pong_timeout(mut self, timeout: Duration) -> Self {
        self.config.timeouts.pong = timeout;
        self
    }

    /// How long `join`, `login`, `ping` and `flush` wait for their answer. Default 15 s.
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.config.timeouts.call = timeout;
        self
    }

    /// How long `logout` waits for the server to close. Default 5 s.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.config.timeouts.close = timeout;
        self
    }

    /// Who may vouch for a server whose address asks for TLS. Default: this machine's certificate authorities.
    #[cfg(feature = "tls")]
    pub fn trust(mut self, trust: crate::transport::Trust) -> Self {
        self.config.trust = trust;
        self
    }

    /// Carries the bytes over something else than the address's scheme says; gets the address as it was given.
    pub fn connect_with(mut self, connect: impl Connect) -> Self {
        self.config.connect = Connector(Arc::new(connect));
        self.config.connects_itself = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(config: ConfigBuilder) -> &'static str {
        config.build().expect_err("this cannot work").key
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_name() {
        let config = || Config::builder("127.0.0.1:7610");
        assert!(config().build().is_ok());
        assert_eq!(refused(Config::builder("localhost")), "address");
        assert_eq!(refused(config().version(16)), "version");
        assert_eq!(refused(config().body_bytes_max(0)), "body_bytes_max");
        assert_eq!(refused(config().frame_bytes_max(1 << 24)), "frame_bytes_max");
        assert_eq!(refused(config().events_queued_max(0)), "events_queued_max");
        let backwards = Reconnect { most: Duration::ZERO, ..Reconnect::default() };
        assert_eq!(refused(config().reconnect(backwards)), "reconnect");
        assert_eq!(refused(config().heartbeat(Duration::from_secs(30))), "heartbeat");
        assert_eq!(refused(config().heartbeat(Duration::ZERO)), "heartbeat");
        assert_eq!(refused(config().pong_timeout(Duration::MAX)), "timeouts and reconnect");
    }

    #[test]
    fn a_token_is_never_printed() {
        let config = Config::builder("127.0.0.1:7610").user("alice", "hunter2").build().unwrap();
        let printed = format!("{config:?} {config:#?}");
        assert!(printed.contains("alice") && !printed.contains("hunter2"), "{printed}");
    }
}
