//! What a provider answers: who this is, or why not.

use longwire_wire::{Status, UserInfo};

/// An identity, or a refusal.
pub type Answer = Result<Identity, Refusal>;

/// Who a user is, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The userId of the LOGIN.
    pub user_id: Box<str>,
    /// nickname, level, room level and tags, where the provider states any of them; replaces the client's own.
    pub info: Option<Box<UserInfo>>,
    /// What the user may do beyond the others.
    pub roles: Box<[Box<str>]>,
    /// The only rooms that the user may join; `None`: any.
    pub rooms: Option<Box<[Box<str>]>>,
    /// From when on what proved this is void, Unix milliseconds, a token's leeway included; `None`: never.
    pub expires_at_ms: Option<u64>,
}

impl Identity {
    /// A user of whom nothing else is known.
    pub fn bare(user_id: impl Into<Box<str>>) -> Self {
        Self { user_id: user_id.into(), info: None, roles: Box::default(), rooms: None, expires_at_ms: None }
    }
}

/// What the engine keeps of it; roles wait for what they may do.
impl From<Identity> for longwire_engine::Identity {
    fn from(identity: Identity) -> Self {
        let claims = longwire_engine::Claims {
            info: identity.info.map(|info| *info),
            rooms: identity.rooms.map(Vec::from),
            expires_at_ms: identity.expires_at_ms,
        };
        let says_nothing = claims == longwire_engine::Claims::default();
        Self { user_id: identity.user_id.into(), claims: (!says_nothing).then(|| Box::new(claims)) }
    }
}

/// A LOGIN that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For the log and the metric.
    pub reason: Reason,
}

impl Refusal {
    /// What the client is told.
    pub fn status(self) -> Status {
        self.reason.status()
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason }
    }
}

/// One list makes the reasons, their names, their status and their words, so that they cannot drift apart.
macro_rules! reasons {
    ($($name:ident, $text:literal, $status:ident, $words:literal;)*) => {
        /// Why a LOGIN was refused: one stable name each for the log and the metric, and never a secret.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $(#[doc = concat!("`", $text, "`: ", $words, ".")] $name,)*
        }

        impl Reason {
            /// All of them, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name in logs and metrics.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What the client is told. The one place where a reason becomes a number on the wire.
            pub fn status(self) -> Status {
                match self { $(Self::$name => Status::$status,)* }
            }

            /// The reason in words, for people.
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }
        }
    };
}

impl Reason {
    /// Whether it says something about the provider rather than about the token.
    pub(crate) fn is_failure(self) -> bool {
        self.status() == Status::OVERLOADED
    }
}

reasons! {
    NotAToken, "not_a_token", UNAUTHENTICATED, "it is no JWT: three parts of base64url without padding, the first two JSON objects without repeated names";
    Algorithm, "algorithm", UNAUTHENTICATED, "its algorithm is none, unknown, or not the one of its key";
    CriticalHeader, "critical_header", UNAUTHENTICATED, "its header asks for an extension (crit, b64, zip) that is not supported";
    TokenType, "token_type", UNAUTHENTICATED, "its typ says that it is no access token (JWT or at+jwt)";
    UnknownKey, "unknown_key", UNAUTHENTICATED, "no key fits its kid, or it has none and several keys fit its algorithm";
    Signature, "signature", UNAUTHENTICATED, "its signature is not of this key";
    NoExpiry, "no_expiry", UNAUTHENTICATED, "it has no exp";
    TimeMalformed, "time_malformed", UNAUTHENTICATED, "its exp, nbf or iat is not a whole number of seconds since 1970";
    Expired, "expired", UNAUTHENTICATED, "its exp and login.jwt.leeway, or its expires_at_ms, have passed";
    NotYetValid, "not_yet_valid", UNAUTHENTICATED, "its nbf or iat lies in the future";
    Lifetime, "lifetime", UNAUTHENTICATED, "from its iat to its exp is more than login.jwt.lifetime_max, or it has no iat";
    Issuer, "issuer", UNAUTHENTICATED, "its iss is not login.jwt.issuer";
    Audience, "audience", UNAUTHENTICATED, "its aud does not name login.jwt.audience, or names somebody where none is configured";
    UserMismatch, "user_mismatch", UNAUTHENTICATED, "it is not this user's";
    ClaimMalformed, "claim_malformed", UNAUTHENTICATED, "a claim about the user has the wrong type or is too large";
    KeysUnavailable, "keys_unavailable", OVERLOADED, "the address of the keys does not answer, and the keys at hand are none or too old";
    ReservedUser, "reserved_user", UNAUTHENTICATED, "system and what begins with guest: are the server's own names, and no user's";
    WrongToken, "wrong_token", UNAUTHENTICATED, "there is no such user with such a token";
    CallbackRefused, "callback_refused", UNAUTHENTICATED, "the login service refused it";
    CallbackFull, "callback_full", OVERLOADED, "login.http.in_flight_max calls are under way";
    CallbackOpen, "callback_open", OVERLOADED, "the login service failed several times in a row and is asked again in a moment";
    CallbackTimeout, "callback_timeout", OVERLOADED, "the login service did not answer within login.http.timeout";
    CallbackUnreachable, "callback_unreachable", OVERLOADED, "the login service cannot be reached, or broke off";
    CallbackStatus, "callback_status", OVERLOADED, "the login service answered with another status than 200, 401 or 403";
    CallbackAnswer, "callback_answer", OVERLOADED, "the login service's answer is too large or not what docs/login.md asks for";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_a_metric() {
        for (at, reason) in Reason::ALL.iter().enumerate() {
            let name = reason.name();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert!(Reason::ALL[..at].iter().all(|earlier| earlier.name() != name), "{name}");
        }
    }

    #[test]
    fn whoever_proves_nothing_is_unauthenticated_and_whoever_cannot_be_judged_may_come_back() {
        for reason in Reason::ALL {
            let cannot_judge = reason.name().starts_with("callback_") && *reason != Reason::CallbackRefused
                || *reason == Reason::KeysUnavailable;
            let status = if cannot_judge { Status::OVERLOADED } else { Status::UNAUTHENTICATED };
            assert_eq!(Refusal::from(*reason).status(), status, "{reason:?}");
        }
    }
}
