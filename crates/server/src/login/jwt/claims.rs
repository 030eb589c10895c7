//! What a verified token must say, and what it says about its user.

use super::super::answer::{Answer, Identity, Reason, Refusal};
use super::super::json::{Object, WrongType};
use super::super::profile::Profile;
use super::seconds;
use super::token::Claims;
use crate::config::{ClaimsConfig, LoginConfig};

/// The last second of the year 9999. What lies behind it was meant in milliseconds, and would never expire.
const TIME_MAX: u64 = 253_402_300_799;

/// `[login.jwt]` and `[login.claims]`.
pub(super) struct ClaimRules {
    issuer: Option<String>,
    audience: Option<String>,
    leeway_ms: u64,
    /// 0: any.
    lifetime_max_s: u64,
    names: ClaimsConfig,
}

/// The times of a token, in seconds.
struct Times {
    exp: u64,
    nbf: Option<u64>,
    iat: Option<u64>,
}

impl ClaimRules {
    pub(super) fn new(config: &LoginConfig) -> Self {
        let set = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self {
            issuer: set(&config.jwt.issuer),
            audience: set(&config.jwt.audience),
            leeway_ms: config.jwt.leeway.as_millis() as u64,
            lifetime_max_s: seconds(config.jwt.lifetime_max),
            names: config.claims.clone(),
        }
    }

    /// The identity of `user_id`, if the token is theirs and in force at `now_ms`.
    pub(super) fn judge(&self, claims: &Claims, user_id: &str, now_ms: u64) -> Answer {
        let claims = claims.object();
        let times = Times::of(claims)?;
        self.judge_times(&times, now_ms)?;
        self.judge_issuer(claims)?;
        self.judge_audience(claims)?;
        if claims.text(&self.names.user).map_err(|_| Reason::ClaimMalformed)? != Some(user_id) {
            return Err(Reason::UserMismatch.into());
        }
        let profile = self.profile(claims).map_err(|_| Reason::ClaimMalformed)?;
        let identity = profile.identity(user_id, Some(self.end_ms(&times)));
        let identity: Result<Identity, Refusal> = identity.map_err(|_| Reason::ClaimMalformed.into());
        identity
    }

    /// From when on a token is void: for a LOGIN, for what its session sends, and for when that session is closed. One
    /// moment for all three, or a LOGIN could be accepted whose session may not send.
    ///
    /// RFC 7519, section 4.1.4: on or after exp a token is void; the leeway is for clocks that disagree.
    fn end_ms(&self, times: &Times) -> u64 {
        times.exp * 1000 + self.leeway_ms
    }

    fn judge_times(&self, times: &Times, now_ms: u64) -> Result<(), Reason> {
        if now_ms >= self.end_ms(times) {
            return Err(Reason::Expired);
        }
        let latest_ms = now_ms.saturating_add(self.leeway_ms);
        if [times.nbf, times.iat].into_iter().flatten().any(|begin| begin * 1000 > latest_ms) {
            return Err(Reason::NotYetValid);
        }
        let lifetime = times.iat.map(|iat| times.exp.saturating_sub(iat));
        if self.lifetime_max_s > 0 && lifetime.is_none_or(|lifetime| lifetime > self.lifetime_max_s) {
            return Err(Reason::Lifetime);
        }
        Ok(())
    }

    fn judge_issuer(&self, claims: &Object) -> Result<(), Reason> {
        let issuer = claims.text("iss").map_err(|_| Reason::Issuer)?;
        if self.issuer.is_some() && issuer != self.issuer.as_deref() { Err(Reason::Issuer) } else { Ok(()) }
    }

    /// RFC 7519, section 4.1.3: who is not among a token's audience must refuse it, and so must who has no name.
    fn judge_audience(&self, claims: &Object) -> Result<(), Reason> {
        let named = match claims.text("aud") {
            Ok(one) => one.map(|one| vec![one]),
            Err(WrongType) => claims.texts("aud").map_err(|_| Reason::Audience)?,
        };
        match (&self.audience, named) {
            (None, None) => Ok(()),
            (Some(ours), Some(named)) if named.contains(&ours.as_str()) => Ok(()),
            _ => Err(Reason::Audience),
        }
    }

    fn profile<'a>(&self, claims: &'a Object) -> Result<Profile<'a>, WrongType> {
        let names = &self.names;
        Ok(Profile {
            nickname: claims.text(&names.nickname)?,
            level: claims.small_number(&names.level)?,
            room_level: claims.small_number(&names.room_level)?,
            tags: claims.texts(&names.tags)?,
            roles: claims.texts(&names.roles)?,
            rooms: claims.texts(&names.rooms)?,
        })
    }
}

impl Times {
    fn of(claims: &Object) -> Result<Self, Reason> {
        let time = |name: &str| match claims.number(name) {
            Ok(Some(time)) if time > TIME_MAX => Err(Reason::TimeMalformed),
            Ok(time) if time.is_none() && claims.has(name) => Err(Reason::TimeMalformed), // null
            Ok(time) => Ok(time),
            Err(WrongType) => Err(Reason::TimeMalformed),
        };
        Ok(Self { exp: time("exp")?.ok_or(Reason::NoExpiry)?, nbf: time("nbf")?, iat: time("iat")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::JwtConfig;
    use std::time::Duration;

    fn judge(config: JwtConfig, claims: &str, now_ms: u64) -> Result<Identity, Reason> {
        let rules = ClaimRules::new(&LoginConfig { jwt: config, ..LoginConfig::default() });
        rules.judge(&Claims::of(claims), "alice", now_ms).map_err(|refusal| refusal.reason)
    }

    fn at(now_ms: u64, claims: &str) -> Option<Reason> {
        judge(JwtConfig::default(), claims, now_ms).err() // leeway 30 s
    }

    #[test]
    fn a_token_ends_at_exp_and_leeway_to_the_millisecond() {
        let claims = r#"{"sub":"alice","exp":1000}"#;
        assert_eq!(judge(JwtConfig::default(), claims, 1_029_999).unwrap().expires_at_ms, Some(1_030_000));
        assert_eq!(at(1_030_000, claims), Some(Reason::Expired));
        let odd = JwtConfig { leeway: Duration::from_millis(1500), ..JwtConfig::default() };
        assert_eq!(judge(odd.clone(), claims, 1_001_499).unwrap().expires_at_ms, Some(1_001_500));
        assert_eq!(judge(odd, claims, 1_001_500), Err(Reason::Expired));
        let exact = JwtConfig { leeway: Duration::ZERO, ..JwtConfig::default() };
        assert_eq!(judge(exact.clone(), claims, 999_999).unwrap().expires_at_ms, Some(1_000_000));
        assert_eq!(judge(exact, claims, 1_000_000), Err(Reason::Expired));
    }

    #[test]
    fn a_token_begins_at_nbf_and_iat_less_the_leeway() {
        for name in ["nbf", "iat"] {
            let claims = format!(r#"{{"sub":"alice","exp":5000,"{name}":1000}}"#);
            assert_eq!(at(969_999, &claims), Some(Reason::NotYetValid), "{name}");
            assert_eq!(at(970_000, &claims), None, "{name}");
        }
    }

    #[test]
    fn the_farthest_time_is_the_year_9999() {
        let exp = |exp: u64| at(0, &format!(r#"{{"sub":"alice","exp":{exp}}}"#));
        assert_eq!(exp(TIME_MAX), None);
        assert_eq!(exp(TIME_MAX + 1), Some(Reason::TimeMalformed));
        assert_eq!(exp(u64::MAX), Some(Reason::TimeMalformed));
    }

    #[test]
    fn a_lifetime_is_held_to_its_bound_and_needs_iat() {
        let config = || JwtConfig { lifetime_max: Duration::from_secs(60), ..JwtConfig::default() };
        let lives = |claims: &str| judge(config(), claims, 0).err();
        assert_eq!(lives(r#"{"sub":"alice","exp":60,"iat":0}"#), None);
        assert_eq!(lives(r#"{"sub":"alice","exp":61,"iat":0}"#), Some(Reason::Lifetime));
        assert_eq!(lives(r#"{"sub":"alice","exp":30}"#), Some(Reason::Lifetime));
    }

    #[test]
    fn claims_become_the_identity() {
        let claims = r#"{"sub":"alice","exp":60,"nickname":"Al","level":7,"room_level":2,"tags":["vip"],
            "roles":["host"],"rooms":["lobby","hall"],"extra":{"deep":[1,2]}}"#;
        let identity = judge(JwtConfig::default(), claims, 0).unwrap();
        let info = identity.info.unwrap();
        assert_eq!((info.nickname.as_str(), info.level, info.room_level), ("Al", 7, 2));
        assert_eq!(info.tags, ["vip"]);
        assert_eq!(identity.roles.as_ref(), [Box::from("host")]);
        assert_eq!(identity.rooms.unwrap().as_ref(), [Box::from("lobby"), Box::from("hall")]);
    }

    #[test]
    fn claims_go_by_the_names_that_are_configured() {
        let config = LoginConfig {
            claims: ClaimsConfig {
                user: "uid".to_owned(),
                nickname: String::new(),
                rooms: "https://example.com/rooms".to_owned(),
                ..ClaimsConfig::default()
            },
            ..LoginConfig::default()
        };
        let claims = r#"{"uid":"alice","sub":"x","exp":60,"nickname":7,"https://example.com/rooms":["a"]}"#;
        let identity = ClaimRules::new(&config).judge(&Claims::of(claims), "alice", 0).unwrap();
        assert_eq!((identity.info, identity.rooms.unwrap().len()), (None, 1));
    }
}
