//! The home of a user: the one shard that knows all of a user's sessions, and decides how many there may be.
//!
//! A login whose provider said yes enrolls here and is logged in only once this home has answered. Sessions are known
//! by [`ConnId`], which is never used again: so the late end of a replaced session cannot touch its successor.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use longwire_wire::Status;

use crate::ids::{ConnId, Millis, Now, ShardId};
use crate::limits::{RECONNECTS_REFUSED_MS, USERS_REMEMBERED_MAX};
use crate::planted::Planted;
use crate::post::{Ports, ShardMsg};
use crate::quota::{Bucket, SharedBucket};
use crate::refusals::Quota;
use crate::shard::Shard;
use crate::shrink::Shrink;

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

struct User {
    /// The newest session's own, so that a user with one session costs its string once.
    id: Arc<str>,
    state: Arc<UserState>,
    sessions: Sessions,
    /// `quotas.user.reconnects`.
    reconnects: Bucket,
    refused_until: Millis,
}

/// A user's sessions, the oldest first. Most users have one.
#[derive(Default)]
enum Sessions {
    #[default]
    None,
    One(ConnId),
    #[allow(clippy::box_collection)] // 8 bytes here instead of 24
    Many(Box<Vec<ConnId>>),
}

/// Why a user has no place for one more session.
enum TurnedAway {
    Over(Quota),
    /// `login.sessions = "oldest"`, and there is an older one.
    NotTheOldest,
}

/// A user in the table, found by its id: a hash table is half empty at times, so its places are a pointer each.
struct Known(Box<User>);

/// The users whose home is here.
#[derive(Default)]
pub(crate) struct Users {
    by_id: HashSet<Known>,
}

impl Users {
    /// Forgets those who are gone, owe nothing to any bucket, and whose buckets nobody holds any more: a session that
    /// was replaced spends from them until it hears of it.
    fn sweep(&mut self, now: Millis) {
        self.by_id.retain(|Known(user)| user.is_here() || user.is_held() || user.remembers(now));
        if self.by_id.len() > USERS_REMEMBERED_MAX {
            self.by_id.retain(|Known(user)| user.is_here()); // rather too lenient for once than without bound
        }
        self.by_id.shrink();
    }

    fn knows(&self, user: &str, conn: ConnId) -> bool {
        self.by_id.get(user).is_some_and(|Known(user)| user.sessions.as_slice().contains(&conn))
    }

    #[cfg(test)]
    pub(crate) fn remembered(&self) -> usize {
        self.by_id.len()
    }

    #[cfg(test)]
    pub(crate) fn sessions_of(&self, user: &str) -> &[ConnId] {
        self.by_id.get(user).map_or(&[], |Known(user)| user.sessions.as_slice())
    }
}

impl User {
    fn new(id: &Arc<str>) -> Self {
        Self {
            id: Arc::clone(id),
            state: Arc::default(),
            sessions: Sessions::None,
            reconnects: Bucket::default(),
            refused_until: Millis(0),
        }
    }

    fn is_here(&self) -> bool {
        !self.sessions.as_slice().is_empty()
    }

    fn is_held(&self) -> bool {
        Arc::strong_count(&self.state) > 1
    }

    fn remembers(&self, now: Millis) -> bool {
        let UserState { messages, joins } = &*self.state;
        now < self.refused_until
            || !(self.reconnects.is_full(now) && messages.is_full(now) && joins.is_full(now))
    }
}

impl Borrow<str> for Known {
    fn borrow(&self) -> &str {
        &self.0.id
    }
}

impl Hash for Known {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state); // as a str is hashed: it is looked up by one
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Known {}

impl Sessions {
    fn as_slice(&self) -> &[ConnId] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    fn push(&mut self, new: ConnId) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(new),
            Self::One(one) => Self::Many(Box::new(vec![one, new])),
            Self::Many(mut many) => {
                many.push(new);
                Self::Many(many)
            }
        }
    }

    fn remove(&mut self, gone: ConnId) {
        *self = match std::mem::take(self) {
            Self::One(one) if one != gone => Self::One(one),
            Self::None | Self::One(_) => Self::None,
            Self::Many(mut many) => {
                many.retain(|session| *session != gone);
                if many.is_empty() { Self::None } else { Self::Many(many) }
            }
        }
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
    pub(crate) fn ask_to_enroll(
        &mut self,
        user: Arc<str>,
        conn: ConnId,
        renews: bool,
        now: Now,
        ports: &mut impl Ports,
    ) {
        let home = self.home_of(&user);
        self.tell(home, ShardMsg::Enroll { user, conn, renews }, now, ports);
    }

    /// At home: decides about a session, by the order in which the questions arrive here.
    pub(crate) fn enroll(
        &mut self,
        user_id: Arc<str>,
        conn: ConnId,
        renews: bool,
        now: Now,
        ports: &mut impl Ports,
    ) {
        #[cfg(test)]
        self.trace.push(crate::trace::Trace::Enrolls { user: Arc::clone(&user_id), conn });
        //= PROTOCOL.md#8.24
        // A LOGIN with which a replaced connection renews its session may go unanswered, and takes nothing back.
        if renews && !self.users.knows(&user_id, conn) && !self.is_planted(Planted::RenewedAfterReplaced) {
            return; // it was replaced meanwhile: what closes it is on its way, ahead of any answer to this
        }
        let known = self.users.by_id.take(&*user_id);
        let Known(mut user) = known.unwrap_or_else(|| Known(Box::new(User::new(&user_id))));
        let decided = user.decide(conn, &self.config, now.mono);
        let state = Arc::clone(&user.state);
        if decided.is_ok() {
            user.id = user_id;
        }
        self.users.by_id.insert(Known(user));
        let displaced = match decided {
            Ok(displaced) => displaced,
            Err(turned) => {
                let status = match turned {
                    TurnedAway::Over(quota) => self.stats.refusals.over(quota),
                    TurnedAway::NotTheOldest => Status::TOO_MANY,
                };
                return self.tell(conn.shard, ShardMsg::EnrollRefused { conn, status }, now, ports);
            }
        };
        for &old in displaced.as_slice() {
            self.tell(old.shard, ShardMsg::Displace { conn: old }, now, ports);
        }
        self.tell(conn.shard, ShardMsg::Enrolled { conn, state }, now, ports);
    }

    /// At home: a session has ended. One that was replaced before is not known any more.
    pub(crate) fn withdraw(&mut self, user_id: &str, conn: ConnId) {
        #[cfg(test)]
        self.trace.push(crate::trace::Trace::Withdrawn { user: user_id.into(), conn });
        let all = self.is_planted(Planted::LateEndTakesSuccessor);
        if let Some(Known(mut user)) = self.users.by_id.take(user_id) {
            user.sessions.remove(conn);
            if all {
                user.sessions = Sessions::None;
            }
            self.users.by_id.insert(Known(user));
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
    ) -> Result<Sessions, TurnedAway> {
        let sessions = self.sessions.as_slice();
        if sessions.contains(&conn) {
            return Ok(Sessions::None); // it renews its login
        }
        let count = sessions.len();
        self.reconnects(config, now)?;
        //= PROTOCOL.md#8.16
        //= PROTOCOL.md#8.17
        // The newest closes the older ones; the oldest, or so many, refuse one more with TOO_MANY.
        let displaced = match config.sessions {
            SessionPolicy::All => {
                let max = config.quotas.user_connections;
                if max > 0 && count >= max {
                    return Err(TurnedAway::Over(Quota::UserConnections));
                }
                Sessions::None
            }
            SessionPolicy::Newest => std::mem::take(&mut self.sessions),
            SessionPolicy::Oldest if count == 0 => Sessions::None,
            SessionPolicy::Oldest => return Err(TurnedAway::NotTheOldest),
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/memory.md counts on these; the first is in its allocation of 64 bytes, the other in one of 48.
    #[test]
    fn a_user_with_one_session_stays_small() {
        assert!(size_of::<User>() <= 56, "{}", size_of::<User>());
        assert!(size_of::<UserState>() <= 24, "{}", size_of::<UserState>());
        assert_eq!(size_of::<Known>(), 8);
    }

    #[test]
    fn sessions_come_and_go_in_order() {
        let conn = |slot| ConnId { shard: ShardId(0), slot, generation: 0 };
        let mut sessions = Sessions::None;
        (0..3).for_each(|slot| sessions.push(conn(slot)));
        sessions.remove(conn(1));
        sessions.remove(conn(9));
        assert_eq!(sessions.as_slice(), [conn(0), conn(2)]);
        sessions.remove(conn(0));
        sessions.remove(conn(2));
        assert!(matches!(sessions, Sessions::None));
    }

    /// A session that was replaced may speak until it hears of it: what it spends must not be forgotten.
    #[test]
    fn a_user_is_remembered_while_a_session_holds_its_buckets() {
        let mut users = Users::default();
        let user = User::new(&"alice".into());
        let held = Arc::clone(&user.state);
        users.by_id.insert(Known(Box::new(user)));
        users.sweep(Millis(1));
        assert_eq!(users.remembered(), 1);
        drop(held);
        users.sweep(Millis(2));
        assert_eq!(users.remembered(), 0);
    }

    #[test]
    fn a_user_is_found_by_its_id_alone() {
        let mut users = Users::default();
        for name in ["alice", "bob"] {
            users.by_id.insert(Known(Box::new(User::new(&name.into()))));
        }
        let Known(user) = users.by_id.take("alice").expect("she is there");
        assert_eq!(&*user.id, "alice");
        assert!(!users.by_id.contains("alice") && users.by_id.contains("bob"));
    }
}
