//! Every order in which logins, answers, messages between shards and closes can come: what `login.sessions` says holds
//! in all of them. Exhaustive, so there is no seed: a run is the list of choices that led to it.

use std::collections::VecDeque;
use std::sync::Arc;

use longwire_wire::{CommandMap, Dialect, Flow, LengthReading, LoginFields, Status, put_frame, put_login};

use crate::{
    Action, CloseReason, Config, ConnId, Identity, Millis, Now, Offered, Outgoing, Ports, SessionPolicy,
    Shard, ShardId, ShardMsg, Slot, State,
};

const NOW: Now = Now { mono: Millis(0), unix_ms: 0 };
const SHARDS: u16 = 2;
/// More would be another program than the one that is tested here.
const RUNS_MAX: usize = 400_000;

/// The rings: one a pair of shards, and the order of what stands in one is fixed.
#[derive(Default)]
struct Rings {
    from: u16,
    under_way: Vec<((u16, u16), VecDeque<ShardMsg>)>,
}

impl Ports for Rings {
    fn offer(&mut self, _: Slot, out: Outgoing<'_>) -> Offered {
        Offered::Took(out.bytes().len())
    }

    fn post(&mut self, to: ShardId, msg: ShardMsg) -> Result<(), ShardMsg> {
        let pair = (self.from, to.0);
        match self.under_way.iter_mut().find(|(other, _)| *other == pair) {
            Some((_, ring)) => ring.push_back(msg),
            None => self.under_way.push((pair, VecDeque::from([msg]))),
        }
        Ok(())
    }
}

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Answer(usize),
    Deliver(u16, u16),
    PeerCloses(usize),
    Renew(usize),
}

/// Whose peer may go at any moment, and who may send a second LOGIN once it is logged in.
#[derive(Clone, Copy, Default)]
struct May<'a> {
    close: &'a [usize],
    renew: &'a [usize],
}

struct World {
    shards: Vec<Shard>,
    rings: Rings,
    sessions: Vec<ConnId>,
    asked: Vec<ConnId>,
    ended: Vec<(ConnId, CloseReason)>,
    may_close: Vec<usize>,
    may_renew: Vec<usize>,
}

impl World {
    /// Sessions of one user on these shards, each with its LOGIN sent.
    fn new(policy: SessionPolicy, on: &[u16], may: May<'_>) -> Self {
        let config = Arc::new(Config { sessions: policy, ..Config::default() });
        let shards = (0..SHARDS).map(|id| Shard::new(ShardId(id), SHARDS, 7, Arc::clone(&config))).collect();
        let mut world = Self {
            shards,
            rings: Rings::default(),
            sessions: Vec::new(),
            asked: Vec::new(),
            ended: Vec::new(),
            may_close: may.close.to_vec(),
            may_renew: may.renew.to_vec(),
        };
        for &shard in on {
            let conn = world.shards[usize::from(shard)].connect(NOW);
            world.sessions.push(conn);
            world.at(shard, |shard, rings| {
                shard.consume(conn.slot, &login_bytes(), NOW, rings);
            });
        }
        world
    }

    fn at(&mut self, shard: u16, act: impl FnOnce(&mut Shard, &mut Rings)) {
        self.rings.from = shard;
        let engine = &mut self.shards[usize::from(shard)];
        act(engine, &mut self.rings);
        engine.run(NOW, &mut self.rings);
        while let Some(action) = engine.poll_action() {
            match action {
                Action::Authenticate { conn, .. } => self.asked.push(conn),
                Action::Close(slot, reason) => {
                    self.ended.push((engine.conn_id(slot), reason));
                    engine.release(slot);
                }
                Action::ShutdownWrite(slot, _) => engine.peer_closed(slot),
                Action::Resume(_) | Action::LastLook(_) => {}
            }
        }
    }

    fn events(&self) -> Vec<Event> {
        let answers =
            (0..self.sessions.len()).filter(|&i| self.asked.contains(&self.sessions[i])).map(Event::Answer);
        let rings = self.rings.under_way.iter().filter(|(_, ring)| !ring.is_empty());
        let closes = self.may_close.iter().filter(|&&i| !self.has_ended(i)).map(|&i| Event::PeerCloses(i));
        let logged_in = self.logged_in();
        let renewals = self.may_renew.iter().filter(|i| logged_in.contains(i)).map(|&i| Event::Renew(i));
        let delivers = rings.map(|((from, to), _)| Event::Deliver(*from, *to));
        answers.chain(delivers).chain(closes).chain(renewals).collect()
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Answer(i) => {
                let conn = self.sessions[i];
                self.asked.retain(|asked| *asked != conn);
                let alice = Identity { user_id: "alice".into(), claims: None };
                self.at(conn.shard.0, |shard, rings| shard.login_answered(conn, Ok(alice), NOW, rings));
            }
            Event::Deliver(from, to) => {
                let ring = self.rings.under_way.iter_mut().find(|(pair, _)| *pair == (from, to));
                let msg = ring.and_then(|(_, ring)| ring.pop_front()).expect("it was there a moment ago");
                self.at(to, |shard, rings| shard.receive(ShardId(from), msg, NOW, rings));
            }
            Event::PeerCloses(i) => {
                let conn = self.sessions[i];
                self.may_close.retain(|&other| other != i);
                self.at(conn.shard.0, |shard, _| shard.peer_closed(conn.slot));
            }
            Event::Renew(i) => {
                let conn = self.sessions[i];
                self.may_renew.retain(|&other| other != i);
                self.at(conn.shard.0, |shard, rings| {
                    shard.consume(conn.slot, &login_bytes(), NOW, rings);
                });
            }
        }
    }

    fn has_ended(&self, i: usize) -> bool {
        self.end_of(i).is_some()
    }

    fn end_of(&self, i: usize) -> Option<CloseReason> {
        self.ended.iter().find(|(conn, _)| *conn == self.sessions[i]).map(|(_, reason)| *reason)
    }

    fn logged_in(&self) -> Vec<usize> {
        let is_user = |conn: &ConnId| self.shards[usize::from(conn.shard.0)].state(conn.slot) == State::User;
        (0..self.sessions.len()).filter(|&i| !self.has_ended(i) && is_user(&self.sessions[i])).collect()
    }

    /// What the user's home believes.
    fn known(&self) -> Vec<ConnId> {
        self.shards.iter().flat_map(|shard| shard.users.sessions_of("alice").to_vec()).collect()
    }
}

fn login_bytes() -> Vec<u8> {
    let mut body = Vec::new();
    put_login(&mut body, "token", "alice", LoginFields::default());
    let mut frame = Vec::new();
    let dialect = Dialect { length: LengthReading::Body, version: 0, gzip: false };
    let login = CommandMap::default().code(longwire_wire::Command::Login);
    put_frame(&mut frame, dialect, login, Flow::Request, 1, Status::OK, &body);
    frame
}

/// Runs every order to its end, and shows each end to `check` with the choices that led there.
fn every_order(policy: SessionPolicy, on: &[u16], may: May<'_>, check: impl Fn(&World, &[Event])) {
    let mut choices: Vec<usize> = Vec::new();
    for _ in 0..RUNS_MAX {
        let (mut world, mut path, mut width) = (World::new(policy, on, may), Vec::new(), Vec::new());
        loop {
            let events = world.events();
            if events.is_empty() {
                break;
            }
            let choice = choices.get(path.len()).copied().unwrap_or(0);
            width.push(events.len());
            path.push(events[choice]);
            world.happen(events[choice]);
        }
        check(&world, &path);
        choices.resize(path.len(), 0);
        while let Some(last) = choices.pop() {
            if last + 1 < width[choices.len()] {
                choices.push(last + 1);
                break;
            }
        }
        if choices.is_empty() {
            return;
        }
    }
    panic!("more than {RUNS_MAX} orders");
}

/// What must hold at the end of every order, whatever the policy: the home knows those who are there, and no others.
fn home_knows_who_is_there(world: &World, path: &[Event]) {
    let mut there: Vec<_> = world.logged_in().into_iter().map(|i| world.sessions[i]).collect();
    let mut known = world.known();
    there.sort_by_key(|conn| (conn.shard, conn.slot));
    known.sort_by_key(|conn| (conn.shard, conn.slot));
    assert_eq!(there, known, "{path:?}");
}

const PLACES: [&[u16]; 4] = [&[0, 0], &[0, 1], &[1, 1], &[0, 1, 0]];

#[test]
fn the_newest_session_alone_lives_in_every_order() {
    for on in PLACES {
        every_order(SessionPolicy::Newest, on, May::default(), |world, path| {
            home_knows_who_is_there(world, path);
            assert_eq!(world.logged_in().len(), 1, "{path:?}");
            let ends: Vec<_> = world.ended.iter().map(|(_, reason)| *reason).collect();
            assert!(ends.iter().all(|reason| *reason == CloseReason::Replaced), "{ends:?} {path:?}");
        });
    }
}

#[test]
fn the_oldest_session_alone_lives_in_every_order() {
    for on in PLACES {
        every_order(SessionPolicy::Oldest, on, May::default(), |world, path| {
            home_knows_who_is_there(world, path);
            assert_eq!(world.logged_in().len(), 1, "{path:?}");
            assert!(world.ended.iter().all(|(_, reason)| *reason == CloseReason::TooMany), "{path:?}");
        });
    }
}

/// The first session's peer may go at any moment: before its answer, while its home is asked, after it was replaced.
#[test]
fn a_predecessors_end_never_touches_its_successor() {
    for on in [&[0u16, 1][..], &[0, 0], &[1, 1]] {
        every_order(SessionPolicy::Newest, on, May { close: &[0], ..May::default() }, |world, path| {
            home_knows_who_is_there(world, path);
            assert!(world.end_of(0).is_some_and(|reason| reason != CloseReason::TooMany), "{path:?}");
            match world.end_of(1) {
                None => assert_eq!(world.logged_in(), [1], "{path:?}"),
                // it can only have been replaced by the first, whose home heard of it later
                Some(reason) => {
                    assert_eq!((reason, world.logged_in().len()), (CloseReason::Replaced, 0), "{path:?}")
                }
            }
        });
    }
}

//= PROTOCOL.md#8.24
// A LOGIN with which a replaced connection renews its session takes nothing back.
/// A session renews its login while another takes its place: its provider's answer, or its question at home, may be late.
#[test]
fn a_renewal_never_takes_back_what_a_successor_has() {
    for on in [&[0u16, 1][..], &[1, 0], &[0, 0], &[1, 1]] {
        every_order(SessionPolicy::Newest, on, May { renew: &[0, 1], ..May::default() }, |world, path| {
            home_knows_who_is_there(world, path);
            assert_eq!(world.logged_in().len(), 1, "{path:?}");
        });
    }
}

/// Whoever came first keeps its place when it renews its login, and nobody else gets one by asking twice.
#[test]
fn a_renewal_is_not_one_session_more_in_any_order() {
    for on in [&[0u16, 1][..], &[1, 0], &[0, 0], &[1, 1]] {
        every_order(SessionPolicy::Oldest, on, May { renew: &[0, 1], ..May::default() }, |world, path| {
            home_knows_who_is_there(world, path);
            assert_eq!(world.logged_in().len(), 1, "{path:?}");
            assert!(world.ended.iter().all(|(_, reason)| *reason == CloseReason::TooMany), "{path:?}");
        });
    }
}
