//! Longwire and the bare loop, in turns, on the same machine at the same time: only their ratios mean anything.
//! Where a part of the members stops reading, it is Longwire too that it is compared with, while all of them read; where
//! bytes travel inside TLS or WebSocket, it is Longwire over TCP.
//!
//! Every round runs both, in the other order than the round before, so that neither gets the quieter half. A figure is the
//! median of its rounds; beside each ratio stand the lowest and the highest that a single round gave.

use std::path::Path;

use serde::Serialize;

use crate::bench::run_against;
use crate::carrier::Carrier;
use crate::child::Server;
use crate::expect::{Expect, Verdict};
use crate::failure::{Failure, system};
use crate::figures::{Percentiles, brief, bytes, micros};
use crate::meter::Machine;
use crate::pin::{Pin, Pinned};
use crate::plan::{Crowd, Plan, PlanError};
use crate::report::{Kind, Report, ShapeLine};
use crate::speech::Peer;
use crate::table::{Table, rows_of};
use crate::watch::Watch;

/// Descriptors of a server's table that are no connections, at the least.
const FILES_BESIDE: usize = 64;
/// How full a table may become, in percent: the kernel spreads connections over listeners by a hash.
const TABLE_PERCENT: usize = 90;

/// What to compare, and how.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// What is measured.
    pub kind: Kind,
    /// This binary, which is both servers.
    pub exe: &'a Path,
    /// Who runs where.
    pub pin: Pin,
    /// How often both run.
    pub rounds: usize,
}

/// What a comparison found out.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// `compare`.
    pub bench: &'static str,
    /// What was measured.
    pub kind: Kind,
    /// Of this tool.
    pub version: &'static str,
    /// Where it ran.
    pub machine: Machine,
    /// Of the phases and payloads.
    pub seed: u64,
    /// The same for both.
    pub shape: ShapeLine,
    /// What Longwire is compared with: `bare loop`, `all reading` or `tcp`.
    pub baseline: &'static str,
    /// The server's processors, and the generator's.
    pub pinned: Option<(Vec<usize>, Vec<usize>)>,
    /// What each round said.
    pub rounds: Vec<Round>,
    /// The figures.
    pub ratios: Vec<Ratio>,
    /// What to know before any of them is believed.
    pub warnings: Vec<String>,
    /// What was expected of Longwire's medians, and what came.
    pub expectations: Vec<Verdict>,
}

/// Both, one after the other.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    /// A server of the protocol.
    pub longwire: Report,
    /// What it is compared with.
    pub baseline: Report,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// Which; its unit is its name's end.
    pub figure: &'static str,
    /// The median of its rounds.
    pub longwire: f64,
    /// The median of its rounds.
    pub baseline: f64,
    /// Of the medians: Longwire's in times of the baseline's.
    pub ratio: f64,
    /// In a single round.
    pub ratio_lowest: f64,
    /// In a single round.
    pub ratio_highest: f64,
}

impl Comparison {
    /// Whether all expectations were met.
    pub fn is_as_expected(&self) -> bool {
        self.expectations.iter().all(|verdict| verdict.met)
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut table = Table::default();
        let title =
            format!("compare, longwire {}, {} rounds of each in turns", self.version, self.rounds.len());
        table.row("bench", title);
        table.row("machine", self.machine.line());
        table.row("shape", self.shape.line());
        match &self.pinned {
            Some((server, generator)) => {
                table.row("pinned", format!("server on {server:?}, generator on {generator:?}"))
            }
            None => table.row("pinned", "nobody"),
        }
        table.row(
            "",
            format!("{:<34}{:>12}{:>12}{:>9}   (rounds)", "median", "longwire", self.baseline, "ratio"),
        );
        for ratio in &self.ratios {
            let (name, show) = unit(ratio.figure);
            let (ours, base) = (show(ratio.longwire), show(ratio.baseline));
            let (low, high) = (ratio.ratio_lowest, ratio.ratio_highest);
            let line =
                format!("{name:<34}{ours:>12}{base:>12}{:>9.3}   ({low:.3} to {high:.3})", ratio.ratio);
            table.row("", line);
        }
        for laggards in self.rounds.iter().filter_map(|round| round.longwire.laggards.as_ref()) {
            laggards.rows(&mut table);
        }
        self.warnings.iter().for_each(|warning| table.row("WARNING", warning));
        rows_of(&self.expectations, &mut table);
        table.0
    }
}

/// A figure's name without its unit, and how it is shown.
fn unit(figure: &str) -> (&str, fn(f64) -> String) {
    let shown = [("_us", micros as fn(f64) -> String), ("_bytes", bytes)];
    let found = shown.into_iter().find_map(|(end, show)| Some((figure.strip_suffix(end)?, show)));
    found.unwrap_or((figure, brief))
}

/// The bare loop alone, started for this run.
///
/// # Errors
/// Whatever keeps it from coming to its end.
pub fn limit(setting: &Setting<'_>, plan: &Plan, watch: &mut Watch<'_>) -> Result<Report, Failure> {
    check(plan)?;
    if !plan.target.carrier.is_plain() {
        return Err(PlanError::new("the bare loop speaks plain TCP alone").into());
    }
    let pinned = Pinned::hold(&setting.pin)?;
    run_bare(setting, plan, &pinned, watch)
}

/// Both, in turns. A plan that names the server's process measures that one; else Longwire is started for each round.
///
/// # Errors
/// Whatever keeps a round from coming to its end.
pub fn compare(
    setting: &Setting<'_>,
    plan: &Plan,
    expect: &Expect,
    watch: &mut Watch<'_>,
) -> Result<Comparison, Failure> {
    check(plan)?;
    let machine = Machine::of_this();
    let pinned = Pinned::hold(&setting.pin)?;
    let mut rounds = Vec::new();
    for number in 0..setting.rounds {
        watch.tell(&format!("round {} of {}", number + 1, setting.rounds));
        rounds.push(match number % 2 {
            0 => {
                let longwire = run_longwire(setting, plan, &pinned, watch)?;
                Round { longwire, baseline: run_baseline(setting, plan, &pinned, watch)? }
            }
            _ => {
                let baseline = run_baseline(setting, plan, &pinned, watch)?;
                Round { longwire: run_longwire(setting, plan, &pinned, watch)?, baseline }
            }
        });
    }
    let expectations = expectations(&rounds, expect);
    Ok(Comparison {
        bench: "compare",
        kind: setting.kind,
        version: env!("CARGO_PKG_VERSION"),
        machine,
        seed: plan.seed,
        shape: ShapeLine::of(plan),
        baseline: baseline_of(plan),
        pinned: pinned.cores().map(|(server, generator)| (server.to_vec(), generator.to_vec())),
        ratios: ratios(&rounds),
        warnings: warnings(&rounds, &pinned, baseline_of(plan)),
        rounds,
        expectations,
    })
}

fn check(plan: &Plan) -> Result<(), Failure> {
    if plan.target.gzip {
        return Err(
            PlanError::new("the bare loop compresses nothing: there is no comparison with --gzip").into()
        );
    }
    if plan.target.carrier.tls.is_some() && plan.pid.is_none() {
        let why =
            "a server that is started here has no certificate: start one, and name it by --addr and --pid";
        return Err(PlanError::new(why).into());
    }
    Ok(plan.check()?)
}

fn baseline_of(plan: &Plan) -> &'static str {
    match plan.crowd {
        Crowd::Laggards { .. } => "all reading",
        _ if !plan.target.carrier.is_plain() => "tcp",
        _ => "bare loop",
    }
}

fn run_baseline(
    setting: &Setting<'_>,
    plan: &Plan,
    pinned: &Pinned,
    watch: &mut Watch<'_>,
) -> Result<Report, Failure> {
    if let Crowd::Laggards { .. } = plan.crowd {
        let plan = Plan { crowd: Crowd::Laggards { stop: false }, ..plan.clone() };
        return run_longwire(setting, &plan, pinned, watch);
    }
    if !plan.target.carrier.is_plain() {
        let mut plan = plan.clone();
        plan.target.carrier = Carrier::default();
        return run_longwire(setting, &plan, pinned, watch);
    }
    run_bare(setting, plan, pinned, watch)
}

fn run_longwire(
    setting: &Setting<'_>,
    plan: &Plan,
    pinned: &Pinned,
    watch: &mut Watch<'_>,
) -> Result<Report, Failure> {
    watch.tell(&format!("longwire, {}:", plan.target.carrier.name()));
    let mut plan = plan.clone();
    let started = match plan.pid {
        Some(_) => None,
        None => Some(Server::longwire(setting.exe, tables(&plan)?, plan.everybody(), pinned)?),
    };
    if let Some(server) = &started {
        plan.pid = Some(server.pid());
        plan.target.address = server.address;
    }
    run_against(Peer::Longwire, setting.kind, &plan, watch)
}

fn run_bare(
    setting: &Setting<'_>,
    plan: &Plan,
    pinned: &Pinned,
    watch: &mut Watch<'_>,
) -> Result<Report, Failure> {
    watch.tell("bare loop:");
    let server = Server::bare(setting.exe, tables(plan)?, pinned)?;
    let mut plan = plan.clone();
    plan.pid = Some(server.pid());
    plan.target.address = server.address;
    run_against(Peer::Bare, setting.kind, &plan, watch)
}

/// How many tables of descriptors either server needs: a thread of its own for each. One, where anything is said: the bare
/// loop has a room in one thread, and Longwire is compared with it on one.
fn tables(plan: &Plan) -> Result<usize, Failure> {
    let files = longwire_sys::raise_open_files().map_err(system("ask for the limit of open files"))?.now;
    let places = (files as usize).saturating_sub(FILES_BESIDE).max(1);
    Ok(match plan.crowd {
        Crowd::Idle { .. } if plan.everybody() > places => {
            plan.everybody().div_ceil((places * TABLE_PERCENT / 100).max(1))
        }
        _ => 1,
    })
}

fn expectations(rounds: &[Round], expect: &Expect) -> Vec<Verdict> {
    let median_of =
        |figure: fn(&Report) -> f64| median(rounds.iter().map(|round| figure(&round.longwire)).collect());
    let faults = rounds.iter().map(|round| round.longwire.faults()).max().unwrap_or(0);
    expect.judge(median_of(Report::p99_us), faults, median_of(Report::rate))
}

fn warnings(rounds: &[Round], pinned: &Pinned, baseline: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    if pinned.cores().is_none() {
        warnings.push("nobody is pinned: server and generator may share a core".to_owned());
    }
    for (number, round) in rounds.iter().enumerate() {
        for (who, report) in [("longwire", &round.longwire), (baseline, &round.baseline)] {
            let faults = report.faults();
            if faults > 0 {
                warnings.push(format!("round {}, {who}: {faults} faults (loss, order, drops)", number + 1));
            }
            warnings
                .extend(report.warnings.iter().map(|text| format!("round {}, {who}: {text}", number + 1)));
        }
    }
    warnings
}

/// Every figure that both have in all rounds.
fn ratios(rounds: &[Round]) -> Vec<Ratio> {
    FIGURES.iter().filter_map(|(name, figure)| ratio(name, *figure, rounds)).collect()
}

fn ratio(name: &'static str, figure: fn(&Report) -> Option<f64>, rounds: &[Round]) -> Option<Ratio> {
    let all = |of: fn(&Round) -> &Report| {
        rounds.iter().map(|round| figure(of(round))).collect::<Option<Vec<f64>>>()
    };
    let (longwire, baseline) = (all(|round| &round.longwire)?, all(|round| &round.baseline)?);
    let each: Vec<f64> = longwire.iter().zip(&baseline).map(|(ours, base)| ours / base).collect();
    let (longwire, baseline) = (median(longwire), median(baseline));
    let lowest = each.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = each.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let ratio = Ratio {
        figure: name,
        longwire,
        baseline,
        ratio: longwire / baseline,
        ratio_lowest: lowest,
        ratio_highest: highest,
    };
    (ratio.ratio.is_finite() && !rounds.is_empty()).then_some(ratio)
}

type Figure = fn(&Report) -> Option<f64>;

const FIGURES: &[(&str, Figure)] = &[
    ("server_cpu_per_delivery_us", |report| report.server_use.as_ref()?.cpu_us_per_delivery),
    ("deliveries_per_server_cpu_s", |report| report.server_use.as_ref()?.deliveries_per_cpu_s),
    ("deliveries_per_s", |report| Some(report.fanout.as_ref()?.deliveries_per_s)),
    ("messages_per_flush", |report| Some(report.fanout.as_ref()?.messages_per_flush)),
    ("latency_p50_us", |report| Some(came(&report.fanout.as_ref()?.latency)?.p50_us)),
    ("latency_p99_us", |report| Some(came(&report.fanout.as_ref()?.latency)?.p99_us)),
    ("latency_max_us", |report| Some(came(&report.fanout.as_ref()?.latency)?.max_us)),
    ("last_member_p50_us", |report| Some(came(&report.fanout.as_ref()?.last_member)?.p50_us)),
    ("last_member_p99_us", |report| Some(came(&report.fanout.as_ref()?.last_member)?.p99_us)),
    ("connections_held", |report| Some(report.idle.as_ref()?.held as f64)),
    ("connects_per_s", |report| Some(report.idle.as_ref()?.connects_per_s)),
    ("user_memory_per_connection_bytes", |report| report.idle.as_ref()?.user_bytes_per_connection),
    ("kernel_memory_per_connection_bytes", |report| report.idle.as_ref()?.kernel_bytes_per_connection),
    ("logins_per_s", |report| Some(report.login.as_ref()?.logins_per_s)),
    ("login_p99_us", |report| Some(came(&report.login.as_ref()?.entry)?.p99_us)),
    ("reconnects_per_s", |report| Some(report.churn.as_ref()?.reconnects_per_s)),
    ("server_cpu_cores", |report| Some(report.server_use.as_ref()?.cpu_cores)),
];

fn came(percentiles: &Percentiles) -> Option<&Percentiles> {
    (percentiles.count > 0).then_some(percentiles)
}

/// The middle one, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[at],
        _ => (values[at - 1] + values[at]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn figures_are_shown_in_their_unit() {
        let shown = |figure| {
            let (name, show) = unit(figure);
            (name.to_owned(), show(2048.0))
        };
        assert_eq!(shown("latency_p50_us"), ("latency_p50".into(), "2.05 ms".into()));
        assert_eq!(shown("user_memory_per_connection_bytes").1, "2048 B");
        assert_eq!(shown("deliveries_per_s"), ("deliveries_per_s".into(), "2048".into()));
    }
}
