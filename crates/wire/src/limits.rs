//! The sizes PROTOCOL.md promises, each with what it is for. Configuration may narrow or widen some of them.

/// A client's body after login, as sent and as inflated.
pub const BODY_BYTES_MAX: u32 = 64 * 1024;
/// A client's body before login, as sent and as inflated.
pub const LOGIN_BYTES_MAX: u32 = 8 * 1024;
/// A token inside a LOGIN.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;
/// A chatroomId or a userId.
pub const ID_BYTES_MAX: usize = 128;
/// All `userInfo` of one message together, as sent. Claims of a token must keep to it too.
pub const USER_INFO_BYTES_MAX: usize = 1024;
/// All tags of one message.
pub const TAGS_MAX: usize = 64;
/// Messages inside messages, the CRMessage itself being the first.
pub const NESTING_MAX: u32 = 8;
/// A push body with more than one record.
pub const PUSH_BYTES_MAX: u32 = 64 * 1024;
/// A push body with one record alone: what the largest client body becomes once the server's fields are in it.
pub const SOLO_PUSH_BYTES_MAX: u32 = 66 * 1024;
/// No configured limit of a body may reach this: below it the first byte of every frame's `len` is 0x00, which is what
/// tells the two readings of `len` apart.
pub const BODY_BYTES_CEILING: u32 = 16 * 1024 * 1024 - 7;

/// A field of a short string: one byte of tag, up to two of length.
const fn id_field(bytes: usize) -> usize {
    3 + bytes
}
/// What a server adds to a client's largest body at most: `messages` tag and length, from, timestamp, claims, chatroom.
const ADDED_BYTES_MAX: usize =
    4 + id_field(ID_BYTES_MAX) + 11 + id_field(USER_INFO_BYTES_MAX) + id_field(ID_BYTES_MAX);
const _: () = assert!(
    BODY_BYTES_MAX as usize + ADDED_BYTES_MAX <= SOLO_PUSH_BYTES_MAX as usize,
    "a legal CMS must fit a push"
);
const _: () = assert!(
    LOGIN_BYTES_MAX as usize >= id_field(TOKEN_BYTES_MAX) + id_field(ID_BYTES_MAX),
    "a legal LOGIN must fit"
);
const _: () = assert!(LOGIN_BYTES_MAX <= BODY_BYTES_MAX && PUSH_BYTES_MAX < SOLO_PUSH_BYTES_MAX);
