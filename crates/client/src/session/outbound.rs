//! Frames out: what waits for the socket, encoded in this client's dialect.

use crate::config::WireConfig;
use longwire_wire::{Command, Compression, Deflater, Dialect, Flow, Status, put_header};

/// The level of gzip: bodies are small, so speed buys more than a few bytes.
const GZIP_LEVEL: u8 = 4;

pub(super) struct Outbound {
    wire: WireConfig,
    dialect: Dialect,
    deflater: Option<Deflater>,
    zipped: Vec<u8>,
    bytes: Vec<u8>,
    taken: usize,
    seq: u32,
    first: bool,
}

impl Outbound {
    pub(super) fn new(wire: WireConfig) -> Self {
        let dialect = Dialect { length: wire.length, version: wire.version, gzip: wire.gzip };
        Self {
            dialect,
            deflater: wire.gzip.then(|| Deflater::new(GZIP_LEVEL)),
            wire,
            zipped: Vec::new(),
            bytes: Vec::new(),
            taken: 0,
            seq: 0,
            first: true,
        }
    }

    /// Queues a request and returns its seq. The bound is the caller's: it stops calling above `OUT_BYTES_MAX`.
    pub(super) fn put(&mut self, command: Command, body: &[u8]) -> u32 {
        let gzip = self.gzip(body);
        // 0 is what notifies carry: legal for a request, but easily confused in a dump.
        self.seq = self.seq.checked_add(1).unwrap_or(1);
        let (compression, body) =
            if gzip { (Compression::Gzip, &*self.zipped) } else { (Compression::None, body) };
        let code = self.wire.commands.code(command);
        let (out, seq) = (&mut self.bytes, self.seq);
        put_header(out, self.dialect, code, Flow::Request, compression, seq, Status::OK, body.len());
        out.extend_from_slice(body);
        self.first = false;
        seq
    }

    /// Whether this body goes as gzip, which is then in `zipped`.
    //= PROTOCOL.md#6.7
    // The first LOGIN shows that we read gzip, with or without a body.
    fn gzip(&mut self, body: &[u8]) -> bool {
        let Some(deflater) = &mut self.deflater else { return false };
        self.zipped.clear();
        if self.first {
            if !body.is_empty() {
                deflater.deflate(body, &mut self.zipped);
            }
            return true;
        }
        if body.is_empty() || body.len() < self.wire.gzip_bytes_min {
            return false;
        }
        deflater.deflate(body, &mut self.zipped);
        self.zipped.len() < body.len()
    }

    //= PROTOCOL.md#3.15
    // The LOGIN is handed to the network in one piece: all that waits is lent at once.
    pub(super) fn pending(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// The socket took `len` bytes of `pending`.
    pub(super) fn advance(&mut self, len: usize) {
        self.taken += len;
        debug_assert!(self.taken <= self.bytes.len(), "more taken than there was");
        if self.taken >= self.bytes.len() {
            self.bytes.clear();
            self.taken = 0;
        } else if self.taken >= self.bytes.len() / 2 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seq_wraps_past_zero() {
        let mut out = Outbound::new(WireConfig::default());
        out.seq = u32::MAX - 1;
        let seqs = [(); 3].map(|()| out.put(Command::Ping, &[]));
        assert_eq!(seqs, [u32::MAX, 1, 2]);
    }

    #[test]
    fn what_is_taken_in_any_pieces_is_every_byte_once() {
        for piece in 1..30 {
            let mut out = Outbound::new(WireConfig::default());
            let (mut taken, mut expected) = (Vec::new(), Vec::new());
            for n in 0..20_u8 {
                let before = out.pending().len();
                out.put(Command::Cms, &[n; 7]);
                expected.extend_from_slice(&out.pending()[before..]);
                let some = piece.min(out.pending().len());
                taken.extend_from_slice(&out.pending()[..some]);
                out.advance(some);
            }
            taken.extend_from_slice(out.pending());
            assert_eq!(taken, expected, "pieces of {piece}");
        }
    }
}
