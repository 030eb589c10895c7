//! The provider in force, behind one call, whichever it is.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use super::answer::{Answer, Identity, Reason, Refusal};
use super::http::Callback;
use super::jwt::Jwt;
use super::question::Question;
use super::staticfile::Users;
use crate::config::{LoginConfig, LoginProvider};

/// Something that keeps a provider from being built: which key of the configuration, and what is wrong with what it
/// names. Never shows what is in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct BuildError {
    /// The key's full name.
    pub key: &'static str,
    /// What is wrong.
    pub reason: String,
}

impl BuildError {
    pub(crate) fn new(key: &'static str, reason: impl Into<String>) -> Self {
        Self { key, reason: reason.into() }
    }
}

/// Who is asked whether a token is a user's.
pub struct Provider {
    config: LoginConfig,
    kind: Kind,
}

enum Kind {
    Open,
    Static(RwLock<Arc<Users>>),
    Jwt(RwLock<Arc<Jwt>>),
    Http(Box<Callback>),
}

/// Never shows what it holds.
impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Provider({:?})", self.config.provider)
    }
}

impl Provider {
    /// Reads the files that the configuration names, and checks them; asks nobody yet, and needs no runtime.
    ///
    /// # Errors
    /// The first file that cannot be used. [`super::check::problems`] tells all of them.
    pub fn build(config: &LoginConfig) -> Result<Self, BuildError> {
        let kind = match config.provider {
            LoginProvider::Open => Kind::Open,
            LoginProvider::Static => Kind::Static(RwLock::new(Arc::new(Users::build(config)?))),
            LoginProvider::Jwt => Kind::Jwt(RwLock::new(Arc::new(Jwt::build(config)?))),
            LoginProvider::Http => Kind::Http(Box::new(Callback::build(&config.http)?)),
        };
        Ok(Self { config: config.clone(), kind })
    }

    /// Begins what goes on in the background (fetching keys), so that the first LOGIN need not wait for it. To be
    /// called on the control runtime; without it, the first question does it.
    pub fn start(&self) {
        if let Kind::Jwt(jwt) = &self.kind {
            current(jwt).start();
        }
    }

    /// Answers one LOGIN. On the control runtime; takes as long as the provider may, which its configuration bounds,
    /// and may be dropped at any await.
    pub async fn answer(&self, question: &Question) -> Answer {
        self.answer_at(question, unix_ms()).await.inspect_err(|refusal| log(*refusal, question))
    }

    pub(crate) async fn answer_at(&self, question: &Question, now_ms: u64) -> Answer {
        reserved(&question.user_id)?;
        let (token, user_id) = (question.token.expose(), &question.user_id);
        match &self.kind {
            //= PROTOCOL.md#8.15
            // The provider `open` accepts every token that is not empty, for any userId.
            Kind::Open => Ok(Identity::bare(user_id.clone())),
            Kind::Static(users) => current(users).answer(token, user_id),
            Kind::Jwt(jwt) => current(jwt).answer(token, user_id, now_ms).await,
            Kind::Http(callback) => callback.answer(question, now_ms).await,
        }
    }

    /// The answer, where it can be given at once and for nothing: `open` can always, and so needs no runtime.
    pub fn answer_now(&self, question: &Question) -> Option<Answer> {
        match reserved(&question.user_id) {
            Err(refusal) => {
                log(refusal, question);
                Some(Err(refusal))
            }
            Ok(()) => matches!(self.kind, Kind::Open).then(|| Ok(Identity::bare(question.user_id.clone()))),
        }
    }

    /// Reads the files again, for SIGHUP. One that cannot be used keeps what was read before, as a whole.
    ///
    /// # Errors
    /// Why everything stays as it was.
    pub fn reload(&self) -> Result<(), BuildError> {
        match &self.kind {
            Kind::Open => {}
            Kind::Static(users) => {
                let fresh = Users::build(&self.config)?;
                tracing::info!(users = fresh.len(), "login.static_file: read again");
                replace(users, fresh);
            }
            Kind::Jwt(jwt) => {
                let fresh = current(jwt).rebuild(&self.config)?;
                replace(jwt, fresh);
            }
            Kind::Http(callback) => callback.reload(&self.config.http)?,
        }
        Ok(())
    }
}

//= PROTOCOL.md#8.23
// The server's own names are no user's, whatever the provider would say of the token.
fn reserved(user_id: &str) -> Result<(), Refusal> {
    if longwire_engine::is_reserved(user_id) { Err(Reason::ReservedUser.into()) } else { Ok(()) }
}

fn log(refusal: Refusal, question: &Question) {
    let (user_id, connection) = (&*question.user_id, question.connection_name());
    let address = crate::logging::Host(question.address);
    tracing::debug!(reason = refusal.reason.name(), user_id, connection, %address, "login refused");
}

pub(super) fn current<T>(cell: &RwLock<Arc<T>>) -> Arc<T> {
    Arc::clone(&cell.read().unwrap_or_else(PoisonError::into_inner)) // an Arc is whole at any moment
}

pub(super) fn replace<T>(cell: &RwLock<Arc<T>>, fresh: T) {
    *cell.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
}

/// Unix time in milliseconds; a clock before 1970 is 1970.
fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
