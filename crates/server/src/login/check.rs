//! For `check-config` and `longwire token check`: what is wrong with the files, what a token says of itself, and whether
//! a LOGIN can carry it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::http::Callback;
use super::json::Object;
use super::jwt::Jwt;
use super::provider::BuildError;
use super::staticfile::Users;
use crate::config::{Config, JwksConfig, LoginConfig, LoginProvider};
use crate::escape::Escaped;
use longwire_wire::{BodyError, LoginRequest, put_login};

/// All that is wrong with the files that the provider in force needs; touches no network.
pub fn problems(config: &LoginConfig) -> Vec<BuildError> {
    match config.provider {
        LoginProvider::Open => Vec::new(),
        LoginProvider::Static => Users::build(config).err().into_iter().collect(),
        LoginProvider::Jwt => {
            // Each key by itself, so that one run tells them all.
            let alone = |config: LoginConfig| Jwt::build(&config).err();
            let without = LoginConfig { jwks: JwksConfig::default(), ..config.clone() };
            let keys = config.key.iter();
            let keys =
                keys.filter_map(|key| alone(LoginConfig { key: vec![key.clone()], ..without.clone() }));
            let jwks = alone(LoginConfig { key: Vec::new(), ..config.clone() });
            keys.chain(jwks).collect()
        }
        LoginProvider::Http => Callback::build(&config.http).err().into_iter().collect(),
    }
}

/// Whether a LOGIN can carry this token and userId: the server closes on one that cannot, and asks no provider.
///
/// # Errors
/// Which limit it breaks.
pub fn carried(token: &str, user_id: &str, config: &Config) -> Result<(), BodyError> {
    let limits = &config.limits;
    LoginRequest { token, user_id, features: 0 }.check(limits.id_max, limits.token_max())?;
    let mut body = Vec::new();
    put_login(&mut body, token, user_id, config.wire.login);
    let (len, max) = (body.len(), limits.login_max);
    if len > max { Err(BodyError::TooLarge { field: "LOGIN", len, max }) } else { Ok(()) }
}

/// What a token says, proved or not: names and values of its header and of the claims that are judged, made safe to
/// print. Empty for what is no token. Never the signature.
pub fn says(token: &str, config: &LoginConfig) -> Vec<(String, String)> {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let mut object = || parts.next().flatten().and_then(|part| Object::parse(&part));
    let (Some(header), Some(claims)) = (object(), object()) else { return Vec::new() };
    let names = &config.claims;
    let about = [
        &names.user,
        &names.nickname,
        &names.level,
        &names.room_level,
        &names.tags,
        &names.roles,
        &names.rooms,
    ];
    let mut said = Vec::new();
    for (object, names) in [
        (&header, vec!["alg", "kid", "typ", "crit"]),
        (&claims, ["iss", "aud", "exp", "nbf", "iat"].into_iter().chain(about.map(String::as_str)).collect()),
    ] {
        for name in names {
            if let Some(value) = object.get(name) {
                said.push((name.to_owned(), cut(&Escaped(&value.to_string()).to_string())));
            }
        }
    }
    said
}

fn cut(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    if text.chars().count() <= CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(CHARS_MAX).chain("...".chars()).collect()
}
