//! What PROTOCOL.md makes of each request: the state table, followed without asking the engine anything.
//!
//! Requests wait in the order of sending; an answer settles the first that has one, and all silent ones before it.
//! What depends on the moment at which a request took effect, or on somebody else, `users` has written down by then.

use longwire_wire::{Command, Status};

use super::Check;
use super::client::{Client, Fate, Request, Standing, Taken, Weather, Who};
use super::plan::ROOM_NAMES;
use super::speak::rooms_of;
use crate::action::CloseReason;
use crate::users::SessionPolicy;

/// What a request may come to.
#[derive(Debug)]
enum Outcome {
    Silent,
    Answer {
        code: u8,
        seq: u32,
        statuses: Vec<Status>,
    },
    /// The end of the stream, without a byte.
    End(CloseReason),
    /// It had no business with what it asked for.
    Fault(&'static str),
}

impl Weather {
    /// Whether a user's home has a say in its logins.
    pub(super) fn enrolls(&self) -> bool {
        let allowed = &self.allowed;
        let users = [allowed.messages, allowed.joins, allowed.reconnects];
        self.config.sessions != SessionPolicy::All
            || allowed.sessions > 0
            || users.iter().any(Option::is_some)
    }
}

impl Client {
    /// An answer came: a late refusal, or it must be the one to the first request that has one.
    //= PROTOCOL.md#15.6
    //= PROTOCOL.md#16.2
    // Frames take effect and are answered in order; behind a LOGIN as in the state that it led to. Only the refusal of
    // a CMS may come late.
    pub(super) fn answered(&mut self, code: u8, seq: u32, status: Status, weather: &Weather) -> Check {
        if (code, status) == (weather.config.commands.code(Command::Cms), Status::RATE_LIMITED)
            && let Some(at) = self.late.iter().position(|late| *late == seq)
        {
            self.late.remove(at);
            return Ok(());
        }
        loop {
            let Some(request) = self.requests.pop_front() else {
                return Err(format!("client {}: command {code}, status {status:?} answers nothing", self.id));
            };
            let taken = self.taken.pop_front();
            match self.outcome(&request, taken.as_ref(), weather) {
                Outcome::Silent => self.settle(&request, taken.as_ref(), None, weather)?,
                Outcome::Answer { code: due, seq: its, statuses }
                    if (due, its) == (code, seq) && statuses.contains(&status) =>
                {
                    return self.settle(&request, taken.as_ref(), Some(status), weather);
                }
                Outcome::Fault(what) => return Err(format!("client {}: {request:?}: {what}", self.id)),
                Outcome::Answer { .. } if status == Status::RATE_LIMITED => {
                    return Err(format!("client {} has its permits, and is refused: {request:?}", self.id));
                }
                outcome @ (Outcome::Answer { .. } | Outcome::End(_)) => {
                    return Err(format!(
                        "client {} ({:?}) got command {code}, seq {seq}, status {status:?}; {request:?} ({taken:?}) has {outcome:?}",
                        self.id, self.standing
                    ));
                }
            }
        }
    }

    /// All is quiet: nothing may be left that has an answer.
    pub(super) fn settle_silent(&mut self, weather: &Weather) -> Check {
        while let Some(request) = self.requests.pop_front() {
            let taken = self.taken.pop_front();
            match self.outcome(&request, taken.as_ref(), weather) {
                Outcome::Silent => self.settle(&request, taken.as_ref(), None, weather)?,
                Outcome::End(reason) => self.standing = Standing::Ended(reason),
                Outcome::Fault(what) => return Err(format!("client {}: {request:?}: {what}", self.id)),
                outcome @ Outcome::Answer { .. } => {
                    return Err(format!(
                        "client {} ({:?}) was never answered: {request:?} ({taken:?}) has {outcome:?}",
                        self.id, self.standing
                    ));
                }
            }
        }
        match self.late.first() {
            None => Ok(()),
            Some(seq) => Err(format!("client {} was never told that its CMS {seq} was refused", self.id)),
        }
    }

    fn outcome(&self, request: &Request, taken: Option<&Taken>, weather: &Weather) -> Outcome {
        match (&self.standing, request, taken) {
            (Standing::Ended(_), _, _) => Outcome::Silent,
            (_, Request::Fatal { seq, code, status, .. }, _) if self.standing != Standing::New => {
                Outcome::Answer { code: *code, seq: *seq, statuses: vec![*status] }
            }
            (Standing::New, Request::Login { who: Who::Broken, .. }, _) => {
                Outcome::End(CloseReason::FirstFrame)
            }
            (_, Request::Login { seq, who }, Some(taken)) if !taken.over => {
                let code = weather.config.commands.code(Command::Login);
                Outcome::Answer { code, seq: *seq, statuses: self.login_statuses(who, taken, weather) }
            }
            (Standing::New, _, _) => Outcome::End(CloseReason::FirstFrame),
            (_, _, None) => Outcome::Fault("not taken yet"),
            //= PROTOCOL.md#5.22
            //= PROTOCOL.md#16.4
            // Over the connection's rate: RATE_LIMITED with its own command and seq, whatever it is.
            (_, _, Some(taken)) if taken.over => {
                let (code, seq) = request.code_and_seq(self, weather);
                Outcome::Answer { code, seq, statuses: vec![Status::RATE_LIMITED] }
            }
            (_, _, Some(taken)) => self.usual_outcome(request, taken, weather),
        }
    }

    /// Of a frame that is looked at, behind the login, and no LOGIN.
    fn usual_outcome(&self, request: &Request, taken: &Taken, weather: &Weather) -> Outcome {
        let code = |command| weather.config.commands.code(command);
        let answer =
            |command, seq, status| Outcome::Answer { code: code(command), seq, statuses: vec![status] };
        match request {
            Request::Logout { .. } => Outcome::End(CloseReason::Logout),
            Request::Ping { seq } => answer(Command::Pong, *seq, Status::OK),
            Request::Join { seq, room } => match self.join_statuses(*room, taken, weather) {
                Ok(statuses) => Outcome::Answer { code: code(Command::JoinCr), seq: *seq, statuses },
                Err(fault) => Outcome::Fault(fault),
            },
            Request::Cms { seq, said } => match self.cms_status(*said, taken, weather) {
                Ok(Some(status)) => answer(Command::Cms, *seq, status),
                Ok(None) => Outcome::Silent,
                Err(fault) => Outcome::Fault(fault),
            },
            Request::Refused { seq, code, status } | Request::Fatal { seq, code, status, .. } => {
                Outcome::Answer { code: *code, seq: *seq, statuses: vec![*status] }
            }
            Request::Login { .. } => Outcome::Fault("a LOGIN is dealt with before"),
        }
    }

    /// With none, nobody may have answered it yet.
    fn login_statuses(&self, who: &Who, taken: &Taken, weather: &Weather) -> Vec<Status> {
        //= PROTOCOL.md#8.18
        // Who comes or failed too often, as the driver counts, is refused whatever its LOGIN says.
        if let (Standing::New, Some(status)) = (&self.standing, self.unwelcome) {
            return vec![status];
        }
        let mut statuses = match (&self.standing, who) {
            (_, Who::Broken) => return vec![Status::MALFORMED],
            (_, Who::Half) => return vec![Status::UNAUTHENTICATED],
            (Standing::User(_), Who::Guest) => return vec![Status::FORBIDDEN],
            (Standing::User(me), Who::User { id, .. }) if me != id => return vec![Status::FORBIDDEN],
            (Standing::Guest, Who::Guest) => return vec![Status::OK],
            (_, Who::Guest) if !weather.config.guests => vec![Status::FORBIDDEN],
            //= PROTOCOL.md#8.19
            // One guest more than the driver lets in is refused with TOO_MANY.
            (_, Who::Guest) => self.admitted.into_iter().collect(),
            //= PROTOCOL.md#8.4
            // What the provider says, then the user's home: 12 where there are too many, 5 where it comes too often.
            (_, Who::User { .. }) => match taken.provider {
                None => Vec::new(),
                Some(Status::OK) if weather.enrolls() => return taken.home.into_iter().collect(),
                Some(status) => return vec![status],
            },
        };
        if weather.logins_may_fail {
            statuses.push(Status::OVERLOADED);
        }
        statuses
    }

    fn join_statuses(
        &self,
        room: Result<usize, Status>,
        taken: &Taken,
        weather: &Weather,
    ) -> Result<Vec<Status>, &'static str> {
        //= PROTOCOL.md#10.12
        //= PROTOCOL.md#10.13
        // Judged in this order: its room's name, the rooms that the login names, the rate of the user.
        let refusal = match (room, &self.standing) {
            (Err(status), _) => Some(status),
            (Ok(room), Standing::User(me))
                if rooms_of(me).is_some_and(|rooms| !rooms.contains(&ROOM_NAMES[room])) =>
            {
                Some(Status::FORBIDDEN)
            }
            (Ok(_), _) => None,
        };
        let is_user = matches!(self.standing, Standing::User(_));
        //= PROTOCOL.md#10.11
        // One JOIN_CR more than its user may is answered with RATE_LIMITED.
        match (refusal, weather.allowed.joins.filter(|_| is_user), taken.permit) {
            (Some(_), _, Some(_)) => return Err("a permit was asked for in vain"),
            (Some(status), _, None) => return Ok(vec![status]),
            (None, None, Some(_)) => return Err("a permit was asked for that it does not need"),
            (None, Some(_), None) => return Err("a permit was not asked for"),
            (None, Some(_), Some(false)) => return Ok(vec![Status::RATE_LIMITED]),
            (None, Some(_), Some(true)) | (None, None, None) => {}
        }
        let mut statuses = vec![Status::OK];
        if weather.joins_may_fail {
            statuses.push(Status::OVERLOADED);
        }
        Ok(statuses)
    }

    /// `None`: silence.
    fn cms_status(
        &self,
        said: usize,
        taken: &Taken,
        weather: &Weather,
    ) -> Result<Option<Status>, &'static str> {
        let said = &self.said[said];
        let joined = self.joined.iter().any(|(room, _)| *room == said.room);
        //= PROTOCOL.md#11.16
        // Judged in this order: its body, the guest, the type, the end of the login, the room, the rates.
        let status = match (&said.broken, &self.standing) {
            (Some(status), _) => Some(*status),
            (None, Standing::Guest) => Some(Status::FORBIDDEN),
            (None, _) if !weather.config.client_types.contains(said.message_type) => Some(Status::FORBIDDEN),
            //= PROTOCOL.md#8.21
            // From the end of its login on, a CMS is answered with UNAUTHENTICATED.
            (None, _) if taken.expired => Some(Status::UNAUTHENTICATED),
            (None, _) if !joined => Some(Status::NOT_JOINED),
            (None, _) => None,
        };
        //= PROTOCOL.md#11.19
        // One message more than its user may is answered with RATE_LIMITED.
        match (status, weather.allowed.messages, taken.permit) {
            (Some(_), _, Some(_)) => Err("a permit was asked for in vain"),
            (None, Some(_), None) => Err("a permit was not asked for"),
            (None, Some(_), Some(false)) => Ok(Some(Status::RATE_LIMITED)),
            //= PROTOCOL.md#11.20
            // Over the room's rate: RATE_LIMITED, in its place where the room's home is on the same shard.
            (None, _, _) if taken.room_refused => Ok(Some(Status::RATE_LIMITED)),
            (status, _, _) => Ok(status),
        }
    }

    /// `status`: its answer; `None`: silence.
    fn settle(
        &mut self,
        request: &Request,
        taken: Option<&Taken>,
        status: Option<Status>,
        weather: &Weather,
    ) -> Check {
        match (request, status) {
            (Request::Cms { said, .. }, answer) => self.settle_cms(*said, answer)?,
            _ if taken.is_some_and(|taken| taken.over) => {}
            (Request::Login { who, .. }, Some(status)) => self.settle_login(who, status)?,
            (Request::Join { room: Ok(room), .. }, Some(Status::OK)) => {
                self.settle_join(*room, weather.config.rooms_per_connection)
            }
            (Request::Fatal { reason, .. }, Some(_)) => self.standing = Standing::Ended(*reason),
            _ => {}
        }
        //= PROTOCOL.md#5.23
        // The hundredth frame in a row over the rate is answered, and the connection is closed.
        if taken.is_some_and(|taken| taken.last_straw) && status.is_some() {
            self.standing = Standing::Ended(CloseReason::TooFast);
        }
        Ok(())
    }

    fn settle_join(&mut self, room: usize, rooms_max: usize) {
        if self.joined.iter().any(|(joined, _)| *joined == room) {
            return;
        }
        if self.joined.len() >= rooms_max {
            self.joined.remove(0);
        }
        let joins = self.joins.entry(room).or_default();
        self.joined.push((room, *joins));
        *joins += 1;
    }

    fn settle_login(&mut self, who: &Who, status: Status) -> Check {
        if let (Status::OK, Who::User { id, .. }) = (status, who)
            && self.user.as_ref() != Some(id)
        {
            return Err(format!("client {} is told that it is {id}, and is {:?}", self.id, self.user));
        }
        match (&self.standing, status, who) {
            (Standing::New, Status::OK, Who::Guest) => self.standing = Standing::Guest,
            (_, Status::OK, Who::User { id, .. }) => self.standing = Standing::User(id.clone()),
            (_, Status::OK, _) => {}
            (Standing::New, _, _) => self.standing = Standing::Ended(CloseReason::of_refused_login(status)),
            (_, Status::OVERLOADED | Status::RATE_LIMITED, _) => {}
            _ => {
                self.failures += 1;
                if self.failures == 3 {
                    self.standing = Standing::Ended(CloseReason::of_refused_login(status));
                }
            }
        }
        Ok(())
    }

    fn settle_cms(&mut self, number: usize, answer: Option<Status>) -> Check {
        let said = &mut self.said[number];
        said.fate = match (answer, &self.standing) {
            (None, Standing::User(me)) => Fate::Accepted(me.clone()),
            _ => Fate::Refused,
        };
        match (&said.fate, &said.sequenced) {
            (Fate::Refused, Some(_)) => Err(format!("client {}: its refused CMS {number} was seen", self.id)),
            (Fate::Accepted(me), Some(from)) if me != from => {
                Err(format!("client {}: its CMS {number} came from {from:?}, not from {me:?}", self.id))
            }
            _ => Ok(()),
        }
    }
}

impl Request {
    /// What the answer to a frame that is not looked at carries: its own.
    fn code_and_seq(&self, client: &Client, weather: &Weather) -> (u8, u32) {
        let code = |command| weather.config.commands.code(command);
        match self {
            Self::Login { seq, .. } => (code(Command::Login), *seq),
            Self::Logout { seq } => (code(Command::Logout), *seq),
            Self::Ping { seq } => (code(Command::Ping), *seq),
            Self::Join { seq, .. } => (code(Command::JoinCr), *seq),
            Self::Cms { said, .. } => (code(Command::Cms), client.said[*said].seq),
            Self::Refused { seq, code, .. } | Self::Fatal { seq, code, .. } => (*code, *seq),
        }
    }
}
