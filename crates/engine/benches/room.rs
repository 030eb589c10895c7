//! How long the engine takes, sockets left out: a message to a room, a burst, a CMS on its way in, a heartbeat. For
//! comparing two states of the code on one machine; what must not grow unseen is counted, not clocked (`./test counts`).

#[path = "../tests/hall/mod.rs"]
mod hall;

use criterion::{BenchmarkId, Criterion, Throughput};
use hall::{BODY, GZIP, Hall, REST, code};
use longwire_wire::{Command, Flow, Status, put_frame};

/// A message from its bytes to its offer to every member: the round, and what leads to it.
fn rounds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("round");
    for (members, dialects, name) in [
        (1_000, &[BODY][..], "plain"),
        (10_000, &[BODY], "plain"),
        (1_000, &[BODY, REST, GZIP], "3 dialects"),
    ] {
        let mut hall = Hall::new(members, dialects, 1_000);
        group.throughput(Throughput::Elements(members as u64));
        group.bench_function(BenchmarkId::new(name, members), |bench| bench.iter(|| hall.message()));
    }
    let mut hall = Hall::new(1_000, &[BODY], 128);
    let burst = hall.cms.repeat(32);
    group.throughput(Throughput::Elements(32_000));
    group.bench_function("burst of 32", |bench| bench.iter(|| hall.says(hall.speaker, &burst)));
    group.finish();
}

/// A CMS to a room where its sender is alone: checked, spliced, sequenced, and sent to nobody.
fn publish(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish");
    for content in [16, 128, 4_096] {
        let mut hall = Hall::new(0, &[BODY], content);
        group.bench_function(BenchmarkId::from_parameter(content), |bench| bench.iter(|| hall.message()));
    }
    group.finish();
}

fn heartbeat(criterion: &mut Criterion) {
    let (mut hall, mut ping) = (Hall::new(1, &[BODY], 128), Vec::new());
    put_frame(&mut ping, BODY, code(Command::Ping), Flow::Request, 7, Status::OK, &[]);
    criterion.bench_function("heartbeat", |bench| bench.iter(|| hall.says(1, &ping)));
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    rounds(&mut criterion);
    publish(&mut criterion);
    heartbeat(&mut criterion);
    criterion.final_summary();
}
