//! What every vector file has in common, and how its bytes, headers and errors are written.
use std::path::Path;

use longwire_wire::{BodyError, Header, InflateError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    theme: String,
    #[allow(dead_code, reason = "for people")]
    about: String,
    vectors: Vec<serde_json::Map<String, Value>>,
}

/// Runs every vector of a theme; the failing one is named. A case refuses fields it does not know.
pub(crate) fn each<Case: DeserializeOwned>(theme: &str, check: impl Fn(&Case)) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../proto/vectors/{theme}.json"));
    let file: File = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!((file.format, file.theme.as_str()), (1, theme));
    assert!(!file.vectors.is_empty());
    for mut vector in file.vectors {
        println!("{}", vector.remove("name").unwrap()); // shown where the check fails
        let about = ["sense", "sentences"].map(|field| vector.remove(field).is_some());
        assert_eq!(about, [true, true]);
        check(&serde_json::from_value(Value::Object(vector)).unwrap());
    }
}

/// Hex, whole or in parts that may repeat.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Bytes {
    Hex(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Part {
    Hex(String),
    Repeated { hex: String, times: usize },
}

impl Bytes {
    pub(crate) fn get(&self) -> Vec<u8> {
        match self {
            Self::Hex(digits) => hex(digits),
            Self::Parts(parts) => parts.iter().flat_map(Part::get).collect(),
        }
    }
}

impl Part {
    fn get(&self) -> Vec<u8> {
        match self {
            Self::Hex(digits) => hex(digits),
            Self::Repeated { hex: digits, times } => hex(digits).repeat(*times),
        }
    }
}

fn hex(digits: &str) -> Vec<u8> {
    assert!(digits.len().is_multiple_of(2) && digits.is_ascii());
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Error {
    Malformed,
    TooLarge,
    /// A body that breaks a limit and does not decode either: both are right.
    Either,
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Malformed(_) => Self::Malformed,
            BodyError::TooLarge { .. } => Self::TooLarge,
        }
    }
}

impl From<InflateError> for Error {
    fn from(error: InflateError) -> Self {
        match error {
            InflateError::Malformed => Self::Malformed,
            InflateError::TooLarge { .. } => Self::TooLarge,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expect<Ok> {
    Ok(Ok),
    Error(Error),
}

/// Compares what came with what a vector expects.
#[track_caller]
pub(crate) fn compare<Got, Want>(
    got: Result<Got, impl Into<Error>>,
    expect: &Expect<Want>,
    same: impl FnOnce(Got, &Want),
) {
    match (got.map_err(Into::into), expect) {
        (Ok(got), Expect::Ok(want)) => same(got, want),
        (Ok(_), Expect::Error(error)) => panic!("accepted, and should be {error:?}"),
        (Err(error), Expect::Ok(_)) => panic!("{error:?}, and should be accepted"),
        (Err(got), Expect::Error(want)) => {
            assert!(got == *want || *want == Error::Either, "{got:?}, not {want:?}")
        }
    }
}

#[derive(Deserialize, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeaderFields {
    pub(crate) len: u32,
    pub(crate) seq: u32,
    pub(crate) command: u8,
    pub(crate) version: u8,
    pub(crate) compression: u8,
    pub(crate) flow: u8,
    pub(crate) status: u8,
}

impl From<Header> for HeaderFields {
    fn from(header: Header) -> Self {
        let Header { len, seq, command, flag, status } = header;
        let (compression, flow) = (flag.compression() as u8, flag.flow() as u8);
        Self { len, seq, command, version: flag.version(), compression, flow, status }
    }
}
