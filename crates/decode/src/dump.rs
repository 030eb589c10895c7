//! Bytes out of hex as people and tools write it, and what a dump is that holds no frames at all.
//!
//! Takes plain digits in groups of any size (`0000000f`, `00 00`, `00:00`, `0x00, 0x0f`, `\x00\x0f`) and the dumps of xxd,
//! hexdump -C, od -A x, tcpdump and Wireshark, whose offsets are checked, so that a lost line is seen. `#` begins a comment.

/// What one call takes. A dump that people read is far below; a capture of an hour belongs into Wireshark.
pub const INPUT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Text that is no hex.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// A character that no dump has there.
    #[error("line {line}, column {column}: {found:?} is not hex")]
    NotHex {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// The character.
        found: char,
    },
    /// Half a byte.
    #[error("line {line}, column {column}: an odd number of hex digits")]
    OddDigits {
        /// From 1.
        line: usize,
        /// From 1, in characters: where the digits begin.
        column: usize,
    },
    /// A line is missing, or there twice.
    #[error("line {line}: offset {says:#x}, but {expected:#x} is due: a line is missing or too many")]
    Jump {
        /// From 1.
        line: usize,
        /// The line's offset.
        says: u64,
        /// What it should be.
        expected: u64,
    },
    /// `*`, by which hexdump leaves out lines.
    #[error("line {line}: `*` stands for lines that were left out; dump again with `xxd` or `hexdump -Cv`")]
    Squeezed {
        /// From 1.
        line: usize,
    },
}

/// Whether a dump is text, and so hex: frames themselves always hold a byte 0x00, the first one.
pub fn is_text(dump: &[u8]) -> bool {
    !dump.contains(&0) && str::from_utf8(dump).is_ok()
}

/// What bytes are that are certainly no frames, and what to do with them.
pub fn stranger(bytes: &[u8]) -> Option<&'static str> {
    const PCAPS: [[u8; 4]; 5] = [
        [0xD4, 0xC3, 0xB2, 0xA1],
        [0xA1, 0xB2, 0xC3, 0xD4],
        [0x4D, 0x3C, 0xB2, 0xA1],
        [0xA1, 0xB2, 0x3C, 0x4D],
        [0x0A, 0x0D, 0x0D, 0x0A],
    ];
    let begin = bytes.first_chunk::<4>()?;
    if PCAPS.contains(begin) {
        return Some("a capture file: open it in Wireshark with tools/wireshark/longwire.lua");
    }
    match begin {
        [0x16, 3, ..] => Some("a TLS handshake: what is inside is encrypted"),
        b"GET " | b"POST" | b"HEAD" | b"HTTP" => {
            Some("HTTP, perhaps an upgrade to WebSocket: cut it off before the frames")
        }
        [0x82, ..] | [0x81, ..] => Some("a WebSocket message: cut its header off before the frames"),
        _ => None,
    }
}

/// The bytes that `text` says in hex.
pub fn bytes_of_hex(text: &str) -> Result<Vec<u8>, DumpError> {
    let mut dump = Dump { bytes: Vec::with_capacity(text.len() / 2), first_offset: None };
    for (index, line) in text.lines().enumerate() {
        dump.line(index + 1, line)?;
    }
    Ok(dump.bytes)
}

struct Dump {
    bytes: Vec<u8>,
    /// Of the first line with one: a dump may begin in the middle of a file.
    first_offset: Option<u64>,
}

impl Dump {
    fn line(&mut self, line: usize, whole: &str) -> Result<(), DumpError> {
        let text = whole.split('#').next().unwrap_or_default().trim();
        if text == "*" {
            return Err(DumpError::Squeezed { line });
        }
        let Some((offset, data)) = self.offset(text) else { return self.digits(line, whole, text) };
        let so_far = self.bytes.len() as u64;
        let first = *self.first_offset.get_or_insert(offset.wrapping_sub(so_far));
        let expected = first.wrapping_add(so_far);
        if offset != expected {
            return Err(DumpError::Jump { line, says: offset, expected });
        }
        self.digits(line, whole, data)
    }

    /// The offset in front of a line of a dump, and its bytes without the text behind them.
    fn offset<'t>(&self, text: &'t str) -> Option<(u64, &'t str)> {
        let (token, behind) = text.split_once([' ', '\t']).unwrap_or((text, &text[text.len()..]));
        let digits = token.strip_prefix("0x").unwrap_or(token);
        let hex = |digits: &str| u64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
        if let Some(digits) = digits.strip_suffix(':') {
            // xxd, tcpdump: two blanks end the bytes.
            let data = behind.trim_start();
            return Some((hex(digits)?, data.split("  ").next().unwrap_or(data)));
        }
        let offset = hex(token).filter(|_| (4..=16).contains(&token.len()))?;
        let is_due = offset == self.first_offset.unwrap_or(0).wrapping_add(self.bytes.len() as u64);
        if behind.is_empty() {
            // hexdump and od end with a lone offset.
            return (is_due && self.first_offset.is_some()).then_some((offset, behind));
        }
        // hexdump -C, Wireshark: a bar or three blanks end the bytes; od has one blank behind its 6 or 7 digits.
        let data = behind.split('|').next().unwrap_or(behind);
        let data = data.trim_start().split("   ").next().unwrap_or(data);
        let in_bytes = data.split_whitespace().all(|group| group.len() == 2);
        let spaced = behind.starts_with([' ', '\t']) || matches!(token.len(), 6 | 7);
        let known = self.first_offset.is_some();
        ((is_due || known) && in_bytes && spaced).then_some((offset, data))
    }

    fn digits(&mut self, line: usize, whole: &str, data: &str) -> Result<(), DumpError> {
        let before = data.as_ptr() as usize - whole.as_ptr() as usize;
        let column = |at: usize| whole[..before + at].chars().count() + 1;
        let mut rest = data;
        while !rest.is_empty() {
            let at = data.len() - rest.len();
            let behind_prefix = ["0x", "0X", "\\x"].into_iter().find_map(|prefix| rest.strip_prefix(prefix));
            let group = behind_prefix.unwrap_or(rest);
            let end = group.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(group.len());
            match (end, group.chars().next()) {
                (0, Some(c))
                    if behind_prefix.is_none() && (c.is_whitespace() || ",;:-_{}[]()\"'".contains(c)) => {}
                (0, found) => {
                    let found = found.unwrap_or('x');
                    return Err(DumpError::NotHex { line, column: column(data.len() - group.len()), found });
                }
                // `0xf` is a byte; a lone `f` may be half of one.
                (1, _) if behind_prefix.is_some() => self.bytes.extend(byte(&group[..1])),
                (odd, _) if odd % 2 == 1 => return Err(DumpError::OddDigits { line, column: column(at) }),
                _ => self.bytes.extend((0..end).step_by(2).filter_map(|at| byte(&group[at..at + 2]))),
            }
            let skipped = if end == 0 { group.chars().next().map_or(0, char::len_utf8) } else { end };
            rest = &group[skipped..];
        }
        Ok(())
    }
}

fn byte(digits: &str) -> Option<u8> {
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = b"\0\0\0\x07\0\0\0\x02\x05\0\0\x0A\x05lobby";

    #[track_caller]
    fn is_frame(text: &str) {
        assert_eq!(bytes_of_hex(text).as_deref(), Ok(FRAME), "{text}");
    }

    #[test]
    fn hex_is_taken_as_people_write_it() {
        is_frame("00000007000000020500000a056c6f626279");
        is_frame("00 00 00 07  00 00 00 02 05 00 00\n0a 05 6c 6f 62 62 79\n");
        is_frame("00000007 00000002 05 00 00 # JOIN_CR\r\n\r\n0A05 6C6F626279");
        is_frame("00:00:00:07:00:00:00:02:05:00:00:0a:05:6c:6f:62:62:79");
        is_frame(
            "[0x00, 0x0, 0X00, 0x7, 0x00,0x00,0x00,0x02, 0x05,0x0,0x0, 0xa,0x5, 0x6c6f, 0x62,0x62,0x79]",
        );
        is_frame(r#""\x00\x00\x00\x07\x00\x00\x00\x02\x05\x00\x00\x0a\x05\x6c\x6f\x62\x62\x79""#);
    }

    #[test]
    fn the_dumps_of_tools_are_taken() {
        is_frame(
            "00000000: 0000 0007 0000 0002 0500 000a 056c 6f62  .............lob\n00000010: 6279                                     by\n",
        );
        is_frame(
            "00000000  00 00 00 07 00 00 00 02  05 00 00 0a 05 6c 6f 62  |.............lob|\n00000010  62 79                                             |by|\n00000012\n",
        );
        is_frame("000000 00 00 00 07 00 00 00 02 05 00 00 0a 05 6c 6f 62\n000010 62 79\n000012\n");
        is_frame(
            "\t0x0000:  0000 0007 0000 0002 0500 000a 056c 6f62  .............lob\n\t0x0010:  6279                                     by\n",
        );
        is_frame(
            "0000   00 00 00 07 00 00 00 02 05 00 00 0a 05 6c 6f 62   ab cd ef lob\n0010   62 79   by\n",
        );
        // From the middle of a file: xxd -s 0x100.
        is_frame("00000100: 0000 0007 0000 0002 0500 000a 056c 6f62  x\n00000110: 6279  by");
    }

    #[track_caller]
    fn is_refused(text: &str, reason: &str) {
        assert_eq!(bytes_of_hex(text).map_err(|error| error.to_string()), Err(reason.to_owned()));
    }

    #[test]
    fn what_is_no_hex_is_named_with_its_place() {
        is_refused("00 00\n00 zz", "line 2, column 4: 'z' is not hex");
        is_refused("00 0", "line 1, column 4: an odd number of hex digits");
        is_refused("0x", "line 1, column 3: 'x' is not hex");
        is_refused("é", "line 1, column 1: 'é' is not hex");
        is_refused(
            "00000000: 0000\n00000004: 0000",
            "line 2: offset 0x4, but 0x2 is due: a line is missing or too many",
        );
        is_refused(
            "00000000  00 00 |..|\n00000010  00 00 |..|",
            "line 2: offset 0x10, but 0x2 is due: a line is missing or too many",
        );
        is_refused(
            "00000000  00 00\n*\n",
            "line 2: `*` stands for lines that were left out; dump again with `xxd` or `hexdump -Cv`",
        );
    }

    #[test]
    fn frames_are_no_text_and_captures_are_no_frames() {
        assert!(is_text(b"00 00 0f") && !is_text(FRAME) && !is_text(b"\xFF"));
        assert!(stranger(b"\xD4\xC3\xB2\xA1").unwrap().contains("Wireshark"));
        assert!(stranger(b"\x16\x03\x01\x00").unwrap().contains("TLS"));
        assert!(stranger(b"GET /chat").unwrap().contains("HTTP"));
        assert_eq!(stranger(FRAME), None);
        assert_eq!(stranger(b""), None);
    }

    /// Any text at all is taken or refused, never a panic.
    #[test]
    fn any_text_is_taken_or_refused() {
        let mut random = fastrand::Rng::with_seed(7);
        let alphabet: Vec<char> = "0123456789abcdefxX:|*#\\ \t\n\r,é\u{0}zF".chars().collect();
        for _ in 0..20_000 {
            let text: String = (0..random.usize(0..60)).filter_map(|_| random.choice(&alphabet)).collect();
            if let Ok(bytes) = bytes_of_hex(&text) {
                assert!(bytes.len() <= text.len());
            }
        }
    }
}
