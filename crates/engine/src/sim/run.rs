//! One seed from its first step to its verdict, and the search for the shortest run that fails.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::World;
use super::corners::Corners;
use crate::planted::Planted;

/// A run that went wrong; shown with the command that repeats it.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) seed: u64,
    pub(super) steps: usize,
    pub(super) what: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, steps, what } = self;
        write!(
            f,
            "seed {seed}, {steps} steps: {what}\nagain: LONGWIRE_SIM_SEED={seed} LONGWIRE_SIM_STEPS={steps} \
             cargo test -p longwire-engine sim::tests::one_seed -- --nocapture"
        )
    }
}

#[derive(Clone, Copy, Default)]
pub(super) struct Options {
    pub(super) planted: Option<Planted>,
    /// Fewer steps than the plan has, then the end.
    pub(super) steps: Option<usize>,
    pub(super) verbose: bool,
}

/// Runs a seed.
pub(super) fn simulate(seed: u64, options: Options) -> Result<Corners, Failure> {
    let mut steps = 0;
    hush_panics();
    PANIC.set(Some(String::new()));
    let outcome = catch_unwind(AssertUnwindSafe(|| run(seed, options, &mut steps)));
    let panic = PANIC.take().unwrap_or_default();
    match outcome {
        Ok(Ok(corners)) => Ok(corners),
        Ok(Err(what)) => Err(Failure { seed, steps, what }),
        Err(_) => Err(Failure { seed, steps, what: panic }),
    }
}

thread_local! {
    /// The last panic of this thread's simulation, if it is in one.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics of simulations are told with their seed, not as they happen: a shrinking seed panics many times.
fn hush_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !PANIC.with_borrow_mut(|told| told.as_mut().map(|told| *told = info.to_string()).is_some()) {
                usual(info);
            }
        }));
    });
}

fn run(seed: u64, options: Options, steps: &mut usize) -> Result<Corners, String> {
    let mut world = World::new(seed, options.planted, options.verbose);
    let max = options.steps.unwrap_or(world.plan.steps);
    if options.verbose {
        println!("{:?}", world.plan.config);
    }
    while *steps < max {
        *steps += 1;
        world.step()?;
    }
    world.finish()?;
    let lives = world.truth.lives();
    for _ in 0..lives.saturating_sub(world.plan.rooms) {
        world.corners.note("a room had two lives");
    }
    for _ in 0..world.truth.users.reserved {
        world.corners.note("chat was refused what priority may have");
    }
    for _ in 0..world.shards.iter().map(|shard| shard.stats.silent_leaves).sum::<u64>() {
        world.corners.note("a room was left silently");
    }
    Ok(world.corners)
}

/// The same failure with fewer steps, where halving finds one.
pub(super) fn shrink(failure: Failure, options: Options) -> Failure {
    let mut best = failure;
    let mut cut = best.steps / 2;
    while cut > 0 {
        let steps = Some(best.steps - cut);
        match simulate(best.seed, Options { steps, ..options }) {
            Err(shorter) if shorter.steps < best.steps => best = shorter,
            _ => cut /= 2,
        }
    }
    best
}
