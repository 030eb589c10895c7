//! How many connections the node has places for, and in which tables of descriptors they stand.
//!
//! The open-file limit bounds a table. Threads share one, unless each shard leaves it for one of its own
//! (`server.private_fd_tables`): then the limit bounds each shard, and the node holds as many times more. Two shards'
//! connections are seldom equally many, since the kernel spreads them by a hash of their addresses: a hundred thousand
//! a shard differ by one percent. A shard whose table is full turns its callers away, though others have places left.

use std::io;

use crate::config::{Config, PrivateTables};
use crate::serve::ServeError;

/// Descriptors that are not connections: standard streams, the log, the runtime, a file that is read now and then.
const FILES_BESIDE: usize = 32;
/// What every shard has in each table that it shares or was copied from: epoll and waker.
const FILES_A_SHARD: usize = 2;
/// What a shard opens for itself beside its listeners: the reserve for accepting where descriptors run out, and one to spare.
const FILES_OWN: usize = 2;

/// The node's places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tables {
    /// Connections at once, in all tables.
    pub(crate) places: usize,
    /// Each shard leaves the common table for one of its own.
    pub(crate) private: bool,
}

/// What places are asked for, and what takes descriptors beside them.
#[derive(Clone, Copy, Debug)]
struct Wish {
    limit: u64,
    shards: usize,
    listeners: usize,
    wanted: Option<usize>,
    private: PrivateTables,
}

impl Tables {
    /// As configured, within this process's limit of open files, which is raised as far as it goes.
    pub(crate) fn of(config: &Config, shards: usize) -> Result<Self, ServeError> {
        let files = longwire_sys::raise_open_files()
            .map_err(|cause| ServeError::System { doing: "raise the limit of open files", cause })?;
        let wish = Wish {
            limit: files.now,
            shards,
            listeners: config.listeners().count(),
            wanted: config.server.connections_max.map(usize::from),
            private: config.server.private_fd_tables,
        };
        wish.grant(try_own_table)
    }
}

impl Wish {
    fn grant(self, try_own_table: impl FnOnce() -> io::Result<()>) -> Result<Tables, ServeError> {
        let (one, each) = (self.one_table(), self.each_table());
        let asks = match self.private {
            PrivateTables::On => true,
            PrivateTables::Auto => self.wanted.is_some_and(|wanted| wanted > one),
            PrivateTables::Off => false,
        };
        let private = asks && is_allowed(try_own_table());
        let allowed = if private { each.saturating_mul(self.shards) } else { one };
        if allowed == 0 {
            return Err(ServeError::Files { limit: self.limit, needed: self.beside(self.shards) });
        }
        if let Some(wanted) = self.wanted.filter(|wanted| *wanted > allowed) {
            tracing::warn!(
                wanted,
                allowed,
                limit = self.limit,
                private_fd_tables = private,
                "server.connections_max is lowered to what the open-file limit allows"
            );
        }
        Ok(Tables { places: self.wanted.unwrap_or(allowed).min(allowed), private })
    }

    /// Connections of all shards, in the common table.
    fn one_table(&self) -> usize {
        (self.limit as usize).saturating_sub(self.beside(self.shards))
    }

    /// Connections of one shard, in its own.
    fn each_table(&self) -> usize {
        (self.limit as usize).saturating_sub(self.beside(1))
    }

    /// Descriptors that are no connections, in a table in which so many shards open theirs.
    fn beside(&self, shards: usize) -> usize {
        FILES_BESIDE + self.shards * FILES_A_SHARD + shards * (FILES_OWN + self.listeners)
    }
}

fn is_allowed(tried: io::Result<()>) -> bool {
    if let Err(err) = &tried {
        tracing::warn!(%err, "server.private_fd_tables: unshare(CLONE_FILES) is refused here; all shards share one table");
    }
    tried.is_ok()
}

/// In a thread that ends at once, and its table with it.
fn try_own_table() -> io::Result<()> {
    let tried = std::thread::Builder::new().spawn(longwire_sys::own_file_table)?.join();
    tried.unwrap_or_else(|_| Err(io::Error::other("the thread that tried it panicked")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISH: Wish =
        Wish { limit: 1_000, shards: 4, listeners: 1, wanted: None, private: PrivateTables::Auto };

    fn granted(wish: Wish) -> (usize, bool) {
        let tables = wish.grant(|| Ok(())).unwrap();
        (tables.places, tables.private)
    }

    #[test]
    fn one_table_does_where_it_holds_what_is_asked_for() {
        let one = 1_000 - 32 - 4 * 2 - 4 * 3;
        assert_eq!(granted(WISH), (one, false));
        assert_eq!(granted(Wish { wanted: Some(one), ..WISH }), (one, false));
        assert_eq!(granted(Wish { wanted: Some(5), ..WISH }), (5, false));
    }

    #[test]
    fn more_than_one_table_holds_is_spread_over_a_table_a_shard() {
        let each = 1_000 - 32 - 4 * 2 - 3;
        assert_eq!(granted(Wish { wanted: Some(2_000), ..WISH }), (2_000, true));
        assert_eq!(granted(Wish { wanted: Some(9_000), ..WISH }), (4 * each, true));
        assert_eq!(granted(Wish { private: PrivateTables::On, ..WISH }), (4 * each, true));
        assert_eq!(granted(Wish { private: PrivateTables::On, wanted: Some(5), ..WISH }), (5, true));
    }

    #[test]
    fn off_or_refused_it_is_lowered_to_one_table() {
        let asks = Wish { wanted: Some(2_000), ..WISH };
        let one = granted(WISH).0;
        assert_eq!(granted(Wish { private: PrivateTables::Off, ..asks }), (one, false));
        let refused = || Err(io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(asks.grant(refused).unwrap(), Tables { places: one, private: false });
    }

    #[test]
    fn too_few_for_one_connection_is_said_with_what_is_needed() {
        let err = Wish { limit: 52, ..WISH }.grant(|| Ok(())).unwrap_err();
        assert!(matches!(err, ServeError::Files { limit: 52, needed: 52 }), "{err}");
        assert_eq!(granted(Wish { limit: 53, ..WISH }), (1, false));
    }
}
