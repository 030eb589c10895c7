//! Inflating agrees with a decoder of another make, within its bound; and what is deflated comes back.
use std::io::Read;

use flate2::bufread::GzDecoder;

use super::take;
use crate::{Deflater, InflateError, Inflater};

/// Input: level, bound, then bytes that are a member, and a body.
pub fn gzip(mut data: &[u8], planted: bool) {
    let level = take(&mut data);
    let max = 4 * usize::from(take(&mut data));
    let inflate = if planted { inflate_that_ignores_the_tail } else { Inflater::inflate };
    let mut inflater = Inflater::new();
    hostile(data, max, &mut inflater, inflate);
    honest(data, level, &mut inflater, inflate);
}

type Inflate = fn(&mut Inflater, &[u8], usize, &mut Vec<u8>) -> Result<(), InflateError>;

/// The planted bug: a byte behind the member is nobody's business.
fn inflate_that_ignores_the_tail(
    inflater: &mut Inflater,
    member: &[u8],
    max: usize,
    out: &mut Vec<u8>,
) -> Result<(), InflateError> {
    let whole = inflater.inflate(member, max, out);
    match member.split_last() {
        Some((_, shorter)) if whole == Err(InflateError::Malformed) => inflater.inflate(shorter, max, out),
        _ => whole,
    }
}

fn hostile(member: &[u8], max: usize, inflater: &mut Inflater, inflate: Inflate) {
    let mut out = Vec::new();
    let result = inflate(inflater, member, max, &mut out);
    assert!(out.capacity() <= max, "{} bytes taken for at most {max}", out.capacity());
    if member.is_empty() {
        return assert_eq!((result, out.len()), (Ok(()), 0));
    }

    let mut reference = Vec::new();
    let mut decoder = GzDecoder::new(member);
    let read = decoder.by_ref().take(max as u64 + 1).read_to_end(&mut reference);
    let over = reference.len() > max;
    let broken = read.is_err();
    let whole = !broken && !over && decoder.into_inner().is_empty();
    match result {
        Ok(()) => assert!(whole && out == reference, "accepted, and another decoder does not"),
        // Over the bound and broken behind it is both; the other decoder may have kept what it read before the break.
        Err(InflateError::TooLarge { .. }) => {
            assert!(over || broken, "too large, and another decoder reads it")
        }
        Err(InflateError::Malformed) => assert!(!whole, "malformed, and another decoder reads it"),
    }
}

fn honest(body: &[u8], level: u8, inflater: &mut Inflater, inflate: Inflate) {
    let (mut member, mut out) = (Vec::new(), Vec::new());
    Deflater::new(level).deflate(body, &mut member);
    assert_eq!(inflate(inflater, &member, body.len(), &mut out), Ok(()));
    assert_eq!(out, body);
    if let Some(max) = body.len().checked_sub(1) {
        assert_eq!(inflate(inflater, &member, max, &mut out), Err(InflateError::TooLarge { max }));
    }
}
