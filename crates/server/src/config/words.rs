//! The values that the file spells in words.

use super::kind::{Kind, Word, expected, quoted};
use longwire_wire::LengthReading;
use std::fmt;
use tracing::level_filters::LevelFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people where stderr is a terminal, else JSON.
    Auto,
    /// One line for people.
    Human,
    /// One JSON object a line.
    Json,
}
impl Word for LogFormat {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("human", Self::Human), ("json", Self::Json)];
}

/// How clients' addresses are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// Address and port.
    Full,
    /// The network alone: /24 for IPv4, /48 for IPv6.
    Masked,
}
impl Word for Addresses {
    const WORDS: &'static [(&'static str, Self)] = &[("full", Self::Full), ("masked", Self::Masked)];
}

/// Whether each shard has a table of descriptors of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateTables {
    /// Where more connections are asked for than one table holds.
    Auto,
    /// Each has.
    On,
    /// All share one.
    Off,
}
impl Word for PrivateTables {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("on", Self::On), ("off", Self::Off)];
}

/// Whether the demo page stands at `/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoPage {
    /// While the login is open.
    Auto,
    /// It does.
    On,
    /// It does not.
    Off,
}
impl Word for DemoPage {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("on", Self::On), ("off", Self::Off)];
}

/// Who decides whether a login is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginProvider {
    /// Nobody: any token is accepted.
    Open,
    /// A file of users.
    Static,
    /// Whoever holds the key that signs tokens.
    Jwt,
    /// The operator's own service, asked at each LOGIN.
    Http,
}
impl Word for LoginProvider {
    const WORDS: &'static [(&'static str, Self)] =
        &[("open", Self::Open), ("static", Self::Static), ("jwt", Self::Jwt), ("http", Self::Http)];
}

impl Word for longwire_engine::SessionPolicy {
    const WORDS: &'static [(&'static str, Self)] =
        &[("all", Self::All), ("newest", Self::Newest), ("oldest", Self::Oldest)];
}

/// How tokens are signed, by the names of RFC 7518; a key has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is its RFC's name")]
pub enum Algorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}
impl Word for Algorithm {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("HS256", Self::HS256),
        ("HS384", Self::HS384),
        ("HS512", Self::HS512),
        ("RS256", Self::RS256),
        ("RS384", Self::RS384),
        ("RS512", Self::RS512),
        ("PS256", Self::PS256),
        ("PS384", Self::PS384),
        ("PS512", Self::PS512),
        ("ES256", Self::ES256),
        ("ES384", Self::ES384),
        ("EdDSA", Self::EdDSA),
    ];
}

impl Algorithm {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::WORDS.iter().map(|(_, algorithm)| *algorithm)
    }

    /// As a token's header and the configuration spell it: exactly so, capitals included.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, algorithm)| *algorithm == self).map_or("", |(name, _)| name)
    }

    /// Whether whoever can check a signature can also make one.
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }

    /// The algorithm of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|algorithm| algorithm.name() == name)
    }
}

/// What makes a room exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateBy {
    /// Its first member.
    Join,
}
impl Word for CreateBy {
    const WORDS: &'static [(&'static str, Self)] = &[("join", Self::Join)];
    const PLANNED: &'static [&'static str] = &["api"];
}

/// `None`: told apart on each connection's first LOGIN.
impl Word for Option<LengthReading> {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", None), ("body", Some(LengthReading::Body)), ("rest", Some(LengthReading::Rest))];
}

/// How much is logged: a level for all, and others for parts of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLevel {
    /// For every part that `parts` does not name.
    pub all: LevelFilter,
    /// By the beginning of a module's path; the longest that fits decides.
    pub parts: Vec<(String, LevelFilter)>,
}

impl Default for LogLevel {
    fn default() -> Self {
        Self { all: LevelFilter::INFO, parts: Vec::new() }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.all)?;
        self.parts.iter().try_for_each(|(part, level)| write!(f, ",{part}={level}"))
    }
}

pub(super) const LOG_LEVEL: Kind<LogLevel> = Kind {
    plain: true,
    read: |value| value.as_str().and_then(parse_level).ok_or_else(|| expected(LEVEL_WHAT, value)),
    show: |level| quoted(&level.to_string()),
};
const LEVEL_WHAT: &str = "off, error, warn, info, debug or trace, and module=level behind a comma";
/// Each is compared with every event's module: more than a handful is a mistake.
const LEVEL_PARTS_MAX: usize = 32;

/// A mistyped level must not pass for the name of a module, so the first element is a level and the others are pairs.
fn parse_level(text: &str) -> Option<LogLevel> {
    let mut elements = text.split(',').map(str::trim);
    let all = level_word(elements.next()?)?;
    let part = |element: &str| {
        let (part, level) = element.split_once('=')?;
        let known =
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
        known.then_some((part.to_owned(), level_word(level)?))
    };
    let parts = elements.map(part).collect::<Option<Vec<_>>>()?;
    (parts.len() <= LEVEL_PARTS_MAX).then_some(LogLevel { all, parts })
}

fn level_word(word: &str) -> Option<LevelFilter> {
    const LEVELS: [LevelFilter; 6] = [
        LevelFilter::OFF,
        LevelFilter::ERROR,
        LevelFilter::WARN,
        LevelFilter::INFO,
        LevelFilter::DEBUG,
        LevelFilter::TRACE,
    ];
    LEVELS.into_iter().find(|level| level.to_string() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_level_is_no_module_name() {
        let level = parse_level("info,longwire_server::shard=debug").unwrap();
        assert_eq!(level.to_string(), "info,longwire_server::shard=debug");
        for wrong in ["inof", "", "info,", "info,debug", "longwire_server=debug", "info,a b=warn", "INFO"] {
            assert_eq!(parse_level(wrong), None, "{wrong}");
        }
    }
}
