//! What a client of raw bytes writes to and reads from: a TCP stream as it is, or WebSocket messages on one.
//!
//! Over WebSocket whole frames go as binary messages, as many in one as are written at once. A frame that is written in
//! pieces is a message that comes in pieces: nothing is held back. What can be no frame is a message as far as it was written
//! at once, for a message says itself where it ends (18.1). Every message of the server must be one whole frame (18.5).

use super::WAIT_MAX;
use super::bytes::Reading;
use super::carried::Transport;
use super::websocket::{self, BINARY, CLOSE};
use std::io::{Read, Result, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Frames written at once share a message up to this.
const SHARED_MAX: usize = 4_096;
/// The longest message of the client (18.8): the first one, and all others.
const FIRST_MAX: usize = 11 + 8_192;
const MESSAGE_MAX: usize = 11 + 65_536;

pub struct Stream {
    socket: TcpStream,
    /// Which frames are whole, and where the server's must end, depends on it.
    pub reading: Reading,
    web: Option<Web>,
}

/// A WebSocket's state, both ways.
#[derive(Default)]
struct Web {
    is_past_first: bool,
    /// Of the frame under way: its `len`, as long as that is not whole. Each write of it was a fragment.
    len: Vec<u8>,
    /// Of the last fragment under way: payload still to be written, and how much was, for the mask.
    left: usize,
    gone: usize,
    /// What was read, from `taken` on not looked at.
    input: Vec<u8>,
    taken: usize,
    /// Payload of the server's message that is still to come.
    due: usize,
    is_closed: bool,
}

impl Stream {
    /// Over a stream as it is.
    pub fn plain(socket: TcpStream) -> Self {
        socket.set_nodelay(true).expect("TCP_NODELAY");
        socket.set_read_timeout(Some(WAIT_MAX)).expect("a read timeout");
        socket.set_write_timeout(Some(WAIT_MAX)).expect("a write timeout");
        Self { socket, reading: Reading::Body, web: None }
    }

    /// Over a connection to a server, in whatever all clients of this test program speak.
    pub fn to_server(socket: TcpStream) -> Self {
        let mut stream = Self::plain(socket);
        if Transport::wanted().is_web() {
            websocket::become_one(&mut stream.socket);
            stream.web = Some(Web::default());
        }
        stream
    }

    /// A second handle, for another thread: one of the two writes, one reads, and both begin between frames.
    pub fn try_clone(&self) -> Self {
        let socket = self.socket.try_clone().expect("a second handle");
        let web = self.web.as_ref().map(|_| Web { is_past_first: true, ..Web::default() });
        Self { socket, reading: self.reading, web }
    }

    /// Writes what nothing will follow of: over WebSocket its message ends with it, whole frames or not.
    pub fn write_and_end(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.web {
            None => self.socket.write_all(bytes),
            Some(web) => self.socket.write_all(&web.messages(bytes, self.reading, true)),
        }
    }

    pub fn local_addr(&self) -> Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub fn shutdown(&self, how: Shutdown) -> Result<()> {
        self.socket.shutdown(how)
    }

    pub fn set_read_timeout(&self, time: Duration) {
        self.socket.set_read_timeout(Some(time)).expect("a read timeout");
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let Some(web) = &mut self.web else { return self.socket.write(bytes) };
        self.socket.write_all(&web.messages(bytes, self.reading, false))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let Some(web) = &mut self.web else { return self.socket.read(buffer) };
        loop {
            let bytes = web.take(buffer, self.reading);
            if bytes > 0 {
                return Ok(bytes);
            }
            web.input.drain(..std::mem::take(&mut web.taken));
            let mut chunk = [0; 64 * 1024];
            match self.socket.read(&mut chunk)? {
                0 => return Ok(0),
                more => web.input.extend(&chunk[..more]),
            }
        }
    }
}

impl Web {
    /// `bytes` as a client's messages, or as parts of one.
    fn messages(&mut self, mut bytes: &[u8], reading: Reading, ends: bool) -> Vec<u8> {
        let mut out = Vec::new();
        while !bytes.is_empty() {
            let now = if self.left > 0 {
                self.left.min(bytes.len())
            } else {
                self.begin(bytes, reading, ends, &mut out)
            };
            out.extend(websocket::masked(&bytes[..now], self.gone));
            (self.left, self.gone) = (self.left - now, self.gone + now);
            bytes = &bytes[now..];
        }
        out
    }

    /// Writes the head of what `bytes` begin with. How many of them belong to it.
    fn begin(&mut self, bytes: &[u8], reading: Reading, ends: bool, out: &mut Vec<u8>) -> usize {
        let most = if self.is_past_first { MESSAGE_MAX } else { FIRST_MAX };
        let len: Vec<u8> = self.len.iter().chain(bytes).copied().take(4).collect();
        let begun = std::mem::take(&mut self.len).len();
        let opcode = if begun > 0 { 0 } else { 2 };
        let whole = if begun > 0 { 0 } else { whole_frames(bytes, reading, most) };
        let (first, payload) = match frame_len(&len, reading).filter(|len| *len <= most && !ends) {
            _ if whole > 0 => (BINARY, whole),
            // nobody knows yet how long it will be: a fragment, and others follow
            None if len.len() < 4 && !ends => {
                self.len = len;
                (opcode, bytes.len())
            }
            None => (0x80 | opcode, bytes.len().min(most - begun)),
            Some(len) => (0x80 | opcode, len - begun),
        };
        self.is_past_first |= first & 0x80 != 0;
        out.extend(websocket::head(first, payload));
        (self.left, self.gone) = (payload, 0);
        payload.min(bytes.len())
    }

    /// Payload of the server's messages, as much as is here.
    fn take(&mut self, buffer: &mut [u8], reading: Reading) -> usize {
        let mut filled = 0;
        while filled < buffer.len() && (self.due > 0 || self.begins(reading)) {
            let here = &self.input[self.taken..];
            let now = self.due.min(here.len()).min(buffer.len() - filled);
            if now == 0 {
                break;
            }
            buffer[filled..filled + now].copy_from_slice(&here[..now]);
            (filled, self.taken, self.due) = (filled + now, self.taken + now, self.due - now);
        }
        filled
    }

    /// Whether a further message begins, which is taken up to its payload.
    //= PROTOCOL.md#18.5
    // Each message of the server is exactly one whole frame.
    fn begins(&mut self, reading: Reading) -> bool {
        let here = &self.input[self.taken..];
        assert!(!self.is_closed || here.is_empty(), "behind a close frame comes nothing: {here:02x?}");
        let Some((head, len)) = websocket::server_head(here) else { return false };
        match here[0] {
            BINARY => {
                let Some(begin) = here.get(head..head + 4) else { return false };
                assert_eq!(frame_len(begin, reading), Some(len), "a message is one whole frame: {here:02x?}");
                (self.taken, self.due) = (self.taken + head, len);
                true
            }
            CLOSE => {
                assert!(len <= 125 && len != 1, "a close frame (5.5)");
                if here.len() >= head + len {
                    (self.taken, self.is_closed) = (self.taken + head + len, true);
                }
                false
            }
            other => panic!("no frame of this server begins with {other:02x}, unasked"),
        }
    }
}

/// How long a frame is, by its first four bytes; `None`: they are not all there, or no frame's.
fn frame_len(bytes: &[u8], reading: Reading) -> Option<usize> {
    let len = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    match reading {
        Reading::Body => Some(len + 11),
        Reading::Rest => (len >= 7).then_some(len + 4),
    }
}

/// How many of `bytes` are whole frames that may share a message.
fn whole_frames(bytes: &[u8], reading: Reading, most: usize) -> usize {
    let mut end = 0;
    while let Some(len) = frame_len(&bytes[end..], reading)
        && end + len <= bytes.len()
        && end + len <= if end == 0 { most } else { SHARED_MAX }
    {
        end += len;
    }
    end
}
