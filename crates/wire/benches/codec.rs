//! How long the codec takes: frames, bodies, records, gzip. For comparing two states of the code on one machine; what
//! must not grow unseen is counted, not clocked (`./test counts`).
#![allow(clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use longwire_wire::{
    Cms, CmsRules, Command, CommandMap, Decoder, Deflater, Dialect, Flow, Inflater, LengthReading, Message,
    Status, limits, parse_push, put_cms, put_frame, put_record, put_record_fields, put_room_tail,
};

const BODY: Dialect = Dialect { length: LengthReading::Body, version: 0, gzip: false };
const RULES: CmsRules<'_> = CmsRules {
    id_max: limits::ID_BYTES_MAX,
    content_max: limits::BODY_BYTES_MAX as usize,
    relay_fields: &[],
};
const NOW_MS: u64 = 1_700_000_000_000;
const FRAMES: usize = 100;

/// A CMS whose text is words, as far as `content` bytes go.
fn cms(content: usize) -> Vec<u8> {
    let words = b"shall we meet at nine in front of the old theatre or is that too late for you ";
    let content = words.iter().copied().cycle().take(content).collect();
    let mut body = Vec::new();
    put_cms(&mut body, &Message { content, to: "lobby".into(), ..Message::default() });
    body
}

/// The body of a push with so many records of 128 bytes.
fn push(records: usize) -> Vec<u8> {
    let (cms, mut fields, mut push) = (cms(128), Vec::new(), Vec::new());
    let cms = Cms::parse(&cms, &RULES).unwrap();
    let split = put_record_fields(&mut fields, &cms, &RULES, "alice", None);
    (0..records).for_each(|_| put_record(&mut push, &fields, split, NOW_MS));
    put_room_tail(&mut push, "lobby");
    push
}

fn frames(criterion: &mut Criterion) {
    let code = CommandMap::default().code(Command::Cms);
    let mut group = criterion.benchmark_group("frames");
    group.throughput(Throughput::Elements(FRAMES as u64));
    let (body, mut stream) = (cms(128), Vec::new());
    (0..FRAMES).for_each(|_| put_frame(&mut stream, BODY, code, Flow::Request, 1, Status::OK, &body));
    group.bench_function("decode", |bench| {
        bench.iter(|| {
            let (mut decoder, mut rest) = (Decoder::new(BODY.length, limits::BODY_BYTES_MAX), &stream[..]);
            while let Some((frame, taken)) = decoder.next(black_box(rest)).unwrap() {
                black_box(frame);
                rest = &rest[taken..];
            }
        });
    });
    group.bench_function("encode", |bench| {
        let mut out = Vec::with_capacity(stream.len());
        bench.iter(|| {
            out.clear();
            (0..FRAMES).for_each(|_| put_frame(&mut out, BODY, code, Flow::Request, 1, Status::OK, &body));
            black_box(out.len())
        });
    });
    group.finish();
}

fn records(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("records");
    let cms = cms(128);
    group.bench_function("CMS to record", |bench| {
        let (mut fields, mut record) = (Vec::new(), Vec::new());
        bench.iter(|| {
            fields.clear();
            record.clear();
            let parsed = Cms::parse(black_box(&cms), &RULES).unwrap();
            let split = put_record_fields(&mut fields, &parsed, &RULES, "alice", None);
            put_record(&mut record, &fields, split, NOW_MS);
            black_box(record.len())
        });
    });
    let push = push(16);
    group.bench_function("push of 16 to messages", |bench| bench.iter(|| parse_push(black_box(&push))));
    group.finish();
}

fn gzip(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gzip");
    for records in [4, 64, 400] {
        let (body, mut member) = (push(records), Vec::new());
        group.throughput(Throughput::Bytes(body.len() as u64));
        let (mut deflater, mut inflater, mut out) = (Deflater::new(6), Inflater::new(), Vec::new());
        deflater.deflate(&body, &mut member);
        group.bench_function(BenchmarkId::new("deflate", body.len()), |bench| {
            bench.iter(|| {
                out.clear();
                deflater.deflate(black_box(&body), &mut out);
            });
        });
        group.bench_function(BenchmarkId::new("inflate", body.len()), |bench| {
            bench.iter(|| inflater.inflate(black_box(&member), body.len(), &mut out).unwrap());
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    frames(&mut criterion);
    records(&mut criterion);
    gzip(&mut criterion);
    criterion.final_summary();
}
