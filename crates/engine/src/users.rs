//! The home of a user: the one shard that knows all of a user's sessions, and decides how many there may be.
//!
//! A login whose provider said yes enrolls here and is logged in only once this home has answered. Sessions are known
//! by [`ConnId`], which is never used again: so the late end of a replaced session cannot touch its successor.

use std::collections::HashMap;
use std::sync::Arc;

use longwire_wire::Status;

use crate::ids::{ConnId, Millis, Now, ShardId};
use crate::limits::{RECONNECTS_REFUSED_MS, USERS_REMEMBERED_MAX};
use crate::post::{Ports, ShardMsg};
use crate::quota::SharedBucket;
use crate::refusals::Quota;
use crate::shard::Shard;

/// What becomes of a user's further sessions (`login.sessions`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionPolicy {
    /// All live, up to `quotas.user.connections`.
    #[default]
    All,
    /// The newest closes the older ones.
    Newest,
    /// The oldest lives, newer ones are refused.
    Oldest,
}

/// What the sessions of one user share, whatever shard they are on.
#[derive(Debug, Default)]
pub struct UserState {
    /// `quotas.user.messages`.
    pub(crate) messages: SharedBucket,
    /// `quotas.user.joins`.
    pub(crate) joins: SharedBucket,
}

#[derive(Default)]
struct User {
    state: Arc<UserState>,
    sessions: Vec<ConnId>,
    /// `quotas.user.reconnects`.
    reconnects: SharedBucket,
    refused_until: Millis,
}

/// Why a user has no place for one more session.
enum TurnedAway {
    Over(Quota),
    /// `login.sessions = "oldest"`, and there is an older one.
    NotTheOldest,
}

/// The users whose home is here.
#[derive(Default)]
pub(crate) struct Users {
    by_id: HashMap<Arc<str>, User>,
}

impl Users {
    /// Forgets those who are gone and owe nothing to any bucket.
    fn sweep(&mut self, now: Millis) {
        self.by_id.retain(|_, user| !user.sessions.is_empty() || user.remembers(now));
        if self.by_id.len() > USERS_REMEMBERED_MAX {
            self.by_id.retain(|_, user| !user.sessions.is_empty()); // rather too lenient for once than without bound
        }
    }

    #[cfg(test)]
    pub(crate) fn sessions_of(&self, user: &str) -> &[ConnId] {
        self.by_id.get(user).map_or(&[], |user| &user.sessions)
    }
}

impl User {
    fn remembers(&self, now: Millis) -> bool {
        let full = |bucket: &SharedBucket| bucket.is_full(now);
        now < self.refused_until
            || !(full(&self.reconnects) && full(&self.state.messages) && full(&self.state.joins))
    }
}

impl Shard {
    /// Whether a login has to ask the user's home at all.
    pub(crate) fn enrolls(&self) -> bool {
        let config = &self.config;
        let quotas = &config.quotas;
        config.sessions != SessionPolicy::All
            || quotas.user_connections > 0
            || quotas.user_messages.is_some()
            || quotas.user_joins.is_some()
            || quotas.user_reconnects.is_some()
    }

    /// A login asks its user's home.
    pub(crate) fn ask_to_enroll(&mut self, user: Arc<str>, conn: ConnId, now: Now, ports: &mut impl Ports) {
        let home = self.home_of(&user);
        self.tell(home, ShardMsg::Enroll { user, conn }, now, ports);
    }

    /// At home: decides about a session, by the order in which the questions arrive here.
    pub(crate) fn enroll(&mut self, user_id: Arc<str>, conn: ConnId, now: Now, ports: &mut impl Ports) {
        let config = Arc::clone(&self.config);
        let user = self.users.by_id.entry(user_id).or_default();
        let displaced = match user.decide(conn, &config, now.mono) {
            Ok(displaced) => displaced,
            Err(turned) => {
                let status = match turned {
                    TurnedAway::Over(quota) => self.stats.refusals.over(quota),
                    TurnedAway::NotTheOldest => Status::TOO_MANY,
                };
                return self.tell(conn.shard, ShardMsg::EnrollRefused { conn, status }, now, ports);
            }
        };
        let state = Arc::clone(&user.state);
        for old in displaced {
            self.tell(old.shard, ShardMsg::Displace { conn: old }, now, ports);
        }
        self.tell(conn.shard, ShardMsg::Enrolled { conn, state }, now, ports);
    }

    /// At home: a session has ended. One that was replaced before is not known any more.
    pub(crate) fn withdraw(&mut self, user_id: &str, conn: ConnId) {
        if let Some(user) = self.users.by_id.get_mut(user_id) {
            user.sessions.retain(|session| *session != conn);
        }
    }

    pub(crate) fn sweep_users(&mut self, now: Now) {
        self.users.sweep(now.mono);
    }

    pub(crate) fn post_withdrawals(&mut self, now: Now, ports: &mut impl Ports) {
        for (user, conn) in std::mem::take(&mut self.withdrawals) {
            let home = self.home_of(&user);
            self.tell(home, ShardMsg::Withdraw { user, conn }, now, ports);
        }
    }

    /// Hands a control message to a shard, which may be this one.
    pub(crate) fn tell(&mut self, to: ShardId, msg: ShardMsg, now: Now, ports: &mut impl Ports) {
        if to == self.id {
            self.receive(to, msg, now, ports);
        } else {
            let posted = ports.post(to, msg);
            debug_assert!(posted.is_ok(), "control messages are never refused");
        }
    }
}

impl User {
    /// Takes a session in; returns those that it replaces.
    fn decide(
        &mut self,
        conn: ConnId,
        config: &crate::config::Config,
        now: Millis,
    ) -> Result<Vec<ConnId>, TurnedAway> {
        if self.sessions.contains(&conn) {
            return Ok(Vec::new()); // it renews its login
        }
        self.reconnects(config, now)?;
        //= PROTOCOL.md#8.16
        //= PROTOCOL.md#8.17
        // The newest closes the older ones; the oldest, or so many, refuse one more with TOO_MANY.
        let displaced = match config.sessions {
            SessionPolicy::All => {
                let max = config.quotas.user_connections;
                if max > 0 && self.sessions.len() >= max {
                    return Err(TurnedAway::Over(Quota::UserConnections));
                }
                Vec::new()
            }
            SessionPolicy::Newest => std::mem::take(&mut self.sessions),
            SessionPolicy::Oldest if self.sessions.is_empty() => Vec::new(),
            SessionPolicy::Oldest => return Err(TurnedAway::NotTheOldest),
        };
        if self.sessions.is_empty() {
            self.sessions.reserve_exact(1); // most users have one: a Vec would begin with four
        }
        self.sessions.push(conn);
        Ok(displaced)
    }

    /// A user that comes back too often is refused for a while, whatever its bucket says meanwhile.
    fn reconnects(&mut self, config: &crate::config::Config, now: Millis) -> Result<(), TurnedAway> {
        let Some(rate) = config.quotas.user_reconnects else { return Ok(()) };
        if now < self.refused_until {
            return Err(TurnedAway::Over(Quota::UserReconnects));
        }
        if !self.reconnects.take(rate, now) {
            self.refused_until = now.plus(RECONNECTS_REFUSED_MS);
            return Err(TurnedAway::Over(Quota::UserReconnects));
        }
        Ok(())
    }
}
