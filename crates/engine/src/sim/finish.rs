//! The end of a run: everything becomes quiet, and what is owed must be there; then everybody leaves, and nothing is left.

use super::Check;
use super::client::{Client, Fate, Standing};
use super::truth::Membership;
use super::world::World;
use crate::account::{DropReason, Tally};
use crate::limits::UNSUBSCRIBE_AFTER_MS;
use crate::room::HOLE;

/// Rounds of letting everything happen that can. Far more than any run needs.
const ROUNDS_MAX: usize = 20_000;

impl World {
    pub(super) fn finish(&mut self) -> Check {
        self.say(|| "no more is said".to_owned());
        for client in &mut self.clients {
            client.done = true;
            client.reads = !client.deaf;
        }
        self.settle()?;
        self.check_quiet()?;
        self.wait_for_the_slow()?;
        self.end_all()?;
        self.check_empty()
    }

    /// Lets everything happen that can happen without time, then with as little time as the engine asks for.
    fn settle(&mut self) -> Check {
        for _ in 0..ROUNDS_MAX {
            if self.settle_some()? {
                continue;
            }
            match self.shards.iter().filter_map(crate::Shard::next_timer).min() {
                Some(due) => self.pass(due.since(self.now.mono).max(1)),
                None => return Ok(()),
            }
        }
        Err("it never becomes quiet".to_owned())
    }

    /// `false`: all is quiet.
    fn settle_some(&mut self) -> Result<bool, String> {
        let mut moved = false;
        for shard in 0..self.shards.len() {
            while self.act(shard)? {
                moved = true;
            }
            if self.wants_run(shard) {
                self.run(shard)?;
                moved = true;
            }
            for from in 0..self.shards.len() {
                while !self.net.links[from][shard].queue.is_empty() {
                    self.deliver(from, shard)?;
                    moved = true;
                }
            }
        }
        while !self.provider.is_empty() {
            self.answer_login(0, true)?;
            moved = true;
        }
        for id in 0..self.clients.len() {
            moved |= self.settle_client(id)?;
        }
        Ok(moved)
    }

    fn settle_client(&mut self, id: usize) -> Result<bool, String> {
        let mut moved = false;
        let client = &self.clients[id];
        if client.released {
            return Ok(false);
        }
        if client.hung_up && !client.told_gone {
            self.peer_closed(id)?;
            return Ok(true);
        }
        if client.reads {
            self.net.sockets[id].held = 0;
        }
        if self.has_turn(&self.clients[id]) {
            let bytes = self.clients[id].outbox.len();
            self.turn(id, bytes)?;
            moved = true;
        }
        if !self.clients[id].released && self.net.sockets[id].has_edge() {
            self.edge(id)?;
            moved = true;
        }
        Ok(moved)
    }

    /// Everybody who is connected and reads has what it is owed, and its answers.
    fn check_quiet(&mut self) -> Check {
        (0..self.shards.len()).try_for_each(|shard| self.check_owed(shard))?;
        for id in 0..self.clients.len() {
            if self.clients[id].released || self.clients[id].deaf {
                continue;
            }
            if self.clients[id].discards {
                continue;
            }
            let weather = self.weather();
            self.clients[id].settle_silent(&weather)?;
            if let Standing::Ended(reason) = self.clients[id].standing {
                return Err(format!("client {id} was to be closed ({reason:?}), and is not"));
            }
            self.check_said(id)?;
        }
        self.check_unauthenticated()?;
        self.check_sessions()?;
        self.check_nobody_waits()?;
        self.check_drops()
    }

    /// What was accepted of a client that is still there was sequenced.
    fn check_said(&self, id: usize) -> Check {
        let client = &self.clients[id];
        if !matches!(client.standing, Standing::User(_)) {
            return Ok(());
        }
        for (number, said) in client.said.iter().enumerate() {
            let still_there = client.joined.iter().any(|(room, _)| *room == said.room);
            let accepted = matches!(said.fate, Fate::Accepted(_)) && said.refusal.is_none();
            if accepted && still_there && said.sequenced.is_none() {
                return Err(format!("client {id}'s CMS {number} was accepted and never sequenced"));
            }
        }
        Ok(())
    }

    /// Who is not logged in is counted; of the deaf nobody knows how far they are.
    fn check_unauthenticated(&self) -> Check {
        for (shard, engine) in self.shards.iter().enumerate() {
            let new = |client: &&Client| {
                usize::from(client.conn.shard.0) == shard
                    && !client.released
                    && !client.discards
                    && client.standing == Standing::New
            };
            let most = self.clients.iter().filter(new).count();
            let least = self.clients.iter().filter(new).filter(|client| !client.deaf).count();
            let counted = engine.stats.unauthenticated;
            if !(least..=most).contains(&counted) {
                return Err(format!("shard {shard}: {least} to {most} not logged in, counted {counted}"));
            }
        }
        Ok(())
    }

    //= PROTOCOL.md#15.14
    // A member that stays connected, reads and is never overtaken receives everything it is owed.
    /// A wake-up was lost if a member that reads is behind while all is quiet.
    fn check_nobody_waits(&self) -> Check {
        for (shard, engine) in self.shards.iter().enumerate() {
            for (at, room) in engine.rooms.iter() {
                for member in room.members.iter().filter(|member| member.flags & HOLE == 0) {
                    let client = self.net.client_at(shard, member.slot).ok_or("a member that is nobody")?;
                    let rest = engine.rest_of(at, room, member);
                    if !self.clients[client].deaf && rest.behind != Tally::ZERO {
                        return Err(format!(
                            "a lost wake-up: client {client} reads, all is quiet, and it is still owed {:?} of {:?}",
                            rest.behind, room.name
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// What members did not get is in the books, under a reason that they can have lost it for.
    fn check_drops(&self) -> Check {
        for engine in &self.shards {
            let books = engine.books();
            let all = || self.truth.memberships_of(engine.id);
            let passed_over: u64 = all().map(|(_, one)| one.skipped).sum();
            let lost_by = |which: &dyn Fn(usize, &Membership) -> bool| -> u64 {
                let which = all().filter(|(client, one)| which(*client, one));
                which.map(|(_, one)| self.owed(one).total() - one.got.total() - one.skipped).sum()
            };
            for reason in DropReason::all() {
                let most = match reason {
                    DropReason::Overtaken => passed_over + lost_by(&|_, _| true),
                    DropReason::Left => lost_by(&|_, one| one.left == Some(reason)),
                    DropReason::Closed(why) => lost_by(&|client, one| {
                        one.left == Some(reason) || self.clients[client].closed == Some(why)
                    }),
                };
                let least = if reason == DropReason::Overtaken { passed_over } else { 0 };
                let dropped = books.dropped(reason).total();
                if dropped < least || dropped > most {
                    return Err(format!(
                        "{:?}: {dropped} dropped as {} by the books, {least} to {most} lost by members",
                        engine.id,
                        reason.name()
                    ));
                }
            }
        }
        Ok(())
    }

    /// Time passes until nobody has patience any more.
    fn wait_for_the_slow(&mut self) -> Check {
        let config = self.plan.config.clone();
        let logged_in_stays = config.idle_ms > 100_000;
        for ms in [100, config.stall_ms, 5_000, 1_100, 30_000, 10_000, 1_000] {
            self.pass(ms);
            (0..self.shards.len()).try_for_each(|shard| self.tick(shard))?;
            self.settle()?;
            self.check_idle()?;
        }
        for client in self.clients.iter().filter(|client| !client.released) {
            let full = self.net.sockets[client.id].full;
            if full || !logged_in_stays || client.standing == Standing::New {
                return Err(format!(
                    "client {} ({:?}) is never closed; blocked: {full}",
                    client.id, client.standing
                ));
            }
        }
        Ok(())
    }

    //= PROTOCOL.md#9.3
    // After the login the server closes a connection after the last complete frame that the client sent.
    fn check_idle(&self) -> Check {
        for client in self.clients.iter().filter(|client| !client.released && !client.paused) {
            let logged_in = matches!(client.standing, Standing::Guest | Standing::User(_));
            if self.is_ending(client.id) {
                continue; // for another reason, and the time to flush is what counts
            }
            let silent = self.now.mono.since(client.last_frame.max(client.resumed));
            if logged_in && !client.discards && silent >= self.plan.config.idle_ms {
                return Err(format!("client {} was silent for {silent} ms, and is not closed", client.id));
            }
        }
        Ok(())
    }

    fn end_all(&mut self) -> Check {
        for id in 0..self.clients.len() {
            if !self.clients[id].released {
                self.peer_closed(id)?;
            }
        }
        self.settle()?;
        let forget = self.plan.allowed.forgotten_after_ms();
        for ms in [1_000, UNSUBSCRIBE_AFTER_MS, 1_000, self.plan.config.room_idle_ms, 1_000, forget, 1_000] {
            self.pass(ms);
            (0..self.shards.len()).try_for_each(|shard| self.tick(shard))?;
            self.settle()?;
        }
        Ok(())
    }

    fn check_empty(&self) -> Check {
        for (shard, engine) in self.shards.iter().enumerate() {
            self.check_shard(shard)?;
            self.check_owed(shard)?;
            self.check_drops()?;
            let stats = engine.stats();
            let left = [
                ("connections", stats.connections),
                ("unauthenticated", stats.unauthenticated),
                ("rooms", stats.rooms),
                ("members", stats.members),
                ("ring bytes", stats.ring_bytes),
                ("pinned bytes", stats.pinned_bytes),
                ("homes", engine.homes.len()),
                ("users", engine.users.remembered()),
                ("behind", engine.books().behind.total() as usize),
            ];
            if let Some((what, number)) = left.iter().find(|(_, number)| *number > 0) {
                return Err(format!("everybody is gone, and shard {shard} has {number} {what} left"));
            }
        }
        if self.plan.config.rooms.left() != self.plan.rooms_max {
            return Err("rooms were not given back".to_owned());
        }
        Ok(())
    }
}
