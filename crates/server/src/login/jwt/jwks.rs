//! Keys from an address: fetched in the background, kept while the address is down, never fetched by an attacker.
//!
//! One task fetches, so there is never more than one fetch at a time, and none begins sooner than `interval_min` after
//! the one before. A token with an unknown `kid` can bring the next fetch forward to that moment and wait for it; until
//! then it is answered from what is known. A fetch that fails, in whatever way, leaves the keys as they are, until they
//! are older than `stale_max`; from then on nobody can be judged, and the answer is that, not a guess.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::super::outbound::CallError;
use super::jwk;
use super::key::{Key, KeyRing};
use crate::config::{Algorithm, JwksConfig};

/// Logins that wait for one fetch. Each holds its question: 8 KiB at most.
const WAITING_MAX: usize = 1024;

/// Where a set comes from; bounded in time and size by whoever implements it.
pub(super) trait KeySource: Send + Sync + 'static {
    fn fetch(&self) -> impl Future<Output = Result<Vec<u8>, CallError>> + Send;
}

/// What is known of a `kid`.
#[derive(Debug)]
pub(super) enum Found {
    Key(Arc<Key>),
    /// A key of this name that is for something else.
    OtherAlgorithm,
    None,
    /// Nobody can say: no keys, or the address is down and the keys at hand lack this one.
    Unavailable,
}

/// The keys of one address.
pub(crate) struct Jwks<S: KeySource = super::HttpKeys> {
    inner: Arc<Inner<S>>,
    task: OnceLock<AbortHandle>,
}

struct Inner<S> {
    source: S,
    config: JwksConfig,
    state: Mutex<State>,
    /// Somebody misses a key.
    wanted: Notify,
    /// Counts fetches that are over.
    over: watch::Sender<u64>,
    waiting: Semaphore,
}

#[derive(Default)]
struct State {
    keys: KeyRing,
    /// When `keys` were fetched.
    fetched: Option<Instant>,
    /// When the last fetch began.
    began: Option<Instant>,
    in_flight: bool,
    failed: bool,
}

/// What to do about a key that is not there.
enum Look {
    Sure(Found),
    /// A fetch is under way, or may begin (`ask`); without news from it, this.
    Wait {
        otherwise: Found,
        ask: bool,
    },
}

impl<S: KeySource> Jwks<S> {
    pub(super) fn new(source: S, config: &JwksConfig) -> Arc<Self> {
        let inner = Inner {
            source,
            config: config.clone(),
            state: Mutex::default(),
            wanted: Notify::new(),
            over: watch::Sender::new(0),
            waiting: Semaphore::new(WAITING_MAX),
        };
        Arc::new(Self { inner: Arc::new(inner), task: OnceLock::new() })
    }

    /// Begins to fetch; once is enough. Needs the runtime.
    pub(super) fn start(&self) {
        self.task.get_or_init(|| {
            self.inner.state().in_flight = true; // the task fetches first of all: nobody need ask for it
            tokio::spawn(Arc::clone(&self.inner).run()).abort_handle()
        });
    }

    /// The key of this id and algorithm; may wait for a fetch, for `login.jwks.timeout` at most.
    pub(super) async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Found {
        self.start();
        let inner = &self.inner;
        let mut over = inner.over.subscribe(); // before looking: a fetch that ends meanwhile is not missed
        let (otherwise, ask) = match inner.look(id, algorithm) {
            Look::Sure(found) => return found,
            Look::Wait { otherwise, ask } => (otherwise, ask),
        };
        let Ok(_place) = inner.waiting.try_acquire() else { return Found::Unavailable };
        if ask {
            inner.wanted.notify_one();
        }
        if timeout(inner.config.timeout, over.changed()).await.is_err() {
            return otherwise;
        }
        match inner.look(id, algorithm) {
            Look::Sure(found) | Look::Wait { otherwise: found, .. } => found,
        }
    }
}

impl<S: KeySource> Drop for Jwks<S> {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl<S: KeySource> Inner<S> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner) // every field is whole at any moment
    }

    fn look(&self, id: Option<&str>, algorithm: Algorithm) -> Look {
        let (state, now) = (self.state(), Instant::now());
        let serves = state.fetched.is_some_and(|at| now.duration_since(at) <= self.config.stale_max);
        if serves {
            if let Some(key) = state.keys.find(id, algorithm) {
                return Look::Sure(Found::Key(key));
            }
            if state.keys.has_id(id) {
                return Look::Sure(Found::OtherAlgorithm);
            }
            if id.is_none() {
                return Look::Sure(Found::None); // a name that is missing is not fetched
            }
        }
        let otherwise = if serves && !state.failed { Found::None } else { Found::Unavailable };
        let may_fetch = state.began.is_none_or(|at| now.duration_since(at) >= self.config.interval_min);
        if state.in_flight || may_fetch {
            Look::Wait { otherwise, ask: !state.in_flight }
        } else {
            Look::Sure(otherwise)
        }
    }

    async fn run(self: Arc<Self>) {
        loop {
            self.fetch().await;
            let began = self.state().began.unwrap_or_else(Instant::now);
            let failed = self.state().failed;
            let soonest = began + self.config.interval_min;
            let due = if failed { soonest } else { began + self.config.refresh };
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.wanted.notified() => sleep_until(soonest).await,
            }
        }
    }

    async fn fetch(&self) {
        {
            let mut state = self.state();
            state.began = Some(Instant::now());
            state.in_flight = true;
        }
        let fetched = timeout(self.config.timeout, self.source.fetch()).await;
        let parsed =
            fetched.unwrap_or(Err(CallError::Timeout)).map_err(|err| err.to_string()).and_then(|body| {
                let set = jwk::parse(&body, &self.config.algorithms, self.config.keys_max);
                set.map_err(|err| format!("what it answered {err}"))
            });
        self.take(parsed);
        self.over.send_modify(|rounds| *rounds += 1);
    }

    fn take(&self, parsed: Result<jwk::KeySet, String>) {
        let mut state = self.state();
        state.in_flight = false;
        match parsed {
            Ok(set) => {
                let keys = KeyRing::new(set.keys);
                if state.failed || state.fetched.is_none() || !keys.is_like(&state.keys) {
                    tracing::info!(keys = keys.len(), "login.jwks: the keys are here");
                    for (kid, why) in &set.skipped {
                        tracing::warn!(
                            kid = kid.as_deref().unwrap_or("none"),
                            "login.jwks: a key is left out: it {why}"
                        );
                    }
                }
                (state.keys, state.fetched, state.failed) = (keys, Some(Instant::now()), false);
            }
            Err(why) => {
                state.failed = true;
                let age_s = state.fetched.map(|at| at.elapsed().as_secs());
                tracing::warn!(keys = state.keys.len(), age_s, why, "login.jwks: cannot fetch keys");
            }
        }
    }
}

#[cfg(test)]
mod tests;
