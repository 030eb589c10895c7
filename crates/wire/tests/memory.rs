//! What this crate allocates: nothing on the hot path, and never by a peer's word.
#![allow(clippy::unwrap_used, reason = "a test")]
use allocation_counter::{AllocationInfo, measure};
use longwire_wire::{
    Cms, CmsRules, CommandMap, Compression, Decoder, Deflater, Detected, Dialect, FirstFrameRules, Flow,
    Inflater, LengthReading, LoginFields, LoginRequest, Message, Status, UserInfo, detect_first, limits,
    parse_join, parse_push, put_cms, put_frame, put_header, put_join, put_login, put_record,
    put_record_fields, put_room_tail,
};

const REST: Dialect = Dialect { length: LengthReading::Rest, version: 0, gzip: false };
const RULES: CmsRules<'_> = CmsRules {
    id_max: limits::ID_BYTES_MAX,
    content_max: limits::BODY_BYTES_MAX as usize,
    relay_fields: &[7],
};

#[track_caller]
fn allocates_nothing(work: impl FnOnce()) {
    let AllocationInfo { count_total, bytes_total, .. } = measure(work);
    assert_eq!((count_total, bytes_total), (0, 0));
}

fn a_cms_with_everything() -> Vec<u8> {
    let tags = (0..64).map(|tag| format!("tag {tag}")).collect();
    let user = Some(UserInfo { level: 9, room_level: 300, nickname: "名字".into(), tags });
    let message =
        Message { content: vec![7; 4000], to: "lobby".into(), user, message_type: 2, ..Message::default() };
    let mut body = b"\x3A\x05extra".to_vec();
    put_cms(&mut body, &message);
    body
}

#[test]
fn frames_and_bodies_are_read_in_place() {
    let (mut login, mut join) = (Vec::new(), Vec::new());
    put_login(&mut login, "token", "alice", LoginFields::default());
    put_join(&mut join, "lobby");
    let mut stream = Vec::new();
    for body in [&login, &join, &a_cms_with_everything()] {
        put_frame(&mut stream, REST, 1, Flow::Request, 0, Status::OK, body);
    }
    allocates_nothing(|| {
        let mut decoder = Decoder::new(LengthReading::Rest, limits::BODY_BYTES_MAX);
        let mut rest = &stream[..];
        let mut bodies = [&b""[..]; 3];
        for body in &mut bodies {
            let (frame, taken) = decoder.next(rest).unwrap().unwrap();
            *body = frame.body;
            rest = &rest[taken..];
        }
        let login = LoginRequest::parse(bodies[0], LoginFields::default()).unwrap();
        login.check(limits::ID_BYTES_MAX, limits::TOKEN_BYTES_MAX).unwrap();
        parse_join(bodies[1], limits::ID_BYTES_MAX).unwrap();
        Cms::parse(bodies[2], &RULES).unwrap();
    });
}

#[test]
fn a_push_is_appended_to_the_room_it_is_given() {
    let body = a_cms_with_everything();
    let (mut fields, mut push) = (Vec::with_capacity(8 * 1024), Vec::with_capacity(8 * 1024));
    allocates_nothing(|| {
        let cms = Cms::parse(&body, &RULES).unwrap();
        let split = put_record_fields(&mut fields, &cms, &RULES, "alice", None);
        put_record(&mut push, &fields, split, 1_700_000_000_000);
        put_room_tail(&mut push, cms.to);
    });
    allocates_nothing(|| {
        fields.clear();
        put_frame(&mut fields, REST, 6, Flow::Notify, 0, Status::OK, &push);
    });
}

#[test]
fn a_length_of_4_gib_costs_nothing() {
    let mut input = [0xFF; 11];
    allocates_nothing(|| {
        for reading in [LengthReading::Body, LengthReading::Rest] {
            assert!(Decoder::new(reading, limits::BODY_BYTES_MAX).next(&input).is_err());
        }
    });
    input[4..].copy_from_slice(&[0, 0, 0, 0, 1, 0, 0]);
    let mut inflater = Inflater::new();
    detects(&input, &mut inflater, &mut Vec::new(), |detected| {
        assert!(matches!(detected, Detected::Refused(_)))
    });
}

/// One detection, which allocates nothing.
fn detects(input: &[u8], inflater: &mut Inflater, scratch: &mut Vec<u8>, check: impl FnOnce(Detected<'_>)) {
    let (commands, login) = (CommandMap::default(), LoginFields::default());
    let login_max = limits::LOGIN_BYTES_MAX;
    let rules = FirstFrameRules { commands: &commands, login, length: None, login_max, versions: 0xFFFF };
    allocates_nothing(|| check(detect_first(input, &rules, inflater, scratch)));
}

/// A gzip-flagged LOGIN of `body`, in the reading `rest`.
fn gzipped_login(body: &[u8]) -> Vec<u8> {
    let mut member = Vec::new();
    Deflater::new(9).deflate(body, &mut member);
    let mut first = Vec::new();
    put_header(&mut first, REST, 1, Flow::Request, Compression::Gzip, 1, Status::OK, member.len());
    first.extend_from_slice(&member);
    first
}

#[test]
fn a_gzipped_login_needs_no_more_than_a_used_state() {
    let (mut inflater, mut scratch) = (Inflater::new(), Vec::with_capacity(limits::LOGIN_BYTES_MAX as usize));
    inflater.inflate(&gzipped_login(b"warm")[11..], 100, &mut scratch).unwrap();
    let mut body = Vec::new();
    put_login(&mut body, "token", "alice", LoginFields::default());
    detects(&gzipped_login(&body), &mut inflater, &mut scratch, |detected| {
        assert!(matches!(detected, Detected::Login { .. }));
    });
    let bomb = gzipped_login(&vec![0; 1 << 20]);
    assert!(bomb.len() < limits::LOGIN_BYTES_MAX as usize);
    detects(&bomb, &mut inflater, &mut scratch, |detected| assert!(matches!(detected, Detected::Refused(_))));
}

#[test]
fn a_bomb_costs_no_more_than_the_bound() {
    let mut member = Vec::new();
    Deflater::new(9).deflate(&vec![0; 1 << 20], &mut member);
    let (mut inflater, mut out) = (Inflater::new(), Vec::new());
    let max = limits::BODY_BYTES_MAX as usize;
    let info = measure(|| assert!(inflater.inflate(&member, max, &mut out).is_err()));
    assert!(out.capacity() <= max);
    assert!(info.bytes_max <= 2 * max as u64, "while it grows there are an old and a new room: {info:?}");
}

/// A client's worst: 33,792 records of nothing in one push cost it some megabytes, for the moment of the call.
#[test]
fn a_push_of_empty_records_is_bounded_by_its_body() {
    let body = b"\x0A\x00".repeat(limits::SOLO_PUSH_BYTES_MAX as usize / 2);
    let info = measure(|| assert_eq!(parse_push(&body).unwrap().1.len(), body.len() / 2));
    assert!(info.bytes_max <= 300 * body.len() as u64, "{info:?}");
    let lies = b"\x0A\xFF\xFF\xFF\x0F".repeat(1000);
    allocates_nothing(|| assert!(parse_push(&lies).is_err()));
}
