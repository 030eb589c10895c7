//! The Longwire server: shards, listeners, configuration, logs.

pub mod config;
pub mod escape;
pub mod logging;

use config::Config;
use std::path::PathBuf;

/// What the command line asks of one run, beside the configuration.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// Where the bound addresses are written, as a whole, before the server says that it is ready: one JSON object,
    /// `{"listen":["127.0.0.1:7610"]}`.
    pub ports_file: Option<PathBuf>,
}

/// How a run ended that began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServeEnd {
    /// Drained: everything owed was written.
    Clean,
    /// A second signal or the drain's deadline cut it short.
    CutShort,
}

/// Why a run did not begin, in one line.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A placeholder until the listeners are there.
    #[error("this build does not serve yet")]
    NotYet,
}

/// Serves until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// What keeps a server from starting; once it has said `ready` it ends with a [`ServeEnd`].
pub fn serve(_config: Config, _options: ServeOptions) -> Result<ServeEnd, ServeError> {
    Err(ServeError::NotYet)
}
