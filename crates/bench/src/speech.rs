//! What connections say, in Longwire's protocol and to the bare loop, which has none.
//!
//! To the bare loop a connection says hello once, in as many bytes as a header; a sender's messages are then ready-made
//! records, and everything that others send comes back as it was. Frames towards the client are the same from both.

use longwire_wire::{
    Command, CommandMap, Compression, Deflater, Dialect, Flow, HEADER_BYTES, LengthReading, LoginFields,
    Message, Status, put_cms, put_frame, put_header, put_join, put_login, put_record,
};

use crate::plan::Plan;
use crate::stamp::{STAMP_BYTES, Stamp};

/// Of a LOGIN: for one receiver, once.
const GZIP_LEVEL: u8 = 1;

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A server of the protocol.
    Longwire,
    /// The bare loop.
    Bare,
}

/// A first word to the bare loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) room: u32,
    /// The run's name.
    pub(crate) run: u32,
    /// Bytes of each of its records; 0: it sends none, and whatever it says is echoed.
    pub(crate) record_bytes: u32,
}

/// A room's name; all of a run are of one length, and so are all their frames.
pub(crate) fn room_name(run: u32, room: u32) -> String {
    format!("bench-{run:08x}-{room:07}")
}

/// Makes the frames of one run. Codes and field numbers are the protocol's defaults.
pub(crate) struct Speech {
    pub(crate) peer: Peer,
    dialect: Dialect,
    codes: CommandMap,
    /// The run's name, in room names and stamps.
    pub(crate) run: u32,
    padding: Vec<u8>,
}

/// A sender's message but for its stamp.
pub(crate) struct Template {
    bytes: Vec<u8>,
    stamp_at: usize,
}

impl Hello {
    /// The lower 24 bits of `record_bytes` are told.
    pub(crate) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&self.room.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.run.to_be_bytes());
        bytes[8..].copy_from_slice(&self.record_bytes.to_be_bytes()[1..]);
        bytes
    }

    pub(crate) fn of(bytes: &[u8; HEADER_BYTES]) -> Self {
        let [r0, r1, r2, r3, n0, n1, n2, n3, b1, b2, b3] = *bytes;
        Self {
            room: u32::from_be_bytes([r0, r1, r2, r3]),
            run: u32::from_be_bytes([n0, n1, n2, n3]),
            record_bytes: u32::from_be_bytes([0, b1, b2, b3]),
        }
    }
}

impl Speech {
    pub(crate) fn new(plan: &Plan, peer: Peer) -> Self {
        let (gzip, length) = match peer {
            Peer::Longwire => (plan.target.gzip, plan.target.length),
            Peer::Bare => (false, LengthReading::Body),
        };
        let mut rng = fastrand::Rng::with_seed(plan.seed);
        let run = rng.u32(..);
        let padding = (STAMP_BYTES..plan.shape.size).map(|_| rng.lowercase() as u8).collect();
        Self {
            peer,
            dialect: Dialect { length, version: 0, gzip },
            codes: CommandMap::default(),
            run,
            padding,
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(crate) fn room(&self, room: u32) -> String {
        room_name(self.run, room)
    }

    /// What a frame from the server is about; `None` for a code without a meaning.
    pub(crate) fn command(&self, code: u8) -> Option<Command> {
        self.codes.command(code)
    }

    pub(crate) fn put_login(&self, out: &mut Vec<u8>, login: Option<(&str, &str)>) {
        let mut body = Vec::new();
        if let Some((user, token)) = login {
            put_login(&mut body, token, user, LoginFields::default());
        }
        let compression = if self.dialect.gzip { Compression::Gzip } else { Compression::None };
        if self.dialect.gzip && !body.is_empty() {
            let mut member = Vec::new();
            Deflater::new(GZIP_LEVEL).deflate(&body, &mut member);
            body = member;
        }
        let code = self.codes.code(Command::Login);
        put_header(out, self.dialect, code, Flow::Request, compression, 1, Status::OK, body.len());
        out.extend_from_slice(&body);
    }

    pub(crate) fn put_join(&self, out: &mut Vec<u8>, room: u32) {
        let mut body = Vec::new();
        put_join(&mut body, &self.room(room));
        self.put(out, Command::JoinCr, 2, &body);
    }

    pub(crate) fn put_ping(&self, out: &mut Vec<u8>) {
        self.put(out, Command::Ping, 3, b"");
    }

    pub(crate) fn put_logout(&self, out: &mut Vec<u8>) {
        self.put(out, Command::Logout, 4, b"");
    }

    fn put(&self, out: &mut Vec<u8>, command: Command, seq: u32, body: &[u8]) {
        put_frame(out, self.dialect, self.codes.code(command), Flow::Request, seq, Status::OK, body);
    }

    /// A sender's messages: a CMS, or for the bare loop the record that a server would make of it.
    pub(crate) fn template(&self, user: &str, room: u32, sender: u32, unix_ms: u64) -> Template {
        let stamp =
            Stamp { run: self.run, sender, seq: 0x5EED_5EED, at_ns: 0x5EED_5EED_5EED_5EED }.to_bytes();
        let content = [&stamp[..], &self.padding].concat();
        let mut message = Message { content, to: self.room(room), ..Message::default() };
        let (mut bytes, mut fields) = (Vec::new(), Vec::new());
        match self.peer {
            Peer::Longwire => {
                put_cms(&mut fields, &message);
                self.put(&mut bytes, Command::Cms, 5, &fields);
            }
            Peer::Bare => {
                message.from = user.to_owned();
                put_cms(&mut fields, &message);
                put_record(&mut bytes, &fields, fields.len(), unix_ms);
            }
        }
        let stamp_at = bytes.windows(STAMP_BYTES).position(|window| window == stamp);
        Template { bytes, stamp_at: stamp_at.unwrap_or(0) }
    }
}

impl Template {
    pub(crate) fn put(&self, out: &mut Vec<u8>, stamp: Stamp) {
        let at = out.len() + self.stamp_at;
        out.extend_from_slice(&self.bytes);
        out[at..at + STAMP_BYTES].copy_from_slice(&stamp.to_bytes());
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire_wire::{Cms, CmsRules, Decoder, LoginKind, LoginRequest, parse_push, put_record_fields};

    fn speech(peer: Peer, gzip: bool) -> Speech {
        let mut plan = crate::plan::tests::plan();
        plan.target.gzip = gzip;
        plan.target.length = LengthReading::Rest;
        Speech::new(&plan, peer)
    }

    #[test]
    fn a_hello_comes_back_as_it_went() {
        let hello = Hello { room: 7, run: 0x0102_0304, record_bytes: 70_000 };
        assert_eq!(Hello::of(&hello.to_bytes()), hello);
    }

    #[test]
    fn a_message_to_a_server_is_a_cms_with_its_stamp() {
        let speech = speech(Peer::Longwire, false);
        let template = speech.template("ada", 3, 1, 5);
        let stamp = Stamp { run: speech.run, sender: 1, seq: 9, at_ns: 77 };
        let mut out = b"before".to_vec();
        template.put(&mut out, stamp);
        let (frame, taken) = Decoder::new(LengthReading::Rest, 1 << 16).next(&out[6..]).unwrap().unwrap();
        assert_eq!((taken, template.bytes()), (out.len() - 6, out.len() - 6));
        assert_eq!(speech.command(frame.header.command), Some(Command::Cms));
        let mut push = Vec::new(); // a CMS is a record without what the server adds
        put_record(&mut push, frame.body, frame.body.len(), 0);
        let (_, messages) = parse_push(&push).unwrap();
        assert_eq!((messages[0].to.as_str(), messages[0].content.len()), (speech.room(3).as_str(), 128));
        assert_eq!(Stamp::of(&messages[0].content), Some(stamp));
    }

    #[test]
    fn a_record_for_the_bare_loop_is_what_a_push_holds() {
        let speech = speech(Peer::Bare, false);
        let mut record = Vec::new();
        let stamp = Stamp { run: speech.run, sender: 1, seq: 9, at_ns: 77 };
        speech.template("ada", 3, 1, 1_700_000_000_000).put(&mut record, stamp);
        let (_, messages) = parse_push(&record).unwrap();
        assert_eq!(messages[0].from, "ada");
        assert_eq!(messages[0].to, speech.room(3));
        assert_eq!(messages[0].timestamp_ms, 1_700_000_000_000);
        assert_eq!(messages[0].content.len(), 128);
        assert_eq!(Stamp::of(&messages[0].content), Some(stamp));
    }

    /// Or comparing the two would mean nothing.
    #[test]
    fn the_bare_loop_sends_the_bytes_that_longwire_would() {
        let plan = crate::plan::tests::plan();
        let [server, bare] = [Peer::Longwire, Peer::Bare].map(|peer| Speech::new(&plan, peer));
        let (user, ms) = ("bench-0000000000", 1_700_000_000_000);
        let stamp = Stamp { run: server.run, sender: 0, seq: 1, at_ns: 2 };
        let (mut cms, mut record) = (Vec::new(), Vec::new());
        server.template(user, 9, 0, ms).put(&mut cms, stamp);
        bare.template(user, 9, 0, ms).put(&mut record, stamp);
        let rules = CmsRules { id_max: 128, content_max: 1 << 16, relay_fields: &[] };
        let cms = Cms::parse(&cms[HEADER_BYTES..], &rules).unwrap();
        let (mut fields, mut spliced) = (Vec::new(), Vec::new());
        let split = put_record_fields(&mut fields, &cms, &rules, user, None);
        put_record(&mut spliced, &fields, split, ms);
        assert_eq!(record, spliced);
    }

    #[test]
    fn a_login_shows_gzip_with_and_without_a_body() {
        let speech = speech(Peer::Longwire, true);
        for login in [None, Some(("ada", "token"))] {
            let mut out = Vec::new();
            speech.put_login(&mut out, login);
            let (frame, _) = Decoder::new(LengthReading::Rest, 1 << 16).next(&out).unwrap().unwrap();
            assert_eq!(frame.header.flag.compression(), Compression::Gzip);
            let mut body = Vec::new();
            longwire_wire::Inflater::new().inflate(frame.body, 8192, &mut body).unwrap();
            let kind = LoginRequest::parse(&body, LoginFields::default()).unwrap().kind();
            assert_eq!(kind, if login.is_some() { LoginKind::User } else { LoginKind::Guest });
        }
    }
}
