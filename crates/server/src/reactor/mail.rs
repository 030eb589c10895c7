//! The rings between shards: what one says to another, in order, within bounds, with few wake-ups.
//!
//! Data is refused when a pair of shards has as much under way as its ring may hold; the engine keeps it and tries
//! again. Control messages always pass: a connection has at most one of them under way.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use longwire_engine::{ShardId, ShardMsg};

/// Data messages under way from one shard to another.
const RING_MESSAGES_MAX: usize = 1024;
/// Bytes of these. A batch that is not over the limit alone may exceed it once: at most 66 KiB more.
const RING_BYTES_MAX: usize = 4 << 20;

/// What is under way between two shards.
#[derive(Default)]
struct Pair {
    messages: AtomicUsize,
    bytes: AtomicUsize,
}

struct Envelope {
    from: ShardId,
    msg: ShardMsg,
    /// 0: control.
    bytes: usize,
}

/// Wakes a shard at most once until it has looked.
pub(crate) struct Bell {
    rung: AtomicBool,
    waker: mio::Waker,
}

impl Bell {
    pub(crate) fn new(waker: mio::Waker) -> Arc<Self> {
        Arc::new(Self { rung: AtomicBool::new(false), waker })
    }

    pub(crate) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel)
            && let Err(err) = self.waker.wake()
        {
            self.rung.store(false, Ordering::Release);
            tracing::error!(%err, "a shard cannot be woken: it looks for mail four times a second");
        }
    }

    /// To be called before looking: whoever rings afterwards wakes again.
    fn answer(&self) {
        self.rung.swap(false, Ordering::AcqRel);
    }
}

/// A shard's way to the others.
pub(crate) struct Outbox {
    id: ShardId,
    to: Vec<(Sender<Envelope>, Arc<Pair>, Arc<Bell>)>,
}

/// What the others say to a shard.
pub(crate) struct Inbox {
    mail: Receiver<Envelope>,
    from: Vec<Arc<Pair>>,
    pub(crate) bell: Arc<Bell>,
}

/// Rings between as many shards as there are wakers.
pub(crate) fn post_office(wakers: Vec<mio::Waker>) -> Vec<(Outbox, Inbox)> {
    let shards = wakers.len();
    let pairs: Vec<Vec<Arc<Pair>>> =
        (0..shards).map(|_| (0..shards).map(|_| Arc::default()).collect()).collect(); // [from][to]
    let bells: Vec<_> = wakers.into_iter().map(Bell::new).collect();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..shards).map(|_| channel()).unzip();
    let inboxes = receivers.into_iter().enumerate().map(|(to, mail)| Inbox {
        mail,
        from: pairs.iter().map(|row| Arc::clone(&row[to])).collect(),
        bell: Arc::clone(&bells[to]),
    });
    let outboxes = (0..shards).map(|from| Outbox {
        id: ShardId(from as u16),
        to: (0..shards)
            .map(|to| (senders[to].clone(), Arc::clone(&pairs[from][to]), Arc::clone(&bells[to])))
            .collect(),
    });
    outboxes.zip(inboxes).collect()
}

impl Outbox {
    /// Hands `msg` over, or back where the ring is full.
    pub(crate) fn post(&self, to: ShardId, msg: ShardMsg) -> Result<(), ShardMsg> {
        let Some((sender, pair, bell)) = self.to.get(usize::from(to.0)) else { return Err(msg) };
        let data = !msg.is_control();
        let bytes = if data { msg.bytes().max(1) } else { 0 };
        if data && !pair.admit(bytes) {
            return Err(msg);
        }
        // a shard that has ended hears nothing; its connections are gone, so nobody misses it
        if sender.send(Envelope { from: self.id, msg, bytes }).is_ok() {
            bell.ring();
        }
        Ok(())
    }
}

impl Pair {
    /// Only the sending shard adds, so what it sees can only have become less.
    fn admit(&self, bytes: usize) -> bool {
        let full = self.messages.load(Ordering::Relaxed) >= RING_MESSAGES_MAX
            || self.bytes.load(Ordering::Relaxed) >= RING_BYTES_MAX;
        if !full {
            self.messages.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        !full
    }

    fn arrived(&self, bytes: usize) {
        self.messages.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Inbox {
    /// Lets the next ring wake again. To be called before [`Inbox::take`] is called until it is empty.
    pub(crate) fn open(&self) {
        self.bell.answer();
    }

    /// The next message, if there is one.
    pub(crate) fn take(&self) -> Option<(ShardId, ShardMsg)> {
        let envelope = self.mail.try_recv().ok()?;
        if envelope.bytes > 0 {
            self.from[usize::from(envelope.from.0)].arrived(envelope.bytes);
        }
        Some((envelope.from, envelope.msg))
    }
}

/// A waker on `poll`, for [`post_office`].
pub(crate) fn waker(poll: &mio::Poll, token: mio::Token) -> io::Result<mio::Waker> {
    mio::Waker::new(poll.registry(), token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire_engine::Batch;

    fn office() -> (Vec<mio::Poll>, Vec<(Outbox, Inbox)>) {
        let polls: Vec<_> = (0..2).map(|_| mio::Poll::new().unwrap()).collect();
        let wakers = polls.iter().map(|poll| waker(poll, mio::Token(0)).unwrap()).collect();
        let office = post_office(wakers);
        (polls, office)
    }

    fn batch() -> ShardMsg {
        ShardMsg::Batch {
            room: "r".into(),
            epoch: 0,
            batch: Arc::new(Batch::default()),
            lost_own: Vec::new(),
        }
    }

    #[test]
    fn a_full_ring_refuses_data_and_passes_control() {
        let (_polls, office) = office();
        let full = (0..).take_while(|_| office[0].0.post(ShardId(1), batch()).is_ok()).count();
        assert_eq!(full, RING_MESSAGES_MAX);
        assert!(office[0].0.post(ShardId(1), ShardMsg::Subscribe { room: "r".into() }).is_ok());
        assert!(office[1].0.post(ShardId(0), batch()).is_ok(), "the other way has a ring of its own");
        assert!(matches!(office[1].1.take(), Some((ShardId(0), ShardMsg::Batch { .. }))));
        assert!(office[0].0.post(ShardId(1), batch()).is_ok(), "one came out, one goes in");
        assert!(office[0].0.post(ShardId(1), batch()).is_err());
    }

    #[test]
    fn many_messages_ring_once_until_somebody_looks() {
        let (mut polls, office) = office();
        let mut events = mio::Events::with_capacity(4);
        let mut woken = |expected: bool| {
            polls[1].poll(&mut events, Some(std::time::Duration::ZERO)).unwrap();
            assert_eq!(!events.is_empty(), expected);
        };
        let _ = office[0].0.post(ShardId(1), batch());
        let _ = office[0].0.post(ShardId(1), batch());
        woken(true);
        let _ = office[0].0.post(ShardId(1), batch());
        woken(false);
        office[1].1.open();
        let _ = office[0].0.post(ShardId(1), batch());
        woken(true);
    }
}
