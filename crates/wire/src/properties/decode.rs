//! TCP may cut the stream anywhere; where it cuts must not change what is heard, and what was heard is what was said.
use super::take;
use crate::{Decoder, Dialect, Frame, FrameError, HEADER_BYTES, Header, LengthReading, Status, put_header};

/// Any bytes, any cut: the same frames, each of them the bytes it came from, none over the limit, none left lying.
///
/// Input: reading, body_max (2), length of a piece, then the stream.
pub fn decode(mut data: &[u8], planted: bool) {
    let reading = if take(&mut data) & 1 == 1 { LengthReading::Rest } else { LengthReading::Body };
    let body_max = u16::from_be_bytes([take(&mut data), take(&mut data)]).into();
    let piece = take(&mut data).max(1).into();
    let next = if planted { next_that_trusts_the_cut } else { Decoder::next };

    let at_once = Heard::listen(data, data.len().max(1), Decoder::new(reading, body_max), next);
    let in_pieces = Heard::listen(data, piece, Decoder::new(reading, body_max), next);
    assert_eq!(at_once, in_pieces, "where the stream is cut changes what is heard");

    let said: Vec<u8> =
        at_once.frames.iter().flat_map(|(header, body)| encoded(reading, *header, body)).collect();
    assert_eq!(said, data[..said.len()], "a frame is not the bytes it came from");
    assert!(at_once.frames.iter().all(|(_, body)| body.len() <= body_max as usize));
    at_once.check_end(&data[said.len()..], reading, body_max);
}

type Next = for<'a> fn(&mut Decoder, &'a [u8]) -> Result<Option<(Frame<'a>, usize)>, FrameError>;

/// The planted bug: what is there of a body passes for all of it.
fn next_that_trusts_the_cut<'a>(
    decoder: &mut Decoder,
    input: &'a [u8],
) -> Result<Option<(Frame<'a>, usize)>, FrameError> {
    match (decoder.next(input)?, input.split_first_chunk()) {
        (None, Some((header, body))) => {
            Ok(Some((Frame { header: Header::parse(header), body }, input.len())))
        }
        (next, _) => Ok(next),
    }
}

#[derive(Debug, PartialEq)]
struct Heard {
    frames: Vec<(Header, Vec<u8>)>,
    error: Option<FrameError>,
}

impl Heard {
    /// What a decoder hears of a stream that comes in pieces of `piece` bytes.
    fn listen(stream: &[u8], piece: usize, mut decoder: Decoder, next: Next) -> Self {
        let (mut frames, mut error, mut taken) = (Vec::new(), None, 0);
        for start in (0..stream.len()).step_by(piece) {
            let arrived = &stream[..stream.len().min(start + piece)];
            loop {
                match next(&mut decoder, &arrived[taken..]) {
                    Ok(Some((frame, bytes))) => {
                        taken += bytes;
                        frames.push((frame.header, frame.body.to_vec()));
                    }
                    Ok(None) => break,
                    Err(new) => {
                        assert!(error.is_none_or(|old| old == new), "an error must stick");
                        error = Some(new);
                        break;
                    }
                }
            }
        }
        Self { frames, error }
    }

    /// What is left is a part of a frame, or one that must be refused; reckoned from the text, not by the code.
    fn check_end(&self, left: &[u8], reading: LengthReading, body_max: u32) {
        let Some(header) = left.first_chunk::<HEADER_BYTES>() else {
            return assert_eq!(self.error, None);
        };
        let header = Header::parse(header);
        let len = u64::from(header.len);
        let whole = if reading == LengthReading::Body { 11 + len } else { 4 + len };
        match self.error {
            None => assert!((left.len() as u64) < whole && (11..=11 + u64::from(body_max)).contains(&whole)),
            Some(FrameError::ShortLen { header: told }) => assert!(whole < 11 && told == header),
            Some(FrameError::TooLarge { header: told, body, max }) => {
                assert!(max == body_max && body > max.into() && body == whole - 11 && told == header);
            }
        }
    }
}

fn encoded(length: LengthReading, header: Header, body: &[u8]) -> Vec<u8> {
    let (flag, status) = (header.flag, Status(header.status));
    let dialect = Dialect { length, version: flag.version(), gzip: false };
    let mut out = Vec::new();
    put_header(
        &mut out,
        dialect,
        header.command,
        flag.flow(),
        flag.compression(),
        header.seq,
        status,
        body.len(),
    );
    out.extend_from_slice(body);
    out
}
