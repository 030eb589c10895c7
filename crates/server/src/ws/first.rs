//! Which reading of `len` the first message is in: a message is whole frames, so its end says what a stream has to guess.

use longwire_wire::{HEADER_BYTES, Header, LengthReading};

/// How a message splits into whole frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// In this reading alone.
    One(LengthReading),
    /// In both: what stands in the frames must decide.
    Both,
    /// In none that is served.
    None,
}

/// Splits `message`; `pinned` is `wire.length`.
//= PROTOCOL.md#18.2
// The reading is the one under which the message with the LOGIN splits exactly into whole frames.
pub fn split(message: &[u8], pinned: Option<LengthReading>) -> Split {
    let fits = |reading| pinned.is_none_or(|pinned| pinned == reading) && is_whole_frames(message, reading);
    match (fits(LengthReading::Body), fits(LengthReading::Rest)) {
        (true, true) => Split::Both,
        (true, false) => Split::One(LengthReading::Body),
        (false, true) => Split::One(LengthReading::Rest),
        (false, false) => Split::None,
    }
}

fn is_whole_frames(mut message: &[u8], reading: LengthReading) -> bool {
    while let Some((header, behind)) = message.split_first_chunk::<HEADER_BYTES>() {
        let body = reading.body_of(Header::parse(header).len);
        let Some(rest) = body.and_then(|bytes| behind.get(bytes as usize..)) else { return false };
        message = rest;
    }
    message.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use LengthReading::{Body, Rest};

    fn frame(reading: LengthReading, body: &[u8]) -> Vec<u8> {
        let len = reading.len_of(body.len());
        let header = Header { len, seq: 1, command: 1, flag: longwire_wire::ConnectFlag(0), status: 0 };
        [&header.to_bytes()[..], body].concat()
    }

    /// Bodies of any sizes, one frame or more, in either reading: told apart by the message's end alone. Also the cut
    /// that a stream cannot tell (3.14): a body whose last seven bytes are a field of their own.
    #[test]
    fn the_end_of_a_message_tells_the_reading() {
        let bodies: [&[u8]; 5] = [b"", b"1234567", b"\x0A\x01t\x12\x01u", b"\x1A\x05extra", &[0; 300]];
        for reading in [Body, Rest] {
            for first in bodies {
                for behind in bodies {
                    assert_eq!(split(&frame(reading, first), None), Split::One(reading));
                    let two = [frame(reading, first), frame(reading, behind)].concat();
                    assert_eq!(split(&two, None), Split::One(reading), "{first:02x?} {behind:02x?}");
                }
            }
        }
    }

    #[test]
    fn what_is_cut_splits_in_neither() {
        for reading in [Body, Rest] {
            let whole = frame(reading, b"\x0A\x05token\x12\x04user");
            for cut in 1..whole.len() {
                let other = if reading == Body { Rest } else { Body };
                assert_ne!(split(&whole[..cut], None), Split::One(reading), "{cut}");
                assert_eq!(split(&whole[..cut], Some(reading)), Split::None, "{cut}");
                // seven bytes short, a `body` frame is a whole one of `rest`
                let is_other = reading == Body && cut + 7 == whole.len();
                assert_eq!(split(&whole[..cut], Some(other)) != Split::None, is_other, "{cut}");
            }
        }
    }

    #[test]
    fn a_pinned_reading_is_the_only_one() {
        assert_eq!(split(&frame(Body, b"x"), Some(Body)), Split::One(Body));
        assert_eq!(split(&frame(Body, b"x"), Some(Rest)), Split::None);
        assert_eq!(split(&[0xFF; 11], None), Split::None);
    }

    /// Made by hand: seven bytes that end a body and begin a frame.
    #[test]
    fn a_message_may_split_in_both() {
        let mut message = frame(Rest, b"12345678"); // 19 bytes; as `body`, its frame has 26
        message.extend(frame(Rest, &[0; 8])); // 19 more; the other's second frame begins at its eighth byte
        message[26..30].copy_from_slice(&1u32.to_be_bytes());
        assert_eq!(split(&message, Some(Rest)), Split::One(Rest));
        assert_eq!(split(&message, None), Split::Both);
    }
}
