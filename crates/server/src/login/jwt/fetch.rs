//! A key set over HTTP: one GET, nothing followed, bounded in time and size.

use hyper::Method;

use super::super::outbound::{CallError, Outbound};
use super::super::provider::BuildError;
use super::jwks::KeySource;
use crate::config::JwksConfig;

/// `login.jwks.url`.
pub(crate) struct HttpKeys(Outbound);

impl HttpKeys {
    pub(super) fn build(config: &JwksConfig) -> Result<Self, BuildError> {
        let refuse = |reason| BuildError::new("login.jwks.url", reason);
        Outbound::build(&config.url, config.timeout, config.size_max).map(Self).map_err(refuse)
    }
}

impl KeySource for HttpKeys {
    async fn fetch(&self) -> Result<Vec<u8>, CallError> {
        let (status, body) = self.0.call(Method::GET, &[("accept", "application/json")], Vec::new()).await?;
        if status == 200 { Ok(body) } else { Err(CallError::Status(status)) }
    }
}
