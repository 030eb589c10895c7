//! The books: what members were owed, what they got, what they lost and why.

use crate::action::CloseReason;

/// Which ring a record rides in (ARCHITECTURE.md, "priorities").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// What users say: trimmed first.
    Chat,
    /// What the server publishes, and types the operator trusts.
    Priority,
}

/// How message types are called in the books, in the order of their index. `other`: a number the document does not list.
pub const TYPE_NAMES: [&str; 4] = ["normal", "notify", "gift", "other"];

const TYPES: usize = TYPE_NAMES.len();
const KINDS: usize = 2 * TYPES;

/// A record's class and message type, the two things that are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(u8);

impl Kind {
    /// The kind of a record of `class` with the wire's `message_type`.
    pub fn new(class: Class, message_type: u32) -> Self {
        let kind = message_type.min(TYPES as u32 - 1) as u8;
        Self(match class {
            Class::Chat => kind,
            Class::Priority => kind + TYPES as u8,
        })
    }

    /// The class it rides in.
    pub fn class(self) -> Class {
        if usize::from(self.0) < TYPES { Class::Chat } else { Class::Priority }
    }
}

/// A count for each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u64; KINDS]);

impl Tally {
    /// Nothing counted.
    pub const ZERO: Self = Self([0; KINDS]);

    /// Counts one record.
    pub fn count(&mut self, kind: Kind) {
        self.0[usize::from(kind.0)] += 1;
    }

    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        self.add_times(other, 1);
    }

    /// Adds `other`, `times` over.
    pub fn add_times(&mut self, other: &Self, times: u64) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs * times;
        }
    }

    /// What is left without `other`. Assert our own mistakes: a count below 0 is a bug of the books.
    pub fn minus(&self, other: &Self) -> Self {
        let mut rest = *self;
        for (mine, theirs) in rest.0.iter_mut().zip(other.0) {
            debug_assert!(*mine >= theirs, "{self:?} - {other:?}");
            *mine = mine.saturating_sub(theirs);
        }
        rest
    }

    /// Takes from `self` what `other` still has, kind by kind, and from `other` what was taken.
    pub fn cancel(&mut self, other: &mut Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0.iter_mut()) {
            let both = (*mine).min(*theirs);
            *mine -= both;
            *theirs -= both;
        }
    }

    /// The counts of one class alone.
    pub fn of_class(&self, class: Class) -> Self {
        let mut only = Self::ZERO;
        let range = match class {
            Class::Chat => 0..TYPES,
            Class::Priority => TYPES..KINDS,
        };
        only.0[range.clone()].copy_from_slice(&self.0[range]);
        only
    }

    /// The larger count of the two, kind by kind.
    pub fn max(&self, other: &Self) -> Self {
        let mut most = *self;
        for (mine, theirs) in most.0.iter_mut().zip(other.0) {
            *mine = (*mine).max(theirs);
        }
        most
    }

    /// By message type ([`TYPE_NAMES`]), both classes together.
    pub fn by_type(&self) -> [u64; TYPES] {
        std::array::from_fn(|i| self.0[i] + self.0[i + TYPES])
    }

    /// All kinds together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// Why a member that was owed a record will not get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The ring went past the member's cursor.
    Overtaken,
    /// The member left the room, to join another at its limit, before it was sent. A LOGOUT is a close.
    Left,
    /// The connection was closed before it was sent.
    Closed(CloseReason),
}

impl DropReason {
    /// How many reasons there are.
    pub const COUNT: usize = 2 + CloseReason::ALL.len();

    /// All of them, in the order of the books.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Overtaken, Self::Left].into_iter().chain(CloseReason::ALL.into_iter().map(Self::Closed))
    }

    /// The name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overtaken => "overtaken",
            Self::Left => "left",
            Self::Closed(reason) => reason.name(),
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Overtaken => 0,
            Self::Left => 1,
            Self::Closed(reason) => 2 + reason as usize,
        }
    }
}

/// A shard's account of every record it was to hand to a member: owed = delivered + behind + dropped, for each kind.
///
/// The four are counted in four places: owed where a batch becomes visible (records × members), delivered where
/// the kernel took a frame's last byte, dropped where a cursor was moved without a send, behind by walking cursors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Visible while the member was in the room, and not its own.
    pub owed: Tally,
    /// The kernel took the frame's last byte.
    pub delivered: Tally,
    /// Still to be sent.
    pub behind: Tally,
    dropped: [Tally; DropReason::COUNT],
}

impl Books {
    /// What was dropped for `reason`.
    pub fn dropped(&self, reason: DropReason) -> &Tally {
        &self.dropped[reason.index()]
    }

    /// What was dropped, whatever for.
    pub fn dropped_total(&self) -> Tally {
        let mut sum = Tally::ZERO;
        self.dropped.iter().for_each(|tally| sum.add(tally));
        sum
    }

    /// Whether the sum holds.
    pub fn balance(&self) -> bool {
        let mut sum = self.dropped_total();
        sum.add(&self.delivered);
        sum.add(&self.behind);
        sum == self.owed
    }

    /// Adds another shard's books.
    pub fn add(&mut self, other: &Self) {
        self.owed.add(&other.owed);
        self.delivered.add(&other.delivered);
        self.behind.add(&other.behind);
        for (mine, theirs) in self.dropped.iter_mut().zip(&other.dropped) {
            mine.add(theirs);
        }
    }

    pub(crate) fn drop_records(&mut self, reason: DropReason, tally: &Tally) {
        self.dropped[reason.index()].add(tally);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_keeps_class_and_type_apart() {
        let mut tally = Tally::ZERO;
        tally.count(Kind::new(Class::Chat, 2));
        tally.count(Kind::new(Class::Priority, 2));
        tally.count(Kind::new(Class::Chat, 77));
        assert_eq!(tally.by_type(), [0, 0, 2, 1]);
        assert_eq!(tally.of_class(Class::Priority).total(), 1);
    }

    #[test]
    fn books_that_miss_one_drop_do_not_balance() {
        let mut books = Books::default();
        books.owed.count(Kind::new(Class::Chat, 0));
        assert!(!books.balance());
        let mut one = Tally::ZERO;
        one.count(Kind::new(Class::Chat, 0));
        books.drop_records(DropReason::Closed(CloseReason::Slow), &one);
        assert!(books.balance());
    }

    #[test]
    fn drop_reasons_have_an_index_and_a_name_each() {
        let mut names: Vec<_> = DropReason::all().map(DropReason::name).collect();
        assert!(DropReason::all().enumerate().all(|(i, reason)| reason.index() == i));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DropReason::COUNT);
    }
}
