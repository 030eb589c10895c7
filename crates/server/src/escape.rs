//! Text from peers and operators, made safe to show in a line of a log or on a terminal.
//!
//! Invariant: what comes out holds no line break, no escape sequence and no character that hides or reorders its
//! neighbours, so that one event is one line and looks like what it is.

use std::fmt::{self, Write};

/// Shows `0` with what is unsafe in it as `\u{1b}`.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if is_unsafe(c) { write!(f, "\\u{{{:x}}}", u32::from(c)) } else { f.write_char(c) }
        })
    }
}

/// Control characters (C0, DEL, C1), line and paragraph separators, and what has no width or turns the direction.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_forge_a_line_is_shown_as_a_number() {
        for (text, shown) in [
            ("plain äöü 聊天室 🎁", "plain äöü 聊天室 🎁"),
            ("a\nERROR b\r\0", "a\\u{a}ERROR b\\u{d}\\u{0}"),
            ("\u{1b}[31mred\u{9b}m\u{7f}", "\\u{1b}[31mred\\u{9b}m\\u{7f}"),
            ("abc\u{202e}cba\u{200b}\u{2028}", "abc\\u{202e}cba\\u{200b}\\u{2028}"),
        ] {
            assert_eq!(Escaped(text).to_string(), shown);
        }
    }
}
