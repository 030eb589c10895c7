//! The Longwire wire protocol: bytes in, values out.
//!
//! Frames, dialects, commands, status codes, messages and their limits, for both sides of a connection.
//! Never holds a socket, a clock, a thread or randomness. The contract is PROTOCOL.md; code cites its sentences.
mod command;
mod decode;
mod detect;
mod encode;
mod gzip;
mod header;
mod message;
mod record;

pub use command::{Command, CommandMap, CommandMapError, Status};
pub use decode::{Decoder, Frame, FrameError};
pub use detect::{Detected, FirstFrameError, FirstFrameRules, detect_first};
pub use encode::{put_frame, put_header};
pub use gzip::{Deflater, InflateError, Inflater};
pub use header::{Compression, ConnectFlag, Dialect, Flow, HEADER_BYTES, Header, LengthReading};
pub use message::{
    BodyError, LoginFields, LoginRequest, Message, UserInfo, parse_join, parse_push, put_cms, put_join,
    put_login,
};
pub use record::{Cms, CmsRules, put_record, put_record_fields, put_room_tail, record_bytes};
