//! Bugs that the simulation must find: compiled into the engine's own tests and nowhere else.

/// One bug each; see where [`crate::Shard::is_planted`] is asked.
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
}
