//! What the protocol can carry, checked before anything is sent.
//!
//! A first LOGIN that breaks a limit is closed without a byte, and so is a connection with an over-long frame: a
//! reason given here is one that the server could not give.

use crate::{
    Invalid, Login,
    limits::{ID_BYTES_MAX, TOKEN_BYTES_MAX},
};

pub(crate) fn login(login: &Login) -> Result<(), Invalid> {
    match login {
        Login::Guest => Ok(()),
        Login::User { user, token } => {
            id("userId", user)?;
            not_empty("token", token.len())?;
            at_most("token", token.len(), TOKEN_BYTES_MAX)
        }
    }
}

//= PROTOCOL.md#14.5
// A chatroomId has 1 to 128 bytes and no control character.
pub(crate) fn room(room: &str) -> Result<(), Invalid> {
    id("room", room)
}

pub(crate) fn at_most(field: &'static str, len: usize, max: usize) -> Result<(), Invalid> {
    if len > max { Err(Invalid::TooLarge { field, len, max }) } else { Ok(()) }
}

fn id(field: &'static str, value: &str) -> Result<(), Invalid> {
    not_empty(field, value.len())?;
    at_most(field, value.len(), ID_BYTES_MAX)?;
    if value.chars().any(char::is_control) { Err(Invalid::ControlCharacter { field }) } else { Ok(()) }
}

fn not_empty(field: &'static str, len: usize) -> Result<(), Invalid> {
    if len == 0 { Err(Invalid::Empty { field }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_allow_their_value_and_refuse_one_more() {
        assert_eq!(room(&"r".repeat(128)), Ok(()));
        assert_eq!(room(&"r".repeat(129)), Err(Invalid::TooLarge { field: "room", len: 129, max: 128 }));
        assert_eq!(login(&Login::user("u".repeat(128), "t".repeat(4096))), Ok(()));
        assert!(login(&Login::user("u".repeat(129), "t")).is_err());
        assert!(login(&Login::user("u", "t".repeat(4097))).is_err());
    }

    #[test]
    fn names_are_neither_empty_nor_hold_control_characters() {
        assert_eq!(room(""), Err(Invalid::Empty { field: "room" }));
        for bad in ["a\0", "\n", "\u{7f}", "x\u{9f}"] {
            assert_eq!(room(bad), Err(Invalid::ControlCharacter { field: "room" }), "{bad:?}");
        }
        assert_eq!(room("直播间 🎉"), Ok(()));
        assert_eq!(login(&Login::user("", "t")), Err(Invalid::Empty { field: "userId" }));
        assert_eq!(login(&Login::user("u", "")), Err(Invalid::Empty { field: "token" }));
        assert_eq!(login(&Login::Guest), Ok(()));
    }
}
