//! Commands by name, the numbers a deployment gives them, and status codes.
use std::fmt;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Client: who I am. Answered by a header alone.
    Login,
    /// Client: goodbye. Never answered.
    Logout,
    /// Client: I am alive.
    Ping,
    /// Server: the answer to a PING.
    Pong,
    /// Client: I enter a chatroom. Answered by a header alone.
    JoinCr,
    /// Client: a chat message, no answer on success. Server: the push of messages.
    Cms,
}

impl Command {
    /// Every command, in the order in which [`CommandMap::new`] takes their numbers.
    pub const ALL: [Self; 6] = [Self::Login, Self::Logout, Self::Ping, Self::Pong, Self::JoinCr, Self::Cms];

    /// The name as the protocol writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "LOGIN",
            Self::Logout => "LOGOUT",
            Self::Ping => "PING",
            Self::Pong => "PONG",
            Self::JoinCr => "JOIN_CR",
            Self::Cms => "CMS",
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which number each command has on the wire; unique, never 0. Default: LOGIN 1 … CMS 6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandMap {
    /// By `Command as usize`. Six bytes are searched faster than a table of 256 is fetched.
    codes: [u8; 6],
}

/// Numbers that no reader could tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandMapError {
    /// 0 is RESERVED.
    #[error("{0} cannot have number 0, which is reserved")]
    Zero(Command),
    /// Two commands, one number.
    #[error("{first} and {second} both have number {code}")]
    Duplicate {
        /// The number.
        code: u8,
        /// The earlier of the two.
        first: Command,
        /// The later of the two.
        second: Command,
    },
}

//= PROTOCOL.md#4.1
// The commands have these codes by default.
impl Default for CommandMap {
    fn default() -> Self {
        Self { codes: [1, 2, 3, 4, 5, 6] }
    }
}

impl CommandMap {
    /// `codes` in the order LOGIN, LOGOUT, PING, PONG, JOIN_CR, CMS.
    pub fn new(codes: [u8; 6]) -> Result<Self, CommandMapError> {
        for (at, (&code, second)) in codes.iter().zip(Command::ALL).enumerate() {
            if code == 0 {
                return Err(CommandMapError::Zero(second));
            }
            if let Some(earlier) = codes[..at].iter().position(|&other| other == code) {
                return Err(CommandMapError::Duplicate { code, first: Command::ALL[earlier], second });
            }
        }
        Ok(Self { codes })
    }

    /// The number of a command.
    pub fn code(&self, command: Command) -> u8 {
        self.codes[command as usize]
    }

    /// The command of a number; `None` for one that is not listed.
    pub fn command(&self, code: u8) -> Option<Command> {
        self.codes.iter().position(|&other| other == code).map(|at| Command::ALL[at])
    }
}

/// A status byte. Unknown numbers are representable: a client may meet a newer server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status(pub u8);

/// One list makes the constants and their names, so that they cannot drift apart.
macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        impl Status {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// The name in PROTOCOL.md, or `None` for a number it does not list.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

//= PROTOCOL.md#5.1
// The status codes are those of its table.
statuses! {
    /// It is done.
    OK = 0,
    /// The frame or its body does not decode.
    MALFORMED = 1,
    /// The token is wrong, expired or of somebody else.
    UNAUTHENTICATED = 2,
    /// Not allowed here: a guest sends, a client's NOTIFY, another user on this connection.
    FORBIDDEN = 3,
    /// The room was not joined.
    NOT_JOINED = 4,
    /// Too fast.
    RATE_LIMITED = 5,
    /// Muted in this room.
    MUTED = 6,
    /// Banned.
    BANNED = 7,
    /// There is no such room.
    NO_SUCH_ROOM = 8,
    /// A frame, a body or a field over its limit.
    TOO_LARGE = 9,
    /// A command this server does not serve.
    UNSUPPORTED = 10,
    /// The node or its login provider cannot take more.
    OVERLOADED = 11,
    /// Rooms of this connection, connections of this user, members of this room.
    TOO_MANY = 12,
    /// The server's own mistake.
    INTERNAL = 13,
    /// This text was refused; the sender may go on.
    REJECTED = 14,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_finds_its_command_back() {
        for map in [CommandMap::default(), CommandMap::new([200, 9, 8, 7, 255, 1]).unwrap()] {
            for command in Command::ALL {
                assert_eq!(map.command(map.code(command)), Some(command));
            }
            assert_eq!(map.command(0), None);
            assert_eq!((0..=255).filter(|&code| map.command(code).is_some()).count(), 6);
        }
    }

    #[test]
    fn all_is_in_the_order_of_the_variants() {
        for (at, command) in Command::ALL.into_iter().enumerate() {
            assert_eq!(command as usize, at);
        }
    }

    #[test]
    fn numbers_that_cannot_be_told_apart_are_refused() {
        //= PROTOCOL.md#19.1
        assert_eq!(CommandMap::new([1, 2, 3, 0, 5, 6]), Err(CommandMapError::Zero(Command::Pong)));
        let twice = CommandMapError::Duplicate { code: 2, first: Command::Logout, second: Command::Cms };
        assert_eq!(CommandMap::new([1, 2, 3, 4, 5, 2]), Err(twice));
        assert_eq!(twice.to_string(), "LOGOUT and CMS both have number 2");
    }

    #[test]
    fn statuses_are_those_of_the_table() {
        //= PROTOCOL.md#5.1
        let table = [
            (Status::OK, "OK"),
            (Status::MALFORMED, "MALFORMED"),
            (Status::UNAUTHENTICATED, "UNAUTHENTICATED"),
            (Status::FORBIDDEN, "FORBIDDEN"),
            (Status::NOT_JOINED, "NOT_JOINED"),
            (Status::RATE_LIMITED, "RATE_LIMITED"),
            (Status::MUTED, "MUTED"),
            (Status::BANNED, "BANNED"),
            (Status::NO_SUCH_ROOM, "NO_SUCH_ROOM"),
            (Status::TOO_LARGE, "TOO_LARGE"),
            (Status::UNSUPPORTED, "UNSUPPORTED"),
            (Status::OVERLOADED, "OVERLOADED"),
            (Status::TOO_MANY, "TOO_MANY"),
            (Status::INTERNAL, "INTERNAL"),
            (Status::REJECTED, "REJECTED"),
        ];
        for (code, (status, name)) in (0..).zip(table) {
            assert_eq!((status, status.name()), (Status(code), Some(name)));
        }
        assert!((15..=255).all(|code| Status(code).name().is_none()));
        assert_eq!([Status::REJECTED.to_string(), Status(15).to_string()], ["14 (REJECTED)", "15"]);
    }
}
