//! proto/first-bytes.txt: what is spoken, and what comes of a first byte.

use std::ops::RangeInclusive;

const TABLE: &str = include_str!("../../../../proto/first-bytes.txt");

pub const NAMES: [&str; 4] = ["tcp", "tls", "ws", "wss"];

/// Some of `NAMES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spoken(pub [bool; 4]);

impl Spoken {
    /// Each set of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..16u8).map(|bits| Self([0, 1, 2, 3].map(|at| bits >> at & 1 == 1)))
    }

    pub fn has(self, name: &str) -> bool {
        NAMES.iter().zip(self.0).any(|(other, has)| has && *other == name)
    }

    pub fn names(self) -> Vec<&'static str> {
        NAMES.into_iter().filter(|name| self.has(name)).collect()
    }

    /// As the table writes it.
    pub fn cell(self) -> String {
        let names = self.names().join(",");
        if names.is_empty() { "-".into() } else { names }
    }

    fn of_cell(cell: &str) -> Self {
        let found = Self::all().find(|set| set.cell() == cell);
        found.unwrap_or_else(|| panic!("{cell:?} is no list of {NAMES:?} in this order"))
    }
}

fn rows(section: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = TABLE.lines().skip_while(move |line| *line != format!("[{section}]")).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect())
}

fn only<T: std::fmt::Debug>(found: Vec<T>, what: impl std::fmt::Debug) -> T {
    assert_eq!(found.len(), 1, "{what:?} has not one row but {found:?}");
    found.into_iter().next().expect("there is one")
}

/// What is spoken where `named` is named; nothing: the server does not start.
pub fn spoken(named: Spoken, has_certificate: bool) -> Spoken {
    let certificate = if has_certificate { "yes" } else { "no" };
    let fits = |row: &Vec<&str>| row.len() == 3 && Spoken::of_cell(row[0]) == named && row[1] == certificate;
    let found: Vec<_> = rows("spoken").filter(fits).collect();
    Spoken::of_cell(only(found, (named.cell(), certificate))[2])
}

/// What comes of `byte` at `place`.
pub fn outcome(place: &str, spoken: Spoken, byte: u8) -> &'static str {
    let fits = |row: &Vec<&str>| {
        assert_eq!(row.len(), 7, "{row:?}");
        let flags = row[1..5].iter().zip(spoken.0);
        row[0].split('|').any(|cell| cell == place)
            && flags.into_iter().all(|(cell, is)| *cell == "*" || *cell == if is { "1" } else { "0" })
            && row[5].split('|').any(|cell| bytes_of(cell).contains(&byte))
    };
    let found: Vec<_> = rows("first byte").filter(fits).collect();
    only(found, (place, spoken.cell(), byte))[6]
}

fn bytes_of(cell: &str) -> RangeInclusive<u8> {
    let byte = |text| u8::from_str_radix(text, 16).unwrap_or_else(|err| panic!("{cell:?}: {err}"));
    let (first, last) = cell.split_once('-').unwrap_or((cell, cell));
    byte(first)..=byte(last)
}
