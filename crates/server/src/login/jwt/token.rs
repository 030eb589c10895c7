//! A token's shape: three parts of base64url, a header, and a signature that must hold before anything else is read.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::answer::Reason;
use super::super::json::Object;
use super::key::Key;
use crate::config::Algorithm;

/// A token of which nothing is proved: only what is needed to find its key can be read.
pub(super) struct Unverified<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    /// Header and payload as they came, with the dot between them: what is signed.
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// What a token says, once its signature held. Only [`Unverified::verify`] makes one.
pub(super) struct Claims(Object);

impl<'a> Unverified<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, Reason> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Reason::NotAToken)?;
        let (header, payload) = signed.split_once('.').ok_or(Reason::NotAToken)?;
        if payload.contains('.') {
            return Err(Reason::NotAToken);
        }
        let header = Object::parse(&base64url(header)?).ok_or(Reason::NotAToken)?;
        let (algorithm, kid) = read_header(&header)?;
        Ok(Self { algorithm, kid, signed, payload, signature: base64url(signature)? })
    }

    /// The token's own word; a key must agree with it.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// A name to compare keys' ids with. It is never a path, an address or part of a query.
    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) fn verify(&self, key: &Key) -> Result<Claims, Reason> {
        if key.algorithm() != self.algorithm {
            return Err(Reason::Algorithm);
        }
        key.verify(self.signed.as_bytes(), &self.signature)?;
        Object::parse(&base64url(self.payload)?).map(Claims).ok_or(Reason::NotAToken)
    }
}

impl Claims {
    pub(super) fn object(&self) -> &Object {
        &self.0
    }

    #[cfg(test)]
    pub(super) fn of(json: &str) -> Self {
        Self(Object::parse(json.as_bytes()).expect("an object"))
    }
}

/// Of the header only `alg`, `kid`, `typ` and what forbids to go on is read.
fn read_header(header: &Object) -> Result<(Algorithm, Option<String>), Reason> {
    // RFC 7515, section 4.1.11: what is critical and not understood makes the token invalid; so do b64 (RFC 7797), zip.
    if ["crit", "b64", "zip"].iter().any(|name| header.has(name)) {
        return Err(Reason::CriticalHeader);
    }
    let named = header.text("alg").map_err(|_| Reason::Algorithm)?;
    let algorithm = named.and_then(Algorithm::named).ok_or(Reason::Algorithm)?;
    let typ = header.text("typ").map_err(|_| Reason::TokenType)?;
    if !typ.is_none_or(is_access_token) {
        return Err(Reason::TokenType);
    }
    let kid = header.text("kid").map_err(|_| Reason::UnknownKey)?;
    Ok((algorithm, kid.map(str::to_owned)))
}

/// RFC 8725, section 3.11: a token made for another purpose (`logout+jwt`, `dpop+jwt`, …) is no login.
fn is_access_token(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
}

/// RFC 7515's base64url: no padding, no white space, no bits left over.
fn base64url(part: &str) -> Result<Vec<u8>, Reason> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Reason::NotAToken)
}
