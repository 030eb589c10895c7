//! The protobuf messages, as plain values (the generated types stay private).
use std::fmt;

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
/// `ChatroomRequest.chatroomId`.
const CHATROOM_ID: u32 = 1;
/// `LoginRequest.features`; extension fields start at 100, so that no lost field of the document can collide.
const FEATURES: u32 = 100;

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

/// LOGIN's field numbers (the document lost them, deployments map them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginFields {
    /// 1 by default.
    pub token: u32,
    /// 2 by default.
    pub user_id: u32,
}

impl Default for LoginFields {
    fn default() -> Self {
        Self { token: 1, user_id: 2 }
    }
}

/// Empty strings where a field is absent.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct LoginRequest<'a> {
    /// Proves the userId.
    pub token: &'a str,
    /// Whom the client claims to be.
    pub user_id: &'a str,
    /// The extensions it asks for, one a bit.
    pub features: u64,
}

/// Who logs in, by which of the two fields are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginKind {
    /// Neither token nor userId, whatever else is there.
    Guest,
    /// Both.
    User,
    /// Exactly one: UNAUTHENTICATED.
    Half,
}

impl<'a> LoginRequest<'a> {
    /// Checks protobuf well-formedness only; sizes and control characters are `check`'s.
    pub fn parse(body: &'a [u8], fields: LoginFields) -> Result<Self, BodyError> {
        let mut login = Self::default();
        for field in Fields::of(body) {
            let field = field?;
            match (field.number, field.value) {
                (number, Value::Bytes(token)) if number == fields.token => login.token = utf8(token)?,
                (number, Value::Bytes(user_id)) if number == fields.user_id => login.user_id = utf8(user_id)?,
                (FEATURES, Value::Varint(features)) => login.features = features,
                (number, _) if number == fields.token || number == fields.user_id => {
                    return Err(OTHER_WIRE_TYPE);
                }
                (FEATURES, _) => return Err(OTHER_WIRE_TYPE),
                _ => {}
            }
        }
        Ok(login)
    }

    /// Guest, user or neither.
    pub fn kind(&self) -> LoginKind {
        match (self.token.is_empty(), self.user_id.is_empty()) {
            //= PROTOCOL.md#8.2
            // With neither token nor userId it is a guest's, whatever else is in it.
            (true, true) => LoginKind::Guest,
            (false, false) => LoginKind::User,
            _ => LoginKind::Half,
        }
    }

    /// A userId that is there has at most `id_max` bytes and no control characters, a token at most `token_max`.
    /// That one of them is absent is [`kind`](Self::kind)'s to tell.
    pub fn check(&self, id_max: usize, token_max: usize) -> Result<(), BodyError> {
        BodyError::if_over("token", self.token.len(), token_max)?;
        if self.user_id.is_empty() { Ok(()) } else { check_id("userId", self.user_id, id_max) }
    }
}

/// Never shows the token: logs are read by people it does not belong to.
impl fmt::Debug for LoginRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = format_args!("{} bytes", self.token.len());
        let mut shown = f.debug_struct("LoginRequest");
        shown
            .field("token", &token)
            .field("user_id", &self.user_id)
            .field("features", &self.features)
            .finish()
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
        let tags = self.tags.iter().map(String::as_bytes);
        put_user_info(out, self.level, self.room_level, &self.nickname, tags);
    }
}

/// Appends a `userInfo` field. Empty tags are kept: in a repeated field an element has no default.
pub(crate) fn put_user_info<'t>(
    out: &mut Vec<u8>,
    level: u32,
    room_level: u32,
    nickname: &str,
    tags: impl Iterator<Item = &'t [u8]> + Clone,
) {
    let name_bytes = if nickname.is_empty() { 0 } else { bytes_bytes(nickname.len()) };
    let tag_bytes: usize = tags.clone().map(|tag| bytes_bytes(tag.len())).sum();
    let bytes = uint_bytes(level.into()) + uint_bytes(room_level.into()) + name_bytes + tag_bytes;
    //= PROTOCOL.md#12.7
    // A `userInfo` in which nothing is left is left out itself.
    if bytes == 0 {
        return;
    }
    put_prefix(out, cr_message::USER_INFO, bytes);
    put_uint(out, user_info::LEVEL, level.into());
    put_uint(out, user_info::ROOM_LEVEL, room_level.into());
    put_bytes(out, user_info::NICKNAME, nickname.as_bytes());
    for tag in tags {
        put_prefix(out, user_info::TAG, tag.len());
        out.extend_from_slice(tag);
    }
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

/// Client side: a push body's room and messages.
pub fn parse_push(_body: &[u8]) -> Result<(String, Vec<Message>), BodyError> {
    todo!()
}

/// Client side: appends a LOGIN body. Both empty: nothing, a guest's.
pub fn put_login(out: &mut Vec<u8>, token: &str, user_id: &str, fields: LoginFields) {
    put_bytes(out, fields.token, token.as_bytes());
    put_bytes(out, fields.user_id, user_id.as_bytes());
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

    fn login(body: &[u8]) -> Result<(&str, &str, u64), BodyError> {
        LoginRequest::parse(body, LoginFields::default())
            .map(|login| (login.token, login.user_id, login.features))
    }

    #[test]
    fn login_takes_the_last_of_each_field_and_ignores_the_rest() {
        assert_eq!(login(b""), Ok(("", "", 0)));
        assert_eq!(login(b"\x0A\x01t\x12\x01u"), Ok(("t", "u", 0)));
        assert_eq!(login(b"\x0A\x01t\x12\x01u\x0A\x02t2\x18\x07\x22\x01x"), Ok(("t2", "u", 0)));
        assert_eq!(login(b"\xA0\x06\x85\x01"), Ok(("", "", 0x85)));
        assert_eq!(login(b"\x08\x01\x12\x01u"), Err(OTHER_WIRE_TYPE));
        assert_eq!(login(b"\xA2\x06\x00"), Err(OTHER_WIRE_TYPE));
        assert_eq!(login(b"\x0A\x01\xFF"), Err(BodyError::Malformed("a string is not UTF-8")));
        assert!(login(b"\x1A\x05ab").is_err(), "an unknown field must be well-formed too");
    }

    #[test]
    fn login_fields_can_be_mapped() {
        let fields = LoginFields { token: 20, user_id: 1 };
        let mut body = Vec::new();
        put_login(&mut body, "t", "u", fields);
        let login = LoginRequest::parse(&body, fields).unwrap();
        assert_eq!((login.token, login.user_id), ("t", "u"));
    }

    #[test]
    fn who_logs_in_is_told_by_which_fields_are_there() {
        let kind = |body| LoginRequest::parse(body, LoginFields::default()).unwrap().kind();
        assert_eq!(kind(b"\x1A\x01x"), LoginKind::Guest);
        assert_eq!(kind(b"\x0A\x01t\x12\x01u"), LoginKind::User);
        assert_eq!(kind(b"\x0A\x01t"), LoginKind::Half);
        assert_eq!(kind(b"\x12\x01u\x0A\x00"), LoginKind::Half);
    }

    #[test]
    fn login_is_checked_at_its_limits() {
        let check = |token, user_id| LoginRequest { token, user_id, features: 0 }.check(4, 5);
        assert_eq!(check("12345", "1234"), Ok(()));
        assert_eq!(check("", ""), Ok(()));
        assert_eq!(check("123456", "u"), Err(BodyError::TooLarge { field: "token", len: 6, max: 5 }));
        assert_eq!(check("t", "12345"), Err(BodyError::TooLarge { field: "userId", len: 5, max: 4 }));
        assert!(check("t", "a\nb").is_err());
    }

    #[test]
    fn a_token_is_never_shown() {
        let shown = format!("{:?}", LoginRequest { token: "secret", user_id: "ann", features: 0 });
        assert_eq!(shown, r#"LoginRequest { token: 6 bytes, user_id: "ann", features: 0 }"#);
    }

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
