//! The incremental decoder.
use crate::{Header, LengthReading};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub header: Header,
    /** as sent: still gzipped where the flag says so */
    pub body: &'a [u8],
}

/// The connection cannot go on; carries the offending frame's header, so that the answer can name its seq and command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a body of {body} bytes is over the limit of {max}")]
    TooLarge { header: Header, body: u64, max: u32 },
    #[error("len {} is below 7, which the `rest` reading cannot mean", .header.len)]
    ShortLen { header: Header },
}

/// Turns bytes into frames. Holds no bytes: what it returns borrows `input`. Cheap to make.
#[derive(Clone, Debug)]
pub struct Decoder {
    #[allow(dead_code)]
    reading: LengthReading,
    #[allow(dead_code)]
    body_max: u32,
}
impl Decoder {
    pub fn new(reading: LengthReading, body_max: u32) -> Self {
        Self { reading, body_max }
    }
    /// The first frame of `input` and how many bytes it took; `Ok(None)`: feed more. Errors are sticky.
    pub fn next<'a>(&mut self, _input: &'a [u8]) -> Result<Option<(Frame<'a>, usize)>, FrameError> {
        todo!()
    }
}
