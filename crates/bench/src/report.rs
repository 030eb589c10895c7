//! What a run found out: one value, JSON as it stands. `table` shows it to people, `expect` judges it.

use serde::Serialize;

use crate::expect::{Expect, Verdict};
use crate::figures::Percentiles;
use crate::meter::Machine;
use crate::plan::{Load, Plan};
use crate::verify::Account;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Messages to all members of rooms.
    Fanout,
    /// Connections that are held.
    Idle,
    /// Connections that come and go while messages are delivered.
    Churn,
    /// Connections that come all at once.
    Login,
}

/// What a run found out. Absent parts are `null` in JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was measured.
    pub bench: Kind,
    /// `longwire` (any server of the protocol), or `bare`, the loop without one.
    pub server: &'static str,
    /// Where it listened.
    pub address: String,
    /// Of this tool.
    pub version: &'static str,
    /// Where it ran.
    pub machine: Machine,
    /// Of the phases, the payloads, the rooms' names.
    pub seed: u64,
    /// Who was there, and what was said.
    pub shape: ShapeLine,
    /// How long it was measured, and how long it ran before.
    pub run_s: f64,
    /// Traffic before it.
    pub warm_s: f64,
    /// Messages and their deliveries, where anything was said.
    pub fanout: Option<Fanout>,
    /// Connections held.
    pub idle: Option<Idle>,
    /// Comings and goings.
    pub churn: Option<Churn>,
    /// A storm of logins.
    pub login: Option<Login>,
    /// Members that stopped reading.
    pub laggards: Option<Laggards>,
    /// What the server used, where its process was named.
    pub server_use: Option<ServerUse>,
    /// What the generator used.
    pub generator: Generator,
    /// What to know before any figure is believed.
    pub warnings: Vec<String>,
    /// What was expected, and what came.
    pub expectations: Vec<Verdict>,
}

/// Who was there, and what was said.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShapeLine {
    /// How many.
    pub rooms: usize,
    /// Of each room, senders among them.
    pub members: usize,
    /// Of each room.
    pub senders: usize,
    /// Of `messageContent`.
    pub size_bytes: usize,
    /// Messages that a sender writes at once.
    pub batch: u32,
    /// Messages a second of each sender, in an open loop.
    pub rate: Option<f64>,
    /// Messages of a sender under way, in a closed loop.
    pub window: Option<u32>,
    /// Besides the members.
    pub connections: usize,
    /// How bytes travel.
    pub transport: &'static str,
    /// Every LOGIN showed gzip.
    pub gzip: bool,
}

/// Messages and their deliveries while it was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Fanout {
    /// What senders wrote.
    pub messages_per_s: f64,
    /// What members got.
    pub deliveries_per_s: f64,
    /// Messages in a push: what the server sent at once. Deliveries mean nothing without it.
    pub messages_per_flush: f64,
    /// From when a message was due (in a closed loop: was written) until a member had it.
    pub latency: Percentiles,
    /// The same until its last member had it.
    pub last_member: Percentiles,
    /// Latencies count from the schedule: a server that stalls hides nothing by stalling senders.
    pub from_schedule: bool,
    /// Over the whole run, warm-up too.
    pub account: Account,
    /// Members that were disconnected.
    pub dropped_members: u64,
    /// Messages that the server refused.
    pub refused: u64,
    /// Messages that were due and could not be written any more; in the latencies they count until the end.
    pub unsent: u64,
}

/// Connections held.
#[derive(Clone, Debug, Serialize)]
pub struct Idle {
    /// That were asked for.
    pub wanted: usize,
    /// In their rooms at the end.
    pub held: u64,
    /// Did not come in.
    pub failed: u64,
    /// Came in, and were disconnected.
    pub dropped: u64,
    /// Connected, logged in and joined a second, while they came in.
    pub connects_per_s: f64,
    /// From the beginning of a connection until it was in its room.
    pub entry: Percentiles,
    /// How long all of them were held.
    pub hold_s: f64,
    /// PINGs that were sent and answered.
    pub pings: u64,
    /// And answered.
    pub pongs: u64,
    /// PINGs that had no answer when the next one was due.
    pub late_pongs: u64,
    /// The server's resident memory for each connection, between a fifth of them and all.
    pub user_bytes_per_connection: Option<f64>,
    /// The kernel's, between the same; on one machine of both ends.
    pub kernel_bytes_per_connection: Option<f64>,
}

/// Comings and goings while it was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Churn {
    /// Rooms joined.
    pub joins_per_s: f64,
    /// Rooms left: half with LOGOUT, half by closing.
    pub leaves_per_s: f64,
    /// Joins of somebody who had been there before.
    pub reconnects_per_s: f64,
    /// From the beginning of a connection until it was in its room.
    pub entry: Percentiles,
    /// Did not come in.
    pub failed: u64,
    /// Were disconnected while they stayed.
    pub dropped: u64,
}

/// A storm of logins.
#[derive(Clone, Debug, Serialize)]
pub struct Login {
    /// That came at once.
    pub wanted: usize,
    /// That came in.
    pub logins: u64,
    /// Did not.
    pub failed: u64,
    /// Until the last of them was in.
    pub took_s: f64,
    /// Connected, logged in and joined a second.
    pub logins_per_s: f64,
    /// From the beginning of a connection until it was in its room.
    pub entry: Percentiles,
}

/// Members that stopped reading while it was measured, and read again then. No other figure counts them.
#[derive(Clone, Debug, Serialize)]
pub struct Laggards {
    /// How many.
    pub members: usize,
    /// They did stop; in the other half of a comparison they read on.
    pub stopped: bool,
    /// Messages that they got, over the whole run.
    pub received: u64,
    /// Messages that they were owed and the server let go.
    pub overtaken: u64,
    /// That came twice, out of order, or back to their sender.
    pub faults: u64,
    /// Did not come in, or were disconnected.
    pub disconnected: u64,
    /// Came to the last message of every sender in the end.
    pub caught_up: u64,
    /// How long after they read again the last of them got its last message.
    pub caught_up_after_s: f64,
}

/// What the server's process used while it was measured.
#[derive(Clone, Debug, Serialize)]
pub struct ServerUse {
    /// Which process.
    pub pid: u32,
    /// User and system time, in cores.
    pub cpu_cores: f64,
    /// Deliveries in a second of its CPU time.
    pub deliveries_per_cpu_s: Option<f64>,
    /// Its CPU time for one delivery.
    pub cpu_us_per_delivery: Option<f64>,
    /// Resident before anybody came.
    pub rss_before_bytes: Option<u64>,
    /// Resident at the end of what was measured.
    pub rss_after_bytes: Option<u64>,
}

/// What the generator used while it was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Generator {
    /// How many.
    pub threads: usize,
    /// Cores that it may use.
    pub cores: usize,
    /// Source addresses.
    pub sources: usize,
    /// CPU time, in cores.
    pub cpu_cores: f64,
    /// The part of the time that its threads waited, with nothing to read or send.
    pub idle_share: f64,
    /// How much later than due messages were written.
    pub late: Percentiles,
}

impl Report {
    /// Whether all expectations were met.
    pub fn is_as_expected(&self) -> bool {
        self.expectations.iter().all(|verdict| verdict.met)
    }

    /// Judges what came by what was expected.
    pub fn judge(&mut self, expect: &Expect) {
        self.expectations = expect.judge(self.p99_us(), self.faults(), self.rate());
    }

    pub(crate) fn p99_us(&self) -> f64 {
        match (&self.fanout, &self.login, &self.idle) {
            (Some(fanout), _, _) => worst_if_none(&fanout.latency),
            (None, Some(login), _) => worst_if_none(&login.entry),
            (None, None, Some(idle)) => worst_if_none(&idle.entry),
            (None, None, None) => f64::INFINITY,
        }
    }

    pub(crate) fn faults(&self) -> u64 {
        let said = self.fanout.as_ref().map_or(0, |fanout| {
            fanout.account.faults() + fanout.dropped_members + fanout.refused + fanout.unsent
        });
        let held = self.idle.as_ref().map_or(0, |idle| idle.failed + idle.dropped);
        let came = self.login.as_ref().map_or(0, |login| login.wanted as u64 - login.logins);
        let stayed = self.churn.as_ref().map_or(0, |churn| churn.failed + churn.dropped);
        let lagged = self.laggards.as_ref().map_or(0, |laggards| {
            laggards.faults
                + laggards.disconnected
                + (laggards.members as u64).saturating_sub(laggards.caught_up)
        });
        said + held + came + stayed + lagged
    }

    pub(crate) fn rate(&self) -> f64 {
        let fanout = || self.fanout.as_ref().map_or(0.0, |fanout| fanout.deliveries_per_s);
        match self.bench {
            Kind::Fanout => fanout(),
            Kind::Idle => self.idle.as_ref().map_or(0.0, |idle| idle.connects_per_s),
            Kind::Churn => self.churn.as_ref().map_or(0.0, |churn| churn.reconnects_per_s),
            Kind::Login => self.login.as_ref().map_or(0.0, |login| login.logins_per_s),
        }
    }
}

/// No value at all is not a good one.
fn worst_if_none(percentiles: &Percentiles) -> f64 {
    if percentiles.count == 0 { f64::INFINITY } else { percentiles.p99_us }
}

impl ShapeLine {
    pub(crate) fn of(plan: &Plan) -> Self {
        let shape = &plan.shape;
        let (rate, window) = match shape.load {
            Load::Rate(rate) => (Some(rate), None),
            Load::Window(window) => (None, Some(window)),
        };
        Self {
            rooms: shape.rooms,
            members: shape.members,
            senders: shape.senders,
            size_bytes: shape.size,
            batch: shape.batch,
            rate: rate.filter(|_| plan.speaks()),
            window: window.filter(|_| plan.speaks()),
            connections: plan.connections,
            transport: plan.target.carrier.name(),
            gzip: plan.target.gzip,
        }
    }
}
