//! Who spoke lately, so that Tab can finish their names.

use std::collections::VecDeque;

/// People whose names are kept. Names have at most 1 KiB.
const SPEAKERS_MAX: usize = 64;

/// Names, who spoke last first.
#[derive(Debug, Default)]
pub(crate) struct Speakers(VecDeque<String>);

impl Speakers {
    pub(crate) fn heard(&mut self, name: &str) {
        if name.is_empty() || self.0.front().is_some_and(|last| last == name) {
            return;
        }
        self.0.retain(|known| known != name);
        self.0.truncate(SPEAKERS_MAX - 1);
        self.0.push_front(name.to_owned());
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_spoke_last_stands_first_and_once() {
        let mut speakers = Speakers::default();
        ["ada", "bob", "", "ada", "ada"].iter().for_each(|name| speakers.heard(name));
        assert_eq!(speakers.names().collect::<Vec<_>>(), ["ada", "bob"]);
    }

    #[test]
    fn the_longest_silent_is_forgotten() {
        let mut speakers = Speakers::default();
        (0..=SPEAKERS_MAX).for_each(|number| speakers.heard(&number.to_string()));
        assert_eq!(speakers.names().count(), SPEAKERS_MAX);
        assert_eq!(speakers.names().last(), Some("1"));
    }
}
