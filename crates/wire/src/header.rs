//! The 11 bytes in front of every body, and the dialect they are written in.

//= PROTOCOL.md#2.1
// len (4), seq (4), command (1), connect flag (1), status (1), in this order.
/// `len u32 | seq u32 | command u8 | connect flag u8 | status u8`, big-endian.
pub const HEADER_BYTES: usize = 11;
/// How much of the header lies behind `len`: what the `rest` reading counts besides the body.
const BEHIND_LEN: u32 = 7;

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Client to server.
    Request,
    /// Server to client, in answer to a request.
    Answer,
    /// Server to client, unasked.
    Notify,
    /// 3, which means nothing.
    Reserved,
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As it is.
    None,
    /// One gzip member, unless the body is empty.
    Gzip,
    /// 2, which means nothing.
    Reserved2,
    /// 3, which means nothing.
    Reserved3,
}

//= PROTOCOL.md#2.3
// Version in bits 7-4, compression in 3-2, flow in 1-0.
/// Bits 7-4 version, 3-2 compression, 1-0 flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectFlag(pub u8);

impl ConnectFlag {
    /// The byte; of `version` the low four bits count.
    #[inline]
    pub fn new(version: u8, compression: Compression, flow: Flow) -> Self {
        Self(version << 4 | (compression as u8) << 2 | flow as u8)
    }

    /// The nibble, 0-15.
    #[inline]
    pub fn version(self) -> u8 {
        self.0 >> 4
    }

    /// Bits 3-2.
    #[inline]
    pub fn compression(self) -> Compression {
        match self.0 >> 2 & 3 {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Reserved2,
            _ => Compression::Reserved3,
        }
    }

    /// Bits 1-0.
    #[inline]
    pub fn flow(self) -> Flow {
        match self.0 & 3 {
            0 => Flow::Request,
            1 => Flow::Answer,
            2 => Flow::Notify,
            _ => Flow::Reserved,
        }
    }
}

//= PROTOCOL.md#3.1
// *body*: a frame is 11 + len bytes long; *rest*: 4 + len.
/// What `len` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LengthReading {
    /// The body alone.
    Body,
    /// All that follows `len`: 7 + body.
    Rest,
}

impl LengthReading {
    /// How many bytes of body `len` announces; `None` where this reading cannot mean that `len`.
    #[inline]
    pub fn body_of(self, len: u32) -> Option<u32> {
        match self {
            Self::Body => Some(len),
            Self::Rest => len.checked_sub(BEHIND_LEN),
        }
    }

    /// What `len` says of a body of `body` bytes.
    ///
    /// # Panics
    /// Where no `len` can say it (4 GiB): our own mistake, since every body has a bound far below.
    #[inline]
    pub fn len_of(self, body: usize) -> u32 {
        let behind = if self == Self::Rest { BEHIND_LEN } else { 0 };
        let len = u32::try_from(body).ok().and_then(|body| body.checked_add(behind));
        let Some(len) = len else { panic!("a body of {body} bytes is beyond every limit") };
        len
    }
}

/// What a connection's first LOGIN showed; kept for its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// What `len` counts.
    pub length: LengthReading,
    /// The nibble, 0-15, echoed in every frame.
    pub version: u8,
    /// The client reads gzip.
    pub gzip: bool,
}

impl Dialect {
    /// How many different dialects there are: 2 x 16 x 2.
    pub const COUNT: usize = 64;

    /// Dense number below `COUNT`, to keep a dialect in one byte and tables per dialect.
    #[inline]
    pub fn index(self) -> u8 {
        (self.length == LengthReading::Rest) as u8 | (self.gzip as u8) << 1 | (self.version & 15) << 2
    }

    /// The dialect of a number below `COUNT`; higher bits are ignored.
    #[inline]
    pub fn from_index(index: u8) -> Self {
        let length = if index & 1 == 1 { LengthReading::Rest } else { LengthReading::Body };
        Self { length, version: index >> 2 & 15, gzip: index & 2 == 2 }
    }
}

/// A frame's header, its bytes taken apart and nothing judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// See [`LengthReading`].
    pub len: u32,
    /// The client's; an answer echoes it, a notify carries 0.
    pub seq: u32,
    /// A number of the deployment's [`CommandMap`](crate::CommandMap).
    pub command: u8,
    /// Version, compression, flow.
    pub flag: ConnectFlag,
    /// Ignored in a request, see [`Status`](crate::Status).
    pub status: u8,
}

impl Header {
    /// Takes the bytes apart. Any 11 bytes are a header.
    #[inline]
    pub fn parse(bytes: &[u8; HEADER_BYTES]) -> Self {
        //= PROTOCOL.md#2.2
        // `len` and `seq` are unsigned and big-endian.
        let [l0, l1, l2, l3, s0, s1, s2, s3, command, flag, status] = *bytes;
        Self {
            len: u32::from_be_bytes([l0, l1, l2, l3]),
            seq: u32::from_be_bytes([s0, s1, s2, s3]),
            command,
            flag: ConnectFlag(flag),
            status,
        }
    }

    /// The bytes again.
    #[inline]
    pub fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let [l0, l1, l2, l3] = self.len.to_be_bytes();
        let [s0, s1, s2, s3] = self.seq.to_be_bytes();
        [l0, l1, l2, l3, s0, s1, s2, s3, self.command, self.flag.0, self.status]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_big_endian() {
        let bytes = [0, 0, 1, 2, 0x0A, 0x0B, 0x0C, 0x0D, 6, 0b1010_0110, 9];
        let header = Header::parse(&bytes);
        let flag = ConnectFlag::new(10, Compression::Gzip, Flow::Notify);
        assert_eq!(header, Header { len: 0x102, seq: 0x0A0B_0C0D, command: 6, flag, status: 9 });
        assert_eq!(header.to_bytes(), bytes);
    }

    #[test]
    fn every_flag_byte_comes_apart_and_together() {
        for byte in 0..=255 {
            let flag = ConnectFlag(byte);
            assert_eq!(ConnectFlag::new(flag.version(), flag.compression(), flag.flow()), flag);
        }
    }

    #[test]
    fn every_dialect_has_a_number_of_its_own() {
        for index in 0..Dialect::COUNT as u8 {
            assert_eq!(Dialect::from_index(index).index(), index);
        }
    }

    #[test]
    fn readings_count_differently() {
        assert_eq!((LengthReading::Body.body_of(0), LengthReading::Body.len_of(0)), (Some(0), 0));
        assert_eq!((LengthReading::Rest.body_of(7), LengthReading::Rest.len_of(0)), (Some(0), 7));
        assert_eq!(LengthReading::Rest.body_of(6), None);
        assert_eq!(LengthReading::Rest.body_of(u32::MAX), Some(u32::MAX - 7));
    }
}
