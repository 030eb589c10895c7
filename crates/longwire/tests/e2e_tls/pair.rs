//! Certificates for servers and clients, in files of a folder.

use crate::common::server::{Plan, Server};
use rcgen::{CertificateParams, KeyPair, SerialNumber};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A folder with a certificate that signed itself, and its key.
pub struct Pair {
    folder: TempDir,
}

impl Pair {
    pub fn new() -> Self {
        Self::numbered(1)
    }

    pub fn numbered(serial: u64) -> Self {
        let pair = Self { folder: TempDir::new().expect("a folder") };
        pair.renew(serial, &["localhost"]);
        pair
    }

    pub fn of(names: &[&str]) -> Self {
        let pair = Self { folder: TempDir::new().expect("a folder") };
        pair.renew(1, names);
        pair
    }

    /// Writes another certificate, with another key, over both files.
    pub fn renew(&self, serial: u64, names: &[&str]) {
        self.write(serial, names, |_| {});
    }

    /// One that ended long ago.
    pub fn ended() -> Self {
        let pair = Self { folder: TempDir::new().expect("a folder") };
        pair.write(1, &["localhost"], |params| params.not_after = rcgen::date_time_ymd(2001, 2, 3));
        pair
    }

    fn write(&self, serial: u64, names: &[&str], change: impl FnOnce(&mut CertificateParams)) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("good names");
        params.serial_number = Some(SerialNumber::from(serial));
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("it signs itself");
        std::fs::write(self.chain(), certificate.pem()).expect("a file of the folder");
        std::fs::write(self.key(), key.serialize_pem()).expect("a file of the folder");
    }

    /// The library's client, which trusts it, and reads and writes when it is told to.
    pub fn client(&self, version: &'static SupportedProtocolVersion) -> ClientConnection {
        let mut roots = RootCertStore::empty();
        let trusted = CertificateDer::from_pem_file(self.chain()).expect("PEM");
        roots.add(trusted).expect("a certificate");
        let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into());
        let config = config.with_protocol_versions(&[version]).expect("one of the library's");
        let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
        let name = ServerName::try_from("localhost").expect("a good name");
        ClientConnection::new(config, name).expect("a client")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn chain(&self) -> PathBuf {
        self.folder().join("chain.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.folder().join("key.pem")
    }

    /// As an element of `tls.certificate`.
    pub fn toml(&self) -> String {
        format!("{{ chain = {:?}, key = {:?} }}", self.chain(), self.key())
    }
}

/// A server that speaks everything, and shows these certificates.
pub fn showing(pairs: &[&Pair]) -> Plan {
    let list: Vec<String> = pairs.iter().map(|pair| pair.toml()).collect();
    let plan = Server::of(1).set("tls.certificate", &format!("[{}]", list.join(", ")));
    plan.set("server.transports", r#"["tcp", "tls", "ws", "wss"]"#)
}
