//! Rooms, messages and what is shown of their senders, as plain values (the generated types stay private).
use prost::Message as _;

use crate::generated;
use crate::scan::{Fields, Value, bytes_bytes, put_bytes, put_prefix, put_uint, uint_bytes, utf8};

/// Field numbers of `CRMessage`.
pub(crate) mod cr_message {
    pub(crate) const CONTENT: u32 = 1;
    pub(crate) const FROM: u32 = 2;
    pub(crate) const TO: u32 = 3;
    pub(crate) const TIMESTAMP: u32 = 4;
    pub(crate) const USER_INFO: u32 = 5;
    pub(crate) const TYPE: u32 = 6;
}
/// Field numbers of `CRMessage.UserInfo`.
pub(crate) mod user_info {
    pub(crate) const LEVEL: u32 = 1;
    pub(crate) const ROOM_LEVEL: u32 = 2;
    pub(crate) const NICKNAME: u32 = 3;
    pub(crate) const TAG: u32 = 4;
}
/// `CRMessageResponse.messages`.
pub(crate) const MESSAGES: u32 = 1;
/// `ChatroomRequest.chatroomId`.
const CHATROOM_ID: u32 = 1;
/// A body that cannot be served. Maps to a status: MALFORMED or TOO_LARGE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not what every proto3 parser accepts, or an id nobody can have.
    #[error("malformed body: {0}")]
    Malformed(&'static str),
    /// A field over its limit: bytes, or for tags their number.
    #[error("{field} has {len}, over the limit of {max}")]
    TooLarge {
        /// The field, and what of it was counted.
        field: &'static str,
        /// What it has.
        len: usize,
        /// What was allowed.
        max: usize,
    },
}

//= PROTOCOL.md#7.10
// A known field with a wire type other than its own makes its body malformed: some parsers refuse it, some skip it.
pub(crate) const OTHER_WIRE_TYPE: BodyError = BodyError::Malformed("a known field has another wire type");

impl BodyError {
    /// `Ok` up to the limit.
    pub(crate) fn if_over(field: &'static str, len: usize, max: usize) -> Result<(), Self> {
        if len > max { Err(Self::TooLarge { field, len, max }) } else { Ok(()) }
    }
}

//= PROTOCOL.md#14.7
// A control character is one of U+0000 to U+001F and U+007F to U+009F (category Cc).
/// A chatroomId or userId is 1..=`max` bytes without control characters (C0, DEL, C1).
pub(crate) fn check_id(field: &'static str, id: &str, max: usize) -> Result<(), BodyError> {
    BodyError::if_over(field, id.len(), max)?;
    if id.is_empty() {
        return Err(BodyError::Malformed("an id is empty or missing"));
    }
    if id.chars().any(char::is_control) {
        return Err(BodyError::Malformed("an id has a control character"));
    }
    Ok(())
}

/// chatroomId of a JOIN_CR body: 1..=id_max bytes of UTF-8 without control characters.
pub fn parse_join(body: &[u8], id_max: usize) -> Result<&str, BodyError> {
    let mut room = "";
    for field in Fields::of(body) {
        let field = field?;
        match (field.number, field.value) {
            (CHATROOM_ID, Value::Bytes(id)) => room = utf8(id)?,
            (CHATROOM_ID, _) => return Err(OTHER_WIRE_TYPE),
            _ => {}
        }
    }
    check_id("chatroomId", room, id_max)?;
    Ok(room)
}

/// What is shown of a sender.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct UserInfo {
    /// Of the user.
    pub level: u32,
    /// Of the user in this room.
    pub room_level: u32,
    /// Shown instead of the userId.
    pub nickname: String,
    /// Badges.
    pub tags: Vec<String>,
}

impl UserInfo {
    /// Appends the `userInfo` field of a CRMessage.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let Self { level, room_level, nickname, tags } = self;
        let tag_bytes = tags.iter().map(|tag| bytes_bytes(tag.len())).sum();
        if put_user_info(out, *level, *room_level, nickname, tag_bytes) {
            tags.iter().for_each(|tag| put_tag(out, tag.as_bytes()));
        }
    }
}

/// Begins a `userInfo` field with all but its tags, which take `tag_bytes` and are the caller's to append.
/// False: nothing was begun, because nothing is in it.
pub(crate) fn put_user_info(
    out: &mut Vec<u8>,
    level: u32,
    room_level: u32,
    nickname: &str,
    tag_bytes: usize,
) -> bool {
    let name_bytes = if nickname.is_empty() { 0 } else { bytes_bytes(nickname.len()) };
    let bytes = uint_bytes(level.into()) + uint_bytes(room_level.into()) + name_bytes + tag_bytes;
    //= PROTOCOL.md#12.7
    // A `userInfo` in which nothing is left is left out itself.
    if bytes == 0 {
        return false;
    }
    put_prefix(out, cr_message::USER_INFO, bytes);
    put_uint(out, user_info::LEVEL, level.into());
    put_uint(out, user_info::ROOM_LEVEL, room_level.into());
    put_bytes(out, user_info::NICKNAME, nickname.as_bytes());
    true
}

/// Appends one tag of a `userInfo`, an empty one too: in a repeated field an element has no default.
#[inline]
pub(crate) fn put_tag(out: &mut Vec<u8>, tag: &[u8]) {
    put_prefix(out, user_info::TAG, tag.len());
    out.extend_from_slice(tag);
}

/// One CRMessage, as a client hands it over or gets it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Message {
    /// Opaque to the protocol.
    pub content: Vec<u8>,
    /// The sender's userId. The server's to fill in.
    pub from: String,
    /// The room's chatroomId.
    pub to: String,
    /// Unix ms at acceptance. The server's to fill in.
    pub timestamp_ms: u64,
    /// What is shown of the sender.
    pub user: Option<UserInfo>,
    /// [`NORMAL`](Self::NORMAL), [`NOTIFY`](Self::NOTIFY), [`GIFT`](Self::GIFT), or one a deployment added.
    pub message_type: u32,
}

impl Message {
    /// A chat message.
    pub const NORMAL: u32 = 0;
    /// The server's own: joined the live room, user banned.
    pub const NOTIFY: u32 = 1;
    /// A gift.
    pub const GIFT: u32 = 2;
}

/// Client side: a push body's room and messages, in the room's order.
///
/// No hot path, so prost's decoder does it, behind a look that refuses what other parsers than prost would.
pub fn parse_push(body: &[u8]) -> Result<(String, Vec<Message>), BodyError> {
    well_formed(body, &[MESSAGES, cr_message::USER_INFO])?;
    let push = generated::CrMessageResponse::decode(body);
    let push = push.map_err(|_| BodyError::Malformed("not a CRMessageResponse"))?;
    Ok((push.chatroom, push.messages.into_iter().map(Message::from).collect()))
}

/// Well-formed down the given sub-messages: in a field of the first number, there in one of the second.
fn well_formed(body: &[u8], sub_messages: &[u32]) -> Result<(), BodyError> {
    for field in Fields::of(body) {
        let field = field?;
        match (field.value, sub_messages) {
            (Value::Bytes(inner), [number, deeper @ ..]) if field.number == *number => {
                well_formed(inner, deeper)?
            }
            _ => {}
        }
    }
    Ok(())
}

impl From<generated::CrMessage> for Message {
    fn from(message: generated::CrMessage) -> Self {
        Self {
            content: message.message_content,
            from: message.from,
            to: message.to,
            timestamp_ms: message.timestamp,
            user: message.user_info.map(UserInfo::from),
            message_type: message.message_type,
        }
    }
}

impl From<generated::cr_message::UserInfo> for UserInfo {
    fn from(user: generated::cr_message::UserInfo) -> Self {
        Self { level: user.level, room_level: user.room_level, nickname: user.nickname, tags: user.tag }
    }
}

/// Client side: appends a JOIN_CR body.
pub fn put_join(out: &mut Vec<u8>, room: &str) {
    put_bytes(out, CHATROOM_ID, room.as_bytes());
}

/// Client side: appends a CMS body.
pub fn put_cms(out: &mut Vec<u8>, message: &Message) {
    put_bytes(out, cr_message::CONTENT, &message.content);
    put_bytes(out, cr_message::FROM, message.from.as_bytes());
    put_bytes(out, cr_message::TO, message.to.as_bytes());
    put_uint(out, cr_message::TIMESTAMP, message.timestamp_ms);
    if let Some(user) = &message.user {
        user.put(out);
    }
    put_uint(out, cr_message::TYPE, message.message_type.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_names_one_room() {
        assert_eq!(parse_join(b"\x0A\x04room", 4), Ok("room"));
        assert_eq!(parse_join(b"\x0A\x01a\x10\x01\x0A\x01b", 4), Ok("b"));
        assert_eq!(
            parse_join(b"\x0A\x05rooms", 4),
            Err(BodyError::TooLarge { field: "chatroomId", len: 5, max: 4 })
        );
        let empty = Err(BodyError::Malformed("an id is empty or missing"));
        assert_eq!(parse_join(b"", 4), empty);
        assert_eq!(parse_join(b"\x0A\x00", 4), empty);
        assert_eq!(parse_join(b"\x10\x01", 4), empty);
        assert_eq!(parse_join(b"\x0A\x01r\x08\x01", 4), Err(OTHER_WIRE_TYPE));
    }

    #[test]
    fn a_push_is_read_whatever_else_is_in_it() {
        let body = b"\x0A\x0C\x0A\x02hi\x2A\x04\x08\x03\x22\x00\x30\x02\x0A\x00\x12\x01r\xA2\x06\x01x";
        let user = Some(UserInfo { level: 3, tags: vec![String::new()], ..UserInfo::default() });
        let gift =
            Message { content: b"hi".to_vec(), user, message_type: Message::GIFT, ..Message::default() };
        assert_eq!(parse_push(body), Ok(("r".into(), vec![gift, Message::default()])));
        assert_eq!(parse_push(b""), Ok((String::new(), vec![])));
        assert_eq!(parse_push(b"\x0A\x05"), Err(BodyError::Malformed("a length beyond the body")));
        assert_eq!(parse_push(b"\x08\x05"), Err(BodyError::Malformed("not a CRMessageResponse")));
        assert_eq!(parse_push(b"\x0A\x04\x2A\x02\x0B\x0C"), Err(BodyError::Malformed("a group")));
    }

    #[test]
    fn a_cms_is_written_as_prost_writes_it() {
        let user =
            UserInfo { level: 300, room_level: 1, nickname: "名".into(), tags: vec!["a".into(), "".into()] };
        let message = Message {
            content: vec![0; 200],
            from: "f".into(),
            to: "t".into(),
            timestamp_ms: u64::MAX,
            user: Some(user),
            message_type: u32::MAX,
        };
        let mut body = Vec::new();
        put_cms(&mut body, &message);
        let decoded = generated::CrMessage::decode(&body[..]).unwrap();
        assert_eq!(decoded.encode_to_vec(), body);
        assert_eq!(Message::from(decoded), message);
    }

    #[test]
    fn ids_have_no_control_characters() {
        for (id, fine) in
            [("房间", true), ("a b", true), ("\u{202E}x", true), ("a\0", false), ("\x1F", false)]
        {
            assert_eq!(check_id("to", id, 128).is_ok(), fine, "{id:?}");
        }
        for (id, fine) in [("\x7F", false), ("\u{80}", false), ("\u{9F}", false), ("\u{A0}", true)] {
            assert_eq!(check_id("to", id, 128).is_ok(), fine, "{id:?}");
        }
    }
}
