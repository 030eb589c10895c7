//! Calls to services that the operator named: one request, one answer, bounded in time and size.
//!
//! Never follows a redirect (whoever answers one could send our signed calls and tokens anywhere), never uses a proxy
//! from the environment, never keeps what it could not read whole. Certificates are checked against the machine's own
//! roots (`SSL_CERT_FILE` names others).

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

/// Connections that are kept for the next call, and for how long.
const IDLE_CONNECTIONS_MAX: usize = 32;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// An answer's head, and what is read at once of its body.
const READ_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;

/// One address that is called.
pub(crate) struct Outbound {
    url: Uri,
    timeout: Duration,
    answer_max: usize,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// A call without an answer that can be used. Says nothing of what was sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    #[error("no answer in time")]
    Timeout,
    #[error("cannot be reached, or broke off")]
    Unreachable,
    #[error("the answer is too large")]
    TooLarge,
    #[error("answered with status {0}")]
    Status(u16),
}

impl Outbound {
    /// Reads the machine's root certificates where the address is https; calls nobody.
    pub(crate) fn build(url: &str, timeout: Duration, answer_max: usize) -> Result<Self, String> {
        let url: Uri = url.parse().map_err(|_| "is no address".to_owned())?;
        let connector = connector(url.scheme_str() == Some("https"))?;
        Ok(Self::over(connector, url, timeout, answer_max))
    }

    fn over(
        connector: HttpsConnector<HttpConnector>,
        url: Uri,
        timeout: Duration,
        answer_max: usize,
    ) -> Self {
        let mut client = Client::builder(TokioExecutor::new());
        client
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .http1_max_buf_size(READ_BYTES_MAX)
            .http1_max_headers(HEADERS_MAX);
        Self { url, timeout, answer_max, client: client.build(connector) }
    }

    /// The answer's status and body.
    pub(crate) async fn call(
        &self,
        method: Method,
        headers: &[(&'static str, &str)],
        body: Vec<u8>,
    ) -> Result<(u16, Vec<u8>), CallError> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = self.url.clone();
        request.headers_mut().insert("user-agent", HeaderValue::from_static(USER_AGENT));
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(|_| CallError::Unreachable)?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|_| CallError::Unreachable)?;
            Ok((answer.status().as_u16(), self.read(answer).await?))
        };
        tokio::time::timeout(self.timeout, exchange).await.unwrap_or(Err(CallError::Timeout))
    }

    /// A body that is larger than it says, or says nothing, is cut where the bound is met.
    async fn read(&self, answer: Response<Incoming>) -> Result<Vec<u8>, CallError> {
        let mut body = answer.into_body();
        if body.size_hint().lower() > self.answer_max as u64 {
            return Err(CallError::TooLarge);
        }
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| CallError::Unreachable)?;
            let Some(data) = frame.data_ref() else { continue };
            if bytes.len() + data.len() > self.answer_max {
                return Err(CallError::TooLarge);
            }
            bytes.extend_from_slice(data);
        }
        Ok(bytes)
    }
}

const USER_AGENT: &str = concat!("longwire/", env!("CARGO_PKG_VERSION"));

fn connector(https: bool) -> Result<HttpsConnector<HttpConnector>, String> {
    if https {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let roots = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider);
        let roots = roots.map_err(|_| NO_ROOTS.to_owned())?;
        return Ok(roots.https_only().enable_http1().build());
    }
    // Without roots: over http nobody shows a certificate, and nothing leads from http to https.
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(tls(RootCertStore::empty())?)
        .https_or_http()
        .enable_http1()
        .build())
}

fn tls(roots: RootCertStore) -> Result<ClientConfig, String> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into());
    let config = config.with_safe_default_protocol_versions().map_err(|err| err.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

const NO_ROOTS: &str = "https needs the certificates of authorities, and this machine has none: install its package \
                        ca-certificates, or name a file in SSL_CERT_FILE";

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A service with a certificate for `name` that it signed itself; its port and the certificate.
    async fn https(name: &str) -> (u16, CertificateDer<'static>) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let config = rustls::ServerConfig::builder_with_provider(provider.into());
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate.clone()], key).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\nok").await;
            }
        });
        (port, certificate)
    }

    async fn call(url: String, trusted: &CertificateDer<'static>) -> Result<(u16, Vec<u8>), CallError> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(roots).unwrap())
            .https_only()
            .enable_http1()
            .build();
        let outbound = Outbound::over(connector, url.parse().unwrap(), Duration::from_secs(5), 100);
        outbound.call(Method::GET, &[], Vec::new()).await
    }

    #[tokio::test]
    async fn https_takes_a_certificate_of_a_trusted_authority_for_this_name_alone() {
        let (port, certificate) = https("localhost").await;
        let (other_port, other) = https("elsewhere.example").await;
        let url = |port: u16| format!("https://localhost:{port}/");
        assert_eq!(call(url(port), &certificate).await, Ok((200, b"ok".to_vec())));
        assert_eq!(call(url(port), &other).await, Err(CallError::Unreachable), "an unknown authority");
        assert_eq!(call(url(other_port), &other).await, Err(CallError::Unreachable), "another name");
    }

    /// What `build` makes of an https address: the machine's own roots, and among them no certificate of ours.
    #[tokio::test]
    async fn a_certificate_that_the_machine_does_not_know_is_refused() {
        let (port, _) = https("localhost").await;
        let url = format!("https://localhost:{port}/");
        match Outbound::build(&url, Duration::from_secs(5), 100) {
            Ok(outbound) => {
                let answer = outbound.call(Method::GET, &[], Vec::new()).await;
                assert_eq!(answer, Err(CallError::Unreachable));
            }
            Err(reason) => assert_eq!(reason, NO_ROOTS, "a machine without roots says so"),
        }
    }
}
