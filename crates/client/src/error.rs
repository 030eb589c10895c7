//! What can go wrong, by whose fault, and whether trying again can help.
//!
//! [`Fault`] is about a connection, [`CallError`] about one call, [`Refusal`] is the server's own no.

use longwire_wire::{FrameError, InflateError, Status};
use std::{fmt, io, sync::Arc};

/// Names one `send` among all sends of a client, over reconnects too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SendId(pub u64);

/// Which call an answer belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The first LOGIN of a connection, or a later one by `Client::login`.
    Login,
    /// `Client::join`.
    Join {
        /// The room asked for.
        room: Arc<str>,
    },
    /// A room joined again after a reconnect. RATE_LIMITED, OVERLOADED, TOO_MANY and INTERNAL are tried again on the
    /// reconnect schedule; any other status forgets the room.
    Rejoin {
        /// The room asked for.
        room: Arc<str>,
    },
    /// `Client::send`.
    Send {
        /// What `send` returned.
        id: SendId,
        /// The room it was for.
        room: Arc<str>,
    },
    /// `Client::ping`, `Client::flush` or a heartbeat.
    Ping,
    /// Nothing this client remembers: too long ago, or the server's mistake.
    Unknown {
        /// The frame's command number.
        command: u8,
        /// The frame's seq.
        seq: u32,
    },
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login => f.write_str("login"),
            Self::Join { room } => write!(f, "join of {room}"),
            Self::Rejoin { room } => write!(f, "joining {room} again"),
            Self::Send { id, room } => write!(f, "message {} to {room}", id.0),
            Self::Ping => f.write_str("ping"),
            Self::Unknown { command, seq } => write!(f, "frame {seq} (command {command})"),
        }
    }
}

/// The server said no: to which call, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The call that was refused.
    pub call: Call,
    /// The server's reason.
    pub status: Status,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status.name() {
            Some(name) => write!(f, "{}: {name} ({})", self.call, self.status.0),
            None => write!(f, "{}: status {}", self.call, self.status.0),
        }
    }
}

/// Why a connection could not be made, or ended.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No connection could be opened.
    #[error("no connection: {0}")]
    Connect(#[source] Arc<io::Error>),
    /// Nobody answered in time.
    #[error("no connection within the time allowed")]
    ConnectTimeout,
    /// The application's login source had nothing to give.
    #[error("no login to send: {0}")]
    LoginSource(Arc<dyn std::error::Error + Send + Sync>),
    /// The login breaks a limit of the protocol; it was not sent.
    #[error("a login that cannot be sent: {0}")]
    LoginInvalid(#[from] Invalid),
    /// The server refused the LOGIN.
    #[error("{}", Refusal { call: Call::Login, status: *.0 })]
    LoginRefused(Status),
    /// The LOGIN was not answered in time.
    #[error("the login was not answered in time")]
    LoginTimeout,
    /// The server closed the connection.
    #[error("the server closed the connection")]
    ServerClosed,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[source] Arc<io::Error>),
    /// The server did not answer a PING in time.
    #[error("the server did not answer a ping in time")]
    NoPong,
    /// The server took no byte for 30 s.
    #[error("the server took no byte for 30 s")]
    Stalled,
    /// The server sent what the protocol does not allow.
    #[error("the server broke the protocol: {0}")]
    Protocol(#[from] ProtocolError),
}

impl Fault {
    /// Whether trying the same again cannot help: a LOGIN that is wrong, not allowed or banned, or one the
    /// protocol cannot carry. Everything else is tried again.
    pub fn is_final(&self) -> bool {
        match self {
            Self::LoginRefused(status) => matches!(
                *status,
                Status::UNAUTHENTICATED
                    | Status::FORBIDDEN
                    | Status::BANNED
                    | Status::MALFORMED
                    | Status::TOO_LARGE
                    | Status::UNSUPPORTED
            ),
            Self::LoginInvalid(_) => true,
            Self::Connect(_)
            | Self::ConnectTimeout
            | Self::LoginSource(_)
            | Self::LoginTimeout
            | Self::ServerClosed
            | Self::Io(_)
            | Self::NoPong
            | Self::Stalled
            | Self::Protocol(_) => false,
        }
    }
}

/// What a server sent that the protocol does not allow. The connection is given up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A frame over the limit, or a `len` that the reading cannot mean.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// A body that is not gzip though it says so, or inflates beyond the limit.
    #[error("{0}")]
    Inflate(#[from] InflateError),
    /// Reserved compression bits.
    #[error("reserved compression")]
    ReservedCompression,
    /// A frame whose flow only a client may use, or nobody.
    #[error("a frame of flow {0} from a server")]
    Flow(u8),
    /// A push that does not decode.
    #[error("a push that does not decode: {0}")]
    Push(#[from] longwire_wire::BodyError),
    /// Anything but LOGIN's answer as the first frame.
    #[error("something else before the login was answered")]
    BeforeLogin,
}

/// What a call asks for that the protocol cannot carry; nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// A field that must not be empty is.
    #[error("{field} is empty")]
    Empty {
        /// The field.
        field: &'static str,
    },
    /// A field or body over its limit.
    #[error("{field} has {len} bytes, over the limit of {max}")]
    TooLarge {
        /// The field.
        field: &'static str,
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// A control character where none may be.
    #[error("{field} contains a control character")]
    ControlCharacter {
        /// The field.
        field: &'static str,
    },
}

/// Why a call did not do what it says.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// There is no connection just now; nothing was sent. It is being tried again unless `Closed` follows.
    #[error("not connected")]
    NotConnected,
    /// The connection was lost before the answer came: whether the server did it is not known.
    #[error("the connection was lost before the answer came")]
    Lost,
    /// The server said no.
    #[error("{0}")]
    Refused(Refusal),
    /// The protocol cannot carry this; nothing was sent.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// The application's login source had nothing to give; nothing was sent.
    #[error("no login to send: {0}")]
    LoginSource(Arc<dyn std::error::Error + Send + Sync>),
    /// Too many calls wait for their answers, or too many rooms are joined; nothing was sent.
    #[error("more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// No answer came within the call timeout.
    #[error("no answer in time")]
    TimedOut,
    /// No answer was seen within the call timeout, because the events in front of it are not being read.
    #[error("the answer waits behind events that are not being read")]
    EventsUnread,
    /// The client is closed for good.
    #[error("the client is closed")]
    Closed,
}
