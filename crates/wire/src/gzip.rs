//! gzip of bodies (RFC 1952), one member each, bounded while inflating.
//!
//! Works on raw deflate with the member's frame done here: zlib's own gzip mode cannot be reset, and a new state costs
//! more than inflating a typical body. Never takes more memory than the bound it is given, whatever the member claims:
//! its own size field is compared at the end and believed nowhere.
use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

/// A member that cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// Status TOO_LARGE.
    #[error("inflates to more than {max} bytes")]
    TooLarge {
        /// What was allowed.
        max: usize,
    },
    /// Status MALFORMED.
    #[error("not one complete gzip member")]
    Malformed,
}

/// Keeps its state between bodies: one a shard.
pub struct Inflater {
    state: Decompress,
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

impl Inflater {
    /// Takes about 50 KiB for its life.
    pub fn new() -> Self {
        Self { state: Decompress::new(false) }
    }

    /// Clears `out`, then fills it with at most `max` bytes. Empty input is an empty body. Exactly one member, CRC and
    /// size right. After an error `out` is empty.
    pub fn inflate(&mut self, member: &[u8], max: usize, out: &mut Vec<u8>) -> Result<(), InflateError> {
        out.clear();
        //= PROTOCOL.md#6.2
        // Compression 1 with no body is an empty body.
        if member.is_empty() {
            return Ok(());
        }
        let whole = self.inflate_member(member, max, out);
        if whole.is_err() {
            out.clear();
        }
        whole
    }

    fn inflate_member(&mut self, member: &[u8], max: usize, out: &mut Vec<u8>) -> Result<(), InflateError> {
        let deflated = behind_header(member).ok_or(InflateError::Malformed)?;
        self.state.reset(false);
        out.reserve_exact(max.min(GUESSED_RATIO * member.len()));
        while !self.advance(deflated, max, out)? {
            out.reserve_exact(out.len().clamp(1, max - out.len()));
        }
        //= PROTOCOL.md#6.3
        // Exactly one member with its CRC-32 and its ISIZE right, and no byte behind it.
        // Inflating gives back what it did not need, so exactly the trailer must be left.
        let trailer = &deflated[self.state.total_in() as usize..];
        if trailer == trailer_of(out) { Ok(()) } else { Err(InflateError::Malformed) }
    }

    //= PROTOCOL.md#6.5
    // Inflating stops at the limit: no more than that is ever produced.
    /// Fills the room `out` has. True: the end of the stream; false: more room is needed, and `max` allows it.
    fn advance(&mut self, deflated: &[u8], max: usize, out: &mut Vec<u8>) -> Result<bool, InflateError> {
        let input = &deflated[self.state.total_in() as usize..];
        let status = self.state.decompress_vec(input, out, FlushDecompress::Finish);
        let status = status.map_err(|_| InflateError::Malformed)?;
        match status {
            _ if out.len() > max => Err(InflateError::TooLarge { max }),
            Status::StreamEnd => Ok(true),
            _ if out.len() < out.capacity() => Err(InflateError::Malformed), // room is left, so input ran out
            _ if out.len() == max => self.ends_here(deflated, max).map(|()| true),
            _ => Ok(false),
        }
    }

    /// With `max` bytes out: is the end all that is left? Tried on one byte, so that `out` never passes its bound.
    fn ends_here(&mut self, deflated: &[u8], max: usize) -> Result<(), InflateError> {
        let input = &deflated[self.state.total_in() as usize..];
        let status = self.state.decompress(input, &mut [0], FlushDecompress::Finish);
        if self.state.total_out() > max as u64 {
            return Err(InflateError::TooLarge { max });
        }
        if matches!(status, Ok(Status::StreamEnd)) { Ok(()) } else { Err(InflateError::Malformed) }
    }
}

/// Room to begin with, in times of the member's size: text inflates to 2-4 times.
const GUESSED_RATIO: usize = 4;

const FHCRC: u8 = 2;
const FEXTRA: u8 = 4;
const FNAME: u8 = 8;
const FCOMMENT: u8 = 16;
/// Must be zero: they announce fields nobody can skip.
const FLAGS_RESERVED: u8 = 0xE0;

//= PROTOCOL.md#6.4
// Optional parts of a member's header are accepted and ignored.
/// The deflate stream and what follows it; `None` for a header that is cut or is not gzip's.
fn behind_header(member: &[u8]) -> Option<&[u8]> {
    let (fixed, mut rest) = member.split_first_chunk::<10>()?;
    let &[0x1F, 0x8B, 8, flags, ..] = fixed else { return None };
    if flags & FLAGS_RESERVED != 0 {
        return None;
    }
    if flags & FEXTRA != 0 {
        let (extra, behind) = rest.split_first_chunk()?;
        rest = behind.get(u16::from_le_bytes(*extra) as usize..)?;
    }
    for zero_ended in [FNAME, FCOMMENT] {
        if flags & zero_ended != 0 {
            let end = rest.iter().position(|&byte| byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & FHCRC != 0 {
        let header = &member[..member.len() - rest.len()];
        let (told, behind) = rest.split_first_chunk()?;
        rest = (u16::from_le_bytes(*told) == crc(header) as u16).then_some(behind)?;
    }
    Some(rest)
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// CRC and size, little-endian.
fn trailer_of(body: &[u8]) -> [u8; 8] {
    (u64::from(crc(body)) | (body.len() as u64) << 32).to_le_bytes()
}

/// Keeps its state between bodies: one a shard and level.
pub struct Deflater {
    state: Compress,
}

/// No flags, no time, no system: the same body gives the same member everywhere.
const HEADER: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255];

impl Deflater {
    /// `level` 1-9, brought into that range. Takes about 300 KiB for its life.
    pub fn new(level: u8) -> Self {
        Self { state: Compress::new(Compression::new(level.clamp(1, 9).into()), false) }
    }

    /// Clears `out`, then fills it with one gzip member.
    pub fn deflate(&mut self, body: &[u8], out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&HEADER);
        self.state.reset();
        loop {
            // Enough for a body that does not shrink at all, so that the second turn is never seen.
            out.reserve(body.len() + body.len() / 8 + 64);
            let input = &body[self.state.total_in() as usize..];
            match self.state.compress_vec(input, out, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => break,
                Ok(_) => {}
                Err(error) => unreachable!("deflating fails only on a broken state: {error}"),
            }
        }
        out.extend_from_slice(&trailer_of(body));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deflated(body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Deflater::new(6).deflate(body, &mut out);
        out
    }

    /// Bytes that do not shrink, the same in every run.
    fn noise(bytes: usize) -> Vec<u8> {
        let next = |seed: &u32| Some(seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        std::iter::successors(Some(1), next).map(|word| (word >> 24) as u8).take(bytes).collect()
    }

    #[track_caller]
    fn check(member: &[u8], max: usize, expected: Result<&[u8], InflateError>) {
        for spare in [0, 1, max, 4 * max + 1000] {
            let mut out = Vec::with_capacity(spare);
            let result = Inflater::new().inflate(member, max, &mut out);
            assert_eq!(result.map(|()| &out[..]), expected, "with {spare} bytes of room");
            assert!(out.capacity() <= spare.max(max), "{} bytes taken for at most {max}", out.capacity());
        }
    }

    #[test]
    fn bodies_of_all_shapes_come_back_at_their_exact_limit() {
        let mut inflater = Inflater::new();
        let (mut member, mut out) = (Vec::new(), Vec::new());
        for level in 1..=9 {
            let mut deflater = Deflater::new(level);
            for bytes in (0..600).step_by(7).chain([4095, 4096, 65_535, 65_536]) {
                for body in [noise(bytes), vec![b'a'; bytes]] {
                    deflater.deflate(&body, &mut member);
                    inflater.inflate(&member, bytes, &mut out).unwrap();
                    assert_eq!(out, body);
                    if bytes > 0 {
                        let past = InflateError::TooLarge { max: bytes - 1 };
                        assert_eq!(inflater.inflate(&member, bytes - 1, &mut out), Err(past));
                    }
                }
            }
        }
    }

    #[test]
    fn empty_input_is_an_empty_body() {
        check(b"", 0, Ok(b""));
        check(&deflated(b""), 0, Ok(b""));
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let bomb = deflated(&vec![0; 4 << 20]);
        check(&bomb, 65_536, Err(InflateError::TooLarge { max: 65_536 }));
        check(&bomb, 0, Err(InflateError::TooLarge { max: 0 }));
    }

    #[test]
    fn every_cut_every_flipped_bit_that_matters_and_every_tail_is_malformed() {
        let member = deflated(b"the quick brown fox jumps over the lazy dog");
        for cut in 1..member.len() {
            check(&member[..cut], 100, Err(InflateError::Malformed));
        }
        for at in [0, 1, 2].into_iter().chain(member.len() - 8..member.len()) {
            let mut broken = member.clone();
            broken[at] ^= 1;
            check(&broken, 100, Err(InflateError::Malformed));
        }
        check(&[&member[..], b"\0"].concat(), 100, Err(InflateError::Malformed));
        check(&[&member[..], &member].concat(), 100, Err(InflateError::Malformed));
    }

    /// `deflated(b"hi")` with another header.
    fn with_header(flags: u8, extra: &[u8]) -> Vec<u8> {
        [&[0x1F, 0x8B, 8, flags, 1, 2, 3, 4, 0, 3], extra, &deflated(b"hi")[10..]].concat()
    }

    #[test]
    fn all_optional_header_fields_are_understood() {
        check(&with_header(1, b""), 9, Ok(b"hi"));
        check(&with_header(FEXTRA, b"\x02\0xx"), 9, Ok(b"hi"));
        check(&with_header(FNAME, b"name\0"), 9, Ok(b"hi"));
        check(&with_header(FNAME | FCOMMENT, b"name\0comment\0"), 9, Ok(b"hi"));
        let fields = b"\x01\0xname\0comment\0";
        let header = [&[0x1F, 0x8B, 8, 0x1E, 1, 2, 3, 4, 0, 3], &fields[..]].concat();
        let sum = (crc(&header) as u16).to_le_bytes();
        check(&with_header(0x1E, &[&fields[..], &sum].concat()), 9, Ok(b"hi"));
        check(
            &with_header(0x1E, &[&fields[..], &[sum[0], !sum[1]]].concat()),
            9,
            Err(InflateError::Malformed),
        );
    }

    #[test]
    fn broken_headers_are_malformed() {
        check(&with_header(FEXTRA, b"\xFF\xFFxx"), 9, Err(InflateError::Malformed));
        check(&with_header(0x20, b""), 9, Err(InflateError::Malformed));
        check(b"\x1F\x8B\x08\x08\0\0\0\0\0\x03name without an end", 9, Err(InflateError::Malformed));
    }

    #[test]
    fn a_broken_member_leaves_no_trace_in_the_state() {
        let mut inflater = Inflater::new();
        let mut out = Vec::new();
        let member = deflated(&noise(1000));
        assert!(inflater.inflate(&member[..500], 2000, &mut out).is_err());
        assert!(out.is_empty());
        inflater.inflate(&member, 2000, &mut out).unwrap();
        assert_eq!(out, noise(1000));
    }
}
