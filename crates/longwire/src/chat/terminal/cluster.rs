//! Text as a terminal lays it out: grapheme clusters and the columns they take.
//!
//! A cluster is what a person calls one letter: `e` with its accent, a family emoji, a flag. The cursor moves over
//! clusters and stands between them; columns are what the terminal counts.

use crate::chat::escape::{escape_char, is_hostile};
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// One cluster: its place in the text, what is shown for it, and how many columns that takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cluster<'a> {
    pub(crate) at: usize,
    pub(crate) shown: Cow<'a, str>,
    pub(crate) columns: usize,
}

/// The clusters of `text`. A line break shows as `⏎`, what else cannot be shown as its escape.
pub(crate) fn clusters(text: &str) -> impl Iterator<Item = Cluster<'_>> {
    text.grapheme_indices(true).map(|(at, cluster)| {
        let shown = shown(cluster);
        let columns = columns(&shown);
        Cluster { at, shown, columns }
    })
}

/// The columns that `text` takes. It must hold no control character.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// The longest beginning of `text` that fits into `room` columns, with `…` for what is missing; and its columns.
pub(crate) fn clip(text: &str, room: usize) -> (Cow<'_, str>, usize) {
    let all = columns(text);
    if all <= room {
        return (Cow::Borrowed(text), all);
    }
    let mut taken = 0;
    for cluster in clusters(text) {
        if taken + cluster.columns + 1 > room {
            let clipped = if room == 0 { String::new() } else { format!("{}…", &text[..cluster.at]) };
            return (Cow::Owned(clipped), (taken + 1).min(room));
        }
        taken += cluster.columns;
    }
    (Cow::Borrowed(text), taken)
}

/// The end of the cluster that begins at `at`.
pub(crate) fn next(text: &str, at: usize) -> usize {
    text[at..].graphemes(true).next().map_or(at, |cluster| at + cluster.len())
}

/// The start of the cluster that ends at `at`.
pub(crate) fn previous(text: &str, at: usize) -> usize {
    text[..at].graphemes(true).next_back().map_or(at, |cluster| at - cluster.len())
}

/// The nearest place between two clusters at or right of `at`.
pub(crate) fn end(text: &str, at: usize) -> usize {
    text.grapheme_indices(true).map(|(start, _)| start).find(|start| *start >= at).unwrap_or(text.len())
}

/// The nearest place between two clusters at or left of `at`.
pub(crate) fn start(text: &str, at: usize) -> usize {
    text.grapheme_indices(true).map(|(start, _)| start).take_while(|start| *start <= at).last().unwrap_or(0)
}

fn shown(cluster: &str) -> Cow<'_, str> {
    if cluster == "\n" {
        return Cow::Borrowed("⏎");
    }
    if !cluster.chars().any(is_hostile) {
        return Cow::Borrowed(cluster);
    }
    cluster.chars().fold(Cow::Owned(String::new()), |mut out, c| {
        if is_hostile(c) {
            out.to_mut().extend(escape_char(c))
        } else {
            out.to_mut().push(c)
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_a_cluster_however_many_code_points_it_has() {
        for (text, columns) in
            [("e\u{301}", 1), ("漢", 2), ("👩‍👩‍👧‍👦", 2), ("🇩🇪", 2), ("Ａ", 2), ("ｱ", 1), ("한", 2), ("❤️", 2)]
        {
            let found: Vec<_> = clusters(text).map(|cluster| cluster.columns).collect();
            assert_eq!(found, [columns], "{text:?}");
        }
    }

    #[test]
    fn clipping_never_cuts_a_letter_and_never_takes_a_column_too_many() {
        for (text, room, clipped, taken) in [
            ("hello", 5, "hello", 5),
            ("hello", 4, "hel…", 4),
            ("漢字かな", 8, "漢字かな", 8),
            ("漢字かな", 7, "漢字か…", 7),
            ("漢字かな", 6, "漢字…", 5),
            ("漢字", 1, "…", 1),
            ("漢字", 0, "", 0),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…", 2),
        ] {
            assert_eq!(clip(text, room), (Cow::Borrowed(clipped), taken), "{text:?} in {room}");
        }
    }

    #[test]
    fn a_line_break_is_shown_as_a_sign_and_a_control_as_its_escape() {
        let shown: String = clusters("a\nb\x1b").map(|cluster| cluster.shown.into_owned()).collect();
        assert_eq!(shown, r"a⏎b\u{1b}");
    }
}
