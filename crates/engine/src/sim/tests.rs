//! The simulation as tests: many seeds, one seed, and each planted bug.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::corners::Corners;
use super::run::{Failure, Options, shrink, simulate};
use crate::planted::Planted;

/// Seeds of the normal test run.
const SEEDS: u64 = 10_000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// Runs seeds on all processors: the first failures, and which corners were seen.
fn run_seeds(seeds: u64, options: Options) -> (Vec<Failure>, Corners) {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let worker = || {
            let (mut failures, mut corners) = (Vec::new(), Corners::default());
            while failures.len() < 5 {
                let seed = next.fetch_add(1, Relaxed);
                if seed >= seeds {
                    break;
                }
                match simulate(seed, options) {
                    Ok(seen) => corners.add(&seen),
                    Err(failure) => failures.push(failure),
                }
            }
            (failures, corners)
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let (mut failures, mut corners) = (Vec::new(), Corners::default());
        for worker in workers {
            let (failed, seen) = worker.join().unwrap();
            failures.extend(failed);
            corners.add(&seen);
        }
        (failures, corners)
    })
}

#[test]
fn every_seed_keeps_every_promise() {
    let seeds = setting("LONGWIRE_SIM_SEEDS").unwrap_or(SEEDS);
    let (failures, corners) = run_seeds(seeds, Options::default());
    let number = failures.len();
    for failure in failures {
        println!("{}\n", shrink(failure, Options::default()));
    }
    assert_eq!(number, 0, "seeds failed, see above");
    for what in Corners::all() {
        println!("{:>9} {what}", corners.seen(what));
        assert!(corners.seen(what) > 0 || seeds < 1_000, "no seed comes to where {what}");
    }
}

/// The first of so many seeds that finds a planted bug, by what the model says and not by an accident inside.
/// The same seeds pass without it.
fn finds(bug: Planted, seeds: u64, says: &str) {
    let planted = Options { planted: Some(bug), ..Options::default() };
    let found = (0..seeds).find(|&seed| {
        assert!(simulate(seed, Options::default()).is_ok(), "seed {seed} fails without the bug");
        simulate(seed, planted).is_err_and(|failure| failure.what.contains(says))
    });
    println!("{bug:?}: found by seed {found:?}");
    assert!(found.is_some(), "{seeds} seeds do not find {bug:?}");
}

#[test]
fn finds_a_member_skipped_after_swap_remove() {
    finds(Planted::SkipAfterSwapRemove, 300, "do not balance");
}

#[test]
fn finds_a_push_before_the_answer_to_join() {
    finds(Planted::PushBeforeJoinAnswer, 200, "before JOIN's answer");
}

#[test]
fn finds_an_own_message_echoed() {
    finds(Planted::OwnMessageEchoed, 50, "its own message");
}

#[test]
fn finds_a_late_login_answer_on_a_reused_slot() {
    finds(Planted::LateAuthOnReusedSlot, 100, "and asked to be");
}

#[test]
fn finds_a_lost_wake_up() {
    finds(Planted::LostWakeup, 300, "a lost wake-up");
}

#[test]
fn finds_a_miscounted_drop() {
    finds(Planted::MiscountedDrop, 50, "do not balance");
}

#[test]
fn finds_a_late_end_that_takes_its_successor() {
    finds(Planted::LateEndTakesSuccessor, 500, "was replaced, and is still there");
}

#[test]
fn finds_a_renewal_behind_its_successor() {
    finds(Planted::RenewedAfterReplaced, 500, "closed without reason: Replaced");
}

#[test]
fn finds_an_expired_user_who_speaks() {
    finds(Planted::ExpiredMaySend, 100, "after its token's end");
}

#[test]
fn finds_a_refusal_that_costs_others() {
    finds(Planted::RefusalCostsOthers, 100, "has its permits");
}

#[test]
fn finds_a_name_that_is_given_twice() {
    finds(Planted::GenerationsBeginAgain, 50, "has the name of client");
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
