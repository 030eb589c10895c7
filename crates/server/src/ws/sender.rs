//! The server's side of a connection: frames become messages, control frames go between them, whatever the socket takes.
//!
//! A socket may take any part of what it is given, so also a part of a header. The engine counts bytes of frames alone,
//! and gives up a frame of which none was taken: it would then send another, of another length, behind the header of the
//! first. So where a header is cut, what is left of it is held here with the frame's first byte, and that byte counts as
//! taken: the engine finishes what it has begun.
//! Invariant: what the socket has taken, and what is held, is whole messages and control frames, and the one under way.

use std::io::{self, ErrorKind};

use longwire_engine::{Offered, Outgoing};
use longwire_wire::HEADER_BYTES;

use super::writer::{Control, Owed, header};

/// Answers that are put into messages at once.
const ANSWERS_AT_ONCE: usize = 64;
/// An answer as a message: two bytes of header, and the frame.
const ANSWER_BYTES: usize = 2 + HEADER_BYTES;

/// Sixteen bytes while nothing is held, and nothing on the heap.
#[derive(Debug, Default)]
pub struct Sender {
    held: Option<Box<Held>>,
    /// Bytes of the frame under way that the engine has yet to offer: nothing may come between them.
    left: u32,
}

/// What the socket has not taken, and goes before everything else.
#[derive(Debug, Default)]
struct Held {
    /// The rest of a control frame, or of a header with one byte behind it.
    cut: Vec<u8>,
    /// To be sent where a message ends.
    owed: Owed,
}

/// The socket is dead.
#[derive(Debug, PartialEq, Eq)]
pub struct Gone;

impl Sender {
    /// Offers frames to the socket, each in a message of its own. `write` takes what it can, once.
    pub fn offer(&mut self, out: Outgoing<'_>, mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> Offered {
        match self.try_offer(out, &mut write) {
            Ok(taken) => Offered::Took(taken),
            Err(Gone) => Offered::Gone,
        }
    }

    fn try_offer(&mut self, out: Outgoing<'_>, write: &mut impl Write) -> Result<usize, Gone> {
        if !self.flush_with(write)? {
            return Ok(0);
        }
        let taken = match out {
            Outgoing::Push(push) => self.offer_message(push.message(), push.header_len(), write)?,
            Outgoing::Rest(rest) => self.offer_rest(rest, write)?,
            Outgoing::Answers(answers) => self.offer_answers(answers, write)?,
        };
        self.flush_with(write)?; // what waited for the message's end
        Ok(taken)
    }

    /// Answers a ping, now or when the socket takes it.
    pub fn pong(
        &mut self,
        payload: &[u8],
        write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> Result<(), Gone> {
        self.held.get_or_insert_default().owed.pong(payload);
        self.flush(write).map(drop)
    }

    /// Ends what is said, now or when the socket takes it. Whatever is offered behind it must not be sent.
    pub fn close(
        &mut self,
        close: Control,
        write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> Result<(), Gone> {
        self.held.get_or_insert_default().owed.close(close);
        self.flush(write).map(drop)
    }

    /// Sends what is held. `false`: the socket takes no more, or the message under way must end first.
    pub fn flush(&mut self, mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> Result<bool, Gone> {
        self.flush_with(&mut write)?;
        Ok(self.held.is_none())
    }

    /// Whether nothing is held, and no message is under way.
    pub fn is_idle(&self) -> bool {
        self.held.is_none() && self.left == 0
    }

    /// `true`: frames may follow.
    fn flush_with(&mut self, write: &mut impl Write) -> Result<bool, Gone> {
        let Some(held) = &mut self.held else { return Ok(true) };
        loop {
            let taken = put(&held.cut, write)?;
            held.cut.drain(..taken);
            if !held.cut.is_empty() {
                return Ok(false);
            }
            if self.left > 0 {
                return Ok(true);
            }
            match held.owed.take() {
                Some(control) => held.cut.extend_from_slice(control.as_bytes()),
                None => {
                    self.held = None;
                    return Ok(true);
                }
            }
        }
    }

    /// Offers a header and the frame behind it; returns how much of the frame counts as taken.
    fn offer_message(
        &mut self,
        message: &[u8],
        header: usize,
        write: &mut impl Write,
    ) -> Result<usize, Gone> {
        let taken = put(message, write)?;
        Ok(self.account(message, header, taken))
    }

    /// Of a message `taken` bytes were taken: the rest of a cut header is held, with one byte of the frame.
    fn account(&mut self, message: &[u8], header: usize, taken: usize) -> usize {
        let of_frame = match taken {
            0 => return 0,
            taken if taken > header => taken - header,
            taken => {
                self.held.get_or_insert_default().cut.extend_from_slice(&message[taken..=header]);
                1
            }
        };
        self.left = (message.len() - header - of_frame) as u32;
        of_frame
    }

    fn offer_rest(&mut self, rest: &[u8], write: &mut impl Write) -> Result<usize, Gone> {
        let taken = put(rest, write)?;
        self.left = (rest.len() - taken) as u32;
        Ok(taken)
    }

    fn offer_answers(&mut self, answers: &[u8], write: &mut impl Write) -> Result<usize, Gone> {
        let mut taken = 0;
        if self.left > 0 {
            taken = self.offer_rest(&answers[..self.left as usize], write)?;
            if self.left > 0 {
                return Ok(taken);
            }
        }
        for some in answers[taken..].chunks(ANSWERS_AT_ONCE * HEADER_BYTES) {
            let mut messages = [0; ANSWERS_AT_ONCE * ANSWER_BYTES];
            let messages = in_messages(some, &mut messages);
            let mut sent = put(messages, write)?;
            let whole = sent / ANSWER_BYTES;
            taken += whole * HEADER_BYTES;
            sent -= whole * ANSWER_BYTES;
            if let Some(cut) = messages.get(whole * ANSWER_BYTES..(whole + 1) * ANSWER_BYTES) {
                return Ok(taken + self.account(cut, ANSWER_BYTES - HEADER_BYTES, sent));
            }
        }
        Ok(taken)
    }
}

/// A header in front of each answer.
fn in_messages<'a>(answers: &[u8], out: &'a mut [u8]) -> &'a [u8] {
    let mut end = 0;
    for answer in answers.chunks(HEADER_BYTES) {
        for bytes in [header(answer.len()).as_bytes(), answer] {
            out[end..end + bytes.len()].copy_from_slice(bytes);
            end += bytes.len();
        }
    }
    &out[..end]
}

trait Write: FnMut(&[u8]) -> io::Result<usize> {}
impl<F: FnMut(&[u8]) -> io::Result<usize>> Write for F {}

/// Writes until all is taken or the socket would block; how much was.
fn put(bytes: &[u8], write: &mut impl Write) -> Result<usize, Gone> {
    let mut taken = 0;
    while taken < bytes.len() {
        match write(&bytes[taken..]) {
            Ok(0) => return Err(Gone),
            Ok(more) => taken += more,
            Err(err) if err.kind() == ErrorKind::WouldBlock => break,
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(Gone),
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// With the reader, all that an idle connection has.
    const _: () = assert!(size_of::<Sender>() + size_of::<crate::ws::Reader>() <= 32);

    /// A socket that has room for so much, until it is given more.
    #[derive(Default)]
    struct Socket {
        room: usize,
        got: Vec<u8>,
    }

    impl Socket {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room);
            self.got.extend_from_slice(&bytes[..taken]);
            self.room -= taken;
            if taken == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(taken) }
        }
    }

    fn answer(seq: u32) -> Vec<u8> {
        longwire_wire::Header { len: 0, seq, command: 4, flag: longwire_wire::ConnectFlag(1), status: 0 }
            .to_bytes()
            .to_vec()
    }

    /// The messages of a stream, and the payloads of its control frames.
    fn read(mut stream: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let (mut messages, mut controls) = (Vec::new(), Vec::new());
        while let [first, len, behind @ ..] = stream {
            assert!(*len < 126, "what is sent here is short");
            let (payload, rest) = behind.split_at(usize::from(*len));
            match first {
                0x82 => messages.push(payload.to_vec()),
                0x8A | 0x88 => controls.push(payload.to_vec()),
                other => panic!("{other:02x} begins no frame of ours: {stream:02x?}"),
            }
            stream = rest;
        }
        (messages, controls)
    }

    proptest! {
        /// As the engine drives it: answers are offered again from where they were not taken, and pings come at any
        /// moment. Whatever the socket takes at a time, each answer is one message, in order, and pongs stand between.
        #[test]
        fn whatever_the_socket_takes_each_answer_is_one_message(
            count in 1..100u32, rooms in prop::collection::vec((0..40usize, any::<bool>()), 1..60)
        ) {
            let answers: Vec<u8> = (0..count).flat_map(answer).collect();
            let (mut sender, mut socket, mut at) = (Sender::default(), Socket::default(), 0);
            let last = [(usize::MAX, true), (usize::MAX, false)];
            for (room, ping) in rooms.into_iter().chain(last) {
                socket.room = room;
                if ping {
                    sender.pong(b"pong", |bytes| socket.write(bytes)).unwrap();
                }
                if at < answers.len() {
                    let out = Outgoing::Answers(&answers[at..]);
                    let Offered::Took(taken) = sender.offer(out, |bytes| socket.write(bytes)) else { panic!() };
                    at += taken;
                }
            }
            prop_assert!(sender.flush(|bytes| socket.write(bytes)).unwrap() && sender.is_idle());
            let (messages, controls) = read(&socket.got);
            prop_assert_eq!(messages, (0..count).map(answer).collect::<Vec<_>>());
            prop_assert!(controls.iter().all(|payload| payload == b"pong") && !controls.is_empty());
        }
    }

    #[test]
    fn a_header_of_which_a_part_was_taken_commits_to_its_frame() {
        let (mut sender, mut socket) = (Sender::default(), Socket { room: 1, ..Socket::default() });
        let first = answer(1);
        assert_eq!(sender.offer(Outgoing::Answers(&first), |bytes| socket.write(bytes)), Offered::Took(1));
        socket.room = 100;
        assert_eq!(
            sender.offer(Outgoing::Answers(&first[1..]), |bytes| socket.write(bytes)),
            Offered::Took(10)
        );
        assert_eq!(read(&socket.got).0, [first]);
        assert!(sender.is_idle());
    }

    #[test]
    fn nothing_comes_between_the_parts_of_a_message() {
        let (mut sender, mut socket) = (Sender::default(), Socket { room: 5, ..Socket::default() });
        let first = answer(1);
        assert_eq!(sender.offer(Outgoing::Answers(&first), |bytes| socket.write(bytes)), Offered::Took(3));
        socket.room = 100;
        sender.pong(b"early", |bytes| socket.write(bytes)).unwrap();
        sender.pong(b"late", |bytes| socket.write(bytes)).unwrap();
        assert_eq!(socket.got.len(), 5);
        assert_eq!(sender.offer(Outgoing::Rest(&first[3..]), |bytes| socket.write(bytes)), Offered::Took(8));
        assert_eq!(read(&socket.got), (vec![first], vec![b"late".to_vec()]));
    }

    #[test]
    fn a_dead_socket_is_gone() {
        let mut sender = Sender::default();
        let dead = |_: &[u8]| Err(ErrorKind::BrokenPipe.into());
        assert_eq!(sender.offer(Outgoing::Answers(&answer(1)), dead), Offered::Gone);
        assert_eq!(sender.pong(b"", dead), Err(Gone));
    }
}
