//! What stands between a socket and its frames: TLS, WebSocket, HTTP on its way to it, or not known yet.
//!
//! A newcomer's first byte decides. Plain frames have no layer at all, so that most connections pay nothing for it.
//! Never waits; decides nothing about frames. What a call found is a [`Heard`], which the reactor acts on.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;

use longwire_engine::{CloseReason, Millis, Offered, Outgoing, Push};
use longwire_wire::LengthReading;
use mio::net::TcpStream;

use super::hello;
use super::layers::Way;
use super::messages::Messages;
use super::rules::Rules;
use super::transport::{Secure, Transport};
use crate::config::Transports;
use crate::http::{self, Outcome};
use crate::proxy;
use crate::tls::Session;
use crate::ws;

/// What a look at a connection's input came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Frames: so many bytes behind those that were held. The reading, where a first message has told it.
    Frames { bytes: usize, reading: Option<LengthReading> },
    /// So many bytes more to hold: a request's head or a first message is not whole yet.
    Hold(usize),
    /// What was held is done with; there may be more to hear.
    Taken,
    /// The socket has nothing at the moment.
    Nothing,
    /// Nothing so far, and the socket has more: in the next turn.
    Again,
    /// It speaks plain frames: no layer is needed.
    Plain,
    /// The whole of a hello is there: a handshake may begin.
    Hello,
    /// A proxy has said where the connection comes from; itself, where there is no address.
    From(Option<IpAddr>),
    /// The peer has ended its side.
    Ended,
    /// The client has closed its WebSocket; the answer is owed.
    Left,
    /// It broke its transport's rules; what is said to that is owed.
    Broken,
    /// A plain request was answered. `behind`: the socket did not take all of it yet.
    Answered { behind: bool },
    /// To be closed without a byte.
    Refuse(CloseReason),
}

enum Speech {
    /// A PROXY header, before anything else.
    Proxy,
    /// Nobody knows yet.
    First,
    /// The beginning of a hello.
    HalfHello,
    /// TLS, from its hello to the handshake's end.
    Hello,
    /// A handshake that failed; its alert was sent.
    Failed,
    Frames,
    /// A request, of which so many bytes have been looked at.
    Http(usize),
    /// What is left of the answer to it, behind what is owed.
    Page(Box<Page>),
    Messages(Box<Messages>),
}

/// A body that all who asked for it share, and how much of it one of them has got.
struct Page {
    bytes: Arc<[u8]>,
    sent: usize,
}

/// A connection that is more than its socket.
pub(crate) struct Layer {
    tls: Option<Box<Session>>,
    speech: Speech,
    /// What may be spoken where it came in.
    allowed: Transports,
    /// In clear: what must go before anything else. A rest of a header and a byte, a control frame, an answer of HTTP.
    owed: Vec<u8>,
    /// Our side ends once nothing is owed.
    is_closing: bool,
    /// Its handshake takes one of the node's places, or is in line for one.
    pub(super) in_line: bool,
    pub(super) has_place: bool,
    /// When what it has begun must be done: a PROXY header, a handshake, an upgrade.
    pub(super) deadline: Option<Millis>,
    /// What it keeps, as it was counted last, and since when it has got rid of none of that.
    pub(super) counted: u32,
    pub(super) since: Millis,
}

impl Layer {
    /// Of a newcomer to a port; `None`: only plain frames may come there, so nothing is to be told.
    pub(crate) fn of_newcomer(allowed: Transports, proxied: bool) -> Option<Box<Self>> {
        let plain_alone = Transports { tcp: true, tls: false, ws: false, wss: false };
        if allowed == plain_alone && !proxied {
            return None;
        }
        Some(Box::new(Self {
            tls: None,
            speech: if proxied { Speech::Proxy } else { Speech::First },
            allowed,
            owed: Vec::new(),
            is_closing: false,
            in_line: false,
            has_place: false,
            deadline: None,
            counted: 0,
            since: Millis(0),
        }))
    }

    /// How a push gets to the socket.
    pub(crate) fn way(&self) -> Way {
        match &self.speech {
            Speech::Messages(messages)
                if self.tls.is_none() && self.owed.is_empty() && !self.is_closing && messages.is_free() =>
            {
                Way::Message
            }
            _ => Way::Layer,
        }
    }

    /// Of `push`, which went to the socket as a message, `sent` bytes were taken: how many of the frame's that is.
    pub(crate) fn took(&mut self, push: Push<'_>, sent: usize) -> usize {
        match &mut self.speech {
            Speech::Messages(messages) => messages.took(push, sent, &mut self.owed),
            _ => sent,
        }
    }

    /// Bytes that it keeps at the moment: the rest of a cut record or message, and what waits for the socket.
    pub(crate) fn kept(&self) -> usize {
        let of_tls = self.tls.as_ref().map_or(0, |tls| tls.kept());
        let of_messages = if let Speech::Messages(messages) = &self.speech { messages.kept() } else { 0 };
        of_tls + of_messages + self.owed.len()
    }

    /// `tcp`, `tls`, `ws`, `wss`.
    pub(crate) fn transport(&self) -> &'static str {
        match (&self.speech, self.tls.is_some()) {
            (Speech::Messages(_), false) => "ws",
            (Speech::Messages(_), true) => "wss",
            (_, true) => "tls",
            (_, false) => "tcp",
        }
    }

    /// Whether its upgrade is done.
    pub(crate) fn speaks_messages(&self) -> bool {
        matches!(self.speech, Speech::Messages(_))
    }

    /// Whether its hello is there and its handshake is not done.
    pub(crate) fn is_handshaking(&self) -> bool {
        matches!(self.speech, Speech::Hello)
    }

    /// Whether what has come so far is left in the socket until more is there.
    pub(crate) fn leaves_input(&self) -> bool {
        matches!(self.speech, Speech::Proxy | Speech::HalfHello)
    }

    /// Whether it has begun something that must be done in time: to be asked after each look.
    pub(crate) fn is_pressed(&self) -> bool {
        matches!(self.speech, Speech::Proxy | Speech::HalfHello | Speech::Hello | Speech::Http(_))
    }

    pub(crate) fn session(&mut self) -> Option<&mut Session> {
        self.tls.as_deref_mut()
    }

    pub(super) fn tls(&self) -> Option<&Session> {
        self.tls.as_deref()
    }

    pub(crate) fn begin_tls(&mut self, session: Session) {
        self.tls = Some(Box::new(session));
    }

    /// The handshake is done: frames or a request come next.
    pub(crate) fn end_handshake(&mut self) {
        self.speech = Speech::First;
        self.deadline = None;
    }

    /// Nothing more is said in it.
    pub(crate) fn fail_handshake(&mut self) {
        self.speech = Speech::Failed;
        self.deadline = None;
    }

    /// Looks once at what has come. `buffer` begins with `held` bytes that were held before.
    pub(crate) fn hear(
        &mut self,
        socket: &mut TcpStream,
        raw: &mut [u8],
        (buffer, held): (&mut [u8], usize),
        rules: &mut Rules,
    ) -> Heard {
        let heard = match (&mut self.speech, &mut self.tls) {
            (Speech::Hello, _) => Ok(Heard::Hello),
            // who is being answered has said all that counts; its end is found by whoever writes
            (Speech::Failed | Speech::Page(_), _) => Ok(Heard::Nothing),
            (Speech::Proxy, _) => hear_proxy(socket, raw),
            (Speech::First | Speech::HalfHello, None) => self.first_byte(socket, raw),
            (Speech::First | Speech::HalfHello | Speech::Http(_), Some(tls)) => {
                let read = Secure { socket, session: tls }.read(&mut buffer[held..]);
                read.map(|bytes| self.behind_tls(socket, &buffer[..held + bytes], bytes, rules))
            }
            (Speech::Http(_), None) => Transport::read(socket, &mut buffer[held..])
                .map(|bytes| self.request(socket, &buffer[..held + bytes], bytes, rules)),
            (Speech::Frames, Some(tls)) => Secure { socket, session: tls }
                .read(&mut buffer[held..])
                .map(|bytes| ended_or(bytes, Heard::Frames { bytes, reading: None })),
            (Speech::Frames, None) => Ok(Heard::Plain),
            (Speech::Messages(messages), None) => messages.hear(socket, raw, (buffer, held), rules),
            (Speech::Messages(messages), Some(tls)) => {
                messages.hear(&mut Secure { socket, session: tls }, raw, (buffer, held), rules)
            }
        };
        if matches!(self.speech, Speech::Messages(_)) {
            let _ = self.flush(socket); // a pong may be due; a dead socket is found by whoever reads or writes next
        }
        match heard {
            Ok(heard) => heard,
            Err(err) if err.kind() == ErrorKind::WouldBlock => Heard::Nothing,
            Err(err) if err.kind() == ErrorKind::Interrupted => Heard::Again,
            // in order, so that no reset destroys the alert that says why
            Err(err) if err.kind() == ErrorKind::InvalidData => Heard::Broken,
            Err(_) => Heard::Ended,
        }
    }

    /// A plain newcomer. Nothing is taken from its socket before it is known who is to have it.
    fn first_byte(&mut self, socket: &mut TcpStream, raw: &mut [u8]) -> io::Result<Heard> {
        let bytes = socket.peek(&mut raw[..1])?;
        Ok(match raw[..bytes].first() {
            None => Heard::Ended,
            Some(0) if self.allowed.tcp => {
                self.speech = Speech::Frames;
                Heard::Plain
            }
            Some(b'A'..=b'Z') if self.allowed.ws => {
                self.speech = Speech::Http(0);
                Heard::Taken
            }
            Some(&hello::HANDSHAKE_RECORD) if self.allowed.tls || self.allowed.wss => {
                let is_whole = is_whole_hello(socket, raw)?;
                self.speech = if is_whole { Speech::Hello } else { Speech::HalfHello };
                if is_whole { Heard::Hello } else { Heard::Nothing }
            }
            Some(_) => Heard::Refuse(CloseReason::NotServed),
        })
    }

    fn behind_tls(&mut self, socket: &mut TcpStream, input: &[u8], bytes: usize, rules: &mut Rules) -> Heard {
        match input.first() {
            _ if bytes == 0 => Heard::Ended,
            Some(0) if self.allowed.tls && matches!(self.speech, Speech::First) => {
                self.speech = Speech::Frames;
                Heard::Frames { bytes, reading: None }
            }
            Some(b'A'..=b'Z') if self.allowed.wss => {
                if matches!(self.speech, Speech::First) {
                    self.speech = Speech::Http(0);
                }
                self.request(socket, input, bytes, rules)
            }
            Some(_) | None => Heard::Refuse(CloseReason::NotServed),
        }
    }

    fn request(&mut self, socket: &mut TcpStream, input: &[u8], bytes: usize, rules: &mut Rules) -> Heard {
        let Speech::Http(seen) = self.speech else { return Heard::Nothing };
        if bytes == 0 {
            return Heard::Ended;
        }
        match http::read(input, seen, &rules.site, rules.ready) {
            Outcome::More => {
                self.speech = Speech::Http(input.len());
                Heard::Hold(bytes)
            }
            Outcome::Answer { bytes, page, status, refused } => {
                tracing::debug!(status, "a plain request");
                if let Some(origin) = refused {
                    rules.say_refused(&origin);
                }
                self.owed.extend_from_slice(&bytes);
                self.deadline = None; // the request's; the answer has its own
                self.speech = Speech::Page(Box::new(Page { bytes: page.unwrap_or_default(), sent: 0 }));
                // a dead socket is found by the close that follows
                let flushed = self.flush(socket);
                Heard::Answered { behind: flushed.is_err_and(|err| err.kind() == ErrorKind::WouldBlock) }
            }
            Outcome::Upgrade { bytes } => {
                self.owed.extend_from_slice(&bytes);
                self.speech = Speech::Messages(Box::default());
                self.deadline = None;
                match self.flush(socket) {
                    Err(err) if err.kind() != ErrorKind::WouldBlock => Heard::Ended,
                    Ok(()) | Err(_) => Heard::Taken,
                }
            }
            Outcome::Refuse => Heard::Refuse(CloseReason::NotServed),
        }
    }

    /// Whether it is not known yet where it comes from.
    pub(crate) fn awaits_proxy(&self) -> bool {
        matches!(self.speech, Speech::Proxy)
    }

    /// The PROXY header was read.
    pub(crate) fn end_proxy(&mut self) {
        self.speech = Speech::First;
        self.deadline = None;
    }

    /// Sends frames, behind what is owed.
    pub(crate) fn offer(&mut self, socket: &mut TcpStream, out: Outgoing<'_>) -> Offered {
        let sent = self.flush(socket).and_then(|()| match (&mut self.speech, &mut self.tls) {
            (Speech::Messages(messages), None) => messages.send(socket, out, &mut self.owed),
            (Speech::Messages(messages), Some(tls)) => {
                messages.send(&mut Secure { socket, session: tls }, out, &mut self.owed)
            }
            (_, Some(tls)) => write_all(&mut Secure { socket, session: tls }, out.bytes()),
            (_, None) => write_all(socket, out.bytes()),
        });
        match sent {
            Ok(taken) => {
                if taken == out.bytes().len() {
                    let _ = self.flush(socket); // a control frame may have waited for the message's end
                }
                Offered::Took(taken)
            }
            Err(err) if err.kind() == ErrorKind::WouldBlock => Offered::Took(0),
            Err(_) => Offered::Gone,
        }
    }

    /// Hands what is owed to the kernel. `WouldBlock`: some is left, and an edge will come.
    pub(crate) fn flush(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        let is_mute = self.is_mute();
        match &mut self.tls {
            _ if is_mute => {}
            None => flush_to(socket, &mut self.owed, &mut self.speech)?,
            Some(tls) => flush_to(&mut Secure { socket, session: tls }, &mut self.owed, &mut self.speech)?,
        }
        if self.is_closing {
            match &mut self.tls {
                Some(tls) if !is_mute => Secure { socket, session: tls }.shut_down(),
                Some(_) | None => Transport::shut_down(socket),
            }?;
            self.is_closing = false;
        }
        Ok(())
    }

    /// Whether nothing can be said in its TLS: its handshake's steps write for themselves, and behind an alert, or a record
    /// that was cut off, comes nothing.
    fn is_mute(&self) -> bool {
        let is_broken = self.tls.as_ref().is_some_and(|tls| tls.is_broken());
        is_broken || matches!(self.speech, Speech::Hello | Speech::Failed)
    }

    /// Ends our side, once what is owed is sent; a WebSocket hears why.
    pub(crate) fn shut_down(&mut self, socket: &mut TcpStream, reason: CloseReason) -> io::Result<()> {
        if let Speech::Messages(messages) = &mut self.speech {
            messages.say_close(ws::close_code(reason), reason.name());
        }
        self.is_closing = true;
        match self.flush(socket) {
            Err(err) if err.kind() == ErrorKind::WouldBlock => Ok(()),
            other => other,
        }
    }

    /// Ends it where it stands: as on plain TCP, a frame that is half out does not arrive after all.
    pub(crate) fn cut_off(&mut self, socket: &mut TcpStream, reason: CloseReason) {
        let is_cut = match &self.speech {
            Speech::Messages(messages) => messages.is_cut(),
            _ => true, // if anything is half out, then a frame
        };
        if let Some(tls) = self.tls.as_mut().filter(|_| is_cut) {
            tls.abandon();
        }
        let _ = self.shut_down(socket, reason); // as far as it takes no waiting
    }
}

/// Whether all of a hello is there, or more than any honest one has: that is TLS's to refuse.
fn is_whole_hello(socket: &TcpStream, raw: &mut [u8]) -> io::Result<bool> {
    let bytes = socket.peek(raw)?;
    Ok(bytes == raw.len() || !hello::is_partial(&raw[..bytes]))
}

/// Takes the header from the socket, and not a byte more.
fn hear_proxy(socket: &mut TcpStream, raw: &mut [u8]) -> io::Result<Heard> {
    let room = raw.len().min(proxy::HEADER_BYTES_MAX);
    let bytes = socket.peek(&mut raw[..room])?;
    if bytes == 0 {
        return Ok(Heard::Ended);
    }
    match proxy::parse(&raw[..bytes]) {
        Ok(None) => Ok(Heard::Nothing), // it stays where it is, and more of it comes with an edge
        Ok(Some(header)) => {
            let taken = Transport::read(socket, &mut raw[..header.bytes])?;
            debug_assert_eq!(taken, header.bytes, "it was there a moment ago, and nobody else reads");
            Ok(Heard::From(header.source))
        }
        Err(_) => Ok(Heard::Refuse(CloseReason::Handshake)),
    }
}

fn ended_or(bytes: usize, heard: Heard) -> Heard {
    if bytes == 0 { Heard::Ended } else { heard }
}

/// Owed bytes, then the control frame that is due, or the page that was asked for.
fn flush_to(stream: &mut impl Transport, owed: &mut Vec<u8>, speech: &mut Speech) -> io::Result<()> {
    stream.flush()?;
    loop {
        if owed.is_empty() {
            match speech {
                Speech::Messages(messages) => match messages.due() {
                    Some(control) => owed.extend_from_slice(control.as_bytes()),
                    None => return Ok(()),
                },
                Speech::Page(page) => {
                    page.sent += write_all(stream, &page.bytes[page.sent..])?;
                    let is_sent = page.sent == page.bytes.len();
                    return if is_sent { Ok(()) } else { Err(ErrorKind::WouldBlock.into()) };
                }
                _ => return Ok(()),
            }
        }
        let sent = write_all(stream, owed)?;
        owed.drain(..sent);
        if !owed.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        *owed = Vec::new();
    }
}

/// Writes until all is taken or the socket would block: only then an edge will come.
pub(super) fn write_all(stream: &mut impl Transport, bytes: &[u8]) -> io::Result<usize> {
    let mut taken = 0;
    while taken < bytes.len() {
        match stream.write(&bytes[taken..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(more) => taken += more,
            Err(err) if err.kind() == ErrorKind::WouldBlock => break,
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(taken)
}
