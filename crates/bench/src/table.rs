//! A report for people: names on the left, what they are on the right, latency beside throughput.

use std::fmt::Write as _;

use crate::expect::Verdict;
use crate::figures::{brief, bytes, micros, seconds};
use crate::meter::Machine;
use crate::report::{Churn, Fanout, Generator, Idle, Kind, Laggards, Login, Report, ServerUse, ShapeLine};
use crate::verify::Account;

/// Names on the left, what they are on the right.
#[derive(Default)]
pub(crate) struct Table(pub(crate) String);

impl Table {
    pub(crate) fn row(&mut self, name: &str, text: impl AsRef<str>) {
        let _ = writeln!(self.0, "{name:<14} {}", text.as_ref()); // memory takes it
    }
}

impl Machine {
    pub(crate) fn line(&self) -> String {
        format!("{} × {}, Linux {}", self.cores, self.cpu, self.kernel)
    }
}

impl Report {
    /// The table.
    pub fn table(&self) -> String {
        let mut table = Table::default();
        table.row("bench", format!("{}, longwire {}", self.title(), self.version));
        table.row("machine", self.machine.line());
        table.row("shape", self.shape.line());
        table.row(
            "run",
            format!("{:.1} s behind {:.1} s of warm-up, seed {}", self.run_s, self.warm_s, self.seed),
        );
        if let Some(fanout) = &self.fanout {
            fanout.rows(&mut table);
        }
        if let Some(idle) = &self.idle {
            idle.rows(&mut table);
        }
        if let Some(churn) = &self.churn {
            churn.rows(&mut table);
        }
        if let Some(login) = &self.login {
            login.rows(&mut table);
        }
        if let Some(laggards) = &self.laggards {
            laggards.rows(&mut table);
        }
        if let Some(server) = &self.server_use {
            server.rows(&mut table);
        }
        self.generator.rows(&mut table);
        self.warnings.iter().for_each(|warning| table.row("WARNING", warning.clone()));
        rows_of(&self.expectations, &mut table);
        table.0
    }

    fn title(&self) -> String {
        let kind = match self.bench {
            Kind::Fanout => "fanout",
            Kind::Idle => "idle",
            Kind::Churn => "churn",
            Kind::Login => "login",
        };
        format!(
            "{kind} against {} ({})",
            if self.server == "bare" { "the bare loop" } else { "a server" },
            self.address
        )
    }
}

impl ShapeLine {
    pub(crate) fn line(&self) -> String {
        let mut line = format!("{} room{}", self.rooms, if self.rooms == 1 { "" } else { "s" });
        if self.members > 0 {
            line += &format!(
                " × {} members, {} of them speaking, {} B",
                self.members, self.senders, self.size_bytes
            );
        }
        if let Some(rate) = self.rate {
            line += &format!(", {rate} messages/s each in batches of {}", self.batch);
        }
        if let Some(window) = self.window {
            line += &format!(", window {window}");
        }
        if self.connections > 0 {
            line += &format!(", {} connections", self.connections);
        }
        line + ", " + self.transport + if self.gzip { ", gzip" } else { "" }
    }
}

impl Fanout {
    fn rows(&self, table: &mut Table) {
        let Self { messages_per_s, deliveries_per_s, messages_per_flush, .. } = self;
        let rates = format!("{}/s, deliveries {}/s", brief(*messages_per_s), brief(*deliveries_per_s));
        table.row("messages", rates);
        table.row("a flush", format!("{} messages", brief(*messages_per_flush)));
        table.row("latency", self.latency.line());
        table.row("last member", self.last_member.line());
        let from = match self.from_schedule {
            true => "when each message was due by schedule (open loop)",
            false => "when each message was written (closed loop: a stall delays what would have come next)",
        };
        table.row("", format!("from {from}"));
        let Account { received, lost, twice, disordered, own, foreign } = self.account;
        table.row(
            "loss, order",
            format!(
                "{lost} lost, {twice} twice, {disordered} out of order, {own} of its own, of {}",
                received + lost
            ),
        );
        let odd = [
            (self.dropped_members, "members were disconnected"),
            (self.refused, "messages were refused"),
            (self.unsent, "messages were due and could not be sent any more"),
            (foreign, "messages of somebody else were in the rooms"),
        ];
        for (count, what) in odd.into_iter().filter(|(count, _)| *count > 0) {
            table.row("", format!("{count} {what}"));
        }
    }
}

impl Laggards {
    pub(crate) fn rows(&self, table: &mut Table) {
        let Self { members, received, overtaken, disconnected, caught_up, caught_up_after_s, .. } = self;
        let what = if self.stopped { "stopped reading" } else { "read on" };
        let owed = received + overtaken;
        table.row(
            "laggards",
            format!("{members} {what}; {disconnected} of them disconnected, {} faults", self.faults),
        );
        table.row("", format!("{overtaken} messages overtaken, of {owed}"));
        table.row("", format!("{caught_up} caught up in the end, after {}", seconds(*caught_up_after_s)));
    }
}

impl Idle {
    fn rows(&self, table: &mut Table) {
        let Self { wanted, held, failed, dropped, .. } = self;
        table.row(
            "held",
            format!("{held} of {wanted} for {:.0} s: {dropped} dropped, {failed} kept out", self.hold_s),
        );
        table.row("came in", format!("{}/s  {}", brief(self.connects_per_s), self.entry.line()));
        let Self { pings, pongs, late_pongs, .. } = self;
        table.row(
            "heartbeats",
            format!("{pings} sent, {pongs} answered, {late_pongs} later than the next one"),
        );
        let of = |memory: Option<f64>| memory.map_or("unknown".to_owned(), bytes);
        let (user, kernel) = (of(self.user_bytes_per_connection), of(self.kernel_bytes_per_connection));
        table.row("a connection", format!("user {user} (the server's RSS), kernel {kernel} (both ends)"));
    }
}

impl Churn {
    fn rows(&self, table: &mut Table) {
        let rates = [self.joins_per_s, self.leaves_per_s, self.reconnects_per_s].map(brief);
        let [joins, leaves, reconnects] = rates;
        table.row("churn", format!("{joins} joins/s, {leaves} leaves/s, {reconnects} reconnects/s"));
        table.row("came in", self.entry.line());
        if self.failed + self.dropped > 0 {
            table.row("", format!("{} kept out, {} disconnected", self.failed, self.dropped));
        }
    }
}

impl Login {
    fn rows(&self, table: &mut Table) {
        let Self { wanted, logins, failed, took_s, .. } = self;
        let rate = brief(self.logins_per_s);
        table.row("logins", format!("{rate}/s: {logins} of {wanted} in {took_s:.2} s, {failed} kept out"));
        table.row("came in", self.entry.line());
    }
}

impl ServerUse {
    fn rows(&self, table: &mut Table) {
        let mut cpu = format!("{:.2} cores (pid {})", self.cpu_cores, self.pid);
        if let (Some(rate), Some(each)) = (self.deliveries_per_cpu_s, self.cpu_us_per_delivery) {
            cpu += &format!(", {} deliveries a CPU-second, {} each", brief(rate), micros(each));
        }
        table.row("server CPU", cpu);
        if let (Some(before), Some(after)) = (self.rss_before_bytes, self.rss_after_bytes) {
            table.row(
                "server memory",
                format!("{} before, {} after", bytes(before as f64), bytes(after as f64)),
            );
        }
    }
}

impl Generator {
    fn rows(&self, table: &mut Table) {
        let Self { threads, cores, sources, cpu_cores, idle_share, .. } = self;
        let idle = idle_share * 100.0;
        let mut line = format!(
            "{threads} threads, {sources} source addresses, {cpu_cores:.2} of {cores} cores, {idle:.0} % idle"
        );
        if self.late.count > 0 {
            line += &format!(
                "; wrote {} late at p99, {} at most",
                micros(self.late.p99_us),
                micros(self.late.max_us)
            );
        }
        table.row("generator", line);
    }
}

/// The rows of verdicts: the bad ones in capitals.
pub(crate) fn rows_of(verdicts: &[Verdict], table: &mut Table) {
    for verdict in verdicts {
        let (wanted, got) = match verdict.expectation {
            "--expect-p99" => (micros(verdict.wanted), micros(verdict.got)),
            _ => (brief(verdict.wanted), brief(verdict.got)),
        };
        let met = if verdict.met { "met" } else { "NOT MET" };
        table.row("expected", format!("{} {wanted}: {met}, {got}", verdict.expectation));
    }
}
