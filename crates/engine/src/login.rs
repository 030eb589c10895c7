//! The seam to login providers: a question goes out as [`crate::Action::Authenticate`], its answer comes in later.

use longwire_wire::{Status, UserInfo};

use crate::action::CloseReason;
use crate::ids::{ConnId, Now};
use crate::limits::LOGIN_FAILURES_MAX;
use crate::planted::Planted;
use crate::post::Ports;
use crate::session::{Guest, LoggedIn, Session, User};
use crate::shard::Shard;

/// Who a user is, as its login provider says.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The `from` of its records.
    pub user_id: Box<str>,
    /// What the provider states about it; replaces the client's own `userInfo`.
    pub info: Option<Box<UserInfo>>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({:?})", self.user_id)
    }
}

/// What a login provider answered: an identity, or the status of the refusal.
pub type LoginAnswer = Result<Identity, Status>;

impl Shard {
    /// Takes a provider's answer. One that comes too late (connection gone, slot used again, server draining) finds nobody.
    pub fn login_answered(&mut self, conn: ConnId, answer: LoginAnswer, now: Now, ports: &mut impl Ports) {
        let late = self.is_planted(Planted::LateAuthOnReusedSlot);
        let Some(slot) = self.find(if late { self.conn_id(conn.slot) } else { conn }) else { return };
        let Session::Authenticating(auth) = &mut self.conns[slot as usize].session else { return };
        let (seq, first, before) = (auth.seq, auth.before.is_none(), auth.before.take());
        match (answer, before) {
            (Ok(identity), before) => {
                let failures = before.as_ref().map_or(0, LoggedIn::failures);
                self.logged_in(slot, first, Session::User(User { identity, failures }));
                self.answer_login(slot, seq, Status::OK, now, ports);
            }
            (Err(status), None) => self.refuse_first_login(slot, seq, status, now, ports),
            (Err(status), Some(before)) => {
                self.conns[slot as usize].session = before.into_session();
                self.refuse_later_login(slot, seq, status, now, ports);
            }
        }
        self.resume(slot, now);
    }

    /// A first LOGIN without a user.
    pub(crate) fn enter_as_guest(&mut self, slot: u32, seq: u32, now: Now, ports: &mut impl Ports) {
        let refusal = match self.refuses_logins() {
            Some(status) => Some(status),
            None if !self.config.guests => Some(Status::FORBIDDEN),
            None => None,
        };
        match refusal {
            Some(status) => self.refuse_first_login(slot, seq, status, now, ports),
            None => {
                self.logged_in(slot, true, Session::Guest(Guest { failures: 0 }));
                self.answer_login(slot, seq, Status::OK, now, ports);
            }
        }
    }

    pub(crate) fn refuse_first_login(
        &mut self,
        slot: u32,
        seq: u32,
        status: Status,
        now: Now,
        ports: &mut impl Ports,
    ) {
        self.answer_login(slot, seq, status, now, ports);
        self.close_after_flush(slot, CloseReason::LoginRefused, now, ports);
    }

    /// Answers a LOGIN of a session that goes on as it was, unless this was its last chance.
    pub(crate) fn refuse_later_login(
        &mut self,
        slot: u32,
        seq: u32,
        status: Status,
        now: Now,
        ports: &mut impl Ports,
    ) {
        self.answer_login(slot, seq, status, now, ports);
        let failures = match &mut self.conns[slot as usize].session {
            Session::Guest(guest) => &mut guest.failures,
            Session::User(user) => &mut user.failures,
            Session::AwaitLogin(_) | Session::Authenticating(_) | Session::Closing(_) => return,
        };
        *failures += 1;
        //= PROTOCOL.md#8.12
        // The third later LOGIN on one connection that is refused is answered, and the server closes.
        if *failures >= LOGIN_FAILURES_MAX {
            self.close_after_flush(slot, CloseReason::LoginRefused, now, ports);
        }
    }

    fn logged_in(&mut self, slot: u32, first: bool, session: Session) {
        if first {
            self.unauthenticated_left();
        }
        self.conns[slot as usize].session = session;
        self.stats.logins += 1;
    }
}

impl LoggedIn {
    fn failures(&self) -> u8 {
        match self {
            Self::Guest(guest) => guest.failures,
            Self::User(user) => user.failures,
        }
    }
}
