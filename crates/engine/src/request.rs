//! Requests that have a body: LOGIN, JOIN_CR and CMS, from its bytes to what they ask for.
//!
//! Only reads and judges: what a request does stands in `login`, `join` and `publish`.

use longwire_wire::{
    BodyError, Cms, CmsRules, Compression, Frame, Header, InflateError, LoginRequest, Status, parse_join,
};

use crate::action::Action;
use crate::conn::Wait;
use crate::ids::{Now, Slot};
use crate::input::Step;
use crate::planted::Planted;
use crate::post::Ports;
use crate::refusals::Quota;
use crate::session::{Authenticating, AwaitLogin, LoggedIn, Msg, Rule, Session, rule};
use crate::shard::Shard;

impl Shard {
    /// Inflates the body where it is compressed, and hands it on.
    pub(crate) fn with_body<P: Ports>(
        &mut self,
        slot: Slot,
        frame: Frame<'_>,
        now: Now,
        ports: &mut P,
        take: fn(&mut Self, Slot, &Header, &[u8], Now, &mut P) -> Step,
    ) -> Step {
        if frame.header.flag.compression() != Compression::Gzip {
            return take(self, slot, &frame.header, frame.body, now, ports);
        }
        let mut plain = std::mem::take(&mut self.scratch);
        let inflated = self.inflater.inflate(frame.body, self.config.frame_max, &mut plain);
        let step = match inflated {
            Ok(()) => take(self, slot, &frame.header, &plain, now, ports),
            Err(err) => self.refuse(slot, &frame.header, inflate_status(err)),
        };
        self.scratch = plain;
        step
    }

    pub(crate) fn login(&mut self, slot: Slot, frame: Frame<'_>, now: Now, ports: &mut impl Ports) -> Step {
        let mut plain = std::mem::take(&mut self.scratch);
        let body = match frame.header.flag.compression() {
            Compression::Gzip => {
                let max =
                    if self.is_unauthenticated(slot) { self.config.login_max } else { self.config.frame_max };
                self.inflater
                    .inflate(frame.body, max, &mut plain)
                    .map(|()| plain.as_slice())
                    .map_err(inflate_status)
            }
            Compression::None | Compression::Reserved2 | Compression::Reserved3 => Ok(frame.body),
        };
        let request = body.and_then(|body| self.parse_login(body).map_err(body_status));
        let step = self.login_request(slot, frame.header.seq, request, now, ports);
        self.scratch = plain;
        step
    }

    fn parse_login<'a>(&self, body: &'a [u8]) -> Result<LoginRequest<'a>, BodyError> {
        let request = LoginRequest::parse(body, self.config.login_fields)?;
        request.check(self.config.id_max, self.config.login_max / 2)?;
        Ok(request)
    }

    fn login_request(
        &mut self,
        slot: Slot,
        seq: u32,
        request: Result<LoginRequest<'_>, Status>,
        now: Now,
        ports: &mut impl Ports,
    ) -> Step {
        //= PROTOCOL.md#5.10
        // A well-formed first LOGIN that is refused is answered, and the server closes; any other gets no byte.
        if request.is_ok()
            && let Some(status) = self.conns[slot as usize].unwelcome.take()
        {
            self.refuse_first_login(slot, seq, status, now, ports);
            return Step::Took(0);
        }
        let session = &self.conns[slot as usize].session;
        match rule(session.state(), login_msg(session, &request)) {
            Rule::EnterAsGuest => self.enter_as_guest(slot, seq, now, ports),
            Rule::Renewed => self.answer_login(slot, seq, Status::OK, now, ports),
            Rule::Refuse(status) => {
                let status = request.err().unwrap_or(status);
                self.refuse_later_login(slot, seq, status, now, ports);
            }
            Rule::RefuseAndClose(status, _) => self.refuse_first_login(slot, seq, status, now, ports),
            Rule::Close(reason) => self.close_after_flush(slot, reason, now, ports),
            Rule::Authenticate => {
                if let Ok(request) = request {
                    self.authenticate(slot, seq, &request, now, ports);
                }
            }
            Rule::Wait => return Step::Wait,
            Rule::Pong | Rule::Join | Rule::Publish | Rule::Leave | Rule::Ignore => {}
        }
        Step::Took(0)
    }

    fn authenticate(
        &mut self,
        slot: Slot,
        seq: u32,
        request: &LoginRequest<'_>,
        now: Now,
        ports: &mut impl Ports,
    ) {
        if let Some(status) = self.refuses_logins() {
            match self.is_unauthenticated(slot) {
                true => self.refuse_first_login(slot, seq, status, now, ports),
                false => self.refuse_later_login(slot, seq, status, now, ports),
            }
            return;
        }
        let conn = self.conn_id(slot);
        let session = &mut self.conns[slot as usize].session;
        let nobody = Session::AwaitLogin(AwaitLogin { since: now.mono, began: None, reading: None });
        let before = match std::mem::replace(session, nobody) {
            Session::Guest(guest) => Some(LoggedIn::Guest(guest)),
            Session::User(user) => Some(LoggedIn::User(user)),
            Session::AwaitLogin(_) | Session::Authenticating(_) | Session::Closing(_) => None,
        };
        *session = Session::Authenticating(Box::new(Authenticating { seq, before, admitted: None }));
        self.conns[slot as usize].wait = Wait::Login;
        self.actions.push_back(Action::Authenticate {
            conn,
            token: request.token.to_owned(),
            user_id: request.user_id.to_owned(),
        });
    }

    pub(crate) fn join<P: Ports>(
        &mut self,
        slot: Slot,
        header: &Header,
        body: &[u8],
        now: Now,
        ports: &mut P,
    ) -> Step {
        let room = match parse_join(body, self.config.id_max) {
            Ok(room) => room,
            Err(err) => return self.refuse(slot, header, body_status(err)),
        };
        if let Some(status) = self.join_refusal(slot, room, now) {
            return self.refuse(slot, header, status);
        }
        match rule(self.state(slot), Msg::Join) {
            Rule::Join => {
                self.join_room(slot, header.seq, room, now, ports);
                Step::Took(0)
            }
            _not_logged_in => Step::Took(0), // `consume` lets no frame through in the other states
        }
    }

    //= PROTOCOL.md#11.16
    // A CMS with several faults is judged in this order: its body, the guest, the type, the end of the login, the
    // room, the rates.
    pub(crate) fn cms<P: Ports>(
        &mut self,
        slot: Slot,
        header: &Header,
        body: &[u8],
        now: Now,
        ports: &mut P,
    ) -> Step {
        let config = std::sync::Arc::clone(&self.config);
        let rules = CmsRules {
            id_max: config.id_max,
            content_max: config.message_max,
            relay_fields: &config.relay_fields,
        };
        let cms = match Cms::parse(body, &rules) {
            Ok(cms) => cms,
            Err(err) => return self.refuse(slot, header, body_status(err)),
        };
        let open = config.client_types.contains(cms.message_type);
        let msg = match open {
            false => Msg::CmsClosedType,
            true if self.is_expired(slot, now) => Msg::CmsExpired,
            true => Msg::Cms,
        };
        match rule(self.state(slot), msg) {
            Rule::Publish => self.publish(slot, header, &cms, &rules, now, ports),
            Rule::Refuse(status) => self.refuse(slot, header, status),
            _not_logged_in => Step::Took(0), // `consume` lets no frame through in the other states
        }
    }

    fn publish(
        &mut self,
        slot: Slot,
        header: &Header,
        cms: &Cms<'_>,
        rules: &CmsRules<'_>,
        now: Now,
        ports: &mut impl Ports,
    ) -> Step {
        match self.publish_record(slot, header, cms, rules, now, ports) {
            crate::publish::Published::Yes => Step::Took(0),
            crate::publish::Published::Refused(status) => self.refuse(slot, header, status),
            crate::publish::Published::HomeIsFull => {
                self.wait_for_home(slot);
                Step::Wait
            }
        }
    }

    fn is_expired(&self, slot: Slot, now: Now) -> bool {
        if self.is_planted(Planted::ExpiredMaySend) {
            return false;
        }
        self.conns[slot as usize].session.user().is_some_and(|user| user.identity.is_expired(now, 0))
    }

    /// Why a user may not join `room`, if it may not: its token's rooms, or its rate.
    //= PROTOCOL.md#10.11
    //= PROTOCOL.md#10.12
    //= PROTOCOL.md#10.13
    // Over the user's rate RATE_LIMITED; a room that the login provider does not name FORBIDDEN.
    fn join_refusal(&mut self, slot: Slot, room: &str, now: Now) -> Option<Status> {
        let user = self.conns[slot as usize].session.user()?;
        if !user.identity.may_join(room) {
            return Some(Status::FORBIDDEN);
        }
        let (rate, shared) = (self.config.quotas.user_joins?, user.shared.as_ref()?);
        #[cfg(test)]
        self.trace.push(crate::trace::Trace::AsksUser { conn: self.conn_id(slot) });
        let now = self.config.node_time.at_least(now.mono);
        (!shared.joins.take(rate, now)).then(|| self.stats.refusals.over(Quota::UserJoins))
    }
}

fn login_msg(session: &Session, request: &Result<LoginRequest<'_>, Status>) -> Msg {
    let Ok(request) = request else { return Msg::LoginBroken };
    match (request.token.is_empty(), request.user_id.is_empty()) {
        (true, true) => Msg::LoginGuest,
        (true, false) | (false, true) => Msg::LoginHalf,
        (false, false) => match session.user() {
            Some(user) if *user.identity.user_id != *request.user_id => Msg::LoginOther,
            Some(_) | None => Msg::LoginUser,
        },
    }
}

fn body_status(err: BodyError) -> Status {
    match err {
        BodyError::Malformed(_) => Status::MALFORMED,
        BodyError::TooLarge { .. } => Status::TOO_LARGE,
    }
}

fn inflate_status(err: InflateError) -> Status {
    match err {
        InflateError::Malformed => Status::MALFORMED,
        InflateError::TooLarge { .. } => Status::TOO_LARGE,
    }
}
