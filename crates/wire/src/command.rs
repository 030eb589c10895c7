//! Commands by name, the numbers a deployment gives them, and status codes.

/// What a frame is for (PROTOCOL.md, commands).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    Login,
    Logout,
    Ping,
    Pong,
    JoinCr,
    Cms,
}

/// Which number each command has on the wire; unique, never 0. Default: LOGIN 1 … CMS 6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandMap {/* codes by command, commands by code */}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandMapError {
    #[error("todo")]
    Todo,
}

impl Default for CommandMap {
    fn default() -> Self {
        todo!()
    }
}
impl CommandMap {
    /// `codes` in the order LOGIN, LOGOUT, PING, PONG, JOIN_CR, CMS.
    pub fn new(_codes: [u8; 6]) -> Result<Self, CommandMapError> {
        todo!()
    }
    pub fn code(&self, _command: Command) -> u8 {
        todo!()
    }
    pub fn command(&self, _code: u8) -> Option<Command> {
        todo!()
    }
}

/// A status byte. Unknown numbers are representable: a client may meet a newer server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status(pub u8);
impl Status {
    pub const OK: Self = Self(0);
    pub const MALFORMED: Self = Self(1);
    pub const UNAUTHENTICATED: Self = Self(2);
    pub const FORBIDDEN: Self = Self(3);
    pub const NOT_JOINED: Self = Self(4);
    pub const RATE_LIMITED: Self = Self(5);
    pub const MUTED: Self = Self(6);
    pub const BANNED: Self = Self(7);
    pub const NO_SUCH_ROOM: Self = Self(8);
    pub const TOO_LARGE: Self = Self(9);
    pub const UNSUPPORTED: Self = Self(10);
    pub const OVERLOADED: Self = Self(11);
    pub const TOO_MANY: Self = Self(12);
    pub const INTERNAL: Self = Self(13);
    pub const REJECTED: Self = Self(14);
    /// The name in PROTOCOL.md, or `None` for a number it does not list.
    pub fn name(self) -> Option<&'static str> {
        todo!()
    }
}
