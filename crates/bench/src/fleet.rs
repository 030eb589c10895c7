//! All threads of a run: started, watched once a second, led through its moments, and brought home.
//!
//! Leads, and knows no protocol: threads are told by times and a gate (`shared`), and tell by figures.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::{Poll, Waker};

use crate::failure::{Failure, system};
use crate::figures::{brief, seconds};
use crate::meter;
use crate::plan::{Crowd, Means, Plan};
use crate::shared::{Clock, NEVER, Progress, Shared};
use crate::speech::{Peer, Speech};
use crate::watch::Watch;
use crate::worker::{self, Harvest, LaggardsFound, Measured, Setup, WAKE};

/// How often the run is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// While connections come in: without any progress for so long, they never will.
const STUCK: Duration = Duration::from_secs(30);
/// Behind the last message: without anything more for so long, nothing more will come.
const SILENCE: Duration = Duration::from_secs(2);
/// And for no longer than this.
const DRAIN_MAX: Duration = Duration::from_secs(60);
/// For threads to hear of a beginning.
const HEADSTART: Duration = Duration::from_millis(20);
/// Descriptors beside connections, where the process has one table.
const OPEN_FILES_GUESSED: usize = 1024;

/// The run at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) at_ns: u64,
    pub(crate) server_cpu_s: Option<f64>,
    pub(crate) server_rss: Option<u64>,
    pub(crate) kernel: Option<u64>,
    pub(crate) joins: u64,
    pub(crate) leaves: u64,
    pub(crate) reconnects: u64,
}

pub(crate) struct Fleet<'w, 'o> {
    pub(crate) plan: Arc<Plan>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) means: Means,
    threads: Vec<JoinHandle<Option<Harvest>>>,
    watch: &'w mut Watch<'o>,
    began: Instant,
    next_line: Instant,
    line: Line,
}

/// What the last line said, to tell the next one's rates.
#[derive(Default)]
struct Line {
    at: Duration,
    messages: u64,
    deliveries: u64,
    crowd_in: u64,
    joins: u64,
    cpu_s: f64,
}

impl<'w, 'o> Fleet<'w, 'o> {
    /// Checks the plan, and starts its threads: connections come in from here on.
    pub(crate) fn start(plan: &Plan, peer: Peer, watch: &'w mut Watch<'o>) -> Result<Self, Failure> {
        plan.check()?;
        let files = longwire_sys::raise_open_files().map_or(OPEN_FILES_GUESSED, |files| files.now as usize);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let means = plan.means(cores, files)?;
        let (plan, speech) = (Arc::new(plan.clone()), Arc::new(Speech::new(plan, peer)));
        // made here, before any thread leaves the table of descriptors, so that threads can wake each other
        let polls: Vec<_> = (0..means.threads)
            .map(|_| Poll::new())
            .collect::<Result<_, _>>()
            .map_err(system("make an epoll"))?;
        let wakers = polls.iter().map(|poll| Waker::new(poll.registry(), WAKE));
        let wakers = wakers.collect::<Result<_, _>>().map_err(system("make a waker"))?;
        let shared = Arc::new(Shared::new(
            Clock::start(),
            wakers,
            plan.shape.rooms,
            all_senders(&plan, means.threads),
        ));
        let now = Instant::now();
        let mut fleet = Self {
            plan: Arc::clone(&plan),
            shared: Arc::clone(&shared),
            means,
            threads: Vec::new(),
            watch,
            began: now,
            next_line: now + Duration::from_secs(1),
            line: Line { cpu_s: plan.pid.and_then(meter::cpu_seconds).unwrap_or(0.0), ..Line::default() },
        };
        for (index, poll) in polls.into_iter().enumerate() {
            let (plan, speech, shared) = (Arc::clone(&plan), Arc::clone(&speech), Arc::clone(&shared));
            let setup = Setup { index, means, plan, speech, shared, poll };
            let thread = std::thread::Builder::new().name(format!("bench-{index}"));
            let thread = thread.spawn(|| worker::run(setup)).map_err(system("start a thread"))?;
            fleet.threads.push(thread);
        }
        Ok(fleet)
    }

    /// Until all members are in their rooms.
    pub(crate) fn gather(&mut self) -> Result<(), Failure> {
        let members = (self.plan.shape.rooms * self.plan.shape.members) as u64;
        self.until_in(|shared| shared.sum(|tally| &tally.members_in), members)
    }

    /// Lets so many of the crowd in, and waits for them, or for `max`. Returns how long it took.
    pub(crate) fn admit(&mut self, crowd: usize, max: Duration) -> Result<Duration, Failure> {
        let (begin, from) = (Instant::now(), self.shared.gate.load(Acquire));
        debug_assert!(from as usize <= crowd);
        self.shared.gate.store(crowd as u32, Release);
        self.shared.wake_all();
        let come =
            |shared: &Shared| shared.sum(|tally| &tally.crowd_in) + shared.sum(|tally| &tally.crowd_failed);
        match max == Duration::MAX {
            true => self.until_in(come, crowd as u64)?,
            false => self.until(|fleet| come(&fleet.shared) >= crowd as u64 || begin.elapsed() >= max)?,
        }
        Ok(begin.elapsed())
    }

    /// Opens the gate for the whole crowd, and waits for nobody.
    pub(crate) fn open_gate(&self) {
        self.shared.gate.store(self.plan.connections as u32, Release);
        self.shared.wake_all();
    }

    /// Senders begin; after `warm` it is measured, for `run`, or until [`close_now`](Self::close_now).
    pub(crate) fn go(&self, warm: Duration, run: Option<Duration>) {
        let start = self.shared.clock.now_ns() + HEADSTART.as_nanos() as u64;
        let open = start + warm.as_nanos() as u64;
        let close = run.map_or(NEVER, |run| open + run.as_nanos() as u64);
        self.shared.close_ns.store(close, Release);
        self.shared.open_ns.store(open, Release);
        self.shared.start_ns.store(start, Release);
        self.shared.wake_all();
    }

    pub(crate) fn close_now(&self) {
        self.shared.close_ns.store(self.shared.clock.now_ns(), Release);
        self.shared.wake_all();
    }

    pub(crate) fn until_open(&mut self) -> Result<Sample, Failure> {
        let open = self.shared.open_ns.load(Acquire);
        self.until_ns(open)
    }

    pub(crate) fn until_closed(&mut self) -> Result<Sample, Failure> {
        let close = self.shared.close_ns.load(Acquire);
        self.until_ns(close)
    }

    fn until_ns(&mut self, at_ns: u64) -> Result<Sample, Failure> {
        self.until(|fleet| fleet.shared.clock.now_ns() >= at_ns)?;
        Ok(self.sample())
    }

    /// For a while, watched.
    pub(crate) fn pause(&mut self, pause: Duration) -> Result<(), Failure> {
        let end = Instant::now() + pause;
        self.until(|_| Instant::now() >= end)
    }

    /// Until every member has what it is owed, or nothing more comes.
    pub(crate) fn drain(&mut self) -> Result<(), Failure> {
        self.pause(4 * LOOK + HEADSTART)?; // what was due in the last moment is written by then
        let members = self.plan.shape.members;
        // how much laggards will get of what they missed nobody knows beforehand
        let catches_up = matches!(self.plan.crowd, Crowd::Laggards { .. });
        let (begin, mut moved, mut last) = (Instant::now(), Instant::now(), (0, 0));
        self.until(|fleet| {
            let settled = fleet.shared.sum(|tally| &tally.settled);
            let now = (settled, fleet.shared.sum(|tally| &tally.aside));
            if now != last {
                (moved, last) = (Instant::now(), now);
            }
            !catches_up && settled >= fleet.shared.owed(members)
                || moved.elapsed() > SILENCE
                || begin.elapsed() > DRAIN_MAX
        })
    }

    /// Ends the threads, and adds up what they know.
    pub(crate) fn end(mut self) -> Result<Harvest, Failure> {
        self.shared.end();
        let mut all: Option<Harvest> = None;
        for thread in std::mem::take(&mut self.threads) {
            let Ok(Some(harvest)) = thread.join() else { continue };
            match &mut all {
                None => all = Some(harvest),
                Some(all) => all.add(&harvest),
            }
        }
        let failure = self.shared.take_failure();
        failure.map_or(all.ok_or(Failure::Interrupted), Err)
    }

    pub(crate) fn sample(&self) -> Sample {
        let shared = &self.shared;
        Sample {
            at_ns: shared.clock.now_ns(),
            server_cpu_s: self.plan.pid.and_then(meter::cpu_seconds),
            server_rss: self.plan.pid.and_then(meter::resident_bytes),
            kernel: meter::kernel_bytes(),
            joins: shared.sum(|tally| &tally.joins),
            leaves: shared.sum(|tally| &tally.leaves),
            reconnects: shared.sum(|tally| &tally.reconnects),
        }
    }

    fn until_in(&mut self, figure: impl Fn(&Shared) -> u64, all: u64) -> Result<(), Failure> {
        let (mut moved, mut last) = (Instant::now(), 0);
        self.until(|fleet| {
            let now = figure(&fleet.shared);
            if now != last {
                (moved, last) = (Instant::now(), now);
            }
            if moved.elapsed() > STUCK {
                let address = fleet.plan.target.address;
                fleet
                    .shared
                    .fail(Failure::Unreachable { address, source: std::io::ErrorKind::TimedOut.into() });
            }
            now >= all
        })
    }

    /// Waits for something, looked at every few milliseconds; a line a second meanwhile.
    fn until(&mut self, mut done: impl FnMut(&Self) -> bool) -> Result<(), Failure> {
        loop {
            if self.shared.failed() {
                return Err(self.shared.take_failure().unwrap_or(Failure::Interrupted));
            }
            if done(self) {
                return Ok(());
            }
            self.watch.check()?;
            if Instant::now() >= self.next_line {
                self.next_line += Duration::from_secs(1);
                let line = self.progress();
                self.watch.tell(&line);
            }
            std::thread::sleep(
                LOOK.min(self.shared.clock.until(self.next_moment())).max(Duration::from_micros(50)),
            );
        }
    }

    /// The next moment that must not be slept through.
    fn next_moment(&self) -> u64 {
        let now = self.shared.clock.now_ns();
        let moments = [&self.shared.open_ns, &self.shared.close_ns].map(|moment| moment.load(Acquire));
        moments.into_iter().filter(|moment| *moment > now).min().unwrap_or(NEVER)
    }

    fn progress(&mut self) -> String {
        let (shared, plan) = (&self.shared, &self.plan);
        let now = Line {
            at: self.began.elapsed(),
            messages: shared.sum(|tally| &tally.messages),
            deliveries: shared.sum(|tally| &tally.deliveries),
            crowd_in: shared.sum(|tally| &tally.crowd_in),
            joins: shared.sum(|tally| &tally.joins),
            cpu_s: plan.pid.and_then(meter::cpu_seconds).unwrap_or(0.0),
        };
        let last = std::mem::replace(&mut self.line, now);
        let (now, passed) = (&self.line, (self.line.at - last.at).as_secs_f64().max(1e-3));
        let rate = |now: u64, last: u64| brief((now - last) as f64 / passed);
        let members = shared.sum(|tally| &tally.members_in);
        let mut line = format!("{:>5}", seconds(now.at.as_secs_f64()));
        if plan.shape.members > 0 {
            line += &format!("  {members} of {} members", plan.shape.rooms * plan.shape.members);
        }
        if plan.connections > 0 {
            let held = now
                .crowd_in
                .saturating_sub(shared.sum(|tally| &tally.leaves) + shared.sum(|tally| &tally.drops));
            line += &format!(
                "  {held} of {} connections, {} in/s",
                plan.connections,
                rate(now.joins, last.joins)
            );
        }
        if now.messages > 0 {
            let (messages, deliveries) =
                (rate(now.messages, last.messages), rate(now.deliveries, last.deliveries));
            line += &format!("  {messages} messages/s  {deliveries} deliveries/s");
        }
        let missed = shared.sum(|tally| &tally.missed);
        let drops = shared.sum(|tally| &tally.drops) + shared.sum(|tally| &tally.members_dropped);
        if missed + drops > 0 {
            line += &format!("  {drops} dropped, {missed} heartbeats late");
        }
        if plan.pid.is_some() {
            line += &format!("  server {:.0} % CPU", (now.cpu_s - last.cpu_s) / passed * 100.0);
        }
        line
    }
}

impl Drop for Fleet<'_, '_> {
    fn drop(&mut self) {
        self.shared.end();
        for thread in std::mem::take(&mut self.threads) {
            let _ = thread.join(); // what it knows interests nobody any more
        }
    }
}

/// Each sender speaks from the thread that has its connection.
fn all_senders(plan: &Plan, threads: usize) -> impl Iterator<Item = Progress> {
    let (members, window) = (plan.shape.members, plan.shape.under_way_max());
    let (rooms, senders) = (plan.shape.rooms, plan.shape.senders);
    let places = (0..rooms).flat_map(move |room| (0..senders).map(move |place| room * members + place));
    places.map(move |number| Progress::new(number % threads, window))
}

impl Harvest {
    fn add(&mut self, other: &Self) {
        let histograms = [
            (&mut self.latency, &other.latency),
            (&mut self.last, &other.last),
            (&mut self.entry, &other.entry),
            (&mut self.late, &other.late),
        ];
        for (all, one) in histograms {
            // all of one range, so none can be refused
            let added = all.add(one);
            debug_assert!(added.is_ok());
        }
        self.account.add(&other.account);
        self.laggards.add(&other.laggards);
        self.measured.add(&other.measured);
        if self.first_refusal.is_none() {
            self.first_refusal.clone_from(&other.first_refusal);
        }
    }
}

impl LaggardsFound {
    fn add(&mut self, other: &Self) {
        self.account.add(&other.account);
        self.caught_up += other.caught_up;
        self.last_ns = self.last_ns.max(other.last_ns);
    }
}

impl Measured {
    fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.deliveries += other.deliveries;
        self.pushes += other.pushes;
        self.unsent += other.unsent;
        self.given_up += other.given_up;
        self.busy.wall_ns = self.busy.wall_ns.max(other.busy.wall_ns);
        self.busy.cpu_ns += other.busy.cpu_ns;
        self.busy.idle_ns += other.busy.idle_ns;
    }
}
