//! The first frame: is it a LOGIN, and in which dialect.
//!
//! The document leaves open what `len` counts; this is the one place that finds out, from the first LOGIN alone. It is
//! called again with the longer buffer whenever bytes came, keeps nothing between calls, and never waits for a byte that
//! a client of the `rest` reading would not send.
use crate::message::LoginKind;
use crate::{
    Command, CommandMap, Compression, Dialect, Flow, Frame, HEADER_BYTES, Header, InflateError, Inflater,
    LengthReading, LoginFields, LoginRequest,
};

/// What a deployment lets a first frame be.
pub struct FirstFrameRules<'a> {
    /// LOGIN's number is in it.
    pub commands: &'a CommandMap,
    /// LOGIN's field numbers.
    pub login: LoginFields,
    /// `None`: told apart by the rules of PROTOCOL.md; `Some`: pinned by configuration.
    pub length: Option<LengthReading>,
    /// LOGIN's body, as sent and inflated.
    pub login_max: u32,
    /// bit n set: nibble n is served. 0xFFFF: any.
    pub versions: u16,
}

/// What the bytes so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detected<'a> {
    /// Not all of the first frame is here yet.
    NeedMore,
    /// A whole LOGIN frame (body as sent, not yet inflated or parsed), its dialect, and how many bytes it took.
    Login {
        /// Borrows the input.
        frame: Frame<'a>,
        /// Kept for the connection's life.
        dialect: Dialect,
        /// Of the input.
        taken: usize,
    },
    /// Close without a byte.
    Refused(FirstFrameError),
}

/// Why a first frame is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FirstFrameError {
    /// Another command.
    #[error("the first frame is command {0}, not LOGIN")]
    NotLogin(u8),
    /// Flow 1, 2 or 3.
    #[error("the first frame's flow is not a request")]
    NotRequest,
    /// Compression 2 or 3.
    #[error("reserved compression")]
    ReservedCompression,
    /// A nibble the configuration leaves out.
    #[error("version {0} is not served")]
    Version(u8),
    /// By its header, or by what it inflates to in either reading.
    #[error("a first frame of len {0} is over the limit, as sent or inflated")]
    TooLarge(u32),
    /// Below 7 where `rest` is pinned.
    #[error("len {0} does not fit the pinned reading")]
    ShortLen(u32),
}

/// `scratch` receives inflated bytes while a gzipped candidate is tried. Allocates nothing else.
pub fn detect_first<'a>(
    input: &'a [u8],
    rules: &FirstFrameRules<'_>,
    inflater: &mut Inflater,
    scratch: &mut Vec<u8>,
) -> Detected<'a> {
    let Some((header, behind)) = input.split_first_chunk::<HEADER_BYTES>() else { return Detected::NeedMore };
    let first = First { header: Header::parse(header), behind };
    let reading = first.check_header(rules).and_then(|()| match rules.length {
        Some(pinned) => Ok(Some(pinned)),
        None => first.reading(rules, inflater, scratch),
    });
    match reading.and_then(|reading| first.whole(reading, rules)) {
        Ok(detected) => detected,
        Err(error) => Detected::Refused(error),
    }
}

/// A first frame of which at least the header is here.
struct First<'a> {
    header: Header,
    behind: &'a [u8],
}

impl<'a> First<'a> {
    //= PROTOCOL.md#5.9
    // Refused from the 11 bytes of the header, without waiting for the body.
    /// What the header alone decides.
    fn check_header(&self, rules: &FirstFrameRules<'_>) -> Result<(), FirstFrameError> {
        let Header { len, command, flag, .. } = self.header;
        //= PROTOCOL.md#5.17
        // A header with several faults is judged in this order: length, flow, command, compression.
        //= PROTOCOL.md#3.3
        // Without a pin the shorter body counts: a LOGIN at the limit must pass in both readings.
        let shortest = match rules.length {
            Some(pinned) => pinned.body_of(len).ok_or(FirstFrameError::ShortLen(len))?,
            None => LengthReading::Rest.body_of(len).unwrap_or(len),
        };
        if shortest > rules.login_max {
            return Err(FirstFrameError::TooLarge(len));
        }
        if flag.flow() != Flow::Request {
            return Err(FirstFrameError::NotRequest);
        }
        if rules.commands.command(command) != Some(Command::Login) {
            return Err(FirstFrameError::NotLogin(command));
        }
        if !matches!(flag.compression(), Compression::None | Compression::Gzip) {
            return Err(FirstFrameError::ReservedCompression);
        }
        //= PROTOCOL.md#19.4
        // A first LOGIN with a version that is not served closes without a byte.
        if rules.versions >> flag.version() & 1 == 0 {
            return Err(FirstFrameError::Version(flag.version()));
        }
        Ok(())
    }

    /// Which reading the bytes show; `None`: too few of them yet.
    fn reading(
        &self,
        rules: &FirstFrameRules<'_>,
        inflater: &mut Inflater,
        scratch: &mut Vec<u8>,
    ) -> Result<Option<LengthReading>, FirstFrameError> {
        //= PROTOCOL.md#3.4
        // A first `len` below 7 is the reading *body*.
        let Some(candidate_bytes) = LengthReading::Rest.body_of(self.header.len) else {
            return Ok(Some(LengthReading::Body));
        };
        //= PROTOCOL.md#3.5
        // Wait for 4 + L bytes; the L - 7 bytes behind the header are the body, were the reading *rest*.
        let Some((candidate, further)) = self.behind.split_at_checked(candidate_bytes as usize) else {
            return Ok(None);
        };
        //= PROTOCOL.md#3.6
        // A candidate that is not a complete LoginRequest means *body*.
        //= PROTOCOL.md#3.7
        // And so does one with exactly one of token and userId.
        if !self.is_whole_login(candidate, rules, inflater, scratch)? {
            return Ok(Some(LengthReading::Body));
        }
        //= PROTOCOL.md#3.9
        // A whole gzip member is *rest*: a part of a member is never a whole one.
        if self.is_gzip() && !candidate.is_empty() {
            return Ok(Some(LengthReading::Rest));
        }
        //= PROTOCOL.md#3.10
        // A further byte decides: the highest byte of the next `len` is 0x00, and no protobuf tag is.
        //= PROTOCOL.md#3.11
        // No further byte is *rest*, whose client would not send one.
        Ok(Some(match further.first() {
            None | Some(0) => LengthReading::Rest,
            Some(_) => LengthReading::Body,
        }))
    }

    //= PROTOCOL.md#3.8
    // Gzipped: empty, or exactly one member that inflates within the limit to a complete LoginRequest.
    /// A complete LoginRequest of a guest or of a user.
    fn is_whole_login(
        &self,
        candidate: &[u8],
        rules: &FirstFrameRules<'_>,
        inflater: &mut Inflater,
        scratch: &mut Vec<u8>,
    ) -> Result<bool, FirstFrameError> {
        let body = if self.is_gzip() {
            match inflater.inflate(candidate, rules.login_max as usize, scratch) {
                Ok(()) => &scratch[..],
                Err(InflateError::Malformed) => return Ok(false),
                // Seven bytes more, under `body`, inflate to no less.
                Err(InflateError::TooLarge { .. }) => return Err(FirstFrameError::TooLarge(self.header.len)),
            }
        } else {
            candidate
        };
        Ok(LoginRequest::parse(body, rules.login).is_ok_and(|login| login.kind() != LoginKind::Half))
    }

    /// The frame under `reading`, if all of it is here.
    fn whole(
        &self,
        reading: Option<LengthReading>,
        rules: &FirstFrameRules<'_>,
    ) -> Result<Detected<'a>, FirstFrameError> {
        let Some((length, body_bytes)) =
            reading.and_then(|length| Some((length, length.body_of(self.header.len)?)))
        else {
            return Ok(Detected::NeedMore);
        };
        //= PROTOCOL.md#3.13
        // Over the limit in the reading that was found: close without a byte.
        if body_bytes > rules.login_max {
            return Err(FirstFrameError::TooLarge(self.header.len));
        }
        let Some(body) = self.behind.get(..body_bytes as usize) else { return Ok(Detected::NeedMore) };
        //= PROTOCOL.md#6.7
        // Compression 1 shows that the client reads gzip, also on an empty body.
        let dialect = Dialect { length, version: self.header.flag.version(), gzip: self.is_gzip() };
        let frame = Frame { header: self.header, body };
        Ok(Detected::Login { frame, dialect, taken: HEADER_BYTES + body.len() })
    }

    fn is_gzip(&self) -> bool {
        self.header.flag.compression() == Compression::Gzip
    }
}
