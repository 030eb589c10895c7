//! One thread of the generator: an epoll, a read buffer, and connections that cost a few bytes each.
//!
//! Edge-triggered, no task, no timer and no buffer for a connection but the rest of a cut frame. Decides nothing about
//! the run: it connects whom the gate lets in, lets senders speak from the start on, counts, and hands over in the end.

mod arrivals;
mod conn;
mod door;
mod hearts;
mod layer;
mod receive;
mod senders;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use hdrhistogram::Histogram;
use longwire_sys::Alarm;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::os::fd::AsRawFd;

use crate::failure::{Failure, system};
use crate::meter;
use crate::plan::{Means, Plan};
use crate::pushes::Pushes;
use crate::shared::{NEVER, Shared, Stage, Tally};
use crate::speech::{Peer, Speech};
use crate::verify::{Account, Verifier};
use arrivals::Arrivals;
use conn::{Conn, Phase, SILENT};
use door::Door;
use hearts::Hearts;
use senders::{Senders, Times};

/// Wakes a thread from another one.
pub(crate) const WAKE: Token = Token(0);
const ALARM: Token = Token(1);
const FIRST_CONN: usize = 2;
const EVENTS_MAX: usize = 1024;
/// Longest wait: heartbeats, the gate and the end are looked at so often.
const TICK: Duration = Duration::from_millis(20);
/// A group that is due within this is waited for without sleeping: waking up takes as long.
const SPIN: Duration = Duration::from_micros(20);
/// What one read may bring; a frame must fit. Shared by all connections of the thread.
const READ_BYTES: usize = 1024 * 1024;

/// What a thread begins with.
pub(crate) struct Setup {
    pub(crate) index: usize,
    pub(crate) means: Means,
    pub(crate) plan: Arc<Plan>,
    pub(crate) speech: Arc<Speech>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) poll: Poll,
}

/// What a thread leaves behind.
pub(crate) struct Harvest {
    /// Its epoll was made outside, and ends there: the thread may have left that table of descriptors.
    pub(crate) poll: Option<Poll>,
    /// From when a message was due until a member had it.
    pub(crate) latency: Histogram<u64>,
    /// The same until its last member had it.
    pub(crate) last: Histogram<u64>,
    /// From the beginning of a connection until it was in its room.
    pub(crate) entry: Histogram<u64>,
    /// How much later than due messages were written.
    pub(crate) late: Histogram<u64>,
    pub(crate) account: Account,
    pub(crate) laggards: LaggardsFound,
    pub(crate) measured: Measured,
    /// What kept the first of the crowd out.
    pub(crate) first_refusal: Option<String>,
}

/// What happened while it was measured.
#[derive(Clone, Copy, Default)]
pub(crate) struct Measured {
    pub(crate) messages: u64,
    pub(crate) deliveries: u64,
    pub(crate) pushes: u64,
    /// Messages that were due and never written.
    pub(crate) unsent: u64,
    pub(crate) given_up: u64,
    pub(crate) busy: Busy,
}

/// What became of members that stopped reading.
#[derive(Clone, Copy, Default)]
pub(crate) struct LaggardsFound {
    pub(crate) account: Account,
    /// Of them, who came to the last message of every sender.
    pub(crate) caught_up: u64,
    /// When one of them last got anything.
    pub(crate) last_ns: u64,
}

/// What the measured time was spent with.
#[derive(Clone, Copy, Default)]
pub(crate) struct Busy {
    pub(crate) wall_ns: u64,
    pub(crate) cpu_ns: u64,
    /// Waiting, because nothing was there to be read or sent.
    pub(crate) idle_ns: u64,
}

/// Latencies of 1 µs to two minutes, three digits of each.
pub(crate) fn histogram() -> Histogram<u64> {
    #[expect(clippy::expect_used, reason = "the bounds are constants that it takes")]
    Histogram::new_with_bounds(1_000, 120_000_000_000, 3).expect("a range and a precision that it has")
}

struct Worker {
    index: usize,
    threads: usize,
    means: Means,
    plan: Arc<Plan>,
    speech: Arc<Speech>,
    shared: Arc<Shared>,
    poll: Poll,
    alarm: Alarm,
    alarm_ns: u64,
    conns: Vec<Conn>,
    /// So many of them, the first ones, are members; the others are the crowd.
    members: usize,
    /// Members that are in, by room.
    present: Vec<u32>,
    buffer: Vec<u8>,
    pushes: Pushes,
    verifier: Verifier,
    arrivals: Arrivals,
    /// Messages of a sender that may be under way.
    window: u32,
    senders: Senders,
    door: Door,
    hearts: Hearts,
    times: Times,
    /// Threads whose senders may go on.
    to_wake: Vec<bool>,
    next_look_ns: u64,
    idle_ns: u64,
    /// Laggards read again.
    resumed: bool,
    busy_from: Option<Busy>,
    busy: Option<Busy>,
    harvest: Harvest,
}

/// A thread's whole life. Fails the run where it cannot go on.
pub(crate) fn run(setup: Setup) -> Option<Harvest> {
    let shared = Arc::clone(&setup.shared);
    // before anything is opened here: see the function's own contract
    if setup.means.own_files
        && let Err(source) = longwire_sys::own_file_table()
    {
        shared.fail(Failure::System { doing: "give a thread its own table of descriptors", source });
        return None;
    }
    let ended = Worker::new(setup).and_then(Worker::work);
    ended.map_err(|failure| shared.fail(failure)).ok()
}

impl Worker {
    fn new(setup: Setup) -> Result<Self, Failure> {
        let Setup { index, means, plan, speech, shared, poll } = setup;
        let alarm = Alarm::new().map_err(system("make an alarm"))?;
        let registered =
            poll.registry().register(&mut SourceFd(&alarm.as_raw_fd()), ALARM, Interest::READABLE);
        registered.map_err(system("watch an alarm"))?;
        let (shape, threads) = (&plan.shape, shared.wakers.len());
        let rooms = plan.rooms_in_all() as u32;
        let mut worker = Self {
            index,
            threads,
            means,
            poll,
            alarm,
            alarm_ns: NEVER,
            conns: Vec::new(),
            members: 0,
            present: vec![0; plan.rooms_in_all()],
            buffer: vec![0; READ_BYTES],
            pushes: Pushes::new(speech.run, (0..rooms).map(|room| speech.room(room)).collect()),
            verifier: Verifier::new(0, 0),
            arrivals: Arrivals::new(shared.senders.len(), shape.under_way_max()),
            window: shape.under_way_max(),
            senders: Senders::new(shape, speech.run),
            door: Door::new(&plan, index, threads),
            hearts: Hearts::new(shared.clock.now_ns()),
            times: Times { now: 0, start: NEVER, open: NEVER, close: NEVER },
            to_wake: vec![false; threads],
            next_look_ns: 0,
            idle_ns: 0,
            resumed: false,
            busy_from: None,
            busy: None,
            harvest: Harvest {
                poll: None,
                latency: histogram(),
                last: histogram(),
                entry: histogram(),
                late: histogram(),
                account: Account::default(),
                laggards: LaggardsFound::default(),
                measured: Measured::default(),
                first_refusal: None,
            },
            plan,
            speech,
            shared,
        };
        worker.populate();
        Ok(worker)
    }

    /// Every thread gets every n-th connection, so that each has a part of every room.
    fn populate(&mut self) {
        let plan = Arc::clone(&self.plan);
        let shape = &plan.shape;
        let mut rng = fastrand::Rng::with_seed(plan.seed ^ self.index as u64);
        let all_senders = shape.rooms * shape.senders;
        for number in (self.index..shape.rooms * shape.members).step_by(self.threads) {
            let (room, place) = ((number / shape.members) as u32, number % shape.members);
            let mut sender = SILENT;
            if place < shape.senders {
                sender = self.senders.all.len() as u32;
                let global = room * shape.senders as u32 + place as u32;
                let login = self.plan.target.logins.of(number, true);
                let user = login.map_or(String::new(), |(user, _)| user);
                let template = self.speech.template(&user, room, place as u32, unix_ms());
                let phase = if all_senders == 1 { 0.0 } else { rng.f64() };
                let ids = (self.conns.len() as u32, room);
                self.senders.add(ids, (global, place as u32), phase, template);
            }
            self.conns.push(Conn::new(room, sender));
        }
        self.members = self.conns.len();
        for number in (self.index..plan.connections).step_by(self.threads) {
            self.conns.push(Conn::new(plan.crowd_room(number), SILENT));
        }
        self.verifier = Verifier::new(self.conns.len(), if plan.speaks() { shape.senders } else { 0 });
        if self.has_laggards() {
            self.verifier.set_aside(self.members);
        }
    }

    fn work(mut self) -> Result<Harvest, Failure> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while self.shared.stage() == Stage::Run && !self.shared.failed() {
            self.observe();
            self.wait(&mut events)?;
            self.observe();
            for event in &events {
                let Token(token) = event.token();
                match token.checked_sub(FIRST_CONN) {
                    Some(at) => self.on_event(at, event),
                    None if event.token() == WAKE => self.senders.completed_somewhere(),
                    None => self.alarm_ns = NEVER,
                }
                if self.senders.wants_turn(self.times.now) {
                    self.let_speak();
                }
            }
            self.let_speak();
            self.let_in();
            self.beat();
            self.look();
            self.wake_others();
        }
        Ok(self.hand_over())
    }

    /// Reads the clock and the run's times; notes what was used where measuring begins and ends.
    fn observe(&mut self) {
        self.times = Times {
            now: self.shared.clock.now_ns(),
            start: self.shared.start_ns.load(Acquire),
            open: self.shared.open_ns.load(Acquire),
            close: self.shared.close_ns.load(Acquire),
        };
        if self.times.now >= self.times.open && self.busy_from.is_none() {
            self.busy_from = Some(self.used());
        }
        if self.times.now >= self.times.close && self.busy.is_none() {
            self.busy = Some(self.used());
        }
    }

    fn used(&self) -> Busy {
        let cpu_ns = meter::thread_cpu_ns().unwrap_or(0);
        Busy { wall_ns: self.times.now, cpu_ns, idle_ns: self.idle_ns }
    }

    fn wait(&mut self, events: &mut Events) -> Result<(), Failure> {
        let due = self.senders.next_due_ns();
        let until = Duration::from_nanos(due.saturating_sub(self.times.now));
        let mut timeout = TICK;
        if self.senders.wants_turn(self.times.now) || self.door.is_busy() || until <= SPIN {
            timeout = Duration::ZERO;
        } else if due < self.alarm_ns && until < TICK {
            self.alarm.ring_in(until).map_err(system("set an alarm"))?;
            self.alarm_ns = due;
        }
        if self.times.start != NEVER && self.times.now < self.times.start {
            timeout = timeout.min(Duration::from_millis(1));
        }
        let polled = self.poll.poll(events, Some(timeout));
        if let Err(err) = polled
            && err.kind() != io::ErrorKind::Interrupted
        {
            return Err(Failure::System { doing: "wait for events", source: err });
        }
        if !timeout.is_zero() {
            self.idle_ns += self.shared.clock.now_ns() - self.times.now;
        }
        Ok(())
    }

    fn let_speak(&mut self) {
        self.senders.turn(self.times, &mut self.conns, &self.shared);
    }

    /// What is looked at now and then.
    fn look(&mut self) {
        if self.times.now < self.next_look_ns {
            return;
        }
        self.next_look_ns = self.times.now + TICK.as_nanos() as u64;
        self.senders.look(self.times.now, &self.shared);
        self.read_again();
        self.tell_messages();
    }

    fn tell_messages(&self) {
        let sent = |sender: &senders::Sender| {
            u64::from(self.shared.senders[sender.global as usize].sent.load(Relaxed))
        };
        self.tally().messages.store(self.senders.all.iter().map(sent).sum(), Relaxed);
    }

    fn wake_others(&mut self) {
        for thread in 0..self.threads {
            if std::mem::take(&mut self.to_wake[thread]) {
                self.shared.wake(thread);
            }
        }
    }

    /// Counts what members still miss, closes everything, and says what it knows.
    fn hand_over(mut self) -> Harvest {
        self.tell_messages();
        let plan = Arc::clone(&self.plan);
        let shape = &plan.shape;
        let accounted = if self.has_laggards() { self.conns.len() } else { self.members };
        for (at, conn) in (0..).zip(&self.conns[..accounted]) {
            let first = conn.room as usize * shape.senders;
            let sent = self.shared.senders[first..first + shape.senders].iter();
            let own = (conn.sender != SILENT).then(|| self.senders.all[conn.sender as usize].local);
            let left = self.verifier.end(at, sent.map(|sender| sender.sent.load(Acquire)), own);
            let lags = at as usize >= self.members;
            self.harvest.laggards.caught_up += u64::from(lags && left == 0 && conn.phase == Phase::In);
        }
        self.observe();
        let receivers = shape.members.saturating_sub(1) as u64;
        let unsent = self.senders.count_unsent(self.times, receivers, &mut self.harvest.latency);
        let mut harvest = self.harvest;
        harvest.measured.unsent = unsent;
        harvest.account = *self.verifier.account();
        harvest.laggards.account = *self.verifier.account_aside();
        harvest.measured.messages = self.senders.measured;
        harvest.measured.given_up = self.senders.given_up;
        if let (Some(from), Some(until)) = (self.busy_from, self.busy) {
            harvest.measured.busy = Busy {
                wall_ns: until.wall_ns - from.wall_ns,
                cpu_ns: until.cpu_ns.saturating_sub(from.cpu_ns),
                idle_ns: until.idle_ns - from.idle_ns,
            };
        }
        harvest.late = self.senders.late;
        harvest.poll = Some(self.poll);
        harvest
    }

    fn tally(&self) -> &Tally {
        &self.shared.tallies[self.index]
    }

    fn is_bare(&self) -> bool {
        self.speech.peer == Peer::Bare
    }
}

/// Adds to a figure that this thread alone writes.
fn bump(figure: &AtomicU64, more: u64) {
    figure.store(figure.load(Relaxed) + more, std::sync::atomic::Ordering::Release);
}

fn unix_ms() -> u64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.unwrap_or_default().as_millis() as u64
}
