//! A client's CMS, checked, and spliced into a record: one `messages` element of a push body.
//!
//! Copies what the client wrote and adds what the server owns; never builds the message in between. One bad record would
//! poison everybody's batch, so a record holds only known fields in their canonical form, and what it was told to relay.
use crate::limits::{NESTING_MAX, TAGS_MAX, USER_INFO_BYTES_MAX};
use crate::message::{
    MESSAGES, OTHER_WIRE_TYPE, check_id, cr_message as cr, put_tag, put_user_info, user_info,
};
use crate::scan::{
    Field, Fields, Value, bytes_bytes, may_nest_deeper, put_bytes, put_prefix, put_uint, uint_bytes, utf8,
    varint_bytes,
};
use crate::{BodyError, UserInfo};

/// `CRMessageResponse.chatroom`.
const CHATROOM: u32 = 2;

/// What a deployment lets a CMS be.
pub struct CmsRules<'a> {
    /// `to`'s bound in bytes.
    pub id_max: usize,
    /// messageContent's bound in bytes.
    pub content_max: usize,
    /// Field numbers of CRMessage that are relayed though unknown (`wire.relay_fields`). Known numbers are ignored here.
    pub relay_fields: &'a [u32],
}

/// A checked CMS body; borrows it.
pub struct Cms<'a> {
    /// messageContent, empty where absent.
    pub content: &'a [u8],
    /// The room: 1..=id_max bytes without control characters.
    pub to: &'a str,
    /// See [`Message`](crate::Message); any number.
    pub message_type: u32,
    user: Option<ClientUser<'a>>,
    /// The body has fields to relay.
    relays: bool,
    /// Read again for the rare fields that come in any number, tags and relayed ones: a place for each of 64 tags would
    /// cost every message more than the second look costs a few.
    body: &'a [u8],
}

impl<'a> Cms<'a> {
    /// Every rule of PROTOCOL.md for a relayed record. Allocates nothing.
    pub fn parse(body: &'a [u8], rules: &CmsRules<'_>) -> Result<Self, BodyError> {
        let mut cms = Self { content: &[], to: "", message_type: 0, user: None, relays: false, body };
        for field in Fields::of(body) {
            cms.take(field?, rules.relay_fields)?;
        }
        BodyError::if_over("messageContent", cms.content.len(), rules.content_max)?;
        check_id("to", cms.to, rules.id_max)?;
        Ok(cms)
    }

    //= PROTOCOL.md#7.4
    // The last of a singular field counts.
    #[inline]
    fn take(&mut self, field: Field<'a>, relay_fields: &[u32]) -> Result<(), BodyError> {
        match (field.number, field.value) {
            (cr::CONTENT, Value::Bytes(content)) => self.content = content,
            //= PROTOCOL.md#11.3
            // The server replaces `from`; its text is checked all the same, as any parser would.
            (cr::FROM, Value::Bytes(from)) => utf8(from).map(drop)?,
            (cr::TO, Value::Bytes(to)) => self.to = utf8(to)?,
            (cr::USER_INFO, Value::Bytes(info)) => self.user.get_or_insert_default().merge(info)?,
            //= PROTOCOL.md#7.7
            // A uint32 takes the low 32 bits of the number that was sent.
            (cr::TYPE, Value::Varint(value)) => self.message_type = value as u32,
            //= PROTOCOL.md#11.4
            // The server replaces `timestamp`.
            (cr::TIMESTAMP, Value::Varint(_)) => {}
            (cr::CONTENT..=cr::TYPE, _) => return Err(OTHER_WIRE_TYPE),
            //= PROTOCOL.md#19.5
            // Unknown fields that the deployment lists are passed on.
            _ if relayed(field.number, relay_fields) => {
                self.relays = true;
                refuse_deep(field.value)?;
            }
            //= PROTOCOL.md#7.6
            // Unknown fields are ignored.
            _ => {}
        }
        Ok(())
    }
}

fn relayed(number: u32, relay_fields: &[u32]) -> bool {
    number > cr::TYPE && relay_fields.contains(&number)
}

//= PROTOCOL.md#7.16
// Messages nest at most 8 deep.
//= PROTOCOL.md#7.17
// A relayed field that could be read as messages nested deeper makes its body malformed.
/// Known fields end at two (CRMessage, UserInfo), groups are refused and unknown fields are not relayed; so only a
/// relayed field can go deeper, and whether it is a message its reader alone knows.
fn refuse_deep(value: Value<'_>) -> Result<(), BodyError> {
    match value {
        Value::Bytes(bytes) if may_nest_deeper(bytes, NESTING_MAX - 1) => {
            Err(BodyError::Malformed("a relayed field nests too deep"))
        }
        _ => Ok(()),
    }
}

//= PROTOCOL.md#7.5
// Several occurrences of `userInfo` are merged: the last of each singular field counts, tags are joined in order.
/// The client's userInfo: all its occurrences together.
#[derive(Default)]
struct ClientUser<'a> {
    level: u32,
    room_level: u32,
    nickname: &'a str,
    tags: usize,
    /// What the tags take in a record.
    tag_bytes: usize,
    sent_bytes: usize,
    /// The last occurrence; in all but strange messages the only one.
    last: &'a [u8],
}

impl<'a> ClientUser<'a> {
    fn merge(&mut self, info: &'a [u8]) -> Result<(), BodyError> {
        //= PROTOCOL.md#11.12
        // At most 1,024 bytes as sent, all occurrences together.
        self.sent_bytes += info.len();
        self.last = info;
        BodyError::if_over("userInfo in bytes", self.sent_bytes, USER_INFO_BYTES_MAX)?;
        for field in Fields::of(info) {
            let field = field?;
            match (field.number, field.value) {
                (user_info::LEVEL, Value::Varint(value)) => self.level = value as u32,
                (user_info::ROOM_LEVEL, Value::Varint(value)) => self.room_level = value as u32,
                (user_info::NICKNAME, Value::Bytes(name)) => self.nickname = utf8(name)?,
                (user_info::TAG, Value::Bytes(tag)) => {
                    utf8(tag)?;
                    self.tags += 1;
                    self.tag_bytes += bytes_bytes(tag.len());
                }
                (user_info::LEVEL..=user_info::TAG, _) => return Err(OTHER_WIRE_TYPE),
                _ => {}
            }
        }
        //= PROTOCOL.md#11.13
        // At most 64 tags, all occurrences together.
        BodyError::if_over("userInfo.tag in number", self.tags, TAGS_MAX)
    }

    fn put(&self, out: &mut Vec<u8>, body: &[u8]) {
        if !put_user_info(out, self.level, self.room_level, self.nickname, self.tag_bytes) || self.tags == 0 {
            return;
        }
        if self.last.len() == self.sent_bytes {
            put_tags(out, self.last);
        } else {
            bytes_of(body, cr::USER_INFO).for_each(|info| put_tags(out, info));
        }
    }
}

fn put_tags(out: &mut Vec<u8>, info: &[u8]) {
    bytes_of(info, user_info::TAG).for_each(|tag| put_tag(out, tag));
}

/// The values of one string, bytes or message field in a body that parsed.
fn bytes_of(body: &[u8], number: u32) -> impl Iterator<Item = &[u8]> {
    Fields::of(body).flatten().filter_map(move |field| match field.value {
        Value::Bytes(bytes) if field.number == number => Some(bytes),
        _ => None,
    })
}

//= PROTOCOL.md#12.6
// messageContent, from, to, timestamp, userInfo, messageType, relayed fields; defaults are left out.
/// Appends the record's fields without timestamp: content, from, to | userInfo, type, relayed fields.
/// Returns where `|` lies, counted from the first appended byte. `claims` replaces the client's userInfo.
/// `rules` are those `cms` was parsed by.
pub fn put_record_fields(
    out: &mut Vec<u8>,
    cms: &Cms<'_>,
    rules: &CmsRules<'_>,
    from: &str,
    claims: Option<&UserInfo>,
) -> usize {
    let start = out.len();
    put_bytes(out, cr::CONTENT, cms.content);
    put_bytes(out, cr::FROM, from.as_bytes());
    put_bytes(out, cr::TO, cms.to.as_bytes());
    let split = out.len() - start;
    //= PROTOCOL.md#11.6
    // The client's `userInfo`, unless the login provider states it.
    match (claims, &cms.user) {
        (Some(claims), _) => claims.put(out),
        (None, Some(user)) => user.put(out, cms.body),
        (None, None) => {}
    }
    put_uint(out, cr::TYPE, cms.message_type.into());
    if cms.relays {
        put_relayed(out, cms.body, rules.relay_fields);
    }
    split
}

//= PROTOCOL.md#12.6
// Relayed unknown fields stand behind the known ones, in the order they came.
//= PROTOCOL.md#19.5
// Byte for byte.
fn put_relayed(out: &mut Vec<u8>, body: &[u8], relay_fields: &[u32]) {
    let mut fields = Fields::of(body);
    while let Some((field, raw)) = fields.next_raw() {
        if relayed(field.number, relay_fields) {
            out.extend_from_slice(raw);
        }
    }
}

/// Appends one `messages` element: tag, length, `fields[..split]`, timestamp, `fields[split..]`.
#[inline]
pub fn put_record(out: &mut Vec<u8>, fields: &[u8], split: usize, timestamp_ms: u64) {
    let (before, behind) = fields.split_at(split);
    out.reserve(record_bytes(fields, timestamp_ms));
    put_prefix(out, MESSAGES, fields.len() + uint_bytes(timestamp_ms));
    out.extend_from_slice(before);
    put_uint(out, cr::TIMESTAMP, timestamp_ms);
    out.extend_from_slice(behind);
}

/// How many bytes `put_record` appends.
#[inline]
pub fn record_bytes(fields: &[u8], timestamp_ms: u64) -> usize {
    let bytes = fields.len() + uint_bytes(timestamp_ms);
    1 + varint_bytes(bytes as u64) + bytes
}

//= PROTOCOL.md#12.8
// The records come first and `chatroom` last.
/// Appends `chatroom = 2`, which ends a push body.
#[inline]
pub fn put_room_tail(out: &mut Vec<u8>, room: &str) {
    put_bytes(out, CHATROOM, room.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: CmsRules<'_> = CmsRules { id_max: 8, content_max: 16, relay_fields: &[21, 7, 3] };
    const OVER: fn(&'static str, usize, usize) -> BodyError =
        |field, len, max| BodyError::TooLarge { field, len, max };

    /// What a body becomes as a record, without tag and length, at timestamp 5 from `me`.
    fn spliced(body: &[u8], claims: Option<&UserInfo>) -> Result<Vec<u8>, BodyError> {
        let cms = Cms::parse(body, &RULES)?;
        let mut fields = b"in front".to_vec();
        let split = put_record_fields(&mut fields, &cms, &RULES, "me", claims);
        let mut out = b"batch".to_vec();
        put_record(&mut out, &fields[8..], split, 5);
        assert_eq!(out.len(), 5 + record_bytes(&fields[8..], 5));
        assert_eq!(out[5..7], [0x0A, (out.len() - 7) as u8]);
        Ok(out.split_off(7))
    }

    #[track_caller]
    fn check(body: &[u8], expected: Result<&[u8], BodyError>) {
        assert_eq!(spliced(body, None).as_deref(), expected.as_ref().map(|record| *record));
    }

    #[track_caller]
    fn malformed(body: &[u8], why: &'static str) {
        check(body, Err(BodyError::Malformed(why)));
    }

    #[test]
    fn the_server_owns_from_and_timestamp() {
        check(b"\x1A\x01r\x20\x63\x12\x03you\x0A\x02hi", Ok(b"\x0A\x02hi\x12\x02me\x1A\x01r\x20\x05"));
    }

    #[test]
    fn known_fields_come_out_in_order_and_defaults_do_not() {
        check(b"\x30\x02\x1A\x01r", Ok(b"\x12\x02me\x1A\x01r\x20\x05\x30\x02"));
        check(b"\x30\x00\x0A\x00\x1A\x01r", Ok(b"\x12\x02me\x1A\x01r\x20\x05"));
        check(b"\x1A\x01a\x1A\x01b\x30\x01\x30\x02", Ok(b"\x12\x02me\x1A\x01b\x20\x05\x30\x02"));
        check(b"\x1A\x01r\x30\x82\x80\x80\x80\x10", Ok(b"\x12\x02me\x1A\x01r\x20\x05\x30\x02"));
    }

    #[test]
    fn a_known_number_with_another_wire_type_is_malformed() {
        //= PROTOCOL.md#7.10
        for field in [&b"\x08\x01"[..], b"\x10\x01", b"\x18\x01", b"\x22\x00", b"\x2D\0\0\0\0", b"\x32\x01x"]
        {
            malformed(&[b"\x1A\x01r", field].concat(), "a known field has another wire type");
        }
        for field in [b"\x0A\x00", b"\x12\x00", b"\x18\x00", b"\x20\x00"] {
            malformed(&[b"\x1A\x01r\x2A\x02", &field[..]].concat(), "a known field has another wire type");
        }
    }

    #[test]
    fn user_info_is_merged_and_its_unknown_fields_are_dropped() {
        check(b"\x1A\x01r\x2A\x04\x08\x00\x48\x01", Ok(b"\x12\x02me\x1A\x01r\x20\x05"));
        let twice =
            b"\x2A\x0A\x08\x01\x10\x02\x22\x01a\x1A\x01n\x1A\x01r\x2A\x09\x22\x00\x48\x01\x08\x07\x1A\x01m";
        let merged = b"\x12\x02me\x1A\x01r\x20\x05\x2A\x0C\x08\x07\x10\x02\x1A\x01m\x22\x01a\x22\x00";
        check(twice, Ok(merged));
    }

    #[test]
    fn claims_replace_the_clients_user_info() {
        let claims = UserInfo { level: 300, room_level: 0, nickname: "N".into(), tags: vec!["t".into()] };
        let record = spliced(b"\x1A\x01r\x2A\x02\x08\x01\x30\x02", Some(&claims)).unwrap();
        assert_eq!(record, b"\x12\x02me\x1A\x01r\x20\x05\x2A\x09\x08\xAC\x02\x1A\x01N\x22\x01t\x30\x02");
    }

    #[test]
    fn only_listed_unknown_fields_are_relayed() {
        let body = b"\xA8\x01\x01\x1A\x01r\x3A\x01a\x40\x01\xA8\x01\x82\x00";
        check(body, Ok(b"\x12\x02me\x1A\x01r\x20\x05\xA8\x01\x01\x3A\x01a\xA8\x01\x82\x00"));
    }

    #[test]
    fn a_relayed_field_nests_no_deeper_than_eight() {
        //= PROTOCOL.md#7.17
        let nested = |levels| {
            (0..levels).fold(b"\x08\x01".to_vec(), |inner, _| {
                let mut out = Vec::new();
                put_bytes(&mut out, 7, &inner);
                out
            })
        };
        // The innermost `08 01` is a message too, and the CRMessage is the first.
        assert!(Cms::parse(&[&nested(7)[..], b"\x1A\x01r"].concat(), &RULES).is_ok());
        malformed(&[&nested(8)[..], b"\x1A\x01r"].concat(), "a relayed field nests too deep");
    }

    #[test]
    fn limits_hold_at_the_limit_and_one_past_it() {
        check(b"\x1A\x0812345678", Ok(b"\x12\x02me\x1A\x0812345678\x20\x05"));
        check(b"\x1A\x09123456789", Err(OVER("to", 9, 8)));
        let content = |bytes: u8| [&b"\x1A\x01r\x0A"[..], &[bytes], &vec![b'x'; bytes.into()]].concat();
        assert!(Cms::parse(&content(16), &RULES).is_ok());
        check(&content(17), Err(OVER("messageContent", 17, 16)));
    }

    #[test]
    fn all_user_info_together_has_a_kibibyte_and_64_tags() {
        let info = |body: &[u8]| {
            let mut out = Vec::new();
            put_bytes(&mut out, cr::USER_INFO, body);
            out
        };
        let body = |infos: &[Vec<u8>]| [b"\x1A\x01r".to_vec(), infos.concat()].concat();
        let name = |bytes: usize| {
            let mut out = Vec::new();
            put_bytes(&mut out, user_info::NICKNAME, &vec![b'n'; bytes]);
            info(&out)
        };
        assert!(Cms::parse(&body(&[name(1021)]), &RULES).is_ok());
        check(&body(&[name(1022)]), Err(OVER("userInfo in bytes", 1025, 1024)));
        assert!(Cms::parse(&body(&[name(509), name(509)]), &RULES).is_ok());
        check(&body(&[name(509), name(510)]), Err(OVER("userInfo in bytes", 1025, 1024)));
        let tags = |number| info(&b"\x22\x00".repeat(number));
        assert!(Cms::parse(&body(&[tags(63), tags(1)]), &RULES).is_ok());
        check(&body(&[tags(64), tags(1)]), Err(OVER("userInfo.tag in number", 65, 64)));
    }

    #[test]
    fn what_would_poison_a_batch_is_malformed() {
        malformed(b"", "an id is empty or missing");
        malformed(b"\x1A\x01\n", "an id has a control character");
        malformed(b"\x1A\x01\xFF", "a string is not UTF-8");
        malformed(b"\x1A\x01r\x12\x01\xFF", "a string is not UTF-8");
        malformed(b"\x1A\x01r\x2A\x03\x1A\x01\xFF", "a string is not UTF-8");
        malformed(b"\x1A\x01r\x2A\x03\x22\x01\xFF", "a string is not UTF-8");
        malformed(b"\x1A\x01r\x2A\x02\x0B\x0C", "a group");
        malformed(b"\x1A\x01r\x53\x54", "a group");
        malformed(b"\x1A\x01r\x52\x05ab", "a length beyond the body");
    }

    #[test]
    fn a_push_body_is_records_and_a_tail() {
        let mut out = Vec::new();
        put_record(&mut out, b"", 0, 0);
        put_record(&mut out, b"\x12\x01a\x30\x02", 3, 1);
        put_room_tail(&mut out, "room");
        assert_eq!(out, b"\x0A\x00\x0A\x07\x12\x01a\x20\x01\x30\x02\x12\x04room");
    }
}
