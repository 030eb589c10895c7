//! What must hold after every step, and why a connection may be closed.

use std::collections::HashMap;

use super::Check;
use super::client::{Client, Request};
use super::plan::ROOM_NAMES;
use super::truth::Membership;
use super::world::World;
use crate::account::{DropReason, Tally};
use crate::action::CloseReason;
use crate::ids::ShardId;
use crate::limits::ANSWERS_BYTES_MAX;
use crate::session::State;

impl World {
    pub(super) fn check_shard(&self, shard: usize) -> Check {
        let engine = &self.shards[shard];
        let books = engine.books();
        if books.delivered != self.truth.delivered[shard] {
            return Err(format!(
                "shard {shard}: {:?} are delivered by the books, {:?} by the sockets",
                books.delivered, self.truth.delivered[shard]
            ));
        }
        //= PROTOCOL.md#15.12
        // Owed = delivered + behind + dropped.
        if !books.balance() {
            return Err(format!("the books of shard {shard} do not balance: {books:?}"));
        }
        let ring_bytes: usize = engine.rooms.iter().map(|(_, room)| room.log.bytes()).sum();
        if ring_bytes != engine.ring_bytes {
            return Err(format!(
                "shard {shard}: rings hold {ring_bytes} bytes, counted {}",
                engine.ring_bytes
            ));
        }
        let answers = engine.conns.iter().filter_map(|conn| Some(conn.slow.as_ref()?.answers.len())).max();
        //= PROTOCOL.md#15.8
        // No more than 4 KiB of answers are owed to a client that does not read them.
        if answers.is_some_and(|bytes| bytes > ANSWERS_BYTES_MAX) {
            return Err(format!("shard {shard}: {answers:?} bytes of answers are owed to one connection"));
        }
        let connections = self.net.slots[shard].iter().flatten().count();
        if engine.stats.connections != connections {
            return Err(format!("{} connections, counted {}", connections, engine.stats.connections));
        }
        //= PROTOCOL.md#15.3
        //= PROTOCOL.md#15.15
        // Only a member that is slower than what a ring holds loses records.
        if self.plan.generous && !self.pressed && books.dropped(DropReason::Overtaken) != &Tally::ZERO {
            return Err(format!("shard {shard}: a member was overtaken by a ring that held everything"));
        }
        Ok(())
    }

    /// The bounds that a run restores.
    pub(super) fn check_after_run(&self, shard: usize) -> Check {
        let engine = &self.shards[shard];
        if engine.pinned > self.plan.config.pinned_max {
            return Err(format!("shard {shard}: half-sent frames pin {} bytes", engine.pinned));
        }
        let ring = &self.plan.config.ring;
        if let Some((_, room)) = engine.rooms.iter().find(|(_, room)| !room.log.is_within(ring)) {
            return Err(format!("shard {shard}: the ring of {} is over its bounds", room.name));
        }
        let newest: usize = engine.rooms.iter().map(|(_, room)| room.log.newest_bytes()).sum();
        if engine.ring_bytes > self.plan.config.rings_max + newest {
            return Err(format!(
                "shard {shard}: rings hold {} bytes, {newest} of them new",
                engine.ring_bytes
            ));
        }
        Ok(())
    }

    /// What members were owed, as the model counts it, against the books.
    pub(super) fn check_owed(&self, shard: usize) -> Check {
        let engine = &self.shards[shard];
        let mut owed = Tally::ZERO;
        for (_, one) in self.truth.memberships_of(ShardId(shard as u16)) {
            owed.add(&self.owed(one));
        }
        let books = engine.books();
        if owed != books.owed {
            return Err(format!("shard {shard}: members are owed {owed:?}, by the books {:?}", books.owed));
        }
        Ok(())
    }

    /// What a membership was owed up to now, where its shard's log stands.
    pub(super) fn owed(&self, one: &Membership) -> Tally {
        let engine = &self.shards[usize::from(one.conn.shard.0)];
        let room = engine.room_names.get(ROOM_NAMES[one.room]).and_then(|&at| engine.rooms.get(at));
        self.truth.owed(one, room.map_or(0, |room| room.log.head().offset))
    }

    /// Whether the engine had a reason to close a connection, as far as its client knows.
    pub(super) fn check_reason(&self, id: usize, reason: CloseReason) -> Check {
        let (client, socket, config) = (&self.clients[id], &self.net.sockets[id], &self.plan.config);
        let asked = |which: fn(&Request) -> bool| client.requests.iter().any(which);
        let ended = client.standing == super::client::Standing::Ended(reason);
        let has_logged_in = asked(|request| matches!(request, Request::Login { .. }));
        // its first LOGIN, whose answer it may not have read yet
        let was_refused = ended || client.standing == super::client::Standing::New && has_logged_in;
        let since = |then: crate::ids::Millis| self.now.mono.since(then);
        let justified = match reason {
            CloseReason::Gone => client.told_gone || socket.dead,
            CloseReason::Logout => ended || asked(|request| matches!(request, Request::Logout { .. })),
            //= PROTOCOL.md#9.8
            // While a LOGIN or a JOIN_CR waits for its answer, idle time stands still.
            CloseReason::Idle => since(client.last_frame) >= config.idle_ms && !client.paused,
            CloseReason::NoLogin => since(client.connected_at) >= config.login_start_ms.min(config.login_ms),
            CloseReason::FirstFrame => ended || !client.requests.is_empty(),
            CloseReason::Malformed | CloseReason::TooLarge => {
                ended || asked(|request| matches!(request, Request::Fatal { .. }))
            }
            CloseReason::LoginRefused | CloseReason::Banned | CloseReason::TooMany => ended || has_logged_in,
            CloseReason::Internal => ended,
            //= PROTOCOL.md#15.4
            // Closed: who takes no byte for 30 s while it is owed some, or pins too much by half-sent frames.
            CloseReason::Slow => {
                let longest = client.full_since.map_or(0, since).max(client.full_longest);
                longest >= config.stall_ms || config.pinned_max < 1 << 30 || client.owed_refusals()
            }
            CloseReason::Overloaded => self.pressed || config.unauthenticated_max < 100 || was_refused,
            //= PROTOCOL.md#8.16
            // A newer session of the same user closes the older ones, and nothing else does.
            CloseReason::Replaced => client.replaced,
            //= PROTOCOL.md#9.11
            // The close at the end of a token comes when its grace is over, whatever the client sends.
            CloseReason::Expired => client.overdue,
            //= PROTOCOL.md#5.23
            // A hundred frames in a row over the rate, and not one fewer.
            CloseReason::TooFast => client.over >= 100 || was_refused,
            // the driver's own, from before there is a frame
            CloseReason::NotServed | CloseReason::Handshake | CloseReason::Http | CloseReason::Violation => {
                false
            }
            CloseReason::Draining => self.drained,
            CloseReason::Cut => self.cut,
        };
        if justified {
            return Ok(());
        }
        Err(format!("client {id} ({:?}) was closed without reason: {reason:?}", client.standing))
    }

    /// Whose token's grace is over, as far as the model knows; the tick that comes closes them.
    pub(super) fn find_overdue(&mut self, shard: usize) -> Vec<usize> {
        let (now, grace) = (self.now.unix_ms, self.plan.config.expiry_grace_ms);
        let here = |client: &Client| usize::from(client.conn.shard.0) == shard && !client.released;
        let over = |client: &Client| client.expires.is_some_and(|at| at + grace <= now);
        let all = self.clients.iter_mut().filter(|client| here(client) && over(client));
        all.map(|client| {
            client.overdue = true;
            client.id
        })
        .collect()
    }

    //= PROTOCOL.md#8.21
    // The server closes a connection whose login has ended, when its grace is over; a renewal prevents it.
    pub(super) fn check_overdue(&self, shard: usize, overdue: &[usize]) -> Check {
        match overdue.iter().find(|&&id| !self.is_ending(id)) {
            None => Ok(()),
            Some(id) => {
                Err(format!("shard {shard}: the grace of client {id}'s token is over, and it is not closed"))
            }
        }
    }

    /// Whether the engine is done with a client, but for what it still owes it.
    pub(super) fn is_ending(&self, id: usize) -> bool {
        let conn = self.clients[id].conn;
        let shard = &self.shards[usize::from(conn.shard.0)];
        shard.find(conn).is_none_or(|slot| shard.state(slot) == State::Closing)
    }

    /// All is quiet: who is there is whom the users' homes know, and as many as may be.
    //= PROTOCOL.md#8.16
    //= PROTOCOL.md#8.17
    // The newest alone, or the oldest, or so many; the end of the others changes nothing for those who stay.
    pub(super) fn check_sessions(&self) -> Check {
        if let Some(id) = self.net.guests.iter().find(|&&id| self.clients[id].user.is_some()) {
            return Err(format!("client {id} is a user by now, and counts as a guest"));
        }
        if !self.weather().enrolls() {
            return Ok(());
        }
        let mut there: HashMap<&str, Vec<usize>> = HashMap::new();
        for client in self.clients.iter().filter(|client| !self.is_ending(client.id)) {
            if client.replaced {
                return Err(format!("client {} was replaced, and is still there", client.id));
            }
            if let Some(user) = &client.user {
                there.entry(user).or_default().push(client.id);
            }
        }
        for (user, sessions) in self.truth.users.sessions() {
            let mut there = there.remove(user).unwrap_or_default();
            let mut known = sessions.to_vec();
            there.sort_unstable();
            known.sort_unstable();
            if there != known {
                return Err(format!("{user} has the sessions {there:?}, and should have {known:?}"));
            }
        }
        match there.into_iter().next() {
            None => Ok(()),
            Some((user, sessions)) => {
                Err(format!("{user} has the sessions {sessions:?}, unknown to its home"))
            }
        }
    }
}
