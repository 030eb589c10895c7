//! A line for a person: harmless text in tones, and how tones become colours.
//!
//! `chat` and `tail` print the same lines; only a terminal shows the tones. Whatever came from the network is escaped
//! here, so a [`Line`] can be printed anywhere.

use super::escape::{escape, text_of};
use longwire_client::{MessageType, Outgoing, Received, Status};

/// What a piece of a line means. The terminal decides how that looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Text,
    /// What the eye may skip: rooms, ids, the state of things.
    Faint,
    /// Somebody's name, in the colour of [`name_colour`].
    Name(u8),
    /// Our own name.
    Own(u8),
    Gift,
    Notice,
    /// It did not work.
    Wrong,
}

/// One line. Holds no control character.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pieces: Vec<(Tone, String)>,
}

/// Readable on black and on white: each has a contrast of at least 3.4 to both (a test computes it).
const NAME_COLOURS: [u8; 14] = [131, 166, 130, 100, 64, 28, 29, 31, 32, 62, 98, 134, 163, 168];

/// A name's colour: the same in every run, on every machine (FNV-1a of its bytes).
pub(crate) fn name_colour(name: &str) -> u8 {
    let hash =
        name.bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    NAME_COLOURS[hash as usize % NAME_COLOURS.len()]
}

impl Line {
    /// A line of one tone; `text` is escaped.
    pub(crate) fn new(tone: Tone, text: &str) -> Self {
        Self::default().and(tone, text)
    }
    /// The same line with more behind it; `text` is escaped.
    pub(crate) fn and(mut self, tone: Tone, text: &str) -> Self {
        self.pieces.push((tone, escape(text).into_owned()));
        self
    }
    /// The text alone.
    pub(crate) fn plain(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (Tone, &str)> {
        self.pieces.iter().map(|(tone, text)| (*tone, text.as_str()))
    }
    /// The text with colours, for a terminal.
    pub(crate) fn painted(&self) -> String {
        self.pieces().map(|(tone, text)| paint(tone, text)).collect()
    }
}

/// `text` in the colour of its tone, and back to normal.
pub(crate) fn paint(tone: Tone, text: &str) -> String {
    let code = match tone {
        Tone::Text => return text.to_owned(),
        Tone::Faint => "38;5;244".to_owned(),
        Tone::Name(colour) => format!("38;5;{colour}"),
        Tone::Own(colour) => format!("1;38;5;{colour}"),
        Tone::Gift => "1;38;5;163".to_owned(),
        Tone::Notice => "3;38;5;31".to_owned(),
        Tone::Wrong => "1;38;5;160".to_owned(),
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// A message as a line: `Ada (ada): hello`, `🎁 Ada (ada): a rose`, `*** the room closes`.
///
/// The nickname is its sender's choice, so the user id, which the server vouches for, stands beside it.
pub(crate) fn message(room: Option<&str>, message: &Received, own: bool) -> Line {
    let colour = name_colour(&message.from);
    let tone = if own { Tone::Own(colour) } else { Tone::Name(colour) };
    let named = |line: Line| match message.nickname().map(str::trim) {
        None | Some("") => line.and(tone, &message.from).and(Tone::Faint, ": "),
        Some(nickname) if nickname == message.from => line.and(tone, nickname).and(Tone::Faint, ": "),
        Some(nickname) => line.and(tone, nickname).and(Tone::Faint, &format!(" ({}): ", message.from)),
    };
    let line = room.map_or_else(Line::default, |room| Line::new(Tone::Faint, &format!("[{room}] ")));
    let content = text_of(&message.content);
    match message.message_type {
        MessageType::Normal => named(line).and(Tone::Text, &content),
        MessageType::Gift => named(line.and(Tone::Gift, "🎁 ")).and(Tone::Gift, &content),
        MessageType::Notify => line.and(Tone::Notice, "*** ").and(Tone::Notice, &content),
        MessageType::Other(number) => {
            named(line.and(Tone::Faint, &format!("(type {number}) "))).and(Tone::Text, &content)
        }
    }
}

/// What we sent, as the others see it.
pub(crate) fn own(room: Option<&str>, from: &str, sent: &Outgoing) -> Line {
    let seen = Received {
        room: sent.room.as_str().into(),
        from: from.to_owned(),
        timestamp_ms: 0,
        message_type: sent.message_type,
        content: sent.content.clone(),
        user: sent.user.clone(),
    };
    message(room, &seen, true)
}

/// The server's reason for a refusal, in words.
pub(crate) fn reason(status: Status) -> String {
    let words = match status {
        Status::MALFORMED => "the server could not read it",
        Status::UNAUTHENTICATED => "the login is not valid (any more)",
        Status::FORBIDDEN => "not allowed",
        Status::NOT_JOINED => "not in this room",
        Status::RATE_LIMITED => "too fast",
        Status::MUTED => "muted",
        Status::BANNED => "banned",
        Status::NO_SUCH_ROOM => "no such room",
        Status::TOO_LARGE => "too long",
        Status::UNSUPPORTED => "the server does not know this",
        Status::OVERLOADED => "the server is overloaded",
        Status::TOO_MANY => "too many of them",
        Status::INTERNAL => "the server failed",
        Status::REJECTED => "the text was turned down",
        Status(number) => return format!("status {number}"),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire_client::UserInfo;

    fn received(from: &str, nickname: &str, message_type: MessageType, content: &[u8]) -> Received {
        Received {
            room: "lobby".into(),
            from: from.into(),
            timestamp_ms: 0,
            message_type,
            content: content.into(),
            user: Some(UserInfo { nickname: nickname.into(), ..UserInfo::default() }),
        }
    }

    #[test]
    fn messages_read_as_lines() {
        use MessageType::{Gift, Normal, Notify, Other};
        for (from, nickname, kind, content, shown) in [
            ("ada", "", Normal, "hello", "[lobby] ada: hello"),
            ("ada", "ada", Normal, "hello", "[lobby] ada: hello"),
            ("ada", " 小明 ", Normal, "hello", "[lobby] 小明 (ada): hello"),
            ("ada", "Ada", Gift, "a rose", "[lobby] 🎁 Ada (ada): a rose"),
            ("", "", Notify, "ada joined", "[lobby] *** ada joined"),
            ("ada", "", Other(7), "x", "[lobby] (type 7) ada: x"),
        ] {
            let line = message(Some("lobby"), &received(from, nickname, kind, content.as_bytes()), false);
            assert_eq!(line.plain(), shown);
        }
    }

    #[test]
    fn whatever_a_stranger_chose_is_escaped() {
        let evil = "\x1b]0;x\x07\n";
        let line =
            message(Some(evil), &received(evil, "\u{202e}nick", MessageType::Normal, evil.as_bytes()), false);
        assert!(!line.plain().contains(char::is_control));
        assert!(!line.plain().contains('\u{202e}'));
    }

    #[test]
    fn tones_are_left_as_they_were_found() {
        let painted = Line::new(Tone::Gift, "a").and(Tone::Text, "b").painted();
        assert_eq!(painted, "\x1b[1;38;5;163ma\x1b[0mb");
    }

    /// The colours that people know each other by must never change.
    #[test]
    fn a_name_keeps_its_colour() {
        assert_eq!([name_colour("ada"), name_colour("bob"), name_colour("小明")], [100, 98, 100]);
    }

    /// The contrast of WCAG 2, with the levels of xterm's colour cube.
    #[test]
    fn name_colours_are_readable_on_black_and_on_white() {
        let linear = |level: u8| {
            let part = f64::from([0u8, 95, 135, 175, 215, 255][usize::from(level)]) / 255.0;
            if part <= 0.03928 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        for colour in NAME_COLOURS {
            let cube = colour - 16;
            let (red, green, blue) = (linear(cube / 36), linear(cube / 6 % 6), linear(cube % 6));
            let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
            let (on_black, on_white) = ((luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05));
            assert!(
                on_black.min(on_white) >= 3.4,
                "{colour}: {on_black:.1} on black, {on_white:.1} on white"
            );
        }
    }
}
