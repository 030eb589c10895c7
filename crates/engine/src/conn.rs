//! What a shard keeps for each connection: dense for the idle, a box for the slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use longwire_wire::Status;

use crate::account::Tally;
use crate::ids::Millis;
use crate::log::Place;
use crate::outgoing::{HEADROOM, Push};
use crate::quota::Bucket;
use crate::session::Session;

/// What fan-out reads of a connection: two bytes, so that a round stays in the cache.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hot {
    /// [`longwire_wire::Dialect::index`].
    pub(crate) dialect: u8,
    /// Something is half-sent or owed: nothing may be written before it.
    pub(crate) blocked: bool,
}

#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) generation: u32,
    /// Between `connect` and `release`.
    pub(crate) open: bool,
    /// Frames in a row that were over `quotas.connection_frames`.
    pub(crate) frames_refused: u8,
    pub(crate) frames: Bucket,
    /// Its user's home was asked to take it in: to be withdrawn there when it ends.
    pub(crate) enrolled: bool,
    /// Its first LOGIN is refused with this, whatever it says.
    pub(crate) unwelcome: Option<Status>,
    /// It has published: its own records may be in a log.
    pub(crate) spoke: bool,
    pub(crate) wait: Wait,
    pub(crate) session: Session,
    pub(crate) last_seen: Millis,
    pub(crate) memberships: Memberships,
    pub(crate) slow: Option<Box<Slow>>,
}

/// Why a connection's input is left undecoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It is not.
    No,
    /// A LOGIN waits for its provider.
    Login,
    /// A JOIN_CR (its seq) waits for its room.
    Join { seq: u32 },
    /// A room's home has no place in its ring for what this connection says.
    Home,
    /// It does not read its answers.
    Answers,
}

/// A room that a connection is in, and where in the room's member list it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) room: u32,
    pub(crate) at: u32,
}

/// A connection's rooms, the one joined longest ago first. Most connections are in one.
#[derive(Clone, Debug, Default)]
pub(crate) enum Memberships {
    #[default]
    None,
    One(Membership),
    #[allow(clippy::box_collection)] // 8 bytes here instead of 24
    Many(Box<Vec<Membership>>),
}

impl Memberships {
    pub(crate) fn as_slice(&self) -> &[Membership] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    pub(crate) fn get(&self, room: u32) -> Option<u32> {
        self.as_slice().iter().find(|one| one.room == room).map(|one| one.at)
    }

    pub(crate) fn push(&mut self, new: Membership) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(new),
            Self::One(one) => Self::Many(Box::new(vec![one, new])),
            Self::Many(mut many) => {
                many.push(new);
                Self::Many(many)
            }
        }
    }

    pub(crate) fn remove(&mut self, room: u32) {
        *self = match std::mem::take(self) {
            Self::One(one) if one.room != room => Self::One(one),
            Self::None | Self::One(_) => Self::None,
            Self::Many(mut many) => {
                many.retain(|one| one.room != room);
                if many.is_empty() { Self::None } else { Self::Many(many) }
            }
        }
    }

    pub(crate) fn moved(&mut self, room: u32, to: u32) {
        let all = match self {
            Self::None => return,
            Self::One(one) => std::slice::from_mut(one),
            Self::Many(many) => many.as_mut_slice(),
        };
        if let Some(one) = all.iter_mut().find(|one| one.room == room) {
            one.at = to;
        }
    }
}

/// A push as one dialect sees it, shared by all it is sent to.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Behind [`HEADROOM`].
    buffer: Vec<u8>,
    /// Half-sent copies; only the slow touch it.
    pins: AtomicU32,
}

impl Frame {
    /// Of a buffer as [`Push::of`] takes it.
    pub(crate) fn new(buffer: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { buffer, pins: AtomicU32::new(0) })
    }

    pub(crate) fn push(&self) -> Push<'_> {
        Push::of(&self.buffer)
    }
}

/// A push of which the socket took a part.
#[derive(Debug)]
pub(crate) struct Half {
    frame: Arc<Frame>,
    pub(crate) taken: usize,
    /// The records in it: behind until its last byte is taken.
    pub(crate) content: Tally,
}

impl Half {
    /// Pins `frame`; adds to `pinned` what that keeps in memory.
    pub(crate) fn pin(frame: &Arc<Frame>, taken: usize, content: Tally, pinned: &mut usize) -> Self {
        if frame.pins.fetch_add(1, Relaxed) == 0 {
            *pinned += frame.buffer.len();
        }
        Self { frame: Arc::clone(frame), taken, content }
    }

    pub(crate) fn rest(&self) -> &[u8] {
        &self.frame.buffer[HEADROOM + self.taken..]
    }

    pub(crate) fn unpin(self, pinned: &mut usize) {
        if self.frame.pins.fetch_sub(1, Relaxed) == 1 {
            *pinned -= self.frame.buffer.len();
        }
    }
}

/// A membership that does not stand where its room's rounds stand.
#[derive(Debug)]
pub(crate) struct Lag {
    pub(crate) room: u32,
    /// The cursor, with the totals there.
    pub(crate) place: Place,
    /// Own records beyond the cursor that the ring let go: never owed, so never dropped.
    pub(crate) own_evicted: Tally,
    /// In the room's list of those who wait for its mark.
    pub(crate) waits: bool,
}

/// What only a slow connection has (or, for a moment, one that joined in the middle of a round).
#[derive(Debug, Default)]
pub(crate) struct Slow {
    pub(crate) half: Option<Half>,
    /// Owed answers; at most [`crate::limits::ANSWERS_BYTES_MAX`].
    pub(crate) answers: Vec<u8>,
    pub(crate) lags: Vec<Lag>,
    /// When it last took a byte.
    pub(crate) since: Millis,
    /// In the catch-up queue.
    pub(crate) queued: bool,
}

impl Slow {
    pub(crate) fn lag(&mut self, room: u32) -> Option<&mut Lag> {
        self.lags.iter_mut().find(|lag| lag.room == room)
    }
}

impl Conn {
    pub(crate) fn new() -> Self {
        Self {
            generation: 0,
            open: false,
            frames_refused: 0,
            frames: Bucket::default(),
            enrolled: false,
            unwelcome: None,
            spoke: false,
            wait: Wait::No,
            session: Session::AwaitLogin(crate::session::AwaitLogin {
                since: Millis(0),
                began: None,
                reading: None,
            }),
            last_seen: Millis(0),
            memberships: Memberships::None,
            slow: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_in_one_room_stays_small() {
        assert!(size_of::<Conn>() <= 112, "{}", size_of::<Conn>());
        assert_eq!(size_of::<Hot>(), 2);
    }

    /// docs/memory.md has a line for each.
    #[test]
    fn the_fields_of_a_connection_are_as_small_as_stated() {
        let sizes = [
            size_of::<Session>(),
            size_of::<Memberships>(),
            size_of::<Wait>(),
            size_of::<Bucket>(),
            size_of::<Millis>(),
            size_of::<Option<Box<Slow>>>(),
            size_of::<Option<Status>>(),
        ];
        assert_eq!(sizes, [48, 16, 8, 8, 8, 8, 2]);
    }

    #[test]
    fn memberships_keep_the_order_of_joining() {
        let mut rooms = Memberships::default();
        for room in 0..4 {
            rooms.push(Membership { room, at: 0 });
        }
        rooms.remove(1);
        rooms.moved(2, 9);
        assert_eq!(
            rooms.as_slice().iter().map(|one| (one.room, one.at)).collect::<Vec<_>>(),
            [(0, 0), (2, 9), (3, 0)]
        );
        (0..4).for_each(|room| rooms.remove(room));
        assert!(matches!(rooms, Memberships::None));
    }

    #[test]
    fn a_frame_that_two_pin_is_counted_once() {
        let frame = Frame::new(vec![0; 10]);
        let mut pinned = 0;
        let first = Half::pin(&frame, 1, Tally::ZERO, &mut pinned);
        let second = Half::pin(&frame, 2, Tally::ZERO, &mut pinned);
        assert_eq!(pinned, 10);
        first.unpin(&mut pinned);
        assert_eq!(pinned, 10);
        second.unpin(&mut pinned);
        assert_eq!(pinned, 0);
    }
}
