//! A session against scripted bytes: no socket, no clock.

use super::*;
use crate::{
    Invalid, ProtocolError,
    limits::{READ_BYTES_MAX, REFUSALS_KEPT_MAX, SENDS_REMEMBERED_MAX},
};
use longwire_wire::{
    CommandMap, Compression, ConnectFlag, Decoder, Deflater, Detected, Dialect, FirstFrameRules, Flow,
    FrameError, HEADER_BYTES, Header, Inflater, LengthReading, LoginRequest, Status, detect_first, put_frame,
    put_header,
};

const LOGIN: u8 = 1;
const PING: u8 = 3;
const PONG: u8 = 4;
const JOIN: u8 = 5;
const CMS: u8 = 6;
const S: Duration = Duration::from_secs(1);

fn user() -> crate::ConfigBuilder {
    Config::builder("server:7610").user("alice", "secret")
}

/// A session and the time it is told.
struct Talk {
    session: Session,
    now: Instant,
    length: LengthReading,
}

/// A frame of the client's, as the server reads it.
#[derive(Debug)]
struct Request {
    code: u8,
    seq: u32,
    flag: ConnectFlag,
    body: Vec<u8>,
}

impl Talk {
    fn new(config: &Config, login: &Login, standing: Standing) -> Self {
        let now = Instant::now();
        let session = Session::new(config, login, standing, 1, now);
        Self { session, now, length: config.wire.length }
    }

    /// Alice, logged in, in the lobby; LOGIN took seq 1 and JOIN seq 2.
    fn in_lobby(config: crate::ConfigBuilder) -> Self {
        let config = config.build().unwrap();
        let mut talk = Self::new(&config, &Login::user("alice", "secret"), Standing::default());
        assert_eq!(talk.hear(&answer(LOGIN, 1, 0)), ["logged in"]);
        talk.session.join("lobby", talk.now).unwrap();
        assert_eq!(talk.hear(&answer(JOIN, 2, 0)), ["1: Done"]);
        talk.sent();
        talk
    }

    /// The next connection of the same client.
    fn reconnect(self, config: &Config) -> Self {
        Self::new(config, &Login::user("alice", "secret"), self.session.into_standing())
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<String> {
        self.session.handle_bytes(bytes, self.now);
        std::iter::from_fn(|| self.session.poll_event()).map(told).collect()
    }

    fn pass(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        self.session.handle_timeout(self.now);
        self.hear(&[])
    }

    fn send(&mut self, text: &str) -> SendId {
        self.session.send(Outgoing::new("lobby", text), self.now).unwrap()
    }

    /// What the socket takes; all of it.
    fn sent(&mut self) -> Vec<Request> {
        let bytes = self.session.poll_transmit().to_vec();
        self.session.handle_transmitted(bytes.len());
        let (mut rest, mut requests) = (&bytes[..], Vec::new());
        while let Some((frame, taken)) = Decoder::new(self.length, u32::MAX).next(rest).unwrap() {
            let Header { command: code, seq, flag, .. } = frame.header;
            assert_eq!(flag.flow(), Flow::Request);
            requests.push(Request { code, seq, flag, body: frame.body.to_vec() });
            rest = &rest[taken..];
        }
        assert!(rest.is_empty(), "half a frame of our own");
        requests
    }

    fn sent_codes(&mut self) -> Vec<u8> {
        self.sent().iter().map(|request| request.code).collect()
    }
}

fn told(event: SessionEvent) -> String {
    match event {
        SessionEvent::LoggedIn => "logged in".into(),
        SessionEvent::Answered(ticket, Ok(answer)) => format!("{}: {answer:?}", ticket.0),
        SessionEvent::Answered(ticket, Err(refusal)) => format!("{}: {refusal}", ticket.0),
        SessionEvent::Message(message) => {
            let Received { room, from, timestamp_ms, message_type, .. } = &message;
            format!("{room} {from}@{timestamp_ms} {message_type:?}: {}", message.text().unwrap_or("?"))
        }
        SessionEvent::Refused(refusal) => format!("refused {refusal}"),
        SessionEvent::Failed(fault) => format!("failed: {fault}"),
    }
}

const DIALECT: Dialect = Dialect { length: LengthReading::Body, version: 0, gzip: false };

fn frame_in(length: LengthReading, code: u8, flow: Flow, seq: u32, status: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_frame(&mut out, Dialect { length, ..DIALECT }, code, flow, seq, Status(status), body);
    out
}

fn answer(code: u8, seq: u32, status: u8) -> Vec<u8> {
    frame_in(LengthReading::Body, code, Flow::Answer, seq, status, &[])
}

fn push(body: &[u8]) -> Vec<u8> {
    frame_in(LengthReading::Body, CMS, Flow::Notify, 0, 0, body)
}

fn gzip_push_in(length: LengthReading, body: &[u8]) -> Vec<u8> {
    let (mut zipped, mut out) = (Vec::new(), Vec::new());
    Deflater::new(6).deflate(body, &mut zipped);
    let dialect = Dialect { length, ..DIALECT };
    put_header(&mut out, dialect, CMS, Flow::Notify, Compression::Gzip, 0, Status::OK, zipped.len());
    out.extend(zipped);
    out
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn bytes_field(number: u8, value: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// A push body written by hand: (from, text, type) each.
fn batch(room: &str, messages: &[(&str, &str, u8)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (n, (from, text, kind)) in messages.iter().enumerate() {
        let mut record = Vec::new();
        bytes_field(1, text.as_bytes(), &mut record);
        bytes_field(2, from.as_bytes(), &mut record);
        record.push(4 << 3);
        varint(1000 + n as u64, &mut record);
        record.extend([6 << 3, *kind]);
        bytes_field(1, &record, &mut body);
    }
    bytes_field(2, room.as_bytes(), &mut body);
    body
}

fn seed() -> u64 {
    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    seed
}

//= PROTOCOL.md#1.4
// The first frame is a LOGIN; a server tells the dialect from it.
#[test]
fn a_server_reads_our_login_in_the_dialect_we_chose() {
    for length in [LengthReading::Body, LengthReading::Rest] {
        for (gzip, version) in [(false, 0), (true, 3)] {
            for login in [Login::Guest, Login::user("alice", "secret")] {
                let config = user().length(length).gzip(gzip).version(version).build().unwrap();
                let talk = Talk::new(&config, &login, Standing::default());
                check_login(talk.session.poll_transmit(), &login, Dialect { length, version, gzip });
            }
        }
    }
}

fn check_login(bytes: &[u8], login: &Login, expected: Dialect) {
    let (commands, mut scratch) = (CommandMap::default(), Vec::new());
    let rules = FirstFrameRules {
        commands: &commands,
        login: LoginFields::default(),
        length: None,
        login_max: 8192,
        versions: 0xFFFF,
    };
    match detect_first(bytes, &rules, &mut Inflater::new(), &mut scratch) {
        Detected::Login { frame, dialect, taken } => {
            assert_eq!((dialect, taken), (expected, bytes.len()), "{login:?}");
            let mut body = frame.body.to_vec();
            if dialect.gzip {
                Inflater::new().inflate(frame.body, 8192, &mut body).unwrap();
            }
            let request = LoginRequest::parse(&body, LoginFields::default()).unwrap();
            let user = Some(request.user_id).filter(|user| !user.is_empty());
            assert_eq!(user, login.user_id());
        }
        _ => panic!("{login:?} in {expected:?} is no LOGIN: {bytes:x?}"),
    }
}

#[test]
fn a_refused_login_ends_the_session_with_its_status() {
    for (status, is_final) in
        [(2, true), (3, true), (7, true), (5, false), (11, false), (12, false), (77, false)]
    {
        let mut talk = Talk::new(&user().build().unwrap(), &Login::Guest, Standing::default());
        talk.session.handle_bytes(&answer(LOGIN, 1, status), talk.now);
        match talk.session.poll_event() {
            Some(SessionEvent::Failed(fault @ Fault::LoginRefused(Status(code)))) => {
                assert_eq!((code, fault.is_final()), (status, is_final));
            }
            other => panic!("{other:?}"),
        }
        assert!(talk.hear(&answer(LOGIN, 1, 0)).is_empty(), "nothing after the end");
        assert!(talk.session.poll_transmit().is_empty());
    }
}

#[test]
fn a_login_without_an_answer_times_out() {
    let mut talk = Talk::new(&user().build().unwrap(), &Login::Guest, Standing::default());
    assert_eq!(talk.session.poll_timeout(), Some(talk.now + 10 * S));
    assert_eq!(talk.pass(10 * S), ["failed: the login was not answered in time"]);
}

#[test]
fn nothing_is_taken_before_the_login_is_answered() {
    let mut talk = Talk::new(&user().build().unwrap(), &Login::Guest, Standing::default());
    assert!(matches!(talk.session.join("lobby", talk.now), Err(CallError::NotConnected)));
    for early in [push(&batch("lobby", &[("bob", "hi", 0)])), answer(PONG, 9, 0), answer(LOGIN, 7, 0)] {
        let mut talk = Talk::new(&user().build().unwrap(), &Login::Guest, Standing::default());
        let expected = format!("failed: the server broke the protocol: {}", ProtocolError::BeforeLogin);
        assert_eq!(talk.hear(&early), [expected]);
    }
}

#[test]
fn messages_come_with_room_sender_time_and_type() {
    let mut talk = Talk::in_lobby(user());
    let body = batch("lobby", &[("bob", "hi", 0), ("carol", "🎁", 2), ("", "banned", 1), ("dan", "", 9)]);
    let expected = [
        "lobby bob@1000 Normal: hi",
        "lobby carol@1001 Gift: 🎁",
        "lobby @1002 Notify: banned",
        "lobby dan@1003 Other(9): ",
    ];
    assert_eq!(talk.hear(&push(&body)), expected);
    assert_eq!(talk.hear(&gzip_push_in(LengthReading::Body, &body)), expected);
}

#[test]
fn a_refusal_names_the_call_it_answers() {
    let mut talk = Talk::in_lobby(user());
    let (first, second) = (talk.send("a"), talk.send("b"));
    assert_eq!((first, second), (SendId(1), SendId(2)));
    let ticket = talk.session.join("secret", talk.now).unwrap();
    let requests = talk.sent();
    let seqs: Vec<_> = requests.iter().map(|request| request.seq).collect();
    assert_eq!(seqs, [3, 4, 5]);
    assert_eq!(talk.hear(&answer(CMS, 4, 6)), ["refused message 2 to lobby: MUTED (6)"]);
    assert_eq!(talk.hear(&answer(JOIN, 5, 7)), [format!("{}: join of secret: BANNED (7)", ticket.0)]);
    assert_eq!(talk.hear(&answer(CMS, 3, 200)), ["refused message 1 to lobby: status 200"]);
}

#[test]
fn an_answer_is_handed_over_once() {
    let mut talk = Talk::in_lobby(user());
    talk.send("a");
    talk.session.join("b", talk.now).unwrap();
    assert_eq!(talk.hear(&answer(CMS, 3, 5)), ["refused message 1 to lobby: RATE_LIMITED (5)"]);
    assert_eq!(talk.hear(&answer(CMS, 3, 5)), ["refused frame 3 (command 6): RATE_LIMITED (5)"]);
    assert_eq!(talk.hear(&answer(JOIN, 4, 0)).len(), 1);
    assert!(talk.hear(&answer(JOIN, 4, 0)).is_empty());
    assert!(talk.hear(&answer(LOGIN, 1, 0)).is_empty());
    assert_eq!(talk.hear(&answer(99, 4, 10)), ["refused frame 4 (command 99): UNSUPPORTED (10)"]);
}

#[test]
fn an_answer_of_another_command_answers_nothing() {
    let mut talk = Talk::in_lobby(user());
    let ticket = talk.session.join("b", talk.now).unwrap();
    assert!(talk.hear(&answer(PONG, 3, 0)).is_empty());
    assert!(talk.hear(&answer(LOGIN, 3, 0)).is_empty());
    assert_eq!(talk.hear(&answer(JOIN, 3, 0)), [format!("{}: Done", ticket.0)]);
}

#[test]
fn sends_are_remembered_up_to_a_bound() {
    let mut talk = Talk::in_lobby(user());
    for _ in 0..SENDS_REMEMBERED_MAX + 1 {
        talk.send("x");
        talk.sent();
    }
    assert_eq!(talk.hear(&answer(CMS, 3, 5)), ["refused frame 3 (command 6): RATE_LIMITED (5)"]);
    assert_eq!(talk.hear(&answer(CMS, 4, 5)), ["refused message 2 to lobby: RATE_LIMITED (5)"]);
}

#[test]
fn a_flush_waits_for_its_own_pong_and_tells_what_was_refused_before() {
    let mut talk = Talk::in_lobby(user());
    talk.send("a");
    let ping = talk.session.ping(talk.now).unwrap();
    talk.send("b");
    let flush = talk.session.flush(talk.now).unwrap();
    assert_eq!(talk.sent_codes(), [CMS, PING, CMS, PING]);
    talk.now += S;
    assert_eq!(talk.hear(&answer(PONG, 4, 0)), [format!("{}: Pong(1s)", ping.0)]);
    talk.hear(&answer(CMS, 5, 14));
    let refused = vec![Refusal {
        call: crate::Call::Send { id: SendId(2), room: Arc::from("lobby") },
        status: Status::REJECTED,
    }];
    let flushed = Flushed { round_trip: S, refused, refused_more: 0 };
    assert_eq!(talk.hear(&answer(PONG, 6, 0)), [format!("{}: Flushed({flushed:?})", flush.0)]);
    assert_eq!(talk.session.round_trip(), Some(S));
    let flush = talk.session.flush(talk.now).unwrap();
    let clean = Flushed { round_trip: Duration::ZERO, refused: vec![], refused_more: 0 };
    assert_eq!(talk.hear(&answer(PONG, 7, 0)), [format!("{}: Flushed({clean:?})", flush.0)], "told once");
}

#[test]
fn refusals_kept_for_a_flush_are_bounded_and_counted() {
    let mut talk = Talk::in_lobby(user());
    for seq in 3..3 + REFUSALS_KEPT_MAX as u32 + 5 {
        talk.send("x");
        talk.hear(&answer(CMS, seq, 5));
    }
    let (kept, more) = talk.session.standing.take_refused();
    assert_eq!((kept.len(), more), (REFUSALS_KEPT_MAX, 5));
}

#[test]
fn a_flush_after_a_reconnect_does_not_vouch_for_lost_sends() {
    let config = user().build().unwrap();
    let mut talk = Talk::in_lobby(user());
    talk.send("a");
    let mut talk = talk.reconnect(&config);
    talk.hear(&answer(LOGIN, 1, 0));
    assert!(matches!(talk.session.flush(talk.now), Err(CallError::Lost)));
    assert!(talk.session.flush(talk.now).is_ok(), "told once");
}

#[test]
fn a_loss_that_cost_no_sends_leaves_the_next_flush_alone() {
    let config = user().build().unwrap();
    let mut seen = Talk::in_lobby(user());
    seen.send("a");
    seen.session.ping(seen.now).unwrap();
    seen.hear(&answer(PONG, 4, 0));
    let mut told = Talk::in_lobby(user());
    told.send("a");
    told.session.flush(told.now).unwrap();
    for talk in [seen, told] {
        let mut talk = talk.reconnect(&config);
        talk.hear(&answer(LOGIN, 1, 0));
        assert!(talk.session.flush(talk.now).is_ok());
        assert_eq!(talk.send("b"), SendId(2), "ids go on over reconnects");
    }
}

#[test]
fn a_silent_session_pings_and_gives_up_without_a_pong() {
    let mut talk = Talk::in_lobby(user());
    assert!(talk.pass(13 * S).is_empty());
    assert!(talk.sent().is_empty());
    assert!(talk.pass(S).is_empty());
    assert_eq!(talk.sent_codes(), [PING]);
    talk.now += S;
    assert!(talk.hear(&answer(PONG, 3, 0)).is_empty(), "a heartbeat is nobody's call");
    assert_eq!(talk.session.round_trip(), Some(S));
    talk.pass(13 * S);
    assert_eq!(talk.sent_codes(), [PING]);
    assert_eq!(talk.pass(10 * S), ["failed: the server did not answer a ping in time"]);
}

#[test]
fn heartbeats_go_on_while_events_are_unread() {
    let mut talk = Talk::in_lobby(user());
    talk.session.handle_reading(false, talk.now);
    for _ in 0..100 {
        assert!(talk.pass(14 * S).is_empty());
        assert_eq!(talk.sent_codes(), [PING]);
    }
    assert_eq!(talk.session.pending.len(), 1, "one heartbeat is remembered, not a hundred");
    talk.session.handle_reading(true, talk.now);
    let pongs: Vec<u8> = (3..103).flat_map(|seq| answer(PONG, seq, 0)).collect();
    assert!(talk.hear(&pongs).is_empty());
    assert!(talk.pass(9 * S).is_empty());
}

#[test]
fn a_reconnect_joins_the_same_rooms_in_the_same_order() {
    let config = user().build().unwrap();
    let mut talk = Talk::in_lobby(user());
    for (seq, room) in [(3, "b"), (4, "a"), (5, "lobby"), (6, "refused")] {
        talk.session.join(room, talk.now).unwrap();
        talk.hear(&answer(JOIN, seq, if seq == 6 { 7 } else { 0 }));
    }
    let mut talk = talk.reconnect(&config);
    assert_eq!(talk.sent_codes(), [LOGIN]);
    assert_eq!(talk.hear(&answer(LOGIN, 1, 0)), ["logged in"]);
    let bodies: Vec<_> =
        talk.sent().into_iter().map(|join| String::from_utf8(join.body[2..].to_vec()).unwrap()).collect();
    assert_eq!(bodies, ["lobby", "b", "a"]);
}

#[test]
fn a_room_that_cannot_be_joined_again_now_is_tried_later_and_a_forbidden_one_forgotten() {
    let config = user().build().unwrap();
    let mut talk = Talk::in_lobby(user());
    talk.session.join("b", talk.now).unwrap();
    talk.hear(&answer(JOIN, 3, 0));
    let mut talk = talk.reconnect(&config);
    talk.hear(&answer(LOGIN, 1, 0));
    talk.sent();
    assert_eq!(talk.hear(&answer(JOIN, 2, 7)), ["refused joining lobby again: BANNED (7)"]);
    assert_eq!(talk.hear(&answer(JOIN, 3, 5)), ["refused joining b again: RATE_LIMITED (5)"]);
    assert!(talk.session.poll_timeout().unwrap() <= talk.now + S / 2, "the first ceiling is half a second");
    talk.pass(S / 2);
    let again = talk.sent();
    assert_eq!(again.len(), 1);
    assert_eq!(&again[0].body[2..], b"b");
    assert!(talk.hear(&answer(JOIN, again[0].seq, 0)).is_empty());
    assert_eq!(talk.session.standing.rooms(), [Arc::from("b")]);
}

//= PROTOCOL.md#8.7
// A guest becomes a user on the same connection.
#[test]
fn a_second_login_is_answered_like_any_call() {
    let mut talk = Talk::in_lobby(Config::builder("server:7610"));
    let ok = talk.session.login(&Login::user("alice", "secret"), talk.now).unwrap();
    let bad = talk.session.login(&Login::user("alice", "wrong"), talk.now).unwrap();
    assert_eq!(talk.sent_codes(), [LOGIN, LOGIN]);
    assert_eq!(talk.hear(&answer(LOGIN, 3, 0)), [format!("{}: Done", ok.0)]);
    assert_eq!(talk.hear(&answer(LOGIN, 4, 2)), [format!("{}: login: UNAUTHENTICATED (2)", bad.0)]);
    assert!(talk.pass(S).is_empty(), "the session goes on");
}

#[test]
fn logout_is_the_last_frame() {
    let mut talk = Talk::in_lobby(user());
    talk.send("a");
    talk.session.logout();
    talk.session.logout();
    assert!(matches!(talk.session.ping(talk.now), Err(CallError::Closed)));
    assert_eq!(talk.sent_codes(), [CMS, 2]);
    assert_eq!(talk.hear(&answer(CMS, 3, 6)), ["refused message 1 to lobby: MUTED (6)"], "still read");
}

//= PROTOCOL.md#6.7
// The first LOGIN shows gzip, with or without a body; later bodies from the threshold up.
#[test]
fn bodies_are_gzipped_from_the_threshold_up_where_it_helps() {
    let mut talk = Talk::in_lobby(user().gzip(true).gzip_bytes_min(100));
    talk.send("short");
    talk.send(&"long ".repeat(100));
    let noise: String = std::iter::repeat_with(fastrand::alphanumeric).take(120).collect();
    talk.send(&noise);
    let flags: Vec<_> = talk.sent().iter().map(|request| request.flag.compression()).collect();
    assert_eq!(flags[..2], [Compression::None, Compression::Gzip]);
    assert!(talk.session.ping(talk.now).is_ok());
    assert_eq!(talk.sent()[0].flag.compression(), Compression::None);
}

#[test]
fn what_the_protocol_cannot_carry_is_not_sent() {
    let mut talk = Talk::in_lobby(user());
    let too_long = talk.session.send(Outgoing::new("lobby", vec![0; 65_536]), talk.now);
    assert!(matches!(too_long, Err(CallError::Invalid(Invalid::TooLarge { max: 65_536, .. }))));
    assert!(talk.session.send(Outgoing::new("lobby", vec![0; 65_000]), talk.now).is_ok());
    talk.sent();
    assert!(matches!(talk.session.join("", talk.now), Err(CallError::Invalid(_))));
    assert!(matches!(talk.session.send(Outgoing::new("a\n", "x"), talk.now), Err(CallError::Invalid(_))));
    assert!(matches!(talk.session.login(&Login::user("", "x"), talk.now), Err(CallError::Invalid(_))));
    assert!(talk.sent().is_empty());
}

#[test]
fn unanswered_calls_are_bounded() {
    let mut talk = Talk::in_lobby(user());
    for _ in 0..CALLS_PENDING_MAX {
        talk.session.ping(talk.now).unwrap();
    }
    assert!(matches!(talk.session.ping(talk.now), Err(CallError::TooMany { .. })));
    talk.hear(&answer(PONG, 3, 0));
    assert!(talk.session.ping(talk.now).is_ok());
}

/// A long talk of the server's, in a reading.
fn script(length: LengthReading) -> Vec<u8> {
    let frame = |code, flow, seq, status, body: &[u8]| frame_in(length, code, flow, seq, status, body);
    let answer = |code, seq, status| frame(code, Flow::Answer, seq, status, &[]);
    let long = batch("lobby", &[("carol", &"long ".repeat(300), 2), ("bob", "x", 0)]);
    [
        answer(LOGIN, 1, 0),
        answer(JOIN, 2, 0),
        frame(CMS, Flow::Notify, 0, 0, &batch("lobby", &[("bob", "one", 0)])),
        answer(CMS, 3, 6),
        gzip_push_in(length, &long),
        frame(70, Flow::Notify, 0, 0, b"a later server's"),
        answer(PONG, 4, 0),
        frame(CMS, Flow::Notify, 0, 0, &batch("other", &[("bob", "two", 0), ("dan", "three", 0)])),
        answer(JOIN, 5, 12),
        frame(CMS, Flow::Notify, 0, 0, &long),
        answer(LOGIN, 6, 5),
    ]
    .concat()
}

/// Hears the script in these pieces, making its calls once logged in.
fn hear_in_pieces<'a>(length: LengthReading, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let config = user().length(length).build().unwrap();
    let mut talk = Talk::new(&config, &Login::user("alice", "secret"), Standing::default());
    let mut heard = Vec::new();
    for piece in pieces {
        talk.session.handle_bytes(piece, talk.now);
        while let Some(event) = talk.session.poll_event() {
            if matches!(event, SessionEvent::LoggedIn) {
                talk.session.join("lobby", talk.now).unwrap();
                talk.send("x");
                talk.session.ping(talk.now).unwrap();
                talk.session.join("full", talk.now).unwrap();
                talk.session.login(&Login::user("alice", "again"), talk.now).unwrap();
            }
            heard.push(told(event));
        }
    }
    heard
}

/// TCP may cut the stream anywhere; where it cuts must not change what we hear.
#[test]
fn cuts_do_not_change_what_is_heard() {
    for length in [LengthReading::Body, LengthReading::Rest] {
        let script = script(length);
        let whole = hear_in_pieces(length, [&script[..]].into_iter());
        assert_eq!(whole.len(), 13, "{whole:#?}");
        assert!(!whole.iter().any(|told| told.contains("failed")), "{whole:#?}");
        for cut in 0..=script.len() {
            let (a, b) = script.split_at(cut);
            assert_eq!(hear_in_pieces(length, [a, b].into_iter()), whole, "{length:?}, cut at {cut}");
        }
        for size in 1..40 {
            assert_eq!(hear_in_pieces(length, script.chunks(size)), whole, "{length:?}, pieces of {size}");
        }
    }
}

/// Whatever a server sends: no panic, no more memory than the bounds, and at most one end.
#[test]
fn hostile_bytes_end_in_a_fault_or_nothing() {
    let seed = seed();
    let mut rng = fastrand::Rng::with_seed(seed);
    for round in 0..2000 {
        let mut bytes = script(LengthReading::Body);
        match rng.u8(0..3) {
            0 => {
                let len = rng.usize(0..400);
                bytes = std::iter::repeat_with(|| rng.u8(..)).take(len).collect();
            }
            1 => (0..rng.usize(1..8)).for_each(|_| {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }),
            _ => {
                let (a, b) = (rng.usize(..bytes.len()), rng.usize(..bytes.len()));
                bytes.drain(a.min(b)..a.max(b));
            }
        }
        let heard = hear_in_pieces(LengthReading::Body, bytes.chunks(rng.usize(1..200)));
        let ends = heard.iter().filter(|told| told.starts_with("failed")).count();
        assert!(ends <= 1, "SEED={seed}, round {round}: {heard:#?}");
        if ends == 1 {
            assert!(heard.last().unwrap().starts_with("failed"), "SEED={seed}, round {round}: {heard:#?}");
        }
    }
}

fn fault_of(bytes: &[u8]) -> ProtocolError {
    let mut talk = Talk::in_lobby(user().frame_bytes_max(10_000));
    talk.session.handle_bytes(bytes, talk.now);
    match std::iter::from_fn(|| talk.session.poll_event()).last() {
        Some(SessionEvent::Failed(Fault::Protocol(error))) => error,
        other => panic!("{other:?} for {bytes:x?}"),
    }
}

#[test]
fn planted_hostile_frames_are_known_for_what_they_are() {
    let header = |len: u32, flag: u8| {
        Header { len, seq: 0, command: CMS, flag: ConnectFlag(flag), status: 0 }.to_bytes().to_vec()
    };
    let from_header_alone = fault_of(&header(10_001, 2));
    assert!(matches!(from_header_alone, ProtocolError::Frame(FrameError::TooLarge { .. })));
    assert!(matches!(fault_of(&header(u32::MAX, 2)), ProtocolError::Frame(_)));
    assert!(matches!(fault_of(&header(0, 0)), ProtocolError::Flow(0)));
    assert!(matches!(fault_of(&header(0, 3)), ProtocolError::Flow(3)));
    assert!(matches!(fault_of(&header(0, 0b1010)), ProtocolError::ReservedCompression));
    assert!(matches!(fault_of(&header(0, 0b1110)), ProtocolError::ReservedCompression));
    assert!(matches!(fault_of(&push(b"\xff\xff")), ProtocolError::Push(_)));
    assert!(matches!(fault_of(&[header(3, 0b0110), b"zip".to_vec()].concat()), ProtocolError::Inflate(_)));
    let bomb = gzip_push_in(LengthReading::Body, &batch("lobby", &[("eve", &"0".repeat(1_000_000), 0)]));
    assert!(bomb.len() < 10_000);
    assert!(matches!(fault_of(&bomb), ProtocolError::Inflate(_)));
}

#[test]
fn input_held_is_bounded_by_one_frame_and_one_read() {
    let mut talk = Talk::in_lobby(user().frame_bytes_max(10_000));
    let flood: Vec<u8> = push(&batch("lobby", &[("eve", &"x".repeat(9_900), 0)])).repeat(100);
    let mut heard = 0;
    for piece in flood.chunks(READ_BYTES_MAX) {
        heard += talk.hear(piece).len();
        assert!(talk.session.inbound.held() <= 10_000 + HEADER_BYTES + READ_BYTES_MAX);
    }
    assert_eq!(heard, 100);
}

#[test]
fn a_push_without_messages_is_silent() {
    let mut talk = Talk::in_lobby(user());
    assert!(talk.hear(&push(&batch("lobby", &[]))).is_empty());
    assert!(talk.hear(&push(&[])).is_empty());
}

#[test]
fn a_deployment_may_number_commands_and_login_fields_its_own_way() {
    let commands = CommandMap::new([11, 12, 13, 14, 15, 16]).unwrap();
    let config =
        user().commands(commands).login_fields(LoginFields { token: 7, user_id: 9 }).build().unwrap();
    let mut talk = Talk::new(&config, &Login::user("alice", "secret"), Standing::default());
    let login = talk.sent().remove(0);
    assert_eq!(login.code, 11);
    let parsed = LoginRequest::parse(&login.body, LoginFields { token: 7, user_id: 9 }).unwrap();
    assert_eq!((parsed.token, parsed.user_id), ("secret", "alice"));
    assert_eq!(talk.hear(&answer(11, 1, 0)), ["logged in"]);
    talk.session.ping(talk.now).unwrap();
    assert_eq!(talk.sent_codes(), [13]);
    assert_eq!(talk.hear(&answer(14, 2, 0)).len(), 1);
    let message = frame_in(LengthReading::Body, 16, Flow::Notify, 0, 0, &batch("lobby", &[("bob", "hi", 0)]));
    assert_eq!(talk.hear(&message), ["lobby bob@1000 Normal: hi"]);
}
