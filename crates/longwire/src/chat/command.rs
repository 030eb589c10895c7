//! What a person typed, as a command.
//!
//! Pure: a line in, a value out. What a command then does is decided in `model`.

/// One typed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nothing but blanks.
    Nothing,
    /// Text for the current room.
    Say(String),
    /// `/gift TEXT`: a message of type GIFT for the current room.
    Gift(String),
    /// `/join ROOM`: joins it, and makes it the current one.
    Join(String),
    /// `/room ROOM`: makes a joined room the current one. `/room` alone: the next one.
    Room(Option<String>),
    /// `/nick NAME`: the nickname of what is sent from here on. `/nick` alone: none.
    Nick(Option<String>),
    /// `/help`.
    Help,
    /// `/quit`.
    Quit,
    /// `/leave`, which the protocol does not have.
    Leave,
    /// A command that cannot be carried out as typed; the text says why.
    Wrong(String),
}

/// Every command with its argument and what `/help` says of it.
pub(crate) const COMMANDS: [(&str, &str, &str); 6] = [
    ("/join", "ROOM", "join a room and talk there"),
    ("/room", "[ROOM]", "talk in another joined room (Tab: the next one)"),
    ("/nick", "[NAME]", "send under this nickname (none: your user id)"),
    ("/gift", "TEXT", "send a gift to the room"),
    ("/help", "", "show this"),
    ("/quit", "", "leave Longwire (Ctrl-D, Ctrl-C)"),
];

/// Reads one line. A line that begins with `//` is text that begins with `/`.
pub(crate) fn parse(line: &str) -> Input {
    if line.trim().is_empty() {
        return Input::Nothing;
    }
    if line.starts_with("//") {
        return Input::Say(line[1..].to_owned());
    }
    if !line.starts_with('/') {
        return Input::Say(line.to_owned());
    }
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = Some(rest.trim()).filter(|rest| !rest.is_empty()).map(str::to_owned);
    match (word, argument) {
        ("/join", Some(room)) => Input::Join(room),
        ("/gift", Some(text)) => Input::Gift(text),
        ("/join" | "/gift", None) => Input::Wrong(usage(word)),
        ("/room", room) => Input::Room(room),
        ("/nick", name) => Input::Nick(name),
        ("/help", _) => Input::Help,
        ("/quit", _) => Input::Quit,
        ("/leave", _) => Input::Leave,
        _ => Input::Wrong(unknown(word)),
    }
}

/// How `word` begins and can only go on, for the Tab key: `/j` gives `/join `.
pub(crate) fn complete(word: &str) -> Option<String> {
    let mut fitting = COMMANDS.iter().filter(|(name, ..)| name.starts_with(word));
    let (name, argument, _) = fitting.next().filter(|_| fitting.next().is_none())?;
    Some(if argument.is_empty() { (*name).to_owned() } else { format!("{name} ") })
}

fn usage(word: &str) -> String {
    let argument = COMMANDS.iter().find(|(name, ..)| *name == word).map_or("", |(_, argument, _)| argument);
    format!("usage: {word} {argument}")
}

fn unknown(word: &str) -> String {
    let nearest = COMMANDS.iter().map(|(name, ..)| (distance(word, name), name)).min();
    match nearest {
        Some((1..=2, name)) => format!("no such command: {word} (did you mean {name}?)"),
        _ => format!("no such command: {word} (/help lists them; //text sends text that begins with /)"),
    }
}

/// How many letters to add, drop, change or swap with their neighbour until `a` reads `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(32).collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_commands() {
        for (line, input) in [
            ("", Input::Nothing),
            ("  \t", Input::Nothing),
            ("hello  there ", Input::Say("hello  there ".into())),
            (" /join is text here", Input::Say(" /join is text here".into())),
            ("//join", Input::Say("/join".into())),
            ("/join lobby", Input::Join("lobby".into())),
            ("/join  the big room ", Input::Join("the big room".into())),
            ("/room", Input::Room(None)),
            ("/room den", Input::Room(Some("den".into()))),
            ("/nick 小明", Input::Nick(Some("小明".into()))),
            ("/nick", Input::Nick(None)),
            ("/gift a rose", Input::Gift("a rose".into())),
            ("/help me", Input::Help),
            ("/quit", Input::Quit),
            ("/leave lobby", Input::Leave),
        ] {
            assert_eq!(parse(line), input, "{line:?}");
        }
    }

    #[test]
    fn a_mistyped_command_is_told_what_was_meant() {
        for (line, said) in [
            ("/jion lobby", "did you mean /join?"),
            ("/exit", "did you mean /quit?"),
            ("/me waves", "/help lists them"),
            ("/", "/help lists them"),
            ("/qit", "did you mean /quit?"),
            ("/gfit", "did you mean /gift?"),
            ("/join", "usage: /join ROOM"),
            ("/gift  ", "usage: /gift TEXT"),
        ] {
            assert!(matches!(parse(line), Input::Wrong(text) if text.contains(said)), "{line:?}");
        }
    }

    #[test]
    fn tab_finishes_what_is_unambiguous() {
        assert_eq!(complete("/j").as_deref(), Some("/join "));
        assert_eq!(complete("/q").as_deref(), Some("/quit"));
        assert_eq!(complete("/"), None);
        assert_eq!(complete("/x"), None);
    }
}
