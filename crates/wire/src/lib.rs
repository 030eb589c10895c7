//! The Longwire wire protocol: bytes in, values out.
//!
//! Frames, dialects, commands, status codes, messages and their limits, for both sides of a connection.
//! Never holds a socket, a clock, a thread or randomness. The contract is PROTOCOL.md; code cites its sentences.
//!
//! A server calls, in this order: [`detect_first`] until the first LOGIN is whole, then a [`Decoder`] in the dialect
//! that LOGIN showed; [`Inflater`] where a body is gzipped; [`LoginRequest::parse`], [`parse_join`] and [`Cms::parse`] for
//! the bodies; [`put_record_fields`], [`put_record`] and [`put_room_tail`] for a push; [`put_header`] in front of it.
//! A client calls [`put_login`], [`put_join`], [`put_cms`] and [`put_frame`], then [`Decoder`] and [`parse_push`].
//!
//! ```
//! use longwire_wire::*;
//!
//! // A client says hello,
//! let dialect = Dialect { length: LengthReading::Rest, version: 1, gzip: false };
//! let code = CommandMap::default().code(Command::Cms);
//! let message = Message { content: b"hello".to_vec(), to: "lobby".into(), ..Message::default() };
//! let (mut body, mut sent) = (Vec::new(), Vec::new());
//! put_cms(&mut body, &message);
//! put_frame(&mut sent, dialect, code, Flow::Request, 4, Status::OK, &body);
//!
//! // a server makes a record of it,
//! let mut decoder = Decoder::new(dialect.length, limits::BODY_BYTES_MAX);
//! let (frame, taken) = decoder.next(&sent)?.expect("the frame is whole");
//! assert_eq!(taken, sent.len());
//! let rules = CmsRules { id_max: limits::ID_BYTES_MAX, content_max: 65_536, relay_fields: &[] };
//! let cms = Cms::parse(frame.body, &rules)?;
//! let (mut fields, mut push) = (Vec::new(), Vec::new());
//! let split = put_record_fields(&mut fields, &cms, &rules, "alice", None);
//! put_record(&mut push, &fields, split, 1_700_000_000_000);
//! put_room_tail(&mut push, cms.to);
//!
//! // and another client reads it.
//! let (room, messages) = parse_push(&push)?;
//! assert_eq!((room.as_str(), messages[0].from.as_str()), ("lobby", "alice"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
mod spans;

pub use command::{Command, CommandMap, CommandMapError, Status};
pub use decode::{Decoder, Frame, FrameError};
pub use detect::{Detected, FirstFrameError, FirstFrameRules, detect_first};
pub use encode::{put_frame, put_header};
pub use gzip::{Deflater, InflateError, Inflater};
pub use header::{Compression, ConnectFlag, Dialect, Flow, HEADER_BYTES, Header, LengthReading};
pub use login::{LoginFields, LoginKind, LoginRequest, put_login};
pub use message::{BodyError, Message, UserInfo, parse_join, parse_push, put_cms, put_join};
pub use record::{Cms, CmsRules, put_record, put_record_fields, put_room_tail, record_bytes};
pub use spans::{BadField, Span, SpanValue, Spans};
