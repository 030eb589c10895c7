//! The life of a key set under a paused clock: every wait is jumped over, so the times are exact.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::login::testing::fixture;

/// An address that behaves as it is told.
#[derive(Clone, Default)]
struct Address(Arc<Told>);

#[derive(Default)]
struct Told {
    behaviour: Mutex<Behaviour>,
    began: Mutex<Vec<Instant>>,
    open: AtomicUsize,
    open_most: AtomicUsize,
}

#[derive(Clone, Default)]
enum Behaviour {
    #[default]
    Good,
    Down,
    Hang,
    Slow(Duration),
    Body(Vec<u8>),
}

impl Address {
    fn behave(&self, behaviour: Behaviour) {
        *self.0.behaviour.lock().unwrap() = behaviour;
    }
    fn fetches(&self) -> usize {
        self.0.began.lock().unwrap().len()
    }
}

/// Counts down when a fetch ends, however it does.
struct Open(Address);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl KeySource for Address {
    async fn fetch(&self) -> Result<Vec<u8>, CallError> {
        self.0.began.lock().unwrap().push(Instant::now());
        let open = self.0.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.open_most.fetch_max(open, Ordering::SeqCst);
        let _open = Open(self.clone());
        let behaviour = self.0.behaviour.lock().unwrap().clone();
        match behaviour {
            Behaviour::Good => Ok(fixture("jwks_jose.json")),
            Behaviour::Down => Err(CallError::Unreachable),
            Behaviour::Hang => std::future::pending().await,
            Behaviour::Slow(wait) => {
                tokio::time::sleep(wait).await;
                Ok(fixture("jwks_jose.json"))
            }
            Behaviour::Body(body) => Ok(body),
        }
    }
}

fn jwks() -> (Address, Arc<Jwks<Address>>) {
    let address = Address::default();
    (address.clone(), Jwks::new(address, &JwksConfig::default()))
}

async fn find(jwks: &Jwks<Address>, kid: &str) -> &'static str {
    match jwks.find(Some(kid), Algorithm::ES256).await {
        Found::Key(_) => "key",
        Found::OtherAlgorithm => "other",
        Found::None => "none",
        Found::Unavailable => "unavailable",
    }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Only the keys of `kid`, as a set of its own.
fn set_of(kid: &str) -> Vec<u8> {
    let mut set: serde_json::Value = serde_json::from_slice(&fixture("jwks_jose.json")).unwrap();
    set["keys"].as_array_mut().unwrap().retain(|key| key["kid"] == kid);
    set.to_string().into_bytes()
}

#[tokio::test(start_paused = true)]
async fn the_first_login_waits_for_the_first_fetch() {
    let (address, jwks) = jwks();
    address.behave(Behaviour::Slow(Duration::from_secs(2)));
    assert_eq!(find(&jwks, "ES256").await, "key");
    assert_eq!(find(&jwks, "RS256").await, "other");
    assert_eq!(address.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_hangs_costs_a_login_the_timeout_and_no_more() {
    let (address, jwks) = jwks();
    address.behave(Behaviour::Hang);
    let begin = Instant::now();
    assert_eq!(find(&jwks, "ES256").await, "unavailable");
    assert!(begin.elapsed() <= Duration::from_millis(3001), "{:?}", begin.elapsed());
    let begin = Instant::now();
    assert_eq!(find(&jwks, "ES256").await, "unavailable");
    assert_eq!(begin.elapsed(), Duration::ZERO, "until the next fetch nobody waits");
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_again_every_refresh_and_a_key_that_is_gone_serves_no_more() {
    let (address, jwks) = jwks();
    assert_eq!(find(&jwks, "ES256").await, "key");
    address.behave(Behaviour::Body(set_of("RS256")));
    pass(599).await;
    assert_eq!((find(&jwks, "ES256").await, address.fetches()), ("key", 1));
    pass(2).await;
    assert_eq!((find(&jwks, "ES256").await, address.fetches()), ("none", 2));
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_at_the_first_token_that_needs_it() {
    let (address, jwks) = jwks();
    address.behave(Behaviour::Body(set_of("RS256")));
    assert_eq!(find(&jwks, "RS256").await, "other");
    address.behave(Behaviour::Good);
    pass(9).await;
    assert_eq!((find(&jwks, "ES256").await, address.fetches()), ("none", 1), "not within 10 s of the last");
    pass(1).await;
    assert_eq!((find(&jwks, "ES256").await, address.fetches()), ("key", 2));
}

#[tokio::test(start_paused = true)]
async fn sprayed_kids_cost_one_fetch_in_ten_seconds_and_never_two_at_once() {
    let (address, jwks) = jwks();
    find(&jwks, "ES256").await;
    address.behave(Behaviour::Slow(Duration::from_millis(2500)));
    let begin = Instant::now();
    for round in 0..600 {
        let sprayed = (0..20).map(|at| {
            let jwks = Arc::clone(&jwks);
            tokio::spawn(async move { find(&jwks, &format!("{round}-{at}")).await })
        });
        let sprayed: Vec<_> = sprayed.collect();
        assert_eq!(find(&jwks, "ES256").await, "key", "the right key serves meanwhile");
        tokio::time::sleep(Duration::from_millis(100)).await;
        if round % 100 == 99 {
            for task in sprayed {
                assert_eq!(task.await.unwrap(), "none");
            }
        }
    }
    let began = address.0.began.lock().unwrap().clone();
    assert!(began.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(10)), "{began:?}");
    let most = begin.elapsed().as_secs() / 10 + 2;
    assert!(began.len() as u64 <= most, "12,000 unknown kids cost {} fetches", began.len());
    assert_eq!(address.0.open_most.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn logins_that_wait_for_keys_are_bounded() {
    let (address, jwks) = jwks();
    address.behave(Behaviour::Hang);
    let waiting = (0..WAITING_MAX + 10).map(|_| {
        let jwks = Arc::clone(&jwks);
        tokio::spawn(async move {
            let begin = Instant::now();
            (find(&jwks, "ES256").await, begin.elapsed())
        })
    });
    let waiting: Vec<_> = waiting.collect();
    let mut at_once = 0;
    for task in waiting {
        let (found, waited) = task.await.unwrap();
        assert_eq!(found, "unavailable");
        at_once += usize::from(waited.is_zero());
    }
    assert_eq!(at_once, 10);
}

#[tokio::test(start_paused = true)]
async fn old_keys_serve_a_day_and_then_nobody_is_judged() {
    let (address, jwks) = jwks();
    assert_eq!(find(&jwks, "ES256").await, "key");
    address.behave(Behaviour::Down);
    pass(24 * 3600 - 1).await;
    assert_eq!(find(&jwks, "ES256").await, "key");
    assert_eq!(find(&jwks, "new").await, "unavailable", "it may be a key that could not be fetched");
    pass(2).await;
    assert_eq!(find(&jwks, "ES256").await, "unavailable");
    address.behave(Behaviour::Good);
    pass(10).await;
    assert_eq!(find(&jwks, "ES256").await, "key");
}

#[tokio::test(start_paused = true)]
async fn a_set_that_cannot_be_used_leaves_the_old_one() {
    let many = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let many = format!(r#"{{"keys":[{}]}}"#, vec![many; 10_000].join(","));
    for body in [b"{\"keys\":[]}".to_vec(), b"<html>".to_vec(), Vec::new(), many.into_bytes()] {
        let (address, jwks) = jwks();
        assert_eq!(find(&jwks, "ES256").await, "key");
        address.behave(Behaviour::Body(body));
        pass(601).await;
        assert_eq!((find(&jwks, "ES256").await, address.fetches()), ("key", 2));
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_down_is_tried_again_every_ten_seconds() {
    let (address, jwks) = jwks();
    address.behave(Behaviour::Down);
    assert_eq!(find(&jwks, "ES256").await, "unavailable");
    pass(95).await;
    assert_eq!(address.fetches(), 10);
    address.behave(Behaviour::Good);
    pass(6).await;
    assert_eq!(find(&jwks, "ES256").await, "key");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_fetched_once_the_provider_is_gone() {
    let (address, jwks) = jwks();
    assert_eq!(find(&jwks, "ES256").await, "key");
    drop(jwks);
    pass(3600).await;
    assert_eq!(address.fetches(), 1);
    assert_eq!(Arc::strong_count(&address.0), 1, "and its task holds nothing any more");
}
