//! What becomes of bodies: inflated, parsed, spliced into records, read by a client.
use longwire_wire::{
    Cms, CmsRules, Inflater, LoginFields, LoginRequest, Message, UserInfo, limits, parse_join, parse_push,
    put_record, put_record_fields, record_bytes,
};
use serde::Deserialize;

use crate::format::{Bytes, Expect, compare, each};

const ID_MAX: usize = limits::ID_BYTES_MAX;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GzipCase {
    input: Bytes,
    max: usize,
    expect: Expect<Bytes>,
}

#[test]
fn gzip() {
    let inflater = std::cell::RefCell::new(Inflater::new()); // one for all: no vector may leave a trace
    each("gzip", |case: &GzipCase| {
        let mut out = Vec::new();
        let result = inflater.borrow_mut().inflate(&case.input.get(), case.max, &mut out);
        compare(result, &case.expect, |(), want| assert!(out == want.get()));
        assert!(out.capacity() <= case.max);
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginCase {
    body: Bytes,
    decodes: bool,
    expect: Expect<LoginWant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LoginWant {
    token: String,
    user_id: String,
    features: u64,
}

#[test]
fn login() {
    each("login", |case: &LoginCase| {
        let body = case.body.get();
        let parsed = LoginRequest::parse(&body, LoginFields::default());
        assert_eq!(parsed.is_ok(), case.decodes);
        let checked = parsed.and_then(|login| login.check(ID_MAX, limits::TOKEN_BYTES_MAX).map(|()| login));
        compare(checked, &case.expect, |got, want| {
            let want = LoginRequest { token: &want.token, user_id: &want.user_id, features: want.features };
            assert_eq!(got, want);
        });
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JoinCase {
    body: Bytes,
    expect: Expect<JoinWant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct JoinWant {
    chatroom_id: String,
}

#[test]
fn join() {
    each("join", |case: &JoinCase| {
        let body = case.body.get();
        compare(parse_join(&body, ID_MAX), &case.expect, |got, want| assert_eq!(got, want.chatroom_id));
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordCase {
    body: Bytes,
    from: String,
    timestamp: u64,
    claims: Option<User>,
    #[serde(default)]
    relay_fields: Vec<u32>,
    expect: Expect<RecordWant>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct User {
    level: u32,
    room_level: u32,
    nickname: String,
    tag: Vec<String>,
}

impl From<User> for UserInfo {
    fn from(user: User) -> Self {
        Self { level: user.level, room_level: user.room_level, nickname: user.nickname, tags: user.tag }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RecordWant {
    message_content: Bytes,
    to: String,
    message_type: u32,
    record: Bytes,
}

#[test]
fn records() {
    each("record", |case: &RecordCase| {
        let body = case.body.get();
        let content_max = limits::BODY_BYTES_MAX as usize;
        let rules = CmsRules { id_max: ID_MAX, content_max, relay_fields: &case.relay_fields };
        compare(Cms::parse(&body, &rules), &case.expect, |cms, want| {
            assert!(cms.content == want.message_content.get());
            assert_eq!((cms.to, cms.message_type), (want.to.as_str(), want.message_type));
            assert!(spliced(&cms, &rules, case) == want.record.get());
        });
    });
}

/// The record without the tag and length of `messages`.
fn spliced(cms: &Cms<'_>, rules: &CmsRules<'_>, case: &RecordCase) -> Vec<u8> {
    let mut fields = Vec::new();
    let claims = case.claims.clone().map(UserInfo::from);
    let split = put_record_fields(&mut fields, cms, rules, &case.from, claims.as_ref());
    let mut element = Vec::new();
    put_record(&mut element, &fields, split, case.timestamp);
    assert_eq!(element.len(), record_bytes(&fields, case.timestamp));
    let prefix = 1 + element[1..].iter().position(|byte| *byte < 0x80).unwrap() + 1;
    element.split_off(prefix)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PushCase {
    body: Bytes,
    expect: Expect<PushWant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PushWant {
    chatroom: String,
    messages: Vec<MessageWant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MessageWant {
    message_content: Bytes,
    from: String,
    to: String,
    timestamp: u64,
    user_info: Option<User>,
    message_type: u32,
}

impl From<&MessageWant> for Message {
    fn from(want: &MessageWant) -> Self {
        Self {
            content: want.message_content.get(),
            from: want.from.clone(),
            to: want.to.clone(),
            timestamp_ms: want.timestamp,
            user: want.user_info.clone().map(UserInfo::from),
            message_type: want.message_type,
        }
    }
}

#[test]
fn pushes() {
    each("push", |case: &PushCase| {
        compare(parse_push(&case.body.get()), &case.expect, |(room, messages), want| {
            assert_eq!(room, want.chatroom);
            assert_eq!(messages, want.messages.iter().map(Message::from).collect::<Vec<_>>());
        });
    });
}
