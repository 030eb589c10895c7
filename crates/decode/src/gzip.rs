//! Where a gzip member that was refused is bad. Asked only behind a refusal by the wire's own inflater.
use crate::FaultKind;
use flate2::{Crc, Decompress, FlushDecompress, Status};

const FHCRC: u8 = 2;
const FEXTRA: u8 = 4;
const FNAME: u8 = 8;
const FCOMMENT: u8 = 16;
const FLAGS_RESERVED: u8 = 0xE0;
const FIXED_BYTES: usize = 10;

/// A place in the member, and what is wrong there.
pub(crate) type Bad = (usize, FaultKind, String);

/// The first bad byte of a member that is not exactly one, or that inflates to more than `max` bytes.
pub(crate) fn first_bad(member: &[u8], max: usize) -> Bad {
    match header_end(member) {
        Err((at, reason)) => (at, FaultKind::Malformed, reason.to_owned()),
        Ok(start) => behind_header(member, start, max),
    }
}

/// Where the deflate stream begins.
fn header_end(member: &[u8]) -> Result<usize, (usize, &'static str)> {
    for (at, (want, what)) in [
        (0x1F, "not a gzip member: it begins with 1f 8b"),
        (0x8B, "not a gzip member: it begins with 1f 8b"),
        (8, "a gzip method other than deflate"),
    ]
    .into_iter()
    .enumerate()
    {
        if member.get(at).is_some_and(|&byte| byte != want) {
            return Err((at, what));
        }
    }
    let cut = (member.len(), "the gzip member is cut in its header");
    let &flags = member.get(3).ok_or(cut)?;
    if flags & FLAGS_RESERVED != 0 {
        return Err((3, "reserved flags of gzip"));
    }
    let mut at = FIXED_BYTES;
    if flags & FEXTRA != 0 {
        let size = member.get(at..at + 2).ok_or(cut)?;
        at += 2 + usize::from(size[0]) + 256 * usize::from(size[1]);
    }
    for zero_ended in [FNAME, FCOMMENT] {
        if flags & zero_ended != 0 {
            let rest = member.get(at..).ok_or(cut)?;
            at += rest.iter().position(|&byte| byte == 0).ok_or(cut)? + 1;
        }
    }
    if flags & FHCRC != 0 {
        let told = member.get(at..at + 2).ok_or(cut)?;
        if told != &crc(&member[..at]).to_le_bytes()[..2] {
            return Err((at, "the gzip header's CRC is wrong"));
        }
        at += 2;
    }
    if at > member.len() { Err(cut) } else { Ok(at) }
}

fn behind_header(member: &[u8], start: usize, max: usize) -> Bad {
    let malformed = |at: usize, reason: &str| (at, FaultKind::Malformed, reason.to_owned());
    let deflated = &member[start..];
    let mut state = Decompress::new(false);
    // One byte of room beyond the limit, so that passing it can be seen.
    let mut out = Vec::with_capacity(max + 1);
    let status = state.decompress_vec(deflated, &mut out, FlushDecompress::Finish);
    let at = start + state.total_in() as usize;
    match status {
        Err(_) => return malformed(at, "the deflate stream is broken"),
        _ if out.len() > max => {
            return (at, FaultKind::TooLarge, format!("inflates to more than {max} bytes"));
        }
        Ok(Status::StreamEnd) => {}
        Ok(_) => return malformed(member.len(), "the gzip member is cut"),
    }
    let trailer = &member[at..];
    let expected = [crc(&out).to_le_bytes(), (out.len() as u32).to_le_bytes()].concat();
    match trailer.iter().zip(&expected).position(|(told, want)| told != want) {
        Some(wrong @ ..4) => malformed(at + wrong, "the gzip member's CRC-32 is wrong"),
        Some(wrong) => malformed(at + wrong, "the gzip member's size is wrong"),
        None if trailer.len() < expected.len() => {
            malformed(member.len(), "the gzip member is cut in its trailer")
        }
        None => malformed(at + expected.len(), "bytes behind the gzip member"),
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire_wire::Deflater;

    #[track_caller]
    fn check(member: &[u8], max: usize, at: usize, kind: FaultKind, reason: &str) {
        let (got_at, got_kind, got_reason) = first_bad(member, max);
        assert_eq!((got_at, got_kind), (at, kind), "{got_reason}");
        assert!(got_reason.contains(reason), "{got_reason}");
    }

    #[test]
    fn the_bad_byte_of_a_member_is_found() {
        let mut good = Vec::new();
        Deflater::new(6).deflate(b"what the room says, what the room says", &mut good);
        let end = good.len();
        let with = |at: usize, byte: u8| {
            let mut changed = good.clone();
            changed[at] = byte;
            changed
        };
        let malformed = FaultKind::Malformed;
        check(&with(0, b'P'), 99, 0, malformed, "1f 8b");
        check(&with(1, 0), 99, 1, malformed, "1f 8b");
        check(&with(2, 7), 99, 2, malformed, "method");
        check(&with(3, 0x80), 99, 3, malformed, "reserved flags");
        check(&good[..5], 99, 5, malformed, "cut in its header");
        check(&good[..end - 12], 99, end - 12, malformed, "cut");
        check(&good[..end - 1], 99, end - 1, malformed, "cut in its trailer");
        check(&with(end - 7, !good[end - 7]), 99, end - 7, malformed, "CRC-32");
        check(&with(end - 4, 99), 99, end - 4, malformed, "size");
        check(&[&good[..], b"x"].concat(), 99, end, malformed, "behind");
        check(&with(10, 0xFF), 99, 11, malformed, "deflate");
        assert_eq!(first_bad(&good, 37).1, FaultKind::TooLarge);
    }
}
