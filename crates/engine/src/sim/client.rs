//! One fake client: what it sent, where its driver stands, and what it knows of itself. `judge` follows its states.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use longwire_wire::{Dialect, HEADER_BYTES, Status, UserInfo};

use super::allow::{Allowances, Tank};
use crate::action::CloseReason;
use crate::config::Config;
use crate::ids::{ConnId, Millis};
use crate::limits::LATE_ANSWERS_BYTES_MAX;

/// What a client sent, as far as its fate depends on it.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Login {
        seq: u32,
        who: Who,
    },
    Logout {
        seq: u32,
    },
    Ping {
        seq: u32,
    },
    /// A room's index, or the status of what is no room's name.
    Join {
        seq: u32,
        room: Result<usize, Status>,
    },
    /// The number of what was said.
    Cms {
        seq: u32,
        said: usize,
    },
    /// Anything that a logged-in client is refused, whatever its state.
    Refused {
        seq: u32,
        code: u8,
        status: Status,
    },
    /// Anything behind which nothing is read any more.
    Fatal {
        seq: u32,
        code: u8,
        status: Status,
        reason: CloseReason,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Who {
    Guest,
    /// And what its provider will say of the token, until when too (Unix milliseconds).
    User {
        id: String,
        verdict: Status,
        expires: Option<u64>,
    },
    Half,
    Broken,
}

/// One CMS that was sent.
pub(super) struct Said {
    pub(super) room: usize,
    pub(super) message_type: u32,
    pub(super) content: Vec<u8>,
    pub(super) user: Option<UserInfo>,
    /// The status of its body, where that is at fault.
    pub(super) broken: Option<Status>,
    pub(super) seq: u32,
    pub(super) fate: Fate,
    /// Why the model says that it may never be sequenced, if it does.
    pub(super) refusal: Option<&'static str>,
    /// Who the server says sent it, once it was sequenced.
    pub(super) sequenced: Option<String>,
}

/// What was decided about a request when it took effect, which its answer may follow much later.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    /// Over the rate of its connection.
    pub(super) over: bool,
    /// For the hundredth time in a row.
    pub(super) last_straw: bool,
    /// The token's time was over.
    pub(super) expired: bool,
    /// Its user was asked for a permit, and had one.
    pub(super) permit: Option<bool>,
    /// Its room's home, on its own shard, had no permit.
    pub(super) room_refused: bool,
    /// A LOGIN: what its provider said, then its user's home.
    pub(super) provider: Option<Status>,
    pub(super) home: Option<Status>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Open,
    /// Silence, while this user.
    Accepted(String),
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    New,
    Guest,
    User(String),
    /// Nothing but the end of the stream may follow.
    Ended(CloseReason),
}

pub(super) struct Client {
    pub(super) id: usize,
    pub(super) conn: ConnId,
    pub(super) dialect: Dialect,
    // what it does
    /// On its way to the server.
    pub(super) outbox: VecDeque<u8>,
    pub(super) seq: u32,
    /// It will say nothing more.
    pub(super) done: bool,
    pub(super) reads: bool,
    /// It will never read again.
    pub(super) deaf: bool,
    /// It closed its side; the server has not heard of it yet.
    pub(super) hung_up: bool,
    // the server's driver
    pub(super) input: Vec<u8>,
    pub(super) ready: bool,
    pub(super) paused: bool,
    pub(super) discards: bool,
    /// `peer_closed` was called.
    pub(super) told_gone: bool,
    pub(super) closed: Option<CloseReason>,
    pub(super) released: bool,
    /// Ends of frames in the stream of what it sent, and how far the engine came.
    pub(super) frame_ends: VecDeque<u64>,
    pub(super) sent: u64,
    pub(super) consumed: u64,
    pub(super) connected_at: Millis,
    pub(super) last_frame: Millis,
    /// Until when idle time stood still, at the latest.
    pub(super) resumed: Millis,
    pub(super) full_since: Option<Millis>,
    /// The longest that its socket was full and took no byte, in milliseconds.
    pub(super) full_longest: u64,
    /// Where in its stream no new push may begin any more.
    pub(super) pushes_end: Option<u64>,
    // the model
    pub(super) standing: Standing,
    pub(super) failures: u8,
    /// Rooms in the order of joining, and which of its memberships there each is.
    pub(super) joined: Vec<(usize, usize)>,
    pub(super) joins: HashMap<usize, usize>,
    pub(super) requests: VecDeque<Request>,
    /// The first of `requests`, as far as the engine has taken them.
    pub(super) taken: VecDeque<Taken>,
    pub(super) said: Vec<Said>,
    pub(super) user_ids: Vec<String>,
    // the model, as far as the engine is: ahead of `standing` by the answers that are not heard yet
    pub(super) user: Option<String>,
    /// When its token ends.
    pub(super) expires: Option<u64>,
    /// A tick found its token's grace over.
    pub(super) overdue: bool,
    /// Its user's home gave its place to a newer session.
    pub(super) replaced: bool,
    /// Its first LOGIN was taken: frames are counted from here on.
    pub(super) began: bool,
    pub(super) frames: Option<Tank>,
    /// Frames in a row over their rate.
    pub(super) over: u32,
    /// The seqs of CMS whose room's home, on another shard, had no permit: their refusals come in between.
    pub(super) late: Vec<u32>,
    /// What the driver has its first LOGIN refused with.
    pub(super) unwelcome: Option<Status>,
    /// What the driver said of it as a guest.
    pub(super) admitted: Option<Status>,
}

/// What the world did meanwhile that changes what is allowed.
pub(super) struct Weather {
    pub(super) config: Arc<Config>,
    pub(super) allowed: Allowances,
    /// Logins may have been refused with OVERLOADED.
    pub(super) logins_may_fail: bool,
    /// Joins may have been.
    pub(super) joins_may_fail: bool,
}

impl Client {
    pub(super) fn new(id: usize, conn: ConnId, dialect: Dialect, now: Millis) -> Self {
        Self {
            id,
            conn,
            dialect,
            outbox: VecDeque::new(),
            seq: 0,
            done: false,
            reads: true,
            deaf: false,
            hung_up: false,
            input: Vec::new(),
            ready: false,
            paused: false,
            discards: false,
            told_gone: false,
            closed: None,
            released: false,
            frame_ends: VecDeque::new(),
            sent: 0,
            consumed: 0,
            connected_at: now,
            last_frame: now,
            resumed: now,
            full_since: None,
            full_longest: 0,
            pushes_end: None,
            standing: Standing::New,
            failures: 0,
            joined: Vec::new(),
            joins: HashMap::new(),
            requests: VecDeque::new(),
            taken: VecDeque::new(),
            said: Vec::new(),
            user_ids: Vec::new(),
            user: None,
            expires: None,
            overdue: false,
            replaced: false,
            began: false,
            frames: None,
            over: 0,
            late: Vec::new(),
            unwelcome: None,
            admitted: None,
        }
    }

    /// Whether there are late refusals, and with the answers that it has not taken more than it may be owed.
    //= PROTOCOL.md#15.17
    // A client that does not read is closed when late refusals exceed the bound of owed answers.
    pub(super) fn owed_refusals(&self) -> bool {
        let answers = self.taken.len() + self.late.len();
        !self.late.is_empty() && (answers + 1) * HEADER_BYTES > LATE_ANSWERS_BYTES_MAX
    }

    pub(super) fn is_open(&self) -> bool {
        self.closed.is_none()
    }
}
