//! A client's CMS, checked, and spliced into a record: one `messages` element of a push body.
use crate::{BodyError, UserInfo};

pub struct CmsRules<'a> {
    pub id_max: usize,
    /// messageContent's bound in bytes.
    pub content_max: usize,
    /// Field numbers of CRMessage that are relayed though unknown (`wire.relay_fields`).
    pub relay_fields: &'a [u32],
}

/// A checked CMS body; borrows it.
pub struct Cms<'a> {
    pub content: &'a [u8],
    pub to: &'a str,
    pub message_type: u32, /* user info spans, relay spans */
}
impl<'a> Cms<'a> {
    /// Every rule of PROTOCOL.md for a relayed record. Allocates nothing.
    pub fn parse(_body: &'a [u8], _rules: &CmsRules<'_>) -> Result<Self, BodyError> {
        todo!()
    }
}

/// Appends the record's fields without timestamp: content, from, to | userInfo, type, relayed fields.
/// Returns where `|` lies, counted from the first appended byte. `claims` replaces the client's userInfo.
pub fn put_record_fields(
    _out: &mut Vec<u8>,
    _cms: &Cms<'_>,
    _rules: &CmsRules<'_>,
    _from: &str,
    _claims: Option<&UserInfo>,
) -> usize {
    todo!()
}
/// Appends one `messages` element: tag, length, `fields[..split]`, timestamp, `fields[split..]`.
pub fn put_record(_out: &mut Vec<u8>, _fields: &[u8], _split: usize, _timestamp_ms: u64) {
    todo!()
}
/// How many bytes `put_record` appends.
pub fn record_bytes(_fields: &[u8], _timestamp_ms: u64) -> usize {
    todo!()
}
/// Appends `chatroom = 2`, which ends a push body.
pub fn put_room_tail(_out: &mut Vec<u8>, _room: &str) {
    todo!()
}
