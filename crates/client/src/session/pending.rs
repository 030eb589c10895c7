//! Which answer belongs to which call.
//!
//! Invariant: a call is answered once; a second answer to the same seq finds nothing. Sends are remembered apart,
//! because a send that succeeds is never answered: the oldest are forgotten (`SENDS_REMEMBERED_MAX`).

use crate::{Call, SendId, limits::SENDS_REMEMBERED_MAX};
use longwire_wire::Command;
use std::{collections::VecDeque, sync::Arc, time::Instant};

/// Names a call between the session and who waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(pub(super) u64);

/// A call that will be answered.
#[derive(Debug)]
pub(super) enum Asked {
    /// The first LOGIN.
    FirstLogin,
    Login(Ticket),
    Join(Ticket, Arc<str>),
    Rejoin(Arc<str>),
    Ping(Ping),
}

#[derive(Debug)]
pub(super) struct Ping {
    pub(super) at: Instant,
    /// The last send in front of it: its PONG says that the server has seen that one.
    pub(super) behind: u64,
    pub(super) why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Heartbeat,
    Measure(Ticket),
    Flush(Ticket),
}

impl Asked {
    fn answered_by(&self) -> Command {
        match self {
            Self::FirstLogin | Self::Login(_) => Command::Login,
            Self::Join(..) | Self::Rejoin(_) => Command::JoinCr,
            Self::Ping(_) => Command::Pong,
        }
    }

    /// A refused PING is answered as PING, not as PONG.
    fn refused_by(&self) -> Command {
        match self {
            Self::Ping(_) => Command::Ping,
            Self::FirstLogin | Self::Login(_) | Self::Join(..) | Self::Rejoin(_) => self.answered_by(),
        }
    }

    pub(super) fn call(&self) -> Call {
        match self {
            Self::FirstLogin | Self::Login(_) => Call::Login,
            Self::Join(_, room) => Call::Join { room: room.clone() },
            Self::Rejoin(room) => Call::Rejoin { room: room.clone() },
            Self::Ping(_) => Call::Ping,
        }
    }
}

#[derive(Debug)]
struct Sent {
    seq: u32,
    id: SendId,
    room: Arc<str>,
}

#[derive(Debug, Default)]
pub(super) struct Pending {
    /// In the order of sending, which is the order of answers: the one looked for is nearly always the first.
    asked: VecDeque<(u32, Asked)>,
    sent: VecDeque<Sent>,
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.asked.len()
    }

    pub(super) fn asked(&mut self, seq: u32, asked: Asked) {
        self.asked.push_back((seq, asked));
    }

    pub(super) fn sent(&mut self, seq: u32, id: SendId, room: Arc<str>) {
        if self.sent.len() >= SENDS_REMEMBERED_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { seq, id, room });
    }

    /// The call that a frame of `command` with `seq` answers, once.
    pub(super) fn answer(&mut self, command: Command, seq: u32, refused: bool) -> Option<Asked> {
        let fits = |asked: &Asked| asked.answered_by() == command || refused && asked.refused_by() == command;
        let at = self.asked.iter().position(|(own, asked)| *own == seq && fits(asked))?;
        self.asked.remove(at).map(|(_, asked)| asked)
    }

    /// The send that a refusal with `seq` is about, once.
    pub(super) fn refuse_send(&mut self, seq: u32) -> Option<Call> {
        let at = self.sent.iter().rposition(|sent| sent.seq == seq)?;
        self.sent.remove(at).map(|Sent { id, room, .. }| Call::Send { id, room })
    }

    /// The last send that an unanswered flush waits for.
    pub(super) fn flushing(&self) -> u64 {
        let flushes = self.pings().filter(|ping| matches!(ping.why, Why::Flush(_)));
        flushes.map(|ping| ping.behind).max().unwrap_or(0)
    }

    pub(super) fn pings(&self) -> impl Iterator<Item = &Ping> {
        self.asked.iter().filter_map(|(_, asked)| match asked {
            Asked::Ping(ping) => Some(ping),
            Asked::FirstLogin | Asked::Login(_) | Asked::Join(..) | Asked::Rejoin(_) => None,
        })
    }
}
