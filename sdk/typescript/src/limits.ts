/**
 * Every bound of this package, with what it costs in memory. What meets a bound rejects, waits or ends the
 * connection: never silence, never growth.
 */

/** Default for a client's body, as sent and inflated (PROTOCOL.md 14.1). */
export const BODY_BYTES_MAX = 64 * 1024;
/** The body of a first LOGIN (14.2). */
export const LOGIN_BYTES_MAX = 8 * 1024;
/** userId and chatroomId (14.4, 14.5). */
export const ID_BYTES_MAX = 128;
/** LOGIN's token (14.6). */
export const TOKEN_BYTES_MAX = 4 * 1024;
/** `userInfo` of one message, and the tags in it (11.12, 11.13). */
export const USER_BYTES_MAX = 1024;
export const TAGS_MAX = 64;

/** Default for what the server may send in one frame, as sent and inflated. Its own limit is 66 KiB (14.10). */
export const FRAME_BYTES_MAX = 128 * 1024;
/** The highest that either frame limit can be set to: above it the protocol's own length rules end. */
export const FRAME_BYTES_CEILING = 16 * 1024 * 1024 - 1;

/** What may wait for the network before calls reject with Backpressure; one frame more can be there. */
export const BUFFERED_BYTES_MAX = 1024 * 1024;
/** What came and waits for a gzipped body in front of it to inflate: from here on the transport is paused, if it can be, */
export const INBOX_BYTES_PAUSE = 256 * 1024;
/** and here the connection ends, which a browser's WebSocket, that cannot be paused, may reach. */
export const INBOX_BYTES_MAX = 4 * 1024 * 1024;
/** What a waiting frame counts for beside its body: the objects around it. */
export const INBOX_FRAME_BYTES = 128;
/** How much of a gzipped body is inflated before the output is counted: 4 KiB can become 4 MiB at most. */
export const INFLATE_STEP_BYTES = 4 * 1024;

/** LOGINs, JOIN_CRs and PINGs that wait for their answers on one connection. */
export const CALLS_PENDING_MAX = 1024;
/** Sends whose refusal can still be told by name. A CMS that succeeds is silent, so the oldest are forgotten. */
export const SENDS_REMEMBERED_MAX = 4096;
/** Default for the rooms of one connection, as servers have it (10.4), and the highest it can be set to. */
export const ROOMS_DEFAULT = 16;
export const ROOMS_MAX = 1024;
/** Records of each room remembered to know one that comes again after a reconnect (10.7), and new ones among which it is looked for. */
export const RECENT_RECORDS_MAX = 32;
/** What these may hold together of each room, but for the last: 16 rooms keep 1 MiB. */
export const RECENT_BYTES_MAX = 64 * 1024;

/** A server closes after so much silence of ours (9.3), in ms. */
export const IDLE_MS = 30_000;
/** How long, in ms, a server may count a connection that this side has lost: its idle time, and what it may stand still. */
export const GHOST_MS = 60_000;
/** Coming so late to our own deadline, in ms, means that this side stood still (a busy page, a laptop asleep), not the server: */
export const LATE_MS = 50;
/** what came meanwhile is read first, for as long as it was late, but no longer than this, in ms. */
export const STANDSTILL_MS = 1_000;
/** How long a PONG may take after `wake()`: so many times the last round trip, and within these bounds in ms. Somebody looks at the page. */
export const WAKE_PONG_TRIPS = 4;
export const WAKE_PONG_MS_MIN = 500;
export const WAKE_PONG_MS_MAX = 2_000;
/** A connection lost so soon after `wake()`, in ms, is tried again at once: the look found it dead. Longer than that takes. */
export const WAKE_LOSS_MS = 4_000;
/** Attempts that `wake()` brings forward are at least so far apart, in ms. */
export const WAKE_APART_MS = 1_000;
/**
 * How long a connection must last, in ms, for the reconnect schedule to start over: twice its longest wait by default, so that
 * two clients of one user that take each other's place do so ever more seldom, and count it as failures.
 */
export const STABLE_MS = 60_000;
/** The lowest ceiling, in ms, of the wait where the server asked for distance: drained, overloaded, too fast. */
export const LATER_MS = 2_000;
/** The longest time that can be set, in ms: what `setTimeout` can count. */
export const WAIT_MS_MAX = 24 * 60 * 60 * 1000;
