//! The line that a person is typing: text, cursor, history, and nothing of a terminal.
//!
//! Invariant: the cursor stands between two grapheme clusters of the text. Both text and history are bounded: what
//! does not fit is refused, and [`Editor::insert`] says so.

use super::cluster::{self, Cluster};
use std::collections::VecDeque;

/// The longest line. A message's frame may have 64 KiB; nobody types this much, a paste may.
pub(crate) const LINE_BYTES_MAX: usize = 16 * 1024;
/// Lines that the up key finds again. At the limit: 1.6 MiB.
pub(crate) const HISTORY_LINES_MAX: usize = 100;

/// What a key does to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Backspace,
    Delete,
    /// Ctrl-K.
    CutToEnd,
    /// Ctrl-U.
    CutToStart,
    /// Ctrl-W.
    CutWordLeft,
    /// Alt-D.
    CutWordRight,
    /// Ctrl-Y: what was cut last.
    PutBack,
    Older,
    Newer,
}

/// The line, its cursor and what was typed before.
#[derive(Debug, Default)]
pub(crate) struct Editor {
    text: String,
    cursor: usize,
    cut: String,
    history: VecDeque<String>,
    /// The line of `history` that is shown, and what was being typed before.
    recalled: Option<(usize, String)>,
}

impl Editor {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
    /// The text left of the cursor.
    pub(crate) fn before_cursor(&self) -> &str {
        &self.text[..self.cursor]
    }

    /// Puts typed or pasted text in at the cursor. Line breaks stay, other controls are left out.
    ///
    /// `false`, and nothing happens, where the line would be longer than [`LINE_BYTES_MAX`].
    pub(crate) fn insert(&mut self, text: &str) -> bool {
        let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', "    ");
        let text: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        if self.text.len() + text.len() > LINE_BYTES_MAX {
            return false;
        }
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
        self.settle();
        true
    }

    /// Replaces what stands left of the cursor, from `start` on.
    pub(crate) fn complete(&mut self, start: usize, text: &str) {
        if self.text.is_char_boundary(start) && start <= self.cursor {
            self.remove(start, self.cursor);
            self.insert(text);
        }
    }

    /// Takes the line away, remembers it, and starts an empty one.
    pub(crate) fn submit(&mut self) -> String {
        let line = std::mem::take(&mut self.text);
        self.cursor = 0;
        self.recalled = None;
        if !line.trim().is_empty() && self.history.back() != Some(&line) {
            if self.history.len() == HISTORY_LINES_MAX {
                self.history.pop_front();
            }
            self.history.push_back(line.clone());
        }
        line
    }

    pub(crate) fn edit(&mut self, edit: Edit) {
        let (text, at) = (&self.text, self.cursor);
        match edit {
            Edit::Left => self.cursor = cluster::previous(text, at),
            Edit::Right => self.cursor = cluster::next(text, at),
            Edit::WordLeft => self.cursor = cluster::start(text, word_left(text, at)),
            Edit::WordRight => self.cursor = cluster::end(text, word_right(text, at)),
            Edit::Home => self.cursor = 0,
            Edit::End => self.cursor = text.len(),
            Edit::Backspace => drop(self.remove(cluster::previous(&self.text, at), at)),
            Edit::Delete => drop(self.remove(at, cluster::next(&self.text, at))),
            Edit::CutToEnd => self.cut(at, self.text.len()),
            Edit::CutToStart => self.cut(0, at),
            Edit::CutWordLeft => self.cut(cluster::start(&self.text, blank_left(&self.text, at)), at),
            Edit::CutWordRight => self.cut(at, cluster::end(&self.text, word_right(&self.text, at))),
            Edit::PutBack => drop(self.insert(&self.cut.clone())),
            Edit::Older => self.recall_older(),
            Edit::Newer => self.recall_newer(),
        }
    }

    /// What a row of `width` columns shows of the line, and the cursor's column in it.
    ///
    /// A line that does not fit is shown from a multiple of half the row, so that it stands still under the cursor
    /// most of the time; `‹` and `›` say that there is more.
    pub(crate) fn view(&self, width: usize) -> (String, usize) {
        let width = width.max(4);
        let letters: Vec<Cluster<'_>> = cluster::clusters(&self.text).collect();
        let before: usize = letters.iter().take_while(|c| c.at < self.cursor).map(|c| c.columns).sum();
        let all: usize = letters.iter().map(|c| c.columns).sum();
        // One column is the cursor's own behind the last letter, one the mark of what is cut off at the end.
        let fits = width - 2;
        let step = (width / 2).max(1);
        let start = if before <= fits { 0 } else { (before - fits).div_ceil(step) * step };
        let (mut shown, mut column, mut taken) = (String::new(), 0, 0);
        if start > 0 {
            shown.push('‹');
            taken = 1;
        }
        for letter in &letters {
            let left = column;
            column += letter.columns;
            // The mark stands on the first column, so what begins there gives way to it.
            if left < start + usize::from(start > 0) {
                continue;
            }
            // A wide letter may straddle the left edge; blanks keep the rest on its columns.
            while taken < left - start {
                shown.push(' ');
                taken += 1;
            }
            if taken + letter.columns > width - 1 {
                break;
            }
            shown.push_str(&letter.shown);
            taken += letter.columns;
        }
        if all > start + taken {
            shown.push('›');
        }
        (shown, before - start)
    }

    fn remove(&mut self, start: usize, end: usize) -> String {
        let removed = self.text.drain(start..end).collect();
        self.cursor = start;
        self.settle();
        removed
    }

    fn cut(&mut self, start: usize, end: usize) {
        if start < end {
            self.cut = self.remove(start, end);
        }
    }

    /// What was typed may have joined the letters around the cursor: it goes behind the one it stands in.
    fn settle(&mut self) {
        self.cursor = cluster::end(&self.text, self.cursor);
    }

    fn recall_older(&mut self) {
        let shown = self.recalled.as_ref().map_or(self.history.len(), |(index, _)| *index);
        if let Some(index) = shown.checked_sub(1) {
            let draft = self.recalled.take().map_or_else(|| self.text.clone(), |(_, draft)| draft);
            self.show(self.history[index].clone());
            self.recalled = Some((index, draft));
        }
    }

    fn recall_newer(&mut self) {
        if let Some((index, draft)) = self.recalled.take() {
            match self.history.get(index + 1).cloned() {
                Some(line) => {
                    self.show(line);
                    self.recalled = Some((index + 1, draft));
                }
                None => self.show(draft),
            }
        }
    }

    fn show(&mut self, line: String) {
        self.cursor = line.len();
        self.text = line;
    }
}

/// The start of the word left of `at`; signs and blanks between are skipped.
fn word_left(text: &str, at: usize) -> usize {
    let head = text[..at].trim_end_matches(|c: char| !c.is_alphanumeric());
    head.trim_end_matches(char::is_alphanumeric).len()
}

/// The end of the word right of `at`.
fn word_right(text: &str, at: usize) -> usize {
    let tail = text[at..].trim_start_matches(|c: char| !c.is_alphanumeric());
    text.len() - tail.trim_start_matches(char::is_alphanumeric).len()
}

/// As a shell's Ctrl-W: back to the blank before the last word.
fn blank_left(text: &str, at: usize) -> usize {
    text[..at].trim_end().trim_end_matches(|c: char| !c.is_whitespace()).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with `|` where the cursor stands.
    fn editor(line: &str) -> Editor {
        let cursor = line.find('|').unwrap();
        Editor { text: line.replacen('|', "", 1), cursor, ..Editor::default() }
    }

    fn shown(editor: &Editor) -> String {
        format!("{}|{}", editor.before_cursor(), &editor.text[editor.cursor..])
    }

    #[test]
    fn keys_edit_the_line() {
        use Edit::*;
        for (before, edits, after) in [
            ("ab|", &[Left][..], "a|b"),
            ("|ab", &[Left], "|ab"),
            ("ab|", &[Right], "ab|"),
            ("漢字|", &[Left, Left], "|漢字"),
            ("e\u{301}x|", &[Left, Left], "|e\u{301}x"),
            ("👩‍👩‍👧‍👦|", &[Backspace], "|"),
            ("🇩🇪🇫🇷|", &[Backspace], "🇩🇪|"),
            ("|한국", &[Delete], "|국"),
            ("a|", &[Delete], "a|"),
            ("|", &[Backspace], "|"),
            ("one two, three|", &[WordLeft], "one two, |three"),
            ("one two, |three", &[WordLeft], "one |two, three"),
            ("|one two", &[WordRight], "one| two"),
            ("one| two", &[WordRight], "one two|"),
            ("|cafe\u{301} x", &[WordRight], "cafe\u{301}| x"),
            ("one two|", &[Home], "|one two"),
            ("|one two", &[End], "one two|"),
            ("one two-three |x", &[CutWordLeft], "one |x"),
            ("one| two", &[CutWordRight], "one|"),
            ("one| two", &[CutToEnd, Home, PutBack], " two|one"),
            ("one| two", &[CutToStart, End, PutBack], " twoone|"),
            ("|one", &[CutToStart], "|one"),
        ] {
            let mut line = editor(before);
            edits.iter().for_each(|edit| line.edit(*edit));
            assert_eq!(shown(&line), after, "{before:?} {edits:?}");
        }
    }

    #[test]
    fn a_mark_typed_later_joins_its_letter() {
        let mut line = editor("e|x");
        line.insert("\u{301}");
        line.edit(Edit::Backspace);
        assert_eq!(shown(&line), "|x");
    }

    #[test]
    fn a_paste_keeps_its_line_breaks_and_loses_its_controls() {
        let mut line = Editor::default();
        assert!(line.insert("a\r\nb\rc\td\x1b[2J\u{9b}"));
        assert_eq!(line.text(), "a\nb\nc    d[2J");
        assert_eq!(line.view(40), ("a⏎b⏎c    d[2J".into(), 13));
    }

    #[test]
    fn a_line_is_full_at_its_limit() {
        let mut line = Editor::default();
        assert!(line.insert(&"x".repeat(LINE_BYTES_MAX)));
        assert!(!line.insert("y"));
        assert_eq!(line.submit().len(), LINE_BYTES_MAX);
    }

    #[test]
    fn history_goes_up_and_down_and_back_to_the_draft() {
        let mut line = Editor::default();
        for text in ["one", "two", "two", "  "] {
            line.insert(text);
            line.submit();
        }
        line.insert("draft");
        for (edit, text) in [
            (Edit::Older, "two|"),
            (Edit::Older, "one|"),
            (Edit::Older, "one|"),
            (Edit::Newer, "two|"),
            (Edit::Newer, "draft|"),
            (Edit::Newer, "draft|"),
        ] {
            line.edit(edit);
            assert_eq!(shown(&line), text);
        }
        for number in 0..=HISTORY_LINES_MAX {
            line.insert(&number.to_string());
            line.submit();
        }
        assert_eq!(line.history.len(), HISTORY_LINES_MAX);
    }

    #[test]
    fn a_long_line_is_shown_around_its_cursor() {
        for (line, width, view, cursor) in [
            ("hello|", 10, "hello", 5),
            ("12345678|", 10, "12345678", 8),
            ("123456789|", 10, "‹789", 4),
            ("|123456789", 10, "123456789", 0),
            ("|1234567890", 10, "123456789›", 0),
            ("漢字漢字漢字漢|字漢字", 10, "‹ 漢字漢›", 4),
            ("漢字漢字|漢字漢字", 10, "漢字漢字›", 8),
        ] {
            let editor = editor(line);
            assert_eq!(editor.view(width), (view.to_owned(), cursor), "{line:?}");
        }
    }

    /// Whatever is typed, the row is never overfull and the cursor is always on it.
    #[test]
    fn every_view_fits_its_row() {
        for seed in 0..300 {
            let mut random = fastrand::Rng::with_seed(seed);
            let letters = ["a", "漢", "e\u{301}", "👩‍👩‍👧‍👦", "\n", " ", "ß", "\u{202e}", "한"];
            let text: String =
                (0..random.usize(0..60)).map(|_| letters[random.usize(0..letters.len())]).collect();
            let mut line = Editor::default();
            line.insert(&text);
            for _ in 0..random.usize(0..30) {
                line.edit([Edit::Left, Edit::Right, Edit::WordLeft, Edit::Home][random.usize(0..4)]);
                let width = random.usize(10..80);
                let (view, cursor) = line.view(width);
                assert!(cluster::columns(&view) <= width, "seed {seed}: {view:?} in {width}");
                assert!(cursor < width, "seed {seed}: {cursor} in {width}");
                let under: String = cluster::clusters(&view)
                    .scan(0, |column, letter| {
                        let at = *column;
                        *column += letter.columns;
                        Some((at, letter))
                    })
                    .filter(|(at, _)| *at == cursor)
                    .map(|(_, letter)| letter.shown.into_owned())
                    .take(1)
                    .collect();
                let expected = cluster::clusters(&line.text[line.cursor..]).next();
                if let Some(letter) =
                    expected.filter(|letter| letter.columns > 0 && letter.shown.chars().count() == 1)
                {
                    assert!(
                        under == letter.shown || under == "›",
                        "seed {seed}: cursor on {under:?} of {view:?}"
                    );
                }
            }
        }
    }
}
