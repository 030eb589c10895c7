//! A client of raw bytes over one connection. Knows PROTOCOL.md, and nothing of the crates it judges.
//!
//! Every frame that arrives is checked against what holds for all frames: version echo, flow, `seq` of a notify, when
//! compression may be on. Pushes that arrive while an answer is awaited are kept for `next_record`.

use super::WAIT_MAX;
use super::bytes::*;
use super::stream::Stream;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub struct Raw {
    stream: Stream,
    /// Dialect of the frames it sends and expects; to be set before the LOGIN.
    pub reading: Reading,
    pub version: u8,
    pub gzip: bool,
    /// Pushes that came compressed.
    pub gzip_pushes: usize,
    seq: u32,
    input: Vec<u8>,
    /// How much of `input` has been read as frames.
    read: usize,
    pushed: VecDeque<(String, Record)>,
}

/// How long a close may take that is due: less than every deadline of section 9, or a test would take a close by deadline
/// for the one that it waits for.
const CLOSE_MAX: Duration = Duration::from_secs(8);

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Stream,
    Reset,
}

impl Raw {
    pub fn connect(address: SocketAddr) -> Self {
        Self::of(Stream::to_server(TcpStream::connect(address).expect("the server accepts")))
    }

    /// From this address of the machine: all of 127.0.0.0/8 are.
    pub fn connect_from(source: IpAddr, address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
            socket.bind(SocketAddr::new(source, 0)).expect("an address of this machine");
            socket.connect(address).await.expect("the server accepts")
        });
        let stream = stream.into_std().expect("no longer the runtime's");
        stream.set_nonblocking(false).expect("blocking");
        Self::of(Stream::to_server(stream))
    }

    /// Over a stream that somebody else has opened, or that leads to somebody who speaks for it.
    pub fn over(stream: TcpStream) -> Self {
        Self::of(Stream::plain(stream))
    }

    fn of(stream: Stream) -> Self {
        Self {
            stream,
            reading: Reading::Body,
            version: 0,
            gzip: false,
            gzip_pushes: 0,
            seq: 0,
            input: Vec::new(),
            read: 0,
            pushed: VecDeque::new(),
        }
    }

    pub fn with(mut self, reading: Reading, version: u8, gzip: bool) -> Self {
        (self.reading, self.version, self.gzip) = (reading, version, gzip);
        self
    }

    // --- sending ------------------------------------------------------------------------------------------------------

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.reading = self.reading;
        self.stream.write_all(bytes).expect("the server takes it");
    }

    /// Sends bytes behind which nothing comes that would belong to them: over WebSocket their message ends.
    pub fn send_and_end(&mut self, bytes: &[u8]) {
        self.stream.reading = self.reading;
        self.stream.write_and_end(bytes).expect("the server takes it");
    }

    /// Sends bytes to a server that may close at any moment; what it does not take is lost.
    pub fn send_what_it_takes(&mut self, bytes: &[u8]) {
        self.stream.reading = self.reading;
        let _ = self.stream.write_all(bytes);
    }

    pub fn send_frame(&mut self, frame: &Frame) {
        let bytes = frame.to_bytes(self.reading);
        self.send(&bytes);
    }

    /// A request in this client's dialect, not sent yet. Each has the next `seq`.
    pub fn request(&mut self, command: u8, body: Vec<u8>) -> Frame {
        self.seq += 1;
        Frame { version: self.version, ..Frame::request(command, self.seq, body) }
    }

    /// Sends a request and returns its `seq`.
    pub fn ask(&mut self, command: u8, body: Vec<u8>) -> u32 {
        let frame = self.request(command, body);
        self.send_frame(&frame);
        frame.seq
    }

    // --- receiving ----------------------------------------------------------------------------------------------------

    /// The next frame, whatever it is.
    pub fn next_frame(&mut self) -> Frame {
        self.next_frame_or_end()
            .unwrap_or_else(|end| panic!("a frame was due, the connection ended: {end:?}"))
    }

    pub fn next_frame_or_end(&mut self) -> Result<Frame, End> {
        loop {
            if let Some((frame, taken)) = Frame::cut_from(self.unread(), self.reading) {
                self.read += taken;
                self.check(&frame);
                return Ok(frame);
            }
            self.read_more()?;
        }
    }

    /// The answer to `command` with `seq`: returns its status. Pushes before it are kept.
    pub fn answer(&mut self, command: u8, seq: u32) -> u8 {
        loop {
            let frame = self.next_frame();
            if frame.flow == NOTIFY {
                self.keep(&frame);
                continue;
            }
            assert_eq!((frame.command, frame.seq), (command, seq), "the answer to {command}: {frame:?}");
            return frame.status;
        }
    }

    /// Sends a request and returns the status of its answer.
    pub fn status_of(&mut self, command: u8, body: Vec<u8>) -> u8 {
        let seq = self.ask(command, body);
        self.answer(command, seq)
    }

    /// PING, PONG: returns once the server has handled all that was sent before. A refusal in between fails.
    pub fn ping(&mut self) {
        let seq = self.ask(PING, Vec::new());
        assert_eq!(self.answer(PONG, seq), OK, "a PONG carries status 0");
    }

    /// The next record of any room.
    pub fn next_record(&mut self) -> Record {
        self.next_record_of().1
    }

    /// The next record and the room its push named.
    pub fn next_record_of(&mut self) -> (String, Record) {
        while self.pushed.is_empty() {
            let frame = self.next_frame();
            assert_eq!(frame.flow, NOTIFY, "a push was due: {frame:?}");
            self.keep(&frame);
        }
        self.pushed.pop_front().expect("the loop left one")
    }

    /// The texts of the next `count` records.
    pub fn next_texts(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.next_record().text().to_owned()).collect()
    }

    /// Records that came while something else was awaited.
    pub fn kept_records(&self) -> usize {
        self.pushed.len()
    }

    /// Reads all frames up to the end of the stream, which comes because of what was sent, not because time passed.
    pub fn frames_to_end(&mut self) -> (Vec<Frame>, End) {
        self.stream.set_read_timeout(CLOSE_MAX);
        let mut frames = Vec::new();
        loop {
            match self.next_frame_or_end() {
                Ok(frame) => frames.push(frame),
                Err(end) => {
                    assert!(
                        self.unread().is_empty(),
                        "the stream ends within a frame: {:02x?}",
                        self.unread()
                    );
                    return (frames, end);
                }
            }
        }
    }

    /// The server closes and has sent nothing. By PROTOCOL.md 13.7 that may look like a reset.
    pub fn assert_closed_without_a_byte(&mut self) {
        let (frames, _) = self.frames_to_end();
        assert_eq!(frames, [], "closed without a byte");
    }

    /// Reads, whatever it is, up to the end: for clients whose own bytes made no sense.
    pub fn read_to_end_of_anything(&mut self) {
        while self.read_more().is_ok() {
            self.input.clear();
        }
    }

    /// Whether the connection ends within `time`. What arrives meanwhile is kept unread.
    pub fn ends_within(&mut self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.stream.set_read_timeout(WAIT_MAX);
                return false;
            }
            self.stream.set_read_timeout(left);
            match self.read_once() {
                Ok(0) => return true,
                Ok(_) => {}
                Err(err) if err.kind() == ErrorKind::ConnectionReset => return true,
                Err(err) => {
                    let kinds = [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted];
                    assert!(kinds.contains(&err.kind()), "{err}")
                }
            }
        }
    }

    /// Records of pushes up to the orderly end of the stream; any other frame fails.
    pub fn records_to_end(&mut self) -> Vec<Record> {
        let (frames, end) = self.frames_to_end();
        assert_eq!(end, End::Stream);
        for frame in &frames {
            assert_eq!(frame.flow, NOTIFY, "only pushes were due: {frame:?}");
            self.keep(frame);
        }
        self.pushed.drain(..).map(|(_, record)| record).collect()
    }

    /// Reads up to the end and counts the records of whole frames: a stream that was cut short may end within one.
    pub fn whole_records_to_end(&mut self) -> usize {
        while let Ok(frame) = self.next_frame_or_end() {
            assert_eq!(frame.flow, NOTIFY, "only pushes were due: {frame:?}");
            self.keep(&frame);
        }
        let records = self.pushed.len();
        self.pushed.clear();
        records
    }

    /// Whether the server answers a LOGIN rather than closing.
    pub fn is_served_as_guest(&mut self) -> bool {
        let login = self.request(LOGIN, Vec::new()).to_bytes(self.reading);
        self.send_what_it_takes(&login);
        self.next_frame_or_end().is_ok_and(|frame| frame.status == OK)
    }

    // --- the things clients do ----------------------------------------------------------------------------------------

    /// LOGIN as `user` with the token `sesame`, which open login accepts.
    pub fn log_in(&mut self, user: &str) {
        let status = self.log_in_with(login_body("sesame", user));
        assert_eq!(status, OK, "LOGIN of {user}");
    }

    pub fn log_in_as_guest(&mut self) {
        let status = self.log_in_with(Vec::new());
        assert_eq!(status, OK, "a guest's LOGIN");
    }

    /// LOGIN with any body, in this client's dialect. Returns the status.
    pub fn log_in_with(&mut self, body: Vec<u8>) -> u8 {
        let mut frame = self.request(LOGIN, body);
        if self.gzip {
            frame.compression = GZIP;
            frame.body = if frame.body.is_empty() { Vec::new() } else { gzip(&frame.body) };
        }
        self.send_frame(&frame);
        self.answer(LOGIN, frame.seq)
    }

    pub fn join(&mut self, room: &str) {
        assert_eq!(self.status_of(JOIN_CR, join_body(room)), OK, "JOIN_CR of {room}");
    }

    /// Sends a message and does not wait: a CMS that succeeds is not answered.
    pub fn say(&mut self, room: &str, content: impl AsRef<[u8]>) {
        self.ask(CMS, cms_body(room, content));
    }

    /// Sends a CMS, and a PING behind it. `None`: it was not refused.
    pub fn verdict_on(&mut self, body: Vec<u8>) -> Option<u8> {
        let frame = self.request(CMS, body);
        self.verdict_on_frame(&frame)
    }

    /// The same of a body that is a gzip member.
    pub fn verdict_on_gzip(&mut self, member: Vec<u8>) -> Option<u8> {
        let frame = Frame { compression: GZIP, ..self.request(CMS, member) };
        self.verdict_on_frame(&frame)
    }

    fn verdict_on_frame(&mut self, cms: &Frame) -> Option<u8> {
        self.send_frame(cms);
        let seq = cms.seq;
        let ping = self.ask(PING, Vec::new());
        loop {
            let frame = self.next_frame();
            match (frame.flow, frame.command) {
                (NOTIFY, _) => self.keep(&frame),
                (_, PONG) if frame.seq == ping => return None,
                _ => {
                    assert_eq!((frame.command, frame.seq), (CMS, seq), "{frame:?}");
                    assert_eq!(self.answer(PONG, ping), OK);
                    return Some(frame.status);
                }
            }
        }
    }

    /// LOGIN, and whatever its status is: on a refusal the end of the stream, which must follow.
    pub fn try_log_in(&mut self, token: &str, user: &str) -> u8 {
        let status = self.log_in_with(login_body(token, user));
        if status != OK {
            self.assert_ended();
        }
        status
    }

    /// The server has closed, after what was read, and sends nothing else.
    pub fn assert_ended(&mut self) {
        assert_eq!(self.frames_to_end(), (Vec::new(), End::Stream));
    }

    /// What `say` sends, to be sent with others at once.
    pub fn cms_bytes(&mut self, room: &str, content: &str) -> Vec<u8> {
        self.request(CMS, cms_body(room, content)).to_bytes(self.reading)
    }

    /// Where the server has reset the connection already, there is no side left to end.
    pub fn shut_down_sending(&self) {
        match self.stream.shutdown(Shutdown::Write) {
            Err(err) if err.kind() == std::io::ErrorKind::NotConnected => {}
            other => other.expect("a socket"),
        }
    }

    /// A second handle, for a thread that writes while another reads.
    pub fn writer(&self) -> Stream {
        let mut second = self.stream.try_clone();
        second.reading = self.reading;
        second
    }

    fn unread(&self) -> &[u8] {
        &self.input[self.read..]
    }

    fn read_more(&mut self) -> Result<(), End> {
        loop {
            match self.read_once() {
                Ok(0) => return Err(End::Stream),
                Ok(_) => return Ok(()),
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) if err.kind() == ErrorKind::ConnectionReset => return Err(End::Reset),
                Err(err) => panic!("nothing came: {err}; a cut frame: {:02x?}", self.unread()),
            }
        }
    }

    /// One read of the socket, as much as is there.
    fn read_once(&mut self) -> std::io::Result<usize> {
        self.input.drain(..self.read);
        self.read = 0;
        self.stream.reading = self.reading;
        let mut chunk = [0; 64 * 1024];
        let taken = self.stream.read(&mut chunk)?;
        self.input.extend(&chunk[..taken]);
        Ok(taken)
    }

    fn keep(&mut self, frame: &Frame) {
        self.gzip_pushes += usize::from(frame.compression == GZIP);
        let (room, records) = read_push(&frame.plain_body());
        assert!(!records.is_empty(), "a push holds one record or more (12.3)");
        for record in records {
            assert_eq!(record.to, room, "a push is of one room (12.2)");
            self.pushed.push_back((room.clone(), record));
        }
    }

    /// What holds for every frame of the server (sections 2, 4 and 12).
    fn check(&self, frame: &Frame) {
        assert_eq!(frame.version, self.version, "the version of the first LOGIN is echoed (2.9): {frame:?}");
        match (frame.flow, frame.compression) {
            (ANSWER, 0) => assert!(frame.body.is_empty(), "an answer has no body (4.4): {frame:?}"),
            (NOTIFY, compression) => {
                assert_eq!((frame.command, frame.seq, frame.status), (CMS, 0, 0), "a push (12.1)");
                assert!(compression == 0 || (compression == GZIP && self.gzip), "gzip unasked (6.7)");
                let plain = frame.plain_body();
                assert!(compression == 0 || frame.body.len() < plain.len(), "only where smaller (6.8)");
                let one = read_push(&plain).1.len() == 1;
                assert!(plain.len() <= if one { 66 } else { 64 } * 1024, "a push body's size (12.10)");
            }
            _ => panic!("no frame of the server has this flow and compression: {frame:?}"),
        }
    }
}
