//! The simulation as tests: many seeds, one seed, and each planted bug.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::run::{Failure, Options, shrink, simulate};

/// Seeds of the normal test run.
const SEEDS: u64 = 2_000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// Runs seeds on all processors; the first failure of each.
fn run_seeds(seeds: u64, options: Options) -> Vec<Failure> {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let worker = || {
            let mut failures = Vec::new();
            while failures.len() < 5 {
                let seed = next.fetch_add(1, Relaxed);
                if seed >= seeds {
                    break;
                }
                failures.extend(simulate(seed, options).err());
            }
            failures
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

#[test]
fn every_seed_keeps_every_promise() {
    let failures = run_seeds(setting("LONGWIRE_SIM_SEEDS").unwrap_or(SEEDS), Options::default());
    let number = failures.len();
    for failure in failures {
        println!("{}\n", shrink(failure, Options::default()));
    }
    assert_eq!(number, 0, "seeds failed, see above");
}

/// `LONGWIRE_SIM_SEED=n` runs that seed alone, and says all that happens.
#[test]
fn one_seed() {
    let Some(seed) = setting("LONGWIRE_SIM_SEED") else { return };
    let steps = setting("LONGWIRE_SIM_STEPS").map(|steps| steps as usize);
    if let Err(failure) = simulate(seed, Options { steps, verbose: true, ..Options::default() }) {
        panic!("{failure}");
    }
}
