//! Every bound of the engine that is not configuration, with what it costs.

/// Frames of one connection that take effect in one turn; what is left waits in the ready list.
pub const TURN_FRAMES_MAX: usize = 64;

/// Bytes of one connection that are decoded in one turn.
pub const TURN_BYTES_MAX: usize = 64 * 1024;

/// Answers owed to one connection; above it the connection is not read. 4 KiB a connection that does not read.
pub const ANSWERS_BYTES_MAX: usize = 4 * 1024;

/// What one turn may add to the owed answers: an answer is a header.
pub const TURN_ANSWER_BYTES_MAX: usize = TURN_FRAMES_MAX * longwire_wire::HEADER_BYTES;
const _: () = assert!(TURN_ANSWER_BYTES_MAX < ANSWERS_BYTES_MAX, "a turn's answers must fit an empty buffer");

/// What refusals that come late may fill of the owed answers: the LOGIN or JOIN_CR that waits has its place behind them.
pub const LATE_ANSWERS_BYTES_MAX: usize = ANSWERS_BYTES_MAX - longwire_wire::HEADER_BYTES;

/// Sends of one slice, before anything else gets its turn; and of one room's turn, before another room gets its own.
pub const SLICE_SENDS_MAX: usize = 512;

/// Bytes of a round's body that take as long to compress as one send takes. So compressing a push of 64 KiB is a turn.
pub const GZIP_BYTES_A_SEND: usize = 128;
const _: () =
    assert!(GZIP_BYTES_A_SEND * SLICE_SENDS_MAX >= 64 * 1024, "no default push may cost more than a turn");

/// Records waiting at a room's home that force a batch, though a round is still under way: 20 bytes each beside their bytes.
pub const PENDING_RECORDS_MAX: usize = 2048;

/// What one catch-up writes to a laggard in one turn, bytes of body.
pub const CATCH_UP_BYTES_MAX: usize = 64 * 1024;

/// How long a shard stays subscribed to a room after its last member left.
pub const UNSUBSCRIBE_AFTER_MS: u64 = 10_000;

/// Flushing before a close: at most this long.
pub const FLUSH_MS: u64 = 5_000;

/// For an answer of the transport's own, such as a page over HTTP: 100 KB in it are 3 KB/s, a phone at the edge of its cell.
/// What is left of it is nobody's memory but the page's own.
pub const TRANSPORT_ANSWER_MS: u64 = 30_000;

/// Discarding input after the sending side was shut down, so that no reset destroys what the client has not read yet.
pub const DISCARD_MS: u64 = 1_000;

/// Failed LOGINs of a logged-in connection; the last one closes.
pub const LOGIN_FAILURES_MAX: u8 = 3;

/// How long a drain waits for members that are still owed something; a stalled one must not hold up a restart.
pub const DRAIN_OWED_MS: u64 = 5_000;

/// Connections closed in a second while draining, at the least.
pub const DRAIN_PER_SECOND_MIN: u64 = 500;

/// Where rings are trimmed to once all of them together are over their bound, in percent of it: a scan frees a tenth.
pub const RINGS_TRIM_PERCENT: usize = 90;

/// How long a user is refused that has come back too often (`quotas.user.reconnects`).
pub const RECONNECTS_REFUSED_MS: u64 = 5 * 60 * 1000;

/// Users a shard remembers, those with sessions included, before it forgets the buckets of those who are gone.
pub const USERS_REMEMBERED_MAX: usize = 200_000;

/// Frames in a row over `quotas.connection_frames` that close a connection: each before it was told so.
pub const FRAMES_REFUSED_MAX: u8 = 100;

/// Slots that a sweep cuts off at the end of a shard's tables, where they are free: a million are gone in four seconds.
pub const SLOTS_CUT_MAX: usize = 65_536;
