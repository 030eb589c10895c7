//! What is wrong, where, and by which name the test vectors call it.
use std::fmt;

/// The first bad byte, and why it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Of the input; its length where bytes are missing. Of a gzipped body that inflates: where that body begins.
    pub at: usize,
    /// Of the inflated body, where the bad byte is in there.
    pub inflated_at: Option<usize>,
    /// What kind of fault.
    pub kind: FaultKind,
    /// For people.
    pub reason: String,
}

/// The names of the vectors in `proto/vectors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The input ends inside a frame.
    NeedMore,
    /// A body that does not decode or inflate.
    Malformed,
    /// A length, a field or an inflated body over its limit.
    TooLarge,
    /// A `len` that the reading *rest* cannot mean.
    ShortLen,
    /// A flow that its sender may not send.
    NotRequest,
    /// The first frame of a client is no LOGIN.
    NotLogin,
    /// Compression 2 or 3.
    ReservedCompression,
    /// A version that is not served.
    Version,
}

impl FaultKind {
    /// The name, as the vectors write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NeedMore => "need_more",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::ShortLen => "short_len",
            Self::NotRequest => "not_request",
            Self::NotLogin => "not_login",
            Self::ReservedCompression => "reserved_compression",
            Self::Version => "version",
        }
    }
}

impl Fault {
    /// At a byte of the input.
    pub(crate) fn new(at: usize, kind: FaultKind, reason: impl Into<String>) -> Self {
        Self { at, inflated_at: None, kind, reason: reason.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inflated_at {
            None => write!(f, "byte {:#x}", self.at)?,
            Some(inside) => {
                write!(f, "byte {inside:#x} of what the gzip member at {:#x} inflates to", self.at)?
            }
        }
        write!(f, ": {} ({})", self.reason, self.kind.name())
    }
}
