//! What the engine asks its driver to do to a connection, and why connections end.

use longwire_wire::Status;

use crate::ids::{ConnId, Slot};

/// Why a connection was closed: one list for the log, the metrics and the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The peer closed, or its socket failed.
    Gone,
    /// LOGOUT.
    Logout,
    /// No complete frame for `wire.timeouts.idle`.
    Idle,
    /// No LOGIN within `wire.timeouts.login_start`, or not all of it within `wire.timeouts.login`.
    NoLogin,
    /// The first byte was of nothing that is served where it came.
    NotServed,
    /// A handshake did not end well, or not in time: TLS, a WebSocket's upgrade, a PROXY header.
    Handshake,
    /// A plain HTTP request was answered.
    Http,
    /// It broke the rules of what carries its frames: TLS, WebSocket.
    Violation,
    /// The first frame was no well-formed LOGIN.
    FirstFrame,
    /// A frame that no later byte can be trusted after.
    Malformed,
    /// A frame over the limit.
    TooLarge,
    /// LOGIN was refused, for a reason that has no name of its own below.
    LoginRefused,
    /// LOGIN was refused: this user may not be here.
    Banned,
    /// LOGIN was refused: connections of this user, connections or guests of this address.
    TooMany,
    /// LOGIN was refused by a fault of ours.
    Internal,
    /// No byte taken for `fanout.stall_timeout` while owed, or more owed than may be: half-sent frames, late refusals.
    Slow,
    /// A bound of the node was met: unauthenticated connections, half-sent frames, memory; or LOGIN could not be judged.
    Overloaded,
    /// A newer session of the same user replaced it (`login.sessions = "newest"`).
    Replaced,
    /// Its token has expired, and it was not renewed in time.
    Expired,
    /// It went on sending frames above its rate, or LOGIN was throttled.
    TooFast,
    /// The server is going down.
    Draining,
    /// The server was told to stop at once.
    Cut,
}

impl CloseReason {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 22] = [
        Self::Gone,
        Self::Logout,
        Self::Idle,
        Self::NoLogin,
        Self::NotServed,
        Self::Handshake,
        Self::Http,
        Self::Violation,
        Self::FirstFrame,
        Self::Malformed,
        Self::TooLarge,
        Self::LoginRefused,
        Self::Banned,
        Self::TooMany,
        Self::Internal,
        Self::Slow,
        Self::Overloaded,
        Self::Replaced,
        Self::Expired,
        Self::TooFast,
        Self::Draining,
        Self::Cut,
    ];

    /// Of a connection whose LOGIN was answered with `status`: who may come back is told apart from who should not.
    pub(crate) fn of_refused_login(status: Status) -> Self {
        match status {
            Status::BANNED => Self::Banned,
            Status::TOO_MANY => Self::TooMany,
            Status::INTERNAL => Self::Internal,
            Status::OVERLOADED => Self::Overloaded,
            Status::RATE_LIMITED => Self::TooFast,
            _ => Self::LoginRefused,
        }
    }

    /// The name in logs, metrics and books.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Logout => "logout",
            Self::Idle => "idle",
            Self::NoLogin => "no_login",
            Self::NotServed => "not_served",
            Self::Handshake => "handshake",
            Self::Http => "http",
            Self::Violation => "violation",
            Self::FirstFrame => "first_frame",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::LoginRefused => "login_refused",
            Self::Banned => "banned",
            Self::TooMany => "too_many",
            Self::Internal => "internal",
            Self::Slow => "slow",
            Self::Overloaded => "overloaded",
            Self::Replaced => "replaced",
            Self::Expired => "token_expired",
            Self::TooFast => "too_fast",
            Self::Draining => "draining",
            Self::Cut => "cut",
        }
    }
}

/// What the driver does next. Actions of one connection come in order.
#[derive(Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask the login provider; answer with [`crate::Shard::login_answered`], at any later time.
    Authenticate {
        /// Who asks; may be gone when the answer comes.
        conn: ConnId,
        /// The client's word. A secret: never logged.
        token: String,
        /// The client's word.
        user_id: String,
    },
    /// Offer input again: what was left undecoded, then the socket.
    Resume(Slot),
    /// Read the socket once more, then call [`crate::Shard::idle_confirmed`]: the server's own pause is nobody's fault.
    LastLook(Slot),
    /// Everything that is owed was taken: shut down the sending side; go on reading, and throw away what comes.
    ShutdownWrite(Slot, CloseReason),
    /// Close the socket, forget its input, and call [`crate::Shard::release`].
    Close(Slot, CloseReason),
}

impl std::fmt::Debug for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Authenticate { conn, .. } => write!(f, "Authenticate({conn:?})"), // the token reaches no log
            Self::Resume(slot) => write!(f, "Resume({slot})"),
            Self::LastLook(slot) => write!(f, "LastLook({slot})"),
            Self::ShutdownWrite(slot, reason) => write!(f, "ShutdownWrite({slot}, {reason:?})"),
            Self::Close(slot, reason) => write!(f, "Close({slot}, {reason:?})"),
        }
    }
}
