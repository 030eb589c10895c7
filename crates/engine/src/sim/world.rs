//! The driver: what a server does around a shard, one call at a time and in any order that a server could come to.

use fastrand::Rng;
use longwire_wire::{Deflater, Inflater, Status};

use super::Check;
use super::client::{Client, Weather};
use super::corners::Corners;
use super::hear::Hearer;
use super::net::{Net, Port, Socket};
use super::plan::{Plan, pick};
use super::speak::{Speaker, claims_of, parse_token, rooms_of};
use super::truth::Truth;
use super::users::Users;
use crate::action::{Action, CloseReason};
use crate::ids::{ConnId, Millis, Now, ShardId};
use crate::input::Then;
use crate::login::{Claims, Identity, LoginAnswer};
use crate::planted::Planted;
use crate::post::ShardMsg;
use crate::shard::Shard;

/// A question to the login provider that is not answered yet.
pub(super) struct Asked {
    conn: ConnId,
    answer: LoginAnswer,
}

pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) rng: Rng,
    pub(super) now: Now,
    pub(super) shards: Vec<Shard>,
    pub(super) net: Net,
    pub(super) clients: Vec<Client>,
    pub(super) truth: Truth,
    pub(super) provider: Vec<Asked>,
    pub(super) logins_may_fail: bool,
    pub(super) drained: bool,
    pub(super) pressed: bool,
    pub(super) cut: bool,
    deflater: Deflater,
    inflater: Inflater,
    pub(super) verbose: bool,
    pub(super) corners: Corners,
    /// Calls of shards so far.
    pub(super) calls: u64,
}

impl World {
    pub(super) fn new(seed: u64, planted: Option<Planted>, verbose: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let plan = Plan::of(&mut rng);
        let node_seed = rng.u64(..);
        let shards = (0..plan.shards as u16).map(|id| {
            let mut shard = Shard::new(ShardId(id), plan.shards as u16, node_seed, plan.config.clone());
            shard.slice_sends = plan.slice_sends;
            shard.planted = planted;
            shard
        });
        let users = Users::new(plan.config.sessions, plan.weather(false).enrolls(), plan.allowed);
        Self {
            shards: shards.collect(),
            net: Net::new(rng.fork(), &plan),
            truth: Truth::new(plan.config.clone(), plan.shards, users),
            now: Now { mono: Millis(rng.u64(..100_000)), unix_ms: 1_700_000_000_000 },
            clients: Vec::new(),
            provider: Vec::new(),
            logins_may_fail: false,
            drained: false,
            pressed: false,
            cut: false,
            deflater: Deflater::new(1),
            inflater: Inflater::new(),
            plan,
            rng,
            verbose,
            corners: Corners::default(),
            calls: 0,
        }
    }

    pub(super) fn say(&self, what: impl FnOnce() -> String) {
        if self.verbose {
            println!("{:>8} {}", self.now.mono.0, what());
        }
    }

    pub(super) fn weather(&self) -> Weather {
        self.plan.weather(self.logins_may_fail)
    }

    /// One call of a shard, and every check behind it.
    pub(super) fn call<R>(
        &mut self,
        shard: usize,
        call: impl FnOnce(&mut Shard, Now, &mut Port<'_>) -> R,
    ) -> Result<R, String> {
        let mut port = Port { net: &mut self.net, shard };
        let result = call(&mut self.shards[shard], self.now, &mut port);
        self.after(shard)?;
        Ok(result)
    }

    fn after(&mut self, shard: usize) -> Check {
        if let Some(fault) = self.net.fault.take() {
            return Err(fault);
        }
        for trace in std::mem::take(&mut self.shards[shard].trace) {
            self.say(|| format!("        {trace:?}"));
            self.note_trace(&trace);
            self.truth.take(trace, ShardId(shard as u16), self.now, &mut self.clients)?;
        }
        for (client, status) in std::mem::take(&mut self.net.guests_told) {
            self.clients[client].admitted = Some(status);
        }
        for client in std::mem::take(&mut self.net.touched) {
            self.hear(client)?;
        }
        self.note_corners(shard);
        self.check_shard(shard)
    }

    fn hear(&mut self, client: usize) -> Check {
        let weather = self.weather();
        let socket = &mut self.net.sockets[client];
        let client = &mut self.clients[client];
        if socket.full {
            client.full_since.get_or_insert(self.now.mono);
        }
        Hearer {
            client,
            truth: &mut self.truth,
            inflater: &mut self.inflater,
            corners: &mut self.corners,
            weather,
        }
        .hear(socket)
    }

    pub(super) fn connect(&mut self) -> Check {
        let id = self.clients.len();
        let shard = self.rng.usize(..self.shards.len());
        let (low, high) = self.plan.socket_bytes;
        self.net.sockets.push(Socket::new(self.rng.usize(low..=high)));
        let Self { plan, rng, deflater, now, .. } = self;
        let dialect = Speaker { plan, rng, deflater, now: *now }.dialect();
        let conn = self.shards[shard].connect(self.now);
        self.say(|| format!("client {id} connects: {conn:?} {dialect:?}"));
        self.take_slot(id, conn)?;
        self.truth.connected(conn, id)?;
        let mut client = Client::new(id, conn, dialect, self.now.mono);
        if self.rng.u32(..100) < self.plan.unwelcome {
            let status = pick(&mut self.rng, &[Status::RATE_LIMITED, Status::TOO_MANY]);
            self.shards[shard].refuse_login(conn.slot, status);
            client.unwelcome = Some(status);
        }
        self.clients.push(client);
        self.after(shard)
    }

    /// A newcomer has the lowest slot that nobody has.
    fn take_slot(&mut self, id: usize, conn: ConnId) -> Check {
        let shard = usize::from(conn.shard.0);
        let (slots, at) = (&mut self.net.slots[shard], conn.slot as usize);
        let free = slots.iter().position(Option::is_none).unwrap_or(slots.len());
        if at != free {
            return Err(format!("client {id} has slot {at}, and {free} is the lowest that nobody has"));
        }
        if at < self.net.slots_most[shard] {
            self.corners.note(if at < slots.len() {
                "a slot was used again"
            } else {
                "a slot was made again"
            });
        }
        slots.resize(slots.len().max(at + 1), None);
        slots[at] = Some(id);
        self.net.slots_most[shard] = self.net.slots_most[shard].max(slots.len());
        Ok(())
    }

    /// What the driver has by slot ends where the engine's slots do.
    fn cut_slots(&mut self, shard: usize) -> Check {
        let (kept, slots) = (self.shards[shard].slots(), &mut self.net.slots[shard]);
        let taken = slots.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        if kept != taken {
            return Err(format!("shard {shard} has {kept} slots, and needs {taken}"));
        }
        if kept < slots.len() {
            self.corners.note("slots were cut off");
            slots.truncate(kept);
        }
        Ok(())
    }

    pub(super) fn speak(&mut self, client: usize) {
        let before = self.clients[client].requests.len();
        let Self { plan, rng, deflater, now, clients, .. } = self;
        Speaker { plan, rng, deflater, now: *now }.speak(&mut clients[client]);
        self.say(|| {
            let new: Vec<_> = self.clients[client].requests.iter().skip(before).take(3).collect();
            format!("client {client} says {new:?}")
        });
    }

    /// Whether the server would read this client's socket, or offer its input again.
    pub(super) fn has_turn(&self, client: &Client) -> bool {
        !client.released && !client.told_gone && !client.paused && (client.ready || !client.outbox.is_empty())
    }

    /// The server reads `bytes` of what is there, and offers it behind what was left.
    pub(super) fn turn(&mut self, id: usize, bytes: usize) -> Check {
        let client = &mut self.clients[id];
        let read: Vec<u8> = client.outbox.drain(..bytes).collect();
        if client.discards || client.closed.is_some() {
            client.ready = false;
            return Ok(());
        }
        client.input.extend(read);
        client.ready = false;
        let (shard, slot) = (usize::from(client.conn.shard.0), client.conn.slot);
        let input = std::mem::take(&mut client.input);
        let consumed = self.call(shard, |shard, now, port| shard.consume(slot, &input, now, port))?;
        self.say(|| format!("client {id}: {} of {} bytes taken, {consumed:?}", consumed.bytes, input.len()));
        if consumed.bytes > input.len() {
            return Err(format!("client {id}: more taken than offered: {consumed:?}"));
        }
        let now = self.now.mono;
        let client = &mut self.clients[id];
        client.input = input[consumed.bytes..].to_vec();
        client.consumed += consumed.bytes as u64;
        while client.frame_ends.front().is_some_and(|end| *end <= client.consumed) {
            client.frame_ends.pop_front();
            client.last_frame = now;
        }
        match consumed.then {
            Then::More => {}
            Then::Yield => client.ready = true,
            Then::Pause => client.paused = true,
            Then::Discard => {
                client.discards = true;
                let socket = &self.net.sockets[id];
                client.pushes_end.get_or_insert(socket.taken());
            }
        }
        Ok(())
    }

    /// The socket's edge, once, or one that means nothing.
    pub(super) fn edge(&mut self, id: usize) -> Check {
        let taken = self.net.sockets[id].taken();
        self.net.sockets[id].full = false;
        let conn = self.clients[id].conn;
        self.say(|| format!("client {id} is writable"));
        self.call(usize::from(conn.shard.0), |shard, now, port| shard.writable(conn.slot, now, port))?;
        let (client, socket) = (&mut self.clients[id], &self.net.sockets[id]);
        if (!socket.full || socket.taken() > taken)
            && let Some(since) = client.full_since.take()
        {
            client.full_longest = client.full_longest.max(self.now.mono.since(since));
            client.full_since = socket.full.then_some(self.now.mono);
        }
        Ok(())
    }

    pub(super) fn peer_closed(&mut self, id: usize) -> Check {
        let client = &mut self.clients[id];
        client.told_gone = true;
        let conn = client.conn;
        self.say(|| format!("client {id} is heard to be gone"));
        self.call(usize::from(conn.shard.0), |shard, _, _| shard.peer_closed(conn.slot))
    }

    pub(super) fn run(&mut self, shard: usize) -> Check {
        self.say(|| format!("shard {shard} runs"));
        self.call(shard, |shard, now, port| shard.run(now, port))?;
        self.check_after_run(shard)
    }

    pub(super) fn wants_run(&self, shard: usize) -> bool {
        let shard = &self.shards[shard];
        shard.busy() || shard.retries() || shard.next_timer().is_some_and(|due| due <= self.now.mono)
    }

    pub(super) fn deliver(&mut self, from: usize, to: usize) -> Check {
        let Some(msg) = self.net.links[from][to].take() else { return Ok(()) };
        self.say(|| format!("shard {to} gets from {from}: {}", short(&format!("{msg:?}"))));
        if let ShardMsg::Batch { room, batch, .. } = &msg {
            let shard = &self.shards[to];
            let room = shard.room_names.get(room).and_then(|&at| shard.rooms.get(at));
            if room.is_some_and(|room| room.log.head().offset < batch.start) {
                self.corners.note("a batch jumped over lost ones");
            }
        }
        self.call(to, |shard, now, port| shard.receive(ShardId(from as u16), msg, now, port))
    }

    /// The provider answers what it was asked, or nobody waits for it any longer.
    //= PROTOCOL.md#8.22
    // A LOGIN that its provider does not judge in time is refused with OVERLOADED.
    pub(super) fn answer_login(&mut self, which: usize, in_time: bool) -> Check {
        let Asked { conn, answer } = self.provider.swap_remove(which);
        let answer = if in_time { answer } else { Err(Status::OVERLOADED) };
        let status = answer.as_ref().map_or_else(|status| *status, |_| Status::OK);
        self.clients[self.truth.client(conn)?].last_taken()?.1.provider = Some(status);
        let shard = &self.shards[usize::from(conn.shard.0)];
        if shard.find(conn).is_none() {
            let is_cut = conn.slot as usize >= shard.slots();
            self.corners.note(if is_cut {
                "a login answer found no slot"
            } else {
                "a login answer came late"
            });
        }
        self.say(|| format!("the provider answers {conn:?}: {answer:?}"));
        self.call(usize::from(conn.shard.0), |shard, now, port| shard.login_answered(conn, answer, now, port))
    }

    pub(super) fn tick(&mut self, shard: usize) -> Check {
        self.say(|| format!("shard {shard} ticks"));
        let overdue = self.find_overdue(shard);
        self.call(shard, |shard, now, port| shard.tick(now, port))?;
        self.check_overdue(shard, &overdue)?;
        self.cut_slots(shard)?;
        if self.drained {
            self.call(shard, |shard, now, port| shard.drain_step(now, port))?;
        }
        Ok(())
    }

    /// Does the next thing that a shard asks for. `false`: it asks for nothing.
    pub(super) fn act(&mut self, shard: usize) -> Result<bool, String> {
        let Some(action) = self.shards[shard].poll_action() else { return Ok(false) };
        self.say(|| format!("shard {shard} asks: {action:?}"));
        match action {
            Action::Authenticate { conn, token, user_id } => self.ask(conn, &token, &user_id)?,
            Action::Resume(slot) => {
                let client = self.acted_on(shard, slot)?;
                self.clients[client].paused = false;
                self.clients[client].ready = true;
                self.clients[client].resumed = self.now.mono;
            }
            Action::LastLook(slot) => {
                let client = self.acted_on(shard, slot)?;
                if self.has_turn(&self.clients[client]) {
                    let bytes = self.clients[client].outbox.len();
                    self.turn(client, bytes)?;
                }
                self.call(shard, |shard, now, _| shard.idle_confirmed(slot, now))?;
            }
            Action::ShutdownWrite(slot, _) => {
                let client = self.acted_on(shard, slot)?;
                self.net.sockets[client].shut = true;
                self.clients[client].discards = true;
            }
            Action::Close(slot, reason) => {
                let client = self.acted_on(shard, slot)?;
                self.check_reason(client, reason)?;
                self.corners.note(reason.name());
                if reason == CloseReason::Slow && self.clients[client].owed_refusals() {
                    self.corners.note("late refusals were not read");
                }
                self.net.guests.remove(&client);
                self.clients[client].closed = Some(reason);
                self.clients[client].released = true;
                self.net.sockets[client].closed = true;
                self.net.slots[shard][slot as usize] = None;
                self.shards[shard].release(slot);
                self.after(shard)?;
            }
        }
        Ok(true)
    }

    fn acted_on(&self, shard: usize, slot: u32) -> Result<usize, String> {
        let client = self.net.client_at(shard, slot);
        client.ok_or_else(|| format!("an action for slot {slot} of shard {shard}, where nobody is"))
    }

    fn ask(&mut self, conn: ConnId, token: &str, user_id: &str) -> Check {
        let (status, expires) =
            parse_token(token).ok_or_else(|| format!("nobody has the token {token:?}"))?;
        let answer = match status {
            Status::OK => {
                let rooms = rooms_of(user_id).map(|rooms| rooms.iter().map(|&room| room.into()).collect());
                let claims = Claims { info: claims_of(user_id), expires_at_ms: expires, rooms };
                let claims = (claims != Claims::default()).then(|| Box::new(claims));
                Ok(Identity { user_id: user_id.into(), claims })
            }
            refusal => Err(refusal),
        };
        self.provider.push(Asked { conn, answer });
        Ok(())
    }
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
