//! The provider `http`: a service of the operator's is asked at each LOGIN.
//!
//! What it promises is that a service that is slow, broken or gone costs little: at most `in_flight_max` calls, each
//! bounded in time and size, and after five failures in a row none for five seconds. It fails closed: without an answer
//! nobody comes in, and is told OVERLOADED, which a client may repeat. Sessions that exist are not its business.

mod breaker;
mod cache;
mod reply;
mod webhook;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use hyper::Method;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::breaker::{Breaker, Gate};
use self::cache::Cache;
use self::webhook::Signer;
use super::answer::{Answer, Identity, Reason};
use super::jwt::read_bounded;
use super::outbound::{CallError, Outbound};
use super::provider::{BuildError, current, replace};
use super::question::Question;
use crate::config::HttpLoginConfig;

/// A secret has 88 characters at most; a file of several.
const SECRET_FILE_BYTES_MAX: usize = 4096;

/// The service, and how it has been doing.
pub(crate) struct Callback {
    outbound: Outbound,
    signer: RwLock<Arc<Signer>>,
    in_flight: Semaphore,
    breaker: Mutex<Breaker>,
    cache: Option<Mutex<Cache>>,
}

impl Callback {
    /// Reads the secret; calls nobody yet.
    pub(crate) fn build(config: &HttpLoginConfig) -> Result<Self, BuildError> {
        let signer = RwLock::new(Arc::new(read_secret(config)?));
        let outbound = Outbound::build(&config.url, config.timeout, config.answer_max)
            .map_err(|reason| BuildError::new("login.http.url", reason))?;
        let cache = (!config.cache.is_zero()).then(|| Mutex::new(Cache::new(config.cache)));
        let in_flight = Semaphore::new(config.in_flight_max);
        Ok(Self { outbound, signer, in_flight, breaker: Mutex::default(), cache })
    }

    /// Reads the secret again.
    pub(crate) fn reload(&self, config: &HttpLoginConfig) -> Result<(), BuildError> {
        read_secret(config).map(|signer| replace(&self.signer, signer))
    }

    pub(crate) async fn answer(&self, question: &Question, now_ms: u64) -> Answer {
        let key =
            self.cache.as_ref().map(|cache| lock(cache).key(question.token.expose(), &question.user_id));
        if let (Some(cache), Some(key)) = (&self.cache, &key)
            && let Some(identity) = lock(cache).get(key, now_ms)
        {
            return Ok(identity);
        }
        let identity = self.ask(question, now_ms).await?;
        if let (Some(cache), Some(key)) = (&self.cache, key) {
            lock(cache).put(key, &identity, now_ms);
        }
        Ok(identity)
    }

    async fn ask(&self, question: &Question, now_ms: u64) -> Result<Identity, Reason> {
        let Ok(_place) = self.in_flight.try_acquire() else { return Err(Reason::CallbackFull) };
        let gate = lock(&self.breaker).enter(Instant::now()).ok_or(Reason::CallbackOpen)?;
        let call = Call { breaker: &self.breaker, gate: Some(gate) };
        let answer = self.call(question, now_ms).await;
        call.over(!matches!(answer, Err(reason) if reason.is_failure()));
        answer
    }

    async fn call(&self, question: &Question, now_ms: u64) -> Result<Identity, Reason> {
        let body = json!({
            "token": question.token.expose(),
            "user_id": question.user_id,
            "connection": question.connection_name(),
            "address": question.address.to_string(),
            "transport": question.transport,
        });
        let body = body.to_string().into_bytes();
        let signed = current(&self.signer).sign(now_ms / 1000, &body);
        let headers = [
            ("content-type", "application/json"),
            ("accept", "application/json"),
            ("webhook-id", &signed.id),
            ("webhook-timestamp", &signed.timestamp),
            ("webhook-signature", &signed.signature),
        ];
        let (status, body) = self.outbound.call(Method::POST, &headers, body).await.map_err(reason)?;
        match status {
            200 => reply::read(&body, &question.user_id, now_ms),
            401 | 403 => Err(Reason::CallbackRefused),
            _ => Err(Reason::CallbackStatus),
        }
    }
}

fn read_secret(config: &HttpLoginConfig) -> Result<Signer, BuildError> {
    let refuse = |reason| BuildError::new("login.http.secret_file", reason);
    let file = read_bounded(&config.secret_file, SECRET_FILE_BYTES_MAX).map_err(refuse)?;
    Signer::from_file(&file).map_err(refuse)
}

fn reason(err: CallError) -> Reason {
    match err {
        CallError::Timeout => Reason::CallbackTimeout,
        CallError::Unreachable => Reason::CallbackUnreachable,
        CallError::TooLarge => Reason::CallbackAnswer,
        CallError::Status(_) => Reason::CallbackStatus,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner) // both are whole at any moment
}

/// A call under way. One whose asker is gone before it ends is told to the breaker too, or a probe would never end.
struct Call<'a> {
    breaker: &'a Mutex<Breaker>,
    gate: Option<Gate>,
}

impl Call<'_> {
    fn over(mut self, worked: bool) {
        if let Some(gate) = self.gate.take() {
            report(lock(self.breaker).leave(gate, Some(worked), Instant::now()));
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            lock(self.breaker).leave(gate, None, Instant::now());
        }
    }
}

fn report(change: Option<breaker::Change>) {
    match change {
        Some(breaker::Change::Opened) => tracing::warn!(
            failures = breaker::FAILURES_MAX,
            "login.http: the login service fails: logins are refused as OVERLOADED; it is tried again every {} s",
            breaker::PROBE_INTERVAL.as_secs()
        ),
        Some(breaker::Change::Closed) => tracing::info!("login.http: the login service answers again"),
        None => {}
    }
}

#[cfg(test)]
mod tests;
