//! Names that are no key: which key was meant, and which names belong to later releases.

use super::sections::SECTIONS;

/// Keys and tables of later releases: refused too, but not as if they were a mistake.
const PLANNED: &[&str] =
    &["admin", "hooks", "rooms.attributes", "rooms.filter", "rooms.notices", "server.data_dir"];

/// A name of fewer letters than this for each edit is another name: of a short one, every key is as near.
const LETTERS_AN_EDIT: usize = 3;
/// From this many letters on, the beginning of a name is one.
const BEGINNING_MIN: usize = 3;

/// Whether `path` is, or lies below, a name of a later release.
pub(super) fn is_planned(path: &str) -> bool {
    PLANNED
        .iter()
        .any(|name| path == *name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// Whether `path` is a table that holds keys: `wire`, `wire.timeouts`.
pub(super) fn is_table(path: &str) -> bool {
    tables().any(|table| table == path)
}

/// The key that was probably meant, if one is near enough.
pub(super) fn nearest_key(path: &str) -> Option<&'static str> {
    nearest(path, SECTIONS.iter().flat_map(|section| section.keys()).map(|key| key.path))
}

/// The table that was probably meant, if one is near enough.
pub(super) fn nearest_table(path: &str) -> Option<&'static str> {
    nearest(path, tables())
}

fn tables() -> impl Iterator<Item = &'static str> {
    let keys = SECTIONS.iter().flat_map(|section| section.keys()).map(|key| key.path);
    keys.flat_map(|path| path.match_indices('.').map(move |(dot, _)| &path[..dot]))
}

/// By edit distance, but a right name in the wrong table comes before all: `limits.frame_max` is `wire.frame_max`.
fn nearest<'a>(path: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let path = path.to_lowercase().replace('-', "_");
    let last = |path: &str| path.rsplit('.').next().map(str::to_owned);
    let by_name = |candidate: &&str| (last(candidate) != last(&path), distance(&path, candidate));
    candidates.min_by_key(by_name).filter(|candidate| is_near(&path, by_name(candidate), candidate))
}

/// Whether somebody who wrote `path` may have meant `candidate`: another table, a third of the letters, or a beginning.
fn is_near(path: &str, (is_other_name, edits): (bool, usize), candidate: &str) -> bool {
    let letters = path.chars().count();
    !is_other_name
        || edits <= letters / LETTERS_AN_EDIT
        || (letters >= BEGINNING_MIN && candidate.starts_with(path))
}

/// Levenshtein's: how many characters to insert, delete or replace. Names are short; hostile ones are cut.
fn distance(left: &str, right: &str) -> usize {
    const NAME_MAX: usize = 200;
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, left) in left.chars().take(NAME_MAX).enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (at, right) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (left, right, edits) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("listen", "lisen", 1), ("ab", "ba", 2)]
        {
            assert_eq!(distance(left, right), edits, "{left} {right}");
            assert_eq!(distance(right, left), edits, "{right} {left}");
        }
    }

    #[test]
    fn the_key_that_was_meant_is_named() {
        for (wrong, meant) in [
            ("server.lisen", "server.listen"),
            ("server.send-buffer", "server.send_buffer"),
            ("limits.frame_max", "wire.frame_max"),
            ("listen", "server.listen"),
            ("wire.timeouts.idel", "wire.timeouts.idle"),
            ("wire.idle", "wire.timeouts.idle"),
            ("LOG.LEVEL", "log.level"),
            ("wire.frame", "wire.frame_max"),
        ] {
            assert_eq!(nearest_key(wrong), Some(meant), "{wrong}");
        }
        assert_eq!(nearest_table("sever"), Some("server"));
        assert_eq!(nearest_table("wire.timeout"), Some("wire.timeouts"));
        for none_was_meant in ["x", "foo", "port", "tls.cipher", "\u{1b}[31m", "wire.foo", ""] {
            assert_eq!(nearest_key(none_was_meant), None, "{none_was_meant:?}");
        }
        assert_eq!(nearest_table("metrics"), None);
    }

    #[test]
    fn nothing_is_both_planned_and_here() {
        for key in SECTIONS.iter().flat_map(|section| section.keys()) {
            assert!(!is_planned(key.path), "{}", key.path);
            assert!(!is_table(key.path), "{}", key.path);
        }
        assert!(
            is_planned("admin.limits.body_max") && is_planned("hooks.events.url") && !is_planned("adminx")
        );
    }
}
