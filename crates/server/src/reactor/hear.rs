//! Connections that are more than their socket, or not known yet: what their layers hear, and what follows from it.

use std::net::IpAddr;

use longwire_engine::{CloseReason, ConnId, Now, Slot, State, Then};

use super::Reactor;
use super::layer::Heard;
use super::porch::{HANDSHAKES_PER_TURN, Step};
use crate::origin::Origin;
use crate::throttle::Welcome;

impl Reactor {
    /// Looks at what has come to a connection with a layer, behind what was held of it.
    pub(super) fn hear(&mut self, slot: Slot, rest: Vec<u8>, room: usize, now: Now) {
        let held = rest.len();
        self.buffer[..held].copy_from_slice(&rest);
        let heard = self.sockets.hear(slot, &mut self.buffer[..room], held);
        self.watch(slot, now);
        match heard {
            Heard::Frames { bytes, reading } => {
                if let Some(reading) = reading {
                    self.engine.tell_reading(slot, reading);
                }
                if held + bytes == 0 {
                    return self.inputs.keep(slot, rest, 0, Then::More, false);
                }
                self.consume(slot, held + bytes, now);
            }
            Heard::Hold(bytes) => {
                let all = self.buffer[..held + bytes].to_vec();
                // a request, or a ping of the transport's, is no byte of a LOGIN
                if !all.is_empty() && self.sockets.layer(slot).is_some_and(|layer| layer.speaks_messages()) {
                    self.engine.login_begins(slot, now);
                }
                self.inputs.keep(slot, all, 0, Then::More, false); // a byte more is no progress: no frame took effect
            }
            Heard::Taken | Heard::Plain => self.inputs.keep(slot, Vec::new(), 0, Then::More, false),
            Heard::Again => self.inputs.keep(slot, rest, 0, Then::More, false),
            Heard::Nothing => {
                self.inputs.keep(slot, rest, 0, Then::More, false);
                self.inputs.drained(slot);
                // what was only looked at stays in the socket, which never comes to its end then
                if self.inputs.is_ending(slot)
                    && self.sockets.layer(slot).is_some_and(|layer| layer.leaves_input())
                {
                    self.engine.peer_closed(slot);
                }
            }
            Heard::Hello => {
                self.inputs.keep(slot, rest, 0, Then::More, false);
                self.inputs.drained(slot);
                self.wants_handshake(slot);
            }
            Heard::From(address) => {
                self.sockets.is_really_from(slot, address);
                self.welcome(slot, self.sockets.peer_of(slot));
                self.inputs.keep(slot, rest, 0, Then::More, false);
            }
            Heard::Ended => {
                self.inputs.ended(slot);
                self.engine.peer_closed(slot);
            }
            Heard::Left => self.engine.close_in_order(slot, CloseReason::Gone, now, &mut self.sockets),
            Heard::Broken => self.engine.close_in_order(slot, CloseReason::Violation, now, &mut self.sockets),
            Heard::Answered { behind: false } => {
                self.engine.close_in_order(slot, CloseReason::Http, now, &mut self.sockets);
            }
            Heard::Answered { behind: true } => {
                self.inputs.drained(slot);
                self.engine.close_behind_answer(slot, CloseReason::Http, now, &mut self.sockets);
            }
            Heard::Refuse(reason) => self.engine.close_now(slot, reason),
        }
    }

    /// Counts a connection where it comes from, which is known now.
    pub(super) fn welcome(&mut self, slot: Slot, address: IpAddr) {
        let origin = Origin::from(address);
        if let Welcome::RefuseLogin(status) = self.sockets.came_from(slot, origin) {
            self.engine.refuse_login(slot, status);
        }
    }

    /// Sees to it that what a connection has begun ends in time.
    pub(super) fn watch(&mut self, slot: Slot, now: Now) {
        let conn = self.engine.conn_id(slot);
        let deadline = now.mono.plus(self.porch.timeout_ms);
        if let Some(layer) = self.sockets.layer(slot).filter(|layer| layer.is_pressed())
            && layer.deadline.is_none()
        {
            layer.deadline = Some(deadline);
            self.line.expects(conn, deadline);
        }
    }

    /// Puts a handshake in line, once.
    pub(super) fn wants_handshake(&mut self, slot: Slot) {
        let conn = self.engine.conn_id(slot);
        if let Some(layer) = self.sockets.layer(slot)
            && !std::mem::replace(&mut layer.in_line, true)
        {
            let has_place = layer.has_place;
            self.line.join(conn, has_place);
        }
    }

    /// A few handshakes, a step each.
    pub(super) fn run_handshakes(&mut self, now: Now) {
        let mut places = true;
        for _ in 0..HANDSHAKES_PER_TURN {
            let Some(conn) = self.line.next(places) else { return };
            let slot = conn.slot;
            if self.engine.conn_id(slot) != conn || self.engine.state(slot) == State::Closing {
                continue; // another one's slot by now, or about to be
            }
            let Some(layer) = self.sockets.layer(slot) else { continue };
            layer.in_line = false;
            let is_new = !layer.has_place;
            let step = self.sockets.handshake(slot);
            if is_new && !matches!(step, Step::NoPlace | Step::Over) {
                self.line.begins(conn, now);
            }
            match step {
                Step::More => self.wants_handshake(slot),
                Step::Blocked | Step::Over => {}
                Step::Done => self.inputs.readable(slot, false), // what came behind it comes with no edge
                // in order: whoever reads the alert is not to find a reset in its place
                Step::Failed => {
                    self.engine.close_in_order(slot, CloseReason::Handshake, now, &mut self.sockets);
                }
                Step::NoPlace => {
                    if let Some(layer) = self.sockets.layer(slot) {
                        layer.in_line = true;
                    }
                    self.line.wait_on(conn);
                    places = self.make_place(now);
                }
            }
        }
    }

    /// Closes the handshake that has been under way longest, whose place is free at once. `false`: none has had its time yet.
    fn make_place(&mut self, now: Now) -> bool {
        while let Some(oldest) = self.line.oldest(now) {
            if self.is_handshaking(oldest) {
                self.sockets.free_place(oldest.slot);
                self.engine.close_now(oldest.slot, CloseReason::Handshake);
                return true;
            }
        }
        false
    }

    fn is_handshaking(&mut self, conn: ConnId) -> bool {
        self.engine.conn_id(conn.slot) == conn
            && self.sockets.layer(conn.slot).is_some_and(|layer| layer.has_place)
    }

    /// Closes whoever has not ended in time what it began.
    pub(super) fn close_overdue(&mut self, now: Now) {
        while let Some((deadline, conn)) = self.line.overdue(now) {
            let slot = conn.slot;
            let is_late = self.engine.conn_id(slot) == conn
                && self.sockets.layer(slot).is_some_and(|layer| layer.deadline == Some(deadline));
            if is_late {
                self.engine.close_now(slot, CloseReason::Handshake);
            }
        }
        self.line.forget_before(now.mono.since(longwire_engine::Millis(self.porch.timeout_ms)));
    }
}
