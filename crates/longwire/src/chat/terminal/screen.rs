//! What goes to the terminal: lines into its own scrollback, and below them two rows that stay put.
//!
//! The upper row is the status, the lower one the line being typed. To print, the two rows are erased, the lines
//! written where they stood, and the rows drawn again below, all in one write. Long lines are left to the terminal to
//! wrap, so that it wraps them anew when its size changes and copies them whole.
//!
//! Pure: returns what is to be written. Invariant: while something is drawn the cursor stands on the lower row.

use super::cluster;
use super::editor::Editor;
use crate::chat::line::{Line, Tone, paint};

/// Before the line being typed.
const PROMPT: &str = "› ";
const PROMPT_COLUMNS: usize = 2;

/// Begins an update that the terminal shows at once, hides the cursor.
const BEGIN: &str = "\x1b[?2026h\x1b[?25l";
const END: &str = "\x1b[?25h\x1b[?2026l";
/// A row that is wider than we think (fonts differ) is cut at the edge instead of becoming two.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";
const CLEAR_BELOW: &str = "\x1b[J";

/// A terminal of so many columns.
#[derive(Debug)]
pub(crate) struct Screen {
    columns: usize,
    colours: bool,
    drawn: Option<Drawn>,
}

/// The two rows as they stand on the terminal, in columns.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    status: usize,
    cursor: usize,
    /// The rows above the cursor's that are ours; more than one where the terminal wrapped the status anew.
    above: usize,
}

impl Screen {
    pub(crate) fn new(columns: u16, colours: bool) -> Self {
        Self { columns: usize::from(columns).max(1), colours, drawn: None }
    }

    /// Prints `lines` above the two rows and draws those again.
    pub(crate) fn show(&mut self, lines: &[Line], status: &Line, editor: &Editor) -> String {
        let mut out = String::from(BEGIN);
        out += &self.erase();
        for line in lines {
            out += &if self.colours { line.painted() } else { line.plain() };
            out += "\r\n";
        }
        out += &self.draw(status, editor);
        out + END
    }

    /// The terminal has another width now. What it did to our rows is guessed: nearly all wrap a row that has become
    /// too long; one that cuts it instead loses the last line above our rows.
    pub(crate) fn resized(&mut self, columns: u16) {
        self.columns = usize::from(columns).max(1);
        if let Some(drawn) = &mut self.drawn {
            let status_rows = drawn.status.div_ceil(self.columns).max(1);
            drawn.above = status_rows + drawn.cursor / self.columns;
        }
    }

    /// Takes the two rows away; what comes next is printed where they stood.
    pub(crate) fn close(&mut self) -> String {
        self.erase()
    }

    /// Empties the terminal (not its scrollback).
    pub(crate) fn clear(&mut self) -> String {
        self.drawn = None;
        "\x1b[2J\x1b[H".to_owned()
    }

    fn erase(&mut self) -> String {
        match self.drawn.take() {
            Some(drawn) => format!("\x1b[{}A\r{CLEAR_BELOW}", drawn.above),
            None => String::new(),
        }
    }

    fn draw(&mut self, status: &Line, editor: &Editor) -> String {
        let (status, status_columns) = self.clipped(status);
        let (input, cursor) = editor.view(self.columns.saturating_sub(PROMPT_COLUMNS + 1));
        let cursor = PROMPT_COLUMNS + cursor;
        self.drawn = Some(Drawn { status: status_columns, cursor, above: 1 });
        let prompt = if self.colours { paint(Tone::Notice, PROMPT) } else { PROMPT.to_owned() };
        format!("{NO_WRAP}{status}\r\n{prompt}{input}\r\x1b[{cursor}C{WRAP}")
    }

    /// The status as far as it fits, one column less than there are, and its columns.
    fn clipped(&self, status: &Line) -> (String, usize) {
        let mut left = self.columns - 1;
        let mut out = String::new();
        for (tone, text) in status.pieces() {
            let (text, taken) = cluster::clip(text, left);
            out += &if self.colours { paint(tone, &text) } else { text.to_string() };
            left -= taken;
            if text.ends_with('…') {
                break;
            }
        }
        (out, self.columns - 1 - left)
    }
}

#[cfg(test)]
mod tests {
    use super::super::vt::Vt;
    use super::*;

    fn status() -> Line {
        Line::new(Tone::Faint, "● ").and(Tone::Notice, "lobby").and(Tone::Faint, " · ada · 12 ms · Tab: den")
    }

    fn said(text: &str) -> Line {
        Line::new(Tone::Text, text)
    }

    #[test]
    fn messages_appear_above_the_prompt_that_stays() {
        let (mut vt, mut screen, mut editor) = (Vt::new(40), Screen::new(40, true), Editor::default());
        vt.take(&screen.show(&[], &status(), &editor));
        editor.insert("half a line");
        vt.take(&screen.show(&[said("bob: hello"), said("bob: 你好")], &status(), &editor));
        vt.take(&screen.show(&[said("eve: hi")], &status(), &editor));
        let lines =
            ["bob: hello", "bob: 你好", "eve: hi", "● lobby · ada · 12 ms · Tab: den", "› half a line"];
        assert_eq!(vt.lines(), lines);
        assert_eq!(vt.cursor(), (4, 13));
    }

    #[test]
    fn closing_leaves_what_was_said_and_nothing_else() {
        let (mut vt, mut screen, editor) = (Vt::new(40), Screen::new(40, true), Editor::default());
        vt.take(&screen.show(&[said("bob: hello")], &status(), &editor));
        vt.take(&screen.close());
        assert_eq!((vt.lines(), vt.cursor()), (vec!["bob: hello".to_owned(), String::new()], (1, 0)));
    }

    #[test]
    fn a_narrow_terminal_gets_what_matters_most() {
        for (columns, row) in
            [(40, "● lobby · ada · 12 ms · Tab: den"), (20, "● lobby · ada · 12…"), (6, "● lo…")]
        {
            let (mut vt, mut screen) = (Vt::new(columns), Screen::new(columns as u16, false));
            vt.take(&screen.show(&[], &status(), &Editor::default()));
            assert_eq!(vt.lines(), [row, "›"]);
        }
    }

    #[test]
    fn without_colours_no_colour_is_written() {
        let text = Screen::new(80, false).show(&[Line::new(Tone::Gift, "x")], &status(), &Editor::default());
        assert!(!text.contains('m') || !text.contains("38;5"), "{text:?}");
    }

    /// Typing, messages and resizes in any order: nothing that was said is lost, doubled or painted over.
    #[test]
    fn nothing_is_lost_whatever_comes() {
        let letters = ["a", "b ", "漢字", "e\u{301}", "👩‍👩‍👧‍👦", "🇩🇪", "한국어", "a long word ", "ß"];
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let text = |random: &mut fastrand::Rng, most: usize| -> String {
                (0..random.usize(1..most)).map(|_| letters[random.usize(0..letters.len())]).collect()
            };
            let mut columns = random.usize(12..100);
            let (mut vt, mut screen) = (Vt::new(columns), Screen::new(columns as u16, random.bool()));
            let (mut editor, mut expected) = (Editor::default(), Vec::new());
            for _ in 0..20 {
                let mut lines = Vec::new();
                match random.u8(0..5) {
                    0 => drop(editor.insert(&text(&mut random, 12))),
                    1 => drop(editor.submit()),
                    2 => {
                        columns = random.usize(12..100);
                        vt.resize(columns);
                        screen.resized(columns as u16);
                    }
                    _ => lines = (0..random.usize(1..4)).map(|_| said(&text(&mut random, 40))).collect(),
                }
                expected.extend(lines.iter().map(|line| line.plain().trim_end().to_owned()));
                vt.take(&screen.show(&lines, &status(), &editor));
                let (shown, cursor) = (vt.lines(), vt.cursor());
                let prompt = shown.len() - 2;
                assert_eq!(shown[..prompt], expected, "seed {seed}");
                assert!(shown[prompt].starts_with("● lo"), "seed {seed}: {shown:?}");
                assert!(shown[prompt + 1].starts_with('›'), "seed {seed}: {shown:?}");
                assert_eq!(cursor.1, 2 + editor.view(columns - 3).1, "seed {seed}");
            }
        }
    }
}
