//! TLS over anything that opens connections: rustls, 1.2 and 1.3, who is trusted said once.
//!
//! Never falls back to plain bytes. Checks the server's name and chain, unless [`Trust::Nobody`] was asked for by name.

use super::{Connect, Connecting, Tcp, Transport};
use crate::address::bare;
use std::{fmt, io, sync::Arc};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        CertificateError, ClientConfig, DigitallySignedStruct, Error, KeyLogFile, RootCertStore,
        SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    },
};

/// Who may vouch for a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The certificate authorities of this machine.
    #[default]
    System,
    /// These authorities alone: certificates in PEM.
    Pem(Vec<u8>),
    /// No check at all: anybody in between can read and change everything. For tests.
    Nobody,
}

/// Why TLS cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TrustError(pub(crate) &'static str);

/// Why a handshake came to nothing, in words; inside the [`io::Error`] of a [`Connect`].
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
pub struct HandshakeError {
    said: String,
    is_untrusted: bool,
    #[source]
    source: Option<Error>,
}

impl HandshakeError {
    /// Whether all that is missing is somebody trusted who vouches for the server: [`Trust::Pem`] may name them.
    pub fn is_untrusted(&self) -> bool {
        self.is_untrusted
    }

    /// The same error in words, if it is of a handshake: for programs that make theirs with [`Tls::config`].
    pub fn told(err: io::Error) -> io::Error {
        let kind = err.kind();
        let cause = err.get_ref().and_then(|cause| cause.downcast_ref::<Error>()).cloned();
        let (said, is_untrusted) = match &cause {
            Some(Error::InvalidCertificate(reason)) => why_refused(reason),
            Some(Error::InvalidMessage(_)) => ("what the server sent is not TLS".to_owned(), false),
            Some(other) => (other.to_string(), false),
            None if kind == io::ErrorKind::UnexpectedEof => (
                "the server ended the connection in the handshake: it may not speak TLS here".to_owned(),
                false,
            ),
            None => return err,
        };
        io::Error::new(kind, Self { said, is_untrusted, source: cause })
    }
}

/// What is wrong with a server's certificate, and whether only nobody vouches for it.
fn why_refused(reason: &CertificateError) -> (String, bool) {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, InvalidPurpose, InvalidPurposeContext, NotValidForNameContext,
        NotValidYet, NotValidYetContext, UnknownIssuer, UnsupportedSignatureAlgorithmContext,
        UnsupportedSignatureAlgorithmForPublicKeyContext,
    };
    let said = match reason {
        // the last three: an authority of the same name is trusted, and has not signed it
        UnknownIssuer
        | BadSignature
        | UnsupportedSignatureAlgorithmContext { .. }
        | UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            return ("the server's certificate is signed by nobody who is trusted here".to_owned(), true);
        }
        Expired | ExpiredContext { .. } => "the server's certificate has expired".to_owned(),
        NotValidYet | NotValidYetContext { .. } => "the server's certificate is not good yet".to_owned(),
        NotValidForNameContext { expected, presented } => {
            let names = if presented.is_empty() { "nobody".to_owned() } else { presented.join(", ") };
            format!("the server's certificate is for {names}, not for {}", expected.to_str())
        }
        InvalidPurpose | InvalidPurposeContext { .. } => {
            "the server's certificate is not for servers".to_owned()
        }
        // its type is the verifier's own
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "the server shows an authority's own certificate (CA:TRUE), which no server may".to_owned()
        }
        other => format!("the server's certificate: {other}"),
    };
    (said, false)
}

/// TLS, by default over plain TCP.
///
/// Where the variable SSLKEYLOGFILE names a file, session keys are appended to it, as browsers do for Wireshark.
#[derive(Clone)]
pub struct Tls<C = Tcp> {
    below: C,
    config: Arc<ClientConfig>,
}

impl Tls {
    /// Reads the authorities; touches no network.
    pub fn new(trust: &Trust) -> Result<Self, TrustError> {
        Tls::over(Tcp, trust)
    }
}

impl<C: Connect> Tls<C> {
    /// What a handshake goes by, for programs with an event loop of their own.
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// The same over another way to open connections.
    pub fn over(below: C, trust: &Trust) -> Result<Self, TrustError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|_| TrustError("no version of TLS is left"))?;
        let mut config = match trust {
            Trust::System => builder.with_root_certificates(system_roots()?),
            Trust::Pem(pem) => builder.with_root_certificates(pem_roots(pem)?),
            Trust::Nobody => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            }
        }
        .with_no_client_auth();
        config.key_log = Arc::new(KeyLogFile::new());
        Ok(Self { below, config: Arc::new(config) })
    }

    /// Says in the handshake what follows it (ALPN).
    #[cfg(feature = "ws")]
    pub(crate) fn speaking(mut self, protocol: &[u8]) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols = vec![protocol.to_owned()];
        self
    }
}

fn system_roots() -> Result<RootCertStore, TrustError> {
    let mut roots = RootCertStore::empty();
    // Single files that cannot be read are no reason to trust nobody.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        Err(TrustError("this machine has no certificate authorities; name one"))
    } else {
        Ok(roots)
    }
}

fn pem_roots(pem: &[u8]) -> Result<RootCertStore, TrustError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| TrustError("is not PEM"))?;
        roots.add(certificate).map_err(|_| TrustError("has a certificate that is none"))?;
    }
    if roots.is_empty() { Err(TrustError("has no certificate in PEM")) } else { Ok(roots) }
}

impl<C: Connect> Connect for Tls<C> {
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a> {
        Box::pin(async move {
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
            let name = ServerName::try_from(bare(host).to_owned()).map_err(io::Error::other)?;
            let below = self.below.connect(address).await?;
            let stream = TlsConnector::from(self.config.clone()).connect(name, below).await;
            let stream = stream.map_err(HandshakeError::told)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}

impl<C: fmt::Debug> fmt::Debug for Tls<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("below", &self.below).finish_non_exhaustive()
    }
}

/// Takes every certificate, whoever shows it. Signatures are checked all the same: they cost nobody their convenience.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
