//! Tokens that other implementations made, and the keys that they are checked with.

use super::make::SigningKey;
use super::*;
use crate::config::{Algorithm, JwksConfig, JwtConfig, LoginKey};
use crate::login::testing::{Behaviour, NOW_MS, Service, fixture, fixture_path, key_file_of, login_key};

/// Keys of every algorithm, by file.
pub(super) fn config() -> LoginConfig {
    LoginConfig {
        key: Algorithm::all().map(login_key).collect(),
        jwt: JwtConfig {
            issuer: "https://issuer.example".to_owned(),
            audience: "chat".to_owned(),
            ..JwtConfig::default()
        },
        ..LoginConfig::default()
    }
}

fn tokens(file: &str) -> Vec<(String, String)> {
    let all: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&fixture(file)).unwrap();
    assert_eq!(all.len(), Algorithm::all().count());
    all.into_iter().map(|(name, token)| (name, token.as_str().unwrap().to_owned())).collect()
}

fn check(answer: Answer, what: &str) {
    let identity = answer.unwrap_or_else(|refusal| panic!("{what}: {:?}", refusal.reason));
    let info = identity.info.expect("claims");
    assert_eq!((identity.user_id.as_ref(), info.nickname.as_str(), info.level), ("alice", "Alice ä中", 7));
    assert_eq!(identity.expires_at_ms, Some(4_102_444_830_000), "exp and the leeway");
}

#[tokio::test]
async fn tokens_of_other_implementations_are_accepted_for_every_algorithm() {
    let jwt = Jwt::build(&config()).unwrap();
    for file in ["tokens_pyjwt.json", "tokens_jose.json"] {
        for (algorithm, token) in tokens(file) {
            check(jwt.answer(&token, "alice", NOW_MS).await, &format!("{file} {algorithm}"));
            let other = jwt.answer(&token, "bob", NOW_MS).await.unwrap_err();
            assert_eq!(other.reason, Reason::UserMismatch);
        }
    }
}

#[tokio::test]
async fn key_sets_of_other_implementations_serve_every_algorithm_but_hs() {
    for set in ["jwks_pyjwt.json", "jwks_jose.json"] {
        let service = Service::start(Behaviour::Answer(200, fixture(set))).await;
        let jwks = JwksConfig { url: service.url("/jwks"), ..JwksConfig::default() };
        let jwt = Jwt::build(&LoginConfig { key: Vec::new(), jwks, ..config() }).unwrap();
        for file in ["tokens_pyjwt.json", "tokens_jose.json"] {
            for (algorithm, token) in tokens(file) {
                let answer = jwt.answer(&token, "alice", NOW_MS).await;
                if algorithm.starts_with("HS") {
                    assert_eq!(answer.unwrap_err().reason, Reason::UnknownKey, "{algorithm}");
                } else {
                    check(answer, &format!("{set} {file} {algorithm}"));
                }
            }
        }
        assert_eq!(service.requests().len(), 1, "the keys are fetched once");
    }
}

/// A set over real HTTP, from an address that does its worst: nobody is judged, soon, and little is read.
#[tokio::test]
async fn an_address_of_keys_that_does_its_worst_costs_a_bounded_wait() {
    let redirect = b"HTTP/1.1 302 x\r\nlocation: /jwks\r\ncontent-length: 0\r\n\r\n".to_vec();
    let (_, token) = tokens("tokens_jose.json").into_iter().find(|(name, _)| name == "ES256").unwrap();
    for behaviour in [
        Behaviour::Flood(1 << 30),
        Behaviour::Answer(200, vec![b' '; 64 * 1024 + 1]),
        Behaviour::Answer(200, b"garbage".to_vec()),
        Behaviour::Answer(500, fixture("jwks_jose.json")),
        Behaviour::Raw(redirect),
        Behaviour::Hang,
        Behaviour::Stall,
        Behaviour::Die,
    ] {
        let service = Service::start(behaviour.clone()).await;
        let timeout = std::time::Duration::from_millis(300);
        let jwks = JwksConfig { url: service.url("/jwks"), timeout, ..JwksConfig::default() };
        let jwt = Jwt::build(&LoginConfig { key: Vec::new(), jwks, ..config() }).unwrap();
        let begin = std::time::Instant::now();
        let shown = format!("{behaviour:?}").chars().take(60).collect::<String>();
        for _ in 0..3 {
            let refusal = jwt.answer(&token, "alice", NOW_MS).await.unwrap_err();
            assert_eq!(refusal.reason, Reason::KeysUnavailable, "{shown}");
        }
        assert!(begin.elapsed() < std::time::Duration::from_secs(2), "{shown}: {:?}", begin.elapsed());
        assert_eq!(service.requests().len(), 1, "{shown}: once in ten seconds, and nothing is followed");
        assert!(service.sent() < 8 << 20, "{shown}: the rest of a flood is not read");
    }
}

#[tokio::test]
async fn our_own_tokens_are_accepted_for_every_algorithm() {
    let jwt = Jwt::build(&config()).unwrap();
    let serde_json::Value::Object(claims) = serde_json::json!({
        "sub": "alice", "exp": 4_102_444_800_u64, "iss": "https://issuer.example", "aud": "chat",
        "nickname": "Alice ä中", "level": 7,
    }) else {
        unreachable!()
    };
    for algorithm in Algorithm::all() {
        let file = fixture(&key_file_of(algorithm).replace(".pub", ""));
        let key = SigningKey::from_file(algorithm, &file).unwrap();
        let token = key.token(Some(algorithm.name()), &claims).unwrap();
        check(jwt.answer(&token, "alice", NOW_MS).await, algorithm.name());
    }
}

/// One algorithm a key is a matter of loading it: a file of another kind, curve or size is no key at all.
#[test]
fn a_key_file_of_another_kind_is_refused_with_what_would_be_right() {
    for (algorithm, file, told) in [
        (Algorithm::RS256, "p256.pub.pem", "is no key for RS256: that is an RSA key"),
        (Algorithm::PS512, "ed25519.pub.pem", "is no key for PS512: that is an RSA key"),
        (Algorithm::ES256, "rsa.pub.pem", "on the curve P-256"),
        (Algorithm::ES256, "p384.pub.pem", "on the curve P-256"),
        (Algorithm::ES384, "p256.pub.pem", "on the curve P-384"),
        (Algorithm::ES384, "p521.pub.pem", "on the curve P-384"),
        (Algorithm::EdDSA, "p256.pub.pem", "is no key for EdDSA"),
        (Algorithm::RS256, "short_rsa.pub.pem", "has 2048 to 4096 bits, this one has 1024"),
        (Algorithm::RS256, "rsa.pem", "holds a private key, and the server needs the public one"),
        (Algorithm::HS256, "rsa.pub.pem", "needs a secret, and the file holds a key in PEM"),
        (Algorithm::HS256, "rsa.pem", "needs a secret, and the file holds a key in PEM"),
        (Algorithm::ES256, "hs.key", "holds no public key in PEM"),
        (Algorithm::ES256, "missing.pem", "cannot read"),
        (Algorithm::ES256, "", "is no file"),
    ] {
        let key = LoginKey { id: "k".to_owned(), algorithm, key_file: fixture_path(file) };
        let err = Jwt::build(&LoginConfig { key: vec![key], ..config() }).err().expect(told);
        assert_eq!(err.key, "login.key");
        assert!(err.reason.contains(told), "{err}");
        assert!(!err.reason.contains("MII") && !err.reason.contains("MC"), "{err}");
    }
    assert!(Key::from_file("k", Algorithm::RS256, &fixture("large_rsa.pub.pem")).is_ok());
}

#[test]
fn a_secret_has_at_least_the_size_of_its_hash_and_loses_only_its_line_end() {
    for (algorithm, least) in [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)] {
        assert!(Key::from_file("k", algorithm, &vec![b'k'; least]).is_ok());
        let told = Key::from_file("k", algorithm, &[vec![b'k'; least - 1], b"\r\n".to_vec()].concat());
        assert!(told.unwrap_err().ends_with(&format!("at least {least} bytes, the file has {}", least - 1)));
    }
    let binary = [&[0_u8; 31][..], b"\n"].concat();
    assert!(Key::from_file("k", Algorithm::HS256, &binary).is_ok(), "a newline is part of random bytes");
}

#[tokio::test]
async fn without_a_kid_a_token_must_leave_no_choice() {
    let token = |algorithm: Algorithm| {
        let key = SigningKey::from_file(algorithm, &fixture("hs.key")).unwrap();
        key.seal(r#"{"alg":"HS256"}"#, r#"{"sub":"alice","exp":4102444800}"#).unwrap()
    };
    let second = LoginKey { id: "second".to_owned(), ..login_key(Algorithm::HS256) };
    let mut config = LoginConfig {
        key: vec![login_key(Algorithm::HS256), login_key(Algorithm::RS256)],
        ..LoginConfig::default()
    };
    let answer = async |config: &LoginConfig| {
        Jwt::build(config).unwrap().answer(&token(Algorithm::HS256), "alice", NOW_MS).await
    };
    assert!(answer(&config).await.is_ok());
    config.key.push(second);
    assert_eq!(answer(&config).await.unwrap_err().reason, Reason::UnknownKey);
    config.key = vec![login_key(Algorithm::RS256)];
    assert_eq!(answer(&config).await.unwrap_err().reason, Reason::Algorithm);
}

#[test]
fn nothing_shows_a_key() {
    let secret = String::from_utf8(fixture("hs.key")).unwrap();
    let key = Key::from_file("name", Algorithm::HS256, secret.as_bytes()).unwrap();
    assert_eq!(format!("{key:?}"), "Key(Some(\"name\"), HS256)");
    let signing = SigningKey::from_file(Algorithm::HS256, secret.as_bytes()).unwrap();
    assert_eq!(format!("{signing:?}"), "SigningKey(HS256)");
}
