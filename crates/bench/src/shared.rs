//! What the threads of a run know of each other: how far it is, how much was done, and which message has arrived everywhere.
//!
//! All of it is atomics that a thread writes for itself and others read; nobody waits for anybody but by a waker.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::*};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mio::Waker;

use crate::failure::Failure;

/// Not yet, or never.
pub(crate) const NEVER: u64 = u64::MAX;

/// The run's clock: nanoseconds since it began, the same for all threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    #[inline]
    pub(crate) fn now_ns(self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }

    /// How long until then; zero if it is past.
    pub(crate) fn until(self, at_ns: u64) -> Duration {
        Duration::from_nanos(at_ns.saturating_sub(self.now_ns()))
    }
}

/// One run's common ground.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) wakers: Vec<Waker>,
    pub(crate) tallies: Vec<Tally>,
    pub(crate) senders: Vec<Progress>,
    /// Counted members that each thread has in each room, by room and thread.
    pub(crate) present: Vec<AtomicU32>,
    /// When senders begin; [`NEVER`] until everybody is in.
    pub(crate) start_ns: AtomicU64,
    /// From when to when messages are measured, by when they were due.
    pub(crate) open_ns: AtomicU64,
    pub(crate) close_ns: AtomicU64,
    /// How many of the crowd may come in.
    pub(crate) gate: AtomicU32,
    stage: AtomicU8,
    stopped: AtomicBool,
    failure: Mutex<Option<Failure>>,
}

/// What a thread goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Connections come in; from the start on senders speak.
    Run,
    /// It is over: threads hand over what they know.
    End,
}

/// What one thread has done so far. On cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Tally {
    pub(crate) members_in: AtomicU64,
    pub(crate) crowd_in: AtomicU64,
    pub(crate) crowd_failed: AtomicU64,
    pub(crate) messages: AtomicU64,
    pub(crate) deliveries: AtomicU64,
    /// Of these, to members that are counted: lost ones too, because nothing more comes for them.
    pub(crate) settled: AtomicU64,
    pub(crate) pushes: AtomicU64,
    pub(crate) pings: AtomicU64,
    pub(crate) pongs: AtomicU64,
    pub(crate) missed: AtomicU64,
    /// Of the crowd, and of the members: disconnected without having asked for it.
    pub(crate) drops: AtomicU64,
    pub(crate) members_dropped: AtomicU64,
    pub(crate) joins: AtomicU64,
    pub(crate) leaves: AtomicU64,
    pub(crate) reconnects: AtomicU64,
    pub(crate) refusals: AtomicU64,
    /// Pushes to members whose reading is not measured.
    pub(crate) aside: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        clock: Clock,
        wakers: Vec<Waker>,
        rooms: usize,
        senders: impl Iterator<Item = Progress>,
    ) -> Self {
        let threads = wakers.len();
        Self {
            clock,
            tallies: (0..threads).map(|_| Tally::default()).collect(),
            wakers,
            senders: senders.collect(),
            present: (0..rooms * threads).map(|_| AtomicU32::new(0)).collect(),
            start_ns: AtomicU64::new(NEVER),
            open_ns: AtomicU64::new(NEVER),
            close_ns: AtomicU64::new(NEVER),
            gate: AtomicU32::new(0),
            stage: AtomicU8::new(0),
            stopped: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        if self.stage.load(Acquire) == 0 { Stage::Run } else { Stage::End }
    }

    pub(crate) fn end(&self) {
        self.stage.store(1, Release);
        self.wake_all();
    }

    /// The run cannot go on. The first failure is the one that is told.
    pub(crate) fn fail(&self, failure: Failure) {
        let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(failure);
        self.stopped.store(true, Release);
    }

    pub(crate) fn failed(&self) -> bool {
        self.stopped.load(Acquire)
    }

    pub(crate) fn take_failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn wake_all(&self) {
        (0..self.wakers.len()).for_each(|thread| self.wake(thread));
    }

    pub(crate) fn wake(&self, thread: usize) {
        // A thread that has ended has taken its epoll along; there is nobody to wake then.
        let _ = self.wakers[thread].wake();
    }

    /// One figure of all threads together.
    pub(crate) fn sum(&self, figure: impl Fn(&Tally) -> &AtomicU64) -> u64 {
        self.tallies.iter().map(|tally| figure(tally).load(Acquire)).sum()
    }

    /// Deliveries that counted members were owed so far: each message to each member of its room but its sender.
    pub(crate) fn owed(&self, members: usize) -> u64 {
        let sent: u64 = self.senders.iter().map(|sender| u64::from(sender.sent.load(Acquire))).sum();
        sent * members.saturating_sub(1) as u64
    }
}

/// How far one sender's messages have come, over all threads.
pub(crate) struct Progress {
    /// The thread that it speaks from.
    pub(crate) thread: usize,
    /// How many it has sent.
    pub(crate) sent: AtomicU32,
    /// How many of them every member has passed.
    pub(crate) done: AtomicU32,
    slots: Box<[Slot]>,
}

/// One message under way.
struct Slot {
    /// Its number, and in the lower half how many threads have members without it.
    waits: AtomicU64,
    /// When the last member so far got it.
    last_ns: AtomicU64,
}

impl Progress {
    /// For at most `window` messages under way.
    pub(crate) fn new(thread: usize, window: u32) -> Self {
        let slot = |_| Slot { waits: AtomicU64::new(u64::from(u32::MAX) << 32), last_ns: AtomicU64::new(0) };
        let slots = (0..window).map(slot).collect();
        Self { thread, sent: AtomicU32::new(0), done: AtomicU32::new(0), slots }
    }

    /// The sender is about to send message `seq`, which members in `threads` threads wait for.
    pub(crate) fn begin(&self, seq: u32, threads: u32) {
        let slot = self.slot(seq);
        slot.last_ns.store(0, Relaxed);
        slot.waits.store(u64::from(seq) << 32 | u64::from(threads), Release);
        self.sent.store(seq + 1, Release);
        if threads == 0 {
            self.done.fetch_max(seq + 1, AcqRel);
        }
    }

    /// All members of one thread have passed message `seq`, the last of them now. `Some`: it was the last thread; when
    /// the last member of all got it.
    pub(crate) fn passed(&self, seq: u32, now_ns: u64) -> Option<u64> {
        let slot = self.slot(seq);
        slot.last_ns.fetch_max(now_ns, AcqRel);
        let one_less = |waits: u64| (waits >> 32 == u64::from(seq) && waits as u32 > 0).then(|| waits - 1);
        let before = slot.waits.fetch_update(AcqRel, Acquire, one_less).ok()?;
        if before as u32 != 1 {
            return None;
        }
        self.done.fetch_max(seq + 1, AcqRel);
        Some(slot.last_ns.load(Acquire))
    }

    /// Nobody waits for what was sent so far any more: somebody who was to get it is gone.
    pub(crate) fn give_up(&self) {
        self.done.fetch_max(self.sent.load(Acquire), AcqRel);
    }

    pub(crate) fn under_way(&self) -> u32 {
        self.sent.load(Acquire).saturating_sub(self.done.load(Acquire))
    }

    fn slot(&self, seq: u32) -> &Slot {
        &self.slots[seq as usize % self.slots.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_done_when_the_last_thread_has_passed_it() {
        let progress = Progress::new(0, 4);
        progress.begin(0, 2);
        progress.begin(1, 2);
        assert_eq!(progress.under_way(), 2);
        assert_eq!(progress.passed(0, 70), None);
        assert_eq!(progress.passed(1, 75), None);
        assert_eq!(progress.passed(0, 60), Some(70), "the latest of both, whoever came last");
        assert_eq!(progress.under_way(), 1);
        assert_eq!(progress.passed(1, 80), Some(80));
        assert_eq!(progress.under_way(), 0);
    }

    #[test]
    fn a_message_without_other_members_is_done_at_once() {
        let progress = Progress::new(0, 1);
        (0..3).for_each(|seq| progress.begin(seq, 0));
        assert_eq!(progress.under_way(), 0);
    }

    #[test]
    fn what_was_given_up_does_not_count_for_its_successor() {
        let progress = Progress::new(0, 2);
        progress.begin(0, 2);
        progress.give_up();
        progress.begin(1, 1);
        progress.begin(2, 1);
        assert_eq!(progress.passed(0, 5), None, "it is message 2 that stands in its place");
        assert_eq!(progress.under_way(), 2);
        assert_eq!(progress.passed(2, 9), Some(9));
    }
}
