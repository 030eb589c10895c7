//! The files that `[tls]` names: read, judged by themselves and together, and made into what handshakes are served with.
//!
//! Touches no network and no process-wide default: the one crypto provider is handed to everything that needs one.

use std::sync::Arc;

use ::aws_lc_rs::digest::{Context, SHA256};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, RootCertStore, ServerConfig, SupportedProtocolVersion, version};

use super::TlsError;
use super::dates::{Moment, Validity};
use super::fit;
use super::names::Names;
use crate::config::{CertificateFiles, TlsConfig, TlsVersions};
use crate::login::read_bounded;

/// A file: the longest chain has a few certificates of some 2 KiB, a file of authorities some hundred.
const FILE_BYTES_MAX: usize = 1 << 20;
/// What a server shows: its own and what leads to an authority. Each handshake sends them all.
const CHAIN_MAX: usize = 10;
/// A certificate that ends sooner than this is worth a word.
const SOON_SECONDS: i64 = 14 * 86_400;

const CERTIFICATE_KEY: &str = "tls.certificate";
const CLIENT_CA_KEY: &str = "tls.client_ca";

/// The files' contents, as they were at one moment.
pub(super) struct Files {
    /// The chain's and the key's bytes, or why there are none, for each of `[[tls.certificate]]`.
    pairs: Vec<[Result<Vec<u8>, String>; 2]>,
    client_ca: Option<Result<Vec<u8>, String>>,
}

/// What was made of the files.
pub(super) struct Loaded {
    pub(super) server: Arc<ServerConfig>,
    /// Of each certificate that is shown: its file, and when it is good.
    pub(super) dates: Vec<(String, Validity)>,
    /// Why clients may refuse one of them, whatever its dates.
    pub(super) doubts: Vec<String>,
}

impl Files {
    pub(super) fn read(config: &TlsConfig) -> Self {
        let read = |path: &str| read_bounded(path, FILE_BYTES_MAX);
        Self {
            pairs: config.certificate.iter().map(|files| [read(&files.chain), read(&files.key)]).collect(),
            client_ca: Some(&config.client_ca).filter(|path| !path.is_empty()).map(|path| read(path)),
        }
    }

    /// The same for the same contents; nothing of a key can be told from it.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut all = Context::new(&SHA256);
        for file in self.pairs.iter().flatten().chain(&self.client_ca) {
            let (kind, bytes) = match file {
                Ok(bytes) => (0u8, bytes.as_slice()),
                Err(reason) => (1, reason.as_bytes()),
            };
            all.update(&[kind]);
            all.update(&(bytes.len() as u64).to_be_bytes());
            all.update(bytes);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(all.finish().as_ref());
        digest
    }

    /// Judges every file, and makes of all together what handshakes are served with.
    pub(super) fn load(&self, config: &TlsConfig) -> Result<Loaded, Vec<TlsError>> {
        let provider = Arc::new(provider());
        let (mut errors, mut pairs) = (Vec::new(), Vec::new());
        let (mut dates, mut doubts) = (Vec::new(), Vec::new());
        for (files, [chain, key]) in config.certificate.iter().zip(&self.pairs) {
            match pair(files, chain, key, &provider) {
                Ok((certified, names, validity)) => {
                    let doubt = certified.cert.first().and_then(|own| fit::doubt(own, validity));
                    doubts.extend(doubt.map(|doubt| format!("{}: {doubt}", files.chain)));
                    pairs.push((certified, names));
                    dates.push((files.chain.clone(), validity));
                }
                Err(reason) => errors.push(TlsError { key: CERTIFICATE_KEY, reason }),
            }
        }
        let roots = match self.client_ca.as_ref().map(|file| authorities(&config.client_ca, file)) {
            Some(Err(reason)) => {
                errors.push(TlsError { key: CLIENT_CA_KEY, reason });
                None
            }
            Some(Ok(roots)) => Some(roots),
            None => None,
        };
        if !errors.is_empty() {
            return Err(errors);
        }
        let server = server_config(config.versions, Names::new(pairs), roots, provider)
            .map_err(|err| vec![TlsError { key: CERTIFICATE_KEY, reason: err.to_string() }])?;
        Ok(Loaded { server: Arc::new(server), dates, doubts })
    }
}

impl Loaded {
    /// What is wrong with the dates at `now`, in Unix seconds: not yet good, no more good.
    pub(super) fn outdated(&self, now: i64) -> Option<String> {
        self.dates.iter().find_map(|dates| outdated(dates, now))
    }

    /// The same of what is new beside `before`: one that has ended in force must not keep the others from being renewed.
    pub(super) fn newly_outdated(&self, before: &Self, now: i64) -> Option<String> {
        let mut new = self.dates.iter().filter(|dates| !before.dates.contains(dates));
        new.find_map(|dates| outdated(dates, now))
    }

    /// The certificate that ends within two weeks, where there is one.
    pub(super) fn ends_soon(&self, now: i64) -> Option<String> {
        let (file, validity) =
            self.dates.iter().find(|(_, validity)| validity.not_after - now < SOON_SECONDS)?;
        Some(format!("{file}: the certificate ends on {}", Moment(validity.not_after)))
    }
}

fn outdated((file, validity): &(String, Validity), now: i64) -> Option<String> {
    if now < validity.not_before {
        Some(format!("{file}: the certificate is good from {} only", Moment(validity.not_before)))
    } else if now > validity.not_after {
        Some(format!("{file}: the certificate has ended on {}", Moment(validity.not_after)))
    } else {
        None
    }
}

type PairParts = (CertifiedKey, Vec<String>, Validity);

/// A chain and its key: there, readable, and made for each other.
fn pair(
    files: &CertificateFiles,
    chain: &Result<Vec<u8>, String>,
    key: &Result<Vec<u8>, String>,
    provider: &CryptoProvider,
) -> Result<PairParts, String> {
    let (chain_file, key_file) = (&files.chain, &files.key);
    let bytes = chain.as_ref().map_err(String::clone)?;
    let chain = certificates(bytes).map_err(|reason| format!("{chain_file}: {reason}"))?;
    let own = chain.first().ok_or_else(|| format!("{chain_file}: holds no certificate in PEM"))?;
    if chain.len() > CHAIN_MAX {
        return Err(format!("{chain_file}: has {} certificates, at most {CHAIN_MAX}", chain.len()));
    }
    let unsound = |reason: String| format!("{chain_file}: its first certificate cannot be used: {reason}");
    let validity = Validity::of(own).ok_or_else(|| unsound("it has no dates".to_owned()))?;
    let names = webpki::EndEntityCert::try_from(own).map_err(|err| unsound(err.to_string()))?;
    let names = names.valid_dns_names().map(str::to_owned).collect();
    let bytes = key.as_ref().map_err(String::clone)?;
    let key = private_key(bytes).map_err(|reason| format!("{key_file}: {reason}"))?;
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|_| format!("{key_file}: the private key is of no kind that is served (RSA of 2048 bits or more, P-256, P-384, P-521, Ed25519), or broken"))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok((certified, names, validity))
        }
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(format!("{key_file}: is not the key of the first certificate in {chain_file}"))
        }
        Err(err) => Err(unsound(err.to_string())),
    }
}

fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(bytes).collect::<Result<_, _>>().map_err(|_| "is no PEM file".to_owned())
}

/// The one private key of a PEM file; says nothing of what is in it.
fn private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let mut keys = PrivateKeyDer::pem_slice_iter(bytes);
    match (keys.next(), keys.next()) {
        (Some(Ok(key)), None) => Ok(key),
        (Some(Ok(_)), Some(_)) => Err("holds more than one private key".to_owned()),
        (Some(Err(_)) | None, _) if is_encrypted(bytes) => {
            Err("the private key is encrypted: openssl pkey -in ENCRYPTED -out PLAIN".to_owned())
        }
        (Some(Err(_)), _) => Err("is no PEM file".to_owned()),
        (None, _) => Err("holds no private key in PEM".to_owned()),
    }
}

/// PKCS #8 says so in its first line, what is older (`openssl ec -aes128`) in its second.
fn is_encrypted(bytes: &[u8]) -> bool {
    const MARKS: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];
    MARKS.into_iter().any(|mark| bytes.windows(mark.len()).any(|window| window == mark))
}

/// The authorities whose signature makes a client's certificate good.
fn authorities(path: &str, file: &Result<Vec<u8>, String>) -> Result<RootCertStore, String> {
    let bytes = file.as_ref().map_err(String::clone)?;
    let mut roots = RootCertStore::empty();
    for (at, certificate) in
        certificates(bytes).map_err(|reason| format!("{path}: {reason}"))?.into_iter().enumerate()
    {
        let added = roots.add(certificate);
        added.map_err(|err| format!("{path}: certificate {} cannot be used: {err}", at + 1))?;
    }
    if roots.is_empty() { Err(format!("{path}: holds no certificate in PEM")) } else { Ok(roots) }
}

/// The one provider. AES with the shorter key comes first: a push to a large room is sealed once for each member.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|suite| match suite.suite() {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => 0,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 1,
        _ => 2,
    });
    provider
}

fn server_config(
    versions: TlsVersions,
    names: Names,
    client_roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
) -> Result<ServerConfig, rustls::Error> {
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let config = config.with_protocol_versions(served(versions))?;
    let config = match client_roots {
        None => config.with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.map_err(|err| rustls::Error::General(err.to_string()))?)
        }
    };
    let mut config = config.with_cert_resolver(Arc::new(names));
    // Clients that offer nothing are served too: frames have no name there.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A session that comes back brings its state itself, in a ticket; keys of tickets change every six hours, and with
    // every reload: so nothing is kept here, and nobody is taken at the word of a certificate that was taken back.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    config.ignore_client_order = true; // all that is served is strong; the order is the library's
    config.send_tls13_tickets = 1;
    config.max_early_data_size = 0; // early data can be replayed, and a LOGIN must not be
    Ok(config)
}

fn served(versions: TlsVersions) -> &'static [&'static SupportedProtocolVersion] {
    const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
    match (versions.tls12, versions.tls13) {
        (true, false) => &BOTH[1..],
        (false, true) => &BOTH[..1],
        _ => BOTH,
    }
}
