//! Text from the network, made harmless for a terminal.
//!
//! Everything that a stranger chose (content, nickname, user id, room) passes through [`escape`] before it is
//! printed. What comes out moves no cursor, sets no colour, reorders nothing, hides nothing and stays on its line.
//! Letters of every script, emoji and their joiners pass unchanged.

use std::borrow::Cow;

/// Combining marks that may stack on one letter. Vietnamese and Hebrew need 2 to 3; "zalgo" text uses dozens to paint
/// over the lines above.
const MARKS_MAX: usize = 6;

/// `text` as one harmless line: what cannot be shown is written as Rust writes it (`\n`, `\u{1b}`), and a pile of
/// combining marks ends in `…`.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_hostile(c) || is_mark(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut marks = 0;
    for c in text.chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks > MARKS_MAX {
            if marks == MARKS_MAX + 1 {
                out.push('…');
            }
        } else if is_hostile(c) {
            out.extend(escape_char(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Bytes as text, still to be escaped; where they are not UTF-8, their number and their beginning in hex.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    const SHOWN: usize = 16;
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let hex: String = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
            let cut = if bytes.len() > SHOWN { "…" } else { "" };
            Cow::Owned(format!("<{} bytes: {hex}{cut}>", bytes.len()))
        }
    }
}

/// `\n`, `\t`, `\r` by name, all else as `\u{…}`.
pub(crate) fn escape_char(c: char) -> impl Iterator<Item = char> {
    let named = match c {
        '\n' => Some('n'),
        '\t' => Some('t'),
        '\r' => Some('r'),
        _ => None,
    };
    let (short, long) = match named {
        Some(name) => (Some(['\\', name]), None),
        None => (None, Some(c.escape_unicode())),
    };
    short.into_iter().flatten().chain(long.into_iter().flatten())
}

/// Whether a terminal could obey `c`, reorder text around it, or show nothing at all for it.
pub(crate) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{180e}' | '\u{feff}'                      // invisible
            | '\u{61c}' | '\u{200e}' | '\u{200f}'                   // direction marks
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'     // direction overrides, isolates, old controls
            | '\u{200b}' | '\u{2060}'..='\u{2065}'                  // invisible; ZWNJ and ZWJ are needed, and stay
            | '\u{2028}' | '\u{2029}'                               // line and paragraph separators
            | '\u{fff9}'..='\u{fffb}'                               // annotation controls
            | '\u{e0000}'..='\u{e007f}'                             // tags: text that nobody sees
        )
}

/// The combining blocks that stack without end on any letter. Marks of single scripts are left alone.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_every_script_passes_unchanged() {
        for text in
            ["hello", "你好,世界", "안녕", "שלום", "Việt Nam", "हिन्दी", "👩‍👩‍👧‍👦 ❤️ 🇩🇪", "می\u{200c}خواهم", ""]
        {
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        for (hostile, shown) in [
            ("\x1b[2J", r"\u{1b}[2J"),
            ("a\nb\r\tc", r"a\nb\r\tc"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("\x07\x08\x7f\0", r"\u{7}\u{8}\u{7f}\u{0}"),
            ("pay \u{202e}001 em", r"pay \u{202e}001 em"),
            ("\u{2067}x\u{2069}", r"\u{2067}x\u{2069}"),
            ("a\u{200b}b\u{feff}", r"a\u{200b}b\u{feff}"),
            ("\u{2028}", r"\u{2028}"),
            ("\u{e0041}", r"\u{e0041}"),
        ] {
            assert_eq!(escape(hostile), shown);
        }
    }

    /// No character at all gets a control code through.
    #[test]
    fn nothing_hostile_comes_out() {
        for c in '\0'..=char::MAX {
            assert!(!escape(c.encode_utf8(&mut [0; 4])).chars().any(is_hostile), "{c:?}");
        }
    }

    #[test]
    fn a_pile_of_marks_is_cut() {
        let zalgo = format!("a{}b{}", "\u{301}".repeat(50), "\u{301}".repeat(MARKS_MAX));
        let shown = escape(&zalgo);
        assert_eq!(shown, format!("a{}…b{}", "\u{301}".repeat(MARKS_MAX), "\u{301}".repeat(MARKS_MAX)));
    }

    #[test]
    fn bytes_that_are_no_text_are_counted_and_begun() {
        assert_eq!(text_of("grüß".as_bytes()), "grüß");
        assert_eq!(text_of(&[0xff, 0x00]), "<2 bytes: ff00>");
        assert_eq!(text_of(&[0xff; 20]), format!("<20 bytes: {}…>", "ff".repeat(16)));
    }
}
