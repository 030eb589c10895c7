//! What an address may do, and how often anybody may try to be a user: `quotas.address`, `login_failures`,
//! `node_logins`.
//!
//! One table for the node, behind a lock: connects, logins and closes come here, messages never do.
//! Connects fail open (an address that finds the table full is let in uncounted), guests and logins fail closed.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use longwire_engine::{Bucket, Millis, NodeTime, Rate};
use longwire_wire::Status;

/// Addresses that are remembered at once: with buckets and counts about 100 bytes each, 20 MiB at the most.
const ADDRESSES_MAX: usize = 200_000;
/// Users whose failed logins are remembered at once.
const USERS_MAX: usize = 200_000;

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

/// `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: u128,
    bits: u8,
}

/// Who is counted together: an IPv4 address, or the /64 of an IPv6 one, which a household has whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin(u128);

impl From<IpAddr> for Origin {
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self(ip.to_ipv6_mapped().to_bits()),
            IpAddr::V6(ip) => Self(ip.to_bits() & !u128::from(u64::MAX)),
        }
    }
}

impl Network {
    fn contains(&self, ip: Origin) -> bool {
        let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
        (ip.0 ^ self.base) & mask == 0
    }
}

impl std::str::FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (ip, bits) = text.split_once('/').ok_or(())?;
        let ip: IpAddr = ip.parse().map_err(|_| ())?;
        let bits: u8 = bits.parse().map_err(|_| ())?;
        let (base, bits, max) = match ip {
            IpAddr::V4(ip) => (ip.to_ipv6_mapped().to_bits(), bits.saturating_add(96), 128),
            // a household's /64 is one origin, so a longer prefix would never match what is counted
            IpAddr::V6(ip) => {
                (ip.to_bits() & !u128::from(u64::MAX), bits.min(64), if bits > 128 { 0 } else { 128 })
            }
        };
        (bits <= max).then_some(Self { base, bits }).ok_or(())
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ip = Ipv6Addr::from_bits(self.base);
        match ip.to_ipv4_mapped() {
            Some(ip) => write!(f, "{ip}/{}", self.bits - 96),
            None => write!(f, "{ip}/{}", self.bits),
        }
    }
}

/// What becomes of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    In,
    /// In, and its LOGIN is answered with this: a client hears why.
    RefuseLogin(Status),
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
    logins: Bucket,
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
        if self.rules.connections > 0 && address.connections > self.rules.connections {
            return Welcome::RefuseLogin(Status::TOO_MANY);
        }
        match self.rules.connects {
            Some(rate) if !address.connects.take(rate, now) => Welcome::RefuseLogin(Status::RATE_LIMITED),
            Some(_) | None => Welcome::In,
        }
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
        let address = tables.address(from, now).ok_or(Status::TOO_MANY)?;
        if !exempt && self.rules.guests > 0 && address.guests >= self.rules.guests {
            return Err(Status::TOO_MANY);
        }
        address.guests += 1;
        Ok(())
    }

    /// A guest from there is a user now.
    pub(crate) fn guest_left(&self, from: Origin) {
        if let Some(address) = self.lock().addresses.get_mut(&from) {
            address.guests = address.guests.saturating_sub(1);
        }
    }

    /// Whether a login provider may be asked about `user`, for somebody at `from`.
    ///
    /// A user that many have failed to be is throttled for addresses that have failed themselves of late, and for no
    /// other: so nobody can lock the real user out.
    //= PROTOCOL.md#8.18
    // RATE_LIMITED to an address that failed too often, and to one that failed where too many failed for the user.
    pub(crate) fn may_log_in(&self, from: Origin, user: &str, now: Millis) -> Result<(), Status> {
        let (mut tables, exempt, now) = (self.lock(), self.is_exempt(from), self.time.at_least(now));
        let guessed = self
            .rules
            .user_failures
            .is_some_and(|rate| tables.users.get(user).is_some_and(|failures| !failures.has(rate, now)));
        if self.rules.address_failures.is_some() || guessed {
            let address = tables.address(from, now).ok_or(Status::RATE_LIMITED)?;
            let over = |rate: Rate| !exempt && !address.failures.has(rate, now);
            if self.rules.address_failures.is_some_and(over) || (guessed && !address.failures.is_full(now)) {
                return Err(Status::RATE_LIMITED);
            }
        }
        match self.rules.node_logins {
            Some(rate) if !tables.logins.take(rate, now) => Err(Status::OVERLOADED),
            Some(_) | None => Ok(()),
        }
    }

    /// Somebody at `from` was not `user`.
    pub(crate) fn failed(&self, from: Origin, user: &str, now: Millis) {
        let (mut tables, now) = (self.lock(), self.time.at_least(now));
        // without a rule for addresses the user's is what an address is remembered by
        let by_address = self.rules.address_failures.or(self.rules.user_failures);
        if let (Some(rate), Some(address)) = (by_address, tables.address(from, now)) {
            address.failures.take(rate, now);
        }
        if let Some(rate) = self.rules.user_failures {
            tables.user(user, now).take(rate, now);
        }
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
            self.addresses.retain(|_, address| address.matters(now));
            if self.addresses.len() >= ADDRESSES_MAX {
                return None;
            }
        }
        Some(self.addresses.entry(from).or_default())
    }

    /// The bucket of a user. A full table forgets everybody: an attacker who fills it has given 200,000 names.
    fn user(&mut self, user: &str, now: Millis) -> &mut Bucket {
        if self.users.len() >= USERS_MAX && !self.users.contains_key(user) {
            self.users.retain(|_, failures| !failures.is_full(now));
            if self.users.len() >= USERS_MAX {
                self.users.clear();
            }
        }
        self.users.entry(user.into()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn origin(ip: &str) -> Origin {
        ip.parse::<IpAddr>().unwrap().into()
    }

    fn minutes(count: u32, minutes: u64) -> Option<Rate> {
        Some(Rate::new(count, Duration::from_secs(60 * minutes), count))
    }

    fn rules() -> Rules {
        Rules { address_failures: minutes(5, 1), user_failures: minutes(10, 15), ..Rules::default() }
    }

    #[test]
    fn a_household_is_one_address() {
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::ffff:1"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        assert_eq!(origin("::ffff:10.0.0.1"), origin("10.0.0.1"));
        assert_ne!(origin("10.0.0.2"), origin("10.0.0.1"));
    }

    #[test]
    fn networks_contain_what_they_say() {
        let network: Network = "127.0.0.0/8".parse().unwrap();
        assert!(network.contains(origin("127.9.9.9")) && !network.contains(origin("128.0.0.1")));
        assert_eq!(network.to_string(), "127.0.0.0/8");
        let network: Network = "::1/128".parse().unwrap();
        assert!(network.contains(origin("::1")));
        for wrong in ["10.0.0.0", "10.0.0.0/33", "::1/129", "x/8", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
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
}
