//! Frames out, for both sides.
use crate::{Compression, Dialect, Flow, Status};

/// Appends a header for a body of `body_len` bytes in `dialect`.
pub fn put_header(
    _out: &mut Vec<u8>,
    _dialect: Dialect,
    _code: u8,
    _flow: Flow,
    _compression: Compression,
    _seq: u32,
    _status: Status,
    _body_len: usize,
) {
    todo!()
}
/// Appends header and uncompressed `body`.
pub fn put_frame(
    _out: &mut Vec<u8>,
    _dialect: Dialect,
    _code: u8,
    _flow: Flow,
    _seq: u32,
    _status: Status,
    _body: &[u8],
) {
    todo!()
}
