//! How connections end: at once, or after what is owed to them was flushed.

use crate::account::DropReason;
use crate::action::{Action, CloseReason};
use crate::conn::Wait;
use crate::ids::{Millis, Now, Slot};
use crate::limits::{DISCARD_MS, FLUSH_MS, TRANSPORT_ANSWER_MS};
use crate::post::Ports;
use crate::session::{Closing, Session, State};
use crate::shard::Shard;

impl Shard {
    /// The peer closed its side, or its socket failed.
    pub fn peer_closed(&mut self, slot: Slot) {
        let reason = match &self.conns[slot as usize].session {
            Session::Closing(closing) => closing.reason, // it was ours to close
            Session::AwaitLogin(_) | Session::Authenticating(_) | Session::Guest(_) | Session::User(_) => {
                CloseReason::Gone
            }
        };
        self.close_now(slot, reason);
    }

    /// Closes without waiting for anything. What the connection was owed is dropped, with `reason`.
    pub fn close_now(&mut self, slot: Slot, reason: CloseReason) {
        if !self.conns[slot as usize].open {
            return;
        }
        self.end_memberships(slot, reason);
        let conn = &mut self.conns[slot as usize];
        conn.open = false;
        conn.wait = Wait::No;
        conn.session = Session::Closing(Closing { reason, shut: true, deadline: Millis(0) });
        if let Some(half) = conn.slow.take().and_then(|slow| slow.half) {
            self.books.drop_records(DropReason::Closed(reason), &half.content);
            half.unpin(&mut self.pinned);
        }
        self.actions.push_back(Action::Close(slot, reason));
    }

    /// The connection's transport is through with it: closes behind what is owed.
    pub fn close_in_order(&mut self, slot: Slot, reason: CloseReason, now: Now, ports: &mut impl Ports) {
        if self.conns[slot as usize].open && self.state(slot) != State::Closing {
            self.close_after_flush(slot, reason, now, ports);
        }
    }

    /// The connection's transport is through with it, but for an answer of its own that the socket has not taken yet: closes
    /// once the socket is [`writable`](Shard::writable) behind that answer, or when the time for it is over.
    pub fn close_behind_answer(&mut self, slot: Slot, reason: CloseReason, now: Now, ports: &mut impl Ports) {
        if !self.conns[slot as usize].open || self.state(slot) == State::Closing {
            return;
        }
        self.block(slot, now);
        self.close_after_flush(slot, reason, now, ports);
        if let Session::Closing(closing) = &mut self.conns[slot as usize].session {
            closing.deadline = now.mono.plus(TRANSPORT_ANSWER_MS);
        }
    }

    /// Ends memberships at once, then finishes what is half-sent and owed, then closes.
    //= PROTOCOL.md#13.5
    // What is owed is flushed (at most 5 s), the sending side is shut down, input is thrown away until the client
    // ends its side or for 1 s, then the socket is closed.
    pub(crate) fn close_after_flush(
        &mut self,
        slot: Slot,
        reason: CloseReason,
        now: Now,
        ports: &mut impl Ports,
    ) {
        self.flush_answers(slot, now, ports);
        if !self.conns[slot as usize].open {
            return;
        }
        self.end_memberships(slot, reason);
        let deadline = now.mono.plus(FLUSH_MS);
        let conn = &mut self.conns[slot as usize];
        conn.wait = Wait::No;
        conn.session = Session::Closing(Closing { reason, shut: false, deadline });
        self.shut_if_flushed(slot, now);
    }

    /// The second half of a close, once nothing is owed any more.
    pub(crate) fn shut_if_flushed(&mut self, slot: Slot, now: Now) {
        if self.hot[slot as usize].blocked {
            return;
        }
        if let Session::Closing(closing) = &mut self.conns[slot as usize].session
            && !closing.shut
        {
            closing.shut = true;
            closing.deadline = now.mono.plus(DISCARD_MS);
            let reason = closing.reason;
            self.actions.push_back(Action::ShutdownWrite(slot, reason));
        }
    }

    fn end_memberships(&mut self, slot: Slot, reason: CloseReason) {
        if self.is_unauthenticated(slot) {
            self.unauthenticated_left();
        }
        let conn = &mut self.conns[slot as usize];
        if std::mem::take(&mut conn.enrolled)
            && let Some(user) = conn.session.user_id()
        {
            let user = std::sync::Arc::clone(user);
            let id = self.conn_id(slot);
            self.withdrawals.push((user, id));
        }
        while let Some(one) = self.conns[slot as usize].memberships.as_slice().first() {
            self.leave_room(slot, one.room, DropReason::Closed(reason));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::stage::{Stage, now};

    fn closed(stage: &mut Stage) -> Option<CloseReason> {
        std::iter::from_fn(|| stage.shard.poll_action()).find_map(|action| match action {
            Action::Close(_, reason) => Some(reason),
            _ => None,
        })
    }

    fn answering() -> Stage {
        let mut stage = Stage::new(Config::default());
        stage.shard.close_behind_answer(stage.conn.slot, CloseReason::Http, now(0), &mut stage.wire);
        assert!(stage.shard.poll_action().is_none(), "our side stays open behind the answer");
        stage
    }

    #[test]
    fn an_answer_of_the_transport_has_its_time_and_no_more() {
        let mut stage = answering();
        stage.shard.tick(now(TRANSPORT_ANSWER_MS - 1), &mut stage.wire);
        assert_eq!(closed(&mut stage), None);
        stage.shard.tick(now(TRANSPORT_ANSWER_MS), &mut stage.wire);
        assert_eq!(closed(&mut stage), Some(CloseReason::Http));
    }

    #[test]
    fn our_side_ends_once_the_answer_is_taken() {
        let mut stage = answering();
        stage.shard.writable(stage.conn.slot, now(20_000), &mut stage.wire);
        let action = stage.shard.poll_action();
        assert!(matches!(action, Some(Action::ShutdownWrite(_, CloseReason::Http))), "{action:?}");
        stage.shard.tick(now(20_000 + DISCARD_MS), &mut stage.wire);
        assert_eq!(closed(&mut stage), Some(CloseReason::Http));
    }
}
