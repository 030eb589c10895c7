//! Who was refused, by status and by quota: plain counts of a shard, summed over all of them where they are shown.
//!
//! A status is counted where its answer is written, a quota where it decides. docs/quotas.md has a row for each quota.

use longwire_wire::Status;

/// What becomes of somebody whom a quota cannot count, because what it remembers is full or not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    /// Let through.
    Open,
    /// Refused.
    Closed,
}

impl Fails {
    /// The word in the documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// One list makes the quotas, their names, statuses and failure modes, so that none can be without.
macro_rules! quotas {
    ($($name:ident, $text:literal, $status:ident, $fails:ident;)*) => {
        /// What can be over its rate or number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Quota {
            $(#[doc = concat!("`quotas.", $text, "`.")] $name,)*
        }

        impl Quota {
            /// All of them, in the order of their counts.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in logs and metrics: its key without `quotas.`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What the client is told.
            pub fn status(self) -> Status {
                match self { $(Self::$name => Status::$status,)* }
            }

            /// What happens where it cannot count.
            pub fn fails(self) -> Fails {
                match self { $(Self::$name => Fails::$fails,)* }
            }
        }

        const QUOTAS: usize = [$(Quota::$name,)*].len();
    };
}

quotas! {
    ConnectionFrames, "connection_frames", RATE_LIMITED, Open;
    NodeLogins, "node_logins", OVERLOADED, Closed;
    AddressConnections, "address.connections", TOO_MANY, Open;
    AddressGuests, "address.guests", TOO_MANY, Closed;
    AddressConnects, "address.connects", RATE_LIMITED, Open;
    AddressLoginFailures, "address.login_failures", RATE_LIMITED, Closed;
    UserConnections, "user.connections", TOO_MANY, Closed;
    UserMessages, "user.messages", RATE_LIMITED, Open;
    UserJoins, "user.joins", RATE_LIMITED, Open;
    UserReconnects, "user.reconnects", RATE_LIMITED, Open;
    UserLoginFailures, "user.login_failures", RATE_LIMITED, Closed;
    RoomMessages, "room.messages", RATE_LIMITED, Open;
    RoomPriorityShare, "room.priority_percent", RATE_LIMITED, Open;
}

/// One more than the highest status there is; a test holds it to the list.
const STATUSES: usize = Status::REJECTED.0 as usize + 1;

/// How often somebody was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    by_status: [u64; STATUSES],
    by_quota: [u64; QUOTAS],
}

impl Refusals {
    /// Counts an answer, where it refuses.
    pub fn answered(&mut self, status: Status) {
        if status != Status::OK
            && let Some(count) = self.by_status.get_mut(usize::from(status.0))
        {
            *count += 1;
        }
    }

    /// Counts somebody who is over `quota`, and says what to answer.
    pub fn over(&mut self, quota: Quota) -> Status {
        self.by_quota[quota as usize] += 1;
        quota.status()
    }

    /// Answers that refused, by status; those that there were.
    pub fn by_status(&self) -> impl Iterator<Item = (Status, u64)> {
        let counts = (0..).map(Status).zip(self.by_status);
        counts.filter(|(_, count)| *count > 0)
    }

    /// What was over its quota, by quota; those that there were.
    pub fn by_quota(&self) -> impl Iterator<Item = (Quota, u64)> {
        let counts = Quota::ALL.iter().copied().zip(self.by_quota);
        counts.filter(|(_, count)| *count > 0)
    }

    /// Adds another shard's.
    pub fn add(&mut self, other: &Self) {
        let add = |(mine, theirs): (&mut u64, u64)| *mine += theirs;
        self.by_status.iter_mut().zip(other.by_status).for_each(add);
        self.by_quota.iter_mut().zip(other.by_quota).for_each(add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_count_and_ok_is_no_refusal() {
        let mut refusals = Refusals::default();
        let listed: Vec<_> = (0..=u8::MAX).map(Status).filter(|status| status.name().is_some()).collect();
        listed.iter().for_each(|status| refusals.answered(*status));
        let counted: Vec<_> = refusals.by_status().collect();
        let due: Vec<_> = listed.into_iter().skip(1).map(|status| (status, 1)).collect();
        assert_eq!(counted, due, "one each, but for OK");
    }

    #[test]
    fn sums_keep_quotas_apart() {
        let (mut sum, mut other) = (Refusals::default(), Refusals::default());
        assert_eq!(sum.over(Quota::UserJoins), Status::RATE_LIMITED);
        assert_eq!(other.over(Quota::UserJoins), Status::RATE_LIMITED);
        assert_eq!(other.over(Quota::AddressGuests), Status::TOO_MANY);
        sum.add(&other);
        let counted: Vec<_> = sum.by_quota().collect();
        assert_eq!(counted, [(Quota::AddressGuests, 1), (Quota::UserJoins, 2)]);
        for (at, quota) in Quota::ALL.iter().enumerate() {
            assert_eq!(*quota as usize, at);
            assert!(Quota::ALL[..at].iter().all(|earlier| earlier.name() != quota.name()), "{quota:?}");
        }
    }
}
