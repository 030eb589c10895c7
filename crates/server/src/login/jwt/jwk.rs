//! A JSON Web Key Set (RFC 7517): from what an address served to keys with one algorithm each.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::json::Object;
use super::key::{Key, is_ed25519};
use crate::config::Algorithm;

/// Longer ids than a `kid` may be worth comparing.
const ID_BYTES_MAX: usize = 256;

/// A set that does not replace the one at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SetError {
    #[error("is no JSON object with a list called keys")]
    NoSet,
    #[error("has {0} keys, over login.jwks.keys_max")]
    TooMany(usize),
    #[error("has no key that can be used (of {0})")]
    NoneFits(usize),
}

/// The keys that can be used, and why others cannot.
#[derive(Debug)]
pub(super) struct KeySet {
    pub(super) keys: Vec<Key>,
    pub(super) skipped: Vec<(Option<String>, String)>,
}

/// Reads a set whose keys may have `algorithms`; all but HS where that is empty.
pub(super) fn parse(bytes: &[u8], algorithms: &[Algorithm], keys_max: usize) -> Result<KeySet, SetError> {
    let set = Object::parse(bytes).ok_or(SetError::NoSet)?;
    let entries = set.get("keys").and_then(|keys| keys.as_array()).ok_or(SetError::NoSet)?;
    if entries.len() > keys_max {
        return Err(SetError::TooMany(entries.len()));
    }
    let mut found = KeySet { keys: Vec::new(), skipped: Vec::new() };
    for entry in entries {
        let Some(jwk) = Object::of(entry) else {
            found.skipped.push((None, "is no object".to_owned()));
            continue;
        };
        match read(&jwk, algorithms) {
            Ok(key) => found.keys.push(key),
            Err(why) => found.skipped.push((jwk.text("kid").ok().flatten().map(str::to_owned), why)),
        }
    }
    if found.keys.is_empty() { Err(SetError::NoneFits(entries.len())) } else { Ok(found) }
}

fn read(jwk: &Object, algorithms: &[Algorithm]) -> Result<Key, String> {
    let text = |name: &str| jwk.text(name).map_err(|_| format!("{name} is no string"));
    let id = text("kid")?;
    if id.is_some_and(|id| id.len() > ID_BYTES_MAX) {
        return Err("kid is too long".to_owned());
    }
    if text("use")?.is_some_and(|purpose| purpose != "sig") {
        return Err("is not for signatures (use)".to_owned());
    }
    let operations = jwk.texts("key_ops").map_err(|_| "key_ops is no list of strings".to_owned())?;
    if operations.is_some_and(|operations| !operations.contains(&"verify")) {
        return Err("is not for signatures (key_ops)".to_owned());
    }
    if jwk.has("d") {
        return Err("is a private key, and everybody can read it there".to_owned());
    }
    let kty = text("kty")?.ok_or("has no kty")?;
    let curve = text("crv")?;
    let algorithm = algorithm_of(kty, curve, text("alg")?, algorithms)?;
    let part = |name: &str| {
        let part = text(name)?.ok_or_else(|| format!("has no {name}"))?;
        URL_SAFE_NO_PAD.decode(part).map_err(|_| format!("{name} is no base64url"))
    };
    match kty {
        "RSA" => Key::from_rsa(id, algorithm, &part("n")?, &part("e")?),
        "EC" => Key::from_public(id, algorithm, &point(algorithm, &part("x")?, &part("y")?)?),
        _ => {
            let x = part("x")?;
            if is_ed25519(&x) {
                Key::from_public(id, algorithm, &x)
            } else {
                Err("x has the wrong length".to_owned())
            }
        }
    }
}

/// The one algorithm that the key serves: what it says, or what its kind leaves open to no choice.
fn algorithm_of(
    kty: &str,
    curve: Option<&str>,
    named: Option<&str>,
    allowed: &[Algorithm],
) -> Result<Algorithm, String> {
    let fits = |algorithm: &Algorithm| match (kty, curve) {
        ("RSA", _) => matches!(&algorithm.name()[..2], "RS" | "PS"),
        ("EC", Some("P-256")) => *algorithm == Algorithm::ES256,
        ("EC", Some("P-384")) => *algorithm == Algorithm::ES384,
        ("OKP", Some("Ed25519")) => *algorithm == Algorithm::EdDSA,
        _ => false,
    };
    let is_allowed = |algorithm: &Algorithm| allowed.is_empty() || allowed.contains(algorithm);
    if let Some(name) = named {
        // RFC 9864 gives EdDSA on this curve a name of its own.
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        let algorithm = Algorithm::named(name).filter(fits).ok_or("has an alg that its kty cannot have")?;
        return if is_allowed(&algorithm) {
            Ok(algorithm)
        } else {
            Err("has an alg that is not in login.jwks.algorithms".to_owned())
        };
    }
    let candidates: Vec<_> = Algorithm::all().filter(fits).filter(is_allowed).collect();
    match candidates.as_slice() {
        [one] => Ok(*one),
        [] => Err("is of a kind or curve that is not served or not allowed".to_owned()),
        // An RSA key without alg: RS256 is what RFC 7518 recommends and everybody means, unless config says otherwise.
        several if allowed.is_empty() && several.contains(&Algorithm::RS256) => Ok(Algorithm::RS256),
        _ => Err("has no alg, and login.jwks.algorithms allows several".to_owned()),
    }
}

/// An uncompressed point. Both halves have the curve's full length (RFC 7518, section 6.2.1.2).
fn point(algorithm: Algorithm, x: &[u8], y: &[u8]) -> Result<Vec<u8>, String> {
    let length = if algorithm == Algorithm::ES384 { 48 } else { 32 };
    if x.len() != length || y.len() != length {
        return Err("x or y has the wrong length".to_owned());
    }
    Ok([&[4][..], x, y].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const P256: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const ED: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
    /// RFC 7515, appendix A.2: 2048 bits.
    const RSA: &str = r#""kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ""#;

    fn set(keys: &[String]) -> String {
        let keys: Vec<_> = keys.iter().map(|key| format!("{{{key}}}")).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    fn one(key: String, allowed: &[Algorithm]) -> Result<Algorithm, String> {
        match parse(set(&[key]).as_bytes(), allowed, 1) {
            Ok(found) => Ok(found.keys[0].algorithm()),
            Err(SetError::NoneFits(1)) => Err(String::new()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_key_has_the_one_algorithm_it_names_or_its_kind_leaves() {
        let none: &[Algorithm] = &[];
        assert_eq!(one(P256.to_owned(), none), Ok(Algorithm::ES256));
        assert_eq!(one(ED.to_owned(), none), Ok(Algorithm::EdDSA));
        assert_eq!(one(RSA.to_owned(), none), Ok(Algorithm::RS256));
        assert_eq!(one(format!(r#"{RSA},"alg":"PS384""#), none), Ok(Algorithm::PS384));
        assert_eq!(one(RSA.to_owned(), &[Algorithm::PS256]), Ok(Algorithm::PS256));
        assert_eq!(one(format!(r#"{ED},"alg":"Ed25519","use":"sig""#), none), Ok(Algorithm::EdDSA));
    }

    #[test]
    fn what_cannot_be_used_is_skipped_and_the_rest_serves() {
        let unfit = [
            format!(r#"{P256},"alg":"ES384""#),
            format!(r#"{P256},"alg":"HS256""#),
            format!(r#"{RSA},"alg":"none""#),
            format!(r#"{RSA},"use":"enc""#),
            format!(r#"{RSA},"key_ops":["encrypt"]"#),
            format!(r#"{P256},"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI""#),
            r#""kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0","alg":"HS256""#.to_owned(),
            r#""kty":"EC","crv":"P-521","x":"AA","y":"AA""#.to_owned(),
            r#""kty":"EC","crv":"P-256","x":"AA","y":"AA""#.to_owned(),
            P256.replace("f83O", "f83P"), // off the curve
            r#""kty":"RSA","e":"AQAB","n":"AQAB""#.to_owned(),
            RSA.replace("AQAB", "AQ"), // e = 1: every signature would hold
            RSA.replace(r#""e":"AQAB""#, r#""e":"AgA""#), // even
            r#""kty":"OKP","crv":"Ed25519","x":"AAAA""#.to_owned(),
            r#""kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#.to_owned(),
            r#""kid":7,"kty":"RSA""#.to_owned(),
            format!(r#"{ED},"kid":"{}""#, "k".repeat(257)),
        ];
        for key in &unfit {
            assert!(one(key.clone(), &[]).is_err(), "{key}");
        }
        let mut all = unfit.to_vec();
        all.push(format!(r#"{ED},"kid":"good""#));
        let found = parse(set(&all).as_bytes(), &[], all.len()).unwrap();
        assert_eq!((found.keys.len(), found.skipped.len()), (1, unfit.len()));
        assert_eq!(found.keys[0].id(), Some("good"));
    }

    #[test]
    fn a_set_is_refused_as_a_whole_over_its_bound_or_without_a_key() {
        let keys = |count: usize| set(&vec![ED.to_owned(); count]);
        assert!(parse(keys(3).as_bytes(), &[], 3).is_ok());
        assert_eq!(parse(keys(4).as_bytes(), &[], 3).unwrap_err(), SetError::TooMany(4));
        assert_eq!(parse(keys(0).as_bytes(), &[], 3).unwrap_err(), SetError::NoneFits(0));
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>", r#"{"keys":[],"keys":[]}"#] {
            assert_eq!(parse(text.as_bytes(), &[], 3).unwrap_err(), SetError::NoSet, "{text}");
        }
    }

    #[test]
    fn only_allowed_algorithms_are_taken() {
        let named = format!(r#"{RSA},"alg":"RS256""#);
        assert!(one(named.clone(), &[Algorithm::RS256]).is_ok());
        assert!(one(named, &[Algorithm::ES256]).is_err());
        assert!(one(RSA.to_owned(), &[Algorithm::RS256, Algorithm::PS256]).is_err(), "no alg and a choice");
    }
}
