//! The first frame: is it a LOGIN, and in which dialect.
//!
//! The document leaves open what `len` counts; this is the one place that finds out, from the first LOGIN alone. It is
//! called again with the longer buffer whenever bytes came, keeps nothing between calls, and never waits for a byte that
//! a client of the `rest` reading would not send.
use crate::{
    Command, CommandMap, Compression, Dialect, Flow, Frame, HEADER_BYTES, Header, InflateError, Inflater,
    LengthReading, LoginFields, LoginKind, LoginRequest,
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
                //= PROTOCOL.md#3.17
                // A candidate that inflates over the limit closes without a byte, in either reading.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConnectFlag, Deflater, Status, put_frame, put_header, put_login};

    const BODY: Dialect = Dialect { length: LengthReading::Body, version: 0, gzip: false };
    const REST: Dialect = Dialect { length: LengthReading::Rest, ..BODY };

    fn detect_with<'a>(input: &'a [u8], change: impl FnOnce(&mut FirstFrameRules<'_>)) -> Detected<'a> {
        let (commands, login) = (CommandMap::default(), LoginFields::default());
        let mut rules =
            FirstFrameRules { commands: &commands, login, length: None, login_max: 100, versions: 0xFFFF };
        change(&mut rules);
        detect_first(input, &rules, &mut Inflater::new(), &mut Vec::new())
    }

    fn detect(input: &[u8]) -> Detected<'_> {
        detect_with(input, |_| ())
    }

    fn login(dialect: Dialect, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_frame(&mut out, dialect, 1, Flow::Request, 1, Status::OK, body);
        out
    }

    fn user_body() -> Vec<u8> {
        let mut out = Vec::new();
        put_login(&mut out, "token", "user", LoginFields::default());
        out
    }

    #[track_caller]
    fn read_as(input: &[u8], expected: Dialect) {
        let Detected::Login { dialect, taken, frame } = detect(input) else { panic!("{:?}", detect(input)) };
        assert_eq!(dialect, expected);
        assert_eq!(taken, HEADER_BYTES + frame.body.len());
        assert_eq!(expected.length.len_of(frame.body.len()), frame.header.len);
    }

    #[test]
    fn a_bare_login_shows_its_reading_by_its_len() {
        read_as(&login(BODY, b""), BODY);
        read_as(&login(REST, b""), REST);
        read_as(&[login(REST, b""), login(REST, b"")].concat(), REST);
    }

    #[test]
    fn a_users_login_shows_its_reading_in_one_piece_and_piped() {
        for dialect in [BODY, REST] {
            let first = login(dialect, &user_body());
            read_as(&first, dialect);
            read_as(&[first, login(dialect, b"")].concat(), dialect);
        }
    }

    #[test]
    fn half_a_login_is_no_candidate() {
        // Seven bytes of userId behind the token: cut there, a token alone is no LOGIN of the other reading.
        let first = login(BODY, b"\x0A\x01t\x12\x05alice");
        assert_eq!(detect(&first[..first.len() - 7]), Detected::NeedMore);
        read_as(&first, BODY);
    }

    /// Pinned by 3.14: it cannot be told from a `rest` client that waits for its answer.
    #[test]
    fn the_undecidable_cut_is_rest() {
        //= PROTOCOL.md#3.14
        // An uncompressed *body* LOGIN of which exactly the last 7 bytes are late is taken as *rest*.
        let whole_body = login(BODY, b"\x1A\x05extra");
        read_as(&whole_body, BODY);
        read_as(&whole_body[..11], REST);
        let last_fields = login(BODY, &[&user_body()[..], b"\x1A\x05extra"].concat());
        read_as(&last_fields, BODY);
        read_as(&last_fields[..last_fields.len() - 7], REST);
    }

    #[test]
    fn a_gzipped_member_decides_alone() {
        let mut member = Vec::new();
        Deflater::new(6).deflate(&user_body(), &mut member);
        for length in [LengthReading::Body, LengthReading::Rest] {
            let dialect = Dialect { length, version: 9, gzip: true };
            let mut first = Vec::new();
            put_header(&mut first, dialect, 1, Flow::Request, Compression::Gzip, 1, Status::OK, member.len());
            first.extend_from_slice(&member);
            read_as(&first, dialect);
            assert_eq!(detect(&first[..first.len() - 1]), Detected::NeedMore);
            first.push(1); // in either reading the next frame's: a member has said it all
            read_as(&first, dialect);
        }
    }

    #[test]
    fn compression_is_shown_by_an_empty_body_too() {
        let mut first = Vec::new();
        put_header(&mut first, REST, 1, Flow::Request, Compression::Gzip, 1, Status::OK, 0);
        read_as(&first, Dialect { gzip: true, ..REST });
    }

    #[test]
    fn a_bomb_is_refused_as_soon_as_it_could_be_whole() {
        //= PROTOCOL.md#3.17
        let mut member = Vec::new();
        Deflater::new(6).deflate(&[0; 1000], &mut member);
        let mut first = Vec::new();
        put_header(&mut first, REST, 1, Flow::Request, Compression::Gzip, 1, Status::OK, member.len());
        let len = member.len() as u32 + 7;
        let bomb = [first, member].concat();
        assert_eq!(detect(&bomb), Detected::Refused(FirstFrameError::TooLarge(len)));
    }

    #[test]
    fn the_limit_holds_in_both_readings() {
        for dialect in [BODY, REST] {
            let body = |bytes: usize| [b"\x1A", &[bytes as u8 - 2][..], &vec![b'x'; bytes - 2]].concat();
            read_as(&[login(dialect, &body(100)), vec![0]].concat(), dialect);
            let over = login(dialect, &body(101));
            let refused = FirstFrameError::TooLarge(dialect.length.len_of(101));
            assert_eq!(detect(&over), Detected::Refused(refused));
        }
        assert_eq!(detect(&header(108, 0, 1)), Detected::Refused(FirstFrameError::TooLarge(108)));
        assert_eq!(detect(&header(107, 0, 1)), Detected::NeedMore);
    }

    fn header(len: u32, flag: u8, command: u8) -> [u8; HEADER_BYTES] {
        Header { len, seq: 0, command, flag: ConnectFlag(flag), status: 0 }.to_bytes()
    }

    #[test]
    fn the_header_alone_refuses() {
        let check = |flag, command, error| {
            assert_eq!(detect(&header(90, flag, command)), Detected::Refused(error));
            assert_eq!(detect(&header(90, flag, command)[..10]), Detected::NeedMore);
        };
        check(0, 0, FirstFrameError::NotLogin(0));
        check(0, 3, FirstFrameError::NotLogin(3));
        check(0, 255, FirstFrameError::NotLogin(255));
        check(1, 1, FirstFrameError::NotRequest);
        check(2, 1, FirstFrameError::NotRequest);
        check(3, 1, FirstFrameError::NotRequest);
        check(8, 1, FirstFrameError::ReservedCompression);
        check(12, 1, FirstFrameError::ReservedCompression);
    }

    #[test]
    fn configuration_narrows_what_is_served() {
        //= PROTOCOL.md#19.4
        let bytes = header(0, 0x50, 1);
        let refused = detect_with(&bytes, |rules| rules.versions = 1 << 4);
        assert_eq!(refused, Detected::Refused(FirstFrameError::Version(5)));
        assert!(matches!(detect_with(&bytes, |rules| rules.versions = 1 << 5), Detected::Login { .. }));
    }

    #[test]
    fn a_pinned_reading_guesses_nothing() {
        //= PROTOCOL.md#19.3
        // Nothing is told from the LOGIN, and a first *rest* `len` below 7 closes without a byte.
        let pinned = |input, length| detect_with(input, |rules| rules.length = Some(length));
        let bare = header(7, 0, 1);
        assert_eq!(pinned(&bare, LengthReading::Body), Detected::NeedMore);
        let short = header(6, 0, 1);
        assert_eq!(pinned(&short, LengthReading::Rest), Detected::Refused(FirstFrameError::ShortLen(6)));
        let over = header(101, 0, 1);
        assert_eq!(pinned(&over, LengthReading::Body), Detected::Refused(FirstFrameError::TooLarge(101)));
        assert_eq!(pinned(&over, LengthReading::Rest), Detected::NeedMore);
        assert!(matches!(pinned(&bare, LengthReading::Rest), Detected::Login { taken: 11, .. }));
    }
}
