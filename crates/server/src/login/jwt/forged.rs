//! Tokens that must not log anybody in: forged, mis-typed, mis-keyed; each row with where it comes from.
//!
//! Every row is judged twice, with keys from files and with the same keys from an address, and a listener whose address
//! the tokens name must stay silent. What tokens say of users and times is in `forged/claims.rs`.

mod claims;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use super::make::SigningKey;
use super::tests::config;
use super::*;
use crate::config::{Algorithm, JwksConfig};
use crate::login::answer::Refusal;
use crate::login::testing::{Behaviour, NOW_MS, Service, fixture};
use longwire_wire::Status;

/// Good claims: what a row changes is all that is wrong with it.
const CLAIMS: &str = r#"{"iss":"https://issuer.example","aud":"chat","sub":"alice","exp":4102444800}"#;

/// Where a row comes from, its token, and why it is refused.
type Row = (&'static str, String, Reason);

/// A token of a fixture's key.
fn sealed(key_file: &str, algorithm: Algorithm, header: &str, payload: &str) -> String {
    SigningKey::from_file(algorithm, &fixture(key_file)).unwrap().seal(header, payload).unwrap()
}

/// Signed with the right RS256 key.
fn rs256(header: &str, payload: &str) -> String {
    sealed("rsa.pem", Algorithm::RS256, header, payload)
}

fn good() -> String {
    rs256(r#"{"alg":"RS256","kid":"RS256"}"#, CLAIMS)
}

/// Signed by somebody else's key.
fn foreign(header: &str) -> String {
    sealed("other_rsa.pem", Algorithm::RS256, header, CLAIMS)
}

/// HMAC under any key, which the fixtures' own check of its length would refuse.
fn hmac(key: &[u8], header: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(CLAIMS));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    format!("{signed}.{}", encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes())))
}

fn unsigned(header: &str) -> String {
    format!("{}.{}.", encode(header), encode(CLAIMS))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

/// The same token with another signature.
fn resigned(token: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
    let [header, payload, signature] = parts(token);
    format!("{header}.{payload}.{}", encode(change(URL_SAFE_NO_PAD.decode(signature).unwrap())))
}

fn shapes() -> Vec<Row> {
    let good = good();
    let [header, payload, signature] = parts(&good);
    let ours = r#"{"alg":"RS256","kid":"RS256"}"#;
    let padded = {
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        (URL_SAFE.encode(&bytes), STANDARD.encode(&bytes))
    };
    let loose_bits = {
        // 256 bytes leave two bits of the last character unused: another character, the same bytes.
        let (rest, last) = signature.split_at(signature.len() - 1);
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let at = alphabet.find(last).unwrap();
        format!("{header}.{payload}.{rest}{}", &alphabet[at + 1..at + 2])
    };
    vec![
        ("no token at all", "local".to_owned(), Reason::NotAToken),
        ("RFC 7515 7.1: two dots", format!("{header}.{payload}"), Reason::NotAToken),
        ("a part too many", format!("{good}.x"), Reason::NotAToken),
        ("RFC 7516: a JWE has five parts", format!("{header}.x.x.x.{signature}"), Reason::NotAToken),
        ("only dots", "..".to_owned(), Reason::NotAToken),
        ("an empty header", format!(".{payload}.{signature}"), Reason::NotAToken),
        (
            "CVE-2022-39227 (python-jwt): JSON serialization taken for compact",
            format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
            Reason::NotAToken,
        ),
        ("RFC 7515 2: no padding", format!("{header}.{payload}.{}", padded.0), Reason::NotAToken),
        ("base64 for base64url", format!("{header}.{payload}.{}", padded.1), Reason::NotAToken),
        ("bits left over: a second spelling of a signature", loose_bits, Reason::NotAToken),
        ("white space behind", format!("{good}\n"), Reason::NotAToken),
        ("white space before", format!(" {good}"), Reason::NotAToken),
        ("NUL in the signature", format!("{good}\0"), Reason::NotAToken),
        (
            "NUL in the payload: read only once its signature holds",
            good.replacen('.', ".\0", 1),
            Reason::Signature,
        ),
        ("a Bearer prefix", format!("Bearer {good}"), Reason::NotAToken),
        ("header: no JSON", rs256("alg=RS256", CLAIMS), Reason::NotAToken),
        ("header: a list", rs256(r#"[{"alg":"RS256"}]"#, CLAIMS), Reason::NotAToken),
        ("header: deep", rs256(&format!(r#"{{"x":{}"#, "[".repeat(500)), CLAIMS), Reason::NotAToken),
        ("header: two JSON texts", rs256(&format!("{ours}{ours}"), CLAIMS), Reason::NotAToken),
        ("header: byte order mark", rs256(&format!("\u{feff}{ours}"), CLAIMS), Reason::NotAToken),
        (
            "RFC 7515 4: a name twice, alg",
            rs256(r#"{"alg":"none","alg":"RS256","kid":"RS256"}"#, CLAIMS),
            Reason::NotAToken,
        ),
        (
            "a name twice, once escaped",
            rs256(r#"{"alg":"RS256","kid":"RS256","k\u0069d":"x"}"#, CLAIMS),
            Reason::NotAToken,
        ),
        ("payload: no JSON, well signed", rs256(ours, "sub=alice"), Reason::NotAToken),
        ("payload: a list, well signed", rs256(ours, &format!("[{CLAIMS}]")), Reason::NotAToken),
        (
            "RFC 7519 4: a claim twice",
            rs256(ours, &CLAIMS.replace(r#""sub":"alice""#, r#""sub":"bob","sub":"alice""#)),
            Reason::NotAToken,
        ),
        ("payload: empty", rs256(ours, ""), Reason::NotAToken),
    ]
}

fn algorithms() -> Vec<Row> {
    let header = |alg: &str| format!(r#"{{"alg":{alg},"kid":"RS256"}}"#);
    let mut rows = Vec::new();
    for (source, alg) in [
        ("CVE-2015-9235 (jsonwebtoken): alg none", r#""none""#),
        ("none by another case", r#""None""#),
        ("none by another case", r#""NONE""#),
        ("none by another case", r#""nOnE""#),
        ("no alg: null", "null"),
        ("alg: a number", "0"),
        ("alg: a list", r#"["RS256"]"#),
        ("alg: an empty string", r#""""#),
        ("alg in lower case", r#""rs256""#),
        ("alg with a blank", r#""RS256 ""#),
        ("alg that is not served", r#""RS1""#),
        ("alg that is not served", r#""ES512""#),
        ("alg that is not served", r#""ES256K""#),
        ("alg of encryption", r#""dir""#),
    ] {
        rows.push((source, unsigned(&header(alg)), Reason::Algorithm));
        let [_, payload, signature] = parts(&good()).map(str::to_owned);
        rows.push((source, format!("{}.{payload}.{signature}", encode(header(alg))), Reason::Algorithm));
    }
    rows.push(("no alg at all", rs256(r#"{"kid":"RS256"}"#, CLAIMS), Reason::Algorithm));
    let confused = r#"{"alg":"HS256","kid":"RS256"}"#;
    for (source, key) in [
        ("CVE-2015-9235, CVE-2016-10555: HMAC with the public key's PEM", fixture("rsa.pub.pem")),
        (
            "CVE-2017-11424 (PyJWT): HMAC with the PEM without its line end",
            fixture("rsa.pub.pem").trim_ascii().to_vec(),
        ),
        ("HMAC with the key set", fixture("jwks_jose.json")),
        ("HMAC with an empty key", Vec::new()),
    ] {
        rows.push((source, hmac(&key, confused), Reason::Algorithm));
        rows.push((source, hmac(&key, r#"{"alg":"HS256","kid":"HS256"}"#), Reason::Signature));
    }
    rows.extend([
        (
            "CVE-2024-33663 (python-jose): HMAC with an EC public key",
            hmac(&fixture("p256.pub.pem"), r#"{"alg":"HS256","kid":"ES256"}"#),
            Reason::Algorithm,
        ),
        (
            "RFC 8725 3.1: a key of another algorithm of its kind",
            sealed("rsa.pem", Algorithm::PS256, r#"{"alg":"PS256","kid":"RS256"}"#, CLAIMS),
            Reason::Algorithm,
        ),
        (
            "RFC 8725 3.1: the same secret, another hash",
            sealed("hs.key", Algorithm::HS512, r#"{"alg":"HS512","kid":"HS256"}"#, CLAIMS),
            Reason::Algorithm,
        ),
        (
            "the right signature under another kid",
            rs256(r#"{"alg":"RS256","kid":"RS384"}"#, CLAIMS),
            Reason::Algorithm,
        ),
        ("PS256 signed as RS256", rs256(r#"{"alg":"PS256","kid":"PS256"}"#, CLAIMS), Reason::Signature),
    ]);
    rows
}

fn signatures() -> Vec<Row> {
    let es = || sealed("p256.pem", Algorithm::ES256, r#"{"alg":"ES256","kid":"ES256"}"#, CLAIMS);
    let ed = || sealed("ed25519.pem", Algorithm::EdDSA, r#"{"alg":"EdDSA","kid":"EdDSA"}"#, CLAIMS);
    let hs = || sealed("hs.key", Algorithm::HS256, r#"{"alg":"HS256","kid":"HS256"}"#, CLAIMS);
    let cut = |bytes: usize| move |signature: Vec<u8>| signature[..bytes].to_vec();
    let flip = |at: usize| {
        move |mut signature: Vec<u8>| {
            signature[at] ^= 1;
            signature
        }
    };
    let constant = |bytes: Vec<u8>| move |_: Vec<u8>| bytes;
    let good = good();
    let [header, _, signature] = parts(&good);
    let altered = format!("{header}.{}.{signature}", encode(CLAIMS.replace("alice", "alicf")));
    let rows = [
        ("CVE-2016-5431 (php-jose): the signature left out", resigned(&good, cut(0))),
        ("a bit of RS256", resigned(&good, flip(255))),
        ("RS256 cut short", resigned(&good, cut(255))),
        (
            "RS256 with a byte more",
            resigned(&good, |mut s| {
                s.push(0);
                s
            }),
        ),
        ("RS256: zeros", resigned(&good, constant(vec![0; 256]))),
        ("RS256: the modulus' size of ones", resigned(&good, constant(vec![0xff; 256]))),
        ("another payload", altered),
        (
            "the signature of another token",
            format!("{}.{}", &good[..good.rfind('.').unwrap()], parts(&es())[2]),
        ),
        ("signed by another RSA key", foreign(r#"{"alg":"RS256","kid":"RS256"}"#)),
        ("CVE-2022-21449 (Java): ECDSA with r = s = 0", resigned(&es(), constant(vec![0; 64]))),
        ("ECDSA with r = s = n", resigned(&es(), constant([P256_ORDER, P256_ORDER].concat()))),
        ("ECDSA as DER instead of r and s", resigned(&es(), der)),
        ("a bit of ES256", resigned(&es(), flip(0))),
        (
            "ES256 with a byte more",
            resigned(&es(), |mut s| {
                s.push(0);
                s
            }),
        ),
        ("EdDSA: zeros", resigned(&ed(), constant(vec![0; 64]))),
        ("RFC 8032 8.4: EdDSA with S + L", resigned(&ed(), plus_l)),
        ("EdDSA cut to R", resigned(&ed(), cut(32))),
        ("CVE-2020-28042 (ServiceStack): HMAC cut short", resigned(&hs(), cut(16))),
        ("HMAC cut to a byte", resigned(&hs(), cut(1))),
        ("HMAC left out", resigned(&hs(), cut(0))),
        (
            "HMAC with a byte more",
            resigned(&hs(), |mut s| {
                s.push(0);
                s
            }),
        ),
    ];
    rows.map(|(source, token)| (source, token, Reason::Signature)).to_vec()
}

const P256_ORDER: [u8; 32] = *b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";

/// r and s as a DER sequence of two integers.
fn der(signature: Vec<u8>) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let padded = if bytes[0] >= 0x80 { [&[0], bytes].concat() } else { bytes.to_vec() };
        [&[2, padded.len() as u8], padded.as_slice()].concat()
    };
    let both = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, both.len() as u8], both.as_slice()].concat()
}

/// The same S modulo the group's order: accepted, a token would have two signatures.
fn plus_l(mut signature: Vec<u8>) -> Vec<u8> {
    let l = *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";
    let mut carry = 0;
    for (byte, l) in signature[32..].iter_mut().zip(l) {
        let sum = u16::from(*byte) + u16::from(l) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    signature
}

/// What a token says about its key; `listener` is an address that nobody may ask.
fn hints(listener: &str) -> Vec<Row> {
    let jwk = String::from_utf8(fixture("jwks_jose.json")).unwrap();
    let jwk: serde_json::Value = serde_json::from_str(&jwk).unwrap();
    let jwk = jwk["keys"][0].to_string();
    let foreign = |rest: &str| foreign(&format!(r#"{{"alg":"RS256",{rest}}}"#));
    let kid = |kid: &str| foreign(&format!(r#""kid":{}"#, serde_json::json!(kid)));
    let long = "k".repeat(3000);
    vec![
        (
            "RFC 8725 3.10: jku",
            foreign(&format!(r#""kid":"RS256","jku":"{listener}jwks.json""#)),
            Reason::Signature,
        ),
        (
            "jku without a known kid",
            foreign(&format!(r#""kid":"x","jku":"{listener}jwks.json""#)),
            Reason::UnknownKey,
        ),
        ("x5u", foreign(&format!(r#""kid":"RS256","x5u":"{listener}cert.pem""#)), Reason::Signature),
        (
            "CVE-2018-0114 (node-jose): jwk",
            foreign(&format!(r#""kid":"RS256","jwk":{jwk}"#)),
            Reason::Signature,
        ),
        ("jwk without a known kid", foreign(&format!(r#""kid":"x","jwk":{jwk}"#)), Reason::UnknownKey),
        ("x5c", foreign(r#""kid":"RS256","x5c":["MIIB"]"#), Reason::Signature),
        ("x5t", foreign(r#""kid":"RS256","x5t":"AAAA""#), Reason::Signature),
        ("RFC 8725 3.10: kid as a path", kid("../../../../dev/null"), Reason::UnknownKey),
        (
            "kid as a path, HMAC with nothing",
            hmac(b"", r#"{"alg":"HS256","kid":"/dev/null"}"#),
            Reason::UnknownKey,
        ),
        ("kid as an address", kid(listener), Reason::UnknownKey),
        ("kid as SQL", kid("x' UNION SELECT 'key"), Reason::UnknownKey),
        ("kid as a command", kid("|/usr/bin/id"), Reason::UnknownKey),
        ("kid with NUL", kid("RS256\0"), Reason::UnknownKey),
        ("kid in another case", kid("rs256"), Reason::UnknownKey),
        ("kid: empty", kid(""), Reason::UnknownKey),
        ("kid: long", kid(&long), Reason::UnknownKey),
        ("kid: a number", foreign(r#""kid":1"#), Reason::UnknownKey),
        ("kid: a list", foreign(r#""kid":["RS256"]"#), Reason::UnknownKey),
        ("no kid, and a foreign key", foreign(r#""typ":"JWT""#), Reason::Signature),
    ]
}

fn headers() -> Vec<Row> {
    let with = |rest: &str| rs256(&format!(r#"{{"alg":"RS256","kid":"RS256",{rest}}}"#), CLAIMS);
    vec![
        ("RFC 7515 4.1.11: crit", with(r#""crit":["exp"]"#), Reason::CriticalHeader),
        ("crit with a name of its own", with(r#""crit":["x"],"x":1"#), Reason::CriticalHeader),
        ("RFC 7515 4.1.11: an empty crit", with(r#""crit":[]"#), Reason::CriticalHeader),
        ("crit: null", with(r#""crit":null"#), Reason::CriticalHeader),
        ("RFC 7797: b64", with(r#""b64":false,"crit":["b64"]"#), Reason::CriticalHeader),
        ("RFC 7797: b64 without crit", with(r#""b64":false"#), Reason::CriticalHeader),
        ("RFC 7516: zip", with(r#""zip":"DEF""#), Reason::CriticalHeader),
        ("RFC 8725 3.11: a logout token", with(r#""typ":"logout+jwt""#), Reason::TokenType),
        ("RFC 8725 3.11: a proof of possession", with(r#""typ":"dpop+jwt""#), Reason::TokenType),
        ("a security event", with(r#""typ":"application/secevent+jwt""#), Reason::TokenType),
        ("typ: a number", with(r#""typ":1"#), Reason::TokenType),
    ]
}

#[tokio::test]
async fn no_forged_token_logs_in_and_no_address_of_a_token_is_asked() {
    let trap = Service::start(Behaviour::Answer(200, fixture("jwks_jose.json"))).await;
    let mut rows = [shapes(), algorithms(), signatures(), hints(&trap.url("/")), headers()].concat();
    rows.extend(claims::rows(&trap.url("/")));
    let tokens: std::collections::HashSet<_> = rows.iter().map(|(_, token, _)| token).collect();
    assert!(tokens.len() == rows.len() && rows.len() >= 60, "{} rows, {} tokens", rows.len(), tokens.len());
    assert!(rows.iter().all(|(source, ..)| !source.is_empty()), "each says where it comes from");
    let by_file = Jwt::build(&config()).unwrap();
    let keys = Service::start(Behaviour::Answer(200, key_set())).await;
    let jwks = JwksConfig { url: keys.url("/jwks"), ..JwksConfig::default() };
    let hs = config().key.into_iter().filter(|key| key.algorithm.is_symmetric()).collect();
    let by_address = Jwt::build(&LoginConfig { jwks, key: hs, ..config() }).unwrap();
    for jwt in [&by_file, &by_address] {
        let answer = jwt.answer(&good(), "alice", NOW_MS).await;
        assert!(answer.is_ok(), "the rows' base is good: {answer:?}");
    }
    let mut wrong = Vec::new();
    for (source, token, reason) in &rows {
        assert_eq!(reason.status(), Status::UNAUTHENTICATED, "{source}");
        for (keys, jwt) in [("file", &by_file), ("address", &by_address)] {
            let answer = jwt.answer(token, "alice", NOW_MS).await;
            if answer != Err(Refusal { reason: *reason }) {
                wrong.push(format!("{source} (keys by {keys}): {answer:?}, not {reason:?}: {token}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(trap.requests(), Vec::<String>::new(), "somebody asked an address that a token names");
    assert_eq!(keys.requests().len(), 1, "unknown kids cost no fetch");
}

#[tokio::test]
async fn no_byte_of_a_token_may_change_and_none_may_go() {
    let jwt = Jwt::build(&config()).unwrap();
    for good in [
        sealed("hs.key", Algorithm::HS256, r#"{"alg":"HS256","kid":"HS256"}"#, CLAIMS),
        sealed("ed25519.pem", Algorithm::EdDSA, r#"{"alg":"EdDSA","kid":"EdDSA"}"#, CLAIMS),
    ] {
        assert!(jwt.answer(&good, "alice", NOW_MS).await.is_ok());
        for at in 0..good.len() {
            let (before, rest) = good.split_at(at);
            let others = ["A", "_", ".", "=", "\n", ""].into_iter().filter(|other| *other != &rest[..1]);
            for token in
                others.map(|other| format!("{before}{other}{}", &rest[1..])).chain([before.to_owned()])
            {
                assert!(jwt.answer(&token, "alice", NOW_MS).await.is_err(), "at {at}: {token}");
            }
        }
    }
}

/// The fixtures' set: one key an algorithm, each under its algorithm's name.
fn key_set() -> Vec<u8> {
    fixture("jwks_pyjwt.json")
}
