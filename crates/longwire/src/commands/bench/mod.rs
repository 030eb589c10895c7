//! `longwire bench`: what was typed becomes a plan; `longwire_bench` does the rest.

mod args;

use super::client;
use super::connect::{LOCAL_TOKEN, usage};
use crate::exit::{Exit, Failed};
use crate::out;
use anyhow::Context;
use args::{CommonArgs, ExpectArgs, LimitArgs, What};
use longwire_bench::{
    Crowd, Expect, Failure, Kind, LengthReading, Logins, Pin, Plan, Setting, Target, Watch,
};
use std::io::{Read, Write};
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Load a server, and see what it can do
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

/// After a signal: for threads and servers of ours to end.
const END_MAX: Duration = Duration::from_secs(3);
/// What was asked for, checked.
struct Job {
    kind: Kind,
    plan: Plan,
    expect: Expect,
    json: bool,
    against: Against,
}

enum Against {
    Server,
    Bare(Pin),
    Both(Pin, usize),
}

impl BenchArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let job = match self.what {
            What::Fanout(args) => args.job(Kind::Fanout, Against::Server)?,
            What::Idle(args) => args.job(Kind::Idle, Against::Server)?,
            What::Churn(args) => args.job(Kind::Churn, Against::Server)?,
            What::Login(args) => args.job(Kind::Login, Against::Server)?,
            What::Limit(args) => args.common.job(args.what.into(), Against::Bare(args.pin))?,
            What::Compare(args) => {
                let LimitArgs { what, pin, common } = args.limit;
                common.job(what.into(), Against::Both(pin, usize::from(args.rounds.max(1))))?
            }
            What::BareLoop(args) => return bare_loop(args.threads),
        };
        until_signalled(move |stop| job.run(stop))
    }
}

impl Job {
    fn run(&self, stop: &AtomicBool) -> anyhow::Result<Exit> {
        let mut progress = std::io::stderr();
        let mut watch = Watch::new(&mut progress, stop);
        let exe = std::env::current_exe().context("cannot find this binary")?;
        let setting = |pin: &Pin, rounds| Setting { kind: self.kind, exe: &exe, pin: pin.clone(), rounds };
        let (table, json, good) = match &self.against {
            Against::Both(pin, rounds) => {
                let found =
                    longwire_bench::compare(&setting(pin, *rounds), &self.plan, &self.expect, &mut watch);
                let found = found.map_err(failed)?;
                (found.table(), serde_json::to_string(&found)?, found.is_as_expected())
            }
            Against::Bare(_) | Against::Server => {
                let found = match &self.against {
                    Against::Bare(pin) => longwire_bench::limit(&setting(pin, 1), &self.plan, &mut watch),
                    _ => longwire_bench::run(self.kind, &self.plan, &mut watch),
                };
                let mut found = found.map_err(failed)?;
                found.judge(&self.expect);
                (found.table(), serde_json::to_string(&found)?, found.is_as_expected())
            }
        };
        let mut out = out::stdout();
        if self.json {
            writeln!(out, "{json}")?
        } else {
            write!(out, "{table}")?
        }
        Ok(if good { Exit::Done } else { Exit::Failed })
    }
}

impl CommonArgs {
    fn job(mut self, kind: Kind, against: Against) -> anyhow::Result<Job> {
        self.shape.check(kind)?;
        self.connect = self.connect.reached_by(self.run.transport)?;
        if matches!(against, Against::Bare(_)) && self.run.pid.is_some() {
            return Err(usage("the bare loop is started here: it needs no --pid"));
        }
        if matches!(against, Against::Bare(_)) && self.shape.stop.is_some() {
            return Err(usage("the bare loop is for whoever reads: --stop is compared with the same server"));
        }
        let plan = self.plan(kind)?;
        plan.check().map_err(|err| usage(err.to_string()))?;
        let ExpectArgs { expect_p99, expect_loss, expect_rate, json } = self.expect;
        let expect = Expect { p99: expect_p99, loss: expect_loss, rate: expect_rate };
        Ok(Job { kind, plan, expect, json, against })
    }

    fn plan(&self, kind: Kind) -> anyhow::Result<Plan> {
        let (shape, run) = (&self.shape, &self.run);
        let crowd = match kind {
            Kind::Fanout if shape.stop.is_some() => Crowd::Laggards { stop: true },
            Kind::Fanout => Crowd::None,
            Kind::Idle => Crowd::Idle { hold: shape.hold.unwrap_or(Duration::from_secs(30)) },
            Kind::Churn => Crowd::Churn { stay: shape.hold.unwrap_or(Duration::from_secs(1)) },
            Kind::Login => Crowd::Storm,
        };
        let connections = match kind {
            Kind::Fanout => 0,
            Kind::Churn => shape.connections.unwrap_or(100),
            Kind::Idle | Kind::Login => shape.connections.unwrap_or(1000),
        };
        let (asked, mut shape) = (shape, shape.shape(kind));
        let laggards = asked.laggards(&shape);
        shape.members -= laggards;
        let connections = connections + shape.rooms * laggards;
        let speaks = shape.members > 0;
        let secs = run.secs.unwrap_or(10.0);
        let secs = Duration::try_from_secs_f64(secs).map_err(|err| usage(format!("--secs {secs}: {err}")))?;
        let warm = if speaks { Duration::from_secs(2) } else { Duration::ZERO };
        Ok(Plan {
            target: self.target(speaks)?,
            shape,
            crowd,
            connections,
            warm: run.warm.unwrap_or(warm),
            run: secs,
            threads: run.threads,
            sources: run.sources,
            seed: run.seed.unwrap_or_else(any_seed),
            pid: run.pid,
        })
    }

    fn target(&self, speaks: bool) -> anyhow::Result<Target> {
        let connect = &self.connect;
        let logins = match connect.credentials()? {
            Some(own) if own.token_given => Logins::One { user: own.user, token: own.token },
            Some(own) => Logins::Numbered { name: own.user, token: own.token },
            None if connect.is_loopback() || !speaks => Logins::Guests { token: LOCAL_TOKEN.to_owned() },
            None => return Err(usage("guests may not send: --user and --token, for the senders")),
        };
        let (address, carrier) = connect.carrier()?;
        let found = address.to_socket_addrs().ok().and_then(|mut all| all.next());
        let unknown = || Failed::new(Exit::Unreachable, format!("{address}: no such host"));
        let length = if connect.counts_rest() { LengthReading::Rest } else { LengthReading::Body };
        Ok(Target {
            address: found.ok_or_else(unknown)?,
            logins,
            gzip: connect.speaks_gzip(),
            length,
            carrier,
        })
    }
}

/// Runs until it ends, or a signal ends it: then servers that it started are ended too.
fn until_signalled(
    work: impl FnOnce(&AtomicBool) -> anyhow::Result<Exit> + Send + 'static,
) -> anyhow::Result<Exit> {
    let stop = Arc::new(AtomicBool::new(false));
    let (tell, told) = tokio::sync::oneshot::channel();
    let inner = Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        let _ = tell.send(work(&inner)); // after a signal nobody asks any more
    });
    let end = client::until_signalled(async { told.await.context("the generator ended without a report")? });
    stop.store(true, Ordering::Release);
    let deadline = Instant::now() + END_MAX;
    while !thread.is_finished() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    end
}

/// The bare loop as a process of its own; it ends with its stdin.
fn bare_loop(threads: usize) -> anyhow::Result<Exit> {
    let ready = |address| {
        let mut out = out::stdout();
        let _ = writeln!(out, "{address}").and_then(|()| out.flush()); // nobody reads it: nobody needs it
    };
    let end = || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new()); // an error is an end too
    };
    longwire_bench::serve_bare(threads, ready, end).context("the bare loop cannot listen")?;
    Ok(Exit::Done)
}

fn failed(failure: Failure) -> anyhow::Error {
    let exit = match &failure {
        Failure::Plan(_) => Exit::Usage,
        Failure::Interrupted => Exit::Interrupted,
        other if other.is_unreachable() => Exit::Unreachable,
        other if other.is_not_allowed() => Exit::NotAllowed,
        _ => Exit::Failed,
    };
    Failed::new(exit, failure.to_string()).into()
}

fn any_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one("bench") >> 12 // whole in JSON, whoever reads it
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        bench: BenchArgs,
    }

    fn refused(line: &[&str]) -> String {
        let words =
            ["bench"].iter().chain(line).chain(&["--addr", "127.0.0.1:7610", "--user", "", "--token", ""]);
        let args = Line::try_parse_from(words).expect("clap takes it").bench;
        let job = match args.what {
            What::Fanout(args) => args.job(Kind::Fanout, Against::Server),
            What::Idle(args) => args.job(Kind::Idle, Against::Server),
            What::Churn(args) => args.job(Kind::Churn, Against::Server),
            What::Login(args) => args.job(Kind::Login, Against::Server),
            other => panic!("{other:?}"),
        };
        job.map_or_else(|err| err.to_string(), |_| String::new())
    }

    #[test]
    fn flags_that_would_change_nothing_are_refused() {
        for (line, flag) in [
            (&["fanout", "--connections", "5"][..], "--connections"),
            (&["fanout", "--hold", "5s"], "--hold"),
            (&["churn", "--stop", "10"], "--stop"),
            (&["fanout", "--stop", "10", "--secs", "40"], "--stop"),
            (&["idle", "--members", "5"], "--members"),
            (&["idle", "--rate", "5"], "--rate"),
            (&["login", "--window", "5"], "--window"),
            (&["login", "--members", "10", "--hold", "1s"], "--hold"),
            (&["fanout", "--members", "1"], "--members"),
            (&["fanout", "--secs", "0"], "--secs"),
        ] {
            let refusal = refused(line);
            assert!(refusal.contains(flag), "{line:?}: {refusal:?}");
        }
        for line in [
            &["fanout"][..],
            &["fanout", "--stop", "10"],
            &["idle"],
            &["churn"],
            &["login"],
            &["login", "--members", "9", "--rate", "5"],
        ] {
            assert_eq!(refused(line), "", "{line:?}");
        }
    }

    #[test]
    fn every_short_help_fits_a_screen() {
        let mut root = Line::command();
        root.build();
        for sub in root.get_subcommands_mut() {
            let help = sub.render_help().to_string();
            assert!(help.lines().count() <= 48, "too long:\n{help}");
            assert!(help.lines().all(|line| line.chars().count() <= 80), "too wide:\n{help}");
        }
    }
}
