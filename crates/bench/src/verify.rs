//! Whether every member got every message, once and in order: by the numbers that senders count, for each member apart.
//!
//! A number that is jumped over is lost until it comes after all; then it is out of order. Anything else that was seen
//! before came twice. A connection never gets what it sent itself. Knows nothing of time, sockets or frames.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;

use crate::pushes::Run;

/// Lost messages of a thread that are remembered, to tell what comes late from what comes twice. One that comes late
/// beyond it is counted as lost and twice.
const MISSING_MAX: usize = 1 << 16;
/// The member takes the first number it sees as the beginning.
const ANY: u32 = u32::MAX;

/// What became of the messages that members were owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Came when they were due.
    pub received: u64,
    /// Never came.
    pub lost: u64,
    /// Came again.
    pub twice: u64,
    /// Came behind a later one of the same sender.
    pub disordered: u64,
    /// Came back to the connection that had sent them.
    pub own: u64,
    /// Nobody of this run sent them: somebody else speaks in its rooms.
    pub foreign: u64,
}

impl Account {
    /// Messages that did not come as they should.
    pub fn faults(&self) -> u64 {
        self.lost + self.twice + self.disordered + self.own
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.lost += other.lost;
        self.twice += other.twice;
        self.disordered += other.disordered;
        self.own += other.own;
        self.foreign += other.foreign;
    }
}

/// What a run of messages brought a member that it did not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct News {
    /// The first number it has passed now, lost ones included.
    pub(crate) from: u32,
    /// And the one behind the last.
    pub(crate) until: u32,
    /// How many at the beginning of the run it had passed before.
    pub(crate) old: u32,
}

/// The members of one thread.
pub(crate) struct Verifier {
    /// Of each room.
    senders: usize,
    /// For each member and each sender of its room, the number that must come next.
    next: Vec<u32>,
    /// Member, sender, number.
    missing: BTreeSet<(u32, u32, u32)>,
    /// From this member on they have an account of their own.
    aside: u32,
    accounts: [Account; 2],
}

impl Verifier {
    /// For `members` members with `senders` senders each, who have seen nothing.
    pub(crate) fn new(members: usize, senders: usize) -> Self {
        let next = vec![0; members * senders];
        Self { senders, next, missing: BTreeSet::new(), aside: u32::MAX, accounts: Default::default() }
    }

    /// Members from this one on are accounted for apart: they may miss messages.
    pub(crate) fn set_aside(&mut self, from: usize) {
        self.aside = from as u32;
    }

    /// The member comes in while others speak: whatever it sees first is its beginning.
    pub(crate) fn begin_anywhere(&mut self, member: u32) {
        self.next_of(member).fill(ANY);
    }

    /// A member gets messages. `own`: its own number among the senders of its room.
    #[inline]
    pub(crate) fn see(&mut self, member: u32, run: Run, own: Option<u32>) -> News {
        let at = member as usize * self.senders + run.sender as usize;
        let known = (run.sender as usize) < self.senders;
        match self.next.get_mut(at) {
            Some(next) if known && *next == run.first && own != Some(run.sender) => {
                *next = next.saturating_add(run.count);
                let until = *next;
                self.account_of(member).received += u64::from(run.count);
                News { from: run.first, until, old: 0 }
            }
            Some(_) if known => self.see_odd(member, run, own),
            _ => {
                self.account_of(member).foreign += u64::from(run.count);
                NOTHING
            }
        }
    }

    /// Anything but the numbers that were due.
    fn see_odd(&mut self, member: u32, run: Run, own: Option<u32>) -> News {
        if own == Some(run.sender) {
            self.account_of(member).own += u64::from(run.count);
            return NOTHING;
        }
        let at = member as usize * self.senders + run.sender as usize;
        let (next, until) = (self.next[at], run.first.saturating_add(run.count));
        if next == ANY {
            self.next[at] = until;
            self.account_of(member).received += u64::from(run.count);
            return News { from: run.first, until, old: 0 };
        }
        self.lose(member, run.sender, next..run.first);
        (run.first..until.min(next)).for_each(|seq| self.see_again(member, run.sender, seq));
        let old = next.saturating_sub(run.first).min(run.count);
        self.account_of(member).received += u64::from(run.count - old);
        self.next[at] = next.max(until);
        News { from: next, until: next.max(until), old }
    }

    fn lose(&mut self, member: u32, sender: u32, seqs: Range<u32>) {
        self.account_of(member).lost += u64::from(seqs.end.saturating_sub(seqs.start));
        let room = MISSING_MAX - self.missing.len();
        self.missing.extend(seqs.take(room).map(|seq| (member, sender, seq)));
    }

    fn see_again(&mut self, member: u32, sender: u32, seq: u32) {
        if self.missing.remove(&(member, sender, seq)) {
            self.account_of(member).lost -= 1;
            self.account_of(member).disordered += 1;
        } else {
            self.account_of(member).twice += 1;
        }
    }

    /// At the end: of each sender so many were sent; what a member did not come to is lost. Returns how many that are.
    pub(crate) fn end(&mut self, member: u32, sent: impl Iterator<Item = u32>, own: Option<u32>) -> u64 {
        let mut lost = 0;
        for (sender, (next, sent)) in (0..).zip(self.next_of(member).iter().zip(sent)) {
            if own != Some(sender) && *next != ANY {
                lost += u64::from(sent.saturating_sub(*next));
            }
        }
        self.account_of(member).lost += lost;
        lost
    }

    pub(crate) fn see_foreign(&mut self, count: u64) {
        self.accounts[0].foreign += count;
    }

    pub(crate) fn account(&self) -> &Account {
        &self.accounts[0]
    }

    /// Of those who were set aside.
    pub(crate) fn account_aside(&self) -> &Account {
        &self.accounts[1]
    }

    #[inline]
    fn account_of(&mut self, member: u32) -> &mut Account {
        &mut self.accounts[usize::from(member >= self.aside)]
    }

    fn next_of(&mut self, member: u32) -> &mut [u32] {
        let at = member as usize * self.senders;
        &mut self.next[at..at + self.senders]
    }
}

/// Of a run that says nothing to the member: all of it is old.
const NOTHING: News = News { from: 0, until: 0, old: u32::MAX };

#[cfg(test)]
mod tests {
    use super::*;

    /// What a member makes of runs `(sender, first, count)`, of which senders 0 and 1 then say they sent these many.
    fn account(runs: &[(u32, u32, u32)], sent: [u32; 2]) -> Account {
        let mut verifier = Verifier::new(3, 2);
        for &(sender, first, count) in runs {
            verifier.see(1, Run { sender, first, count }, None);
        }
        verifier.end(1, sent.into_iter(), None);
        assert!(
            verifier.next[..2].iter().chain(&verifier.next[4..]).all(|next| *next == 0),
            "of others nothing"
        );
        *verifier.account()
    }

    const NONE: Account = Account { received: 0, lost: 0, twice: 0, disordered: 0, own: 0, foreign: 0 };

    #[test]
    fn what_comes_in_order_is_received() {
        let good = account(&[(0, 0, 3), (1, 0, 1), (0, 3, 1), (1, 1, 5)], [4, 6]);
        assert_eq!(good, Account { received: 10, ..NONE });
        assert_eq!(good.faults(), 0);
    }

    #[test]
    fn a_planted_loss_is_counted_within_and_at_the_end() {
        assert_eq!(account(&[(0, 0, 3), (0, 4, 1)], [5, 0]), Account { received: 4, lost: 1, ..NONE });
        assert_eq!(account(&[(0, 0, 3)], [5, 7]), Account { received: 3, lost: 9, ..NONE });
        assert_eq!(account(&[(1, 2, 1)], [0, 3]), Account { received: 1, lost: 2, ..NONE });
    }

    #[test]
    fn a_planted_duplicate_is_counted() {
        let twice = Account { received: 3, twice: 1, ..NONE };
        assert_eq!(account(&[(0, 0, 3), (0, 2, 1)], [3, 0]), twice);
        assert_eq!(account(&[(0, 0, 1), (0, 0, 3)], [3, 0]), twice);
        assert_eq!(account(&[(0, 0, 3), (0, 0, 3)], [3, 0]), Account { received: 3, twice: 3, ..NONE });
    }

    #[test]
    fn a_planted_disorder_is_counted_and_is_no_loss() {
        let swapped = account(&[(0, 1, 1), (0, 0, 1), (0, 2, 1)], [3, 0]);
        assert_eq!(swapped, Account { received: 2, disordered: 1, ..NONE });
        let then_twice = account(&[(0, 1, 1), (0, 0, 1), (0, 0, 1)], [2, 0]);
        assert_eq!(then_twice, Account { received: 1, disordered: 1, twice: 1, ..NONE });
    }

    #[test]
    fn senders_do_not_answer_for_each_other() {
        assert_eq!(account(&[(0, 0, 1), (1, 1, 1)], [1, 2]), Account { received: 2, lost: 1, ..NONE });
    }

    #[test]
    fn nobody_is_owed_its_own_messages_or_may_get_them() {
        let mut verifier = Verifier::new(1, 2);
        verifier.see(0, Run { sender: 0, first: 0, count: 2 }, Some(1));
        assert_eq!(verifier.end(0, [2, 9].into_iter(), Some(1)), 0);
        verifier.see(0, Run { sender: 1, first: 0, count: 2 }, Some(1));
        assert_eq!(*verifier.account(), Account { received: 2, own: 2, ..NONE });
    }

    #[test]
    fn who_comes_late_begins_where_it_comes_in() {
        let mut verifier = Verifier::new(1, 1);
        verifier.begin_anywhere(0);
        assert_eq!(verifier.end(0, [100].into_iter(), None), 0);
        verifier.see(0, Run { sender: 0, first: 70, count: 2 }, None);
        verifier.see(0, Run { sender: 0, first: 73, count: 1 }, None);
        assert_eq!(*verifier.account(), Account { received: 3, lost: 1, ..NONE });
    }

    #[test]
    fn who_is_set_aside_loses_on_an_account_of_its_own() {
        let mut verifier = Verifier::new(2, 1);
        verifier.set_aside(1);
        for member in [0, 1] {
            verifier.see(member, Run { sender: 0, first: 2 * member, count: 1 }, None);
            verifier.end(member, [3].into_iter(), None);
        }
        assert_eq!(*verifier.account(), Account { received: 1, lost: 2, ..NONE });
        assert_eq!(*verifier.account_aside(), Account { received: 1, lost: 2, ..NONE });
    }

    #[test]
    fn a_sender_that_does_not_exist_is_foreign() {
        assert_eq!(account(&[(2, 0, 4)], [0, 0]), Account { foreign: 4, ..NONE });
    }

    #[test]
    fn news_are_what_was_passed_lost_or_not() {
        let mut verifier = Verifier::new(1, 1);
        let mut see = |first, count| verifier.see(0, Run { sender: 0, first, count }, None);
        assert_eq!(see(0, 2), News { from: 0, until: 2, old: 0 });
        assert_eq!(see(3, 2), News { from: 2, until: 5, old: 0 });
        assert_eq!(see(4, 3), News { from: 5, until: 7, old: 1 });
        assert_eq!(see(0, 2), News { from: 7, until: 7, old: 2 });
    }
}
