//! Bytes of a connection become frames, and frames take effect: in order, a bounded turn at a time.

use longwire_wire::{
    Command, Compression, Decoder, Detected, Dialect, FirstFrameRules, Flow, Frame, FrameError, HEADER_BYTES,
    Header, Status, detect_first,
};

use crate::action::CloseReason;
use crate::conn::Wait;
use crate::ids::{Now, Slot};
use crate::limits::{
    ANSWERS_BYTES_MAX, FRAMES_REFUSED_MAX, TURN_ANSWER_BYTES_MAX, TURN_BYTES_MAX, TURN_FRAMES_MAX,
};
use crate::planted::Planted;
use crate::post::Ports;
use crate::refusals::Quota;
use crate::session::{Msg, Rule, Session, State, rule};
use crate::shard::Shard;

/// How far [`Shard::consume`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// Bytes that took effect; the rest is to be offered again, first.
    pub bytes: usize,
    /// When.
    pub then: Then,
}

/// What the driver does with a connection's input after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Offer the rest again with more behind it: it ends inside a frame.
    More,
    /// The turn is over: offer the rest again after everybody else had theirs.
    Yield,
    /// Keep the rest and do not read on, until [`crate::Action::Resume`].
    Pause,
    /// Throw the rest away, and whatever else comes.
    Discard,
}

/// What became of one frame.
pub(crate) enum Step {
    Took(usize),
    More,
    /// The frame stays undecoded; the connection waits.
    Wait,
    /// The connection is closing.
    Closed,
}

impl Shard {
    /// Takes what `slot` sent, as far as it goes in one turn. `input` begins where the last call stopped taking.
    pub fn consume(&mut self, slot: Slot, input: &[u8], now: Now, ports: &mut impl Ports) -> Consumed {
        let mut taken = 0;
        let mut frames = 0;
        if self.waits_for_reader(slot) {
            return Consumed { bytes: 0, then: Then::Pause };
        }
        let then = loop {
            let conn = &self.conns[slot as usize];
            if !conn.open || conn.session.state() == State::Closing {
                break Then::Discard;
            }
            if conn.wait != Wait::No {
                break Then::Pause;
            }
            if frames == TURN_FRAMES_MAX || taken >= TURN_BYTES_MAX {
                break Then::Yield;
            }
            match self.step(slot, &input[taken..], now, ports) {
                Step::Took(bytes) => taken += bytes,
                Step::More => break Then::More,
                Step::Wait | Step::Closed => {}
            }
            frames += 1;
        };
        self.flush_answers(slot, now, ports);
        Consumed { bytes: taken, then: self.after_flush(slot, then) }
    }

    /// Flushing may have found a socket that takes no more, or a dead one.
    fn after_flush(&mut self, slot: Slot, then: Then) -> Then {
        match then {
            _ if !self.conns[slot as usize].open => Then::Discard,
            Then::Discard => Then::Discard,
            Then::More | Then::Yield | Then::Pause if self.waits_for_reader(slot) => Then::Pause,
            Then::More | Then::Yield | Then::Pause => then,
        }
    }

    /// Whether so much is owed to a connection that another turn's answers might not fit: it waits until it reads.
    /// Asked before a turn too: behind a LOGIN, a JOIN or a full ring, answers may have come up to the bound.
    //= PROTOCOL.md#15.8
    // A client that does not read its answers is not read any more, until it reads.
    fn waits_for_reader(&mut self, slot: Slot) -> bool {
        let conn = &mut self.conns[slot as usize];
        let owed = conn.slow.as_ref().map_or(0, |slow| slow.answers.len());
        let waits = owed > ANSWERS_BYTES_MAX - TURN_ANSWER_BYTES_MAX
            && conn.open
            && conn.wait == Wait::No
            && conn.session.state() != State::Closing;
        if waits {
            conn.wait = Wait::Answers;
        }
        waits
    }

    fn step(&mut self, slot: Slot, input: &[u8], now: Now, ports: &mut impl Ports) -> Step {
        if let Session::AwaitLogin(await_login) = &mut self.conns[slot as usize].session {
            if !input.is_empty() && await_login.began.is_none() {
                await_login.began = Some(now.mono);
            }
            return self.first_frame(slot, input, now, ports);
        }
        let dialect = Dialect::from_index(self.hot[slot as usize].dialect);
        match Decoder::new(dialect.length, self.config.frame_max as u32).next(input) {
            Ok(Some((frame, bytes))) => {
                self.conns[slot as usize].last_seen = now.mono;
                // before the rate, as where the header came alone: how the network cuts must not decide it
                if frame.header.flag.flow() != Flow::Request {
                    return self.apply(slot, &frame.header, Msg::BadHeader, now, ports);
                }
                #[cfg(test)]
                self.trace_took(slot);
                if let Some(step) = self.too_fast(slot, &frame.header, now, ports) {
                    return if matches!(step, Step::Took(_)) { Step::Took(bytes) } else { step };
                }
                match self.frame(slot, frame, now, ports) {
                    Step::Took(_) => Step::Took(bytes),
                    step @ (Step::More | Step::Wait | Step::Closed) => step,
                }
            }
            Ok(None) => self.header_alone(slot, input, now, ports),
            Err(FrameError::TooLarge { header, .. }) => self.apply(slot, &header, Msg::TooLong, now, ports),
            Err(FrameError::ShortLen { header }) => self.apply(slot, &header, Msg::BadHeader, now, ports),
        }
    }

    /// Takes a permit of `quotas.connection_frames`; refuses the frame where there is none, and at last the connection.
    //= PROTOCOL.md#5.22
    //= PROTOCOL.md#5.23
    // A frame over the rate is answered with RATE_LIMITED and not looked at; the hundredth in a row closes.
    fn too_fast(&mut self, slot: Slot, header: &Header, now: Now, ports: &mut impl Ports) -> Option<Step> {
        let rate = self.config.quotas.connection_frames?;
        let conn = &mut self.conns[slot as usize];
        if conn.frames.take(rate, now.mono) {
            conn.frames_refused = 0;
            return None;
        }
        conn.frames_refused += 1;
        let msg = if conn.frames_refused < FRAMES_REFUSED_MAX { Msg::OverRate } else { Msg::OverRateForLong };
        self.stats.refusals.over(Quota::ConnectionFrames);
        if self.is_planted(Planted::RefusalCostsOthers) {
            self.planted_cost(rate, now);
        }
        Some(self.apply(slot, header, msg, now, ports))
    }

    /// A frame that is not all here yet may be refused already.
    //= PROTOCOL.md#5.15
    // A flow that is not 0 is answered with MALFORMED from the header alone, and the server closes.
    fn header_alone(&mut self, slot: Slot, input: &[u8], now: Now, ports: &mut impl Ports) -> Step {
        match input.first_chunk::<HEADER_BYTES>().map(Header::parse) {
            Some(header) if header.flag.flow() != Flow::Request => {
                self.apply(slot, &header, Msg::BadHeader, now, ports)
            }
            Some(_) | None => Step::More,
        }
    }

    fn first_frame(&mut self, slot: Slot, input: &[u8], now: Now, ports: &mut impl Ports) -> Step {
        let config = std::sync::Arc::clone(&self.config);
        let rules = FirstFrameRules {
            commands: &config.commands,
            login: config.login_fields,
            length: self.told_reading(slot).or(config.length),
            login_max: config.login_max as u32,
            versions: config.versions,
        };
        match detect_first(input, &rules, &mut self.inflater, &mut self.scratch) {
            Detected::NeedMore => Step::More,
            Detected::Login { frame, dialect, taken } => {
                self.hot[slot as usize].dialect = dialect.index();
                self.conns[slot as usize].last_seen = now.mono;
                #[cfg(test)]
                self.trace_took(slot);
                match self.login(slot, frame, now, ports) {
                    Step::Took(_) => Step::Took(taken),
                    step @ (Step::More | Step::Wait | Step::Closed) => step,
                }
            }
            Detected::Refused(_) => {
                self.close_after_flush(slot, CloseReason::FirstFrame, now, ports);
                Step::Closed
            }
        }
    }

    //= PROTOCOL.md#5.17
    // A header with several faults is judged in this order: length, flow (both in `step`), command, compression.
    fn frame(&mut self, slot: Slot, frame: Frame<'_>, now: Now, ports: &mut impl Ports) -> Step {
        let header = frame.header;
        let command = match self.config.commands.command(header.command) {
            Some(Command::Pong) | None => return self.apply(slot, &header, Msg::Unlisted, now, ports),
            Some(command) => command,
        };
        if matches!(header.flag.compression(), Compression::Reserved2 | Compression::Reserved3) {
            return self.apply(slot, &header, Msg::ReservedCompression, now, ports);
        }
        match command {
            Command::Login => self.login(slot, frame, now, ports),
            Command::Logout => self.apply(slot, &header, Msg::Logout, now, ports),
            Command::Ping => self.apply(slot, &header, Msg::Ping, now, ports),
            Command::JoinCr => self.with_body(slot, frame, now, ports, Self::join),
            Command::Cms => self.with_body(slot, frame, now, ports, Self::cms),
            Command::Pong => Step::Took(0), // dealt with above
        }
    }

    /// What does not depend on a body: the state decides alone.
    fn apply(&mut self, slot: Slot, header: &Header, msg: Msg, now: Now, ports: &mut impl Ports) -> Step {
        match rule(self.state(slot), msg) {
            Rule::Pong => {
                let code = self.config.commands.code(Command::Pong);
                self.answer(slot, code, header.seq, Status::OK);
                Step::Took(0)
            }
            Rule::Refuse(status) => self.refuse(slot, header, status),
            Rule::RefuseAndClose(status, reason) => {
                self.answer(slot, header.command, header.seq, status);
                self.close_after_flush(slot, reason, now, ports);
                Step::Closed
            }
            Rule::Close(reason) => {
                self.close_after_flush(slot, reason, now, ports);
                Step::Closed
            }
            Rule::Leave => {
                self.close_after_flush(slot, CloseReason::Logout, now, ports);
                Step::Closed
            }
            Rule::Wait => Step::Wait,
            Rule::Ignore
            | Rule::EnterAsGuest
            | Rule::Authenticate
            | Rule::Renewed
            | Rule::Join
            | Rule::Publish => Step::Took(0), // need a body: `request.rs` deals with them
        }
    }

    pub(crate) fn refuse(&mut self, slot: Slot, header: &Header, status: Status) -> Step {
        self.answer(slot, header.command, header.seq, status);
        Step::Took(0)
    }
}
