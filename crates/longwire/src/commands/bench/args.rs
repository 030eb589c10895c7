//! The flags of `longwire bench`: what can be typed, and the shape that it means.

use crate::commands::connect::{ConnectArgs, usage};
use crate::commands::tail::parse_duration;
use longwire_bench::{Kind, Load, Pin, Shape};
use longwire_client::Scheme;
use std::time::Duration;

#[derive(Debug, clap::Subcommand)]
pub(super) enum What {
    /// Deliver messages to rooms: rates, latencies, loss, order
    Fanout(CommonArgs),
    /// Hold connections: memory, heartbeats, drops
    Idle(CommonArgs),
    /// Let members come and go while messages are delivered
    Churn(CommonArgs),
    /// Let connections come all at once, while a room may be served
    Login(CommonArgs),
    /// The same against a bare send loop: what this machine can do at most
    Limit(LimitArgs),
    /// A server and the bare loop in turns, as ratios
    Compare(CompareArgs),
    #[command(hide = true)]
    BareLoop(BareLoopArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct CommonArgs {
    #[command(flatten)]
    pub(super) shape: ShapeArgs,
    #[command(flatten)]
    pub(super) run: RunArgs,
    #[command(flatten)]
    pub(super) expect: ExpectArgs,
    #[command(flatten)]
    pub(super) connect: ConnectArgs,
}

/// Who is there, and what is said.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Shape")]
pub(super) struct ShapeArgs {
    /// Rooms [default: 1]
    #[arg(long, value_name = "N")]
    pub(super) rooms: Option<usize>,
    /// Members of a room [default: 100; login: 0]
    ///
    /// Senders are among them.
    #[arg(long, value_name = "N")]
    pub(super) members: Option<usize>,
    /// Of them, who speak [default: 1]
    #[arg(long, value_name = "N")]
    pub(super) senders: Option<usize>,
    /// Messages a second, each sender [default: 10]
    ///
    /// An open loop: latency counts from when a message was due, whatever the server did meanwhile.
    #[arg(long, value_name = "N", conflicts_with = "window")]
    pub(super) rate: Option<f64>,
    /// Messages under way, each sender
    ///
    /// A closed loop instead of a rate: a sender has so many messages that not every member has yet.
    #[arg(long, value_name = "N")]
    pub(super) window: Option<u32>,
    /// Bytes of a message [default: 128]
    #[arg(long, value_name = "BYTES")]
    pub(super) size: Option<usize>,
    /// Messages written at once [default: 1]
    #[arg(long, value_name = "N")]
    pub(super) batch: Option<u32>,
    /// Idle, coming and going, or all at once
    ///
    /// Connections beside the members [default: idle and login 1000, churn 100].
    #[arg(long, value_name = "N")]
    pub(super) connections: Option<usize>,
    /// Percent of the members who stop reading
    ///
    /// fanout: while it is measured; then they read again. The figures are the others'. compare runs it in turns with
    /// the same while all of them read.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=90))]
    pub(super) stop: Option<u8>,
    /// How long a connection stays
    ///
    /// idle: from when all are in [default: 30s]; churn: until it leaves [default: 1s].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(super) hold: Option<Duration>,
}

/// How it runs.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Run")]
pub(super) struct RunArgs {
    /// tcp, tls, ws or wss; else as --addr says
    ///
    /// compare runs any but tcp in turns with tcp, against the same server.
    #[arg(long, value_name = "T", value_parser = scheme)]
    pub(super) transport: Option<Scheme>,
    /// Threads of the generator
    ///
    /// By default one less than there are cores, and as many as tables of descriptors are needed.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(super) threads: usize,
    /// Source addresses, 127.0.1.1 and on
    ///
    /// One has about 28,000 ports, half of them quickly found. By default one for each 12,000 connections to a
    /// server on 127.0.0.0/8.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(super) sources: usize,
    /// The server's process, to measure
    #[arg(long, value_name = "PID")]
    pub(super) pid: Option<u32>,
    /// Before it is measured [default: 2s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(super) warm: Option<Duration>,
    /// How long; login: at most [default: 10]
    #[arg(long, value_name = "N")]
    pub(super) secs: Option<f64>,
    /// Of phases, payloads, room names
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
}

/// What to expect.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Result")]
pub(super) struct ExpectArgs {
    /// End with 1 above this p99
    ///
    /// Of deliveries; of connections where nothing is said.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(super) expect_p99: Option<Duration>,
    /// End with 1 above so many faults
    ///
    /// Messages lost, twice or out of order; connections kept out or dropped.
    #[arg(long, value_name = "N")]
    pub(super) expect_loss: Option<u64>,
    /// End with 1 below this rate a second
    ///
    /// Deliveries; idle: connections; churn: reconnects; login: logins.
    #[arg(long, value_name = "N")]
    pub(super) expect_rate: Option<f64>,
    /// One JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct LimitArgs {
    /// fanout, idle, churn or login
    #[arg(value_name = "WHAT", value_enum, default_value = "fanout", hide_possible_values = true)]
    pub(super) what: Compared,
    /// auto, none, or SERVER/GENERATOR
    ///
    /// Processors: 0/1 is the server on the first, the generator on the second. auto does that where there are two.
    #[arg(long, value_name = "PIN", default_value = "auto", hide_default_value = true)]
    pub(super) pin: Pin,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// How often both run
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(super) rounds: u16,
    #[command(flatten)]
    pub(super) limit: LimitArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Compared {
    Fanout,
    Idle,
    Churn,
    Login,
}

/// How bytes travel.
fn scheme(text: &str) -> Result<Scheme, String> {
    let named = Scheme::ALL.into_iter().find(|scheme| scheme.name() == text);
    named.ok_or_else(|| format!("{text:?} is not tcp, tls, ws or wss"))
}

#[derive(Debug, clap::Args)]
pub(super) struct BareLoopArgs {
    #[arg(long, default_value_t = 1)]
    pub(super) threads: usize,
}

/// A message goes to a hundred members ten times a second: small enough for any machine.
const RATE: f64 = 10.0;
const MEMBERS: usize = 100;

impl ShapeArgs {
    /// A flag that would change nothing is a mistake of whoever typed it.
    pub(super) fn check(&self, kind: Kind) -> anyhow::Result<()> {
        let name = match kind {
            Kind::Fanout => "fanout",
            Kind::Idle => "idle",
            Kind::Churn => "churn",
            Kind::Login => "login",
        };
        let says = [
            ("--members", self.members.is_some()),
            ("--senders", self.senders.is_some()),
            ("--rate", self.rate.is_some()),
            ("--window", self.window.is_some()),
            ("--size", self.size.is_some()),
            ("--batch", self.batch.is_some()),
        ];
        let silent = kind == Kind::Idle || kind == Kind::Login && self.members.unwrap_or(0) == 0;
        let mut useless = says
            .into_iter()
            .filter(|(flag, given)| *given && silent && !(kind == Kind::Login && *flag == "--members"));
        let comes = ("--connections", kind == Kind::Fanout && self.connections.is_some());
        let stays = ("--hold", matches!(kind, Kind::Fanout | Kind::Login) && self.hold.is_some());
        let stops = ("--stop", kind != Kind::Fanout && self.stop.is_some());
        match useless.next().or([comes, stays, stops].into_iter().find(|(_, given)| *given)) {
            Some((flag, _)) => Err(usage(format!("{flag} means nothing to this run of bench {name}"))),
            None => Ok(()),
        }
    }

    /// Of a room's members, who stop reading: at least one where there is a share, and never a sender.
    pub(super) fn laggards(&self, shape: &Shape) -> usize {
        let share = self.stop.map_or(0, |percent| (shape.members * usize::from(percent)).div_ceil(100));
        share.min(shape.members.saturating_sub(shape.senders + 1))
    }

    pub(super) fn shape(&self, kind: Kind) -> Shape {
        let members = match kind {
            Kind::Fanout | Kind::Churn => self.members.unwrap_or(MEMBERS),
            Kind::Idle => 0,
            Kind::Login => self.members.unwrap_or(0),
        };
        Shape {
            rooms: self.rooms.unwrap_or(1),
            members,
            senders: if members == 0 { 0 } else { self.senders.unwrap_or(1) },
            size: self.size.unwrap_or(128),
            batch: self.batch.unwrap_or(1),
            load: self.window.map_or(Load::Rate(self.rate.unwrap_or(RATE)), Load::Window),
        }
    }
}

impl From<Compared> for Kind {
    fn from(what: Compared) -> Self {
        match what {
            Compared::Fanout => Self::Fanout,
            Compared::Idle => Self::Idle,
            Compared::Churn => Self::Churn,
            Compared::Login => Self::Login,
        }
    }
}
