//! Headers, streams of frames, and the first frame at every cut of it.
use longwire_wire::{
    CommandMap, ConnectFlag, Decoder, Detected, Dialect, FirstFrameError, FirstFrameRules, FrameError,
    HEADER_BYTES, Header, Inflater, LengthReading, LoginFields, Status, detect_first, limits, put_header,
};
use serde::Deserialize;

use crate::format::{Bytes, HeaderFields, each};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderCase {
    input: Bytes,
    expect: HeaderOutcome,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum HeaderOutcome {
    NeedMore(NeedMore),
    Header(HeaderFields),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum NeedMore {
    NeedMore,
}

#[test]
fn headers() {
    each("header", |case: &HeaderCase| {
        let input = case.input.get();
        match &case.expect {
            HeaderOutcome::NeedMore(_) => assert!(input.len() < HEADER_BYTES),
            HeaderOutcome::Header(fields) => {
                let header = Header::parse(input[..].try_into().unwrap());
                assert_eq!(HeaderFields::from(header), *fields);
                assert_eq!(header.to_bytes()[..], input);
                let flag = ConnectFlag::new(fields.version, header.flag.compression(), header.flag.flow());
                assert_eq!(flag, header.flag);
            }
        }
    });
}

#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case")]
enum Reading {
    Body,
    Rest,
}

impl From<Reading> for LengthReading {
    fn from(reading: Reading) -> Self {
        match reading {
            Reading::Body => Self::Body,
            Reading::Rest => Self::Rest,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamCase {
    reading: Reading,
    body_max: u32,
    input: Bytes,
    expect: Stream,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stream {
    frames: Vec<WholeFrame>,
    then: Then,
}

#[derive(Deserialize)]
struct WholeFrame {
    #[serde(flatten)]
    header: HeaderFields,
    body: Bytes,
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Then {
    NeedMore,
    Error(StreamError),
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "snake_case")]
enum StreamError {
    TooLarge,
    ShortLen,
}

#[test]
fn streams_cut_anywhere() {
    each("frames", |case: &StreamCase| {
        let input = case.input.get();
        let mut longest_first = vec![input.len().max(1), 1, 2, 7, 11, 12, 64];
        longest_first.retain(|piece| input.len() / piece < 5000);
        longest_first.into_iter().for_each(|piece| check_stream(case, &input, piece));
    });
}

/// Hands the input over in pieces of `piece` bytes.
fn check_stream(case: &StreamCase, input: &[u8], piece: usize) {
    let reading = LengthReading::from(case.reading);
    let mut decoder = Decoder::new(reading, case.body_max);
    let mut expected = case.expect.frames.iter();
    let (mut taken, mut then) = (0, Then::NeedMore);
    for end in (0..input.len()).step_by(piece).map(|start| input.len().min(start + piece)) {
        loop {
            match decoder.next(&input[taken..end]) {
                Ok(None) => break,
                Ok(Some((frame, bytes))) => {
                    let want = expected.next().expect("a frame too many");
                    assert_eq!(HeaderFields::from(frame.header), want.header);
                    assert!(frame.body == want.body.get());
                    assert!(encoded(reading, frame.header, frame.body) == input[taken..taken + bytes]);
                    taken += bytes;
                }
                Err(error) => {
                    then = Then::Error(match error {
                        FrameError::TooLarge { .. } => StreamError::TooLarge,
                        FrameError::ShortLen { .. } => StreamError::ShortLen,
                    });
                    break;
                }
            }
        }
    }
    assert!(expected.next().is_none(), "a frame is missing");
    assert_eq!(then, case.expect.then);
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DetectCase {
    rules: DetectRules,
    input: Bytes,
    cuts: Vec<Cut>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DetectRules {
    length: Option<Reading>,
    versions: Option<Vec<u8>>,
    login_code: Option<u8>,
    login: Option<Fields>,
    login_max: Option<u32>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
struct Fields {
    token: u32,
    user: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cut {
    from: usize,
    to: usize,
    expect: First,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum First {
    NeedMore,
    Login(FirstLogin),
    Refused(Reason),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLogin {
    length: Reading,
    version: u8,
    gzip: bool,
    taken: usize,
    body: Bytes,
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Reason {
    TooLarge,
    ShortLen,
    NotRequest,
    NotLogin,
    ReservedCompression,
    Version,
}

impl From<FirstFrameError> for Reason {
    fn from(error: FirstFrameError) -> Self {
        match error {
            FirstFrameError::TooLarge(_) => Self::TooLarge,
            FirstFrameError::ShortLen(_) => Self::ShortLen,
            FirstFrameError::NotRequest => Self::NotRequest,
            FirstFrameError::NotLogin(_) => Self::NotLogin,
            FirstFrameError::ReservedCompression => Self::ReservedCompression,
            FirstFrameError::Version(_) => Self::Version,
        }
    }
}

#[test]
fn first_frames_at_every_cut() {
    each("detect", |case: &DetectCase| {
        let input = case.input.get();
        let covered: usize = case.cuts.iter().map(|cut| cut.to + 1 - cut.from).sum();
        assert_eq!(covered, input.len() + 1);
        for cut in &case.cuts {
            (cut.from..=cut.to).for_each(|bytes| check_first(&case.rules, &input[..bytes], &cut.expect));
        }
    });
}

fn check_first(rules: &DetectRules, input: &[u8], expect: &First) {
    let commands = CommandMap::new([rules.login_code.unwrap_or(1), 102, 103, 104, 105, 106]).unwrap();
    let login = rules.login.map(|fields| LoginFields { token: fields.token, user_id: fields.user });
    let versions = rules.versions.iter().flatten().map(|version| 1 << version).reduce(|all, one| all | one);
    let rules = FirstFrameRules {
        commands: &commands,
        login: login.unwrap_or_default(),
        length: rules.length.map(LengthReading::from),
        login_max: rules.login_max.unwrap_or(limits::LOGIN_BYTES_MAX),
        versions: versions.unwrap_or(0xFFFF),
    };
    let got = detect_first(input, &rules, &mut Inflater::new(), &mut Vec::new());
    match (got, expect) {
        (Detected::NeedMore, First::NeedMore) => {}
        (Detected::Refused(got), First::Refused(want)) => assert_eq!(Reason::from(got), *want),
        (Detected::Login { frame, dialect, taken }, First::Login(want)) => {
            let length = want.length.into();
            assert_eq!(dialect, Dialect { length, version: want.version, gzip: want.gzip });
            assert_eq!(taken, want.taken);
            assert!(frame.body == want.body.get());
        }
        (got, _) => panic!("after {} bytes: {got:?}", input.len()),
    }
}
