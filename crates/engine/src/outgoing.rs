//! What a connection is offered to send: pushes that all members of a dialect share, and answers of its own.
//!
//! The engine does not know what carries its frames. But a push that ten thousand members share must be made once for
//! all of them, whatever carries it, so every push is built behind [`HEADROOM`] bytes that hold the header of a
//! WebSocket message around it: a byte stream sends what stands behind the headroom, a WebSocket from the header on.
//! Invariant: what [`Offered::Took`](crate::Offered::Took) counts are bytes of frames alone, never the header's.

use longwire_wire::HEADER_BYTES;

/// Bytes in front of a push, for the longest header of a WebSocket message from a server.
pub const HEADROOM: usize = 10;

/// Where a push's body begins in its buffer.
pub(crate) const BODY_AT: usize = HEADROOM + HEADER_BYTES;

/// FIN, and the opcode of a binary message (RFC 6455 §5.2).
const FINAL_BINARY: u8 = 0x82;

/// Bytes for one connection, in the order they are to be sent.
#[derive(Clone, Copy, Debug)]
pub enum Outgoing<'a> {
    /// One whole push.
    Push(Push<'a>),
    /// What is left of a push of which the connection took a part: nothing else is sent before it.
    Rest(&'a [u8]),
    /// Answers of [`HEADER_BYTES`] each, the last one whole; of the first a part may have been taken before.
    Answers(&'a [u8]),
}

/// One push frame with the header of a WebSocket message in front of it.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a>(&'a [u8]);

impl<'a> Outgoing<'a> {
    /// The bytes of frames: what a byte stream sends, and what is counted as taken.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Push(push) => push.frame(),
            Self::Rest(bytes) | Self::Answers(bytes) => bytes,
        }
    }
}

impl<'a> Push<'a> {
    /// Of a buffer that [`seal`] was called on.
    pub(crate) fn of(buffer: &'a [u8]) -> Self {
        Self(buffer)
    }

    /// The frame.
    #[inline]
    pub fn frame(&self) -> &'a [u8] {
        &self.0[HEADROOM..]
    }

    /// The frame as one binary message of a WebSocket server: final, unmasked.
    #[inline]
    pub fn message(&self) -> &'a [u8] {
        &self.0[HEADROOM - self.header_len()..]
    }

    /// How much of [`Push::message`] stands before the frame.
    #[inline]
    pub fn header_len(&self) -> usize {
        header_len(self.0.len() - HEADROOM)
    }
}

/// Writes the WebSocket header for the frame that stands behind the headroom.
pub(crate) fn seal(buffer: &mut [u8]) {
    let len = buffer.len() - HEADROOM;
    let header = &mut buffer[HEADROOM - header_len(len)..HEADROOM];
    header[0] = FINAL_BINARY;
    match header.len() {
        2 => header[1] = len as u8,
        4 => {
            header[1] = 126;
            header[2..].copy_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            header[1] = 127;
            header[2..].copy_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

/// The shortest header that can say `len` (RFC 6455 §5.2: the minimal number of bytes must be used).
#[inline]
fn header_len(len: usize) -> usize {
    match len {
        0..=125 => 2,
        126..=0xFFFF => 4,
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_the_frames_length_in_the_fewest_bytes() {
        for (len, header) in [
            (11, &[0x82, 11][..]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (0xFFFF, &[0x82, 126, 0xFF, 0xFF]),
            (0x1_0000, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut buffer = vec![7; HEADROOM + len];
            seal(&mut buffer);
            let push = Push::of(&buffer);
            assert_eq!(push.frame(), vec![7; len]);
            assert_eq!(&push.message()[..push.header_len()], header, "{len}");
            assert_eq!(push.message().len(), header.len() + len);
        }
    }
}
