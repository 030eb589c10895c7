//! The provider `jwt`: tokens that the command line makes, what their claims do, and what their end does.

use super::place::Place;
use crate::common::bytes::*;
use crate::common::canary::never_printed;
use crate::common::on_one_and_four_shards;
use crate::common::raw::{End, Raw};
use crate::common::server::Server;
use crate::common::websocket::{Said, WebSocket};
use std::collections::BTreeMap;

on_one_and_four_shards!(
    a_token_is_its_users_alone,
    a_refused_renewal_leaves_the_session_and_the_third_closes,
    claims_replace_what_the_client_says_of_itself,
    a_token_may_name_the_only_rooms,
    a_token_that_expires_ends_its_connection_unless_it_is_renewed,
    a_browser_is_told_that_its_token_has_expired,
    tokens_of_other_implementations_log_in,
    a_token_within_its_leeway_sends_and_stays,
    without_keys_to_judge_by_it_is_overloaded,
);

fn log_in(server: &Server, user: &str, token: &str) -> Raw {
    let mut raw = server.connect();
    assert_eq!(raw.try_log_in(token, user), OK);
    raw
}

/// Fault: `sub` is not the userId; a token past its `exp`; a forged one.
fn a_token_is_its_users_alone(shards: u32) {
    //= PROTOCOL.md#8.1
    // token and userId: 0 once the provider accepts them.
    //= PROTOCOL.md#8.4
    // 2: token wrong, expired, or another userId's.
    let place = Place::new();
    let server = place.jwt_plan(shards).start();
    let good = place.token("alice", &[]);
    let mut alice = log_in(&server, "alice", &good);
    let expired = place.token("alice", &["--claim", "exp=1000000000"]);
    let forged = never_printed(format!("{}AAAAAA", &good[..good.len() - 6]));
    let unsigned = never_printed(format!("{}.", good.rsplit_once('.').expect("three parts").0));
    for (token, user) in [
        (&good, "bob"),
        (&good, "Alice"),
        (&expired, "alice"),
        (&forged, "alice"),
        (&unsigned, "alice"),
        (&"canary-no-token".to_owned(), "alice"),
    ] {
        assert_eq!(server.connect().try_log_in(token, user), UNAUTHENTICATED, "{user}");
    }
    alice.ping();
    server.stop();
}

/// Fault: a second LOGIN that fails; the third failure closes.
fn a_refused_renewal_leaves_the_session_and_the_third_closes(shards: u32) {
    //= PROTOCOL.md#8.11
    // A later LOGIN that is refused leaves the session as it was.
    //= PROTOCOL.md#8.12
    // The third is answered, and the server closes.
    let place = Place::new();
    let server = place.jwt_plan(shards).start();
    let mut alice = log_in(&server, "alice", &place.token("alice", &[]));
    alice.join("lobby");
    for _ in 0..2 {
        assert_eq!(alice.status_of(LOGIN, login_body("canary-no-token", "alice")), UNAUTHENTICATED);
        assert_eq!(alice.verdict_on(cms_body("lobby", "canary-body-still")), None);
    }
    assert_eq!(alice.status_of(LOGIN, login_body("canary-no-token", "alice")), UNAUTHENTICATED);
    alice.assert_ended();
    server.stop();
}

/// Fault: spoofed `userInfo`.
fn claims_replace_what_the_client_says_of_itself(shards: u32) {
    //= PROTOCOL.md#11.6
    // userInfo is passed on as the client sent it, unless the login provider states it for the user.
    let place = Place::new();
    let server = place.jwt_plan(shards).start();
    let claims = ["nickname=Queen", "level=7", "room_level=3", "tags=[\"vip\",\"host\"]"];
    let args: Vec<&str> = claims.iter().flat_map(|claim| ["--claim", claim]).collect();
    let mut queen = log_in(&server, "alice", &place.token("alice", &args));
    let mut bare = log_in(&server, "bob", &place.token("bob", &[]));
    [&mut queen, &mut bare].into_iter().for_each(|raw| raw.join("lobby"));
    let spoofed = [number(1, 99), bytes(3, "Spoofed"), bytes(4, "admin")].concat();
    let said = [cms_body("lobby", "canary-body-said"), bytes(5, spoofed)].concat();
    assert_eq!(queen.verdict_on(said.clone()), None);
    let stated = UserInfo {
        level: 7,
        room_level: 3,
        nickname: "Queen".to_owned(),
        tags: vec!["vip".to_owned(), "host".to_owned()],
    };
    assert_eq!(bare.next_record().user, Some(stated));
    assert_eq!(bare.verdict_on(said), None);
    assert_eq!(queen.next_record().user.expect("its own").nickname, "Spoofed", "nothing is stated for bob");
    server.stop();
}

fn a_token_may_name_the_only_rooms(shards: u32) {
    //= PROTOCOL.md#10.12
    // A JOIN_CR of a room that the login provider does not allow the user is answered with FORBIDDEN.
    let place = Place::new();
    let server = place.jwt_plan(shards).start();
    let token = place.token("alice", &["--claim", "rooms=[\"lobby\",\"garden\"]"]);
    let mut alice = log_in(&server, "alice", &token);
    for room in ["lobby", "garden"] {
        alice.join(room);
    }
    for room in ["attic", "lobb", "Lobby"] {
        assert_eq!(alice.status_of(JOIN_CR, join_body(room)), FORBIDDEN);
        assert_eq!(alice.verdict_on(cms_body(room, "canary-body-out")), Some(NOT_JOINED));
    }
    assert_eq!(alice.verdict_on(cms_body("garden", "canary-body-in")), None);
    log_in(&server, "bob", &place.token("bob", &[])).join("attic");
    server.stop();
}

/// Fault: the token expires while connected.
fn a_token_that_expires_ends_its_connection_unless_it_is_renewed(shards: u32) {
    //= PROTOCOL.md#8.21
    // From its token's expiry on a CMS is answered with UNAUTHENTICATED, and 25 s (default) later the server closes.
    //= PROTOCOL.md#9.11
    // That close comes whatever the client sends meanwhile.
    //= PROTOCOL.md#19.13
    // login.jwt.expiry_grace sets the 25 s.
    //= PROTOCOL.md#8.6
    // A later LOGIN with a valid token renews the session: neither happens.
    let place = Place::new();
    let server = place.jwt_plan(shards).set("login.jwt.expiry_grace", "1s").start();
    let short = ["--ttl", "3s"];
    let mut renewing = log_in(&server, "alice", &place.token("alice", &short));
    let mut expiring = log_in(&server, "alice", &place.token("alice", &short));
    [&mut renewing, &mut expiring].into_iter().for_each(|raw| raw.join("lobby"));
    assert_eq!(renewing.status_of(LOGIN, login_body(&place.token("alice", &[]), "alice")), OK);
    let say = || cms_body("lobby", "canary-body-said");
    let status = loop {
        match expiring.verdict_on(say()) {
            None => assert_eq!(renewing.next_record().from, "alice"),
            Some(status) => break status,
        }
    };
    assert_eq!(status, UNAUTHENTICATED);
    expiring.ping(); // it may listen, and renew, until the grace is over
    let (frames, end) = expiring.frames_to_end();
    assert!(frames.iter().all(|frame| frame.flow == NOTIFY), "{frames:?}");
    assert_eq!(end, End::Stream);
    assert_eq!(renewing.verdict_on(say()), None);
    assert_eq!(renewing.kept_records(), 0, "what was refused was heard by nobody");
    server.stop();
}

fn a_browser_is_told_that_its_token_has_expired(shards: u32) {
    //= PROTOCOL.md#18.13
    // 4006: the token has expired.
    let place = Place::new();
    let server = place.jwt_plan(shards).set("login.jwt.expiry_grace", "0s").start();
    let mut browser = WebSocket::connect(server.address());
    browser.log_in(Reading::Body, login_body(&place.token("alice", &["--ttl", "3s"]), "alice"));
    let told = browser.next();
    assert!(matches!(told, Said::Close(Some(4006), _)), "{told:?}");
    server.stop();
}

/// What logs in sends, and is not closed: a token has one end, not one for the LOGIN and an earlier one for the rest.
fn a_token_within_its_leeway_sends_and_stays(shards: u32) {
    //= PROTOCOL.md#8.21
    // From when on a login ends its provider says: with a token it is exp and the leeway.
    let place = Place::new();
    let plan = place.jwt_plan(shards).set("login.jwt.leeway", "300s");
    let server = plan.set("login.jwt.expiry_grace", "0s").start();
    let past = format!("exp={}", unix_s() - 60);
    let mut late = log_in(&server, "alice", &place.token("alice", &["--claim", &past]));
    late.join("lobby");
    let mut listener = log_in(&server, "bob", &place.token("bob", &[]));
    listener.join("lobby");
    // Three looks at who has expired go by: the first of a shard's ticks would have closed it.
    let ticks = std::time::Duration::from_millis(750);
    assert!(!late.ends_within(ticks), "it is not closed");
    assert_eq!(late.verdict_on(cms_body("lobby", "canary-body-late")), None);
    assert_eq!(listener.next_record().from, "alice");
    let over = place.token("alice", &["--claim", &format!("exp={}", unix_s() - 300)]);
    assert_eq!(server.connect().try_log_in(&over, "alice"), UNAUTHENTICATED);
    server.stop();
}

/// Fault: the address of the keys is down from the start.
fn without_keys_to_judge_by_it_is_overloaded(shards: u32) {
    //= PROTOCOL.md#8.22
    // Nobody can judge it: OVERLOADED, and not UNAUTHENTICATED; guests come in meanwhile.
    let place = Place::new();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let url = format!("http://{}/jwks", nobody.expect("a port that is free again"));
    let server = place
        .jwt_plan(shards)
        .set("login.key", "[]")
        .set("login.jwks.url", &url)
        .set("login.jwt.issuer", "me")
        .set("login.jwt.audience", "chat")
        .start();
    let token = place.token("alice", &["--claim", "iss=me", "--claim", "aud=chat"]);
    assert_eq!(server.connect().try_log_in(&token, "alice"), OVERLOADED);
    server.guest().ping();
    server.stop();
}

fn unix_s() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("a clock behind 1970").as_secs()
}

/// The tokens that PyJWT and jose made with the fixtures' keys, one for each algorithm (`fixtures/login/make.sh`).
fn tokens_of_other_implementations_log_in(shards: u32) {
    //= PROTOCOL.md#8.1
    // token and userId: 0 once the provider accepts them.
    let fixture = |name: &str| format!("{}/../server/fixtures/login/{name}", env!("CARGO_MANIFEST_DIR"));
    let tokens = |name: &str| -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(fixture(name)).expect("a fixture");
        serde_json::from_str(&text).expect("a token by its algorithm")
    };
    let both = [tokens("tokens_pyjwt.json"), tokens("tokens_jose.json")];
    let key = |algorithm: &String| {
        let file = match algorithm.as_str() {
            "ES256" => "p256.pub.pem",
            "ES384" => "p384.pub.pem",
            "EdDSA" => "ed25519.pub.pem",
            name if name.starts_with("HS") => "hs.key",
            _ => "rsa.pub.pem",
        };
        format!("{{ id = \"{algorithm}\", algorithm = \"{algorithm}\", key_file = \"{}\" }}", fixture(file))
    };
    let algorithms = [
        "ES256", "ES384", "EdDSA", "HS256", "HS384", "HS512", "PS256", "PS384", "PS512", "RS256", "RS384",
        "RS512",
    ];
    assert!(both.iter().all(|tokens| tokens.keys().eq(algorithms)));
    let keys: Vec<String> = both[0].keys().map(key).collect();
    let server = Server::of(shards)
        .log_level("trace")
        .set("login.provider", "jwt")
        .set("login.key", &format!("[{}]", keys.join(", ")))
        .set("login.jwt.issuer", "https://issuer.example")
        .set("login.jwt.audience", "chat")
        .set("quotas.user.login_failures", "off") // bob has no token here
        .start();
    for (algorithm, token) in both.iter().flatten() {
        let token = never_printed(token);
        assert_eq!(server.connect().try_log_in(&token, "alice"), OK, "{algorithm}");
        assert_eq!(server.connect().try_log_in(&token, "bob"), UNAUTHENTICATED, "{algorithm}");
    }
    server.stop();
}
