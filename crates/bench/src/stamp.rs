//! What the generator writes into a message's content: which run, which sender, which message, and when it was due.

/// Of the stamp; a message's content has at least as many.
pub(crate) const STAMP_BYTES: usize = 20;

/// The first bytes of a message's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Of another run: somebody else speaks in our room.
    pub(crate) run: u32,
    /// The sender's number in its room.
    pub(crate) sender: u32,
    /// The message's number at its sender, from 0.
    pub(crate) seq: u32,
    /// When it was due to be sent, or was sent where nothing says when: nanoseconds of the run's clock.
    pub(crate) at_ns: u64,
}

impl Stamp {
    pub(crate) fn to_bytes(self) -> [u8; STAMP_BYTES] {
        let mut bytes = [0; STAMP_BYTES];
        bytes[..4].copy_from_slice(&self.run.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.sender.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.seq.to_be_bytes());
        bytes[12..].copy_from_slice(&self.at_ns.to_be_bytes());
        bytes
    }

    /// The stamp of a content; `None` where it is too short for one.
    pub(crate) fn of(content: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_be_bytes(*content.get(at..)?.first_chunk()?));
        let at_ns = u64::from_be_bytes(*content.get(12..)?.first_chunk()?);
        Some(Self { run: word(0)?, sender: word(4)?, seq: word(8)?, at_ns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_comes_back_as_it_went() {
        let stamp = Stamp { run: 0x0102_0304, sender: 5, seq: u32::MAX, at_ns: 1 << 40 };
        let content = [&stamp.to_bytes()[..], b"padding"].concat();
        assert_eq!(Stamp::of(&content), Some(stamp));
        assert_eq!(Stamp::of(&content[..STAMP_BYTES]), Some(stamp));
        assert_eq!(Stamp::of(&content[..STAMP_BYTES - 1]), None);
    }
}
