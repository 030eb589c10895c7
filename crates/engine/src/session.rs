//! Who a connection is, and what each state makes of each message.
//!
//! [`rule`] is the whole decision; `session_transitions.txt` beside this file is its table, and a test holds the
//! two together. The same table for client authors: PROTOCOL.md section 16.

use std::sync::Arc;

use longwire_wire::{LengthReading, Status};

use crate::action::CloseReason;
use crate::ids::Millis;
use crate::login::Identity;
use crate::users::UserState;

/// The state of a connection's session. One struct a state: what a state does not have cannot be read.
#[derive(Debug)]
pub(crate) enum Session {
    AwaitLogin(AwaitLogin),
    Authenticating(Box<Authenticating>),
    Guest(Guest),
    User(User),
    Closing(Closing),
}

#[derive(Debug)]
pub(crate) struct AwaitLogin {
    pub(crate) since: Millis,
    /// When the first byte came.
    pub(crate) began: Option<Millis>,
    /// What `len` counts, where the connection's transport has told it from more than bytes.
    pub(crate) reading: Option<LengthReading>,
}

#[derive(Debug)]
pub(crate) struct Authenticating {
    /// The LOGIN's seq and command byte, for its answer.
    pub(crate) seq: u32,
    /// What it was before, where this is not its first LOGIN.
    pub(crate) before: Option<LoggedIn>,
    /// Whom the provider says it is: the user's home is asked next.
    pub(crate) admitted: Option<Identity>,
}

/// What a later LOGIN can fall back to.
#[derive(Debug)]
pub(crate) enum LoggedIn {
    Guest(Guest),
    User(User),
}

#[derive(Debug)]
pub(crate) struct Guest {
    /// Later LOGINs that were refused.
    pub(crate) failures: u8,
}

#[derive(Debug)]
pub(crate) struct User {
    pub(crate) identity: Identity,
    pub(crate) failures: u8,
    /// What it shares with the user's other sessions, where quotas need it.
    pub(crate) shared: Option<Arc<UserState>>,
}

#[derive(Debug)]
pub(crate) struct Closing {
    pub(crate) reason: CloseReason,
    /// The sending side is shut down; input is thrown away.
    pub(crate) shut: bool,
    /// When patience ends.
    pub(crate) deadline: Millis,
}

impl LoggedIn {
    pub(crate) fn into_session(self) -> Session {
        match self {
            Self::Guest(guest) => Session::Guest(guest),
            Self::User(user) => Session::User(user),
        }
    }
}

impl Session {
    pub(crate) fn state(&self) -> State {
        match self {
            Self::AwaitLogin(_) => State::AwaitLogin,
            Self::Authenticating(_) => State::Authenticating,
            Self::Guest(_) => State::Guest,
            Self::User(_) => State::User,
            Self::Closing(_) => State::Closing,
        }
    }

    /// Whose session it is, or is about to be.
    pub(crate) fn user_id(&self) -> Option<&Arc<str>> {
        match self {
            Self::Authenticating(auth) if auth.admitted.is_some() => {
                auth.admitted.as_ref().map(|user| &user.user_id)
            }
            Self::Authenticating(_) | Self::User(_) => self.user().map(|user| &user.identity.user_id),
            Self::AwaitLogin(_) | Self::Guest(_) | Self::Closing(_) => None,
        }
    }

    /// The logged-in user, also while it renews its login.
    pub(crate) fn user(&self) -> Option<&User> {
        match self {
            Self::User(user) => Some(user),
            Self::Authenticating(auth) => match &auth.before {
                Some(LoggedIn::User(user)) => Some(user),
                Some(LoggedIn::Guest(_)) | None => None,
            },
            Self::AwaitLogin(_) | Self::Guest(_) | Self::Closing(_) => None,
        }
    }
}

/// A session's state without what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Connected; the first frame must be a LOGIN.
    AwaitLogin,
    /// A LOGIN waits for its provider.
    Authenticating,
    /// Logged in without a user: hears, and may not speak.
    Guest,
    /// Logged in.
    User,
    /// On its way out: flushing, then throwing input away.
    Closing,
}

/// A decoded frame, as far as the state decides on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Msg {
    /// LOGIN with neither token nor userId.
    LoginGuest,
    /// LOGIN with exactly one of them.
    LoginHalf,
    /// LOGIN with both; the session's own userId, where it has one.
    LoginUser,
    /// LOGIN with both, and a userId other than the session's.
    LoginOther,
    /// LOGIN whose body does not decode, or breaks a limit.
    LoginBroken,
    /// LOGOUT.
    Logout,
    /// PING.
    Ping,
    /// JOIN_CR whose body is in order.
    Join,
    /// CMS whose body is in order, of a type that is open to users.
    Cms,
    /// CMS of any other type, NOTIFY among them.
    CmsClosedType,
    /// CMS that is in order, behind the end of what the login provider said.
    CmsExpired,
    /// A command that is not listed, or not the client's to send.
    Unlisted,
    /// Compression 2 or 3.
    ReservedCompression,
    /// A flow that is not 0, or a `rest` len below 7.
    BadHeader,
    /// A len over the limit.
    TooLong,
    /// Any frame but these two, over the rate of its connection. Never the first one.
    OverRate,
    /// The hundredth of them in a row.
    OverRateForLong,
}

impl Msg {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::LoginGuest,
        Self::LoginHalf,
        Self::LoginUser,
        Self::LoginOther,
        Self::LoginBroken,
        Self::Logout,
        Self::Ping,
        Self::Join,
        Self::Cms,
        Self::CmsClosedType,
        Self::CmsExpired,
        Self::Unlisted,
        Self::ReservedCompression,
        Self::BadHeader,
        Self::TooLong,
        Self::OverRate,
        Self::OverRateForLong,
    ];
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Becomes a guest, where guests are let in; else refused with FORBIDDEN and closed.
    EnterAsGuest,
    /// Ask the login provider.
    Authenticate,
    /// Answered with 0; nothing changes.
    Renewed,
    /// Answered with this status; the session stays. Of a LOGIN, the third one closes.
    Refuse(Status),
    /// Answered with this status, then closed.
    RefuseAndClose(Status, CloseReason),
    /// Closed without a byte.
    Close(CloseReason),
    /// Left undecoded until the LOGIN is answered.
    Wait,
    /// PONG.
    Pong,
    /// Join the room.
    Join,
    /// Publish to the room, where it was joined; else NOT_JOINED.
    Publish,
    /// Leave all rooms, flush, close.
    Leave,
    /// Thrown away.
    Ignore,
}

/// What `state` makes of `msg`.
//= PROTOCOL.md#16.1
// A frame has in each state the outcome that the first table gives.
pub fn rule(state: State, msg: Msg) -> Rule {
    match state {
        State::AwaitLogin => first_frame(msg),
        State::Authenticating => Rule::Wait,
        State::Guest => guest(msg),
        State::User => user(msg),
        State::Closing => Rule::Ignore,
    }
}

fn first_frame(msg: Msg) -> Rule {
    match msg {
        Msg::LoginGuest => Rule::EnterAsGuest,
        Msg::LoginUser | Msg::LoginOther => Rule::Authenticate,
        Msg::LoginHalf => Rule::RefuseAndClose(Status::UNAUTHENTICATED, CloseReason::LoginRefused),
        //= PROTOCOL.md#5.3
        // A first frame that is not a well-formed LOGIN makes the server close without sending a byte.
        Msg::LoginBroken
        | Msg::Logout
        | Msg::Ping
        | Msg::Join
        | Msg::Cms
        | Msg::CmsClosedType
        | Msg::CmsExpired
        | Msg::Unlisted
        | Msg::ReservedCompression
        | Msg::BadHeader
        | Msg::TooLong
        | Msg::OverRate
        | Msg::OverRateForLong => Rule::Close(CloseReason::FirstFrame),
    }
}

fn guest(msg: Msg) -> Rule {
    match msg {
        Msg::LoginGuest => Rule::Renewed,
        Msg::LoginUser | Msg::LoginOther => Rule::Authenticate,
        //= PROTOCOL.md#11.2
        // A CMS from a guest is answered with FORBIDDEN.
        Msg::Cms | Msg::CmsClosedType | Msg::CmsExpired => Rule::Refuse(Status::FORBIDDEN),
        Msg::LoginHalf
        | Msg::LoginBroken
        | Msg::Logout
        | Msg::Ping
        | Msg::Join
        | Msg::Unlisted
        | Msg::ReservedCompression
        | Msg::BadHeader
        | Msg::TooLong
        | Msg::OverRate
        | Msg::OverRateForLong => logged_in(msg),
    }
}

fn user(msg: Msg) -> Rule {
    match msg {
        Msg::LoginUser => Rule::Authenticate,
        //= PROTOCOL.md#8.8
        //= PROTOCOL.md#8.9
        // A later LOGIN of a user with another userId, or with neither, is answered with FORBIDDEN.
        Msg::LoginGuest | Msg::LoginOther => Rule::Refuse(Status::FORBIDDEN),
        Msg::Cms => Rule::Publish,
        //= PROTOCOL.md#11.8
        // NOTIFY from a client is answered with FORBIDDEN: notices are the server's own.
        Msg::CmsClosedType => Rule::Refuse(Status::FORBIDDEN),
        //= PROTOCOL.md#8.21
        // A CMS is answered with UNAUTHENTICATED from the moment on that the provider said.
        Msg::CmsExpired => Rule::Refuse(Status::UNAUTHENTICATED),
        Msg::LoginHalf
        | Msg::LoginBroken
        | Msg::Logout
        | Msg::Ping
        | Msg::Join
        | Msg::Unlisted
        | Msg::ReservedCompression
        | Msg::BadHeader
        | Msg::TooLong
        | Msg::OverRate
        | Msg::OverRateForLong => logged_in(msg),
    }
}

/// What guests and users share.
fn logged_in(msg: Msg) -> Rule {
    match msg {
        Msg::LoginHalf => Rule::Refuse(Status::UNAUTHENTICATED),
        Msg::LoginBroken => Rule::Refuse(Status::MALFORMED),
        Msg::Logout => Rule::Leave,
        Msg::Ping => Rule::Pong,
        Msg::Join => Rule::Join,
        Msg::Unlisted | Msg::ReservedCompression => Rule::Refuse(Status::UNSUPPORTED),
        Msg::BadHeader => Rule::RefuseAndClose(Status::MALFORMED, CloseReason::Malformed),
        Msg::TooLong => Rule::RefuseAndClose(Status::TOO_LARGE, CloseReason::TooLarge),
        //= PROTOCOL.md#5.22
        //= PROTOCOL.md#5.23
        // A frame over the rate is answered with RATE_LIMITED and not looked at; the hundredth in a row closes.
        Msg::OverRate => Rule::Refuse(Status::RATE_LIMITED),
        Msg::OverRateForLong => Rule::RefuseAndClose(Status::RATE_LIMITED, CloseReason::TooFast),
        Msg::LoginGuest
        | Msg::LoginUser
        | Msg::LoginOther
        | Msg::Cms
        | Msg::CmsClosedType
        | Msg::CmsExpired => {
            unreachable!("guests and users differ in these: {msg:?}") // our own mistake, found by the table's test
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 5] =
        [State::AwaitLogin, State::Authenticating, State::Guest, State::User, State::Closing];

    fn outcome(rule: Rule) -> String {
        match rule {
            Rule::Refuse(status) => format!("refuse {}", status.name().unwrap()),
            Rule::RefuseAndClose(status, reason) => {
                format!("refuse {} and close ({})", status.name().unwrap(), reason.name())
            }
            Rule::Close(reason) => format!("close ({})", reason.name()),
            Rule::EnterAsGuest
            | Rule::Authenticate
            | Rule::Renewed
            | Rule::Wait
            | Rule::Pong
            | Rule::Join
            | Rule::Publish
            | Rule::Leave
            | Rule::Ignore => format!("{rule:?}").to_lowercase(),
        }
    }

    /// Every state meets every message. To change a row, change the rule, then the file.
    #[test]
    fn transition_table() {
        let mut table = String::new();
        for msg in Msg::ALL {
            for state in STATES {
                let row =
                    format!("{:>14} --{msg:?}--> {}\n", format!("{state:?}"), outcome(rule(state, msg)));
                table += &row;
            }
        }
        assert_eq!(table, include_str!("session_transitions.txt"), "is now:\n{table}");
    }
}
