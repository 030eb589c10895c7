//! The messages of PROTOCOL.md, section 7, as tables: which number is which field, and what it holds.
use longwire_wire::LoginFields;

/// What a known field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// The low 32 bits of a varint.
    U32,
    /// A varint.
    U64,
    /// A varint: Unix milliseconds.
    Timestamp,
    /// A varint: a CRMessageType.
    MessageType,
    /// UTF-8.
    Text,
    /// UTF-8 of 1 to 128 bytes without control characters, where it names somebody in a request.
    Id,
    /// UTF-8 that is not shown.
    Token,
    /// Bytes that the server never looks into.
    Content,
    /// A message.
    Message(&'static Schema),
}

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) holds: Holds,
}

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Known],
}

const fn known(number: u32, name: &'static str, holds: Holds) -> Known {
    Known { number, name, holds }
}

/// Without token and userId, whose numbers a deployment maps: see [`login_field`].
pub(crate) static LOGIN: Schema =
    Schema { name: "LoginRequest", fields: &[known(100, "features", Holds::U64)] };

pub(crate) static JOIN: Schema =
    Schema { name: "ChatroomRequest", fields: &[known(1, "chatroomId", Holds::Id)] };

static USER_INFO: Schema = Schema {
    name: "UserInfo",
    fields: &[
        known(1, "level", Holds::U32),
        known(2, "roomLevel", Holds::U32),
        known(3, "nickname", Holds::Text),
        known(4, "tag", Holds::Text),
    ],
};

pub(crate) static CR_MESSAGE: Schema = Schema {
    name: "CRMessage",
    fields: &[
        known(1, "messageContent", Holds::Content),
        known(2, "from", Holds::Text),
        known(3, "to", Holds::Id),
        known(4, "timestamp", Holds::Timestamp),
        known(5, "userInfo", Holds::Message(&USER_INFO)),
        known(6, "messageType", Holds::MessageType),
    ],
};

pub(crate) static PUSH: Schema = Schema {
    name: "CRMessageResponse",
    fields: &[known(1, "messages", Holds::Message(&CR_MESSAGE)), known(2, "chatroom", Holds::Text)],
};

impl Schema {
    /// The field of a number; LOGIN's two are where the deployment put them.
    pub(crate) fn field(&self, number: u32, login: LoginFields) -> Option<Known> {
        if self.name == LOGIN.name && number == login.token {
            return Some(known(number, "token", Holds::Token));
        }
        if self.name == LOGIN.name && number == login.user_id {
            return Some(known(number, "userId", Holds::Id));
        }
        self.fields.iter().find(|field| field.number == number).copied()
    }
}

impl Holds {
    /// The one wire type that it may come in.
    pub(crate) fn wire_type(self) -> u8 {
        match self {
            Self::U32 | Self::U64 | Self::Timestamp | Self::MessageType => 0,
            Self::Text | Self::Id | Self::Token | Self::Content | Self::Message(_) => 2,
        }
    }
}

/// The name of a messageType.
pub(crate) fn type_name(message_type: u64) -> Option<&'static str> {
    ["NORMAL", "NOTIFY", "GIFT"].get(usize::try_from(message_type).ok()?).copied()
}
