//! The first frame: hostile bytes are bounded, and an honest LOGIN is understood at every cut, in every dialect.
use std::cell::RefCell;

use prost::Message as _;

use super::{take, take_slice, take_text};
use crate::scan::put_prefix;
use crate::{
    Command, CommandMap, Compression, Deflater, Detected, Dialect, FirstFrameRules, Flow, Frame,
    HEADER_BYTES, Header, Inflater, LengthReading, LoginFields, Status, detect_first, generated, put_frame,
    put_header, put_login,
};

/// Hostile: at every cut the outcome keeps to the rules and the bound. Honest: at every cut it is the one expected.
///
/// Input: what is pinned, versions (2), login_max, dialect, then bytes that are a first frame, and make a LOGIN's fields.
pub fn detect(mut data: &[u8], planted: bool) {
    let length = match take(&mut data) % 4 {
        0 => Some(LengthReading::Body),
        1 => Some(LengthReading::Rest),
        _ => None,
    };
    let versions = u16::from_be_bytes([take(&mut data), take(&mut data)]);
    let login_max = take(&mut data).into();
    let dialect = Dialect::from_index(take(&mut data));
    let commands = CommandMap::default();
    let rules =
        FirstFrameRules { commands: &commands, login: LoginFields::default(), length, login_max, versions };
    let detect = if planted { detect_that_waits_for_more } else { detect_first };

    let mut inflater = Inflater::new();
    hostile(data, &rules, &mut inflater, detect);
    let rules = FirstFrameRules { length: None, login_max: 2000, versions: 0xFFFF, ..rules };
    honest(data, dialect, &rules, &mut inflater, detect);
}

thread_local! {
    /// Making one costs more than all the rest of a run.
    static DEFLATER: RefCell<Deflater> = RefCell::new(Deflater::new(6));
}

type Detect = for<'a> fn(&'a [u8], &FirstFrameRules<'_>, &mut Inflater, &mut Vec<u8>) -> Detected<'a>;

/// The planted bug: it waits for a byte that a `rest` client would not send.
fn detect_that_waits_for_more<'a>(
    input: &'a [u8],
    rules: &FirstFrameRules<'_>,
    inflater: &mut Inflater,
    scratch: &mut Vec<u8>,
) -> Detected<'a> {
    match detect_first(input, rules, inflater, scratch) {
        Detected::Login { dialect: Dialect { length: LengthReading::Rest, .. }, taken, .. }
            if taken == input.len() =>
        {
            Detected::NeedMore
        }
        detected => detected,
    }
}

/// Every cut of any bytes.
fn hostile(input: &[u8], rules: &FirstFrameRules<'_>, inflater: &mut Inflater, detect: Detect) {
    let mut scratch = Vec::new();
    let mut from_header = None;
    for cut in 0..=input.len() {
        let detected = detect(&input[..cut], rules, inflater, &mut scratch);
        assert!(scratch.capacity() <= rules.login_max as usize, "inflates beyond the bound");
        match detected {
            Detected::NeedMore => {
                assert!(cut < HEADER_BYTES + rules.login_max as usize, "buffers beyond the bound")
            }
            Detected::Login { frame, dialect, taken } => {
                check_login(&input[..cut], rules, frame, dialect, taken)
            }
            Detected::Refused(error) => {
                assert!(cut >= HEADER_BYTES);
                from_header = from_header.or((cut == HEADER_BYTES).then_some(error));
            }
        }
        if let Some(error) = from_header {
            assert_eq!(detected, Detected::Refused(error), "a header that was refused stays refused");
        }
    }
}

fn check_login(input: &[u8], rules: &FirstFrameRules<'_>, frame: Frame<'_>, dialect: Dialect, taken: usize) {
    let Frame { header, body } = frame;
    assert_eq!(Header::parse(input.first_chunk().unwrap()), header);
    assert_eq!(&input[HEADER_BYTES..taken], body);
    assert_eq!(dialect.length.body_of(header.len), Some(body.len() as u32));
    assert!(body.len() <= rules.login_max as usize);
    assert!(rules.length.is_none_or(|pinned| pinned == dialect.length));
    assert_eq!(rules.commands.command(header.command), Some(Command::Login));
    assert_eq!((header.flag.flow(), header.flag.version()), (Flow::Request, dialect.version));
    assert_eq!(header.flag.compression() as u8, dialect.gzip as u8);
    assert!(rules.versions >> dialect.version & 1 == 1);
}

/// A LOGIN as a client may write it, alone and with the next frame behind it, cut at every byte.
fn honest(
    mut data: &[u8],
    dialect: Dialect,
    rules: &FirstFrameRules<'_>,
    inflater: &mut Inflater,
    detect: Detect,
) {
    let plain = login_body(&mut data);
    let mut body = plain.clone();
    if dialect.gzip && !plain.is_empty() {
        DEFLATER.with_borrow_mut(|deflater| deflater.deflate(&plain, &mut body));
    }
    let compression = if dialect.gzip { Compression::Gzip } else { Compression::None };
    let mut alone = Vec::new();
    put_header(&mut alone, dialect, 1, Flow::Request, compression, 7, Status::OK, body.len());
    alone.extend_from_slice(&body);
    let mut followed = alone.clone();
    put_frame(
        &mut followed,
        dialect,
        take(&mut data),
        Flow::Request,
        8,
        Status::OK,
        take_slice(&mut data, 20),
    );

    let mut scratch = Vec::new();
    for stream in [&alone, &followed] {
        for cut in 0..=stream.len() {
            let got = match detect(&stream[..cut], rules, inflater, &mut scratch) {
                Detected::NeedMore => None,
                Detected::Login { dialect, taken, .. } => Some((dialect, taken)),
                Detected::Refused(error) => panic!("an honest LOGIN is refused: {error}"),
            };
            assert_eq!(got, expected(&body, dialect, cut), "{dialect:?} cut at {cut} of {}", stream.len());
        }
    }
}

/// What PROTOCOL.md says of an honest LOGIN of which `cut` bytes are there.
fn expected(body: &[u8], dialect: Dialect, cut: usize) -> Option<(Dialect, usize)> {
    let whole = HEADER_BYTES + body.len();
    if cut >= whole {
        return Some((dialect, whole));
    }
    //= PROTOCOL.md#3.14
    // Exactly the last 7 bytes are late, and what is there is a LOGIN of its own: taken as *rest*.
    let undecidable =
        dialect.length == LengthReading::Body && !dialect.gzip && cut >= HEADER_BYTES && cut + 7 == whole;
    let early = body.len().checked_sub(7).map(|bytes| &body[..bytes]).filter(|_| undecidable)?;
    is_login(early).then_some((Dialect { length: LengthReading::Rest, ..dialect }, cut))
}

fn is_login(body: &[u8]) -> bool {
    generated::LoginRequest::decode(body)
        .is_ok_and(|login| login.token.is_empty() == login.user_id.is_empty())
}

/// A guest's or a user's, with fields nobody knows before, between and behind; the short ones are where cuts matter.
fn login_body(data: &mut &[u8]) -> Vec<u8> {
    let shape = take(data);
    let mut out = Vec::new();
    put_unknown(&mut out, data, shape);
    if shape & 8 != 0 {
        let (token, user_id) = (take_text(data, 10), take_text(data, 10));
        put_login(&mut out, &format!("t{token}"), "", LoginFields::default());
        put_unknown(&mut out, data, shape >> 4);
        put_login(&mut out, "", &format!("u{user_id}"), LoginFields::default());
        put_unknown(&mut out, data, shape >> 6);
    }
    out
}

fn put_unknown(out: &mut Vec<u8>, data: &mut &[u8], shape: u8) {
    let times = shape & 3;
    for _ in 0..times {
        let bytes = usize::from(take(data) % 12);
        let value = take_slice(data, bytes);
        put_prefix(out, 3 + u32::from(times), value.len());
        out.extend_from_slice(value);
    }
}
