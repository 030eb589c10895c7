//! What stands between a connection's frames and its socket: TLS, WebSocket, both.
//!
//! Plain TCP has none of it. Takes all that is written, or nothing: what the socket does not take waits here, at most one
//! write of the caller's, and goes out with the socket's next writable edge. Reads until the socket is empty or the
//! caller's buffer is full, so that a read that leaves room means the same as over plain TCP.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use longwire_wire::{HEADER_BYTES, Header, LengthReading};
use mio::net::TcpStream;
use rustls::ClientConnection;

use super::conn::Got;
use crate::carrier::{ACCEPT, Carrier, Told};
use crate::failure::Failure;

/// An answer to an upgrade that is longer is none.
const ANSWER_BYTES_MAX: usize = 8 * 1024;
/// So much of its first line is shown.
const LINE_SHOWN: usize = 80;

/// One connection's.
pub(super) struct Layer {
    tls: Option<(ClientConnection, Told)>,
    web: Option<Web>,
    /// Without TLS: what the socket did not take, and how much of it it took.
    out: Vec<u8>,
    taken: usize,
    /// Nothing comes any more.
    ended: bool,
    /// Why TLS or the upgrade came to nothing.
    declined: Option<Declined>,
}

/// Why nothing came of what stands between, in words.
enum Declined {
    Tls(String),
    WebSocket(String),
}

/// WebSocket: what has come of a message, and what waits for the upgrade.
struct Web {
    length: LengthReading,
    /// Until the server has agreed: its answer so far, and what was written meanwhile.
    opening: Option<Opening>,
    /// Bytes of the message that is being read.
    left: u64,
    /// It is a control frame: its bytes are passed over.
    is_control: bool,
    /// The beginning of a frame's head.
    head: [u8; 10],
    head_bytes: usize,
}

#[derive(Default)]
struct Opening {
    answer: Vec<u8>,
    held: Vec<u8>,
}

/// What the server sent is no WebSocket, or its end.
struct Ended;

impl Layer {
    /// Of a connection that is just there; `None` where nothing is between. The upgrade, if any, waits to be flushed.
    pub(super) fn of(carrier: &Carrier, length: LengthReading) -> Option<Box<Self>> {
        if carrier.is_plain() {
            return None;
        }
        let tls = carrier.tls.as_ref().map(|by| {
            let mut tls = ClientConnection::new(by.config.clone(), by.name.clone()).ok()?;
            tls.set_buffer_limit(None);
            Some((tls, by.told))
        });
        let broken = matches!(tls, Some(None));
        let mut layer =
            Self { tls: tls.flatten(), web: None, out: Vec::new(), taken: 0, ended: broken, declined: None };
        if let Some(request) = &carrier.upgrade {
            layer.web = Some(Web {
                length,
                opening: Some(Opening::default()),
                left: 0,
                is_control: false,
                head: [0; 10],
                head_bytes: 0,
            });
            layer.put(request);
        }
        Some(Box::new(layer))
    }

    pub(super) fn read(&mut self, stream: &mut TcpStream, buffer: &mut [u8]) -> Got {
        let mut filled = 0;
        while filled < buffer.len() && !self.ended {
            let got = match &mut self.tls {
                None => read_socket(stream, &mut buffer[filled..]),
                Some((tls, told)) => match read_tls(tls, stream, &mut buffer[filled..]) {
                    Ok(got) => got,
                    Err(err) => {
                        if tls.is_handshaking() {
                            self.declined = Some(Declined::Tls(told(err)));
                        }
                        Got::End
                    }
                },
            };
            match got {
                Got::Bytes(bytes) => match self.unwrap(stream, &mut buffer[filled..filled + bytes]) {
                    Ok(kept) => filled += kept,
                    Err(Ended) => self.ended = true,
                },
                Got::NothingYet => break,
                Got::End => self.ended = true,
            }
        }
        match filled {
            0 if self.ended => Got::End,
            0 => Got::NothingYet,
            bytes => Got::Bytes(bytes),
        }
    }

    /// Leaves the frames at the beginning of `bytes`, and says how much they are.
    fn unwrap(&mut self, stream: &mut TcpStream, bytes: &mut [u8]) -> Result<usize, Ended> {
        let Some(web) = &mut self.web else { return Ok(bytes.len()) };
        let begin = match &mut web.opening {
            None => 0,
            Some(opening) => match opening.take(bytes) {
                Err(Ended) => {
                    self.declined = Some(Declined::WebSocket(opening.first_line()));
                    return Err(Ended);
                }
                Ok(None) => return Ok(0),
                Ok(Some(behind)) => {
                    let held = std::mem::take(&mut opening.held);
                    web.opening = None;
                    let kept = web.unwrap(bytes, behind)?;
                    self.write(stream, &held);
                    return Ok(kept);
                }
            },
        };
        web.unwrap(bytes, begin)
    }

    /// Why TLS or the upgrade came to nothing, if the connection did not just end behind it.
    pub(super) fn declined(&self, address: SocketAddr) -> Option<Failure> {
        Some(match self.declined.as_ref()? {
            Declined::Tls(why) => Failure::Handshake { address, why: why.clone() },
            Declined::WebSocket(line) => Failure::Protocol { address, what: format!("no WebSocket: {line}") },
        })
    }

    /// Takes whole frames: all of them, or none while earlier ones wait for the socket.
    pub(super) fn write(&mut self, stream: &mut TcpStream, bytes: &[u8]) -> usize {
        self.flush(stream);
        if self.is_behind() {
            return 0;
        }
        match &mut self.web {
            None => self.put(bytes),
            Some(Web { opening: Some(opening), .. }) => opening.held.extend_from_slice(bytes),
            Some(Web { length, .. }) => {
                let wrapped = messages(bytes, *length);
                self.put(&wrapped);
            }
        }
        self.flush(stream);
        bytes.len()
    }

    fn put(&mut self, bytes: &[u8]) {
        match &mut self.tls {
            None => self.out.extend_from_slice(bytes),
            // Without a limit its buffer takes everything.
            Some((tls, _)) => tls.writer().write_all(bytes).unwrap_or_default(),
        }
    }

    /// Whether something waits for the socket.
    pub(super) fn is_behind(&self) -> bool {
        self.taken < self.out.len() || self.tls.as_ref().is_some_and(|(tls, _)| tls.wants_write())
    }

    /// Writes what the socket takes. An error is not told: the read that follows it ends.
    pub(super) fn flush(&mut self, stream: &mut TcpStream) {
        if let Some((tls, _)) = &mut self.tls {
            flush_tls(tls, stream);
        }
        while self.taken < self.out.len() {
            match stream.write(&self.out[self.taken..]) {
                Ok(more) if more > 0 => self.taken += more,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => return,
            }
        }
        // An idle connection keeps no memory for what it once said.
        (self.out, self.taken) = (Vec::new(), 0);
    }
}

fn read_socket(stream: &mut TcpStream, buffer: &mut [u8]) -> Got {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Got::End,
            Ok(bytes) => return Got::Bytes(bytes),
            Err(err) if err.kind() == ErrorKind::WouldBlock => return Got::NothingYet,
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Got::End,
        }
    }
}

fn read_tls(tls: &mut ClientConnection, stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Got> {
    loop {
        match tls.reader().read(buffer) {
            Ok(0) => return Ok(Got::End),
            Ok(bytes) => return Ok(Got::Bytes(bytes)),
            Err(err) if err.kind() == ErrorKind::WouldBlock => {}
            Err(err) => return Err(err),
        }
        match tls.read_tls(stream) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {
                let good = tls.process_new_packets().map(drop);
                flush_tls(tls, stream); // what a handshake answers, or why it ends
                good.map_err(|err| io::Error::new(ErrorKind::InvalidData, err))?;
            }
            Err(err) if err.kind() == ErrorKind::WouldBlock => return Ok(Got::NothingYet),
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
}

fn flush_tls(tls: &mut ClientConnection, stream: &mut TcpStream) {
    while tls.wants_write() {
        match tls.write_tls(stream) {
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Ok(more) if more > 0 => {}
            Ok(_) | Err(_) => return,
        }
    }
}

impl Opening {
    /// Where the messages begin behind the answer; `None` while it is not whole.
    fn take(&mut self, bytes: &[u8]) -> Result<Option<usize>, Ended> {
        let before = self.answer.len();
        self.answer.extend_from_slice(&bytes[..bytes.len().min(ANSWER_BYTES_MAX - before)]);
        let Some(end) = find(&self.answer, b"\r\n\r\n") else {
            return if self.answer.len() < ANSWER_BYTES_MAX { Ok(None) } else { Err(Ended) };
        };
        let answer = &self.answer[..end];
        let agreed = answer.starts_with(b"HTTP/1.1 101 ") && find(answer, ACCEPT).is_some();
        if agreed { Ok(Some(end + 4 - before)) } else { Err(Ended) }
    }

    /// Of the answer, as far as it can be shown.
    fn first_line(&self) -> String {
        let line = self.answer.split(|&byte| byte == b'\r').next().unwrap_or_default();
        line.iter()
            .take(LINE_SHOWN)
            .map(|&byte| if byte.is_ascii_graphic() { byte as char } else { ' ' })
            .collect()
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

impl Web {
    /// Takes the heads of frames out of `bytes`, from `at` on; what is left stands at their beginning.
    fn unwrap(&mut self, bytes: &mut [u8], mut at: usize) -> Result<usize, Ended> {
        let mut kept = 0;
        while at < bytes.len() {
            if self.left == 0 {
                self.head[self.head_bytes] = bytes[at];
                self.head_bytes += 1;
                at += 1;
                self.begin()?;
                continue;
            }
            let some = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len() - at);
            if !self.is_control {
                bytes.copy_within(at..at + some, kept);
                kept += some;
            }
            at += some;
            self.left -= some as u64;
        }
        Ok(kept)
    }

    /// Reads the head, once it is whole. A server's frame is not masked; its close is the end.
    fn begin(&mut self) -> Result<(), Ended> {
        const OPCODE_CLOSE: u8 = 8;
        const MASKED: u8 = 0x80;
        let [first, second, ..] = self.head;
        let whole = match second {
            _ if self.head_bytes < 2 => 2,
            126 => 4,
            127 => 10,
            0..126 => 2,
            MASKED.. => return Err(Ended),
        };
        if self.head_bytes < whole {
            return Ok(());
        }
        let long = &self.head[2..whole];
        self.left = match long.len() {
            0 => u64::from(second),
            _ => long.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)),
        };
        self.head_bytes = 0;
        self.is_control = first & 0x08 != 0;
        if first & 0x0F == OPCODE_CLOSE { Err(Ended) } else { Ok(()) }
    }
}

/// Each frame of `frames` as a binary message, masked by zeros: the server's work is the same, ours is none.
fn messages(frames: &[u8], length: LengthReading) -> Vec<u8> {
    const BINARY: u8 = 0x82;
    const MASKED: u8 = 0x80;
    let mut out = Vec::with_capacity(frames.len() + frames.len() / 8 + 32);
    let mut rest = frames;
    while !rest.is_empty() {
        let header = rest.first_chunk::<HEADER_BYTES>().map(Header::parse);
        let body = header.and_then(|header| length.body_of(header.len));
        let bytes = body.map_or(rest.len(), |body| rest.len().min(HEADER_BYTES + body as usize));
        let (frame, behind) = rest.split_at(bytes);
        rest = behind;
        out.push(BINARY);
        match frame.len() {
            len @ 0..126 => out.push(MASKED | len as u8),
            len @ 126..0x1_0000 => {
                out.push(MASKED | 126);
                out.extend((len as u16).to_be_bytes());
            }
            len => {
                out.push(MASKED | 127);
                out.extend((len as u64).to_be_bytes());
            }
        }
        out.extend([0; 4]);
        out.extend_from_slice(frame);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> Web {
        Web {
            length: LengthReading::Body,
            opening: None,
            left: 0,
            is_control: false,
            head: [0; 10],
            head_bytes: 0,
        }
    }

    /// A server's message of any opcode.
    fn message(opcode: u8, data: &[u8]) -> Vec<u8> {
        let mut out = vec![0x80 | opcode];
        match data.len() {
            len @ 0..126 => out.push(len as u8),
            len @ 126..0x1_0000 => {
                out.push(126);
                out.extend((len as u16).to_be_bytes());
            }
            len => {
                out.push(127);
                out.extend((len as u64).to_be_bytes());
            }
        }
        out.extend(data);
        out
    }

    #[test]
    fn frames_come_out_of_messages_wherever_they_are_cut() {
        let data: Vec<Vec<u8>> = [0, 1, 125, 126, 70_000].map(|len| vec![len as u8; len]).into();
        let mut stream: Vec<u8> = data.iter().flat_map(|data| message(2, data)).collect();
        stream.splice(0..0, message(9, b"a ping"));
        let expected = data.concat();
        for piece in [1, 2, 3, 7, 1000, stream.len()] {
            let (mut web, mut got) = (web(), Vec::new());
            for piece in stream.chunks(piece) {
                let mut piece = piece.to_vec();
                let kept = web.unwrap(&mut piece, 0).unwrap_or_else(|Ended| panic!("it ended"));
                got.extend_from_slice(&piece[..kept]);
            }
            assert!(got == expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_close_and_a_masked_message_are_the_end() {
        for bytes in [&[0x88, 2, 3, 0xE8][..], &[0x82, 0x81, 1, 2, 3, 4, 5]] {
            assert!(web().unwrap(&mut bytes.to_vec(), 0).is_err());
        }
    }

    #[test]
    fn only_the_right_answer_opens_a_web_socket() {
        let answer = |status: &str, accept: &str| {
            format!("HTTP/1.1 {status}\r\nSec-WebSocket-Accept: {accept}\r\n\r\nbehind")
        };
        let right = answer("101 Switching Protocols", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let mut opening = Opening::default();
        let (first, second) = right.as_bytes().split_at(40);
        assert!(matches!(opening.take(first), Ok(None)));
        let behind = opening.take(second).ok().flatten().map(|at| &second[at..]);
        assert_eq!(behind, Some(&b"behind"[..]));
        for wrong in
            [answer("403 Forbidden", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), answer("101 X", "x"), "x".repeat(9000)]
        {
            assert!(Opening::default().take(wrong.as_bytes()).is_err());
        }
    }

    #[test]
    fn every_frame_is_a_message_of_its_own() {
        let frame = |body: usize| [&(body as u32).to_be_bytes()[..], &[0; 7], &vec![7; body]].concat();
        let wrapped = messages(&[frame(0), frame(200), frame(70_000)].concat(), LengthReading::Body);
        assert_eq!(wrapped[..2], [0x82, 0x80 | 11]);
        let second = 2 + 4 + 11;
        assert_eq!(wrapped[second..second + 4], [0x82, 0x80 | 126, 0, 211]);
        let third = second + 4 + 4 + 211;
        assert_eq!(wrapped[third..third + 2], [0x82, 0x80 | 127]);
        assert_eq!(wrapped.len(), third + 10 + 4 + 70_011);
    }
}
