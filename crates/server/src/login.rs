//! Login providers: who answers the question «is this token this user's?».
//!
//! The engine asks by value and takes the answer at any later time, so a provider that has to ask somebody else
//! answers off the shards.

use longwire_engine::{Identity, LoginAnswer};

use crate::config::LoginProvider;

/// Who is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Provider {
    /// For development: every token that is not empty is right, for any user.
    Open,
}

impl Provider {
    pub(crate) fn of(provider: &LoginProvider) -> Self {
        match provider {
            LoginProvider::Open => Self::Open,
        }
    }

    /// The answer to a LOGIN with a token and a userId, both not empty.
    //= PROTOCOL.md#8.15
    // The provider `open` accepts every token that is not empty, for any userId.
    pub(crate) fn answer(self, _token: &str, user_id: &str) -> LoginAnswer {
        match self {
            Self::Open => Ok(Identity { user_id: user_id.into(), info: None }),
        }
    }
}
