//! TLS: certificates that are read, judged and renewed while the server runs, and sessions for the reactor's sockets.
//!
//! `Tls` is what every shard has of it: the certificates of this moment, from which `Tls::accept` makes a
//! `Session`. A session borrows its socket for the length of a call; which handshake has its turn, how many there may
//! be and how long each may take is the reactor's to say.
//! Invariant: a handshake sees whole, matching files or the ones before; no file's content is in a log or an error.

mod dates;
mod files;
mod fit;
mod names;
mod session;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use tokio::signal::unix::Signal;

use crate::config::TlsConfig;
use files::{Files, Loaded};
pub(crate) use session::{Handshake, Session};

/// How often the files are looked at: a renewal by whatever tool is seen within 35 s, with what reading takes.
const LOOK_PERIOD: Duration = Duration::from_secs(30);

/// A file of `[tls]` that cannot be used: which key names it, and what is wrong. Shows nothing of what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct TlsError {
    /// The key's full name.
    pub key: &'static str,
    /// The file and what is wrong with it.
    pub reason: String,
}

/// For `check-config`: all that is wrong with the files, dates included, then what is worth a word. Both are empty where
/// no certificate is set.
pub fn check(config: &TlsConfig) -> (Vec<TlsError>, Vec<TlsError>) {
    if config.certificate.is_empty() {
        return (idle_client_ca(config).into_iter().collect(), Vec::new());
    }
    let about = |reason| TlsError { key: "tls.certificate", reason };
    match Files::read(config).load(config) {
        Err(errors) => (errors, Vec::new()),
        Ok(loaded) => match loaded.outdated(unix_seconds()) {
            Some(reason) => (vec![about(reason)], Vec::new()),
            None => {
                let worth_a_word = loaded.ends_soon(unix_seconds()).into_iter().chain(loaded.doubts);
                (Vec::new(), worth_a_word.map(about).collect())
            }
        },
    }
}

fn idle_client_ca(config: &TlsConfig) -> Option<TlsError> {
    let reason =
        "asks clients for a certificate, and the server has none: set a [[tls.certificate]]".to_owned();
    (!config.client_ca.is_empty()).then_some(TlsError { key: "tls.client_ca", reason })
}

/// The certificates of this moment. Shards share one; a renewal replaces what new handshakes see, and no more.
pub(crate) struct Tls {
    config: TlsConfig,
    server: RwLock<Arc<ServerConfig>>,
    /// What was read last, good or not: a line is logged once for each state of the files.
    seen: Mutex<Seen>,
}

struct Seen {
    digest: [u8; 32],
    /// Of the files that are in force.
    in_force: [u8; 32],
    /// Why the files, as they were seen last, cannot be used.
    broken: Option<String>,
    /// The pair in force, for its dates.
    loaded: Loaded,
    /// Whether it was said that a certificate ends soon, or has ended.
    said: Said,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Nothing,
    EndsSoon,
    HasEnded,
}

/// Never shows what it holds.
impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls({} certificates)", self.config.certificate.len())
    }
}

/// How a look at the files ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// They are as they were at the last look.
    Same,
    /// They were others at the last look, and are again what is in force.
    Restored,
    /// New handshakes see the new ones.
    Renewed,
    /// They cannot be used: all stays as it was.
    Broken,
}

impl Tls {
    /// Reads and judges the files. `Ok(None)`: no certificate is set, so TLS is off.
    ///
    /// A certificate that has ended is no reason not to start: it is said, and a renewal is taken without a restart.
    pub(crate) fn build(config: &TlsConfig) -> Result<Option<Self>, TlsError> {
        if config.certificate.is_empty() {
            return idle_client_ca(config).map_or(Ok(None), Err);
        }
        let files = Files::read(config);
        let loaded = files.load(config).map_err(|mut errors| errors.swap_remove(0))?;
        let server = RwLock::new(Arc::clone(&loaded.server));
        warn_of_doubts(&loaded);
        let digest = files.digest();
        let seen = Mutex::new(Seen { digest, in_force: digest, broken: None, loaded, said: Said::Nothing });
        let tls = Self { config: config.clone(), server, seen };
        tls.warn_of_dates(unix_seconds());
        Ok(Some(tls))
    }

    /// A session for a connection that begins now.
    pub(crate) fn accept(&self) -> Result<Session, rustls::Error> {
        let server = self.server.read().unwrap_or_else(PoisonError::into_inner); // an Arc is whole at any moment
        Session::new(Arc::clone(&server))
    }

    #[cfg(test)]
    fn server_for_test(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server.read().unwrap())
    }

    /// Looks at the files once more. New ones serve new handshakes; where one is broken, all stays as it was, and one
    /// line says why: once for each state of the files, and whenever somebody `asked`. Reads files, so it may block: not
    /// for a shard.
    pub(crate) fn look(&self, asked: bool) -> Look {
        self.look_at(unix_seconds(), asked)
    }

    fn look_at(&self, now: i64, asked: bool) -> Look {
        let files = Files::read(&self.config);
        let digest = files.digest();
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.digest == digest {
                if let Some(reason) = seen.broken.as_deref().filter(|_| asked) {
                    say_broken(reason);
                }
                drop(seen);
                self.warn_of_dates(now);
                return Look::Same;
            }
            seen.digest = digest;
            if seen.in_force == digest {
                seen.broken = None;
                drop(seen);
                tracing::info!("the certificates' files are again those in force: nothing changes");
                self.warn_of_dates(now);
                return Look::Restored;
            }
        }
        let loaded = match files.load(&self.config) {
            Ok(loaded) => loaded,
            Err(mut errors) => return self.refuse(errors.swap_remove(0).to_string()),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = loaded.newly_outdated(&seen.loaded, now) {
            drop(seen);
            return self.refuse(format!("tls.certificate: {reason}"));
        }
        *self.server.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&loaded.server);
        tracing::info!("new certificates: handshakes from now on see them, connections that are open stay");
        warn_of_doubts(&loaded);
        (seen.loaded, seen.said, seen.broken, seen.in_force) = (loaded, Said::Nothing, None, digest);
        drop(seen);
        self.warn_of_dates(now);
        Look::Renewed
    }

    fn refuse(&self, reason: String) -> Look {
        say_broken(&reason);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).broken = Some(reason);
        Look::Broken
    }

    /// Says once that a certificate ends soon, and once that it has ended.
    fn warn_of_dates(&self, now: i64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = seen.loaded.outdated(now) {
            if seen.said < Said::HasEnded {
                seen.said = Said::HasEnded;
                tracing::error!("{reason}: clients that check it refuse it");
            }
        } else if let Some(reason) = seen.loaded.ends_soon(now)
            && seen.said < Said::EndsSoon
        {
            seen.said = Said::EndsSoon;
            tracing::warn!("{reason}");
        }
    }
}

/// Looks at the files every 30 s and at every `hangup`, for as long as the control runtime lives.
pub(crate) async fn renew(tls: Arc<Tls>, mut hangup: Signal) {
    loop {
        let asked = tokio::select! {
            () = tokio::time::sleep(LOOK_PERIOD) => false,
            _ = hangup.recv() => true,
        };
        let tls = Arc::clone(&tls);
        // beside the runtime, which has logins to answer: a network's file system may take its time
        let _ = tokio::task::spawn_blocking(move || tls.look(asked)).await;
    }
}

fn say_broken(reason: &str) {
    tracing::error!(reason, "the new certificates cannot be used: the old ones stay in force");
}

fn warn_of_doubts(loaded: &Loaded) {
    for doubt in &loaded.doubts {
        tracing::warn!("{doubt}");
    }
}

/// Unix time in seconds; a clock before 1970 is 1970.
fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
