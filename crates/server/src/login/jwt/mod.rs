//! Tokens that prove themselves: JSON Web Tokens (RFC 7519), checked as RFC 8725 asks.
//!
//! A token is judged in one order: its shape, its key, its signature, and only then what it says. The key is chosen by
//! `kid` among the keys the operator configured or whose address they gave; whatever else a token says about keys
//! (`jku`, `x5u`, `jwk`, `x5c`) is not read, let alone asked. A key has one algorithm, fixed where it was loaded, and
//! the token's `alg` can only agree with it: that shuts out `none`, HMAC with a public key, and every cousin of these.
//!
//! Signatures are checked on the control runtime itself, one a poll: HS 2 µs, RS and PS 60, EdDSA 120, ES256 150, RSA of
//! 4096 bits 240, ES384 600 (`measure.rs`, on a busy machine). Handing each to another thread would bound nothing more.

mod claims;
mod fetch;
mod jwk;
mod jwks;
mod key;
pub mod make;
mod token;

#[cfg(test)]
mod forged;
#[cfg(test)]
mod measure;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::config::LoginConfig;

use self::claims::ClaimRules;
use self::jwks::{Found, Jwks};
use self::key::{Key, KeyRing};
use self::token::Unverified;
use super::answer::{Answer, Reason};
use super::provider::BuildError;

pub(crate) use self::fetch::HttpKeys;

/// The provider `jwt`.
pub(crate) struct Jwt {
    rules: ClaimRules,
    /// Of `[[login.key]]`.
    keys: KeyRing,
    /// Of `login.jwks.url`.
    jwks: Option<Arc<Jwks>>,
}

impl Jwt {
    /// Reads the key files; asks nobody yet.
    pub(crate) fn build(config: &LoginConfig) -> Result<Self, BuildError> {
        let keys = config.key.iter().map(|entry| {
            let refuse = |reason: String| BuildError::new("login.key", format!("{:?}: {reason}", entry.id));
            let bytes = read_bounded(&entry.key_file, key::FILE_BYTES_MAX).map_err(refuse)?;
            Key::from_file(&entry.id, entry.algorithm, &bytes).map_err(refuse)
        });
        let keys = KeyRing::new(keys.collect::<Result<Vec<_>, _>>()?);
        let jwks = if config.jwks.url.is_empty() {
            None
        } else {
            let source = HttpKeys::build(&config.jwks)?;
            Some(Jwks::new(source, &config.jwks))
        };
        Ok(Self { rules: ClaimRules::new(config), keys, jwks })
    }

    /// Begins to fetch keys, where they have an address; needs the runtime.
    pub(crate) fn start(&self) {
        if let Some(jwks) = &self.jwks {
            jwks.start();
        }
    }

    /// Reads the key files again; what was fetched from an address stays.
    pub(crate) fn rebuild(&self, config: &LoginConfig) -> Result<Self, BuildError> {
        let mut fresh = Self::build(&LoginConfig { jwks: Default::default(), ..config.clone() })?;
        fresh.jwks.clone_from(&self.jwks);
        Ok(fresh)
    }

    /// Judges `token` for `user_id` at the Unix time `now_ms`.
    pub(crate) async fn answer(&self, token: &str, user_id: &str, now_ms: u64) -> Answer {
        let token = Unverified::parse(token)?;
        let key = self.key(&token).await?;
        let claims = token.verify(&key)?;
        self.rules.judge(&claims, user_id, now_ms)
    }

    /// The key that `token` must be signed with.
    async fn key(&self, token: &Unverified<'_>) -> Result<Arc<Key>, Reason> {
        if let Some(key) = self.keys.find(token.kid(), token.algorithm()) {
            return Ok(key);
        }
        if self.keys.has_id(token.kid()) {
            return Err(Reason::Algorithm); // our key of this name, with another algorithm: nobody else is asked
        }
        let Some(jwks) = &self.jwks else { return Err(self.keys.why_none(token.kid())) };
        match jwks.find(token.kid(), token.algorithm()).await {
            Found::Key(key) => Ok(key),
            Found::OtherAlgorithm => Err(Reason::Algorithm),
            Found::None => Err(Reason::UnknownKey),
            Found::Unavailable => Err(Reason::KeysUnavailable),
        }
    }
}

/// A file that has at most `max` bytes. Never waits for a pipe's writer: it must be a plain file.
pub(crate) fn read_bounded(path: &str, max: usize) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let failed = |err: std::io::Error| format!("cannot read {path}: {err}");
    let kind = std::fs::metadata(path).map_err(failed)?;
    if !kind.is_file() {
        return Err(format!("{path} is no file"));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(max as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > max {
        return Err(format!("{path} has over {max} bytes"));
    }
    Ok(bytes)
}

/// Seconds of `duration` as a token counts them.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs()
}
