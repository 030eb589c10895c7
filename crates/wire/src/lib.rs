//! The Longwire wire protocol: bytes in, values out.
//!
//! Frames, dialects, commands, status codes, messages and their limits, for both sides of a connection.
//! Never holds a socket, a clock, a thread or randomness. The contract is PROTOCOL.md; code cites its sentences.
//!
//! A server calls, in this order: [`detect_first`] until the first LOGIN is whole, then a [`Decoder`] in the dialect
//! that LOGIN showed; [`Inflater`] where a body is gzipped; [`LoginRequest::parse`], [`parse_join`] and [`Cms::parse`] for
//! the bodies; [`put_record_fields`], [`put_record`] and [`put_room_tail`] for a push; [`put_header`] in front of it.
//! A client calls [`put_login`], [`put_join`], [`put_cms`] and [`put_frame`], then [`Decoder`] and [`parse_push`].
mod command;
mod decode;
mod detect;
mod encode;
mod generated;
mod gzip;
mod header;
pub mod limits;
mod login;
mod message;
#[cfg(any(test, feature = "properties"))]
#[doc(hidden)]
pub mod properties;
mod record;
mod scan;

pub use command::{Command, CommandMap, CommandMapError, Status};
pub use decode::{Decoder, Frame, FrameError};
pub use detect::{Detected, FirstFrameError, FirstFrameRules, detect_first};
pub use encode::{put_frame, put_header};
pub use gzip::{Deflater, InflateError, Inflater};
pub use header::{Compression, ConnectFlag, Dialect, Flow, HEADER_BYTES, Header, LengthReading};
pub use login::{LoginFields, LoginKind, LoginRequest, put_login};
pub use message::{BodyError, Message, UserInfo, parse_join, parse_push, put_cms, put_join};
pub use record::{Cms, CmsRules, put_record, put_record_fields, put_room_tail, record_bytes};
