//! gzip of bodies (RFC 1952), one member each, bounded while inflating.

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    #[error("inflates to more than {max} bytes")]
    TooLarge { max: usize },
    #[error("not one complete gzip member")]
    Malformed,
}
/// Keeps its state between bodies: one a shard.
pub struct Inflater {}
impl Inflater {
    pub fn new() -> Self {
        todo!()
    }
    /// Clears `out`, then fills it with at most `max` bytes. Empty input is an empty body. Exactly one member, CRC and size right.
    pub fn inflate(&mut self, _member: &[u8], _max: usize, _out: &mut Vec<u8>) -> Result<(), InflateError> {
        todo!()
    }
}
pub struct Deflater {}
impl Deflater {
    /// level 1-9
    pub fn new(_level: u8) -> Self {
        todo!()
    }
    /// Clears `out`, then fills it with one gzip member.
    pub fn deflate(&mut self, _body: &[u8], _out: &mut Vec<u8>) {
        todo!()
    }
}
