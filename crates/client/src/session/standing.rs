//! What a client keeps from one connection to the next.

use crate::{Refusal, SendId, limits::REFUSALS_KEPT_MAX};
use std::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// In the order of joining: joined again in this order, a server at its limit leaves the same ones.
    rooms: Vec<Arc<str>>,
    /// The last send of this client.
    pub(super) last_sent: u64,
    /// The last send that a PONG came behind of.
    pub(super) seen: u64,
    /// A connection was lost with sends that no PONG came behind of; the next flush must say so.
    pub(super) sends_lost: bool,
    refused: Vec<Refusal>,
    refused_more: u64,
}

impl Standing {
    pub(super) fn rooms(&self) -> &[Arc<str>] {
        &self.rooms
    }

    pub(super) fn enter(&mut self, room: Arc<str>) {
        if !self.rooms.contains(&room) {
            self.rooms.push(room);
        }
    }

    pub(super) fn forget(&mut self, room: &str) {
        self.rooms.retain(|own| **own != *room);
    }

    pub(super) fn next_send(&mut self) -> SendId {
        self.last_sent += 1;
        SendId(self.last_sent)
    }

    pub(super) fn refused(&mut self, refusal: Refusal) {
        if self.refused.len() < REFUSALS_KEPT_MAX {
            self.refused.push(refusal);
        } else {
            self.refused_more += 1;
        }
    }

    /// What was refused since this was last asked.
    pub(super) fn take_refused(&mut self) -> (Vec<Refusal>, u64) {
        (std::mem::take(&mut self.refused), std::mem::take(&mut self.refused_more))
    }

    /// The connection is gone. Who waited for a flush behind `told` learns it from that flush.
    pub(super) fn lose(&mut self, told: u64) {
        self.sends_lost |= self.last_sent > self.seen.max(told);
        self.seen = self.last_sent;
    }
}
