//! What the keys of `[login]` must be together. Only the provider in force is asked for what it needs, so a file may
//! keep the keys of another.

use super::kind;
use super::login::LoginConfig;
use super::relations::Rules;
use super::words::LoginProvider;
use std::time::Duration;

pub(super) fn login(login: &LoginConfig, rules: &mut Rules) {
    ranges(login, rules);
    match login.provider {
        LoginProvider::Open => {}
        LoginProvider::Static => {
            needed(rules, &["login.static_file", "login.provider"], "static", &login.static_file);
        }
        LoginProvider::Jwt => jwt(login, rules),
        LoginProvider::Http => {
            needed(rules, &["login.http.url", "login.provider"], "http", &login.http.url);
            needed(rules, &["login.http.secret_file", "login.provider"], "http", &login.http.secret_file);
        }
    }
}

fn needed(rules: &mut Rules, keys: &'static [&'static str], provider: &str, value: &str) {
    rules.need(!value.is_empty(), keys, || format!("login.provider = \"{provider}\" needs {}", keys[0]));
}

fn jwt(login: &LoginConfig, rules: &mut Rules) {
    let jwks = !login.jwks.url.is_empty();
    rules.need(jwks || !login.key.is_empty(), &["login.key", "login.jwks.url", "login.provider"], || {
        "login.provider = \"jwt\" needs a [[login.key]] or login.jwks.url".to_owned()
    });
    rules.need(!login.claims.user.is_empty(), &["login.claims.user"], || {
        "must name the claim that is the userId".to_owned()
    });
    for (keys, value) in [
        (&["login.jwt.issuer", "login.jwks.url"], &login.jwt.issuer),
        (&["login.jwt.audience", "login.jwks.url"], &login.jwt.audience),
    ] {
        rules.need(!jwks || !value.is_empty(), keys, || {
            format!("login.jwks.url needs {}: the same keys may sign other services' tokens", keys[0])
        });
    }
}

/// Each key's own range; they hold whichever provider is in force.
fn ranges(login: &LoginConfig, rules: &mut Rules) {
    let (jwt, jwks, http) = (&login.jwt, &login.jwks, &login.http);
    let (ms, second, hour) = (Duration::from_millis(1), Duration::from_secs(1), Duration::from_secs(3600));
    for (keys, wait, min, max) in [
        (&["login.jwt.leeway"], jwt.leeway, Duration::ZERO, 300 * second),
        (&["login.jwt.expiry_grace"], jwt.expiry_grace, Duration::ZERO, hour),
        (&["login.jwks.refresh"], jwks.refresh, second, 24 * hour),
        (&["login.jwks.interval_min"], jwks.interval_min, second, hour),
        (&["login.jwks.timeout"], jwks.timeout, 100 * ms, 30 * second),
        (&["login.http.timeout"], http.timeout, 100 * ms, 30 * second),
        (&["login.http.cache"], http.cache, Duration::ZERO, hour),
    ] {
        rules.need((min..=max).contains(&wait), keys, || {
            let [min, max, wait] = [min, max, wait].map(kind::duration);
            format!("must be between \"{min}\" and \"{max}\", is \"{wait}\"")
        });
    }
    rules.need(jwt.lifetime_max.is_zero() || jwt.lifetime_max >= second, &["login.jwt.lifetime_max"], || {
        format!("must be \"0s\" (not asked) or at least \"1s\", is \"{}\"", kind::duration(jwt.lifetime_max))
    });
    for (keys, longer, shorter) in [
        (&["login.jwks.refresh", "login.jwks.interval_min"], jwks.refresh, jwks.interval_min),
        (&["login.jwks.stale_max", "login.jwks.refresh"], jwks.stale_max, jwks.refresh),
    ] {
        rules.need(longer >= shorter, keys, || {
            let [longer, shorter] = [longer, shorter].map(kind::duration);
            format!("{} ({longer}) must be at least {} ({shorter})", keys[0], keys[1])
        });
    }
    rules.size_within(&["login.jwks.size_max"], jwks.size_max, kind::KIB, kind::MIB);
    rules.size_within(&["login.http.answer_max"], http.answer_max, 256, kind::MIB);
    for (keys, count, max) in [
        (&["login.jwks.keys_max"], jwks.keys_max, 1000),
        (&["login.http.in_flight_max"], http.in_flight_max, 10_000),
    ] {
        rules.need((1..=max).contains(&count), keys, || format!("must be between 1 and {max}, is {count}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{JwksConfig, JwtConfig};

    fn broken(login: &LoginConfig) -> Vec<String> {
        let mut rules = Rules::default();
        super::login(login, &mut rules);
        rules.broken().iter().map(|broken| broken.keys[0].to_owned()).collect()
    }

    /// The same keys sign other services' tokens: whose a token is must be asked.
    #[test]
    fn keys_from_an_address_need_issuer_and_audience() {
        let with = |issuer: &str, audience: &str| LoginConfig {
            provider: LoginProvider::Jwt,
            jwt: JwtConfig {
                issuer: issuer.to_owned(),
                audience: audience.to_owned(),
                ..JwtConfig::default()
            },
            jwks: JwksConfig { url: "https://id.example/jwks".to_owned(), ..JwksConfig::default() },
            ..LoginConfig::default()
        };
        assert_eq!(broken(&with("me", "chat")), [""; 0]);
        assert_eq!(broken(&with("", "chat")), ["login.jwt.issuer"]);
        assert_eq!(broken(&with("me", "")), ["login.jwt.audience"]);
        assert_eq!(broken(&with("", "")), ["login.jwt.issuer", "login.jwt.audience"]);
    }

    #[test]
    fn only_the_provider_in_force_is_asked_for_what_it_needs() {
        for (provider, needs) in [
            (LoginProvider::Open, &[][..]),
            (LoginProvider::Static, &["login.static_file"]),
            (LoginProvider::Jwt, &["login.key"]),
            (LoginProvider::Http, &["login.http.url", "login.http.secret_file"]),
        ] {
            assert_eq!(broken(&LoginConfig { provider, ..LoginConfig::default() }), needs, "{provider:?}");
        }
    }
}
