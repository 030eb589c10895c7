//! Whose LOGIN the provider is asked about, and who waits: guesses side by side get no further than one by one.
//!
//! A LOGIN that is under way counts as the failure it may turn out to be (`throttle.rs`); once it is judged it is a
//! failure or nothing. What only such LOGINs stand in the way of waits here, in the order of arrival at its address: it
//! is refused only once there are failures. So an address whose users all hold right tokens gets everybody in, a few at
//! a time. Asks nobody and sends nothing; time is an argument.
//! Invariant: where somebody waits, a LOGIN of the same address is under way, whose end looks at who waits.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use longwire_wire::Status;

use super::desk::Asked;
use crate::throttle::{Origin, Throttle, Turn, Unjudged};

/// LOGINs that wait their turn: about 5 KiB each, a token included.
const WAITING_MAX: usize = 4096;
/// And of one address: a carrier's reconnects, not all places.
const WAITING_OF_ADDRESS_MAX: usize = 1024;
/// A client waits no longer for its answer, so nobody is asked about it any more.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// What becomes of a LOGIN whose turn it is.
pub(super) enum Next {
    /// The provider is to be asked; [`Turns::judged`] when it has answered, or failed to.
    Ask(Asked),
    Refuse(Asked, Status),
}

/// LOGINs under way, and those that wait for them.
#[derive(Default)]
pub(super) struct Turns {
    addresses: HashMap<Origin, Address>,
    /// How many are under way for a user.
    users: HashMap<Box<str>, u32>,
    waiting: usize,
}

#[derive(Default)]
struct Address {
    /// Whom LOGINs under way are for.
    under_way: Vec<Box<str>>,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    asked: Asked,
    since: Instant,
}

impl Turns {
    /// A LOGIN has come.
    pub(super) fn arrived(&mut self, asked: Asked, throttle: &Throttle, now: Instant) -> Vec<Next> {
        let from = asked.origin();
        let waiting = Waiting { asked, since: now };
        self.addresses.entry(from).or_default().waiting.push_back(waiting);
        self.waiting += 1;
        let mut next = self.advance(from, throttle, now);
        next.extend(self.turn_away(from));
        next
    }

    /// Refuses the last who waits at an address, where that is one too many.
    fn turn_away(&mut self, from: Origin) -> Option<Next> {
        let address = self.addresses.get_mut(&from)?;
        if self.waiting <= WAITING_MAX && address.waiting.len() <= WAITING_OF_ADDRESS_MAX {
            return None;
        }
        let last = address.waiting.pop_back()?;
        self.waiting -= 1;
        Some(Next::Refuse(last.asked, Status::OVERLOADED))
    }

    /// A LOGIN for `user` from there is judged, and counted where it failed.
    pub(super) fn judged(
        &mut self,
        from: Origin,
        user: &str,
        throttle: &Throttle,
        now: Instant,
    ) -> Vec<Next> {
        if let Some(address) = self.addresses.get_mut(&from)
            && let Some(at) = address.under_way.iter().position(|under_way| **under_way == *user)
        {
            address.under_way.swap_remove(at);
        }
        if let Some(count) = self.users.get_mut(user) {
            *count -= 1;
            if *count == 0 {
                self.users.remove(user);
            }
        }
        self.advance(from, throttle, now)
    }

    /// Goes through those who wait at an address, the oldest first.
    fn advance(&mut self, from: Origin, throttle: &Throttle, now: Instant) -> Vec<Next> {
        let Some(address) = self.addresses.get_mut(&from) else { return Vec::new() };
        let (mut next, mut at) = (Vec::new(), 0);
        while let Some(Waiting { asked, since }) = address.waiting.get(at) {
            let user = &asked.question.user_id;
            let turn = if now.duration_since(*since) > WAIT_MAX {
                Err(Status::OVERLOADED)
            } else {
                let of_user = self.users.get(user).copied().unwrap_or_default();
                throttle.turn(from, user, address.unjudged(user, of_user), asked.at)
            };
            let refusal = match turn {
                Ok(Turn::Now) => None,
                Ok(Turn::BehindUser) => {
                    at += 1;
                    continue;
                }
                Ok(Turn::BehindAddress) => break, // so are all behind it
                Err(status) => Some(status),
            };
            let Some(Waiting { asked, .. }) = address.waiting.remove(at) else { break };
            self.waiting -= 1;
            next.push(match refusal {
                None => {
                    let user = &asked.question.user_id;
                    address.under_way.push(user.clone());
                    *self.users.entry(user.clone()).or_default() += 1;
                    Next::Ask(asked)
                }
                Some(status) => Next::Refuse(asked, status),
            });
        }
        debug_assert!(address.waiting.is_empty() || !address.under_way.is_empty(), "nobody would look again");
        if address.under_way.is_empty() && address.waiting.is_empty() {
            self.addresses.remove(&from);
        }
        next
    }
}

impl Address {
    fn unjudged(&self, user: &str, of_user: u32) -> Unjudged {
        let here = self.under_way.iter().filter(|under_way| ***under_way == *user).count();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Unjudged { address: count(self.under_way.len()), user: of_user, user_here: count(here) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::{Question, Secret};
    use crate::throttle::Rules;
    use longwire_engine::{ConnId, Millis, Rate, ShardId};
    use std::net::IpAddr;
    use std::sync::Arc;

    /// Turns with a provider that judges when the test says so; failures do not come back within a test.
    struct Office {
        throttle: Throttle,
        turns: Turns,
        now: Instant,
        under_way: VecDeque<Asked>,
        asked: usize,
        refused: Vec<Status>,
    }

    impl Office {
        fn new(rules: Rules) -> Self {
            let (throttle, turns, now) = (Throttle::new(rules), Turns::default(), Instant::now());
            Self { throttle, turns, now, under_way: VecDeque::new(), asked: 0, refused: Vec::new() }
        }

        fn rules() -> Rules {
            let hour = Duration::from_secs(3600);
            let rate = |count| Some(Rate::new(count, hour, count));
            Rules { address_failures: rate(5), user_failures: rate(10), ..Rules::default() }
        }

        fn log_in(&mut self, from: &str, user: &str) {
            let question = Question {
                token: Secret::new("x"),
                user_id: user.into(),
                connection: ConnId { shard: ShardId(0), slot: 0, generation: 0 },
                address: from.parse::<IpAddr>().unwrap(),
                transport: "tcp",
            };
            let asked = Asked { question, at: Millis(1_000), send_back: Arc::new(|_, _| {}) };
            let next = self.turns.arrived(asked, &self.throttle, self.now);
            self.take(next);
        }

        fn take(&mut self, next: Vec<Next>) {
            for next in next {
                match next {
                    Next::Ask(asked) => {
                        self.asked += 1;
                        self.under_way.push_back(asked);
                    }
                    Next::Refuse(_, status) => self.refused.push(status),
                }
            }
        }

        /// The provider judges the one it was asked about first. `false`: nobody is under way.
        fn judge(&mut self, is_failure: bool) -> bool {
            let Some(Asked { question, at, .. }) = self.under_way.pop_front() else { return false };
            let (from, user) = (Origin::from(question.address), &*question.user_id);
            if is_failure {
                self.throttle.failed(from, user, at);
            }
            let next = self.turns.judged(from, user, &self.throttle, self.now);
            self.take(next);
            true
        }

        fn judge_all(&mut self, is_failure: bool) {
            while self.judge(is_failure) {}
            assert!(self.turns.addresses.is_empty() && self.turns.users.is_empty(), "nothing is left behind");
            assert_eq!(self.turns.waiting, 0);
        }
    }

    #[test]
    fn a_thousand_guesses_at_once_from_one_address_cost_what_they_cost_one_by_one() {
        let mut office = Office::new(Office::rules());
        (0..1000).for_each(|at| office.log_in("10.0.0.1", &format!("user{at}")));
        assert_eq!((office.asked, office.refused.len()), (5, 0), "as many as may fail");
        office.judge_all(true);
        assert_eq!((office.asked, office.refused), (5, vec![Status::RATE_LIMITED; 995]));
    }

    #[test]
    fn a_household_guesses_as_one() {
        let mut office = Office::new(Office::rules());
        (0..1000).for_each(|at| office.log_in(&format!("2001:db8::{at:x}"), &format!("user{at}")));
        office.judge_all(true);
        assert_eq!(office.asked, 5);
    }

    /// Whatever the order in which they come, and whenever they are judged.
    #[test]
    fn a_thousand_guesses_at_once_for_one_user_lock_nobody_out() {
        for seed in 0..20 {
            println!("seed {seed}");
            let (mut office, mut random) = (Office::new(Office::rules()), fastrand::Rng::with_seed(seed));
            for _ in 0..1000 {
                office.log_in(&format!("10.0.0.{}", random.u8(1..=50)), "alice");
                if random.u8(..) < 40 {
                    office.judge(true);
                }
            }
            let asked = office.asked;
            assert!(asked <= 58, "{asked}: ten by the user's rate, and the first of each further address");
            office.log_in("10.0.1.51", "alice");
            assert_eq!(
                office.asked,
                asked + 1,
                "alice herself is asked about while all of them are under way"
            );
            office.judge_all(true);
            assert!(office.asked <= 59, "{}", office.asked);
        }
    }

    #[test]
    fn right_tokens_from_one_address_all_get_in() {
        let mut office = Office::new(Office::rules());
        (0..1000).for_each(|at| office.log_in("10.0.0.1", &format!("user{at}")));
        office.judge_all(false);
        assert_eq!((office.asked, office.refused.len()), (1000, 0));
    }

    /// Devices of a user behind one address, while others guess at the user: one after the other, none refused.
    #[test]
    fn the_right_user_waits_for_itself_alone() {
        let mut office = Office::new(Office::rules());
        (1..=50).for_each(|host| office.log_in(&format!("10.0.0.{host}"), "alice"));
        while office.judge(true) {}
        let asked = office.asked;
        (0..3).for_each(|_| office.log_in("10.0.1.51", "alice"));
        office.log_in("10.0.1.51", "bob");
        assert_eq!(office.asked, asked + 2, "one of alice's, and bob's, which waits for none of hers");
        office.judge_all(false);
        assert_eq!((office.asked, office.refused.len()), (asked + 4, 0));
    }

    #[test]
    fn what_nobody_judged_is_given_back() {
        let mut office = Office::new(Office::rules());
        for _ in 0..20 {
            (0..5).for_each(|_| office.log_in("10.0.0.1", "alice"));
            office.judge_all(false); // the provider is down: no failure of theirs
        }
        assert_eq!((office.asked, office.refused.len()), (100, 0));
        (0..5).for_each(|_| office.log_in("10.0.0.1", "alice"));
        office.judge_all(true);
        office.log_in("10.0.0.1", "alice");
        assert_eq!((office.asked, office.refused), (105, vec![Status::RATE_LIMITED]));
    }

    #[test]
    fn who_waits_is_bounded_and_whoever_need_not_wait_is_let_by() {
        let mut office = Office::new(Office::rules());
        (0..5 + WAITING_OF_ADDRESS_MAX).for_each(|_| office.log_in("10.0.0.1", "alice"));
        assert_eq!(office.refused, []);
        office.log_in("10.0.0.1", "alice");
        assert_eq!(office.refused, [Status::OVERLOADED]);
        for host in 2..=4 {
            (0..5 + WAITING_OF_ADDRESS_MAX)
                .for_each(|at| office.log_in(&format!("10.0.0.{host}"), &at.to_string()));
        }
        assert_eq!((office.turns.waiting, office.refused.len()), (WAITING_MAX, 1));
        let asked = office.asked;
        (0..6).for_each(|_| office.log_in("10.0.0.5", "bob"));
        assert_eq!(
            (office.asked, office.refused.len()),
            (asked + 5, 2),
            "five need not wait, the sixth has no place"
        );
        office.judge_all(false);
    }

    #[test]
    fn whoever_waited_too_long_is_told_to_come_back() {
        let mut office = Office::new(Office::rules());
        (0..7).for_each(|_| office.log_in("10.0.0.1", "alice"));
        office.now += WAIT_MAX + Duration::from_millis(1);
        office.judge_all(false);
        assert_eq!((office.asked, office.refused), (5, vec![Status::OVERLOADED; 2]));
    }

    #[test]
    fn without_rules_nobody_waits() {
        let mut office = Office::new(Rules::default());
        (0..1000).for_each(|_| office.log_in("10.0.0.1", "alice"));
        assert_eq!(office.asked, 1000);
        office.judge_all(true);
    }
}
