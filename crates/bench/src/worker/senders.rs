//! The senders of one thread: when each is due, how much it may have under way, what its socket did not take yet.
//!
//! Under a rate the schedule is arithmetic: the n-th group is due at `start + phase + n × interval`, whenever it is that
//! it can be sent, and its messages carry that moment. So a server that stalls cannot hide it by stalling the generator
//! too. Under a window there is no schedule: a message carries the moment it was written.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Acquire;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::conn::Conn;
use super::histogram;
use crate::plan::{Load, Shape};
use crate::shared::{NEVER, Progress, Shared};
use crate::speech::Template;
use crate::stamp::Stamp;

/// Bytes that a sender writes at once.
const WRITE_BYTES_MAX: usize = 256 * 1024;
/// Without any progress for so long, what is under way is given up.
const STALL: Duration = Duration::from_secs(5);

/// One that speaks.
pub(super) struct Sender {
    /// Its connection in this thread.
    pub(super) conn: u32,
    /// Its number among all senders of the run.
    pub(super) global: u32,
    /// Its number in its room.
    pub(super) local: u32,
    pub(super) room: u32,
    template: Template,
    next_seq: u32,
    /// Groups it has sent, under a rate.
    groups: u64,
    phase_ns: u64,
    out: Vec<u8>,
    taken: usize,
    /// In the list of those that are ready.
    queued: bool,
    /// In the heap of those that are due later.
    scheduled: bool,
    /// Due, with too much under way.
    held: bool,
    /// When `done` last moved, and where it stood.
    moved: (u64, u32),
}

/// All of one thread.
pub(super) struct Senders {
    pub(super) all: Vec<Sender>,
    pace: Pace,
    /// Those that may have something to send now.
    ready: Vec<u32>,
    /// Under a rate: who is due when.
    due: BinaryHeap<Reverse<(u64, u32)>>,
    begun: bool,
    /// How much later than due messages were written, under a rate.
    pub(super) late: Histogram<u64>,
    /// Messages written while it was measured.
    pub(super) measured: u64,
    pub(super) given_up: u64,
}

/// What holds for all senders.
#[derive(Clone, Copy)]
struct Pace {
    run: u32,
    load: Load,
    batch: u32,
    window: u32,
    interval_ns: f64,
}

/// This moment among those of the run.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) now: u64,
    pub(super) start: u64,
    pub(super) open: u64,
    pub(super) close: u64,
}

impl Times {
    /// Whether what happens then counts.
    #[inline]
    pub(super) fn measures(&self, at_ns: u64) -> bool {
        at_ns >= self.open && at_ns < self.close
    }
}

impl Senders {
    pub(super) fn new(shape: &Shape, run: u32) -> Self {
        let Shape { load, batch, .. } = *shape;
        let interval_ns = match load {
            Load::Rate(rate) => f64::from(batch) / rate * 1e9,
            Load::Window(_) => 0.0,
        };
        Self {
            all: Vec::new(),
            pace: Pace { run, load, batch, window: shape.under_way_max(), interval_ns },
            ready: Vec::new(),
            due: BinaryHeap::new(),
            begun: false,
            late: histogram(),
            measured: 0,
            given_up: 0,
        }
    }

    /// `phase`: where in the interval it speaks, 0 to 1, so that senders do not all speak at the same moment.
    pub(super) fn add(
        &mut self,
        (conn, room): (u32, u32),
        (global, local): (u32, u32),
        phase: f64,
        template: Template,
    ) {
        self.all.push(Sender {
            conn,
            global,
            local,
            room,
            template,
            next_seq: 0,
            groups: 0,
            phase_ns: (phase * self.pace.interval_ns) as u64,
            out: Vec::new(),
            taken: 0,
            queued: false,
            scheduled: false,
            held: false,
            moved: (NEVER, 0),
        });
    }

    /// When somebody is due next, by schedule.
    pub(super) fn next_due_ns(&self) -> u64 {
        self.due.peek().map_or(NEVER, |Reverse((due, _))| *due)
    }

    /// Whether a turn may have something to do already.
    #[inline]
    pub(super) fn wants_turn(&self, now_ns: u64) -> bool {
        !self.ready.is_empty() || self.next_due_ns() <= now_ns
    }

    /// That sender may have something to send now.
    pub(super) fn nudge(&mut self, at: u32) {
        if !std::mem::replace(&mut self.all[at as usize].queued, true) {
            self.ready.push(at);
        }
    }

    /// Messages of that sender have arrived everywhere: it may have room for more.
    pub(super) fn completed(&mut self, at: u32) {
        if self.all[at as usize].held || matches!(self.pace.load, Load::Window(_)) {
            self.nudge(at);
        }
    }

    /// The same for all of them, where another thread says so.
    pub(super) fn completed_somewhere(&mut self) {
        (0..self.all.len() as u32).for_each(|at| self.completed(at));
    }

    /// Whether something is written only in part: nothing else may be written behind it.
    pub(super) fn is_mid_frame(&self, at: u32) -> bool {
        !self.all[at as usize].out.is_empty()
    }

    /// Sends what is due and allowed.
    pub(super) fn turn(&mut self, times: Times, conns: &mut [Conn], shared: &Shared) {
        if times.now < times.start {
            return;
        }
        if !std::mem::replace(&mut self.begun, true) {
            self.begin(times.start);
        }
        while let Some(&Reverse((due, at))) = self.due.peek()
            && due <= times.now
        {
            self.due.pop();
            self.all[at as usize].scheduled = false;
            self.nudge(at);
        }
        let mut ready = std::mem::take(&mut self.ready);
        for at in ready.drain(..) {
            self.all[at as usize].queued = false;
            self.speak(at, times, conns, shared);
        }
        self.ready = ready; // keeps its memory: nobody is nudged by speaking
    }

    fn begin(&mut self, start_ns: u64) {
        for at in 0..self.all.len() as u32 {
            match self.pace.load {
                Load::Window(_) => self.nudge(at),
                Load::Rate(_) => self.schedule(at, start_ns + self.all[at as usize].phase_ns),
            }
        }
    }

    fn schedule(&mut self, at: u32, due_ns: u64) {
        if !std::mem::replace(&mut self.all[at as usize].scheduled, true) {
            self.due.push(Reverse((due_ns, at)));
        }
    }

    fn speak(&mut self, at: u32, times: Times, conns: &mut [Conn], shared: &Shared) {
        let sender = &mut self.all[at as usize];
        let conn = &mut conns[sender.conn as usize];
        if conn.stream.is_none() {
            return;
        }
        loop {
            if !sender.flush(conn) || conn.is_behind() {
                return; // its writable edge brings it back
            }
            let filled = sender.fill(self.pace, times, shared);
            self.measured += filled.measured;
            if filled.measured > 0 && matches!(self.pace.load, Load::Rate(_)) {
                self.late.saturating_record(filled.late_ns);
            }
            if sender.out.is_empty() {
                sender.held = filled.next_due <= times.now && filled.next_due < times.close;
                if filled.next_due > times.now && filled.next_due < times.close {
                    self.schedule(at, filled.next_due);
                }
                return;
            }
        }
    }

    /// At the end: what was due while it was measured and never written has taken until now at least. Leaving it out
    /// would hide the worst of a server that could not keep up. Returns how many messages that are.
    pub(super) fn count_unsent(&self, times: Times, receivers: u64, latency: &mut Histogram<u64>) -> u64 {
        let Load::Rate(_) = self.pace.load else { return 0 };
        let mut unsent = 0;
        for sender in &self.all {
            let dues = (sender.groups..).map(|group| sender.due_ns(self.pace, times.start, group));
            for due in
                dues.take_while(|due| *due < times.close.min(times.now)).filter(|due| *due >= times.open)
            {
                unsent += u64::from(self.pace.batch);
                latency.saturating_record_n(times.now - due, receivers * u64::from(self.pace.batch));
            }
        }
        unsent
    }

    /// Now and then: those that were held back try again; those that wait for what will never come give it up.
    pub(super) fn look(&mut self, now_ns: u64, shared: &Shared) {
        for at in 0..self.all.len() as u32 {
            let sender = &mut self.all[at as usize];
            let progress = &shared.senders[sender.global as usize];
            let done = progress.done.load(Acquire);
            if progress.under_way() == 0 || sender.moved.1 != done || sender.moved.0 == NEVER {
                sender.moved = (now_ns, done);
            } else if now_ns - sender.moved.0 > STALL.as_nanos() as u64 {
                self.given_up += u64::from(progress.under_way());
                progress.give_up();
            }
            self.completed(at);
        }
    }
}

/// What a sender put into its buffer.
struct Filled {
    /// When its next group is due.
    next_due: u64,
    /// Messages that count.
    measured: u64,
    /// How late the first of them was.
    late_ns: u64,
}

impl Sender {
    /// Fills the buffer with what is due and allowed.
    fn fill(&mut self, pace: Pace, times: Times, shared: &Shared) -> Filled {
        let progress = &shared.senders[self.global as usize];
        let threads = threads_with_others(shared, self.room, progress);
        let mut filled = Filled { next_due: times.now, measured: 0, late_ns: 0 };
        while self.out.len() < WRITE_BYTES_MAX {
            filled.next_due = match pace.load {
                Load::Rate(_) => self.due_ns(pace, times.start, self.groups),
                Load::Window(_) => times.now,
            };
            // with nobody left to send to, nothing would ever be under way
            let free = if threads == 0 { 0 } else { pace.window.saturating_sub(progress.under_way()) };
            if filled.next_due > times.now || filled.next_due >= times.close || free < pace.batch {
                break;
            }
            for _ in 0..pace.batch {
                let at_ns = filled.next_due;
                let stamp = Stamp { run: pace.run, sender: self.local, seq: self.next_seq, at_ns };
                self.template.put(&mut self.out, stamp);
                progress.begin(self.next_seq, threads);
                self.next_seq += 1;
            }
            self.groups += 1;
            if filled.next_due >= times.open {
                filled.late_ns = filled.late_ns.max(times.now - filled.next_due);
                filled.measured += u64::from(pace.batch);
            }
        }
        filled
    }

    /// When its group of that number is due, under a rate.
    fn due_ns(&self, pace: Pace, start_ns: u64, group: u64) -> u64 {
        start_ns.saturating_add(self.phase_ns + (group as f64 * pace.interval_ns) as u64)
    }

    /// Writes what is left; `true`: nothing is.
    fn flush(&mut self, conn: &mut Conn) -> bool {
        if !self.out.is_empty() {
            self.taken += conn.write(&self.out[self.taken..]);
            if self.taken < self.out.len() {
                return false;
            }
            self.out.clear();
            self.taken = 0;
        }
        true
    }

    pub(super) fn record_bytes(&self) -> u32 {
        self.template.bytes() as u32
    }
}

/// In how many threads somebody waits for a sender's messages.
fn threads_with_others(shared: &Shared, room: u32, progress: &Progress) -> u32 {
    let threads = shared.wakers.len();
    let at = room as usize * threads;
    let others =
        |(thread, present): (usize, &AtomicU32)| present.load(Acquire) > u32::from(thread == progress.thread);
    shared.present[at..at + threads].iter().enumerate().filter(|entry| others(*entry)).count() as u32
}
