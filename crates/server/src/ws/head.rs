//! The head of a client's frame, judged as early and in the same order wherever the bytes are cut.

use super::CONTROL_BYTES_MAX;

/// The longest head that is read: two bytes, eight of length, four of mask.
pub const HEAD_BYTES_MAX: usize = 14;

/// Why a client's bytes are not read on. Each is answered with a close frame, and nothing is read behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A bit of an extension, and none was agreed on (5.2).
    #[error("a reserved bit is set")]
    ReservedBit,
    /// 3 to 7, 11 to 15 (5.2).
    #[error("opcode {0} is reserved")]
    ReservedOpcode(u8),
    /// A control frame in pieces (5.5).
    #[error("a fragmented control frame")]
    FragmentedControl,
    /// A control frame of more than 125 bytes (5.5).
    #[error("a control frame of more than 125 bytes")]
    LongControl,
    /// A continuation of nothing (5.4).
    #[error("a continuation without a message")]
    NoMessage,
    /// A message within a message (5.4).
    #[error("a message begins before the last one has ended")]
    MessageUnderWay,
    /// A client masks every frame (5.1).
    #[error("a frame without a mask")]
    Unmasked,
    /// Not the shortest form, or the highest bit of eight bytes (5.2).
    #[error("a length that is not in its shortest form")]
    Length,
    /// Frames are binary (PROTOCOL.md).
    #[error("a text message")]
    Text,
    /// A message over the limit.
    #[error("a message over the limit")]
    TooBig,
    /// A message in more than [`super::FRAGMENTS_MAX`] pieces.
    #[error("a message in too many fragments")]
    TooManyFragments,
    /// A message of no byte holds no frame (PROTOCOL.md).
    #[error("an empty message")]
    EmptyMessage,
    /// A message that ends inside a frame, or a first one that holds no whole frames in either reading (PROTOCOL.md).
    /// Its owner's to find: the reader knows nothing of frames.
    #[error("a message that is not whole frames")]
    CutFrame,
    /// A close frame of one byte, or with a code that no endpoint may send (7.4).
    #[error("a close frame without a good code")]
    CloseCode,
    /// A close frame's reason that is no UTF-8 (5.5.1).
    #[error("a close frame's reason is not UTF-8")]
    CloseReason,
}

impl Fault {
    /// The code of the close frame that answers it (7.4.1).
    pub fn code(self) -> u16 {
        match self {
            Self::ReservedBit
            | Self::ReservedOpcode(_)
            | Self::FragmentedControl
            | Self::LongControl
            | Self::NoMessage
            | Self::MessageUnderWay
            | Self::Unmasked
            | Self::Length
            | Self::EmptyMessage
            | Self::CutFrame
            | Self::CloseCode => 1002,
            Self::Text => 1003,
            Self::CloseReason => 1007,
            Self::TooBig | Self::TooManyFragments => 1009,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn of(bits: u8) -> Result<Self, Fault> {
        match bits {
            0 => Ok(Self::Continuation),
            1 => Ok(Self::Text),
            2 => Ok(Self::Binary),
            8 => Ok(Self::Close),
            9 => Ok(Self::Ping),
            10 => Ok(Self::Pong),
            reserved => Err(Fault::ReservedOpcode(reserved)),
        }
    }

    fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) is_final: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: [u8; 4],
    /// Of the payload.
    pub(super) len: u64,
    /// Of the head itself.
    pub(super) bytes: usize,
}

impl Head {
    /// The head that `input` begins with; `None`: not all of it is here, and what is has no fault.
    ///
    /// Each byte is judged before the next is looked at, so that a cut never changes which of two faults is found.
    pub(super) fn parse(input: &[u8], in_message: bool) -> Result<Option<Self>, Fault> {
        let Some(&first) = input.first() else { return Ok(None) };
        let (is_final, opcode) = first_byte(first, in_message)?;
        let Some(&second) = input.get(1) else { return Ok(None) };
        if second & 0x80 == 0 {
            return Err(Fault::Unmasked);
        }
        let short = second & 0x7F;
        if opcode.is_control() && usize::from(short) > CONTROL_BYTES_MAX {
            return Err(Fault::LongControl);
        }
        let Some((len, len_bytes)) = length(short, &input[2..])? else { return Ok(None) };
        if opcode == Opcode::Text {
            return Err(Fault::Text); // sound so far, and still nothing that is read here
        }
        let mask = input[2 + len_bytes..].first_chunk();
        Ok(mask.map(|mask| Self { is_final, opcode, mask: *mask, len, bytes: 2 + len_bytes + 4 }))
    }
}

fn first_byte(byte: u8, in_message: bool) -> Result<(bool, Opcode), Fault> {
    if byte & 0x70 != 0 {
        return Err(Fault::ReservedBit);
    }
    let (is_final, opcode) = (byte & 0x80 != 0, Opcode::of(byte & 0x0F)?);
    match opcode {
        Opcode::Close | Opcode::Ping | Opcode::Pong if !is_final => Err(Fault::FragmentedControl),
        Opcode::Continuation if !in_message => Err(Fault::NoMessage),
        Opcode::Text | Opcode::Binary if in_message => Err(Fault::MessageUnderWay),
        Opcode::Continuation | Opcode::Text | Opcode::Binary => Ok((is_final, opcode)),
        Opcode::Close | Opcode::Ping | Opcode::Pong => Ok((is_final, opcode)),
    }
}

/// The payload's length and how many bytes it has behind the second; `None`: not all of them are here.
fn length(short: u8, behind: &[u8]) -> Result<Option<(u64, usize)>, Fault> {
    let (len, bytes, shortest) = match short {
        126 => (behind.first_chunk().map(|len| u64::from(u16::from_be_bytes(*len))), 2, 126),
        127 => (behind.first_chunk().map(|len| u64::from_be_bytes(*len)), 8, 1 << 16),
        short => (Some(short.into()), 0, 0),
    };
    match len {
        Some(len) if len < shortest || len > i64::MAX as u64 => Err(Fault::Length),
        len => Ok(len.map(|len| (len, bytes))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_the_same_however_little_of_the_head_is_here() {
        // what is wrong with the first byte is found before the missing mask, and that before the length
        let several = [0xC3, 0x7F, 0, 0, 0, 0, 0, 0, 0, 1];
        for cut in 1..=several.len() {
            assert_eq!(Head::parse(&several[..cut], false), Err(Fault::ReservedBit));
        }
        let two = [0x82, 0x7F, 0, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(Head::parse(&two[..1], false), Ok(None));
        for cut in 2..=two.len() {
            assert_eq!(Head::parse(&two[..cut], false), Err(Fault::Unmasked));
        }
    }

    #[test]
    fn lengths_are_read_in_their_shortest_form_alone() {
        let len = |bytes: &[u8]| length(bytes[0], &bytes[1..]);
        assert_eq!(len(&[0]), Ok(Some((0, 0))));
        assert_eq!(len(&[125]), Ok(Some((125, 0))));
        assert_eq!(len(&[126, 0]), Ok(None));
        assert_eq!(len(&[126, 0, 125]), Err(Fault::Length));
        assert_eq!(len(&[126, 0, 126]), Ok(Some((126, 2))));
        assert_eq!(len(&[126, 255, 255]), Ok(Some((65_535, 2))));
        assert_eq!(len(&[127, 0, 0, 0, 0, 0, 0, 255, 255]), Err(Fault::Length));
        assert_eq!(len(&[127, 0, 0, 0, 0, 0, 1, 0, 0]), Ok(Some((65_536, 8))));
        assert_eq!(len(&[127, 127, 255, 255, 255, 255, 255, 255, 255]), Ok(Some((i64::MAX as u64, 8))));
        assert_eq!(len(&[127, 128, 0, 0, 0, 0, 0, 0, 0]), Err(Fault::Length));
    }
}
