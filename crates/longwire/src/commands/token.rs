//! `longwire token make|check`: a JWT for a trial, and why a token is refused, by the very code that the server runs.
//!
//! Tokens come from stdin, a file or a variable and are never echoed; `make` is the one that prints a new one.

use super::connect::usage;
use super::serve::key_value;
use super::tail::parse_duration;
use crate::exit::Exit;
use crate::{layers, out};
use anyhow::{Context, bail};
use longwire_server::config::{self, Algorithm, Config, Flag, Layers, LoginConfig, LoginProvider};
use longwire_server::login::jwt::make::SigningKey;
use longwire_server::login::{Answer, Provider, Question, check};
use serde_json::{Map, Value, json};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A key file; what the server reads of one at most.
const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;
/// A token has at most 4 KiB by default.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;

/// Make a token for a trial, or say why one is refused
#[derive(Debug, clap::Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Make(MakeArgs),
    Check(CheckArgs),
}

/// Print a new token on stdout
#[derive(Debug, clap::Args)]
struct MakeArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// Whose token it is
    #[arg(long, value_name = "USER")]
    user: String,
    /// How long it holds
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "1h")]
    ttl: Duration,
    /// A further claim
    ///
    /// May be repeated. VALUE is JSON (7, true, ["vip"]), and text where it is none. Replaces what is there anyway.
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    claim: Vec<(String, String)>,
}

/// Judge a token as the server would: 0 good, 5 refused
///
/// The token is read from --token-file, else from LONGWIRE_TOKEN, else from stdin. With login.jwks.url or login.http.url
/// in the configuration the address is asked, as the server would.
#[derive(Debug, clap::Args)]
struct CheckArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// Whose it should be; else as it says
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Read the token from a file
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Answer with one JSON object
    #[arg(long)]
    json: bool,
}

/// Which key: of a server's configuration, or one by itself.
#[derive(Debug, clap::Args)]
struct KeyArgs {
    /// The server's configuration
    #[arg(long, value_name = "FILE", env = "LONGWIRE_CONFIG", hide_env = true)]
    config: Option<PathBuf>,
    /// Set any key of it, as for serve
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// A key file instead of the configured
    ///
    /// For make a private key as PEM, for check a public one; for HS algorithms the secret.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Its algorithm: HS256, ES256, …
    #[arg(long, value_name = "ALG", value_parser = algorithm)]
    alg: Option<Algorithm>,
    /// The key's id
    #[arg(long, value_name = "ID")]
    kid: Option<String>,
}

impl TokenArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self.what {
            What::Make(args) => args.run(),
            What::Check(args) => args.run(),
        }
    }
}

impl MakeArgs {
    fn run(self) -> anyhow::Result<Exit> {
        let login = self.key.login(Vec::new())?;
        let (algorithm, file, id) = self.key.signing(&login)?;
        let failed = || format!("the key file {}", file.display());
        let bytes = read_file(&file, KEY_FILE_BYTES_MAX)?;
        let key =
            SigningKey::from_file(algorithm, &bytes).map_err(anyhow::Error::msg).with_context(failed)?;
        let token = key.token(id.as_deref(), &self.claims(&login)).map_err(anyhow::Error::msg)?;
        let mut out = out::stdout();
        writeln!(out, "{token}")?;
        out.flush()?;
        Ok(Exit::Done)
    }

    fn claims(&self, login: &LoginConfig) -> Map<String, Value> {
        let now = unix_s();
        let mut claims = Map::new();
        for (name, text) in [("iss", &login.jwt.issuer), ("aud", &login.jwt.audience)] {
            if !text.is_empty() {
                claims.insert(name.to_owned(), json!(text));
            }
        }
        claims.insert(login.claims.user.clone(), json!(self.user));
        claims.insert("iat".to_owned(), json!(now));
        claims.insert("exp".to_owned(), json!(now + self.ttl.as_secs()));
        for (name, text) in &self.claim {
            let value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
            claims.insert(name.clone(), value);
        }
        claims
    }
}

impl CheckArgs {
    fn run(self) -> anyhow::Result<Exit> {
        let token = self.token()?;
        let said_kid = says(&token, &LoginConfig::default(), "kid");
        let config = self.key.config(self.key.alone(said_kid.as_deref())?)?;
        let login = &config.login;
        let said = check::says(&token, login);
        let user = self.user.clone().or_else(|| says(&token, login, &login.claims.user));
        let user = user.filter(|user| !user.is_empty());
        let user = user.ok_or_else(|| usage("it names no user: say whose it should be with --user"))?;
        let mut out = out::stdout();
        if let Err(limit) = check::carried(&token, &user, &config) {
            let limit = limit.to_string();
            writeln!(out, "{}", if self.json { no_login(&limit).to_string() } else { closed(&limit) })?;
            out.flush()?;
            return Ok(Exit::NotAllowed);
        }
        let provider = Provider::build(login)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer = runtime.block_on(provider.answer(&Question::trial(token, user.as_str())));
        if self.json {
            writeln!(out, "{}", object(&answer, &said, login))?;
        } else {
            lines(&answer, &user, &said, login, &mut out)?;
        }
        out.flush()?;
        Ok(if answer.is_ok() { Exit::Done } else { Exit::NotAllowed })
    }

    fn token(&self) -> anyhow::Result<String> {
        let text = match (&self.token_file, std::env::var("LONGWIRE_TOKEN")) {
            (Some(path), _) => String::from_utf8_lossy(&read_file(path, TOKEN_BYTES_MAX)?).into_owned(),
            (None, Ok(token)) if !token.is_empty() => token,
            (None, _) => {
                let mut text = String::new();
                std::io::stdin()
                    .take(TOKEN_BYTES_MAX)
                    .read_to_string(&mut text)
                    .context("cannot read stdin")?;
                text
            }
        };
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(usage("there is no token: give it on stdin, with --token-file or in LONGWIRE_TOKEN")),
            token => Ok(token.to_owned()),
        }
    }
}

impl KeyArgs {
    /// `[login]` as the server would have it, with `more` over it.
    fn login(&self, more: Vec<Flag>) -> anyhow::Result<LoginConfig> {
        Ok(self.config(more)?.login)
    }

    fn config(&self, more: Vec<Flag>) -> anyhow::Result<Config> {
        let file = self.config.as_deref().filter(|path| !path.as_os_str().is_empty());
        let set = self.set.iter().map(|(key, value)| flag("--set", key, value.clone()));
        let flags = more.into_iter().chain(set).collect();
        Ok(config::load(&Layers { flags, ..layers::read(file)? })?.config)
    }

    /// A key that is given by itself, as configuration.
    fn alone(&self, said_kid: Option<&str>) -> anyhow::Result<Vec<Flag>> {
        let Some(file) = &self.key_file else { return Ok(Vec::new()) };
        let Some(algorithm) = self.alg else { return Err(usage("--key-file needs --alg")) };
        let id = self.kid.as_deref().or(said_kid).filter(|id| !id.is_empty()).unwrap_or("key");
        let text = |text: &str| json!(text).to_string(); // a JSON string is a TOML string
        let (id, algorithm, file) = (text(id), text(algorithm.name()), text(&file.to_string_lossy()));
        let key = format!("[{{ id = {id}, algorithm = {algorithm}, key_file = {file} }}]");
        Ok(vec![flag("--key-file", "login.provider", "jwt".to_owned()), flag("--key-file", "login.key", key)])
    }

    /// Algorithm, file and id of the key to sign with.
    fn signing(&self, login: &LoginConfig) -> anyhow::Result<(Algorithm, PathBuf, Option<String>)> {
        let fits = login.key.iter().filter(|key| self.alg.is_none_or(|alg| alg == key.algorithm));
        let fits: Vec<_> = fits.filter(|key| self.kid.as_ref().is_none_or(|kid| *kid == key.id)).collect();
        let configured = if let [one] = fits.as_slice() { Some(*one) } else { None };
        let algorithm = self.alg.or(configured.map(|key| key.algorithm));
        let Some(algorithm) = algorithm else { return Err(usage("which key? --alg and --key-file say")) };
        let id = self.kid.clone().or_else(|| configured.map(|key| key.id.clone()));
        match (&self.key_file, configured) {
            (Some(file), _) => Ok((algorithm, file.clone(), id)),
            (None, Some(key)) if algorithm.is_symmetric() => {
                Ok((algorithm, PathBuf::from(&key.key_file), id))
            }
            (None, _) => {
                Err(usage(format!("{} needs --key-file with the key to sign with", algorithm.name())))
            }
        }
    }
}

fn flag(name: &str, key: &str, value: String) -> Flag {
    Flag { name: name.to_owned(), key: key.to_owned(), value }
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    let names = || Algorithm::all().map(Algorithm::name).collect::<Vec<_>>().join(", ");
    Algorithm::named(name).ok_or_else(|| format!("there are {}", names()))
}

/// A string that the token says of itself, proved or not.
fn says(token: &str, login: &LoginConfig, name: &str) -> Option<String> {
    let said = check::says(token, login).into_iter().find(|(said, _)| said == name);
    said.and_then(|(_, value)| serde_json::from_str(&value).ok())
}

fn lines(
    answer: &Answer,
    user: &str,
    said: &[(String, String)],
    login: &LoginConfig,
    out: &mut impl Write,
) -> std::io::Result<()> {
    match answer {
        Ok(identity) => {
            writeln!(out, "good: {user} may log in")?;
            if let Some(end_ms) = identity.expires_at_ms {
                writeln!(out, "  {}", ending(end_ms, login))?;
            }
            if let Some(rooms) = &identity.rooms {
                writeln!(out, "  only to the rooms {}", json!(rooms))?;
            }
        }
        Err(refusal) => {
            let (status, reason) = (refusal.status(), refusal.reason);
            writeln!(out, "refused with {status}: {}: {}", reason.name(), reason.words())?;
        }
    }
    for (name, value) in said {
        let when =
            value.parse().ok().filter(|_| ["exp", "nbf", "iat"].contains(&name.as_str())).map(relative);
        writeln!(out, "  {name} {value}{}", when.unwrap_or_default())?;
    }
    Ok(())
}

/// No LOGIN can carry it: no provider is asked, and a connection that begins so is told nothing.
fn closed(limit: &str) -> String {
    format!("refused without an answer: not_a_login: {limit}")
}

fn no_login(limit: &str) -> Value {
    json!({ "good": false, "status": null, "reason": "not_a_login", "detail": limit })
}

/// When a login ends, and what follows.
fn ending(end_ms: u64, login: &LoginConfig) -> String {
    let until = match login.provider {
        LoginProvider::Jwt => format!("its exp and login.jwt.leeway ({:?})", login.jwt.leeway),
        LoginProvider::Open | LoginProvider::Static | LoginProvider::Http => "its expires_at_ms".to_owned(),
    };
    let (left, grace) = (span((end_ms / 1000).saturating_sub(unix_s())), login.jwt.expiry_grace);
    format!(
        "and send for {left}, until {until}; closed login.jwt.expiry_grace ({grace:?}) later unless it logs in again"
    )
}

fn object(answer: &Answer, said: &[(String, String)], login: &LoginConfig) -> Value {
    let said = said
        .iter()
        .map(|(name, value)| (name.clone(), serde_json::from_str(value).unwrap_or_else(|_| json!(value))));
    let said: Map<String, Value> = said.collect();
    match answer {
        Ok(identity) => json!({
            "good": true,
            "user_id": identity.user_id,
            "roles": identity.roles,
            "rooms": identity.rooms,
            "expires_at_ms": identity.expires_at_ms,
            "closes_at_ms": identity.expires_at_ms.map(|end| end.saturating_add(login.jwt.expiry_grace.as_millis() as u64)),
            "says": said,
        }),
        Err(refusal) => json!({
            "good": false,
            "status": refusal.status().0,
            "reason": refusal.reason.name(),
            "detail": refusal.reason.words(),
            "says": said,
        }),
    }
}

/// ` (in 59 min)` or ` (3 h ago)`.
fn relative(time_s: u64) -> String {
    let now = unix_s();
    let span = span(time_s.abs_diff(now));
    if time_s > now { format!(" (in {span})") } else { format!(" ({span} ago)") }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn read_file(path: &Path, max: u64) -> anyhow::Result<Vec<u8>> {
    let failed = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(failed)?;
    file.take(max + 1).read_to_end(&mut bytes).with_context(failed)?;
    if bytes.len() as u64 > max {
        bail!("{} has over {max} bytes", path.display());
    }
    Ok(bytes)
}
