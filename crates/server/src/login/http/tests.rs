//! The callback against a real service over HTTP that behaves badly.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::*;
use crate::login::testing::{Behaviour, NOW_MS, Service, question};

const GOOD: &str = r#"{"user_id":"alice","nickname":"Al","roles":["host"]}"#;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn good() -> Behaviour {
    Behaviour::Answer(200, GOOD.into())
}

/// Longer than any answer takes on a busy machine: whoever is to wait in vain turns the clock.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A callback to `url`; the file of its secret is read and gone.
fn callback_to(url: String, change: impl FnOnce(&mut HttpLoginConfig)) -> Callback {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), SECRET).unwrap();
    let secret_file = secret.path().to_str().unwrap().to_owned();
    let mut config = HttpLoginConfig { url, secret_file, timeout: TIMEOUT, ..HttpLoginConfig::default() };
    change(&mut config);
    Callback::build(&config).unwrap()
}

async fn ask(callback: &Callback) -> Result<Identity, Reason> {
    callback.answer(&question("canary-token", "alice"), NOW_MS).await.map_err(|refusal| refusal.reason)
}

/// Asks a service that does not answer: once it has the question, the clock moves on to the deadline by itself.
async fn ask_in_vain(callback: &Callback, service: &Service) -> Result<Identity, Reason> {
    let before = service.requests().len();
    let asked = async {
        while service.requests().len() == before {
            tokio::task::yield_now().await;
        }
        tokio::time::pause();
    };
    let (answer, ()) = tokio::join!(ask(callback), asked);
    tokio::time::resume();
    answer
}

#[tokio::test]
async fn the_service_is_asked_by_a_signed_post_and_its_answer_is_the_identity() {
    let service = Service::start(good()).await;
    let callback = callback_to(service.url("/login?app=1"), |_| {});
    let identity = ask(&callback).await.unwrap();
    assert_eq!(identity.info.unwrap().nickname, "Al");
    let request = service.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /login?app=1 HTTP/1.1\r\n"), "{head}");
    let asked: serde_json::Value = serde_json::from_str(body).unwrap();
    let wanted = serde_json::json!({
        "token": "canary-token", "user_id": "alice", "connection": "1-2-3", "address": "203.0.113.7", "transport": "tcp",
    });
    assert_eq!(asked, wanted);
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{name} in {head}")).to_owned()
    };
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("webhook-timestamp"), "1700000100");
    // checked as a receiver would, from the header's own values
    let key = aws_lc_rs::hmac::Key::new(
        aws_lc_rs::hmac::HMAC_SHA256,
        &base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &SECRET[6..]).unwrap(),
    );
    let signed = format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp"));
    let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    let tag = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, tag);
    assert_eq!(header("webhook-signature"), format!("v1,{tag}"));
}

#[tokio::test]
async fn whatever_the_service_does_has_one_answer() {
    let redirect = b"HTTP/1.1 302 x\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let head = |rest: &str| format!("HTTP/1.1 200 x\r\n{rest}").into_bytes();
    let megabyte = vec![b'x'; 1 << 20];
    for (behaviour, reason) in [
        (Behaviour::Answer(401, Vec::new()), Reason::CallbackRefused),
        (Behaviour::Answer(403, b"{}".to_vec()), Reason::CallbackRefused),
        (Behaviour::Answer(500, GOOD.into()), Reason::CallbackStatus),
        (Behaviour::Answer(503, Vec::new()), Reason::CallbackStatus),
        (Behaviour::Answer(429, Vec::new()), Reason::CallbackStatus),
        (Behaviour::Answer(404, Vec::new()), Reason::CallbackStatus),
        (Behaviour::Answer(201, GOOD.into()), Reason::CallbackStatus),
        (Behaviour::Answer(204, Vec::new()), Reason::CallbackStatus),
        (Behaviour::Raw(redirect.to_vec()), Reason::CallbackStatus),
        (Behaviour::Answer(200, Vec::new()), Reason::CallbackAnswer),
        (Behaviour::Answer(200, b"garbage".to_vec()), Reason::CallbackAnswer),
        (Behaviour::Answer(200, br#"{"user_id":"bob"}"#.to_vec()), Reason::UserMismatch),
        (Behaviour::Answer(200, megabyte.clone()), Reason::CallbackAnswer),
        (Behaviour::Answer(500, megabyte), Reason::CallbackAnswer),
        (Behaviour::Flood(1 << 30), Reason::CallbackAnswer),
        (Behaviour::Raw(b"garbage\r\n\r\n".to_vec()), Reason::CallbackUnreachable),
        (Behaviour::Raw(b"\0\0\0\x07\x01".to_vec()), Reason::CallbackUnreachable),
        (Behaviour::Raw(head("content-length: 99999999999\r\n\r\nx")), Reason::CallbackAnswer),
        (Behaviour::Raw(head("content-length: 50\r\n\r\n{")), Reason::CallbackUnreachable),
        (Behaviour::Raw(head(&"x: y\r\n".repeat(1000))), Reason::CallbackUnreachable),
        (Behaviour::Raw(head(&format!("x: {}\r\n\r\n", "y".repeat(100_000)))), Reason::CallbackUnreachable),
        (Behaviour::Die, Reason::CallbackUnreachable),
        (Behaviour::Hang, Reason::CallbackTimeout),
        (Behaviour::Stall, Reason::CallbackTimeout),
    ] {
        let service = Service::start(behaviour.clone()).await;
        let callback = callback_to(service.url("/"), |_| {});
        let asked = match reason {
            Reason::CallbackTimeout => ask_in_vain(&callback, &service).await,
            _ => ask(&callback).await, // well before its deadline, which would be another reason
        };
        let refused = asked.unwrap_err();
        let shown = format!("{behaviour:?}").chars().take(80).collect::<String>();
        assert_eq!(refused, reason, "{shown}");
        assert_eq!(service.requests().len(), 1, "{shown}: nothing is repeated or followed");
        assert!(service.sent() < 8 << 20, "{shown}: the rest of a flood is not read");
        service.behave(good());
        assert!(ask(&callback).await.is_ok(), "{shown}: one failure is forgotten");
    }
}

#[tokio::test]
async fn a_service_that_is_gone_is_refused_at_once() {
    let gone = Service::start(good()).await;
    let url = gone.url("/");
    drop(gone);
    tokio::task::yield_now().await;
    assert_eq!(ask(&callback_to(url, |_| {})).await, Err(Reason::CallbackUnreachable));
}

#[tokio::test]
async fn five_failures_open_the_breaker_and_an_open_one_answers_at_once() {
    let service = Service::start(Behaviour::Hang).await;
    let callback = callback_to(service.url("/"), |_| {});
    for _ in 0..breaker::FAILURES_MAX {
        assert_eq!(ask_in_vain(&callback, &service).await, Err(Reason::CallbackTimeout));
    }
    tokio::time::pause(); // or it would be tried again, where these take five seconds
    for _ in 0..1000 {
        let asked = pin!(ask(&callback)).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(asked, Poll::Ready(Err(Reason::CallbackOpen)), "it waits for nothing");
    }
    assert_eq!(service.requests().len(), 5, "the service is left alone");
}

#[tokio::test]
async fn refusals_by_the_service_do_not_open_the_breaker() {
    let service = Service::start(Behaviour::Answer(401, Vec::new())).await;
    let callback = callback_to(service.url("/"), |_| {});
    for _ in 0..20 {
        assert_eq!(ask(&callback).await, Err(Reason::CallbackRefused));
    }
}

#[tokio::test]
async fn calls_under_way_are_bounded_and_an_asker_that_goes_gives_its_place_back() {
    let service = Service::start(Behaviour::Hang).await;
    let callback = Arc::new(callback_to(service.url("/"), |config| {
        config.in_flight_max = 2;
    }));
    let asker = || {
        let callback = Arc::clone(&callback);
        tokio::spawn(async move { ask(&callback).await })
    };
    let askers = [asker(), asker()];
    while service.requests().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&callback).await, Err(Reason::CallbackFull));
    for asker in askers {
        asker.abort();
        assert!(asker.await.unwrap_err().is_cancelled());
    }
    service.behave(good());
    assert!(ask(&callback).await.is_ok());
}

#[tokio::test]
async fn a_good_answer_is_kept_for_its_time_and_a_refusal_is_not() {
    let service = Service::start(Behaviour::Answer(401, Vec::new())).await;
    let callback = callback_to(service.url("/"), |config| config.cache = Duration::from_secs(10));
    let at = async |token: &str, now_ms| callback.answer(&question(token, "alice"), now_ms).await.is_ok();
    assert!(!at("a", NOW_MS).await && !at("a", NOW_MS).await);
    assert_eq!(service.requests().len(), 2);
    service.behave(good());
    assert!(at("a", NOW_MS).await && at("a", NOW_MS + 9_999).await);
    assert_eq!(service.requests().len(), 3);
    assert!(at("b", NOW_MS).await, "another token is asked for");
    assert!(at("a", NOW_MS + 10_000).await);
    assert_eq!(service.requests().len(), 5);
}

#[tokio::test]
async fn connections_are_kept_for_the_next_call() {
    let service = Service::start(good()).await;
    let callback = callback_to(service.url("/"), |_| {});
    for _ in 0..10 {
        assert!(ask(&callback).await.is_ok());
    }
    service.behave(Behaviour::Die); // a kept connection that ends is no failure of the next call
    let _ = ask(&callback).await;
    service.behave(good());
    assert!(ask(&callback).await.is_ok());
}
