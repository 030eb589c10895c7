//! The four measurements: which moments a run has, and which differences between them are its figures.

use std::time::Duration;

use crate::failure::Failure;
use crate::figures::{Percentiles, micros};
use crate::fleet::{Fleet, Sample};
use crate::meter::Machine;
use crate::plan::{Crowd, Load, Plan};
use crate::report::{Churn, Fanout, Generator, Idle, Kind, Laggards, Login, Report, ServerUse, ShapeLine};
use crate::shared::Shared;
use crate::speech::Peer;
use crate::watch::Watch;
use crate::worker::{Harvest, Measured};

/// Before memory is looked at: what a burst of connections left to be done is done by then.
const SETTLE: Duration = Duration::from_millis(500);
/// The generator's threads wait less than this share of the time: it may be what is measured.
const IDLE_MIN: f64 = 0.03;
/// Its CPU time is more than this share of its cores.
const CPU_MAX: f64 = 0.95;
/// Messages are written so much later than due, as a share of the latency at p99.
const LATE_MAX: f64 = 0.2;

/// Runs one measurement against a server of the protocol.
///
/// # Errors
/// Whatever keeps it from coming to its end; there is no report then.
pub fn run(kind: Kind, plan: &Plan, watch: &mut Watch<'_>) -> Result<Report, Failure> {
    run_against(Peer::Longwire, kind, plan, watch)
}

pub(crate) fn run_against(
    peer: Peer,
    kind: Kind,
    plan: &Plan,
    watch: &mut Watch<'_>,
) -> Result<Report, Failure> {
    let mut fleet = Fleet::start(plan, peer, watch)?;
    let run = Run { peer, kind, plan, machine: Machine::of_this() };
    match kind {
        Kind::Fanout => {
            if let Crowd::Laggards { .. } = plan.crowd {
                fleet.gather()?;
                fleet.admit(plan.connections, Duration::MAX)?;
            }
            run.fanout(fleet)
        }
        Kind::Churn => {
            fleet.gather()?;
            fleet.open_gate();
            run.fanout(fleet)
        }
        Kind::Idle => run.idle(fleet),
        Kind::Login => run.login(fleet),
    }
}

struct Run<'a> {
    peer: Peer,
    kind: Kind,
    plan: &'a Plan,
    machine: Machine,
}

impl Run<'_> {
    /// Warm-up, then so long of traffic; with a crowd that comes and goes, or without.
    fn fanout(self, mut fleet: Fleet<'_, '_>) -> Result<Report, Failure> {
        let before = fleet.sample();
        fleet.gather()?;
        fleet.go(self.plan.warm, Some(self.plan.run));
        let open = fleet.until_open()?;
        let close = fleet.until_closed()?;
        fleet.drain()?;
        let (shared, means) = (std::sync::Arc::clone(&fleet.shared), fleet.means);
        let harvest = fleet.end()?;
        let mut report = self.report(&shared, (before, open, close), &harvest);
        report.generator.sources = means.sources;
        if let Crowd::Churn { .. } = self.plan.crowd {
            let a_second =
                |figure: fn(&Sample) -> u64| (figure(&close) - figure(&open)) as f64 / report.run_s;
            report.churn = Some(Churn {
                joins_per_s: a_second(|sample| sample.joins),
                leaves_per_s: a_second(|sample| sample.leaves),
                reconnects_per_s: a_second(|sample| sample.reconnects),
                entry: Percentiles::of(&harvest.entry),
                failed: shared.sum(|tally| &tally.crowd_failed),
                dropped: shared.sum(|tally| &tally.drops),
            });
        }
        if let Crowd::Laggards { stop } = self.plan.crowd {
            report.laggards = Some(self.laggards_of(&shared, &harvest, stop, close.at_ns));
        }
        Ok(report)
    }

    fn laggards_of(&self, shared: &Shared, harvest: &Harvest, stopped: bool, close_ns: u64) -> Laggards {
        let found = &harvest.laggards;
        Laggards {
            members: self.plan.connections,
            stopped,
            received: found.account.received,
            overtaken: found.account.lost,
            faults: found.account.faults() - found.account.lost,
            disconnected: shared.sum(|tally| &tally.drops) + shared.sum(|tally| &tally.crowd_failed),
            caught_up: found.caught_up,
            caught_up_after_s: found.last_ns.saturating_sub(close_ns) as f64 / 1e9,
        }
    }

    /// A fifth of them, then all, then a long while.
    fn idle(self, mut fleet: Fleet<'_, '_>) -> Result<Report, Failure> {
        let Crowd::Idle { hold } = self.plan.crowd else { return Err(Failure::Interrupted) };
        let (few, all) = (self.plan.connections.div_ceil(5), self.plan.connections);
        let before = fleet.sample();
        let mut took = fleet.admit(few, Duration::MAX)?;
        fleet.pause(SETTLE)?;
        let at_few = fleet.sample();
        took += fleet.admit(all, Duration::MAX)?;
        fleet.pause(SETTLE)?;
        let at_all = fleet.sample();
        let shared = std::sync::Arc::clone(&fleet.shared);
        let came = shared.sum(|tally| &tally.crowd_in);
        fleet.go(Duration::ZERO, Some(hold));
        let open = fleet.until_open()?;
        let close = fleet.until_closed()?;
        let means = fleet.means;
        let harvest = fleet.end()?;
        let mut report = self.report(&shared, (before, open, close), &harvest);
        report.generator.sources = means.sources;
        let each = |figure: fn(&Sample) -> Option<u64>| {
            let more = figure(&at_all)? as f64 - figure(&at_few)? as f64;
            (all > few).then(|| more / (all - few) as f64)
        };
        let dropped = shared.sum(|tally| &tally.drops);
        report.idle = Some(Idle {
            wanted: all,
            held: came - dropped.min(came),
            failed: shared.sum(|tally| &tally.crowd_failed),
            dropped,
            connects_per_s: came as f64 / took.as_secs_f64(),
            entry: Percentiles::of(&harvest.entry),
            hold_s: hold.as_secs_f64(),
            pings: shared.sum(|tally| &tally.pings),
            pongs: shared.sum(|tally| &tally.pongs),
            late_pongs: shared.sum(|tally| &tally.missed),
            user_bytes_per_connection: each(|sample| sample.server_rss),
            kernel_bytes_per_connection: each(|sample| sample.kernel),
        });
        warn_of_refusals(&mut report, &harvest);
        Ok(report)
    }

    /// A room is served, if there is one; then all of them come at once.
    fn login(self, mut fleet: Fleet<'_, '_>) -> Result<Report, Failure> {
        let before = fleet.sample();
        fleet.gather()?;
        fleet.go(self.plan.warm, None);
        let open = fleet.until_open()?;
        let took = fleet.admit(self.plan.connections, self.plan.run)?;
        fleet.close_now();
        let close = fleet.until_closed()?;
        let shared = std::sync::Arc::clone(&fleet.shared);
        let logins = shared.sum(|tally| &tally.crowd_in);
        if self.plan.speaks() {
            fleet.drain()?;
        }
        let means = fleet.means;
        let harvest = fleet.end()?;
        let mut report = self.report(&shared, (before, open, close), &harvest);
        report.generator.sources = means.sources;
        report.login = Some(Login {
            wanted: self.plan.connections,
            logins,
            failed: shared.sum(|tally| &tally.crowd_failed),
            took_s: took.as_secs_f64(),
            logins_per_s: logins as f64 / took.as_secs_f64(),
            entry: Percentiles::of(&harvest.entry),
        });
        warn_of_refusals(&mut report, &harvest);
        Ok(report)
    }

    fn report(
        &self,
        shared: &Shared,
        (before, open, close): (Sample, Sample, Sample),
        harvest: &Harvest,
    ) -> Report {
        let run_s = (close.at_ns.saturating_sub(open.at_ns)) as f64 / 1e9;
        let measured = &harvest.measured;
        let mut report = Report {
            bench: self.kind,
            server: match self.peer {
                Peer::Longwire => "longwire",
                Peer::Bare => "bare",
            },
            address: self.plan.target.address.to_string(),
            version: env!("CARGO_PKG_VERSION"),
            machine: self.machine.clone(),
            seed: self.plan.seed,
            shape: ShapeLine::of(self.plan),
            run_s,
            warm_s: self.plan.warm.as_secs_f64(),
            fanout: self.plan.speaks().then(|| self.fanout_of(shared, harvest, run_s)),
            idle: None,
            churn: None,
            login: None,
            laggards: None,
            server_use: self.plan.pid.and_then(|pid| server_use(pid, (before, open, close), measured)),
            generator: generator(shared, harvest),
            warnings: Vec::new(),
            expectations: Vec::new(),
        };
        report.warnings = warnings(&report, self.plan, measured);
        report
    }

    fn fanout_of(&self, shared: &Shared, harvest: &Harvest, run_s: f64) -> Fanout {
        let Measured { messages, deliveries, pushes, unsent, .. } = harvest.measured;
        Fanout {
            messages_per_s: messages as f64 / run_s,
            deliveries_per_s: deliveries as f64 / run_s,
            messages_per_flush: if pushes == 0 { 0.0 } else { deliveries as f64 / pushes as f64 },
            latency: Percentiles::of(&harvest.latency),
            last_member: Percentiles::of(&harvest.last),
            from_schedule: matches!(self.plan.shape.load, Load::Rate(_)),
            account: harvest.account,
            dropped_members: shared.sum(|tally| &tally.members_dropped),
            refused: shared.sum(|tally| &tally.refusals),
            unsent,
        }
    }
}

fn server_use(
    pid: u32,
    (before, open, close): (Sample, Sample, Sample),
    measured: &Measured,
) -> Option<ServerUse> {
    let cpu_s = close.server_cpu_s? - open.server_cpu_s?;
    let wall_s = (close.at_ns.saturating_sub(open.at_ns)) as f64 / 1e9;
    let counts = measured.deliveries > 0 && cpu_s > 0.0;
    Some(ServerUse {
        pid,
        cpu_cores: if wall_s > 0.0 { cpu_s / wall_s } else { 0.0 },
        deliveries_per_cpu_s: counts.then(|| measured.deliveries as f64 / cpu_s),
        cpu_us_per_delivery: counts.then(|| cpu_s * 1e6 / measured.deliveries as f64),
        rss_before_bytes: before.server_rss,
        rss_after_bytes: close.server_rss,
    })
}

fn generator(shared: &Shared, harvest: &Harvest) -> Generator {
    let threads = shared.wakers.len();
    let busy = harvest.measured.busy;
    let wall = busy.wall_ns.max(1) as f64;
    Generator {
        threads,
        cores: longwire_sys::allowed_cpus().map_or(1, |cpus| cpus.len()),
        sources: 1,
        cpu_cores: busy.cpu_ns as f64 / wall,
        idle_share: (busy.idle_ns as f64 / wall / threads as f64).min(1.0),
        late: Percentiles::of(&harvest.late),
    }
}

/// What makes figures those of the generator, not of the server.
fn warnings(report: &Report, plan: &Plan, measured: &Measured) -> Vec<String> {
    let mut warnings = Vec::new();
    let Generator { threads, cores, cpu_cores, idle_share, late, .. } = &report.generator;
    let able = (*threads).min(*cores) as f64;
    if *cpu_cores > CPU_MAX * able || *idle_share < IDLE_MIN {
        warnings.push(format!(
            "the generator is at its limit ({cpu_cores:.2} of {able} cores, {:.0} % idle): rates and latencies are its own; \
             what is said of a server-CPU-second holds. More --threads on more cores measure the server",
            idle_share * 100.0
        ));
    }
    let Some(fanout) = &report.fanout else { return warnings };
    if late.p99_us > LATE_MAX * fanout.latency.p99_us {
        warnings.push(format!(
            "messages were written {} late at p99: part of the latency is the generator's",
            micros(late.p99_us)
        ));
    }
    if let Load::Rate(rate) = plan.shape.load {
        let offered = rate * (plan.shape.rooms * plan.shape.senders) as f64;
        if fanout.messages_per_s < 0.98 * offered - 1.0 {
            warnings.push(format!(
                "{:.0} messages/s were offered and {:.0} sent: the server does not keep this rate",
                offered, fanout.messages_per_s
            ));
        }
    }
    if measured.given_up > 0 {
        warnings.push(format!(
            "{} messages did not reach every member within 5 s and were given up",
            measured.given_up
        ));
    }
    warnings
}

fn warn_of_refusals(report: &mut Report, harvest: &Harvest) {
    if let Some(refusal) = &harvest.first_refusal {
        report.warnings.push(format!("not everybody came in; the first: {refusal}"));
    }
}
