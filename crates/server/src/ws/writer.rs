//! What the server sends: the header in front of a message, and control frames.

use super::CONTROL_BYTES_MAX;

/// The header of a binary message of one frame: 2, 4 or 10 bytes, made once for all who get the same message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; Header::BYTES_MAX],
    len: u8,
}

/// In front of `payload` bytes: final, binary, no mask, the shortest form of the length (RFC 6455, 5.2).
pub fn header(payload: usize) -> Header {
    const BINARY: u8 = 0x82;
    let mut bytes = [0; Header::BYTES_MAX];
    bytes[0] = BINARY;
    let len = match payload {
        0..126 => {
            bytes[1] = payload as u8;
            2
        }
        126..0x1_0000 => {
            bytes[1] = 126;
            bytes[2..4].copy_from_slice(&(payload as u16).to_be_bytes());
            4
        }
        _ => {
            bytes[1] = 127;
            bytes[2..].copy_from_slice(&(payload as u64).to_be_bytes());
            10
        }
    };
    Header { bytes, len }
}

impl Header {
    /// The longest.
    pub const BYTES_MAX: usize = 10;

    /// The bytes, to be sent in front of the payload.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// A pong or close frame, whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Control {
    bytes: [u8; 2 + CONTROL_BYTES_MAX],
}

impl Control {
    /// Answers a ping of this payload (5.5.3).
    pub fn pong(payload: &[u8]) -> Self {
        Self::new(0x8A, &[payload])
    }

    /// Closes, with this code and reason, both for whoever looks into the client's log.
    pub fn close(code: u16, reason: &str) -> Self {
        Self::new(0x88, &[&code.to_be_bytes(), reason.as_bytes()])
    }

    /// Answers a client's close with its own code, or with none (5.5.1).
    pub fn echo(code: Option<u16>) -> Self {
        code.map_or_else(|| Self::new(0x88, &[]), |code| Self::close(code, ""))
    }

    /// The bytes on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..2 + usize::from(self.bytes[1])]
    }

    /// What does not fit is left out: no caller has more, and a cut reason is better than none.
    fn new(first: u8, parts: &[&[u8]]) -> Self {
        let mut bytes = [0; 2 + CONTROL_BYTES_MAX];
        let payload = parts.iter().copied().flatten();
        let len = bytes[2..].iter_mut().zip(payload).map(|(to, from)| *to = *from).count();
        (bytes[0], bytes[1]) = (first, len as u8);
        Self { bytes }
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Control({:02x?})", self.as_bytes())
    }
}

/// The control frame that a connection still owes its client, because the socket took no more or a frame is half sent.
///
/// At most one: of several pings the last alone need be answered (5.5.3), and behind a close nothing is sent.
#[derive(Debug, Default)]
pub struct Owed(Option<Box<Control>>);

impl Owed {
    /// Owes a pong, in place of an older one; nothing, where a close is owed.
    pub fn pong(&mut self, payload: &[u8]) {
        if !self.is_close() {
            self.0 = Some(Box::new(Control::pong(payload)));
        }
    }

    /// Owes a close, in place of whatever else; the first one stays.
    pub fn close(&mut self, close: Control) {
        if !self.is_close() {
            self.0 = Some(Box::new(close));
        }
    }

    /// What to send now, if anything is owed.
    pub fn take(&mut self) -> Option<Control> {
        self.0.take().map(|control| *control)
    }

    /// Whether anything is owed.
    pub fn is_any(&self) -> bool {
        self.0.is_some()
    }

    /// Whether a close is owed.
    pub fn is_close(&self) -> bool {
        self.0.as_ref().is_some_and(|control| control.bytes[0] == 0x88)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beside the reader's, all that an idle connection has.
    const _: () = assert!(size_of::<Owed>() + size_of::<crate::ws::Reader>() <= 32);

    #[test]
    fn a_header_has_the_shortest_length() {
        for (payload, bytes) in [
            (0, &[0x82, 0][..]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (65_535, &[0x82, 126, 255, 255]),
            (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
            (66 * 1024 + 11, &[0x82, 127, 0, 0, 0, 0, 0, 1, 8, 11]),
        ] {
            assert_eq!(header(payload).as_bytes(), bytes, "{payload}");
        }
    }

    #[test]
    fn control_frames_are_short_and_whole() {
        assert_eq!(Control::pong(b"hi").as_bytes(), b"\x8A\x02hi");
        assert_eq!(Control::pong(&[7; 125]).as_bytes().len(), 127);
        assert_eq!(Control::close(4000, "draining").as_bytes(), b"\x88\x0A\x0F\xA0draining");
        assert_eq!(Control::close(4000, &"x".repeat(200)).as_bytes().len(), 127);
        assert_eq!(Control::echo(Some(1000)).as_bytes(), b"\x88\x02\x03\xE8");
        assert_eq!(Control::echo(None).as_bytes(), b"\x88\x00");
    }

    #[test]
    fn of_many_pings_the_last_is_answered_and_behind_a_close_nothing() {
        let mut owed = Owed::default();
        assert_eq!(owed.take(), None);
        owed.pong(b"first");
        owed.pong(b"last");
        assert_eq!(owed.take(), Some(Control::pong(b"last")));
        assert_eq!(owed.take(), None);
        owed.pong(b"before");
        owed.close(Control::close(1002, ""));
        owed.pong(b"late");
        owed.close(Control::close(4000, ""));
        assert_eq!(owed.take(), Some(Control::close(1002, "")));
    }
}
