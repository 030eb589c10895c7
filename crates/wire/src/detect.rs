//! The first frame: is it a LOGIN, and in which dialect.
use crate::{CommandMap, Dialect, Frame, Inflater, LengthReading, LoginFields};

pub struct FirstFrameRules<'a> {
    pub commands: &'a CommandMap,
    pub login: LoginFields,
    /// `None`: told apart by the rules of PROTOCOL.md; `Some`: pinned by configuration.
    pub length: Option<LengthReading>,
    /// LOGIN's body, as sent and inflated.
    pub login_max: u32,
    /// bit n set: nibble n is served. 0xFFFF: any.
    pub versions: u16,
}

pub enum Detected<'a> {
    /// Not all of the first frame is here yet.
    NeedMore,
    /// A whole LOGIN frame (body as sent, not yet inflated or parsed), its dialect, and how many bytes it took.
    Login { frame: Frame<'a>, dialect: Dialect, taken: usize },
    /// Close without a byte.
    Refused(FirstFrameError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FirstFrameError {
    #[error("the first frame is command {0}, not LOGIN")]
    NotLogin(u8),
    #[error("the first frame's flow is not a request")]
    NotRequest,
    #[error("reserved compression")]
    ReservedCompression,
    #[error("version {0} is not served")]
    Version(u8),
    #[error("a first frame of len {0} is over the limit")]
    TooLarge(u32),
    #[error("len {0} does not fit the pinned reading")]
    ShortLen(u32),
}

/// `scratch` receives inflated bytes while a gzipped candidate is tried. Allocates nothing else.
pub fn detect_first<'a>(
    _input: &'a [u8],
    _rules: &FirstFrameRules<'_>,
    _inflater: &mut Inflater,
    _scratch: &mut Vec<u8>,
) -> Detected<'a> {
    todo!()
}
