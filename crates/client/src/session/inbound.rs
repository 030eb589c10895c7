//! Frames in: bytes of the server, cut anywhere, to answers and messages.
//!
//! Trusts nothing. Invariant: holds less than one frame at its limit plus what the last read brought, and the
//! messages of one push.

use crate::{ProtocolError, Received, config::WireConfig};
use longwire_wire::{
    Command, CommandMap, Compression, Decoder, Flow, Frame, HEADER_BYTES, Inflater, Message, Status,
    parse_push,
};
use std::{sync::Arc, vec};

/// A frame of the server's, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// An answer to the request `seq`; its body, if any, is not ours to read.
    Answer { code: u8, seq: u32, status: Status },
    /// A push; its messages are next.
    Push,
    /// A notify of a kind that this client never asked for.
    Other,
}

pub(super) struct Inbound {
    decoder: Decoder,
    commands: CommandMap,
    body_max: usize,
    bytes: Vec<u8>,
    taken: usize,
    /// Made when first needed: it is the largest part of a session.
    inflater: Option<Inflater>,
    inflated: Vec<u8>,
    room: Arc<str>,
    messages: vec::IntoIter<Message>,
}

impl Inbound {
    pub(super) fn new(wire: &WireConfig) -> Self {
        Self {
            decoder: Decoder::new(wire.length, wire.frame_bytes_max),
            commands: wire.commands.clone(),
            body_max: wire.frame_bytes_max as usize,
            bytes: Vec::new(),
            taken: 0,
            inflater: None,
            inflated: Vec::new(),
            room: Arc::from(""),
            messages: Vec::new().into_iter(),
        }
    }

    /// Takes bytes, to be called once `heard` gave `None`: then at most a part of a frame is held.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        debug_assert!(self.bytes.len() < self.body_max + HEADER_BYTES, "frames were left undecoded");
        self.bytes.extend_from_slice(bytes);
    }

    /// The name of a command number in this deployment.
    pub(super) fn command(&self, code: u8) -> Option<Command> {
        self.commands.command(code)
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.bytes.len()
    }

    /// Throws the messages of the last push away.
    pub(super) fn discard(&mut self) {
        self.messages = Vec::new().into_iter();
    }

    /// The next message of the last push.
    pub(super) fn message(&mut self) -> Option<Received> {
        let message = self.messages.next()?;
        Some(Received::new(self.room.clone(), message))
    }

    /// The next frame; `None`: more bytes are needed. `rooms` lends its names, so that messages share them.
    pub(super) fn heard(&mut self, rooms: &[Arc<str>]) -> Result<Option<Heard>, ProtocolError> {
        let Some((frame, taken)) = self.decoder.next(&self.bytes[self.taken..])? else { return Ok(None) };
        self.taken += taken;
        let flag = frame.header.flag;
        if matches!(flag.compression(), Compression::Reserved2 | Compression::Reserved3) {
            return Err(ProtocolError::ReservedCompression);
        }
        let heard = match flag.flow() {
            Flow::Answer => {
                let (code, seq, status) =
                    (frame.header.command, frame.header.seq, Status(frame.header.status));
                Heard::Answer { code, seq, status }
            }
            Flow::Notify if self.commands.command(frame.header.command) == Some(Command::Cms) => {
                let body = plain_body(&frame, &mut self.inflater, self.body_max, &mut self.inflated)?;
                let (room, messages) = parse_push(body)?;
                let known = rooms.iter().find(|known| ***known == *room).cloned();
                self.room = known.unwrap_or_else(|| Arc::from(room));
                self.messages = messages.into_iter();
                Heard::Push
            }
            Flow::Notify => Heard::Other,
            Flow::Request | Flow::Reserved => return Err(ProtocolError::Flow(flag.0 & 0b11)),
        };
        Ok(Some(heard))
    }
}

fn plain_body<'a>(
    frame: &Frame<'a>,
    inflater: &mut Option<Inflater>,
    max: usize,
    inflated: &'a mut Vec<u8>,
) -> Result<&'a [u8], ProtocolError> {
    if frame.header.flag.compression() != Compression::Gzip {
        return Ok(frame.body);
    }
    inflater.get_or_insert_default().inflate(frame.body, max, inflated)?;
    Ok(inflated)
}
