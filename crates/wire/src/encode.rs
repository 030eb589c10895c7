//! Frames out, for both sides.
use crate::{Compression, ConnectFlag, Dialect, Flow, Header, Status};

/// Appends a header for a body of `body_len` bytes in `dialect`.
#[expect(
    clippy::too_many_arguments,
    reason = "a header has this many fields, and each is the caller's to choose"
)]
#[inline]
pub fn put_header(
    out: &mut Vec<u8>,
    dialect: Dialect,
    code: u8,
    flow: Flow,
    compression: Compression,
    seq: u32,
    status: Status,
    body_len: usize,
) {
    let header = Header {
        len: dialect.length.len_of(body_len),
        seq,
        command: code,
        flag: ConnectFlag::new(dialect.version, compression, flow),
        status: status.0,
    };
    out.extend_from_slice(&header.to_bytes());
}

/// Appends header and uncompressed `body`.
#[inline]
pub fn put_frame(
    out: &mut Vec<u8>,
    dialect: Dialect,
    code: u8,
    flow: Flow,
    seq: u32,
    status: Status,
    body: &[u8],
) {
    put_header(out, dialect, code, flow, Compression::None, seq, status, body.len());
    out.extend_from_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LengthReading;

    #[test]
    fn a_frame_speaks_its_dialect() {
        let dialect = Dialect { length: LengthReading::Rest, version: 3, gzip: true };
        let mut out = b"before".to_vec();
        put_frame(&mut out, dialect, 4, Flow::Answer, 0x0102, Status::OK, b"");
        put_frame(
            &mut out,
            Dialect { length: LengthReading::Body, ..dialect },
            6,
            Flow::Notify,
            0,
            Status::OK,
            b"ab",
        );
        let expected = b"before\0\0\0\x07\0\0\x01\x02\x04\x31\0\0\0\0\x02\0\0\0\0\x06\x32\0ab";
        assert_eq!(out, expected);
    }
}
