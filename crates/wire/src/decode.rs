//! The incremental decoder: a stream, cut anywhere, back into frames.
//!
//! Holds no bytes and judges nothing but the length; what a frame means is the session's business.
use crate::{HEADER_BYTES, Header, LengthReading};

/// One whole frame; borrows the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// As received.
    pub header: Header,
    /// As sent: still gzipped where the flag says so.
    pub body: &'a [u8],
}

/// The connection cannot go on; carries the offending frame's header, so that the answer can name its seq and command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Status TOO_LARGE, then close.
    #[error("a body of {body} bytes is over the limit of {max}")]
    TooLarge {
        /// The frame's.
        header: Header,
        /// What it announces.
        body: u64,
        /// What was allowed.
        max: u32,
    },
    /// Status MALFORMED, then close.
    #[error("len {} is below 7, which the `rest` reading cannot mean", .header.len)]
    ShortLen {
        /// The frame's.
        header: Header,
    },
}

/// Turns bytes into frames. Holds no bytes: what it returns borrows `input`. Cheap to make.
#[derive(Clone, Debug)]
pub struct Decoder {
    reading: LengthReading,
    body_max: u32,
    /// Sticky: behind a header that cannot be believed there is no next frame.
    poisoned: Option<FrameError>,
}

impl Decoder {
    /// A decoder for one connection; `body_max` bounds a body as sent.
    pub fn new(reading: LengthReading, body_max: u32) -> Self {
        Self { reading, body_max, poisoned: None }
    }

    /// The first frame of `input` and how many bytes it took; `Ok(None)`: feed more. Errors are sticky.
    #[inline]
    pub fn next<'a>(&mut self, input: &'a [u8]) -> Result<Option<(Frame<'a>, usize)>, FrameError> {
        if let Some(error) = self.poisoned {
            return Err(error);
        }
        let Some((header, behind)) = input.split_first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let header = Header::parse(header);
        let body_bytes = match self.body_bytes(header) {
            Ok(body_bytes) => body_bytes as usize,
            Err(error) => {
                self.poisoned = Some(error);
                return Err(error);
            }
        };
        let Some(body) = behind.get(..body_bytes) else { return Ok(None) };
        Ok(Some((Frame { header, body }, HEADER_BYTES + body_bytes)))
    }

    //= PROTOCOL.md#14.3
    // A `len` over the limit is refused before anything is buffered for it.
    /// Judges the length from the header alone.
    #[inline]
    fn body_bytes(&self, header: Header) -> Result<u32, FrameError> {
        match self.reading.body_of(header.len) {
            //= PROTOCOL.md#3.16
            // A *rest* frame with `len` below 7 is MALFORMED, and the server closes.
            None => Err(FrameError::ShortLen { header }),
            //= PROTOCOL.md#5.14
            // Over the limit: TOO_LARGE from the header alone, and the server closes.
            Some(body) if body > self.body_max => {
                Err(FrameError::TooLarge { header, body: body.into(), max: self.body_max })
            }
            Some(body) => Ok(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Compression, ConnectFlag, Flow};

    fn frame(len: u32, body: &[u8]) -> Vec<u8> {
        let flag = ConnectFlag::new(0, Compression::None, Flow::Request);
        let header = Header { len, seq: 5, command: 6, flag, status: 0 };
        [&header.to_bytes()[..], body].concat()
    }

    #[track_caller]
    fn check(reading: LengthReading, input: &[u8], expected: Result<Option<(&[u8], usize)>, &str>) {
        let got = Decoder::new(reading, 4).next(input).map_err(|error| error.to_string());
        let got = got.map(|next| next.map(|(frame, taken)| (frame.body, taken)));
        assert_eq!(got.as_ref().map(|ok| *ok).map_err(String::as_str), expected);
    }

    #[test]
    fn a_frame_at_the_limit_passes_and_one_past_it_does_not() {
        check(LengthReading::Body, &frame(4, b"abcdX"), Ok(Some((b"abcd", 15))));
        check(LengthReading::Rest, &frame(11, b"abcdX"), Ok(Some((b"abcd", 15))));
        check(LengthReading::Body, &frame(5, b""), Err("a body of 5 bytes is over the limit of 4"));
        check(LengthReading::Rest, &frame(12, b""), Err("a body of 5 bytes is over the limit of 4"));
        check(
            LengthReading::Body,
            &frame(u32::MAX, b""),
            Err("a body of 4294967295 bytes is over the limit of 4"),
        );
    }

    #[test]
    fn rest_cannot_mean_a_len_below_7() {
        let short = "len 6 is below 7, which the `rest` reading cannot mean";
        check(LengthReading::Rest, &frame(6, b""), Err(short));
        check(LengthReading::Rest, &frame(7, b""), Ok(Some((b"", 11))));
    }

    #[test]
    fn a_cut_frame_asks_for_more_at_every_byte() {
        let whole = frame(4, b"abcd");
        for cut in 0..whole.len() {
            check(LengthReading::Body, &whole[..cut], Ok(None));
        }
    }

    #[test]
    fn an_error_sticks() {
        let mut decoder = Decoder::new(LengthReading::Body, 4);
        let error = decoder.next(&frame(5, b"")).unwrap_err();
        assert_eq!(decoder.next(&frame(1, b"a")), Err(error));
    }
}
