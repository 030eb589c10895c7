//! Logs: one event is one line on stderr, for people on a terminal and as JSON everywhere else.
//!
//! Events only, no spans: a line says all by itself. What peers sent may stand in any field and cannot forge a line, a
//! field or a colour ([`crate::escape`]). Tokens and message bodies are never handed over in the first place.

mod limit;
mod line;
mod queue;

pub use limit::{LINES_PER_SECOND_MAX, LogLimit};

use crate::config::{Addresses, LogConfig, LogFormat};
use line::Line;
use std::fmt;
use std::io::IsTerminal;
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry, registry};

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// A logger is there already.
    #[error(transparent)]
    Twice(#[from] TryInitError),
    /// The thread that writes the lines cannot be started.
    #[error("cannot start the log's thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// Sets the process up to log as `config` says; once, before anything is logged. [`flush`] before it ends.
///
/// # Errors
/// A logger is there already, or its thread cannot be started.
pub fn init(config: &LogConfig) -> Result<(), InitError> {
    MASKED.store(config.addresses == Addresses::Masked, Ordering::Relaxed);
    let terminal = std::io::stderr().is_terminal();
    let queue = queue::Queue::start(std::io::stderr())?;
    let _ = QUEUE.set(queue);
    Ok(registry().with(layer(config, terminal, queue)).try_init()?)
}

/// Waits until what was logged so far is written; at most a second, where nobody reads the log.
pub fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush();
    }
}

static QUEUE: OnceLock<&'static queue::Queue> = OnceLock::new();

/// Whether [`Address`] masks. One for the process, as the logger is.
static MASKED: AtomicBool = AtomicBool::new(false);

fn layer<W>(config: &LogConfig, terminal: bool, writer: W) -> impl Layer<Registry>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let line = match config.format {
        LogFormat::Auto if !terminal => Line::Json,
        LogFormat::Json => Line::Json,
        LogFormat::Auto | LogFormat::Human => Line::Human { colour: terminal && wants_colour() },
    };
    let parts = config.level.parts.iter().cloned();
    let levels = Targets::new().with_default(config.level.all).with_targets(parts);
    tracing_subscriber::fmt::layer()
        .event_format(line)
        .with_writer(writer)
        // Where stderr is gone there is nowhere to say so; the default says it on stderr, and panics.
        .log_internal_errors(false)
        .with_filter(levels)
}

/// <https://no-color.org>: set and not empty means none.
fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A client's address in a log line: as it is, or masked where `log.addresses` says so.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a>(pub &'a SocketAddr);

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if MASKED.load(Ordering::Relaxed) { write_masked(f, self.0.ip()) } else { write!(f, "{}", self.0) }
    }
}

/// The same of an address without a port, as a proxy tells it.
#[derive(Clone, Copy, Debug)]
pub struct Host(pub IpAddr);

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if MASKED.load(Ordering::Relaxed) { write_masked(f, self.0) } else { write!(f, "{}", self.0) }
    }
}

/// The network alone: what is left names a provider or a company, no household.
fn write_masked(f: &mut impl fmt::Write, ip: IpAddr) -> fmt::Result {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            write!(f, "{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            write!(f, "{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LogLevel;
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing::level_filters::LevelFilter;
    use tracing::{debug, error, info, warn};

    /// What a writer got, one element a line.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(config: &LogConfig, log: impl FnOnce()) -> Vec<String> {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = registry().with(layer(config, false, move || writer.clone()));
        tracing::subscriber::with_default(subscriber, log);
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn config(format: LogFormat) -> LogConfig {
        LogConfig { format, ..LogConfig::default() }
    }

    /// Cuts the time off and checks its form: RFC 3339 in UTC.
    fn without_time(line: &str) -> &str {
        let (time, rest) = line.split_at("2026-11-23T14:39:00.123456Z".len());
        assert!(time.ends_with('Z') && time.as_bytes()[10] == b'T', "{line}");
        rest
    }

    #[test]
    fn a_human_line_reads_as_a_sentence() {
        let lines = lines(&config(LogFormat::Human), || {
            info!(listen = "127.0.0.1:7610", shards = 2, open = true, "ready");
            warn!(reason = "no such file", path = "", "cannot read");
        });
        assert_eq!(without_time(&lines[0]), "  INFO ready listen=127.0.0.1:7610 shards=2 open=true");
        assert_eq!(without_time(&lines[1]), "  WARN cannot read reason=\"no such file\" path=\"\"");
    }

    #[test]
    fn a_json_line_is_one_flat_object() {
        let lines = lines(&config(LogFormat::Json), || {
            info!(target: "here", shards = 2, share = 0.5, nan = f64::NAN, open = true, level = 3, "rea\"dy");
        });
        let (start, rest) = lines[0].split_at("{\"time\":\"".len());
        assert_eq!(start, "{\"time\":\"");
        assert_eq!(
            without_time(rest),
            "\",\"level\":\"info\",\"target\":\"here\",\"message\":\"rea\\\"dy\",\"shards\":2,\"share\":0.5,\
             \"nan\":\"NaN\",\"open\":true,\"level_\":3}"
        );
    }

    /// A user may be called anything; a log line stays one line with the fields that we gave it.
    #[test]
    fn peers_cannot_forge_lines_fields_or_colours() {
        let hostile = "x\n2026-11-23T14:39:00Z ERROR down user=\"root\" \u{1b}[2J\u{9b}31m\u{202e}\0\\";
        let log = || {
            warn!(user = %hostile, "refused {hostile}");
            warn!(user = hostile, as_debug = ?hostile);
        };
        for format in [LogFormat::Human, LogFormat::Json] {
            let lines = lines(&config(format), log);
            assert_eq!(lines.len(), 2, "{lines:?}");
            assert!(!lines.concat().contains(crate::escape::is_unsafe), "{lines:?}");
        }
        let human = &lines(&config(LogFormat::Human), log)[0];
        let user = "user=\"x\\u{a}2026-11-23T14:39:00Z ERROR down user=\\\"root\\\" \
                    \\u{1b}[2J\\u{9b}31m\\u{202e}\\u{0}\\\\\"";
        assert!(human.ends_with(user), "{human}");
        let json = &lines(&config(LogFormat::Json), log)[0];
        let user = "\"user\":\"x\\u000a2026-11-23T14:39:00Z ERROR down user=\\\"root\\\" \
                    \\u001b[2J\\u009b31m\\u202e\\u0000\\\\\"}";
        assert!(json.ends_with(user), "{json}");
    }

    #[test]
    fn a_part_may_have_its_own_level() {
        let level =
            LogLevel { all: LevelFilter::WARN, parts: vec![("loud::room".to_owned(), LevelFilter::DEBUG)] };
        let config = LogConfig { level, ..config(LogFormat::Human) };
        let lines = lines(&config, || {
            info!("hidden");
            debug!(target: "loud::room::deep", "shown 1");
            debug!(target: "loud", "hidden");
            error!("shown 2");
        });
        assert!(lines[0].ends_with("shown 1") && lines[1].ends_with("shown 2"), "{lines:?}");
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn a_masked_address_names_a_network_only() {
        for (ip, shown) in [
            ("192.0.2.77", "192.0.2.0/24"),
            ("::ffff:192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("::1", "::/48"),
        ] {
            let mut masked = String::new();
            write_masked(&mut masked, ip.parse().unwrap()).unwrap();
            assert_eq!(masked, shown);
        }
    }
}
