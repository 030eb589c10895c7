//! `[tls]`: which versions and certificates, and who must show one. `[[tls.certificate]]` is a list of tables.

use super::Config;
use super::key::{Group, Key, section};
use super::kind::{self, Kind};
use super::relations::Rules;
use std::time::Duration;
use toml::{Table, Value};

/// Certificates of the file together: one a name is plenty, and each handshake may look through their names.
const CERTIFICATES_MAX: usize = 100;
const WHAT: &str = "a list of tables, [[tls.certificate]], each with chain and key";
/// More handshakes under way than this are no server's: each costs up to 32 KiB.
const HANDSHAKES_MAX: usize = 1_000_000;

section! {
    /// TLS: on where a certificate is set. Versions below 1.2, early data and renegotiation are never served.
    TlsConfig at "tls", in tls {
        /// "1.2", "1.3" or both.
        versions: TlsVersions as VERSIONS, = TlsVersions::default();
        /// From a connection's first byte until it is ready for frames; a client that is slower is closed.
        handshake_timeout: Duration as kind::DURATION, = Duration::from_secs(5);
        /// A PEM file of authorities. Set: clients must show a certificate that one of them signed. "" asks for none.
        client_ca: String as kind::TEXT, = String::new();
        /// [[tls.certificate]], each with chain (a PEM file, the server's own certificate first) and key (a PEM file).
        /// The first is shown where none has the name that the client asks for. Files are looked at every 30 seconds
        /// and on SIGHUP: new ones serve new connections, and where one is broken all stays as it was.
        certificate: Vec<CertificateFiles> as CERTIFICATES, = Vec::new();
    }
}

/// Which versions of the protocol are served; never none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsVersions {
    /// RFC 5246.
    pub tls12: bool,
    /// RFC 8446.
    pub tls13: bool,
}

impl Default for TlsVersions {
    fn default() -> Self {
        Self { tls12: true, tls13: true }
    }
}

/// A certificate and its key, and where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// PEM: the server's certificate, then what leads to an authority.
    pub chain: String,
    /// PEM: the private key of the first certificate.
    pub key: String,
}

const VERSIONS: Kind<TlsVersions> = Kind {
    plain: false,
    read: read_versions,
    show: |versions| {
        let served = [(versions.tls12, "1.2"), (versions.tls13, "1.3")];
        kind::list_of(served.iter().filter(|(is_served, _)| *is_served).map(|(_, name)| kind::quoted(name)))
    },
};

const CERTIFICATES: Kind<Vec<CertificateFiles>> =
    Kind { plain: false, read: read_certificates, show: |list| show_certificates(list) };

fn read_versions(value: &Value) -> Result<TlsVersions, String> {
    const VERSIONS_WHAT: &str = "a list of \"1.2\" and \"1.3\", at least one of them";
    let list = value.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| kind::expected(VERSIONS_WHAT, value))?;
    let mut versions = TlsVersions { tls12: false, tls13: false };
    for element in list {
        match element.as_str() {
            Some("1.2") => versions.tls12 = true,
            Some("1.3") => versions.tls13 = true,
            _ => return Err(kind::expected(VERSIONS_WHAT, element)),
        }
    }
    Ok(versions)
}

fn read_certificates(value: &Value) -> Result<Vec<CertificateFiles>, String> {
    let list = value.as_array().ok_or_else(|| kind::expected(WHAT, value))?;
    if list.len() > CERTIFICATES_MAX {
        return Err(format!("at most {CERTIFICATES_MAX} certificates, got {}", list.len()));
    }
    kind::read_rows(list, ("certificate", WHAT), read_certificate)
}

fn read_certificate(table: &Table) -> Result<CertificateFiles, String> {
    if let Some(name) = table.keys().find(|name| !["chain", "key"].contains(&name.as_str())) {
        return Err(format!("unknown key {name:?}; there are chain and key"));
    }
    let text = |name: &str| {
        let value = table.get(name).ok_or_else(|| format!("needs {name}"))?;
        let text = (kind::TEXT.read)(value).map_err(|err| format!("{name}: {err}"))?;
        if text.is_empty() { Err(format!("{name} is empty")) } else { Ok(text) }
    };
    Ok(CertificateFiles { chain: text("chain")?, key: text("key")? })
}

fn show_certificates(list: &[CertificateFiles]) -> String {
    let show = |files: &CertificateFiles| {
        let [chain, key] = [&files.chain, &files.key].map(|path| kind::quoted(path));
        format!("{{ chain = {chain}, key = {key} }}")
    };
    kind::list_of(list.iter().map(show))
}

/// What the keys of TLS must be, alone and together.
pub(super) fn rules(config: &Config, rules: &mut Rules) {
    let (tls, handshakes) = (&config.tls, config.limits.handshakes_max);
    let (min, max) = (Duration::from_millis(100), Duration::from_secs(60));
    rules.need((min..=max).contains(&tls.handshake_timeout), &["tls.handshake_timeout"], || {
        let [min, max, wait] = [min, max, tls.handshake_timeout].map(kind::duration);
        format!("must be between \"{min}\" and \"{max}\", is \"{wait}\"")
    });
    rules.need((1..=HANDSHAKES_MAX).contains(&handshakes), &["limits.handshakes_max"], || {
        format!("must be between 1 and {HANDSHAKES_MAX}, is {handshakes}")
    });
}
