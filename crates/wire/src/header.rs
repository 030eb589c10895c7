//! The 11 bytes in front of every body.

/// `len u32 | seq u32 | command u8 | connect flag u8 | status u8`, big-endian.
pub const HEADER_BYTES: usize = 11;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Request,
    Answer,
    Notify,
    Reserved,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Reserved2,
    Reserved3,
}

/// Bits 7-4 version, 3-2 compression, 1-0 flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectFlag(pub u8);
impl ConnectFlag {
    pub fn new(_version: u8, _compression: Compression, _flow: Flow) -> Self {
        todo!()
    }
    pub fn version(self) -> u8 {
        todo!()
    }
    pub fn compression(self) -> Compression {
        todo!()
    }
    pub fn flow(self) -> Flow {
        todo!()
    }
}

/// What `len` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LengthReading {
    /** the body alone */
    Body,
    /** all that follows `len`: 7 + body */
    Rest,
}

/// What a connection's first LOGIN showed; kept for its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialect {
    pub length: LengthReading,
    /** nibble, 0-15 */
    pub version: u8,
    /** client reads gzip */
    pub gzip: bool,
}
impl Dialect {
    /// How many different dialects there are: 2 x 16 x 2.
    pub const COUNT: usize = 64;
    /// Dense number below `COUNT`, to keep a dialect in one byte and tables per dialect.
    pub fn index(self) -> u8 {
        todo!()
    }
    pub fn from_index(_index: u8) -> Self {
        todo!()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub len: u32,
    pub seq: u32,
    pub command: u8,
    pub flag: ConnectFlag,
    pub status: u8,
}
impl Header {
    pub fn parse(_bytes: &[u8; HEADER_BYTES]) -> Self {
        todo!()
    }
    pub fn to_bytes(self) -> [u8; HEADER_BYTES] {
        todo!()
    }
}
