//! What one WebSocket is to its shard: whole frames in, one message a frame out.
//!
//! Holds no payload: what a client sends goes on to the engine's frames as it comes, and only the rest of a cut head
//! stays here. Invariant: nothing is written between the bytes of one message of ours (`cut`), control frames included.

use std::io;
use std::mem::{replace, take};

use longwire_engine::{Outgoing, Push};
use longwire_wire::{HEADER_BYTES, LengthReading};

use super::layer::{Heard, write_all};
use super::rules::Rules;
use super::transport::Transport;
use crate::ws::{
    CONTROL_BYTES_MAX, Control, Event, Fault, HEAD_BYTES_MAX, Owed, Reader, Span, Split, header, split,
};

/// Raw bytes that may have to be looked at together: with less room than this nothing is read.
pub(super) const ROOM_MIN: usize = HEAD_BYTES_MAX + CONTROL_BYTES_MAX;

#[derive(Default)]
pub(super) struct Messages {
    reader: Reader,
    control: Owed,
    /// Raw bytes that stand before what is read next: a cut head or control frame, or what came behind a first message.
    kept: Vec<u8>,
    /// `kept` was not looked at yet.
    unseen: bool,
    /// Known from the first message on, unless that splits in both.
    reading: Option<LengthReading>,
    is_past_first: bool,
    ends: Ends,
    /// A message of ours is half sent.
    cut: bool,
    /// A close of ours is owed, or was sent.
    has_closed: bool,
    /// What is said at the end, where the client has brought it about; behind all else that is owed.
    end: Option<Box<Control>>,
    /// Why nothing is heard any more: to be told once.
    fate: Option<Heard>,
}

impl Messages {
    /// Reads once, and puts what the messages hold into `buffer` behind its first `held` bytes; `raw` is scratch.
    pub(super) fn hear(
        &mut self,
        stream: &mut impl Transport,
        raw: &mut [u8],
        (buffer, held): (&mut [u8], usize),
        rules: &Rules,
    ) -> io::Result<Heard> {
        if let Some(fate) = self.fate.take() {
            return Ok(fate);
        }
        let mut filled = self.kept.len();
        raw[..filled].copy_from_slice(&self.kept);
        if !take(&mut self.unseen) {
            let room = (raw.len() - filled).min(buffer.len() - held);
            match stream.read(&mut raw[filled..filled + room])? {
                0 => return Ok(Heard::Ended),
                bytes => filled += bytes,
            }
        }
        self.kept = Vec::new();
        let (mut span, mut out, mut is_full) = (Span::default(), held, false);
        while span.raw < filled {
            let end = filled.min(span.raw + (buffer.len() - out));
            let max = if self.is_past_first { rules.message_max } else { rules.first_message_max };
            let event = self.reader.advance(&mut raw[..end], &mut span, max);
            let payload = span.payload.clone();
            buffer[out..out + payload.len()].copy_from_slice(&raw[payload.clone()]);
            self.ends.follow(&raw[payload.clone()], self.reading);
            out += payload.len();
            span.payload = span.raw..span.raw;
            match event {
                Event::More if end == filled => break,
                Event::More | Event::Pong => {}
                Event::Ping(payload) => self.control.pong(&raw[payload]),
                Event::Message if self.is_past_first => {
                    if self.reading.is_some() && !self.ends.is_between_frames() {
                        self.fail(Fault::CutFrame);
                        break;
                    }
                }
                Event::Message => {
                    self.keep(&raw[span.raw..filled], true);
                    return Ok(self.first_message(&buffer[..out], out - held, rules));
                }
                Event::Close(code) => {
                    (self.end, self.fate) = (Some(Box::new(Control::echo(code))), Some(Heard::Left));
                    break;
                }
                Event::Fail(fault) => {
                    self.fail(fault);
                    break;
                }
            }
            is_full = buffer.len() - out < ROOM_MIN;
            if is_full {
                break;
            }
        }
        let behind = if self.fate.is_some() { filled } else { span.raw.min(filled) }; // nobody looks behind an end
        self.keep(&raw[behind..filled], is_full);
        let bytes = out - held;
        Ok(if self.is_past_first { Heard::Frames { bytes, reading: None } } else { Heard::Hold(bytes) })
    }

    fn keep(&mut self, raw: &[u8], unseen: bool) {
        self.kept = raw.to_vec();
        self.unseen = unseen && !raw.is_empty();
    }

    /// The first message is whole: how its frames are to be read.
    //= PROTOCOL.md#18.2
    // The reading is the one under which the message with the LOGIN splits exactly into whole frames.
    fn first_message(&mut self, message: &[u8], bytes: usize, rules: &Rules) -> Heard {
        self.is_past_first = true;
        match split(message, rules.length) {
            Split::One(reading) => {
                self.reading = Some(reading);
                Heard::Frames { bytes, reading: Some(reading) }
            }
            Split::Both => Heard::Frames { bytes, reading: None },
            Split::None => {
                self.fail(Fault::CutFrame);
                Heard::Hold(0)
            }
        }
    }

    //= PROTOCOL.md#18.3
    // A later message that ends inside a frame closes with 1002.
    fn fail(&mut self, fault: Fault) {
        let said = Control::close(fault.code(), &fault.to_string());
        (self.end, self.fate) = (Some(Box::new(said)), Some(Heard::Broken));
    }

    /// Owes the close, once: the one that the client has brought about, else `code`.
    pub(super) fn say_close(&mut self, code: u16, reason: &str) {
        if replace(&mut self.has_closed, true) {
            return;
        }
        self.control.close(self.end.take().map_or_else(|| Control::close(code, reason), |end| *end));
    }

    /// Raw bytes that are kept at the moment.
    pub(super) fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Whether nothing is to be sent before the next message.
    pub(super) fn is_free(&self) -> bool {
        !self.cut && !self.has_closed && !self.control.is_any()
    }

    /// Whether a message of ours is half sent.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// The pong or close that is due, unless a message is half sent: then it has to wait.
    pub(super) fn due(&mut self) -> Option<Control> {
        if self.cut { None } else { self.control.take() }
    }

    /// Sends frames as messages; how many of their bytes were taken. What must follow those goes to `owed`.
    //= PROTOCOL.md#18.5
    // Each message of the server is exactly one whole frame.
    pub(super) fn send(
        &mut self,
        stream: &mut impl Transport,
        out: Outgoing<'_>,
        owed: &mut Vec<u8>,
    ) -> io::Result<usize> {
        match out {
            Outgoing::Push(push) => {
                let sent = write_all(stream, push.message())?;
                Ok(self.took(push, sent, owed))
            }
            Outgoing::Rest(rest) => {
                let taken = write_all(stream, rest)?;
                self.cut = taken < rest.len();
                Ok(taken)
            }
            Outgoing::Answers(answers) => self.send_answers(stream, answers, owed),
        }
    }

    /// Of `push` as a message, `sent` bytes were taken: how many of the frame's that is.
    pub(super) fn took(&mut self, push: Push<'_>, sent: usize, owed: &mut Vec<u8>) -> usize {
        let taken = taken_of(push.message(), push.header_len(), sent, owed);
        self.cut = taken > 0 && taken < push.frame().len();
        taken
    }

    fn send_answers(
        &mut self,
        stream: &mut impl Transport,
        answers: &[u8],
        owed: &mut Vec<u8>,
    ) -> io::Result<usize> {
        let head = header(HEADER_BYTES);
        let head = head.as_bytes();
        let unit = head.len() + HEADER_BYTES;
        let (begun, whole) = answers.split_at(answers.len() % HEADER_BYTES);
        let mut messages = begun.to_vec();
        for answer in whole.chunks(HEADER_BYTES) {
            messages.extend_from_slice(head);
            messages.extend_from_slice(answer);
        }
        let sent = write_all(stream, &messages)?;
        let taken = match sent.checked_sub(begun.len()) {
            None => sent,
            Some(behind) => {
                let at = begun.len() + behind / unit * unit;
                let last = messages.get(at..).unwrap_or_default();
                begun.len() + behind / unit * HEADER_BYTES + taken_of(last, head.len(), behind % unit, owed)
            }
        };
        self.cut = !(answers.len() - taken).is_multiple_of(HEADER_BYTES);
        Ok(taken)
    }
}

/// Of `message`, whose first `before` bytes are its header, `sent` were sent: how many bytes of the frame that is. Where
/// the header was begun and no byte of the frame was sent, the rest of the header and one byte are owed, and that byte
/// counts: the engine then knows the frame as half sent, and puts nothing else in front of it.
fn taken_of(message: &[u8], before: usize, sent: usize, owed: &mut Vec<u8>) -> usize {
    if sent > 0 && sent <= before {
        owed.extend_from_slice(&message[sent..=before]);
        return 1;
    }
    sent.saturating_sub(before)
}

/// Where frames end in a stream whose reading is known.
#[derive(Default)]
struct Ends {
    /// Of the frame under way, behind its `len`.
    left: u32,
    len: [u8; 4],
    have: u8,
}

impl Ends {
    fn is_between_frames(&self) -> bool {
        self.left == 0 && self.have == 0
    }

    fn follow(&mut self, mut bytes: &[u8], reading: Option<LengthReading>) {
        let Some(reading) = reading else { return };
        while !bytes.is_empty() {
            if self.left == 0 {
                self.len[usize::from(self.have)] = bytes[0];
                self.have += 1;
                bytes = &bytes[1..];
                if usize::from(self.have) == self.len.len() {
                    let len = u32::from_be_bytes(self.len);
                    // what no frame can have, the engine refuses: from there on nothing is read
                    let body = reading.body_of(len).unwrap_or(0);
                    (self.left, self.have) = (body.saturating_add((HEADER_BYTES - 4) as u32), 0);
                }
                continue;
            }
            let skipped = bytes.len().min(self.left as usize);
            self.left -= skipped as u32;
            bytes = &bytes[skipped..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::property::site;

    /// A client that has sent this, and no more so far.
    struct Sent(Vec<u8>);

    impl Transport for Sent {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let bytes = self.0.len().min(buffer.len());
            if bytes == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            buffer[..bytes].copy_from_slice(&self.0[..bytes]);
            self.0.drain(..bytes);
            Ok(bytes)
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn shut_down(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_is_kept_behind_an_end() {
        let refusals = crate::logging::LogLimit::new(1);
        let rules = Rules {
            site: site(),
            length: None,
            first_message_max: 100,
            message_max: 100,
            ready: true,
            refusals,
        };
        let close = [0x88, 0x80, 0, 0, 0, 0];
        let fault = [0xC2, 0x80, 0, 0, 0, 0];
        for (end, heard) in [(close, Heard::Left), (fault, Heard::Broken)] {
            let mut client = Sent([&end[..], &[7; 10_000]].concat());
            let (mut raw, mut buffer) = (vec![0; 20_000], vec![0; 20_000]);
            let mut messages = Messages::default();
            let first = messages.hear(&mut client, &mut raw, (&mut buffer, 0), &rules).unwrap();
            assert_eq!((first, messages.kept()), (Heard::Hold(0), 0));
            assert_eq!(messages.hear(&mut client, &mut raw, (&mut buffer, 0), &rules).unwrap(), heard);
        }
    }

    /// RFC 6455, 5.5.1: behind a close comes nothing, no second one either, whoever asks for it.
    #[test]
    fn a_close_is_said_once() {
        let mut messages = Messages::default();
        messages.say_close(4000, "draining");
        assert_eq!(messages.due(), Some(Control::close(4000, "draining")));
        messages.say_close(4003, "overloaded");
        assert_eq!(messages.due(), None);
    }
}
