//! One connection on a real shard whose user has its home on another: what it says, what it is told, how it ends.
//! For tests of single promises; `sim` has them all at once.

use std::sync::Arc;

use longwire_wire::{
    Command, CommandMap, Decoder, Dialect, Flow, LengthReading, LoginFields, Status, put_frame, put_login,
};

use crate::outgoing::Outgoing;
use crate::{
    Action, Claims, CloseReason, Config, ConnId, Identity, Millis, Now, Offered, Ports, Shard, ShardId,
    ShardMsg, Slot, State,
};

pub(crate) const EXPIRES_MS: u64 = 1_000;
const DIALECT: Dialect = Dialect { length: LengthReading::Body, version: 0, gzip: false };

/// What the connection was sent; what other shards are told goes nowhere.
#[derive(Default)]
pub(crate) struct Wire {
    pub(crate) sent: Vec<u8>,
    /// It takes nothing more.
    pub(crate) full: bool,
}

impl Ports for Wire {
    fn offer(&mut self, _: Slot, out: Outgoing<'_>) -> Offered {
        let taken = if self.full { &[] } else { out.bytes() };
        self.sent.extend_from_slice(taken);
        Offered::Took(taken.len())
    }

    fn post(&mut self, _: ShardId, _: ShardMsg) -> Result<(), ShardMsg> {
        Ok(())
    }
}

/// One connection on a shard that is not the home of its user.
pub(crate) struct Stage {
    pub(crate) shard: Shard,
    pub(crate) conn: ConnId,
    pub(crate) user: String,
    pub(crate) wire: Wire,
}

impl Stage {
    /// Connected, and no more. A user has a token that ends at [`EXPIRES_MS`].
    pub(crate) fn new(config: Config) -> Self {
        let mut shard = Shard::new(ShardId(0), 2, 7, Arc::new(config));
        let elsewhere = |user: &String| shard.home_of(user) == ShardId(1);
        let user = (0..).map(|n| format!("user-{n}")).find(elsewhere).expect("half of them live there");
        let conn = shard.connect(now(0));
        Self { shard, conn, user, wire: Wire::default() }
    }

    pub(crate) fn say(&mut self, command: Command, body: &[u8]) {
        self.hear(&frame(command, Flow::Request, body));
    }

    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        self.shard.consume(self.conn.slot, bytes, now(0), &mut self.wire);
    }

    pub(crate) fn login(&mut self) {
        let mut body = Vec::new();
        put_login(&mut body, "token", &self.user.clone(), LoginFields::default());
        self.say(Command::Login, &body);
    }

    pub(crate) fn log_in(&mut self) {
        self.login();
        self.provider(Ok(()));
        self.home(Status::OK);
    }

    pub(crate) fn provider(&mut self, says: Result<(), Status>) {
        let claims = Claims { expires_at_ms: Some(EXPIRES_MS), ..Claims::default() };
        let user_id = self.user.as_str().into();
        let answer = says.map(|()| Identity { user_id, claims: Some(Box::new(claims)) });
        self.shard.login_answered(self.conn, answer, now(0), &mut self.wire);
    }

    pub(crate) fn home(&mut self, says: Status) {
        let conn = self.conn;
        let msg = match says {
            Status::OK => ShardMsg::Enrolled { conn, state: Arc::default() },
            status => ShardMsg::EnrollRefused { conn, status },
        };
        self.shard.receive(ShardId(1), msg, now(0), &mut self.wire);
    }

    /// The statuses that the client was sent, its state, and why it ends if it does.
    pub(crate) fn outcome(mut self) -> String {
        let mut outcome = String::new();
        let mut bytes = self.wire.sent.as_slice();
        while let Ok(Some((frame, taken))) = Decoder::new(DIALECT.length, 1 << 16).next(bytes) {
            outcome += &format!("{}, ", Status(frame.header.status).name().expect("a listed status"));
            bytes = &bytes[taken..];
        }
        let mut reason: Option<CloseReason> = None;
        while let Some(action) = self.shard.poll_action() {
            match action {
                Action::ShutdownWrite(_, why) | Action::Close(_, why) => reason = Some(why),
                Action::Authenticate { .. } | Action::Resume(_) | Action::LastLook(_) => {}
            }
        }
        match (reason, self.shard.state(self.conn.slot)) {
            (Some(reason), State::Closing) => outcome + &format!("Closing ({})", reason.name()),
            (_, state) => outcome + &format!("{state:?}"),
        }
    }
}

pub(crate) fn now(ms: u64) -> Now {
    Now { mono: Millis(ms), unix_ms: ms }
}

fn frame(command: Command, flow: Flow, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    put_frame(&mut frame, DIALECT, CommandMap::default().code(command), flow, 1, Status::OK, body);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ANSWERS_BYTES_MAX;
    use crate::{Quotas, Rate};

    /// How the network cuts a frame must not decide what becomes of it.
    //= PROTOCOL.md#5.22
    // What closes from its header alone closes over the connection's rate all the same.
    #[test]
    fn a_foreign_flow_closes_over_the_rate_however_it_is_cut() {
        let frames = Rate::new(1, std::time::Duration::from_secs(3600), 1);
        let quotas = Quotas { connection_frames: Some(frames), ..Quotas::default() };
        let foreign = frame(Command::Cms, Flow::Answer, b"body");
        for cut in longwire_wire::HEADER_BYTES..=foreign.len() {
            let mut stage = Stage::new(Config { quotas, ..Config::default() });
            stage.say(Command::Login, &[]);
            stage.say(Command::Ping, &[]);
            stage.say(Command::Ping, &[]);
            stage.hear(&foreign[..cut]);
            assert_eq!(stage.outcome(), "OK, OK, RATE_LIMITED, MALFORMED, Closing (malformed)", "{cut}");
        }
    }

    /// A connection that its driver wants refused is told so only if it speaks the protocol.
    //= PROTOCOL.md#5.3
    //= PROTOCOL.md#5.10
    // A well-formed first LOGIN that is refused is answered; one that is not gets no byte.
    #[test]
    fn the_unwelcome_are_told_so_by_a_well_formed_login_alone() {
        let too_long = [b"\x12\xAC\x02".as_slice(), &[b'x'; 300]].concat(); // a userId of 300 bytes
        for (body, outcome) in [
            (&[][..], "RATE_LIMITED, Closing (too_fast)"),
            (&too_long, "Closing (first_frame)"),
            (b"\x0A\x01t\x12\x01\xFF", "Closing (first_frame)"), // a userId that is no UTF-8
        ] {
            let mut stage = Stage::new(Config::default());
            stage.shard.refuse_login(stage.conn.slot, Status::RATE_LIMITED);
            stage.say(Command::Login, body);
            assert_eq!(stage.outcome(), outcome, "{body:?}");
        }
    }

    /// Late refusals come outside of the turns that keep the bound, as many as the ring to a room's home holds records.
    //= PROTOCOL.md#15.17
    // A client that does not read, and is owed more late refusals than it may be, is closed.
    #[test]
    fn late_refusals_keep_the_bound_of_owed_answers() {
        let mut stage = Stage::new(Config::default());
        stage.log_in();
        stage.wire.full = true;
        let owed = |stage: &Stage| {
            stage.shard.conns[stage.conn.slot as usize].slow.as_ref().map_or(0, |slow| slow.answers.len())
        };
        let mut refused = 0;
        while stage.shard.state(stage.conn.slot) == State::User && refused < 1_000 {
            assert!(owed(&stage) < ANSWERS_BYTES_MAX);
            refused += 1;
            let refusal = ShardMsg::PublishRefused {
                conn: stage.conn,
                seq: refused,
                code: CommandMap::default().code(Command::Cms),
                status: Status::RATE_LIMITED,
            };
            stage.shard.receive(ShardId(1), refusal, now(0), &mut stage.wire);
        }
        assert_eq!(refused as usize, ANSWERS_BYTES_MAX / longwire_wire::HEADER_BYTES);
        assert_eq!(stage.outcome(), "OK, Closing (slow)");
    }
}
