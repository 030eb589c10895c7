//! A room's log: the records that somebody may still need, by offset, within bounds.
//!
//! Two rings with common offsets (ARCHITECTURE.md, "priorities"): recent batches whole, and behind them the
//! priority records of batches that had to go. Whoever reads gets them merged by offset.
//! Invariant: batches are contiguous up to [`Log::head`]; kept records lie before the first batch, in order.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::account::{Class, Kind, Tally};
use crate::batch::Batch;
use crate::ids::ConnId;

/// A place in a room's log, and the room's running totals there: being overtaken is a subtraction of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) totals: Tally,
}

/// How much a room's log may hold (`fanout.ring`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingLimits {
    /// Records of any class; whole batches go, so the newest batch always stays.
    pub records: usize,
    /// Bytes of these, bookkeeping included.
    pub bytes: usize,
    /// Priority records kept beyond that.
    pub priority_records: usize,
    /// Bytes of these.
    pub priority_bytes: usize,
}

/// A record that leaves the log for good.
pub(crate) struct Evicted {
    pub(crate) offset: u64,
    pub(crate) kind: Kind,
    pub(crate) origin: ConnId,
}

/// What [`Log::read`] found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Read {
    /// Where the next read begins.
    pub(crate) next: Place,
    /// Records that were appended to the output.
    pub(crate) content: Tally,
    /// The reader's own records, passed over.
    pub(crate) own: Tally,
}

struct Kept {
    at: Place,
    kind: Kind,
    origin: ConnId,
    bytes: Box<[u8]>,
}

#[derive(Default)]
pub(crate) struct Log {
    batches: VecDeque<Arc<Batch>>,
    kept: VecDeque<Kept>,
    head: Place,
    records: usize,
    bytes: usize,
    kept_bytes: usize,
}

impl Log {
    /// An empty log whose next record has the offset of `head`.
    pub(crate) fn at(head: Place) -> Self {
        Self { head, ..Self::default() }
    }

    /// Where the next record will stand.
    pub(crate) fn head(&self) -> Place {
        self.head
    }

    /// What it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.kept_bytes
    }

    /// Appends a batch that begins at the head, and lets go of what no longer fits.
    pub(crate) fn append(
        &mut self,
        batch: Arc<Batch>,
        limits: &RingLimits,
        evicted: &mut dyn FnMut(Evicted),
    ) {
        debug_assert_eq!(batch.start, self.head.offset);
        self.head = Place { offset: batch.end(), totals: batch.after() };
        self.records += batch.metas.len();
        self.bytes += batch.bytes();
        self.batches.push_back(batch);
        while self.batches.len() > 1 && (self.records > limits.records || self.bytes > limits.bytes) {
            self.evict_front(limits, evicted);
        }
    }

    /// Moves the head to `head` over records that never arrived here. Everything before them goes too.
    pub(crate) fn jump(&mut self, head: Place, limits: &RingLimits, evicted: &mut dyn FnMut(Evicted)) {
        while !self.batches.is_empty() {
            self.evict_front(limits, evicted);
        }
        let lost = head.totals.minus(&self.head.totals);
        if lost.of_class(Class::Priority).total() > 0 {
            self.evict_kept(0, 0, evicted); // a hole in the priority ring: what lies before it cannot stay
        }
        self.head = head;
    }

    /// Lets go of everything: nobody stands before the head, so nothing is lost.
    pub(crate) fn forget(&mut self) {
        self.batches.clear();
        self.kept.clear();
        (self.records, self.bytes, self.kept_bytes) = (0, 0, 0);
    }

    /// Lets go of what lies before `offset`, where nobody stands any more.
    pub(crate) fn forget_before(&mut self, offset: u64) {
        while let Some(batch) = self.batches.front()
            && batch.end() <= offset
        {
            self.records -= batch.metas.len();
            self.bytes -= batch.bytes();
            self.batches.pop_front();
        }
        // a round may have ended between two of them, long before the first batch
        while let Some(kept) = self.kept.front()
            && kept.at.offset < offset
        {
            self.kept_bytes -= kept.bytes.len() + size_of::<Kept>();
            self.kept.pop_front();
        }
    }

    /// Halves what is held, oldest first.
    pub(crate) fn shrink(&mut self, limits: &RingLimits, evicted: &mut dyn FnMut(Evicted)) {
        let target = self.bytes / 2;
        while self.batches.len() > 1 && self.bytes > target {
            self.evict_front(limits, evicted);
        }
        self.evict_kept(self.kept.len() / 2, self.kept_bytes / 2, evicted);
    }

    /// Whether it keeps to its bounds: all of it but the newest batch.
    #[cfg(test)]
    pub(crate) fn is_within(&self, limits: &RingLimits) -> bool {
        let batches =
            self.batches.len() <= 1 || (self.records <= limits.records && self.bytes <= limits.bytes);
        batches && self.kept.len() <= limits.priority_records && self.kept_bytes <= limits.priority_bytes
    }

    /// What a turn may add to a trimmed ring: the newest batch, and what it let go of; and the batch before, which was
    /// the newest then, and so stayed.
    #[cfg(test)]
    pub(crate) fn newest_bytes(&self) -> usize {
        self.batches.iter().rev().take(2).map(|batch| batch.bytes()).sum::<usize>() + self.kept_bytes
    }

    fn evict_front(&mut self, limits: &RingLimits, evicted: &mut dyn FnMut(Evicted)) {
        let Some(batch) = self.batches.pop_front() else { return };
        self.records -= batch.metas.len();
        self.bytes -= batch.bytes();
        let mut at = Place { offset: batch.start, totals: batch.before };
        for (i, meta) in batch.metas.iter().enumerate() {
            match meta.kind.class() {
                Class::Chat => evicted(Evicted { offset: at.offset, kind: meta.kind, origin: meta.origin }),
                Class::Priority => {
                    let bytes: Box<[u8]> = batch.record(i).into();
                    self.kept_bytes += bytes.len() + size_of::<Kept>();
                    self.kept.push_back(Kept { at, kind: meta.kind, origin: meta.origin, bytes });
                }
            }
            at.offset += 1;
            at.totals.count(meta.kind);
        }
        self.evict_kept(limits.priority_records, limits.priority_bytes, evicted);
    }

    fn evict_kept(&mut self, records: usize, bytes: usize, evicted: &mut dyn FnMut(Evicted)) {
        while self.kept.len() > records || self.kept_bytes > bytes {
            let Some(kept) = self.kept.pop_front() else { return };
            self.kept_bytes -= kept.bytes.len() + size_of::<Kept>();
            evicted(Evicted { offset: kept.at.offset, kind: kept.kind, origin: kept.origin });
        }
    }

    fn tail(&self) -> Place {
        self.batches.front().map_or(self.head, |batch| Place { offset: batch.start, totals: batch.before })
    }

    /// What of the records from `place` up to the head is gone for good, whoever sent it.
    pub(crate) fn lost_after(&self, place: &Place) -> Tally {
        let tail = self.tail().totals;
        let floor = self.kept.front().map_or(tail, |kept| kept.at.totals);
        let mut gone = tail.of_class(Class::Chat);
        gone.add(&floor.of_class(Class::Priority));
        gone.max(&place.totals).minus(&place.totals)
    }

    /// Appends the records from `from` up to `until` to `out`, at most `bytes_max` bytes of them but at least one
    /// record, without those of `skip`.
    pub(crate) fn read(
        &self,
        from: u64,
        until: &Place,
        bytes_max: usize,
        skip: Option<ConnId>,
        out: &mut Vec<u8>,
    ) -> Read {
        let mut reader =
            Reader { end: out.len().saturating_add(bytes_max), skip, read: Read::default(), out };
        let first = self.kept.partition_point(|kept| kept.at.offset < from);
        for kept in self.kept.range(first..).take_while(|kept| kept.at.offset < until.offset) {
            if !reader.take(&kept.bytes, kept.kind, kept.origin) {
                return reader.stop_at(kept.at);
            }
        }
        let first = self.batches.partition_point(|batch| batch.end() <= from);
        for batch in self.batches.range(first..).take_while(|batch| batch.start < until.offset) {
            if let Some(stopped) = reader.take_batch(batch, from, until.offset) {
                return reader.stop_at(Place {
                    offset: batch.start + stopped as u64,
                    totals: batch.totals_before(stopped),
                });
            }
        }
        reader.stop_at(*until)
    }

    /// The records from `from` up to the head that are still here and that `origin` sent.
    pub(crate) fn count_own(&self, from: u64, origin: ConnId) -> Tally {
        let mut own = Tally::ZERO;
        self.each(from, |_, kind, sender| {
            if sender == origin {
                own.count(kind);
            }
        });
        own
    }

    /// Visits what is still here from `from` up to the head: offset, kind, sender.
    pub(crate) fn each(&self, from: u64, mut visit: impl FnMut(u64, Kind, ConnId)) {
        for kept in self.kept.iter().filter(|kept| kept.at.offset >= from) {
            visit(kept.at.offset, kept.kind, kept.origin);
        }
        let first = self.batches.partition_point(|batch| batch.end() <= from);
        for batch in self.batches.range(first..) {
            let skipped = from.saturating_sub(batch.start) as usize;
            for (i, meta) in batch.metas.iter().enumerate().skip(skipped) {
                visit(batch.start + i as u64, meta.kind, meta.origin);
            }
        }
    }

    /// The batches from `from` on, for a shard that fell behind.
    pub(crate) fn batches_from(&self, from: u64) -> impl Iterator<Item = &Arc<Batch>> {
        let first = self.batches.partition_point(|batch| batch.end() <= from);
        self.batches.range(first..)
    }
}

struct Reader<'a> {
    end: usize,
    skip: Option<ConnId>,
    read: Read,
    out: &'a mut Vec<u8>,
}

impl Reader<'_> {
    /// Whether the record fitted (or was the reader's own).
    fn take(&mut self, bytes: &[u8], kind: Kind, origin: ConnId) -> bool {
        if self.skip == Some(origin) {
            self.read.own.count(kind);
            return true;
        }
        if self.out.len() + bytes.len() > self.end && self.read.content != Tally::ZERO {
            return false;
        }
        self.out.extend_from_slice(bytes);
        self.read.content.count(kind);
        true
    }

    /// The index of the first record that did not fit, if one did not.
    fn take_batch(&mut self, batch: &Batch, from: u64, until: u64) -> Option<usize> {
        let first = from.saturating_sub(batch.start) as usize;
        let last = batch.metas.len().min((until - batch.start) as usize);
        let span = batch.record_start(first)..batch.record_start(last);
        if self.skip.is_none() && self.out.len() + span.len() <= self.end {
            self.out.extend_from_slice(&batch.records[span]);
            batch.metas[first..last].iter().for_each(|meta| self.read.content.count(meta.kind));
            return None;
        }
        (first..last).find(|&i| !self.take(batch.record(i), batch.metas[i].kind, batch.metas[i].origin))
    }

    fn stop_at(mut self, next: Place) -> Read {
        self.read.next = next;
        self.read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ShardId;

    const LIMITS: RingLimits =
        RingLimits { records: 6, bytes: 1 << 20, priority_records: 2, priority_bytes: 1 << 20 };

    fn conn(slot: u32) -> ConnId {
        ConnId { shard: ShardId(0), slot, generation: 0 }
    }

    /// Appends a batch: one record a letter; capitals are of the priority class; the letter is the record.
    fn say(log: &mut Log, letters: &str, gone: &mut String) {
        let head = log.head();
        let mut batch = Batch::at(head.offset, head.totals);
        for letter in letters.bytes() {
            let class = if letter.is_ascii_uppercase() { Class::Priority } else { Class::Chat };
            batch.records.push(letter);
            batch.push_meta(Kind::new(class, 0), conn(u32::from(letter)));
        }
        log.append(Arc::new(batch), &LIMITS, &mut |evicted| gone.push(evicted.origin.slot as u8 as char));
    }

    fn read_all(log: &Log, from: u64, bytes_max: usize, skip: Option<ConnId>) -> (String, u64) {
        let mut out = Vec::new();
        let read = log.read(from, &log.head(), bytes_max, skip, &mut out);
        assert_eq!(read.content.total() as usize, out.len());
        (String::from_utf8(out).unwrap(), read.next.offset)
    }

    #[test]
    fn priority_records_outlive_chat_and_come_in_order() {
        let (mut log, mut gone) = (Log::default(), String::new());
        for letters in ["aBc", "Def", "ghi"] {
            say(&mut log, letters, &mut gone);
        }
        assert_eq!(gone, "ac");
        assert_eq!(read_all(&log, 0, 100, None), ("BDefghi".into(), 9));
        say(&mut log, "JKL", &mut gone);
        assert_eq!((gone.as_str(), read_all(&log, 0, 100, None).0.as_str()), ("acef", "BDghiJKL"));
        say(&mut log, "mno", &mut gone);
        say(&mut log, "pqr", &mut gone);
        assert_eq!(gone, "acefghiBDJ", "the third priority record past the bound pushes the first out");
    }

    #[test]
    fn what_is_lost_is_what_cannot_be_read() {
        let (mut log, mut gone) = (Log::default(), String::new());
        for letters in ["aBc", "Def", "ghi", "JKL", "mno", "pqr", "s"] {
            let place = Place::default();
            say(&mut log, letters, &mut gone);
            let mut out = Vec::new();
            let read = log.read(0, &log.head(), 100, None, &mut out);
            let lost = log.lost_after(&place);
            assert_eq!(lost.total(), gone.len() as u64);
            assert_eq!(read.content.total() + lost.total(), log.head().offset);
        }
    }

    #[test]
    fn a_read_stops_at_its_budget_and_goes_on_there() {
        let (mut log, mut gone) = (Log::default(), String::new());
        say(&mut log, "abc", &mut gone);
        say(&mut log, "def", &mut gone);
        assert_eq!(read_all(&log, 0, 4, None), ("abcd".into(), 4));
        assert_eq!(read_all(&log, 4, 4, None), ("ef".into(), 6));
        assert_eq!(read_all(&log, 0, 0, None), ("a".into(), 1), "one record is always read");
    }

    #[test]
    fn a_reader_does_not_get_its_own() {
        let (mut log, mut gone) = (Log::default(), String::new());
        say(&mut log, "aba", &mut gone);
        let mut out = Vec::new();
        let read = log.read(0, &log.head(), 100, Some(conn(u32::from(b'a'))), &mut out);
        assert_eq!((out.as_slice(), read.own.total(), read.next.offset), (&b"b"[..], 2, 3));
        assert_eq!(log.count_own(1, conn(u32::from(b'a'))).total(), 1);
    }

    #[test]
    fn what_lies_behind_the_offset_is_not_forgotten() {
        let (mut log, mut gone) = (Log::default(), String::new());
        for letters in ["aBCD", "efg", "hijk"] {
            say(&mut log, letters, &mut gone);
        }
        assert_eq!(read_all(&log, 0, 100, None).0, "CDhijk", "two priority records outlive their batch");
        log.forget_before(3);
        assert_eq!(read_all(&log, 3, 100, None).0, "Dhijk");
        log.forget_before(9);
        assert_eq!(read_all(&log, 9, 100, None).0, "jk");
    }

    #[test]
    fn a_jump_loses_what_lay_before_it() {
        let (mut log, mut gone) = (Log::default(), String::new());
        say(&mut log, "aB", &mut gone);
        let mut head = log.head();
        head.offset += 1;
        head.totals.count(Kind::new(Class::Priority, 0));
        log.jump(head, &LIMITS, &mut |evicted| gone.push(evicted.origin.slot as u8 as char));
        assert_eq!(gone, "aB");
        assert_eq!(log.lost_after(&Place::default()).total(), 3);
    }
}
