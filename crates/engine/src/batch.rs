//! A batch: what a room's log gained in one step, encoded once, immutable from then on.

use crate::account::{Kind, Tally};
use crate::ids::ConnId;

/// What the engine remembers of a record beside its bytes.
#[derive(Clone, Copy, Debug)]
pub struct RecordMeta {
    /// Where the record ends in [`Batch::records`]; it begins where the one before ends.
    pub end: u32,
    /// Class and message type.
    pub kind: Kind,
    /// The connection that sent it, and so does not get it.
    pub origin: ConnId,
}

/// Consecutive records of one room: `records` is the body of a push but for the room's name behind it.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The first record's offset in the room's log.
    pub start: u64,
    /// The room's running totals before the first record.
    pub before: Tally,
    /// Encoded records, one behind the other (protobuf's `repeated` field makes concatenation the encoding).
    pub records: Vec<u8>,
    /// One a record.
    pub metas: Vec<RecordMeta>,
}

impl Batch {
    /// An empty batch that begins at `start`.
    pub fn at(start: u64, before: Tally) -> Self {
        Self { start, before, ..Self::default() }
    }

    /// The offset behind the last record.
    pub fn end(&self) -> u64 {
        self.start + self.metas.len() as u64
    }

    /// The bytes of record `i`.
    pub fn record(&self, i: usize) -> &[u8] {
        &self.records[self.record_start(i)..self.metas[i].end as usize]
    }

    /// Where record `i` begins; for `i` = the number of records, where the last one ends.
    pub fn record_start(&self, i: usize) -> usize {
        if i == 0 { 0 } else { self.metas[i - 1].end as usize }
    }

    /// How many records of each kind.
    pub fn counts(&self) -> Tally {
        self.counts_before(self.metas.len())
    }

    /// The room's totals behind the last record.
    pub fn after(&self) -> Tally {
        self.totals_before(self.metas.len())
    }

    /// The room's totals before record `i`.
    pub fn totals_before(&self, i: usize) -> Tally {
        let mut totals = self.before;
        totals.add(&self.counts_before(i));
        totals
    }

    /// What it costs in memory.
    pub fn bytes(&self) -> usize {
        self.records.len() + self.metas.len() * size_of::<RecordMeta>() + size_of::<Self>()
    }

    /// Notes that a record was appended to `records`.
    pub fn push_meta(&mut self, kind: Kind, origin: ConnId) {
        self.metas.push(RecordMeta { end: self.records.len() as u32, kind, origin });
    }

    fn counts_before(&self, i: usize) -> Tally {
        let mut counts = Tally::ZERO;
        self.metas[..i].iter().for_each(|meta| counts.count(meta.kind));
        counts
    }
}
