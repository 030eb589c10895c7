//! `[login]`: who may come in, and who is asked.
//!
//! The keys alone; what they mean together is checked in `login_rules`, what they do is in [`crate::login`].

use super::Config;
use super::key::{Group, Key, section};
use super::kind::{self, KIB};
use super::login_keys::{self, LoginKey};
use super::words::{Algorithm, LoginProvider};
use longwire_engine::SessionPolicy;
use std::time::Duration;

section! {
    /// Who may come in.
    LoginConfig at "login", in login {
        /// Who says whether a token is a user's: open (nobody: any token that is not empty is accepted for any user;
        /// for development), static (a file of users), jwt (a signature) or http (a service of yours).
        provider: LoginProvider as kind::word::<LoginProvider>(), = LoginProvider::Open;
        /// Allows open logins on addresses other machines can reach: anybody is anybody.
        open_on_any_address: bool as kind::FLAG, = false;
        /// Whether clients without a user may come in and listen.
        guests: bool as kind::FLAG, = true;
        /// What becomes of a user's further sessions: all (they live, up to quotas.user.connections), newest (it closes
        /// the older ones) or oldest (newer ones are refused).
        sessions: SessionPolicy as kind::word::<SessionPolicy>(), = SessionPolicy::All;
        /// static: the file of users, `[[user]]` with id, token_sha256 and, where wanted, nickname, level, room_level,
        /// tags, roles and rooms. Read again at SIGHUP. Costs about 300B a user.
        static_file: String as kind::TEXT, = String::new();
        /// jwt: the keys that sign tokens, `[[login.key]]` with id, algorithm and key_file (a public key as PEM; for HS
        /// algorithms the secret itself). Read again at SIGHUP. A key serves its one algorithm.
        key: Vec<LoginKey> as login_keys::KEYS, = Vec::new();
    }
    with {
        /// What a token must say.
        jwt: JwtConfig,
        /// Keys from an address.
        jwks: JwksConfig,
        /// Where a token says it.
        claims: ClaimsConfig,
        /// The service that is asked.
        http: HttpLoginConfig,
    }
}

section! {
    /// jwt: what a token must say. `exp` it must have in any case.
    JwtConfig at "login.jwt", in login.jwt {
        /// Its iss, exactly; "" does not ask.
        issuer: String as kind::TEXT, = String::new();
        /// What its aud must name; "" takes only tokens without an aud.
        audience: String as kind::TEXT, = String::new();
        /// How far the issuer's clock may be off: a token counts as expired from its exp and this on, for its LOGIN and
        /// for what is sent after it.
        leeway: Duration as kind::DURATION, = Duration::from_secs(30);
        /// From iat to exp at most, and iat is required then; 0s does not ask.
        lifetime_max: Duration as kind::DURATION, = Duration::ZERO;
        /// How long after its login has expired a connection is closed; until then it may log in again.
        expiry_grace: Duration as kind::DURATION, = Duration::from_secs(25);
    }
}

section! {
    /// jwt: keys from an address (a JSON Web Key Set), beside those of `[[login.key]]`. With it jwt.issuer and
    /// jwt.audience must be set: the same keys sign other services' tokens too.
    JwksConfig at "login.jwks", in login.jwks {
        /// The address, https or http; "" is none.
        url: String as kind::URL, = String::new();
        /// The algorithms that its keys may have, such as ["RS256", "ES256"]; [] is all but HS.
        algorithms: Vec<Algorithm> as login_keys::ALGORITHMS, = Vec::new();
        /// How often the keys are fetched.
        refresh: Duration as kind::DURATION, = Duration::from_secs(600);
        /// The least time between two fetches, however many unknown keys are asked for.
        interval_min: Duration as kind::DURATION, = Duration::from_secs(10);
        /// How long a fetch may take, and a LOGIN that needs it.
        timeout: Duration as kind::DURATION, = Duration::from_secs(3);
        /// A larger set is refused as a whole, and the old one stays.
        size_max: usize as kind::SIZE, = 64 * KIB;
        /// And so is one of more keys. Each costs about 4KiB.
        keys_max: usize as kind::COUNT, = 100;
        /// How long keys serve while their address does not answer; then logins are refused as OVERLOADED.
        stale_max: Duration as kind::DURATION, = Duration::from_secs(24 * 3600);
    }
}

section! {
    /// jwt: the claims that are read, by the name that your tokens give them; "" reads none.
    ClaimsConfig at "login.claims", in login.claims {
        /// A string: must be the userId of the LOGIN.
        user: String as kind::TEXT, = "sub".to_owned();
        /// A string: shown instead of the userId.
        nickname: String as kind::TEXT, = "nickname".to_owned();
        /// A number: the user's level.
        level: String as kind::TEXT, = "level".to_owned();
        /// A number: the user's level in rooms.
        room_level: String as kind::TEXT, = "room_level".to_owned();
        /// A list of strings: badges.
        tags: String as kind::TEXT, = "tags".to_owned();
        /// A list of strings: what the user may do beyond the others.
        roles: String as kind::TEXT, = "roles".to_owned();
        /// A list of strings: the only rooms that the user may join; without the claim, any.
        rooms: String as kind::TEXT, = "rooms".to_owned();
    }
}

section! {
    /// http: a service of yours that is asked at each LOGIN, by POST with JSON, signed as Standard Webhooks.
    HttpLoginConfig at "login.http", in login.http {
        /// The address, https or http; over http tokens can be read on the way.
        url: String as kind::URL, = String::new();
        /// The file with the secret that signs the calls, "whsec_" and base64; two lines while it is being changed.
        secret_file: String as kind::TEXT, = String::new();
        /// How long an answer may take; then the LOGIN is refused as OVERLOADED.
        timeout: Duration as kind::DURATION, = Duration::from_secs(3);
        /// Calls under way; more logins are refused as OVERLOADED. Costs a descriptor and up to 32KiB each.
        in_flight_max: usize as kind::COUNT, = 256;
        /// A larger answer is none.
        answer_max: usize as kind::SIZE, = 16 * KIB;
        /// How long a good answer to the same token and userId serves again; 0s asks each time. Costs up to 10,000
        /// answers.
        cache: Duration as kind::DURATION, = Duration::ZERO;
    }
}
