//! Whatever bytes a client sends, and wherever the network cuts them: the same is heard, and what RFC 6455 says is heard.
//!
//! The claim is one function, run by tests over the fuzz corpus and over random bytes, and by the fuzz target. It compares
//! the reader with [`plainly`], which reads a whole stream the slow and obvious way and shares no code with it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are assertions")]

use super::{Event, FRAGMENTS_MAX, Fault, Reader, Span, is_sendable};

/// What a client said, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Message(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
    Fail(Fault),
}

/// All that was heard of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Whole messages, control frames, the end.
    pub(crate) said: Vec<Said>,
    /// What came of a message that has not ended; nothing behind an end.
    pub(crate) open: Vec<u8>,
}

/// A frame with a mask: `first` is the byte with FIN and opcode.
#[cfg(test)]
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..0x1_0000 => frame.extend([&[0xFE][..], &(len as u16).to_be_bytes()].concat()),
        len => frame.extend([&[0xFF][..], &(len as u64).to_be_bytes()].concat()),
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

impl Heard {
    #[cfg(test)]
    pub(crate) fn listen(stream: &[u8], piece: usize, message_max: usize) -> Self {
        Self::listen_with(stream, piece, message_max, false)
    }

    /// Feeds `stream` to a reader in pieces of `piece` bytes, and does what a reader's owner has to. `planted`: an owner that
    /// forgets a cut head.
    fn listen_with(stream: &[u8], piece: usize, message_max: usize, planted: bool) -> Self {
        let mut heard = Self::default();
        let (mut reader, mut held, mut payload) = (Reader::default(), Vec::new(), 0);
        for piece in stream.chunks(piece) {
            held.extend_from_slice(piece);
            let span = heard.take(&mut reader, &mut held, payload, message_max);
            let raw = if planted { held.len() } else { span.raw };
            assert!(held.len() - span.raw < 14 + 125, "no more is left raw than a head and a control frame");
            payload = span.payload.len();
            held = [&held[span.payload], &held[raw..]].concat();
        }
        if !reader.is_done() {
            heard.open = held[..payload].to_vec();
            assert!(heard.open.len() <= message_max, "bounded while a message comes together");
        }
        heard
    }

    fn take(&mut self, reader: &mut Reader, held: &mut [u8], payload: usize, message_max: usize) -> Span {
        let mut span = Span::behind(payload);
        loop {
            let said = match reader.advance(held, &mut span, message_max) {
                Event::More => return span,
                Event::Message => {
                    let message = held[span.payload.clone()].to_vec();
                    span.payload.start = span.payload.end;
                    Said::Message(message)
                }
                Event::Ping(payload) => Said::Ping(held[payload].to_vec()),
                Event::Pong => Said::Pong,
                Event::Close(code) => Said::Close(code),
                Event::Fail(fault) => Said::Fail(fault),
            };
            self.said.push(said);
        }
    }
}

/// Any bytes, any cut: what is heard is the same, and it is what a plain reading of the whole stream says.
///
/// Input: length of a piece, limit of a message (2), then the stream.
pub fn websocket(data: &[u8], planted: bool) {
    let Some((&[piece, high, low], stream)) = data.split_first_chunk() else { return };
    let message_max = usize::from(u16::from_be_bytes([high, low]));
    let at_once = Heard::listen_with(stream, stream.len().max(1), message_max, planted);
    let in_pieces = Heard::listen_with(stream, usize::from(piece).max(1), message_max, planted);
    assert_eq!(at_once, in_pieces, "where the stream is cut changes what is heard");
    assert_eq!(at_once, plainly(stream, message_max), "and so does how it is read");
}

/// The RFC's section 5, read aloud.
fn plainly(stream: &[u8], message_max: usize) -> Heard {
    let mut heard = Heard::default();
    let (mut fragments, mut at) = (0, 0);
    let mut message = None;
    let end = loop {
        match plain_frame(&stream[at..], message.is_some()) {
            Plain::Cut(payload) => {
                // a data frame whose payload is under way has been judged by its head already
                match payload.map(|(len, here)| (message.get_or_insert(Vec::new()), len, here)) {
                    Some((message, len, here)) => {
                        match grow(message, &mut fragments, len, &here, message_max) {
                            Ok(()) => break None,
                            Err(fault) => break Some(Said::Fail(fault)),
                        }
                    }
                    None => break None,
                }
            }
            Plain::Fault(fault) => break Some(Said::Fail(fault)),
            Plain::Whole { first, payload, bytes } => {
                at += bytes;
                match first & 0x0F {
                    8 => break Some(plain_close(&payload)),
                    9 => heard.said.push(Said::Ping(payload)),
                    10 => heard.said.push(Said::Pong),
                    _ => {
                        let so_far = message.get_or_insert(Vec::new());
                        let len = payload.len() as u64;
                        if let Err(fault) = grow(so_far, &mut fragments, len, &payload, message_max) {
                            break Some(Said::Fail(fault));
                        }
                        if first & 0x80 != 0 {
                            fragments = 0;
                            match message.take() {
                                Some(message) if !message.is_empty() => {
                                    heard.said.push(Said::Message(message))
                                }
                                Some(_) | None => break Some(Said::Fail(Fault::EmptyMessage)),
                            }
                        }
                    }
                }
            }
        }
    };
    match end {
        Some(end) => heard.said.push(end),
        None => heard.open = message.unwrap_or_default(),
    }
    heard
}

enum Plain {
    Whole {
        first: u8,
        payload: Vec<u8>,
        bytes: usize,
    },
    /// Ends within a frame; of a data frame with a whole head its length, and what is here of its payload.
    Cut(Option<(u64, Vec<u8>)>),
    Fault(Fault),
}

fn grow(message: &mut Vec<u8>, fragments: &mut u8, len: u64, here: &[u8], most: usize) -> Result<(), Fault> {
    if u128::from(len) + message.len() as u128 > most as u128 {
        return Err(Fault::TooBig);
    }
    *fragments += 1;
    if *fragments > FRAGMENTS_MAX {
        return Err(Fault::TooManyFragments);
    }
    message.extend(here);
    Ok(())
}

fn plain_frame(stream: &[u8], in_message: bool) -> Plain {
    let [first, behind @ ..] = stream else { return Plain::Cut(None) };
    let opcode = first & 0x0F;
    if first & 0b0111_0000 != 0 {
        return Plain::Fault(Fault::ReservedBit);
    }
    if (3..8).contains(&opcode) || opcode > 10 {
        return Plain::Fault(Fault::ReservedOpcode(opcode));
    }
    let is_control = opcode >= 8;
    if is_control && first & 0x80 == 0 {
        return Plain::Fault(Fault::FragmentedControl);
    }
    if !is_control && (opcode == 0) != in_message {
        return Plain::Fault(if in_message { Fault::MessageUnderWay } else { Fault::NoMessage });
    }
    let [second, behind @ ..] = behind else { return Plain::Cut(None) };
    if second & 0x80 == 0 {
        return Plain::Fault(Fault::Unmasked);
    }
    let wide = match second & 0x7F {
        126.. if is_control => return Plain::Fault(Fault::LongControl),
        126 => 2,
        127 => 8,
        _ => 0,
    };
    if behind.len() < wide {
        return Plain::Cut(None);
    }
    let len = match wide {
        0 => u64::from(second & 0x7F),
        wide => behind[..wide].iter().fold(0, |len, byte| len << 8 | u64::from(*byte)),
    };
    if (wide == 2 && len < 126) || (wide == 8 && !(65_536..1 << 63).contains(&len)) {
        return Plain::Fault(Fault::Length);
    }
    if opcode == 1 {
        return Plain::Fault(Fault::Text);
    }
    let Some((mask, masked)) = behind[wide..].split_first_chunk::<4>() else { return Plain::Cut(None) };
    let here = masked.len().min(usize::try_from(len).unwrap_or(usize::MAX));
    let payload: Vec<u8> = masked[..here].iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
    if (payload.len() as u64) < len {
        return Plain::Cut((!is_control).then_some((len, payload)));
    }
    Plain::Whole { first: *first, payload, bytes: 2 + wide + 4 + here }
}

fn plain_close(payload: &[u8]) -> Said {
    match payload {
        [] => Said::Close(None),
        [high, low, reason @ ..] => match u16::from_be_bytes([*high, *low]) {
            code if !is_sendable(code) => Said::Fail(Fault::CloseCode),
            _ if String::from_utf8(reason.to_vec()).is_err() => Said::Fail(Fault::CloseReason),
            code => Said::Close(Some(code)),
        },
        [_] => Said::Fail(Fault::CloseCode),
    }
}
