//! What a key means: the bindings of a shell's command line.

use super::editor::Edit;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a person wants by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Type(char),
    Edit(Edit),
    /// Enter.
    Submit,
    /// Tab.
    Complete,
    /// Ctrl-L.
    Clear,
    /// Ctrl-D: the end where nothing is typed, else Delete.
    EndOrDelete,
    /// Ctrl-C.
    Interrupt,
}

/// The wish behind a key; `None` for a key that means nothing here.
pub(crate) fn wish(key: KeyEvent) -> Option<Wish> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    match key.code {
        KeyCode::Char(c) if control => control_wish(c.to_ascii_lowercase()),
        KeyCode::Char(c) if alt => alt_wish(c),
        KeyCode::Char(c) => Some(Wish::Type(c)),
        KeyCode::Enter if alt => Some(Wish::Type('\n')),
        KeyCode::Enter => Some(Wish::Submit),
        KeyCode::Tab => Some(Wish::Complete),
        code => edit(code, control || alt).map(Wish::Edit),
    }
}

fn edit(code: KeyCode, by_word: bool) -> Option<Edit> {
    match (code, by_word) {
        (KeyCode::Left, false) => Some(Edit::Left),
        (KeyCode::Right, false) => Some(Edit::Right),
        (KeyCode::Left, true) => Some(Edit::WordLeft),
        (KeyCode::Right, true) => Some(Edit::WordRight),
        (KeyCode::Home, _) => Some(Edit::Home),
        (KeyCode::End, _) => Some(Edit::End),
        (KeyCode::Backspace, false) => Some(Edit::Backspace),
        (KeyCode::Backspace, true) => Some(Edit::CutWordLeft),
        (KeyCode::Delete, false) => Some(Edit::Delete),
        (KeyCode::Delete, true) => Some(Edit::CutWordRight),
        (KeyCode::Up, _) => Some(Edit::Older),
        (KeyCode::Down, _) => Some(Edit::Newer),
        _ => None,
    }
}

fn control_wish(c: char) -> Option<Wish> {
    Some(match c {
        'a' => Wish::Edit(Edit::Home),
        'b' => Wish::Edit(Edit::Left),
        'c' => Wish::Interrupt,
        'd' => Wish::EndOrDelete,
        'e' => Wish::Edit(Edit::End),
        'f' => Wish::Edit(Edit::Right),
        'h' => Wish::Edit(Edit::Backspace),
        'j' => Wish::Submit,
        'k' => Wish::Edit(Edit::CutToEnd),
        'l' => Wish::Clear,
        'n' => Wish::Edit(Edit::Newer),
        'p' => Wish::Edit(Edit::Older),
        'u' => Wish::Edit(Edit::CutToStart),
        'w' => Wish::Edit(Edit::CutWordLeft),
        'y' => Wish::Edit(Edit::PutBack),
        _ => return None,
    })
}

fn alt_wish(c: char) -> Option<Wish> {
    Some(Wish::Edit(match c {
        'b' => Edit::WordLeft,
        'f' => Edit::WordRight,
        'd' => Edit::CutWordRight,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_they_mean_in_a_shell() {
        const NONE: KeyModifiers = KeyModifiers::NONE;
        const CONTROL: KeyModifiers = KeyModifiers::CONTROL;
        for (code, modifiers, meant) in [
            (KeyCode::Char('a'), NONE, Some(Wish::Type('a'))),
            (KeyCode::Char('A'), KeyModifiers::SHIFT, Some(Wish::Type('A'))),
            (KeyCode::Char('漢'), NONE, Some(Wish::Type('漢'))),
            (KeyCode::Char('a'), CONTROL, Some(Wish::Edit(Edit::Home))),
            (KeyCode::Char('c'), CONTROL, Some(Wish::Interrupt)),
            (KeyCode::Char('x'), CONTROL, None),
            (KeyCode::Char('b'), KeyModifiers::ALT, Some(Wish::Edit(Edit::WordLeft))),
            (KeyCode::Left, CONTROL, Some(Wish::Edit(Edit::WordLeft))),
            (KeyCode::Left, NONE, Some(Wish::Edit(Edit::Left))),
            (KeyCode::Enter, NONE, Some(Wish::Submit)),
            (KeyCode::Enter, KeyModifiers::ALT, Some(Wish::Type('\n'))),
            (KeyCode::F(1), NONE, None),
        ] {
            assert_eq!(wish(KeyEvent::new(code, modifiers)), meant, "{code:?} {modifiers:?}");
        }
    }

    #[test]
    fn letting_go_of_a_key_means_nothing() {
        let key = KeyEvent::new_with_kind(KeyCode::Enter, KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(wish(key), None);
    }
}
