//! Bugs that the simulation must find: asked for in a few places, and never there outside of the engine's own tests.

use crate::ids::{Now, Slot};
use crate::post::Ports;
use crate::quota::Rate;
use crate::shard::Shard;

/// One bug each; see where [`Shard::is_planted`] is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    /// `swap_remove` while a round is under way: the member that moved is never visited.
    SkipAfterSwapRemove,
    /// The JOIN's answer waits until after the next round.
    PushBeforeJoinAnswer,
    /// A sender gets the batch like everybody.
    OwnMessageEchoed,
    /// A late answer of a login provider is taken for whoever has the slot now.
    LateAuthOnReusedSlot,
    /// A laggard whose catch-up did not fit one turn is not put back into the queue.
    LostWakeup,
    /// What the ring let go is not counted as dropped.
    MiscountedDrop,
    /// The late end of a replaced session takes its successor off the list.
    LateEndTakesSuccessor,
    /// A session that was replaced while it renewed its login takes its place back.
    RenewedAfterReplaced,
    /// Who has expired may go on sending until it is closed.
    ExpiredMaySend,
    /// A frame over its connection's rate costs everybody else on the shard a permit too.
    RefusalCostsOthers,
    /// Slots that were cut off are made again with the generations of those who had them first.
    GenerationsBeginAgain,
}

impl Shard {
    /// Whether to do it wrong.
    #[cfg(not(test))]
    pub(crate) fn is_planted(&self, _bug: Planted) -> bool {
        false
    }

    #[cfg(test)]
    pub(crate) fn is_planted(&self, bug: Planted) -> bool {
        self.planted == Some(bug)
    }

    /// [`Planted::RefusalCostsOthers`]: a permit of everybody.
    #[cfg(not(test))]
    pub(crate) fn planted_cost(&mut self, _rate: Rate, _now: Now) {}

    #[cfg(test)]
    pub(crate) fn planted_cost(&mut self, rate: Rate, now: Now) {
        for conn in &mut self.conns {
            let _ = conn.frames.take(rate, now.mono);
        }
    }

    /// [`Planted::PushBeforeJoinAnswer`]: takes the answer out of the turn.
    #[cfg(not(test))]
    pub(crate) fn planted_delay(&mut self, _slot: Slot) {}

    #[cfg(test)]
    pub(crate) fn planted_delay(&mut self, slot: Slot) {
        self.delayed.push((self.conn_id(slot), std::mem::take(&mut self.answers)));
    }

    /// [`Planted::PushBeforeJoinAnswer`]: sends what was taken out, behind the rounds.
    #[cfg(not(test))]
    pub(crate) fn planted_flush(&mut self, _now: Now, _ports: &mut impl Ports) {}

    #[cfg(test)]
    pub(crate) fn planted_flush(&mut self, now: Now, ports: &mut impl Ports) {
        for (conn, answers) in std::mem::take(&mut self.delayed) {
            if let Some(slot) = self.find(conn) {
                self.answers = answers;
                self.flush_answers(slot, now, ports);
            }
        }
    }
}
