//! How long a client's WebSocket messages take to become frames: masks off, heads out. For comparing two states of the
//! code on one machine.
#![allow(clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use longwire_server::ws::{Event, Reader, Span, header};

/// What a shard reads at once.
const READ_BYTES: usize = 16 * 1024;

/// As many messages of `payload` bytes as fit one read, each one frame with a mask, and how many they are.
fn messages(payload: usize) -> (Vec<u8>, u64) {
    let mut message = header(payload).as_bytes().to_vec();
    message[1] |= 0x80;
    message.extend([0x5A, 0x01, 0xFE, 0x37]);
    message.extend((0..payload).map(|at| at as u8));
    let count = (READ_BYTES / message.len()).max(1);
    (message.repeat(count), count as u64)
}

fn read_all(buffer: &mut [u8]) -> u64 {
    let (mut reader, mut span, mut messages) = (Reader::default(), Span::default(), 0);
    loop {
        match reader.advance(buffer, &mut span, READ_BYTES) {
            Event::Message => messages += 1,
            Event::More => return messages,
            other => panic!("binary messages alone: {other:?}"),
        }
        span.payload = span.raw..span.raw;
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("WebSocket reader");
    for payload in [11, 128, 4096, 16_000] {
        let (bytes, count) = messages(payload);
        assert_eq!(read_all(&mut bytes.clone()), count);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("messages", payload), |bench| {
            let fresh = || bytes.clone(); // masks come off in place
            bench.iter_batched_ref(fresh, |buffer| black_box(read_all(buffer)), BatchSize::LargeInput);
        });
    }
    group.finish();
    criterion.final_summary();
}
