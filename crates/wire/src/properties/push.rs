//! What a client writes, a server splices and another client reads is the same message, whoever shares its push.
use prost::Message as _;

use super::{take, take_slice, take_text};
use crate::{
    Cms, CmsRules, Message, UserInfo, generated, parse_push, put_cms, put_record, put_record_fields,
    put_room_tail,
};

/// Any bytes as a push body are read without harm; honest messages come through a server whole and in order.
///
/// Input: a push body, which also makes the fields of messages.
pub fn push(data: &[u8], planted: bool) {
    hostile(data);
    let put = if planted { put_record_that_forgets_the_time } else { put_record };
    honest(data, put);
}

type Put = fn(&mut Vec<u8>, &[u8], usize, u64);

/// The planted bug: the timestamp is not counted in the record's length.
fn put_record_that_forgets_the_time(out: &mut Vec<u8>, fields: &[u8], split: usize, timestamp_ms: u64) {
    let start = out.len();
    put_record(out, fields, split, timestamp_ms);
    if fields.len() < 100 {
        out[start + 1] = fields.len() as u8;
    }
}

fn hostile(body: &[u8]) {
    if let Ok((room, messages)) = parse_push(body) {
        assert!(messages.len() <= body.len() / 2, "a record takes two bytes at least");
        let by_prost = generated::CrMessageResponse::decode(body).expect("what is read, prost must accept");
        assert_eq!((by_prost.chatroom.as_str(), by_prost.messages.len()), (room.as_str(), messages.len()));
        assert_eq!(parse_push(&by_prost.encode_to_vec()), Ok((room, messages)));
    }
}

fn honest(mut data: &[u8], put: Put) {
    let rules = CmsRules { id_max: 128, content_max: 1000, relay_fields: &[] };
    let (mut body, mut said) = (Vec::new(), Vec::new());
    while !data.is_empty() {
        let mut message = take_message(&mut data);
        let mut sent = Vec::new();
        put_cms(&mut sent, &message);
        let cms = Cms::parse(&sent, &rules).expect("an honest message is served");
        message.from = format!("user {}", said.len());
        message.timestamp_ms = u64::from(take(&mut data)) << (8 * (said.len() % 8));
        let mut fields = Vec::new();
        let split = put_record_fields(&mut fields, &cms, &rules, &message.from, None);
        put(&mut body, &fields, split, message.timestamp_ms);
        said.push(message);
    }
    put_room_tail(&mut body, "room");
    assert_eq!(parse_push(&body), Ok(("room".into(), said)));
}

fn take_message(data: &mut &[u8]) -> Message {
    let shape = take(data);
    let content_bytes = take(data).into();
    let user = (shape & 1 == 1).then(|| UserInfo {
        level: 1 + u32::from(take(data)),
        room_level: take(data).into(),
        nickname: take_text(data, (shape >> 1 & 7).into()),
        tags: (0..shape >> 4 & 3).map(|_| take_text(data, 3)).collect(),
    });
    Message {
        content: take_slice(data, content_bytes).to_vec(),
        from: take_text(data, 2),
        to: "room".into(),
        timestamp_ms: 1,
        user,
        message_type: u32::from(shape >> 6) << (shape & 31),
    }
}
