//! The rooms of a chat: which there are, and in which one talks.
//!
//! Invariant: `current` is a place in `rooms`, or 0 where there is none. At most [`ROOMS_MAX`].

use crate::commands::client::ROOMS_MAX;

/// Rooms in the order of joining.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    rooms: Vec<Room>,
    current: usize,
}

#[derive(Debug)]
struct Room {
    name: String,
    joined: bool,
}

impl Rooms {
    /// Where typing goes.
    pub(crate) fn current(&self) -> Option<&str> {
        self.rooms.get(self.current).map(|room| room.name.as_str())
    }

    /// A room to be joined; not the current one unless it is the first. `false`: there are too many.
    pub(crate) fn add(&mut self, name: &str) -> bool {
        if self.place(name).is_none() {
            if self.rooms.len() == ROOMS_MAX {
                return false;
            }
            self.rooms.push(Room { name: name.to_owned(), joined: false });
        }
        true
    }

    /// Makes a room the current one. `false`: it is not among them.
    pub(crate) fn choose(&mut self, name: &str) -> bool {
        let place = self.place(name);
        self.current = place.unwrap_or(self.current);
        place.is_some()
    }

    /// Makes the next room the current one.
    pub(crate) fn choose_next(&mut self) {
        self.current = (self.current + 1) % self.rooms.len().max(1);
    }

    /// The server took us in.
    pub(crate) fn joined(&mut self, name: &str) {
        if let Some(place) = self.place(name) {
            self.rooms[place].joined = true;
        }
    }

    /// The server did not take us in, or not again.
    pub(crate) fn forget(&mut self, name: &str) {
        if let Some(place) = self.place(name) {
            self.rooms.remove(place);
            if self.current >= place {
                self.current = self.current.saturating_sub(1);
            }
        }
    }

    /// The rooms that are still to be joined.
    pub(crate) fn to_join(&self) -> impl Iterator<Item = &str> {
        self.rooms.iter().filter(|room| !room.joined).map(|room| room.name.as_str())
    }

    /// All but the current one, the next one first.
    pub(crate) fn others(&self) -> impl Iterator<Item = &str> {
        let (before, after) = self.rooms.split_at(self.current.min(self.rooms.len()));
        after.iter().skip(1).chain(before).map(|room| room.name.as_str())
    }

    /// Whether there is more than one.
    pub(crate) fn several(&self) -> bool {
        self.rooms.len() > 1
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.rooms.iter().position(|room| room.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms(names: &[&str]) -> Rooms {
        let mut rooms = Rooms::default();
        names.iter().for_each(|name| assert!(rooms.add(name)));
        rooms
    }

    fn others(rooms: &Rooms) -> Vec<&str> {
        rooms.others().collect()
    }

    #[test]
    fn the_next_room_comes_round() {
        let mut rooms = rooms(&["a", "b", "c"]);
        assert_eq!((rooms.current(), others(&rooms)), (Some("a"), vec!["b", "c"]));
        rooms.choose_next();
        assert_eq!((rooms.current(), others(&rooms)), (Some("b"), vec!["c", "a"]));
        rooms.choose_next();
        rooms.choose_next();
        assert_eq!(rooms.current(), Some("a"));
        assert!(!rooms.choose("x") && rooms.choose("c"));
        assert_eq!(rooms.current(), Some("c"));
    }

    #[test]
    fn forgetting_rooms_leaves_a_current_one_while_there_is_any() {
        let mut rooms = rooms(&["a", "b", "c"]);
        rooms.choose("c");
        rooms.forget("a");
        assert_eq!(rooms.current(), Some("c"));
        rooms.forget("c");
        assert_eq!(rooms.current(), Some("b"));
        rooms.forget("b");
        assert_eq!(rooms.current(), None);
        rooms.choose_next();
        assert!(rooms.add("d"));
        assert_eq!(rooms.current(), Some("d"));
    }

    #[test]
    fn a_room_is_added_once_and_not_beyond_the_limit() {
        let mut rooms = rooms(&["0", "0"]);
        assert!(!rooms.several());
        for number in 0..ROOMS_MAX {
            assert!(rooms.add(&number.to_string()));
        }
        assert!(!rooms.add("more"));
        assert!(rooms.add("0"));
    }
}
