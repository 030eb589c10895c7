//! Who may be logged in, who must go, and what each may do how often: decided by the model when the engine is asked.
//!
//! The engine's trace says only who asked, and in which order; what follows is held against answers and closes.

use std::collections::HashMap;

use longwire_wire::Status;

use super::Check;
use super::allow::{Allowances, Tank};
use super::client::{Client, Request, Taken, Who};
use crate::account::{Class, Kind};
use crate::ids::{Millis, Now};
use crate::users::SessionPolicy;

/// Frames in a row over their rate that a connection is forgiven, and one.
const LAST_STRAW: u32 = 100;

/// How long a user that came back too often is kept out.
pub(super) const KEPT_OUT_MS: u64 = 5 * 60 * 1000;

pub(super) struct Users {
    policy: SessionPolicy,
    enrolls: bool,
    allowed: Allowances,
    by_id: HashMap<String, User>,
    rooms: HashMap<(usize, u64), RoomTanks>,
    /// How often chat was refused a permit that is the priority class's.
    pub(super) reserved: u64,
}

/// A user, as its home must see it.
struct User {
    /// Clients, the oldest first.
    sessions: Vec<usize>,
    reconnects: Option<Tank>,
    kept_out_until: Millis,
    messages: Option<Tank>,
    joins: Option<Tank>,
}

struct RoomTanks {
    all: Tank,
    chat: Tank,
}

impl Client {
    /// The request that took effect last, and what was written down about it.
    pub(super) fn last_taken(&mut self) -> Result<(&Request, &mut Taken), String> {
        let nothing = || format!("client {} has sent nothing that took effect", self.id);
        let at = self.taken.len().checked_sub(1).ok_or_else(nothing)?;
        match (self.requests.get(at), self.taken.get_mut(at)) {
            (Some(request), Some(taken)) => Ok((request, taken)),
            _ => Err(format!("client {}: more was taken than it sent", self.id)),
        }
    }

    fn refuse(&mut self, why: Option<&'static str>) -> Check {
        if let (Request::Cms { said, .. }, _) = self.last_taken()? {
            let said = *said;
            self.said[said].refusal = why;
        }
        Ok(())
    }
}

impl Users {
    pub(super) fn new(policy: SessionPolicy, enrolls: bool, allowed: Allowances) -> Self {
        Self { policy, enrolls, allowed, by_id: HashMap::new(), rooms: HashMap::new(), reserved: 0 }
    }

    /// The next frame of a client takes effect.
    //= PROTOCOL.md#5.22
    // A frame over the connection's rate takes no effect.
    pub(super) fn took(&self, client: &mut Client, now: Now) -> Check {
        let counts = std::mem::replace(&mut client.began, true);
        let allowed = self.allowed.frames.filter(|_| counts);
        let over = allowed
            .is_some_and(|frames| !client.frames.get_or_insert_with(|| Tank::full(frames)).take(now.mono));
        client.over = if over { client.over + 1 } else { 0 };
        let expired = client.expires.is_some_and(|at| at <= now.unix_ms);
        let last_straw = client.over >= LAST_STRAW;
        client.taken.push_back(Taken { over, last_straw, expired, ..Taken::default() });
        client.refuse(match (over, expired) {
            (true, _) => Some("over its connection's rate"),
            (false, true) => Some("after its token's end"),
            (false, false) => None,
        })
    }

    /// The frame that was taken last finds no place at a home: as if it had not been taken.
    pub(super) fn put_back(&mut self, client: &mut Client) -> Check {
        let taken = client.taken.pop_back().ok_or("nothing was taken that could be put back")?;
        if let Some(frames) = client.frames.as_mut().filter(|_| !taken.over) {
            frames.give_back();
        }
        let user = client.user.as_ref().and_then(|user| self.by_id.get_mut(user));
        if let (Some(true), Some(messages)) = (taken.permit, user.and_then(|user| user.messages.as_mut())) {
            messages.give_back();
        }
        Ok(())
    }

    /// A client's CMS or JOIN_CR asks for a permit of its user, whoever else is logged in as that.
    pub(super) fn asks(&mut self, client: &mut Client, now: Now) -> Check {
        let user = client.user.clone().ok_or("a permit for nobody")?;
        let user = self.by_id.get_mut(&user).ok_or("a permit for a user without a home")?;
        let id = client.id;
        let (request, taken) = client.last_taken()?;
        let (tank, why) = match request {
            Request::Cms { .. } => (&mut user.messages, Some("over its user's rate")),
            Request::Join { .. } => (&mut user.joins, None),
            other => return Err(format!("client {id}: {other:?} asks for a permit")),
        };
        let permit = tank.as_mut().ok_or("a permit that nobody needs")?.take(now.mono);
        if taken.permit.replace(permit).is_some() {
            return Err(format!("client {id} pays twice"));
        }
        if permit { Ok(()) } else { client.refuse(why) }
    }

    /// A CMS of a client asks for a permit of its room, in this life of it; `here`: on the client's own shard.
    //= PROTOCOL.md#11.20
    //= PROTOCOL.md#11.21
    // One more than the room may is refused, maybe late; a share is kept for the priority class.
    pub(super) fn asks_room(
        &mut self,
        client: &mut Client,
        number: usize,
        (room, epoch): (usize, u64),
        kind: Kind,
        here: bool,
        now: Now,
    ) -> Check {
        let allowed = self.allowed.room.ok_or("a permit of a room that nobody needs")?;
        let chat = 100 - self.allowed.priority_percent;
        let tanks = self
            .rooms
            .entry((room, epoch))
            .or_insert_with(|| RoomTanks { all: Tank::full(allowed), chat: Tank::full(allowed.part(chat)) });
        let is_chat = kind.class() == Class::Chat;
        let permit = tanks.all.has(now.mono) && (!is_chat || tanks.chat.has(now.mono));
        if permit {
            tanks.all.take(now.mono);
            let _ = is_chat && tanks.chat.take(now.mono);
            return Ok(());
        }
        self.reserved += u64::from(is_chat && tanks.all.has(now.mono));
        let said = &mut client.said[number];
        said.refusal = Some("over its room's rate");
        if here {
            client.last_taken()?.1.room_refused = true;
        } else {
            client.late.push(said.seq);
        }
        Ok(())
    }

    /// A user's home is asked for a place: who is replaced by it.
    pub(super) fn enrolls(&mut self, id: usize, user_id: &str, now: Now, clients: &mut [Client]) -> Check {
        let replaced = clients[id].replaced;
        let (request, taken) = clients[id].last_taken()?;
        let wants = matches!(request, Request::Login { who: Who::User { id, .. }, .. } if id == user_id);
        if !wants || taken.provider != Some(Status::OK) {
            return Err(format!("client {id} wants to be {user_id}, whom its provider did not call so"));
        }
        //= PROTOCOL.md#8.24
        // A LOGIN with which a replaced connection renews takes nothing back.
        if replaced {
            return Ok(()); // it is on its way out already: it gets no answer, and nobody's place
        }
        let full = |allowance: Option<super::allow::Allowance>| allowance.map(Tank::full);
        let user = self.by_id.entry(user_id.to_owned()).or_insert_with(|| User {
            sessions: Vec::new(),
            reconnects: full(self.allowed.reconnects),
            kept_out_until: Millis(0),
            messages: full(self.allowed.messages),
            joins: full(self.allowed.joins),
        });
        let (status, replaced) = user.decide(id, self.policy, self.allowed.sessions, now.mono);
        taken.home = Some(status);
        replaced.into_iter().for_each(|old| clients[old].replaced = true);
        Ok(())
    }

    /// A user's home hears of an end.
    pub(super) fn withdrawn(&mut self, id: usize, user_id: &str) {
        if let Some(user) = self.by_id.get_mut(user_id) {
            user.sessions.retain(|session| *session != id);
        }
    }

    /// A client is this user from here on: whom the provider named, and the home let in.
    pub(super) fn logged_in(&self, client: &mut Client, user_id: &str) -> Check {
        let id = client.id;
        let (request, taken) = client.last_taken()?;
        let Request::Login { who: Who::User { id: wanted, expires, .. }, .. } = request else {
            return Err(format!("client {id} is {user_id} by {request:?}"));
        };
        let expires = *expires;
        if wanted != user_id || taken.provider != Some(Status::OK) {
            return Err(format!("client {id} is {user_id}, and asked to be {wanted}: {taken:?}"));
        }
        if self.enrolls && taken.home != Some(Status::OK) {
            return Err(format!("client {id} is {user_id} without its home's consent: {taken:?}"));
        }
        (client.user, client.expires) = (Some(user_id.to_owned()), expires);
        Ok(())
    }

    /// Every user's sessions, as its home must know them.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.by_id.iter().map(|(user, one)| (user.as_str(), one.sessions.as_slice()))
    }
}

impl User {
    //= PROTOCOL.md#8.16
    //= PROTOCOL.md#8.17
    //= PROTOCOL.md#8.18
    // The newest closes the older ones; or the oldest, or so many, stay, and one more is refused; who comes back too
    // often is refused for five minutes; a LOGIN on the same connection is not one more.
    fn decide(&mut self, id: usize, policy: SessionPolicy, most: usize, now: Millis) -> (Status, Vec<usize>) {
        if self.sessions.contains(&id) {
            return (Status::OK, Vec::new());
        }
        if let Some(reconnects) = &mut self.reconnects {
            if now < self.kept_out_until {
                return (Status::RATE_LIMITED, Vec::new());
            }
            if !reconnects.take(now) {
                self.kept_out_until = now.plus(KEPT_OUT_MS);
                return (Status::RATE_LIMITED, Vec::new());
            }
        }
        let most = match policy {
            SessionPolicy::All => most,
            SessionPolicy::Newest => 0,
            SessionPolicy::Oldest => 1,
        };
        if most > 0 && self.sessions.len() >= most {
            return (Status::TOO_MANY, Vec::new());
        }
        let replaced = match policy {
            SessionPolicy::Newest => std::mem::take(&mut self.sessions),
            SessionPolicy::All | SessionPolicy::Oldest => Vec::new(),
        };
        self.sessions.push(id);
        (Status::OK, replaced)
    }
}
