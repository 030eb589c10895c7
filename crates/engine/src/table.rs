//! A dense table of boxed things with small numbers for names. Numbers are used again.

use crate::shrink::Shrink;

pub(crate) struct Table<T> {
    items: Vec<Option<Box<T>>>,
    free: Vec<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { items: Vec::new(), free: Vec::new() }
    }
}

impl<T> Table<T> {
    pub(crate) fn insert(&mut self, item: Box<T>) -> u32 {
        if let Some(at) = self.free.pop() {
            self.items[at as usize] = Some(item);
            return at;
        }
        self.items.push(Some(item));
        (self.items.len() - 1) as u32
    }

    pub(crate) fn get(&self, at: u32) -> Option<&T> {
        self.items.get(at as usize)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        self.items.get_mut(at as usize)?.as_deref_mut()
    }

    /// Lends an item out, so that the rest of its owner can be used beside it; [`Table::put_back`] ends the loan.
    pub(crate) fn take(&mut self, at: u32) -> Option<Box<T>> {
        self.items.get_mut(at as usize)?.take()
    }

    pub(crate) fn put_back(&mut self, at: u32, item: Box<T>) {
        self.items[at as usize] = Some(item);
    }

    pub(crate) fn remove(&mut self, at: u32) -> Option<Box<T>> {
        let item = self.take(at)?;
        self.free.push(at);
        Some(item)
    }

    /// Gives back the room that a storm of items left, where most of it is unused. Numbers keep their items.
    pub(crate) fn shrink(&mut self) {
        while let Some(None) = self.items.last() {
            self.items.pop();
        }
        let last = self.items.len() as u32;
        self.free.retain(|at| *at < last);
        self.items.shrink();
        self.free.shrink();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.items.iter().enumerate().filter_map(|(at, item)| Some((at as u32, item.as_deref()?)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().filter_map(|item| item.as_deref_mut())
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shrunk_table_keeps_its_numbers() {
        let mut table = Table::default();
        for n in 0..10_000u32 {
            assert_eq!(table.insert(Box::new(n)), n);
        }
        (10..10_000).chain([3]).for_each(|n| drop(table.remove(n)));
        table.shrink();
        assert!(table.items.capacity() < 2_000 && table.free.capacity() < 2_000 && table.len() == 9);
        assert_eq!((table.get(9), table.get(3), table.get(50)), (Some(&9), None, None));
        assert_eq!((table.insert(Box::new(7)), table.insert(Box::new(8))), (3, 10));
    }
}
