//! What a push says, read once for all members that get the same bytes.
//!
//! Members of a room get the same push: the first of them has it parsed, the others have it compared byte by byte, which
//! is both cheaper and stricter. Never looks at who the member is; that is `verify`'s.

use longwire_wire::{Compression, Frame, Inflater, parse_push};

use crate::stamp::Stamp;

/// Pushes of a room that are kept parsed: the newest, and those that slower members are still at.
const KEPT_A_ROOM: usize = 4;
/// A push body as inflated. Servers may be configured beyond what the protocol promises (66 KiB).
const INFLATED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Messages of one sender that stand one behind the other in a push, numbered without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its number in the room.
    pub(crate) sender: u32,
    /// The first message's number.
    pub(crate) first: u32,
    /// How many.
    pub(crate) count: u32,
}

/// What a push says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) runs: Vec<Run>,
    /// When each message was due, in the order of the runs.
    pub(crate) at_ns: Vec<u64>,
    /// Messages that nobody of this run sent.
    pub(crate) foreign: u64,
}

/// Why a frame is no push of this room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PushError {
    #[error("a push does not inflate")]
    Gzip,
    #[error("a push is no CRMessageResponse")]
    Malformed,
    #[error("a push is of another room")]
    OtherRoom,
}

/// The pushes a thread has read lately.
pub(crate) struct Pushes {
    run: u32,
    names: Vec<String>,
    kept: Vec<Kept>,
    inflater: Inflater,
    inflated: Vec<u8>,
    /// Of a push that is not kept.
    passing: Summary,
}

#[derive(Default)]
struct Kept {
    pushes: Vec<(u8, Vec<u8>, Summary)>,
    next: usize,
}

impl Pushes {
    /// For rooms of these names.
    pub(crate) fn new(run: u32, names: Vec<String>) -> Self {
        let kept = names.iter().map(|_| Kept::default()).collect();
        let inflater = Inflater::new();
        Self { run, names, kept, inflater, inflated: Vec::new(), passing: Summary::default() }
    }

    /// What a push to a member of `room` says. `shared`: others get the same bytes, so it is worth keeping.
    #[inline]
    pub(crate) fn read(&mut self, room: u32, frame: Frame<'_>, shared: bool) -> Result<&Summary, PushError> {
        let flag = frame.header.flag.0;
        let kept = &self.kept[room as usize];
        let found = kept.pushes.iter().position(|(of, body, _)| *of == flag && body == frame.body);
        match found {
            Some(at) => Ok(&self.kept[room as usize].pushes[at].2),
            None => self.parse(room, frame, shared),
        }
    }

    fn parse(&mut self, room: u32, frame: Frame<'_>, shared: bool) -> Result<&Summary, PushError> {
        let mut body = frame.body;
        if frame.header.flag.compression() == Compression::Gzip {
            let inflated = self.inflater.inflate(frame.body, INFLATED_BYTES_MAX, &mut self.inflated);
            inflated.map_err(|_| PushError::Gzip)?;
            body = &self.inflated;
        }
        let summary = summary(self.run, &self.names[room as usize], body)?;
        if !shared {
            self.passing = summary;
            return Ok(&self.passing);
        }
        let kept = &mut self.kept[room as usize];
        let entry = (frame.header.flag.0, frame.body.to_vec(), summary);
        let at = kept.next;
        kept.next = (at + 1) % KEPT_A_ROOM;
        match kept.pushes.get_mut(at) {
            Some(oldest) => *oldest = entry,
            None => kept.pushes.push(entry),
        }
        Ok(&kept.pushes[at].2)
    }
}

fn summary(run: u32, name: &str, body: &[u8]) -> Result<Summary, PushError> {
    let (room, messages) = parse_push(body).map_err(|_| PushError::Malformed)?;
    if room != name {
        return Err(PushError::OtherRoom);
    }
    let mut summary = Summary::default();
    for message in &messages {
        match Stamp::of(&message.content).filter(|stamp| stamp.run == run) {
            Some(stamp) => summary.add(stamp),
            None => summary.foreign += 1,
        }
    }
    Ok(summary)
}

impl Run {
    fn follows_up(&self, seq: u32) -> bool {
        self.first.checked_add(self.count) == Some(seq)
    }
}

impl Summary {
    fn add(&mut self, stamp: Stamp) {
        self.at_ns.push(stamp.at_ns);
        match self.runs.last_mut() {
            Some(run) if run.sender == stamp.sender && run.follows_up(stamp.seq) => run.count += 1,
            _ => self.runs.push(Run { sender: stamp.sender, first: stamp.seq, count: 1 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire_wire::{ConnectFlag, Deflater, Flow, Header, Message, put_cms, put_record, put_room_tail};

    const RUN: u32 = 7;

    fn push(room: &str, stamps: &[(u32, u32, u32)]) -> Vec<u8> {
        let mut body = Vec::new();
        for &(run, sender, seq) in stamps {
            let stamp = Stamp { run, sender, seq, at_ns: seq.into() };
            let message = Message { content: stamp.to_bytes().to_vec(), ..Message::default() };
            let mut fields = Vec::new();
            put_cms(&mut fields, &message);
            put_record(&mut body, &fields, fields.len(), 5);
        }
        put_room_tail(&mut body, room);
        body
    }

    fn frame(body: &[u8], compression: Compression) -> Frame<'_> {
        let flag = ConnectFlag::new(0, compression, Flow::Notify);
        Frame { header: Header { len: 0, seq: 0, command: 6, flag, status: 0 }, body }
    }

    fn pushes() -> Pushes {
        Pushes::new(RUN, vec!["a".into(), "b".into()])
    }

    #[test]
    fn runs_are_what_follows_without_a_gap() {
        let body = push("b", &[(RUN, 0, 4), (RUN, 0, 5), (RUN, 1, 9), (9, 0, 6), (RUN, 0, 6), (RUN, 0, 8)]);
        let mut pushes = pushes();
        for shared in [true, true, false] {
            let summary = pushes.read(1, frame(&body, Compression::None), shared).unwrap();
            let runs: Vec<_> = summary.runs.iter().map(|run| (run.sender, run.first, run.count)).collect();
            assert_eq!(runs, [(0, 4, 2), (1, 9, 1), (0, 6, 1), (0, 8, 1)]);
            assert_eq!(summary.at_ns, [4, 5, 9, 6, 8]);
            assert_eq!(summary.foreign, 1);
        }
    }

    #[test]
    fn a_compressed_push_says_the_same() {
        let body = push("a", &(0..100).map(|seq| (RUN, 0, seq)).collect::<Vec<_>>());
        let mut member = Vec::new();
        Deflater::new(6).deflate(&body, &mut member);
        let mut pushes = pushes();
        for _ in 0..2 {
            let summary = pushes.read(0, frame(&member, Compression::Gzip), true).unwrap();
            assert_eq!(summary.runs, [Run { sender: 0, first: 0, count: 100 }]);
        }
        let flagged = pushes.read(0, frame(&body, Compression::Gzip), true);
        assert_eq!(flagged, Err(PushError::Gzip));
    }

    #[test]
    fn what_is_no_push_of_the_room_is_refused() {
        let mut pushes = pushes();
        let other = push("b", &[(RUN, 0, 0)]);
        assert_eq!(pushes.read(0, frame(&other, Compression::None), true), Err(PushError::OtherRoom));
        assert_eq!(pushes.read(0, frame(b"\x0A\x05", Compression::None), true), Err(PushError::Malformed));
    }

    #[test]
    fn a_room_keeps_a_few() {
        let mut pushes = pushes();
        for seq in 0..100 {
            let body = push("a", &[(RUN, 0, seq)]);
            pushes.read(0, frame(&body, Compression::None), true).unwrap();
        }
        assert_eq!(pushes.kept[0].pushes.len(), KEPT_A_ROOM);
    }
}
