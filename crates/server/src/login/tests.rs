//! Providers as the server uses them: built from a configuration, reloaded, and never telling a secret.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use tempfile::{NamedTempFile, TempDir};
use tracing_subscriber::fmt::MakeWriter;

use super::jwt::make::SigningKey;
use super::testing::{Behaviour, NOW_MS, Service, fixture, fixture_path, login_key, question};
use super::*;
use crate::config::{
    Algorithm, HttpLoginConfig, JwksConfig, JwtConfig, LoginConfig, LoginKey, LoginProvider,
};

/// The SHA-256 of `abc` and of `abd`.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ABD: &str = "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9";

fn path(file: &NamedTempFile) -> String {
    file.path().to_str().unwrap().to_owned()
}

fn file(text: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text).unwrap();
    file
}

fn users(digest: &str) -> String {
    format!("[[user]]\nid = \"alice\"\ntoken_sha256 = \"{digest}\"\n")
}

async fn ask(provider: &Provider, token: &str) -> Result<Identity, Reason> {
    provider.answer_at(&question(token, "alice"), NOW_MS).await.map_err(|refusal| refusal.reason)
}

#[tokio::test]
async fn open_takes_any_token() {
    let provider = Provider::build(&LoginConfig::default()).unwrap();
    assert_eq!(ask(&provider, "x").await, Ok(Identity::bare("alice")));
    assert_eq!(provider.answer_now(&question("x", "alice")), Some(Ok(Identity::bare("alice"))));
}

#[tokio::test]
async fn a_static_file_is_read_again_and_a_broken_one_keeps_the_old() {
    let users_file = file(users(ABC).as_bytes());
    let config = LoginConfig {
        provider: LoginProvider::Static,
        static_file: path(&users_file),
        ..LoginConfig::default()
    };
    let provider = Provider::build(&config).unwrap();
    assert!(provider.answer_now(&question("x", "alice")).is_none());
    assert!(ask(&provider, "abc").await.is_ok());
    for broken in ["[[user]]\nid = 7", "\0", &users(&ABC[1..])] {
        std::fs::write(users_file.path(), broken).unwrap();
        let err = provider.reload().unwrap_err();
        assert_eq!(err.key, "login.static_file");
        assert!(ask(&provider, "abc").await.is_ok(), "the old users stay");
    }
    std::fs::write(users_file.path(), users(ABD)).unwrap();
    provider.reload().unwrap();
    assert!(ask(&provider, "abd").await.is_ok());
    assert_eq!(ask(&provider, "abc").await, Err(Reason::WrongToken));
    std::fs::remove_file(users_file.path()).unwrap();
    assert!(provider.reload().unwrap_err().reason.contains("cannot read"));
    assert!(ask(&provider, "abd").await.is_ok());
}

/// Whatever a provider would say of the token: here a signed one, and a service that vouches for anybody.
#[tokio::test]
async fn the_servers_own_names_are_no_users() {
    let key = SigningKey::from_file(Algorithm::HS256, &fixture("hs.key")).unwrap();
    let secret = file(b"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    for user in ["system", "guest:", "guest:1-2-3", "guest:alice"] {
        let service =
            Service::start(Behaviour::Answer(200, format!(r#"{{"user_id":"{user}"}}"#).into())).await;
        let token =
            key.seal(r#"{"alg":"HS256","kid":"HS256"}"#, &format!(r#"{{"sub":"{user}","exp":4102444800}}"#));
        let jwt = LoginConfig {
            provider: LoginProvider::Jwt,
            key: vec![login_key(Algorithm::HS256)],
            ..LoginConfig::default()
        };
        let http = HttpLoginConfig {
            url: service.url("/"),
            secret_file: path(&secret),
            ..HttpLoginConfig::default()
        };
        let http = LoginConfig { provider: LoginProvider::Http, http, ..LoginConfig::default() };
        for config in [LoginConfig::default(), jwt, http] {
            let provider = Provider::build(&config).unwrap();
            let asked = question(token.as_ref().unwrap(), user);
            let refused = Err(Refusal::from(Reason::ReservedUser));
            assert_eq!(provider.answer(&asked).await, refused, "{user} {provider:?}");
            assert_eq!(provider.answer_now(&asked), Some(refused), "{user} {provider:?}");
        }
        assert!(service.requests().is_empty(), "nobody is asked");
    }
}

#[tokio::test]
async fn key_files_are_read_again_and_keys_of_an_address_stay() {
    let dir = TempDir::new().unwrap();
    let key_file = dir.path().join("key").to_str().unwrap().to_owned();
    std::fs::write(&key_file, fixture("hs.key")).unwrap();
    let service = Service::start(Behaviour::Answer(200, fixture("jwks_jose.json"))).await;
    let config = LoginConfig {
        provider: LoginProvider::Jwt,
        key: vec![LoginKey { key_file: key_file.clone(), ..login_key(Algorithm::HS256) }],
        jwks: JwksConfig { url: service.url("/"), ..JwksConfig::default() },
        jwt: JwtConfig { issuer: "i".to_owned(), audience: "a".to_owned(), ..JwtConfig::default() },
        ..LoginConfig::default()
    };
    let provider = Provider::build(&config).unwrap();
    provider.start();
    let token = |algorithm: Algorithm, key: &[u8]| {
        let name = algorithm.name();
        let key = SigningKey::from_file(algorithm, key).unwrap();
        let claims = r#"{"sub":"alice","exp":4102444800,"iss":"i","aud":"a"}"#;
        key.seal(&format!(r#"{{"alg":"{name}","kid":"{name}"}}"#), claims).unwrap()
    };
    let (old, new) = (token(Algorithm::HS256, &fixture("hs.key")), token(Algorithm::HS256, &[7; 32]));
    let by_address = token(Algorithm::ES256, &fixture("p256.pem"));
    assert!(ask(&provider, &old).await.is_ok() && ask(&provider, &by_address).await.is_ok());
    std::fs::write(&key_file, "short").unwrap();
    assert!(provider.reload().is_err());
    assert!(ask(&provider, &old).await.is_ok());
    std::fs::write(&key_file, [7; 32]).unwrap();
    provider.reload().unwrap();
    assert_eq!(ask(&provider, &old).await, Err(Reason::Signature));
    assert!(ask(&provider, &new).await.is_ok() && ask(&provider, &by_address).await.is_ok());
    assert_eq!(service.requests().len(), 1);
}

/// Everything that is logged, as text.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Heard {
    type Writer = Self;
    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// Secrets that are easy to find are given to every provider; they must be in no log (at any level, our crates' and
/// others'), no error and no `Debug`.
#[tokio::test]
async fn no_secret_is_in_any_log_error_or_debug() {
    const CANARY: &str = "canary-5f1b";
    let heard = Heard::default();
    let logs = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(heard.clone());
    let _guard = tracing::subscriber::set_default(logs.finish());
    let mut seen = String::new();

    let hs = file(format!("{CANARY}-{}", "k".repeat(64)).as_bytes());
    let broken_hs = file(CANARY.as_bytes());
    let broken_pem =
        file(format!("-----BEGIN PUBLIC KEY-----\n{CANARY}\n-----END PUBLIC KEY-----\n").as_bytes());
    let broken_users = file(format!("[[user]]\nid = \"alice\"\ntoken_sha256 = \"{CANARY}\"\n").as_bytes());
    let broken_secret = file(format!("whsec_{CANARY}").as_bytes());
    // whsec_ and base64 that holds the canary's letters as they are
    let secret = file(b"whsec_canary5f1bcanary5f1bcanary5f1bcanary5f1b");
    let service = Service::start(Behaviour::Answer(200, CANARY.into())).await;

    let key = |algorithm, file: &NamedTempFile| LoginKey { key_file: path(file), ..login_key(algorithm) };
    let jwt = |key: LoginKey| LoginConfig {
        provider: LoginProvider::Jwt,
        key: vec![key],
        ..LoginConfig::default()
    };
    let http = |file: &NamedTempFile| LoginConfig {
        provider: LoginProvider::Http,
        http: HttpLoginConfig {
            url: service.url("/"),
            secret_file: path(file),
            ..HttpLoginConfig::default()
        },
        ..LoginConfig::default()
    };
    let users = LoginConfig {
        provider: LoginProvider::Static,
        static_file: path(&broken_users),
        ..LoginConfig::default()
    };
    for config in [
        jwt(key(Algorithm::HS256, &broken_hs)),
        jwt(key(Algorithm::RS256, &broken_pem)),
        jwt(key(Algorithm::RS256, &hs)),
        users,
        http(&broken_secret),
    ] {
        let err = Provider::build(&config).expect_err("broken");
        writeln!(seen, "{err} {err:?} {:?}", check::problems(&config)).unwrap();
    }

    let signer = SigningKey::from_file(Algorithm::HS256, &std::fs::read(hs.path()).unwrap()).unwrap();
    let token = |header: &str, claims: &str| signer.seal(header, claims).unwrap();
    let header = r#"{"alg":"HS256","kid":"HS256"}"#;
    let tokens = [
        CANARY.to_owned(),
        format!("{CANARY}.{CANARY}.{CANARY}"),
        token(&format!(r#"{{"alg":"{CANARY}"}}"#), "{}"),
        token(&format!(r#"{{"alg":"HS256","kid":"{CANARY}"}}"#), "{}"),
        token(header, CANARY),
        token(header, &format!(r#"{{"sub":"{CANARY}","exp":4102444800}}"#)),
        token(header, &format!(r#"{{"sub":"alice","exp":"{CANARY}"}}"#)),
    ];
    let jwks = JwksConfig { url: service.url("/"), ..JwksConfig::default() };
    let by_address = LoginConfig { jwks, ..jwt(key(Algorithm::HS256, &hs)) };
    for config in [jwt(key(Algorithm::HS256, &hs)), by_address, http(&secret)] {
        let provider = Provider::build(&config).unwrap();
        for token in &tokens {
            let asked = question(token, "alice");
            let answer = provider.answer(&asked).await; // with what it logs
            assert!(answer.is_err());
            writeln!(
                seen,
                "{provider:?} {asked:?} {answer:?} {:?}",
                answer.as_ref().unwrap_err().reason.words()
            )
            .unwrap();
        }
        provider.reload().unwrap();
    }
    writeln!(seen, "{:?} {signer:?}", Secret::new(CANARY)).unwrap();
    assert!(!seen.contains(CANARY) && !seen.contains("canary5f1b"), "{seen}");
    assert!(seen.contains("Secret(11 bytes)"), "{seen}");
    assert!(service.requests().iter().any(|request| request.contains(CANARY)), "the test gives secrets away");
    let logged = String::from_utf8_lossy(&heard.0.lock().unwrap()).into_owned();
    assert!(logged.contains("login.jwks: cannot fetch keys"), "{logged}");
    assert!(!logged.contains(CANARY) && !logged.contains("canary5f1b"), "{logged}");
}

#[test]
fn every_problem_of_the_files_is_told_at_once() {
    let key = |id: &str, file: &str| LoginKey {
        id: id.to_owned(),
        algorithm: Algorithm::ES256,
        key_file: fixture_path(file),
    };
    let config = LoginConfig {
        provider: LoginProvider::Jwt,
        key: vec![key("a", "missing"), key("good", "p256.pub.pem"), key("b", "rsa.pub.pem")],
        ..LoginConfig::default()
    };
    let told: Vec<_> = check::problems(&config).iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("login.key: \"a\": cannot read "), "{told:?}");
    assert!(told[1].starts_with("login.key: \"b\": is no key for ES256"), "{told:?}");
}

#[test]
fn what_a_token_says_is_safe_to_print() {
    let key = SigningKey::from_file(Algorithm::HS256, &fixture("hs.key")).unwrap();
    let claims = format!(r#"{{"sub":"a\u001b[31m\u202eb","exp":1,"nickname":"{}"}}"#, "n".repeat(1000));
    let token = key.seal(r#"{"alg":"HS256","kid":"k\n"}"#, &claims).unwrap();
    let said = check::says(&token, &LoginConfig::default());
    let names: Vec<_> = said.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["alg", "kid", "exp", "sub", "nickname"]);
    for (_, value) in &said {
        assert!(value.chars().count() <= 203 && !value.contains(['\n', '\u{1b}', '\u{202e}']), "{value:?}");
    }
    assert!(check::says("local", &LoginConfig::default()).is_empty());
}
