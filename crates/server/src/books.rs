//! The books as one line, for a person and for a machine.

use std::collections::BTreeMap;
use std::fmt::Write;

use longwire_engine::{Books, DropReason, TYPE_NAMES};

/// What one message type came to.
#[derive(serde::Serialize)]
struct Account {
    owed: u64,
    delivered: u64,
    behind: u64,
    dropped: BTreeMap<&'static str, u64>,
}

fn accounts(books: &Books) -> Vec<(&'static str, Account)> {
    let reasons: Vec<_> =
        DropReason::all().map(|reason| (reason.name(), books.dropped(reason).by_type())).collect();
    let (owed, delivered, behind) = (books.owed.by_type(), books.delivered.by_type(), books.behind.by_type());
    TYPE_NAMES
        .into_iter()
        .enumerate()
        .map(|(at, name)| {
            let dropped =
                reasons.iter().map(|(reason, tally)| (*reason, tally[at])).filter(|(_, n)| *n > 0).collect();
            (name, Account { owed: owed[at], delivered: delivered[at], behind: behind[at], dropped })
        })
        .collect()
}

/// `{"normal":{"owed":…,"delivered":…,"behind":…,"dropped":{"overtaken":…}},"notify":…,"gift":…,"other":…}`
pub(crate) fn json(books: &Books) -> String {
    let by_type: BTreeMap<_, _> = accounts(books).into_iter().collect();
    serde_json::to_string(&by_type).unwrap_or_default() // names and numbers: nothing in it can fail
}

/// `normal: owed 12 = delivered 10 + behind 0 + dropped 2 (overtaken 2); gift: …`; types without a record are left out.
pub(crate) fn sentence(books: &Books) -> String {
    let mut line = String::new();
    for (name, account) in accounts(books).into_iter().filter(|(_, account)| account.owed > 0) {
        let total: u64 = account.dropped.values().sum();
        let (owed, delivered, behind) = (account.owed, account.delivered, account.behind);
        let separator = if line.is_empty() { "" } else { "; " };
        let _ = write!(
            line,
            "{separator}{name}: owed {owed} = delivered {delivered} + behind {behind} + dropped {total}"
        );
        if total > 0 {
            let each: Vec<_> = account.dropped.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
            let _ = write!(line, " ({})", each.join(", "));
        }
    }
    if line.is_empty() { "nothing was owed to anybody".into() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_books_name_every_type() {
        let empty = r#"{"owed":0,"delivered":0,"behind":0,"dropped":{}}"#;
        let expected = format!(r#"{{"gift":{empty},"normal":{empty},"notify":{empty},"other":{empty}}}"#);
        assert_eq!(json(&Books::default()), expected);
        assert_eq!(sentence(&Books::default()), "nothing was owed to anybody");
    }
}
