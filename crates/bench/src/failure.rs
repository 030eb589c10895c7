//! Why a run did not come to its end.

use std::io;
use std::net::SocketAddr;

use longwire_wire::Status;

use crate::plan::PlanError;

/// Why a run did not come to its end, in one line.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nothing was tried.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No connection, or one that its members need was lost before anything was said.
    #[error("{address}: {source}")]
    Unreachable {
        /// The server.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// No TLS, above all because nobody vouches for the server.
    #[error("{address}: {why}")]
    Handshake {
        /// The server.
        address: SocketAddr,
        /// In words.
        why: String,
    },
    /// The server let somebody not in who has to be.
    #[error("{address}: {what} was refused: {}", name(.status))]
    Refused {
        /// The server.
        address: SocketAddr,
        /// A LOGIN, or the join of a room.
        what: &'static str,
        /// The server's answer.
        status: u8,
    },
    /// The server spoke, but not this protocol.
    #[error("{address}: {what}")]
    Protocol {
        /// The server.
        address: SocketAddr,
        /// What it did.
        what: String,
    },
    /// The generator's own machine.
    #[error("cannot {doing}: {source}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The server that a comparison starts for itself.
    #[error("the {which} server did not start: {why}")]
    Child {
        /// Longwire, or the bare loop.
        which: &'static str,
        /// What it did instead.
        why: String,
    },
    /// Somebody asked for the end.
    #[error("interrupted")]
    Interrupted,
}

impl Failure {
    /// The server refused a login or a join because of who asked.
    pub fn is_not_allowed(&self) -> bool {
        let statuses = [Status::UNAUTHENTICATED, Status::FORBIDDEN, Status::BANNED];
        matches!(self, Self::Refused { status, .. } if statuses.contains(&Status(*status)))
    }

    /// There is no way to the server.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Handshake { .. })
    }
}

/// An error of the generator's own machine.
pub(crate) fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |source| Failure::System { doing, source }
}

fn name(status: &u8) -> String {
    Status(*status).to_string()
}
