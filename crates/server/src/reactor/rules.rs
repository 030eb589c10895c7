//! What all layers of a shard go by, and what they tell the log together.

use std::time::Instant;

use longwire_wire::LengthReading;

use crate::http::Site;
use crate::logging::LogLimit;

/// What all layers of a shard go by.
pub(crate) struct Rules {
    pub(crate) site: Site,
    /// `wire.length`.
    pub(crate) length: Option<LengthReading>,
    pub(crate) first_message_max: usize,
    pub(crate) message_max: usize,
    /// New clients are welcome: what `/readyz` says.
    pub(crate) ready: bool,
    /// Any page can cause these lines.
    pub(crate) refusals: LogLimit,
}

impl Rules {
    /// The scripts of a page of `origin` may not connect: whoever sets up its deployment looks here, not at the page.
    pub(crate) fn say_refused(&mut self, origin: &str) {
        if let Some(suppressed) = self.refusals.pass(Instant::now()) {
            tracing::warn!(
                origin,
                suppressed,
                "a page may not connect: web.ws.origins does not name its origin"
            );
        }
    }
}
