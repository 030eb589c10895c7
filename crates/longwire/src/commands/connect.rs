//! "Where to connect": the flags that every client command shares, checked before any network is touched.

use super::client;
use crate::exit::{Exit, Failed};
use anyhow::Context;
use longwire_bench::Carrier;
use longwire_client::transport::{Tls, Trust};
use longwire_client::{Address, Config, ConfigBuilder, LengthReading, Login, Scheme};
use std::path::PathBuf;
use std::str::FromStr;

/// What a server with open login takes for any user; `serve` offers that on loopback alone.
pub(crate) const LOCAL_TOKEN: &str = "local";
/// The authorities of a whole operating system are 250 KiB.
const CA_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A token has at most 4 KiB; a larger file is not one.
const TOKEN_FILE_BYTES_MAX: u64 = 8 * 1024;

/// Where to connect, and as whom.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where to connect")]
pub(crate) struct ConnectArgs {
    /// Server
    ///
    /// HOST:PORT for plain TCP, or tcp:// tls:// ws:// wss://HOST[:PORT][/PATH]; without a port 7610, without a path /ws.
    #[arg(long, value_name = "ADDRESS", env = "LONGWIRE_ADDR", hide_env_values = true)]
    #[arg(default_value = "127.0.0.1:7610", value_parser = address)]
    addr: Address,
    /// Log in as this user
    #[arg(long, value_name = "USER", env = "LONGWIRE_USER", hide_env_values = true)]
    user: Option<String>,
    /// Its token; `local` on loopback
    ///
    /// A server with open login, as `serve` offers it on loopback, takes any token.
    #[arg(long, value_name = "TOKEN", env = "LONGWIRE_TOKEN", hide_env_values = true)]
    token: Option<Secret>,
    /// Read the token from a file instead
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Speak gzip both ways
    #[arg(long)]
    gzip: bool,
    /// What len counts: body or rest
    ///
    /// body: the bytes of the body; rest: everything behind the field itself. Servers take either.
    #[arg(long, value_name = "READING", value_enum, default_value = "body", hide_possible_values = true)]
    length: Length,
    /// Trust these authorities (PEM) alone
    ///
    /// For tls:// and wss://; without it, the authorities of this machine.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Check no certificate: for tests
    #[arg(long, conflicts_with = "ca")]
    insecure: bool,
}

/// A user and what proves it.
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) token: String,
    /// Not just what a server with open login takes.
    pub(crate) token_given: bool,
}

/// A token, which nothing prints.
#[derive(Clone)]
struct Secret(String);

/// The two readings of the length field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Length {
    Body,
    Rest,
}

impl ConnectArgs {
    /// The address as told to people: HOST:PORT.
    pub(crate) fn address(&self) -> String {
        self.addr.to_string()
    }

    /// The address, and TLS's terms where it asks for TLS; a transport that is named beside it overrules a bare HOST:PORT.
    pub(crate) fn reached_by(mut self, transport: Option<Scheme>) -> anyhow::Result<Self> {
        if let Some(scheme) = transport.filter(|scheme| *scheme != self.addr.scheme()) {
            if self.addr.scheme() != Scheme::Tcp {
                return Err(usage(format!(
                    "--transport {} and --addr {} contradict each other",
                    scheme.name(),
                    self.addr
                )));
            }
            self.addr = self.addr.with_scheme(scheme);
        }
        Ok(self)
    }

    /// Where and how to connect, for what opens its own connections: HOST:PORT, and what is above TCP.
    pub(crate) fn carrier(&self) -> anyhow::Result<(String, Carrier)> {
        let (trust, scheme, authority) = (self.trust()?, self.addr.scheme(), self.addr.authority());
        let mut carrier = Carrier::default();
        if scheme.is_secure() {
            let tls = Tls::new(&trust).map_err(|err| usage(format!("--ca: {err}")))?;
            carrier = carrier
                .tls(tls.config(), self.addr.host(), client::no_handshake)
                .map_err(|err| usage(err.to_string()))?;
        }
        if scheme.is_web_socket() {
            carrier = carrier.web_socket(&authority, self.addr.path());
        }
        Ok((authority, carrier))
    }

    /// The user, or `None` for a guest.
    pub(crate) fn user(&self) -> Option<&str> {
        self.user.as_deref().filter(|user| !user.is_empty())
    }

    /// For commands that a guest cannot use: without `--user`, on loopback, the login name.
    pub(crate) fn or_login_name(mut self) -> anyhow::Result<Self> {
        if self.user().is_none() {
            let name = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
            self.user = name.filter(|name| !name.is_empty() && self.addr.is_loopback());
        }
        match self.user {
            Some(_) => Ok(self),
            None => Err(usage("a guest may not send: log in with --user USER and --token TOKEN")),
        }
    }

    /// The client's configuration, to be finished by the command.
    pub(crate) fn config(&self) -> anyhow::Result<ConfigBuilder> {
        let length = match self.length {
            Length::Body => LengthReading::Body,
            Length::Rest => LengthReading::Rest,
        };
        let config = Config::builder(self.address()).login(self.login()?).gzip(self.gzip).length(length);
        Ok(config.trust(self.trust()?))
    }

    /// Who may vouch for the server, where the address asks for TLS.
    fn trust(&self) -> anyhow::Result<Trust> {
        let flag = if self.insecure { "--insecure" } else { "--ca" };
        if !self.addr.scheme().is_secure() && (self.insecure || self.ca.is_some()) {
            return Err(usage(format!("{flag} is for tls:// and wss:// addresses")));
        }
        if self.insecure {
            client::tell(
                "warning: --insecure: nobody's certificate is checked; whoever is in between reads the token",
            );
            return Ok(Trust::Nobody);
        }
        let Some(path) = &self.ca else { return Ok(Trust::System) };
        let mut pem = Vec::new();
        let failed = || format!("cannot read the certificates {}", path.display());
        let file = std::fs::File::open(path).with_context(failed)?;
        std::io::Read::read_to_end(&mut std::io::Read::take(file, CA_FILE_BYTES_MAX), &mut pem)
            .with_context(failed)?;
        let trust = Trust::Pem(pem);
        Tls::new(&trust).map_err(|err| anyhow::anyhow!("--ca: {} {err}", path.display()))?;
        Ok(trust)
    }

    fn login(&self) -> anyhow::Result<Login> {
        Ok(self.credentials()?.map_or(Login::Guest, |as_whom| Login::user(as_whom.user, as_whom.token)))
    }

    /// As whom, or `None` for a guest.
    pub(crate) fn credentials(&self) -> anyhow::Result<Option<Credentials>> {
        let own = |user: &str, token: &str, token_given| {
            Ok(Some(Credentials { user: user.to_owned(), token: token.to_owned(), token_given }))
        };
        match (self.user(), self.given_token()?) {
            (Some(user), Some(token)) => own(user, &token, true),
            (Some(user), None) if self.is_loopback() => own(user, LOCAL_TOKEN, false),
            (Some(user), None) => Err(usage(format!("user {user} needs a token: --token or --token-file"))),
            (None, Some(_)) => Err(usage("a token needs the user it is for: --user")),
            (None, None) => Ok(None),
        }
    }

    /// Whether the server is on this machine, where open login may be expected.
    pub(crate) fn is_loopback(&self) -> bool {
        self.addr.is_loopback()
    }

    /// Whether every LOGIN shows gzip.
    pub(crate) fn speaks_gzip(&self) -> bool {
        self.gzip
    }

    /// Whether `len` counts the rest of the frame, not its body alone.
    pub(crate) fn counts_rest(&self) -> bool {
        self.length == Length::Rest
    }

    fn given_token(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.token_file else {
            return Ok(self.token.clone().map(|token| token.0).filter(|token| !token.is_empty()));
        };
        let failed = || format!("cannot read the token file {}", path.display());
        let mut token = String::new();
        let file = std::fs::File::open(path).with_context(failed)?;
        std::io::Read::read_to_string(&mut std::io::Read::take(file, TOKEN_FILE_BYTES_MAX), &mut token)
            .with_context(failed)?;
        match token.trim_end_matches(['\r', '\n']) {
            "" => Err(usage(format!("the token file {} is empty", path.display()))),
            token => Ok(Some(token.to_owned())),
        }
    }
}

/// An error that ends with 2: nothing was tried.
pub(crate) fn usage(message: impl Into<String>) -> anyhow::Error {
    Failed::new(Exit::Usage, message).into()
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// An empty variable counts as not set, here as everywhere.
fn address(text: &str) -> Result<Address, String> {
    if text.is_empty() { "127.0.0.1" } else { text }.parse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        connect: ConnectArgs,
    }

    /// Variables of whoever runs the tests are overruled: an empty one counts as none.
    fn args(line: &[&str]) -> Result<ConnectArgs, String> {
        let mut words = vec!["test"];
        for (flag, value) in [("--addr", "127.0.0.1:7610"), ("--user", ""), ("--token", "")] {
            if !line.contains(&flag) {
                words.extend([flag, value]);
            }
        }
        words.extend(line);
        Line::try_parse_from(words).map(|line| line.connect).map_err(|err| err.to_string())
    }

    #[test]
    fn an_address_may_name_its_transport() {
        assert_eq!(args(&["--addr", ""]).unwrap().address(), "127.0.0.1:7610");
        assert_eq!(args(&["--addr", "wss://chat.example/x"]).unwrap().address(), "wss://chat.example:7610/x");
        assert!(args(&["--addr", "http://chat.example"]).unwrap_err().contains("unknown scheme"));
    }

    #[test]
    fn who_vouches_for_a_server_is_settled_before_connecting() {
        let trust = |line: &[&str]| args(line).unwrap().trust();
        assert_eq!(trust(&[]).unwrap(), Trust::System);
        assert_eq!(trust(&["--addr", "tls://h", "--insecure"]).unwrap(), Trust::Nobody);
        for wrong in [
            &["--insecure"][..],
            &["--addr", "ws://h", "--ca", "/dev/null"],
            &["--addr", "tls://h", "--ca", "/nowhere"],
        ] {
            assert!(trust(wrong).is_err(), "{wrong:?}");
        }
        assert!(args(&["--addr", "tls://h", "--insecure", "--ca", "f"]).is_err());
        // A file without a certificate trusts nobody, and is refused before anything is sent.
        let empty = trust(&["--addr", "tls://h", "--ca", "/dev/null"]).unwrap_err();
        assert_eq!(empty.to_string(), "--ca: /dev/null has no certificate in PEM");
    }

    #[test]
    fn who_logs_in_is_settled_before_connecting() {
        let login = |line: &[&str]| args(line).unwrap().login();
        assert_eq!(login(&[]).unwrap(), Login::Guest);
        assert_eq!(login(&["--user", "ada"]).unwrap(), Login::user("ada", "local"));
        assert_eq!(login(&["--user", "ada", "--token", "t"]).unwrap(), Login::user("ada", "t"));
        for wrong in [
            &["--user", "ada", "--addr", "10.0.0.1:7610"][..],
            &["--token", "t"],
            &["--user", "ada", "--token-file", "/dev/null"],
            &["--user", "ada", "--token-file", "/nowhere"],
        ] {
            assert!(login(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_token_file_wins_and_loses_its_line_break() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"secret\r\n").unwrap();
        let path = file.path().to_str().unwrap();
        let args = args(&["--user", "ada", "--token", "other", "--token-file", path]).unwrap();
        assert_eq!(args.login().unwrap(), Login::user("ada", "secret"));
    }

    #[test]
    fn secrets_are_not_in_the_debug_output() {
        let args = args(&["--user", "ada", "--token", "canary"]).unwrap();
        let shown = format!("{args:?} {:?}", args.config().unwrap());
        assert!(!shown.contains("canary"), "{shown}");
    }
}
