//! Who a client logs in as, and where that comes from.

use std::{error::Error, fmt, future::Future, pin::Pin, sync::Arc};

/// One login: a user with a token, or a guest.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// May join rooms and read; may not send.
    Guest,
    /// A user as the server's login provider knows them.
    User {
        /// The userId, 1 to 128 bytes without control characters.
        user: String,
        /// The token, 1 byte to 4 KiB. Never printed by this crate.
        token: String,
    },
}

impl Login {
    /// A user with their token.
    pub fn user(user: impl Into<String>, token: impl Into<String>) -> Self {
        Self::User { user: user.into(), token: token.into() }
    }

    /// The userId, or `None` for a guest.
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::Guest => None,
            Self::User { user, .. } => Some(user),
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest => f.write_str("Guest"),
            Self::User { user, .. } => write!(f, "User({user:?}, token hidden)"),
        }
    }
}

/// Why a login source had nothing to give: any error of the application's.
pub type LoginError = Box<dyn Error + Send + Sync>;
type LoginFuture = Pin<Box<dyn Future<Output = Result<Login, LoginError>> + Send>>;

/// Where a login comes from: a fixed one, or a callback that is asked again for every connection.
#[derive(Clone)]
pub struct LoginSource(Source);

#[derive(Clone)]
enum Source {
    Fixed(Login),
    Asked(Arc<dyn Fn() -> LoginFuture + Send + Sync>),
}

impl LoginSource {
    /// Asks `provider` before every LOGIN, so that a token may be fetched fresh. Its error counts as a failed
    /// attempt and is tried again on the reconnect schedule.
    pub fn ask<F, Fut>(provider: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Login, LoginError>> + Send + 'static,
    {
        Self(Source::Asked(Arc::new(move || Box::pin(provider()))))
    }

    pub(crate) async fn login(&self) -> Result<Login, LoginError> {
        match &self.0 {
            Source::Fixed(login) => Ok(login.clone()),
            Source::Asked(provider) => provider().await,
        }
    }
}

impl From<Login> for LoginSource {
    fn from(login: Login) -> Self {
        Self(Source::Fixed(login))
    }
}

impl fmt::Debug for LoginSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Fixed(login) => login.fmt(f),
            Source::Asked(_) => f.write_str("Asked"),
        }
    }
}
