//! A client's frames become the bytes of its messages.
//!
//! Works in the buffer that was read into: masks come off in place, heads are squeezed out, so that what the messages
//! hold stands together. Keeps no byte itself: what is left of a cut head or control frame is its owner's to hold.
//! Invariant: the events, and the bytes between them, do not depend on where the input was cut.

use std::ops::Range;

use super::CONTROL_BYTES_MAX;
use super::close::parse_close;
use super::head::{Fault, Head, Opcode};
use super::mask::{turned, unmask};

/// Frames of one message; empty ones count. A message in one-byte pieces would cost ten times its bytes.
pub const FRAGMENTS_MAX: u8 = 64;

/// How far a connection's bytes have become messages. Sixteen bytes, and nothing on the heap.
#[derive(Debug, Default)]
pub struct Reader {
    /// Of the data frame under way, turned so that it begins with the byte for the next byte of payload.
    mask: [u8; 4],
    /// Payload of the data frame under way that is still to come.
    left: u32,
    /// Payload of the message so far, the frame under way counted whole.
    message: u32,
    fragments: u8,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    /// Within a message, between its frames or in one that is not its last.
    Message,
    /// In the last frame of a message.
    Last,
    /// A close came, or a fault: whatever follows is nothing to us.
    Done,
}

/// What stands where in the buffer: `… payload … raw`, with room between them where heads were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Bytes of the message under way that its owner has not taken yet.
    pub payload: Range<usize>,
    /// Where the bytes begin that are still as they came.
    pub raw: usize,
}

impl Span {
    /// Of a buffer that begins with `payload` bytes of the message under way, all else being raw.
    pub fn behind(payload: usize) -> Self {
        Self { payload: 0..payload, raw: payload }
    }
}

/// What a client's bytes say next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing, before more has come. What is left raw, at most a head or a control frame, goes in front of it.
    More,
    /// A message ends with the span's payload, which is to be taken or kept apart: the next one's follows.
    Message,
    /// A ping with this payload, which stands in the buffer until the next call. Owed a pong.
    Ping(Range<usize>),
    /// A pong, that is: nothing.
    Pong,
    /// The client closes, with this code or none. To be answered with the same; what follows is thrown away.
    Close(Option<u16>),
    /// To be answered with the fault's close code; what follows is thrown away.
    Fail(Fault),
}

impl Reader {
    /// Reads on in `buffer` from `span.raw`, until there is something to say. A message may have `message_max` bytes.
    pub fn advance(&mut self, buffer: &mut [u8], span: &mut Span, message_max: usize) -> Event {
        loop {
            if self.state == State::Done {
                span.raw = buffer.len();
                return Event::More;
            }
            self.take_payload(buffer, span);
            if self.left > 0 {
                return Event::More;
            }
            if self.state == State::Last {
                return self.end_message();
            }
            let head = match Head::parse(&buffer[span.raw..], self.state == State::Message) {
                Ok(None) => return Event::More,
                Ok(Some(head)) => head,
                Err(fault) => return self.fail(fault),
            };
            match head.opcode {
                Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                    if let Err(fault) = self.begin_frame(&head, message_max) {
                        return self.fail(fault);
                    }
                    span.raw += head.bytes;
                }
                Opcode::Ping => return take_control(&head, buffer, span).map_or(Event::More, Event::Ping),
                Opcode::Pong => {
                    return take_control(&head, buffer, span).map_or(Event::More, |_| Event::Pong);
                }
                Opcode::Close => {
                    let payload = take_control(&head, buffer, span);
                    return payload.map_or(Event::More, |payload| self.end(&buffer[payload]));
                }
            }
        }
    }

    /// Whether the bytes so far end within a message.
    pub fn is_in_message(&self) -> bool {
        matches!(self.state, State::Message | State::Last)
    }

    /// Whether a close or a fault has ended it: nothing is read any more.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Unmasks what is here of the frame under way, and moves it behind the payload that waits.
    fn take_payload(&mut self, buffer: &mut [u8], span: &mut Span) {
        let bytes = (self.left as usize).min(buffer.len() - span.raw);
        if bytes == 0 {
            return;
        }
        let here = span.raw..span.raw + bytes;
        unmask(&mut buffer[here.clone()], self.mask);
        self.mask = turned(self.mask, bytes);
        self.left -= bytes as u32;
        span.raw = here.end;
        if span.payload.is_empty() {
            span.payload = here; // nothing waits in front of it: it may stay where it is
        } else {
            let to = span.payload.end;
            buffer.copy_within(here, to);
            span.payload.end = to + bytes;
        }
    }

    fn begin_frame(&mut self, head: &Head, message_max: usize) -> Result<(), Fault> {
        let message = u64::from(self.message).saturating_add(head.len);
        let most = u32::try_from(message_max).unwrap_or(u32::MAX);
        let message = u32::try_from(message).ok().filter(|message| *message <= most).ok_or(Fault::TooBig)?;
        if self.fragments == FRAGMENTS_MAX {
            return Err(Fault::TooManyFragments);
        }
        self.fragments += 1;
        self.left = message - self.message; // what of it is the frame's fits, because all of it does
        self.message = message;
        self.mask = head.mask;
        self.state = if head.is_final { State::Last } else { State::Message };
        Ok(())
    }

    fn end_message(&mut self) -> Event {
        if self.message == 0 {
            return self.fail(Fault::EmptyMessage);
        }
        *self = Self::default();
        Event::Message
    }

    fn end(&mut self, close: &[u8]) -> Event {
        self.state = State::Done;
        parse_close(close).map_or_else(Event::Fail, Event::Close)
    }

    fn fail(&mut self, fault: Fault) -> Event {
        self.state = State::Done;
        Event::Fail(fault)
    }
}

/// Where a control frame's payload stands, without its mask; `None`: not all of it is here, and all of it stays raw.
fn take_control(head: &Head, buffer: &mut [u8], span: &mut Span) -> Option<Range<usize>> {
    let from = span.raw + head.bytes;
    let payload = from..from + head.len.min(CONTROL_BYTES_MAX as u64) as usize; // no more, by `Head::parse`
    unmask(buffer.get_mut(payload.clone())?, head.mask);
    span.raw = payload.end;
    Some(payload)
}

#[cfg(test)]
mod tests {
    use super::super::property::{Heard, Said, frame};
    use super::*;

    /// What an idle connection has; a hundred thousand of them hold no more.
    const _: () = assert!(size_of::<Reader>() == 16, "as its comment says");

    /// What is heard of `pieces` in one go, where a message may have 1,000 bytes.
    fn hear(pieces: &[&[u8]]) -> Vec<Said> {
        let input = pieces.concat();
        Heard::listen(&input, input.len().max(1), 1000).said
    }

    #[test]
    fn what_one_message_holds_stands_together() {
        let mut buffer =
            [frame(0x02, b"ab"), frame(0x00, b""), frame(0x89, b"?"), frame(0x80, b"cde")].concat();
        let (mut reader, mut span) = (Reader::default(), Span::default());
        assert_eq!(reader.advance(&mut buffer, &mut span, 5), Event::Ping(20..21));
        assert!(reader.is_in_message());
        assert_eq!(reader.advance(&mut buffer, &mut span, 5), Event::Message);
        assert_eq!(&buffer[span.payload.clone()], b"abcde");
        assert!(!reader.is_in_message());
        assert_eq!(span.raw, buffer.len());
    }

    #[test]
    fn the_payload_of_one_frame_is_not_moved() {
        let mut buffer = frame(0x82, &[7; 300]);
        let (mut reader, mut span) = (Reader::default(), Span::default());
        assert_eq!(reader.advance(&mut buffer, &mut span, 300), Event::Message);
        assert_eq!(span, Span { payload: 8..308, raw: 308 });
        assert_eq!(&buffer[8..], [7; 300]);
    }

    #[test]
    fn a_message_at_the_limit_passes_and_one_past_it_fails_from_its_head() {
        assert_eq!(hear(&[&frame(0x82, &[1; 1000])]), [Said::Message(vec![1; 1000])]);
        assert_eq!(hear(&[&frame(0x82, &[1; 1001])[..8]]), [Said::Fail(Fault::TooBig)]);
        let begun = frame(0x02, &[1; 999]);
        assert_eq!(hear(&[&begun, &frame(0x80, b"\x01")]), [Said::Message(vec![1; 1000])]);
        assert_eq!(hear(&[&begun, &frame(0x80, b"xy")[..6]]), [Said::Fail(Fault::TooBig)]);
        let longest = [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];
        assert_eq!(hear(&[&longest]), [Said::Fail(Fault::TooBig)]);
    }

    #[test]
    fn a_message_in_64_fragments_passes_and_in_65_fails() {
        let pieces = |count: usize| {
            let middle = frame(0x00, b"").repeat(count - 2);
            [frame(0x02, b"a"), middle, frame(0x80, b"z")].concat()
        };
        assert_eq!(hear(&[&pieces(64)]), [Said::Message(b"az".to_vec())]);
        assert_eq!(hear(&[&pieces(65)]), [Said::Fail(Fault::TooManyFragments)]);
        // each message counts anew
        assert_eq!(hear(&[&pieces(64).repeat(2)]), vec![Said::Message(b"az".to_vec()); 2]);
    }

    #[test]
    fn nothing_is_read_behind_a_close_or_a_fault() {
        for (last, said) in [
            (frame(0x88, b""), Said::Close(None)),
            (frame(0x88, &1000u16.to_be_bytes()), Said::Close(Some(1000))),
            (frame(0x81, b"text"), Said::Fail(Fault::Text)),
        ] {
            assert_eq!(hear(&[&last, &frame(0x82, b"late"), &frame(0x89, b"late")]), [said]);
        }
    }
}
