//! One TLS session over a socket that never blocks.
//!
//! The library's unbuffered side: it keeps keys and state, and nothing of what goes through. Ciphertext is read into and
//! written from two buffers that all sessions of a thread share, so an idle session holds nothing of ours but four
//! empty fields. What it may hold while it is busy:
//!
//! - the rest of a record that is cut, at most [`INBOUND_BYTES`], from the socket until its end is there;
//! - clear bytes that the caller had no room for, at most [`INBOUND_BYTES`];
//! - ciphertext that the socket did not take: one record, while connected; one flight, in a handshake.
//!
//! Decides no deadline and no order: a call does what can be done at once, and returns.
//! Invariant: `rest` never holds a whole record. The library is asked on every write, and would decrypt it there.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::mem::take;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};

/// What is read at once, and the longest message of a handshake. A record has at most 18,437 bytes, so it always fits.
const INBOUND_BYTES: usize = 20 * 1024;
/// Clear bytes of a record: the protocol's most.
const RECORD_CLEAR_MAX: usize = 16 * 1024;
/// A record of ours as ciphertext, and with it what the library may owe the client: an alert, a change of keys.
const OUTBOUND_BYTES: usize = RECORD_CLEAR_MAX + 1024;
/// Reads of the socket in one call. Clear bytes fill the caller's buffer; records without any, which cost work all the same,
/// would go on for as long as the client sends them.
const READS_MAX: usize = 4;
const _: () = assert!(INBOUND_BYTES >= 5 + RECORD_CLEAR_MAX + 2048, "RFC 5246, 6.2.3: the longest record");

/// The two buffers of a thread; made when its first session needs them.
struct Shared {
    inbound: Vec<u8>,
    outbound: Vec<u8>,
}

thread_local! {
    static SHARED: RefCell<Shared> =
        RefCell::new(Shared { inbound: vec![0; INBOUND_BYTES], outbound: vec![0; OUTBOUND_BYTES] });
}

/// One connection's TLS: from the hello to the last alert.
pub(crate) struct Session {
    tls: UnbufferedServerConnection,
    /// Ciphertext of a record, or of a handshake's message, that is not whole yet.
    rest: Vec<u8>,
    /// Clear bytes that wait for a caller with room.
    clear: Vec<u8>,
    /// Ciphertext that waits for the socket.
    held: Vec<u8>,
    /// What is held ends a record whose last clear byte was not said to be taken.
    is_last_uncounted: bool,
    end: End,
}

/// What the client has said of its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// It has said that nothing more comes.
    Closed,
    /// It broke the protocol: it was sent an alert, and nothing more is said or heard.
    Broken,
}

/// Where a handshake stands after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// Frames may flow. Some may be here already: read, without waiting for the socket to become readable.
    Done,
    /// Some of the client's bytes were worked on; there may be more.
    More,
    /// The socket would block, for reading or writing: an edge will come.
    Blocked,
}

impl Session {
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        let tls = UnbufferedServerConnection::new(config)?;
        Ok(Self {
            tls,
            rest: Vec::new(),
            clear: Vec::new(),
            held: Vec::new(),
            is_last_uncounted: false,
            end: End::Open,
        })
    }

    /// One step of the handshake: reads once, does what these bytes ask for (one flight, where the work is), writes what
    /// the socket takes.
    ///
    /// # Errors
    /// The client broke the protocol, and was sent an alert if the socket took it; or it is gone. Close.
    pub(crate) fn handshake(&mut self, io: &mut (impl Read + Write)) -> io::Result<Handshake> {
        match self.flush(io) {
            Err(err) if err.kind() == ErrorKind::WouldBlock => return Ok(Handshake::Blocked),
            other => other?,
        }
        if !self.tls.is_handshaking() {
            return Ok(Handshake::Done);
        }
        match self.fill(io, &mut [])? {
            Fill::Blocked => return Ok(Handshake::Blocked),
            Fill::Ended => return Err(ErrorKind::UnexpectedEof.into()),
            Fill::Took { .. } => {}
        }
        match self.flush(io) {
            Err(err) if err.kind() == ErrorKind::WouldBlock => Ok(Handshake::Blocked),
            Err(err) => Err(err),
            Ok(()) if self.tls.is_handshaking() => Ok(Handshake::More),
            Ok(()) => Ok(Handshake::Done),
        }
    }

    /// Reads clear bytes; `Ok(0)`: the client has ended its side, in so many words or not. `Interrupted`: none so far,
    /// and there is more to read, after everybody else had their turn.
    ///
    /// Only `WouldBlock` says that the socket has nothing more.
    pub(crate) fn read(&mut self, io: &mut (impl Read + Write), buffer: &mut [u8]) -> io::Result<usize> {
        let mut got = self.take_clear(buffer);
        for _ in 0..READS_MAX {
            if got == buffer.len() || self.ended() {
                let is_broken = self.end == End::Broken && got == 0;
                return if is_broken { Err(ErrorKind::InvalidData.into()) } else { Ok(got) };
            }
            match self.fill(io, &mut buffer[got..]) {
                Ok(Fill::Took { clear, short }) => {
                    got += clear;
                    if got > 0 && short {
                        return Ok(got);
                    }
                }
                Ok(Fill::Blocked) if got == 0 => return Err(ErrorKind::WouldBlock.into()),
                Err(err) if got == 0 => return Err(err),
                // what was read before counts first; an end and an error are found again by the next call
                Ok(Fill::Blocked | Fill::Ended) | Err(_) => return Ok(got),
            }
        }
        if got == 0 { Err(ErrorKind::Interrupted.into()) } else { Ok(got) }
    }

    /// Takes at most one record's worth of `bytes`, and hands it to the socket. What the socket does not take is held;
    /// while any is, nothing is taken: `WouldBlock`.
    ///
    /// A record that is held counts all but its last byte, which counts once the socket has all of it. So whoever offers
    /// a frame knows that it is not out yet, offers that byte again, and is told the truth about what was delivered and
    /// who is stalled. What it offers next must be that byte and what follows it.
    pub(crate) fn write(&mut self, io: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
        if self.end == End::Broken {
            return Err(ErrorKind::BrokenPipe.into());
        }
        self.flush(io)?;
        let bytes = &bytes[..bytes.len().min(RECORD_CLEAR_MAX)];
        if bytes.is_empty() || take(&mut self.is_last_uncounted) {
            return Ok(bytes.len().min(1));
        }
        SHARED.with_borrow_mut(|Shared { outbound, .. }| {
            let sealed = self.seal(bytes, outbound)?;
            self.send(io, &outbound[..sealed])
        })?;
        self.is_last_uncounted = self.is_holding();
        match bytes.len() - usize::from(self.is_last_uncounted) {
            0 => Err(ErrorKind::WouldBlock.into()),
            counted => Ok(counted),
        }
    }

    /// Hands what is held to the socket. `WouldBlock`: some is left.
    pub(crate) fn flush(&mut self, io: &mut impl Write) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let held = take(&mut self.held);
        self.send(io, &held)?;
        if self.held.is_empty() { Ok(()) } else { Err(ErrorKind::WouldBlock.into()) }
    }

    /// Lets go of a record that is half out, before our side ends: as on plain TCP, a frame whose last byte was not said to
    /// be taken does not arrive after all.
    pub(crate) fn abandon(&mut self) {
        if take(&mut self.is_last_uncounted) && self.is_holding() {
            (self.held, self.end) = (Vec::new(), End::Broken);
        }
    }

    /// Says that nothing more comes from us. The socket's own side is the caller's to shut, once nothing is held:
    /// `WouldBlock` until then.
    pub(crate) fn close(&mut self, io: &mut impl Write) -> io::Result<()> {
        if self.end != End::Broken {
            SHARED.with_borrow_mut(|Shared { outbound, .. }| {
                let state = self.tls.process_tls_records(&mut self.rest).state;
                if let Ok(ConnectionState::WriteTraffic(mut writer)) = state
                    && let Ok(bytes) = writer.queue_close_notify(outbound)
                {
                    self.held.extend_from_slice(&outbound[..bytes]); // once: it says so no second time
                }
            });
        }
        self.flush(io)
    }

    /// Whether the client has said that nothing more comes, and all that it sent was read.
    pub(crate) fn ended(&self) -> bool {
        self.end != End::Open && self.clear.is_empty()
    }

    /// Whether nothing is heard or said any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.end == End::Broken
    }

    /// Whether there are clear bytes to be read without the socket.
    #[cfg(test)]
    pub(crate) fn has_clear(&self) -> bool {
        !self.clear.is_empty()
    }

    /// Bytes that are kept at the moment, of both directions; 0 while idle.
    pub(crate) fn kept(&self) -> usize {
        self.rest.len() + self.clear.len() + self.held.len()
    }

    /// Whether ciphertext waits for the socket.
    pub(crate) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// The library's part of a write alone.
    #[cfg(test)]
    pub(super) fn seal_for_test(&mut self, clear: &[u8], outbound: &mut [u8]) {
        self.seal(clear, outbound).unwrap();
    }

    fn take_clear(&mut self, buffer: &mut [u8]) -> usize {
        let taken = self.clear.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&self.clear[..taken]);
        if taken == self.clear.len() {
            self.clear = Vec::new(); // an idle session keeps no room either
        } else {
            self.clear.drain(..taken);
        }
        taken
    }

    /// Reads from the socket once, behind what is kept, and works on all of it.
    fn fill(&mut self, io: &mut (impl Read + Write), buffer: &mut [u8]) -> io::Result<Fill> {
        SHARED.with_borrow_mut(|Shared { inbound, outbound }| {
            let kept = self.rest.len();
            let room = inbound.len() - kept; // never none: a rest that fills it was refused
            let bytes = match read_once(io, &mut inbound[kept..])? {
                None => return Ok(Fill::Blocked),
                Some(0) => return Ok(Fill::Ended),
                Some(bytes) => bytes,
            };
            inbound[..kept].copy_from_slice(&self.rest);
            let filled = kept + bytes;
            let opened = self.open(&mut inbound[..filled], outbound, buffer);
            let (used, clear) = match opened {
                Ok(done) => done,
                Err(err) => return Err(self.refuse(io, outbound, err)),
            };
            if filled - used == inbound.len() {
                self.held = DECODE_ERROR.to_vec();
                return Err(self.broken(io, ErrorKind::InvalidData.into()));
            }
            self.rest = inbound[used..filled].to_vec();
            self.send_held(io)?;
            Ok(Fill::Took { clear, short: bytes < room })
        })
    }

    /// Gives `records` to the library until it wants more: how many bytes of them are done with, and how many clear
    /// ones went to `buffer`; further ones are kept.
    fn open(
        &mut self,
        records: &mut [u8],
        outbound: &mut [u8],
        buffer: &mut [u8],
    ) -> Result<(usize, usize), rustls::Error> {
        let (mut used, mut got) = (0, 0);
        loop {
            let UnbufferedStatus { mut discard, state, .. } =
                self.tls.process_tls_records(&mut records[used..]);
            let mut wants_more = false;
            match state? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        let fits = record.payload.len().min(buffer.len() - got);
                        buffer[got..got + fits].copy_from_slice(&record.payload[..fits]);
                        got += fits;
                        self.clear.extend_from_slice(&record.payload[fits..]);
                    }
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    encode(|room| data.encode(room), outbound, &mut self.held);
                }
                ConnectionState::TransmitTlsData(data) => data.done(), // what was encoded is held
                ConnectionState::PeerClosed => self.end = End::Closed,
                _ => wants_more = true, // a handshake or a record that is not whole, or nothing at all
            }
            used += discard;
            if wants_more {
                // RFC 8446, section 6.1: what comes behind the client's end is passed over
                return Ok((if self.end == End::Closed { records.len() } else { used }, got));
            }
        }
    }

    /// One record of `clear` into `outbound`: its length.
    fn seal(&mut self, clear: &[u8], outbound: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.process_tls_records(&mut self.rest).state {
                Ok(ConnectionState::WriteTraffic(mut writer)) => {
                    return writer.encrypt(clear, outbound).map_err(|err| match err {
                        EncryptError::EncryptExhausted => io::Error::other("the session's keys are used up"),
                        EncryptError::InsufficientSize(_) => ErrorKind::StorageFull.into(),
                    });
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(|room| data.encode(room), outbound, &mut self.held);
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.end = End::Closed,
                Ok(ConnectionState::BlockedHandshake) => return Err(ErrorKind::WouldBlock.into()),
                _ => return Err(ErrorKind::BrokenPipe.into()),
            }
        }
    }

    /// Sends the alert that the library has for what the client did; the error to close with.
    fn refuse(&mut self, io: &mut impl Write, outbound: &mut [u8], err: rustls::Error) -> io::Error {
        // Asked for nothing but what it has: with half a message in its mind it would look for bytes that are not here.
        while self.tls.wants_write() {
            match self.tls.process_tls_records(&mut []).state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(|room| data.encode(room), outbound, &mut self.held);
                }
                _ => break,
            }
        }
        if self.held.is_empty() && self.tls.is_handshaking() {
            self.held = DECODE_ERROR.to_vec();
        }
        self.broken(io, io::Error::new(ErrorKind::InvalidData, err))
    }

    fn broken(&mut self, io: &mut impl Write, err: io::Error) -> io::Error {
        self.end = End::Broken;
        (self.rest, self.clear) = (Vec::new(), Vec::new());
        let _ = self.flush(io); // an alert is a courtesy: whoever does not read it is closed all the same
        self.held = Vec::new();
        err
    }

    fn send_held(&mut self, io: &mut impl Write) -> io::Result<()> {
        match self.flush(io) {
            Err(err) if err.kind() == ErrorKind::WouldBlock => Ok(()),
            other => other,
        }
    }

    /// Writes `ciphertext` behind what is held, and holds what the socket does not take.
    fn send(&mut self, io: &mut impl Write, ciphertext: &[u8]) -> io::Result<()> {
        if !self.held.is_empty() {
            self.held.extend_from_slice(ciphertext);
            return self.send_held(io);
        }
        let mut sent = 0;
        while sent < ciphertext.len() {
            match io.write(&ciphertext[sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => sent += bytes,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) if err.kind() == ErrorKind::WouldBlock => break,
                Err(err) => return Err(err),
            }
        }
        self.held.extend_from_slice(&ciphertext[sent..]);
        Ok(())
    }
}

/// What one read brought.
enum Fill {
    /// Bytes that were worked on. `short`: the socket had less than there was room for.
    Took {
        clear: usize,
        short: bool,
    },
    Blocked,
    Ended,
}

/// A fatal alert in clear: for a message of the handshake that is longer than any honest one, and wherever else the
/// library has none before there are keys.
const DECODE_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 50];

fn read_once(io: &mut impl Read, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match io.read(buffer) {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(err) if err.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
}

/// Puts what the library has to say behind `held`: into the shared buffer, or where that is too small into one of the
/// size it names.
fn encode(
    mut into: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>,
    outbound: &mut [u8],
    held: &mut Vec<u8>,
) {
    match into(outbound) {
        Ok(bytes) => held.extend_from_slice(&outbound[..bytes]),
        Err(EncodeError::InsufficientSize(err)) => {
            let from = held.len();
            held.resize(from + err.required_size, 0);
            let bytes = into(&mut held[from..]).unwrap_or(0);
            held.truncate(from + bytes);
        }
        Err(EncodeError::AlreadyEncoded) => {}
    }
}
