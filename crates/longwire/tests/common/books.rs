//! The lines that `serve` logs at its end. Books: per message type, owed = delivered + behind + dropped; and who was
//! refused, by status and by quota.

use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Books {
    pub normal: Account,
    pub notify: Account,
    pub gift: Account,
    pub other: Account,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Account {
    pub owed: u64,
    pub delivered: u64,
    pub behind: u64,
    pub dropped: BTreeMap<String, u64>,
}

impl Books {
    /// The books of a log line, if it is that line. Panics where they do not balance.
    pub fn of_line(line: &str) -> Option<Self> {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let text = line.get("books").or_else(|| line.get("fields")?.get("books"))?.as_str()?;
        let books: Self = serde_json::from_str(text).unwrap_or_else(|err| panic!("books: {err}: {text}"));
        for account in [&books.normal, &books.notify, &books.gift, &books.other] {
            let sum = account.delivered + account.behind + account.dropped();
            assert_eq!(account.owed, sum, "owed = delivered + behind + dropped: {text}");
        }
        Some(books)
    }
}

impl Account {
    pub fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    pub fn dropped_as(&self, reason: &str) -> u64 {
        self.dropped.get(reason).copied().unwrap_or(0)
    }
}

/// Who was refused: answers by status, decisions by quota.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    pub status: BTreeMap<String, u64>,
    pub quota: BTreeMap<String, u64>,
}

impl Refused {
    /// The refusals of a log line, if it is that line.
    pub fn of_line(line: &str) -> Option<Self> {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let text = line.get("refusals").or_else(|| line.get("fields")?.get("refusals"))?.as_str()?;
        Some(serde_json::from_str(text).unwrap_or_else(|err| panic!("refusals: {err}: {text}")))
    }

    /// Exactly these, and nobody else.
    pub fn assert_is(&self, status: &[(&str, u64)], quota: &[(&str, u64)]) {
        let map = |of: &[(&str, u64)]| of.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        assert_eq!(*self, Self { status: map(status), quota: map(quota) });
    }
}
