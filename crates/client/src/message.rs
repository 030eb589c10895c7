//! Chat messages as an application writes and reads them.

use longwire_wire::{Message, UserInfo};
use std::sync::Arc;

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum MessageType {
    /// What people say.
    #[default]
    Normal,
    /// The server's own: somebody joined, somebody was banned. A client may not send it.
    Notify,
    /// A gift.
    Gift,
    /// A number this crate has no name for.
    Other(u32),
}

impl From<u32> for MessageType {
    fn from(number: u32) -> Self {
        match number {
            Message::NORMAL => Self::Normal,
            Message::NOTIFY => Self::Notify,
            Message::GIFT => Self::Gift,
            other => Self::Other(other),
        }
    }
}

impl From<MessageType> for u32 {
    fn from(kind: MessageType) -> Self {
        match kind {
            MessageType::Normal => Message::NORMAL,
            MessageType::Notify => Message::NOTIFY,
            MessageType::Gift => Message::GIFT,
            MessageType::Other(number) => number,
        }
    }
}

/// A message to a room. The server fills in who sent it and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The room, which must be joined.
    pub room: String,
    /// Any bytes; by custom UTF-8 text.
    pub content: Vec<u8>,
    /// `Normal` unless said otherwise.
    pub message_type: MessageType,
    /// How the sender is shown; a server whose tokens carry this replaces it.
    pub user: Option<UserInfo>,
}

impl Outgoing {
    /// A normal message.
    pub fn new(room: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { room: room.into(), content: content.into(), message_type: MessageType::Normal, user: None }
    }

    /// The same as another type.
    pub fn message_type(mut self, message_type: MessageType) -> Self {
        self.message_type = message_type;
        self
    }

    /// Shows the sender under this name.
    pub fn nickname(mut self, nickname: impl Into<String>) -> Self {
        self.user.get_or_insert_with(UserInfo::default).nickname = nickname.into();
        self
    }

    /// Shows the sender with all of this.
    pub fn user_info(mut self, user: UserInfo) -> Self {
        self.user = Some(user);
        self
    }
}

/// A message that somebody else sent to a room this client is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The room it was said in.
    pub room: Arc<str>,
    /// The sender's userId, vouched for by the server; empty where the server itself speaks.
    pub from: String,
    /// When the server accepted it: Unix milliseconds, never decreasing within a room.
    pub timestamp_ms: u64,
    /// What kind of message it is.
    pub message_type: MessageType,
    /// Any bytes; by custom UTF-8 text.
    pub content: Vec<u8>,
    /// How the sender wants to be shown.
    pub user: Option<UserInfo>,
}

impl Received {
    /// The content as text, or `None` where it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.content).ok()
    }

    /// The sender's nickname where they gave one.
    pub fn nickname(&self) -> Option<&str> {
        self.user.as_ref().map(|user| user.nickname.as_str()).filter(|name| !name.is_empty())
    }

    pub(crate) fn new(room: Arc<str>, message: Message) -> Self {
        Self {
            room,
            from: message.from,
            timestamp_ms: message.timestamp_ms,
            message_type: message.message_type.into(),
            content: message.content,
            user: message.user,
        }
    }
}
