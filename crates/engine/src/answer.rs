//! Answers: short frames to one connection, never between the parts of a push.

use longwire_wire::{Command, Dialect, Flow, HEADER_BYTES, Status, put_frame};

use crate::action::CloseReason;
use crate::ids::{ConnId, Now, Slot};
use crate::limits::LATE_ANSWERS_BYTES_MAX;
use crate::outgoing::Outgoing;
use crate::post::{Offered, Ports};
use crate::session::State;
use crate::shard::Shard;

impl Shard {
    /// Queues an answer to `slot`, whose turn it is; [`Shard::flush_answers`] ends the turn.
    pub(crate) fn answer(&mut self, slot: Slot, code: u8, seq: u32, status: Status) {
        let dialect = Dialect::from_index(self.hot[slot as usize].dialect);
        put_frame(&mut self.answers, dialect, code, Flow::Answer, seq, status, &[]);
        self.stats.refusals.answered(status);
    }

    /// The late refusal of a CMS by its room's home. Comes outside of any turn, and so past the bound that turns keep.
    //= PROTOCOL.md#15.17
    // A client that does not read, and is owed more refusals that came late than may be owed, is closed.
    pub(crate) fn publish_refused(
        &mut self,
        conn: ConnId,
        (seq, code): (u32, u8),
        status: Status,
        now: Now,
        ports: &mut impl Ports,
    ) {
        let Some(slot) = self.find(conn).filter(|&slot| self.state(slot) != State::Closing) else { return };
        let owed = self.conns[slot as usize].slow.as_ref().map_or(0, |slow| slow.answers.len());
        if owed + HEADER_BYTES > LATE_ANSWERS_BYTES_MAX {
            return self.close_now(slot, CloseReason::Slow);
        }
        self.answer(slot, code, seq, status);
        self.flush_answers(slot, now, ports);
    }

    pub(crate) fn answer_login(
        &mut self,
        slot: Slot,
        seq: u32,
        status: Status,
        now: Now,
        ports: &mut impl Ports,
    ) {
        let code = self.config.commands.code(Command::Login);
        self.answer(slot, code, seq, status);
        self.flush_answers(slot, now, ports);
    }

    /// Sends the answers of this turn in one write; what the socket does not take is owed.
    pub(crate) fn flush_answers(&mut self, slot: Slot, now: Now, ports: &mut impl Ports) {
        if self.answers.is_empty() {
            return;
        }
        let mut bytes = std::mem::take(&mut self.answers);
        if !self.conns[slot as usize].open {
            // closed in this very turn: nobody is left to answer
        } else if self.hot[slot as usize].blocked {
            self.owe(slot, &bytes);
        } else {
            match ports.offer(slot, Outgoing::Answers(&bytes)) {
                Offered::Took(taken) if taken == bytes.len() => {}
                Offered::Took(taken) => {
                    self.block(slot, now);
                    self.owe(slot, &bytes[taken..]);
                }
                Offered::Gone => self.close_now(slot, CloseReason::Gone),
            }
        }
        bytes.clear();
        self.answers = bytes;
    }

    fn owe(&mut self, slot: Slot, bytes: &[u8]) {
        let slow = self.conns[slot as usize].slow.get_or_insert_default();
        slow.answers.extend_from_slice(bytes);
        debug_assert!(slow.answers.len() <= crate::limits::ANSWERS_BYTES_MAX);
    }
}
