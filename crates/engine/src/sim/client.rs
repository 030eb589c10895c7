//! One fake client: what it sent, what it may expect, and what it made of the answers.
//!
//! Knows PROTOCOL.md alone. Requests wait in the order of sending; an answer settles the first that has one, and all
//! silent ones before it. So the state table is followed without asking the engine anything.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use longwire_wire::{Command, Dialect, Status, UserInfo};

use super::Check;
use crate::action::CloseReason;
use crate::config::Config;
use crate::ids::{ConnId, Millis};

/// What a client sent, as far as its fate depends on it.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Login {
        seq: u32,
        who: Who,
    },
    Logout,
    Ping {
        seq: u32,
    },
    /// A room's index, or the status of what is no room's name.
    Join {
        seq: u32,
        room: Result<usize, Status>,
    },
    /// The number of what was said.
    Cms {
        seq: u32,
        said: usize,
    },
    /// Anything that a logged-in client is refused, whatever its state.
    Refused {
        seq: u32,
        code: u8,
        status: Status,
    },
    /// Anything behind which nothing is read any more.
    Fatal {
        seq: u32,
        code: u8,
        status: Status,
        reason: CloseReason,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Who {
    Guest,
    /// And what its provider will say.
    User {
        id: String,
        verdict: Status,
    },
    Half,
    Broken,
}

/// One CMS that was sent.
pub(super) struct Said {
    pub(super) room: usize,
    pub(super) message_type: u32,
    pub(super) content: Vec<u8>,
    pub(super) user: Option<UserInfo>,
    /// The status of its body, where that is at fault.
    pub(super) broken: Option<Status>,
    pub(super) fate: Fate,
    /// Who the server says sent it, once it was sequenced.
    pub(super) sequenced: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Open,
    /// Silence, while this user.
    Accepted(String),
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    New,
    Guest,
    User(String),
    /// Nothing but the end of the stream may follow.
    Ended(CloseReason),
}

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
}

pub(super) struct Client {
    pub(super) id: usize,
    pub(super) conn: ConnId,
    pub(super) dialect: Dialect,
    // what it does
    /// On its way to the server.
    pub(super) outbox: VecDeque<u8>,
    pub(super) seq: u32,
    /// It will say nothing more.
    pub(super) done: bool,
    pub(super) reads: bool,
    /// It will never read again.
    pub(super) deaf: bool,
    /// It closed its side; the server has not heard of it yet.
    pub(super) hung_up: bool,
    // the server's driver
    pub(super) input: Vec<u8>,
    pub(super) ready: bool,
    pub(super) paused: bool,
    pub(super) discards: bool,
    /// `peer_closed` was called.
    pub(super) told_gone: bool,
    pub(super) closed: Option<CloseReason>,
    pub(super) released: bool,
    /// Ends of frames in the stream of what it sent, and how far the engine came.
    pub(super) frame_ends: VecDeque<u64>,
    pub(super) sent: u64,
    pub(super) consumed: u64,
    pub(super) connected_at: Millis,
    pub(super) last_frame: Millis,
    /// Until when idle time stood still, at the latest.
    pub(super) resumed: Millis,
    pub(super) full_since: Option<Millis>,
    /// The longest that its socket was full and took no byte, in milliseconds.
    pub(super) full_longest: u64,
    /// Where in its stream no new push may begin any more.
    pub(super) pushes_end: Option<u64>,
    // the model
    pub(super) standing: Standing,
    pub(super) failures: u8,
    /// Rooms in the order of joining, and which of its memberships there each is.
    pub(super) joined: Vec<(usize, usize)>,
    pub(super) joins: HashMap<usize, usize>,
    pub(super) requests: VecDeque<Request>,
    pub(super) said: Vec<Said>,
    pub(super) user_ids: Vec<String>,
}

/// What the world did meanwhile that changes what is allowed.
pub(super) struct Weather {
    pub(super) config: Arc<Config>,
    /// Logins may have been refused with OVERLOADED.
    pub(super) logins_may_fail: bool,
    /// Joins may have been.
    pub(super) joins_may_fail: bool,
}

impl Client {
    pub(super) fn new(id: usize, conn: ConnId, dialect: Dialect, now: Millis) -> Self {
        Self {
            id,
            conn,
            dialect,
            outbox: VecDeque::new(),
            seq: 0,
            done: false,
            reads: true,
            deaf: false,
            hung_up: false,
            input: Vec::new(),
            ready: false,
            paused: false,
            discards: false,
            told_gone: false,
            closed: None,
            released: false,
            frame_ends: VecDeque::new(),
            sent: 0,
            consumed: 0,
            connected_at: now,
            last_frame: now,
            resumed: now,
            full_since: None,
            full_longest: 0,
            pushes_end: None,
            standing: Standing::New,
            failures: 0,
            joined: Vec::new(),
            joins: HashMap::new(),
            requests: VecDeque::new(),
            said: Vec::new(),
            user_ids: Vec::new(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// An answer came: it must be the one to the first request that has one.
    //= PROTOCOL.md#15.6
    //= PROTOCOL.md#16.2
    // Frames take effect and are answered in order; behind a LOGIN as in the state that it led to.
    pub(super) fn answered(&mut self, code: u8, seq: u32, status: Status, weather: &Weather) -> Check {
        loop {
            let Some(request) = self.requests.pop_front() else {
                return Err(format!("client {}: command {code}, status {status:?} answers nothing", self.id));
            };
            match self.outcome(&request, weather) {
                Outcome::Silent => self.settle(&request, None, weather)?,
                Outcome::Answer { code: due, seq: its, statuses }
                    if (due, its) == (code, seq) && statuses.contains(&status) =>
                {
                    return self.settle(&request, Some(status), weather);
                }
                outcome @ (Outcome::Answer { .. } | Outcome::End(_)) => {
                    return Err(format!(
                        "client {} ({:?}) got command {code}, seq {seq}, status {status:?}; {request:?} has {outcome:?}",
                        self.id, self.standing
                    ));
                }
            }
        }
    }

    /// All is quiet: nothing may be left that has an answer.
    pub(super) fn settle_silent(&mut self, weather: &Weather) -> Check {
        while let Some(request) = self.requests.pop_front() {
            match self.outcome(&request, weather) {
                Outcome::Silent => self.settle(&request, None, weather)?,
                Outcome::End(reason) => self.standing = Standing::Ended(reason),
                Outcome::Answer { .. } => {
                    return Err(format!(
                        "client {} ({:?}) was never answered: {request:?}",
                        self.id, self.standing
                    ));
                }
            }
        }
        Ok(())
    }

    fn outcome(&self, request: &Request, weather: &Weather) -> Outcome {
        let code = |command| weather.config.commands.code(command);
        let answer =
            |command, seq, status| Outcome::Answer { code: code(command), seq, statuses: vec![status] };
        match (&self.standing, request) {
            (Standing::Ended(_), _) => Outcome::Silent,
            (_, Request::Login { seq, who }) => match self.login_statuses(who, weather) {
                Some(statuses) => Outcome::Answer { code: code(Command::Login), seq: *seq, statuses },
                None => Outcome::End(CloseReason::FirstFrame),
            },
            (Standing::New, _) => Outcome::End(CloseReason::FirstFrame),
            (_, Request::Logout) => Outcome::End(CloseReason::Logout),
            (_, Request::Ping { seq }) => answer(Command::Pong, *seq, Status::OK),
            (_, Request::Join { seq, room: Err(status) }) => answer(Command::JoinCr, *seq, *status),
            (_, Request::Join { seq, room: Ok(_) }) => {
                let mut statuses = vec![Status::OK];
                if weather.joins_may_fail {
                    statuses.push(Status::OVERLOADED);
                }
                Outcome::Answer { code: code(Command::JoinCr), seq: *seq, statuses }
            }
            (_, Request::Cms { seq, said }) => match self.cms_status(*said, weather) {
                Some(status) => answer(Command::Cms, *seq, status),
                None => Outcome::Silent,
            },
            (_, Request::Refused { seq, code, status } | Request::Fatal { seq, code, status, .. }) => {
                Outcome::Answer { code: *code, seq: *seq, statuses: vec![*status] }
            }
        }
    }

    /// `None`: closed without a byte.
    fn login_statuses(&self, who: &Who, weather: &Weather) -> Option<Vec<Status>> {
        let usual = match (&self.standing, who) {
            (Standing::New, Who::Broken) => return None,
            (_, Who::Broken) => return Some(vec![Status::MALFORMED]),
            (_, Who::Half) => return Some(vec![Status::UNAUTHENTICATED]),
            (Standing::User(_), Who::Guest) => return Some(vec![Status::FORBIDDEN]),
            (Standing::User(me), Who::User { id, .. }) if me != id => return Some(vec![Status::FORBIDDEN]),
            (Standing::Guest, Who::Guest) => return Some(vec![Status::OK]),
            (_, Who::Guest) if !weather.config.guests => Status::FORBIDDEN,
            (_, Who::Guest) => Status::OK,
            (_, Who::User { verdict, .. }) => *verdict,
        };
        let mut statuses = vec![usual];
        if weather.logins_may_fail {
            statuses.push(Status::OVERLOADED);
        }
        Some(statuses)
    }

    /// `None`: silence.
    fn cms_status(&self, said: usize, weather: &Weather) -> Option<Status> {
        let said = &self.said[said];
        let joined = self.joined.iter().any(|(room, _)| *room == said.room);
        match (&said.broken, &self.standing) {
            (Some(status), _) => Some(*status),
            (None, Standing::Guest) => Some(Status::FORBIDDEN),
            (None, _) if !weather.config.client_types.contains(said.message_type) => Some(Status::FORBIDDEN),
            (None, _) if !joined => Some(Status::NOT_JOINED),
            (None, _) => None,
        }
    }

    /// `status`: its answer; `None`: silence.
    fn settle(&mut self, request: &Request, status: Option<Status>, weather: &Weather) -> Check {
        match (request, status) {
            (Request::Login { who, .. }, Some(status)) => self.settle_login(who, status),
            (Request::Join { room: Ok(room), .. }, Some(Status::OK)) => {
                self.settle_join(*room, weather.config.rooms_per_connection)
            }
            (Request::Cms { said, .. }, answer) => return self.settle_cms(*said, answer),
            (Request::Fatal { reason, .. }, Some(_)) => self.standing = Standing::Ended(*reason),
            _ => {}
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

    fn settle_login(&mut self, who: &Who, status: Status) {
        match (&self.standing, status, who) {
            (Standing::New, Status::OK, Who::Guest) => self.standing = Standing::Guest,
            (_, Status::OK, Who::User { id, .. }) => self.standing = Standing::User(id.clone()),
            (_, Status::OK, _) => {}
            (Standing::New, _, _) => self.standing = Standing::Ended(CloseReason::LoginRefused),
            _ => {
                self.failures += 1;
                if self.failures == 3 {
                    self.standing = Standing::Ended(CloseReason::LoginRefused);
                }
            }
        }
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
