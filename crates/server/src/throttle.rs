//! What an address may do, and how often anybody may try to be a user: `quotas.address`, `login_failures`,
//! `node_logins`.
//!
//! One table for the node, behind a lock: connects, logins and closes come here, messages never do.
//! Connects fail open (an address that finds the table full is let in uncounted), guests and logins fail closed:
//! where the table of addresses is full nobody unknown to it is a guest or is judged, and where that of users is,
//! every user is taken for one at whom too many guess.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use longwire_engine::{Bucket, Millis, NodeTime, Quota, Rate, Refusals};
use longwire_wire::Status;

use crate::origin::Network;
pub(crate) use crate::origin::Origin;

/// Addresses that are remembered at once: 33 bytes each in a table of 262,144 places, 9 MB.
const ADDRESSES_MAX: usize = 200_000;
/// Users whose failed logins are remembered at once: about 100 bytes each.
const USERS_MAX: usize = 200_000;
/// A full table is searched for entries that nobody needs any more once in this time: a search takes milliseconds.
const SEARCH_INTERVAL_MS: u64 = 1_000;

/// The rules, as configured. `None`, 0: no limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) exempt: Vec<Network>,
    pub(crate) connections: u32,
    pub(crate) guests: u32,
    pub(crate) connects: Option<Rate>,
    pub(crate) address_failures: Option<Rate>,
    pub(crate) user_failures: Option<Rate>,
    pub(crate) node_logins: Option<Rate>,
}

/// What becomes of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    In,
    /// In, and its LOGIN is answered with this: a client hears why.
    RefuseLogin(Status),
}

/// LOGINs that a provider was asked about and has not judged yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unjudged {
    /// From this address.
    pub(crate) address: u32,
    /// For this user.
    pub(crate) user: u32,
    /// For this user, from this address.
    pub(crate) user_here: u32,
}

/// When the provider may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Now,
    /// Once another LOGIN of this address is judged.
    BehindAddress,
    /// Once another LOGIN of this address for this user is judged.
    BehindUser,
}

#[derive(Default)]
struct Address {
    connections: u32,
    guests: u32,
    connects: Bucket,
    failures: Bucket,
}

impl Address {
    /// Whether anything about it must be remembered.
    fn matters(&self, now: Millis) -> bool {
        self.connections > 0 || self.guests > 0 || !self.connects.is_full(now) || !self.failures.is_full(now)
    }
}

#[derive(Default)]
struct Tables {
    addresses: HashMap<Origin, Address>,
    users: HashMap<Box<str>, Bucket>,
    /// When they were searched last, where they were full.
    addresses_searched: Option<Millis>,
    users_searched: Option<Millis>,
    logins: Bucket,
    /// Who was over a quota of this table.
    refusals: Refusals,
}

/// The node's table of addresses and of users that somebody failed to be.
pub(crate) struct Throttle {
    rules: Rules,
    tables: Mutex<Tables>,
    /// Shards bring their own times here, which differ.
    time: NodeTime,
}

impl Throttle {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, tables: Mutex::default(), time: NodeTime::default() }
    }

    /// Whether anything is counted at all: without it a connection costs nothing here.
    pub(crate) fn is_on(&self) -> bool {
        let rules = &self.rules;
        rules.connections > 0
            || rules.guests > 0
            || rules.connects.is_some()
            || rules.address_failures.is_some()
            || rules.user_failures.is_some()
    }

    /// A connection came in; [`Throttle::closed`] when it has gone.
    pub(crate) fn connected(&self, from: Origin, now: Millis) -> Welcome {
        let (mut tables, exempt, now) = (self.lock(), self.is_exempt(from), self.time.at_least(now));
        let Some(address) = tables.address(from, now) else { return Welcome::In };
        address.connections += 1;
        if exempt {
            return Welcome::In;
        }
        let over = if self.rules.connections > 0 && address.connections > self.rules.connections {
            Quota::AddressConnections
        } else if self.rules.connects.is_some_and(|rate| !address.connects.take(rate, now)) {
            Quota::AddressConnects
        } else {
            return Welcome::In;
        };
        Welcome::RefuseLogin(tables.refusals.over(over))
    }

    /// A connection, a guest's where `guest`, has gone.
    pub(crate) fn closed(&self, from: Origin, guest: bool) {
        let mut tables = self.lock();
        if let Some(address) = tables.addresses.get_mut(&from) {
            address.connections = address.connections.saturating_sub(1);
            address.guests = address.guests.saturating_sub(u32::from(guest));
        }
    }

    /// Whether one more guest may come from there; counts it if so.
    pub(crate) fn admit_guest(&self, from: Origin, now: Millis) -> Result<(), Status> {
        let (mut tables, exempt, now) = (self.lock(), self.is_exempt(from), self.time.at_least(now));
        match tables.address(from, now) {
            Some(address) if exempt || self.rules.guests == 0 || address.guests < self.rules.guests => {
                address.guests += 1;
                Ok(())
            }
            Some(_) | None => Err(tables.refusals.over(Quota::AddressGuests)),
        }
    }

    /// A guest from there is a user now.
    pub(crate) fn guest_left(&self, from: Origin) {
        if let Some(address) = self.lock().addresses.get_mut(&from) {
            address.guests = address.guests.saturating_sub(1);
        }
    }

    /// Whether a login provider may be asked about `user`, for somebody at `from`, as far as failures say.
    pub(crate) fn may_log_in(&self, from: Origin, user: &str, now: Millis) -> Result<(), Status> {
        self.turn(from, user, Unjudged::default(), now)?;
        let mut tables = self.lock();
        match self.rules.node_logins {
            Some(rate) if !tables.logins.take(rate, self.time.at_least(now)) => {
                Err(tables.refusals.over(Quota::NodeLogins))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The same where LOGINs are under way that nobody has judged yet: each counts as the failure it may turn out to
    /// be, so that guesses side by side get no further than guesses one by one. What only they stand in the way of is
    /// told to wait, not refused: most of them are no guesses.
    ///
    /// A user that many have failed to be is throttled for addresses that have failed themselves of late, and for no
    /// other: so nobody can lock the real user out.
    //= PROTOCOL.md#8.18
    // RATE_LIMITED to an address that failed too often, and to one that failed where too many failed for the user.
    pub(crate) fn turn(
        &self,
        from: Origin,
        user: &str,
        unjudged: Unjudged,
        now: Millis,
    ) -> Result<Turn, Status> {
        let (mut tables, exempt, now) = (self.lock(), self.is_exempt(from), self.time.at_least(now));
        let rules = &self.rules;
        let guessed = rules.user_failures.is_some_and(|rate| {
            let left = match tables.users.get(user) {
                Some(failures) => failures.left(rate, now),
                None if tables.users.len() >= USERS_MAX => 0,
                None => Bucket::default().left(rate, now),
            };
            unjudged.user >= left
        });
        if rules.address_failures.is_none() && !guessed {
            return Ok(Turn::Now);
        }
        let Some(address) = tables.address(from, now) else {
            return Err(tables.refusals.over(Quota::AddressLoginFailures));
        };
        let left = rules.address_failures.filter(|_| !exempt).map(|rate| address.failures.left(rate, now));
        if left == Some(0) {
            return Err(tables.refusals.over(Quota::AddressLoginFailures));
        }
        if guessed && !address.failures.is_full(now) {
            return Err(tables.refusals.over(Quota::UserLoginFailures));
        }
        Ok(match left {
            Some(left) if unjudged.address >= left => Turn::BehindAddress,
            _ if guessed && unjudged.user_here > 0 => Turn::BehindUser,
            _ => Turn::Now,
        })
    }

    /// Somebody at `from` was not `user`.
    pub(crate) fn failed(&self, from: Origin, user: &str, now: Millis) {
        let (mut tables, now) = (self.lock(), self.time.at_least(now));
        // without a rule for addresses the user's is what an address is remembered by
        let by_address = self.rules.address_failures.or(self.rules.user_failures);
        if let (Some(rate), Some(address)) = (by_address, tables.address(from, now)) {
            address.failures.take(rate, now);
        }
        if let Some(rate) = self.rules.user_failures
            && let Some(failures) = tables.user(user, now)
        {
            failures.take(rate, now);
        }
    }

    /// Who was over a quota of this table so far.
    pub(crate) fn refusals(&self) -> Refusals {
        self.lock().refusals
    }

    fn is_exempt(&self, from: Origin) -> bool {
        self.rules.exempt.iter().any(|network| network.contains(from))
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // counts cannot be left half-changed, so a panic elsewhere does not spoil them
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// The entry of an address; `None` where the table is full of others that matter.
    fn address(&mut self, from: Origin, now: Millis) -> Option<&mut Address> {
        if self.addresses.len() >= ADDRESSES_MAX && !self.addresses.contains_key(&from) {
            if is_due(&mut self.addresses_searched, now) {
                self.addresses.retain(|_, address| address.matters(now));
            }
            if self.addresses.len() >= ADDRESSES_MAX {
                return None;
            }
        }
        Some(self.addresses.entry(from).or_default())
    }

    /// The bucket of a user; `None` where the table is full of others that matter.
    fn user(&mut self, user: &str, now: Millis) -> Option<&mut Bucket> {
        if self.users.len() >= USERS_MAX && !self.users.contains_key(user) {
            if is_due(&mut self.users_searched, now) {
                self.users.retain(|_, failures| !failures.is_full(now));
            }
            if self.users.len() >= USERS_MAX {
                return None;
            }
        }
        Some(self.users.entry(user.into()).or_default())
    }
}

/// Whether a full table may be searched now.
fn is_due(last: &mut Option<Millis>, now: Millis) -> bool {
    let due = last.is_none_or(|last| now.since(last) >= SEARCH_INTERVAL_MS);
    if due {
        *last = Some(now);
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv6Addr};
    use std::time::Duration;

    fn origin(ip: &str) -> Origin {
        ip.parse::<IpAddr>().unwrap().into()
    }

    fn household(at: usize) -> Origin {
        let prefix = (0x2001_0db8_u128 << 96) | ((at as u128) << 64);
        IpAddr::from(Ipv6Addr::from_bits(prefix)).into()
    }

    fn minutes(count: u32, minutes: u64) -> Option<Rate> {
        Some(Rate::new(count, Duration::from_secs(60 * minutes), count))
    }

    fn rules() -> Rules {
        Rules { address_failures: minutes(5, 1), user_failures: minutes(10, 15), ..Rules::default() }
    }

    /// docs/memory.md counts on these: one a connection, one an address.
    #[test]
    fn an_origin_stays_small() {
        assert_eq!(size_of::<Origin>(), 8);
        assert!(size_of::<(Origin, Address)>() <= 32);
    }

    /// A thousand wrong tokens for alice from fifty addresses: alice herself logs in from the fifty-first.
    #[test]
    fn guessing_locks_nobody_out() {
        let throttle = Throttle::new(rules());
        let mut asked = 0;
        for attempt in 0..1000 {
            let from = origin(&format!("10.0.0.{}", attempt % 50));
            if throttle.may_log_in(from, "alice", Millis(attempt)).is_ok() {
                asked += 1;
                throttle.failed(from, "alice", Millis(attempt));
            }
        }
        assert_eq!(asked, 50, "ten by the user's bucket, and each address's first one");
        assert_eq!(throttle.may_log_in(origin("10.0.1.51"), "alice", Millis(1000)), Ok(()));
        assert_eq!(
            throttle.may_log_in(origin("10.0.0.1"), "bob", Millis(1000)),
            Ok(()),
            "bob is another user"
        );
        assert_eq!(throttle.may_log_in(origin("10.0.0.1"), "alice", Millis(1000)), Err(Status::RATE_LIMITED));
    }

    #[test]
    fn an_address_that_guesses_is_throttled_whoever_it_tries_to_be() {
        let throttle = Throttle::new(rules());
        let from = origin("10.0.0.1");
        for user in 0..5 {
            assert_eq!(throttle.may_log_in(from, &format!("u{user}"), Millis(0)), Ok(()));
            throttle.failed(from, &format!("u{user}"), Millis(0));
        }
        assert_eq!(throttle.may_log_in(from, "u5", Millis(0)), Err(Status::RATE_LIMITED));
        assert_eq!(throttle.may_log_in(from, "u5", Millis(12_000)), Ok(()), "one comes back every 12 s");
    }

    #[test]
    fn connections_and_guests_of_an_address_are_counted() {
        let throttle = Throttle::new(Rules { connections: 2, guests: 1, ..Rules::default() });
        let (here, there) = (origin("10.0.0.1"), origin("10.0.0.2"));
        let came: Vec<_> = (0..3).map(|_| throttle.connected(here, Millis(0))).collect();
        assert_eq!(came, [Welcome::In, Welcome::In, Welcome::RefuseLogin(Status::TOO_MANY)]);
        assert_eq!(throttle.connected(there, Millis(0)), Welcome::In);
        assert_eq!(throttle.admit_guest(here, Millis(0)), Ok(()));
        assert_eq!(throttle.admit_guest(here, Millis(0)), Err(Status::TOO_MANY));
        throttle.closed(here, true);
        throttle.closed(here, false);
        assert_eq!(throttle.admit_guest(here, Millis(0)), Ok(()));
        assert_eq!(throttle.connected(here, Millis(0)), Welcome::In);
    }

    #[test]
    fn exempt_addresses_are_counted_and_let_in() {
        let exempt = vec!["127.0.0.0/8".parse().unwrap()];
        let throttle = Throttle::new(Rules { exempt, connections: 1, ..rules() });
        let here = origin("127.0.0.1");
        assert_eq!([throttle.connected(here, Millis(0)); 2], [Welcome::In; 2]);
        for _ in 0..20 {
            throttle.failed(here, "somebody", Millis(0));
        }
        assert_eq!(throttle.may_log_in(here, "alice", Millis(0)), Ok(()));
    }

    /// What each quota does for whom it cannot count any more, as docs/quotas.md says.
    #[test]
    fn a_full_table_of_addresses_lets_connections_in_and_logins_out() {
        let throttle = Throttle::new(Rules { connections: 1, connects: minutes(1, 1), ..rules() });
        for at in 0..ADDRESSES_MAX {
            let from = household(at);
            assert_eq!(throttle.connected(from, Millis(0)), Welcome::In);
        }
        let late = origin("10.0.0.1");
        assert_eq!([throttle.connected(late, Millis(0)); 3], [Welcome::In; 3], "uncounted");
        assert_eq!(throttle.admit_guest(late, Millis(0)), Err(Status::TOO_MANY));
        assert_eq!(throttle.may_log_in(late, "alice", Millis(0)), Err(Status::RATE_LIMITED));
        for at in 0..ADDRESSES_MAX {
            throttle.closed(household(at), false);
        }
        assert_eq!(throttle.may_log_in(late, "alice", Millis(60_000)), Ok(()), "room again");
    }

    #[test]
    fn a_full_table_of_users_throttles_those_who_failed_and_nobody_else() {
        let throttle = Throttle::new(rules());
        for at in 0..USERS_MAX {
            throttle.failed(household(at / 5), &format!("u{at}"), Millis(0));
        }
        let (guessing, clean) = (origin("10.0.0.1"), origin("10.0.0.2"));
        throttle.failed(guessing, "alice", Millis(0));
        assert_eq!(throttle.may_log_in(guessing, "alice", Millis(0)), Err(Status::RATE_LIMITED));
        assert_eq!(throttle.may_log_in(clean, "alice", Millis(0)), Ok(()), "nobody is locked out");
        assert_eq!(throttle.may_log_in(clean, "u0", Millis(0)), Ok(()), "one failure is not too many");
        let counted: Vec<_> = throttle.refusals().by_quota().collect();
        assert_eq!(counted, [(Quota::UserLoginFailures, 1)]);
        throttle.failed(guessing, "alice", Millis(15 * 60_000));
        assert_eq!(throttle.lock().users.len(), 1, "the others' time is over");
    }
}
