//! When a table that has been larger gives its room back: one rule for all that grows with connections.
//!
//! Without it a process keeps the room of its busiest moment for ever. To be asked for now and then, by sweeps, and
//! never by what happens to a single connection.

use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};

/// Room for so many is kept whatever happens: giving it back would not be worth the call.
const KEPT_MIN: usize = 1024;

/// Something that keeps room for more than is in it.
pub trait Shrink {
    /// Gives back what it has room for beyond half as much again as is in it, where more than half of the room is empty.
    ///
    /// So a table that goes up and down by a third stays as it is, and what a shrink moves was paid for by as many that left.
    fn shrink(&mut self);
}

/// What a table of `len` should have room for instead of `capacity`, if it is time for it.
fn shrunk(len: usize, capacity: usize) -> Option<usize> {
    (capacity > KEPT_MIN && len < capacity / 2).then(|| KEPT_MIN.max(len + len / 2))
}

macro_rules! shrink {
    ($($table:ty where [$($generics:tt)*]),+ $(,)?) => {$(
        impl<$($generics)*> Shrink for $table {
            fn shrink(&mut self) {
                if let Some(room) = shrunk(self.len(), self.capacity()) {
                    self.shrink_to(room);
                }
            }
        }
    )+};
}

shrink! {
    Vec<T> where [T],
    VecDeque<T> where [T],
    BinaryHeap<T> where [T: Ord],
    HashMap<K, V, S> where [K: Eq + Hash, V, S: BuildHasher],
    HashSet<K, S> where [K: Eq + Hash, S: BuildHasher],
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORM: usize = 100_000;

    fn after_a_storm<T: Extend<usize> + Shrink>(mut table: T, leave: impl Fn(&mut T)) -> T {
        table.extend(0..STORM);
        leave(&mut table);
        table.shrink();
        table
    }

    #[test]
    fn whatever_is_empty_gives_nearly_all_of_it_back() {
        assert!(after_a_storm(Vec::new(), Vec::clear).capacity() <= KEPT_MIN);
        assert!(after_a_storm(VecDeque::new(), VecDeque::clear).capacity() <= KEPT_MIN);
        assert!(after_a_storm(BinaryHeap::new(), BinaryHeap::clear).capacity() <= KEPT_MIN);
        assert!(after_a_storm(HashSet::new(), HashSet::clear).capacity() <= 2 * KEPT_MIN); // a power of two, and air
    }

    #[test]
    fn what_is_left_fits_and_has_room_to_grow() {
        let table = after_a_storm(Vec::new(), |table| table.truncate(10_000));
        assert_eq!((table.len(), table.capacity()), (10_000, 15_000));
    }

    /// A table whose owner's numbers swing by a third moves once at most, however long it goes on.
    #[test]
    fn a_swing_does_not_move_a_table_again_and_again() {
        let mut table: Vec<u8> = Vec::new();
        let (mut moves, mut before) = (0, 0);
        for swing in 0..1_000 {
            table.resize(if swing % 2 == 0 { 9_000 } else { 6_001 }, 0);
            table.shrink();
            moves += usize::from(std::mem::replace(&mut before, table.capacity()) != table.capacity());
        }
        assert!(moves <= 2, "{moves} moves");
    }

    /// Between two moves of a table lie as many comings and goings as a third of it holds, whatever the order.
    #[test]
    fn moves_are_paid_for() {
        let (seed, mut moved, mut steps) = (7, 0, 0);
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut table: Vec<u8> = Vec::new();
        for _ in 0..20_000 {
            let goal = rng.usize(..200_000) >> rng.u32(..6);
            steps += goal.abs_diff(table.len());
            let before = table.capacity();
            table.resize(goal, 0);
            table.shrink();
            moved += if table.capacity() == before { 0 } else { table.len() };
        }
        assert!(moved <= 3 * steps, "seed {seed}: {moved} moved in {steps} steps");
    }
}
