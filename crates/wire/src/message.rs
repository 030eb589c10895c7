//! The protobuf messages, as plain values (the generated types stay private).

/// A body that cannot be served. Maps to a status: MALFORMED or TOO_LARGE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("malformed body: {0}")]
    Malformed(&'static str),
    #[error("{field} has {len} bytes, over the limit of {max}")]
    TooLarge { field: &'static str, len: usize, max: usize },
}

/// LOGIN's field numbers (the document lost them, deployments map them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginFields {
    pub token: u32,
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
    pub token: &'a str,
    pub user_id: &'a str,
    pub features: u64,
}
impl<'a> LoginRequest<'a> {
    /// Checks protobuf well-formedness only; sizes and control characters are `check`'s.
    pub fn parse(_body: &'a [u8], _fields: LoginFields) -> Result<Self, BodyError> {
        todo!()
    }
    /// userId 1..=id_max bytes without control characters, token at most token_max.
    pub fn check(&self, _id_max: usize, _token_max: usize) -> Result<(), BodyError> {
        todo!()
    }
}

/// chatroomId of a JOIN_CR body: 1..=id_max bytes of UTF-8 without control characters.
pub fn parse_join(_body: &[u8], _id_max: usize) -> Result<&str, BodyError> {
    todo!()
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct UserInfo {
    pub level: u32,
    pub room_level: u32,
    pub nickname: String,
    pub tags: Vec<String>,
}

/// One CRMessage, as a client hands it over or gets it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Message {
    pub content: Vec<u8>,
    pub from: String,
    pub to: String,
    pub timestamp_ms: u64,
    pub user: Option<UserInfo>,
    pub message_type: u32,
}
impl Message {
    pub const NORMAL: u32 = 0;
    pub const NOTIFY: u32 = 1;
    pub const GIFT: u32 = 2;
}

/// Client side: a push body's room and messages.
pub fn parse_push(_body: &[u8]) -> Result<(String, Vec<Message>), BodyError> {
    todo!()
}
/// Client side: request bodies.
pub fn put_login(_out: &mut Vec<u8>, _token: &str, _user_id: &str, _fields: LoginFields) {
    todo!()
}
pub fn put_join(_out: &mut Vec<u8>, _room: &str) {
    todo!()
}
pub fn put_cms(_out: &mut Vec<u8>, _message: &Message) {
    todo!()
}
