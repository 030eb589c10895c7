//! For tests: pairs of certificate and key, and clients that are not ours.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, SerialNumber};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::config::{CertificateFiles, TlsConfig};

/// A certificate that signed itself, and its key.
pub(crate) struct Pair {
    pub(crate) certificate: rcgen::Certificate,
    pub(crate) key: KeyPair,
}

impl Pair {
    pub(crate) fn new(names: &[&str]) -> Self {
        Self::with(names, |_| {})
    }

    pub(crate) fn with(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), key }
    }

    /// One with this serial number.
    pub(crate) fn numbered(serial: u64) -> Self {
        Self::with(&["localhost"], |params| params.serial_number = Some(SerialNumber::from(serial)))
    }

    pub(crate) fn certified(&self) -> CertifiedKey {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let chain = vec![self.certificate.der().clone()];
        CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).unwrap()
    }

    /// Writes both files into `folder`, and names them.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> CertificateFiles {
        let path = |end: &str| folder.join(format!("{name}.{end}"));
        std::fs::write(path("pem"), self.certificate.pem()).unwrap();
        std::fs::write(path("key"), self.key.serialize_pem()).unwrap();
        let text = |end: &str| path(end).to_str().unwrap().to_owned();
        CertificateFiles { chain: text("pem"), key: text("key") }
    }
}

/// A configuration with these certificates.
pub(crate) fn config(certificate: Vec<CertificateFiles>) -> TlsConfig {
    TlsConfig { certificate, ..TlsConfig::default() }
}

/// A client that trusts this certificate alone.
pub(crate) fn client(
    trusted: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into());
    let config = config.with_protocol_versions(versions).unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}
