//! What happens next, by seed.

use super::Check;
use super::plan::pick;
use super::world::World;
use crate::shard::Pressure;

/// Kinds of steps.
pub(super) const KINDS: usize = 14;

/// How often each kind comes, before a plan bends it; in the order of [`World::step`].
pub(super) const USUAL_WEIGHTS: [u32; KINDS] = [5, 30, 40, 24, 16, 16, 16, 8, 4, 8, 4, 1, 1, 1];

impl World {
    /// Lets one thing happen. Kinds that have nothing to do leave the turn to another.
    pub(super) fn step(&mut self) -> Check {
        for _ in 0..20 {
            let kind = self.kind();
            if self.try_step(kind)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn kind(&mut self) -> usize {
        let all: u32 = self.plan.weights.iter().sum();
        let mut at = self.rng.u32(..all);
        for (kind, weight) in self.plan.weights.iter().enumerate() {
            if at < *weight {
                return kind;
            }
            at -= weight;
        }
        0
    }

    /// `false`: there was nothing of that kind to do.
    fn try_step(&mut self, kind: usize) -> Result<bool, String> {
        match kind {
            0 => self.step_connect(),
            1 => Ok(self.step_speak()),
            2 => self.step_turn(),
            3 => self.step_run(),
            4 => self.step_deliver(),
            5 => Ok(self.step_read()),
            6 => self.step_edge(),
            7 => self.step_act(),
            8 => self.step_login(),
            9 => self.step_time(),
            10 => self.step_mood(),
            11 => self.step_hang_up(),
            12 => self.step_gone(),
            _ => self.step_operator(),
        }
    }

    /// Somebody for whom `which` holds.
    fn somebody(&mut self, which: impl Fn(&Self, usize) -> bool) -> Option<usize> {
        let all: Vec<usize> =
            (0..self.clients.len()).filter(|&id| !self.clients[id].released && which(self, id)).collect();
        (!all.is_empty()).then(|| pick(&mut self.rng, &all))
    }

    fn step_connect(&mut self) -> Result<bool, String> {
        let open = self.clients.iter().filter(|client| !client.released).count();
        if open >= self.plan.clients_max || self.drained {
            return Ok(false);
        }
        self.connect()?;
        Ok(true)
    }

    fn step_speak(&mut self) -> bool {
        let Some(id) = self.somebody(|world, id| world.clients[id].may_speak()) else { return false };
        for _ in 0..pick(&mut self.rng, &[1, 1, 1, 2, 5]) {
            if self.clients[id].may_speak() {
                self.speak(id);
            }
        }
        true
    }

    fn step_turn(&mut self) -> Result<bool, String> {
        let Some(id) = self.somebody(|world, id| world.has_turn(&world.clients[id])) else {
            return Ok(false);
        };
        let there = self.clients[id].outbox.len();
        let bytes = match self.rng.u32(..3) {
            0 => self.rng.usize(..=there),
            _ => there,
        };
        if bytes == 0 && !self.clients[id].ready {
            return Ok(false);
        }
        self.turn(id, bytes)?;
        Ok(true)
    }

    fn step_run(&mut self) -> Result<bool, String> {
        let shard = self.rng.usize(..self.shards.len());
        if !self.wants_run(shard) {
            return Ok(false);
        }
        self.run(shard)?;
        Ok(true)
    }

    fn step_deliver(&mut self) -> Result<bool, String> {
        let (from, to) = (self.rng.usize(..self.shards.len()), self.rng.usize(..self.shards.len()));
        if self.net.links[from][to].queue.is_empty() {
            return Ok(false);
        }
        self.deliver(from, to)?;
        Ok(true)
    }

    /// A peer takes some of what its socket holds.
    fn step_read(&mut self) -> bool {
        let holds = |world: &Self, id: usize| world.clients[id].reads && world.net.sockets[id].held > 0;
        let Some(id) = self.somebody(holds) else { return false };
        let held = self.net.sockets[id].held;
        let taken = if self.rng.bool() { held } else { self.rng.usize(1..=held) };
        self.net.sockets[id].held -= taken;
        true
    }

    fn step_edge(&mut self) -> Result<bool, String> {
        let stray = self.rng.u32(..20) == 0;
        let Some(id) = self.somebody(|world, id| stray || world.net.sockets[id].has_edge()) else {
            return Ok(false);
        };
        self.edge(id)?;
        Ok(true)
    }

    fn step_act(&mut self) -> Result<bool, String> {
        let shard = self.rng.usize(..self.shards.len());
        let some = pick(&mut self.rng, &[1, 1, 100]);
        for done in 0..some {
            if !self.act(shard)? {
                return Ok(done > 0);
            }
        }
        Ok(true)
    }

    fn step_login(&mut self) -> Result<bool, String> {
        if self.provider.is_empty() {
            return Ok(false);
        }
        let which = self.rng.usize(..self.provider.len());
        let in_time = self.rng.u32(..100) >= self.plan.provider_gives_up;
        self.answer_login(which, in_time)?;
        Ok(true)
    }

    /// Mostly a little time; now and then more than somebody's patience.
    fn step_time(&mut self) -> Result<bool, String> {
        let ms = match self.rng.u32(..60) {
            0 => pick(&mut self.rng, &[1_000, 2_500, 5_100, 10_100, 31_000, 61_000]),
            1..=5 => self.rng.u64(..600),
            _ => self.rng.u64(..8),
        };
        self.pass(ms);
        if self.rng.u32(..30) == 0 {
            self.now.unix_ms = self.now.unix_ms.wrapping_add_signed(self.rng.i64(-5_000..5_000));
        }
        if ms > 200 || self.rng.u32(..8) == 0 {
            (0..self.shards.len()).try_for_each(|shard| self.tick(shard))?;
        }
        Ok(true)
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.now.mono = self.now.mono.plus(ms);
        self.now.unix_ms += ms;
    }

    /// Somebody stops reading, or goes on, or never will.
    fn step_mood(&mut self) -> Result<bool, String> {
        let Some(id) = self.somebody(|world, id| !world.clients[id].deaf) else { return Ok(false) };
        let forever = self.rng.u32(..12) == 0;
        let client = &mut self.clients[id];
        client.reads = !client.reads && !forever;
        client.deaf = forever;
        let (reads, deaf) = (client.reads, client.deaf);
        self.say(|| format!("client {id}: reads {reads}, deaf {deaf}"));
        Ok(true)
    }

    fn step_hang_up(&mut self) -> Result<bool, String> {
        if self.rng.u32(..3) > 0 {
            return Ok(false);
        }
        let Some(id) = self.somebody(|world, id| !world.clients[id].hung_up) else { return Ok(false) };
        self.hang_up(id);
        if self.rng.u32(..10) == 0 {
            self.ebb()?;
        }
        Ok(true)
    }

    fn hang_up(&mut self, id: usize) {
        self.clients[id].hung_up = true;
        self.net.sockets[id].dead = self.rng.bool();
        self.say(|| format!("client {id} hangs up"));
    }

    /// What a storm of connections brought leaves together: all of them or nearly all, and the server hears of it at once.
    fn ebb(&mut self) -> Check {
        let stay = pick(&mut self.rng, &[0, 0, 1, 5]);
        for id in 0..self.clients.len() {
            if self.clients[id].released || self.rng.u32(..10) < stay {
                continue;
            }
            if !self.clients[id].hung_up {
                self.hang_up(id);
            }
            if !self.clients[id].told_gone {
                self.peer_closed(id)?;
            }
        }
        for shard in 0..self.shards.len() {
            while self.act(shard)? {}
            self.tick(shard)?;
        }
        Ok(())
    }

    fn step_gone(&mut self) -> Result<bool, String> {
        let gone = |world: &Self, id: usize| world.clients[id].hung_up && !world.clients[id].told_gone;
        let Some(id) = self.somebody(gone) else { return Ok(false) };
        self.peer_closed(id)?;
        Ok(true)
    }

    fn step_operator(&mut self) -> Result<bool, String> {
        match self.rng.u32(..40) {
            0 => {
                self.drained = true;
                self.logins_may_fail = true;
                let spread = self.rng.u64(..3_000);
                self.say(|| format!("drains over {spread}"));
                self.shards.iter_mut().for_each(|shard| shard.begin_drain(spread, self.now));
            }
            1 if self.rng.bool() => {
                self.cut = true;
                (0..self.shards.len())
                    .try_for_each(|shard| self.call(shard, |shard, _, _| shard.cut_all()))?;
            }
            2..=4 => {
                let all = [
                    Pressure::None,
                    Pressure::None,
                    Pressure::RefuseLogins,
                    Pressure::ShrinkRings,
                    Pressure::CloseSlowest,
                ];
                let pressure = pick(&mut self.rng, &all);
                self.pressed |= pressure != Pressure::None;
                self.logins_may_fail |= pressure != Pressure::None;
                self.say(|| format!("{pressure:?}"));
                self.shards.iter_mut().for_each(|shard| shard.set_pressure(pressure));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
