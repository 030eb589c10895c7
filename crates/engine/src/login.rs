//! The seam to login providers: a question goes out as [`crate::Action::Authenticate`], its answer comes in later.

use std::sync::Arc;

use longwire_wire::{LengthReading, Status, UserInfo};

use crate::action::CloseReason;
use crate::ids::{ConnId, Now, Slot};
use crate::limits::LOGIN_FAILURES_MAX;
use crate::planted::Planted;
use crate::post::Ports;
use crate::session::{Guest, LoggedIn, Session, User};
use crate::shard::Shard;
use crate::users::UserState;

/// Who a user is, as its login provider says.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The `from` of its records.
    pub user_id: Arc<str>,
    /// What else the provider says; a box, so that a user without claims costs nothing for it.
    pub claims: Option<Box<Claims>>,
}

/// What a login provider may say of a user beside its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Replaces the client's own `userInfo`.
    pub info: Option<UserInfo>,
    /// The rooms it may join; `None`: any.
    pub rooms: Option<Vec<Box<str>>>,
    /// Unix milliseconds from which it may not send any more.
    pub expires_at_ms: Option<u64>,
}

impl Identity {
    /// What replaces the client's own `userInfo`, if anything does.
    pub(crate) fn info(&self) -> Option<&UserInfo> {
        self.claims.as_ref()?.info.as_ref()
    }

    /// Whether the token's time is over, for `grace` milliseconds already.
    pub(crate) fn is_expired(&self, now: Now, grace: u64) -> bool {
        let expires = self.claims.as_ref().and_then(|claims| claims.expires_at_ms);
        expires.is_some_and(|at| at.saturating_add(grace) <= now.unix_ms)
    }

    /// Whether the user may join `room`.
    pub(crate) fn may_join(&self, room: &str) -> bool {
        let rooms = self.claims.as_ref().and_then(|claims| claims.rooms.as_ref());
        rooms.is_none_or(|rooms| rooms.iter().any(|allowed| **allowed == *room))
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({:?})", self.user_id)
    }
}

/// What a login provider answered: an identity, or the status of the refusal.
pub type LoginAnswer = Result<Identity, Status>;

impl Shard {
    /// The connection's transport knows which reading of `len` its first LOGIN is in; nothing was consumed yet.
    //= PROTOCOL.md#18.2
    // The reading is the one under which the message with the LOGIN splits exactly into whole frames.
    pub fn tell_reading(&mut self, slot: Slot, reading: LengthReading) {
        if let Session::AwaitLogin(login) = &mut self.conns[slot as usize].session {
            login.reading = Some(reading);
        }
    }

    /// Bytes of the first LOGIN are there, and not enough of them to be consumed: its time begins.
    pub fn login_begins(&mut self, slot: Slot, now: Now) {
        if let Session::AwaitLogin(login) = &mut self.conns[slot as usize].session {
            login.began.get_or_insert(now.mono);
        }
    }

    pub(crate) fn told_reading(&self, slot: Slot) -> Option<LengthReading> {
        match &self.conns[slot as usize].session {
            Session::AwaitLogin(login) => login.reading,
            Session::Authenticating(_) | Session::Guest(_) | Session::User(_) | Session::Closing(_) => None,
        }
    }

    /// Takes a provider's answer. One that comes too late (connection gone, slot used again, closing) finds nobody.
    pub fn login_answered(&mut self, conn: ConnId, answer: LoginAnswer, now: Now, ports: &mut impl Ports) {
        let late = self.is_planted(Planted::LateAuthOnReusedSlot);
        let Some(slot) = self.find(if late { self.conn_id(conn.slot) } else { conn }) else { return };
        let enrolls = self.enrolls();
        let Session::Authenticating(auth) = &mut self.conns[slot as usize].session else { return };
        if auth.admitted.is_some() {
            return; // answered already
        }
        match answer {
            Err(status) => self.login_refused(slot, status, now, ports),
            Ok(identity) if enrolls => {
                let user = Arc::clone(&identity.user_id);
                let renews = matches!(auth.before, Some(LoggedIn::User(_)));
                auth.admitted = Some(identity);
                self.conns[slot as usize].enrolled = true;
                self.ask_to_enroll(user, conn, renews, now, ports);
            }
            Ok(identity) => self.login_accepted(slot, identity, None, now, ports),
        }
    }

    /// The user's home has taken the session in.
    pub(crate) fn enrolled(&mut self, conn: ConnId, state: Arc<UserState>, now: Now, ports: &mut impl Ports) {
        let Some(slot) = self.find(conn) else { return };
        let Session::Authenticating(auth) = &mut self.conns[slot as usize].session else { return };
        if let Some(identity) = auth.admitted.take() {
            self.login_accepted(slot, identity, Some(state), now, ports);
        }
    }

    /// The user's home has no place for the session.
    pub(crate) fn enroll_refused(&mut self, conn: ConnId, status: Status, now: Now, ports: &mut impl Ports) {
        let Some(slot) = self.find(conn) else { return };
        let Session::Authenticating(auth) = &mut self.conns[slot as usize].session else { return };
        if auth.admitted.take().is_some() {
            self.conns[slot as usize].enrolled = false; // no renewal is refused here
            self.login_refused(slot, status, now, ports);
        }
    }

    /// A newer session of the same user has taken this one's place.
    pub(crate) fn displaced(&mut self, conn: ConnId, now: Now, ports: &mut impl Ports) {
        if let Some(slot) = self.find(conn).filter(|&slot| self.state(slot) != crate::session::State::Closing)
        {
            self.close_after_flush(slot, CloseReason::Replaced, now, ports);
        }
    }

    fn login_accepted(
        &mut self,
        slot: u32,
        identity: Identity,
        shared: Option<Arc<UserState>>,
        now: Now,
        ports: &mut impl Ports,
    ) {
        let Session::Authenticating(auth) = &mut self.conns[slot as usize].session else { return };
        let (seq, before) = (auth.seq, auth.before.take());
        if matches!(before, Some(LoggedIn::Guest(_))) {
            ports.guest_left(slot);
        }
        let failures = before.as_ref().map_or(0, LoggedIn::failures);
        #[cfg(test)]
        self.trace.push(crate::trace::Trace::LoggedIn {
            conn: self.conn_id(slot),
            user: Arc::clone(&identity.user_id),
        });
        self.logged_in(slot, before.is_none(), Session::User(User { identity, failures, shared }));
        self.answer_login(slot, seq, Status::OK, now, ports);
        self.resume(slot, now);
    }

    fn login_refused(&mut self, slot: u32, status: Status, now: Now, ports: &mut impl Ports) {
        let Session::Authenticating(auth) = &mut self.conns[slot as usize].session else { return };
        let (seq, before) = (auth.seq, auth.before.take());
        match before {
            None => self.refuse_first_login(slot, seq, status, now, ports),
            Some(before) => {
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
            None => ports.admit_guest(self.conn_id(slot)).err(),
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
        self.close_after_flush(slot, CloseReason::of_refused_login(status), now, ports);
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
        //= PROTOCOL.md#8.12
        // The third later LOGIN on one connection that is refused is answered, and the server closes; one that nobody
        // judged is not counted.
        if matches!(status, Status::OVERLOADED | Status::RATE_LIMITED) {
            return;
        }
        *failures += 1;
        if *failures >= LOGIN_FAILURES_MAX {
            self.close_after_flush(slot, CloseReason::of_refused_login(status), now, ports);
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
