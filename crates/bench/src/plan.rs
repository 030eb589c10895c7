//! What a run is to do: who connects, what is said, for how long. Checked as a whole before any network is touched.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use longwire_wire::LengthReading;
use longwire_wire::limits::{BODY_BYTES_MAX, ID_BYTES_MAX};

use crate::carrier::Carrier;
use crate::stamp::STAMP_BYTES;

/// Connections of one run: what a machine has memory for, not what the tool has room for.
pub const CONNECTIONS_MAX: usize = 2_000_000;
/// Threads of one run.
pub const THREADS_MAX: usize = 256;
/// Source addresses of one run; 127.0.1.1 is the first.
pub const SOURCES_MAX: usize = 60_000;
/// Messages of a sender that some member does not have yet. A rate that the server cannot keep meets this bound: what
/// is due then waits, and its latency still counts from when it was due.
pub const WINDOW_MAX: u32 = 4096;
/// Connections from one source address. Linux gives out 28,232 ports by default, every other one first: for the second
/// half each connect looks at all of the first one, which takes milliseconds.
const PORTS_A_SOURCE: usize = 12_000;
/// Messages of all senders under way: 16 bytes each, and 16 more in every thread.
const UNDER_WAY_MAX: usize = 1 << 24;
/// Numbers that are verified, one for each member and each sender of its room: 4 bytes each.
const NUMBERS_MAX: usize = 1 << 28;
/// Descriptors of a thread that are not its connections.
const FILES_BESIDE: usize = 64;
/// How long members may stop reading: a server closes whoever takes nothing for 30 s.
const STOP_MAX: Duration = Duration::from_secs(25);
/// A message beside its content: tags, lengths, from, to, timestamp.
const AROUND_CONTENT_BYTES: usize = 512;

/// Where to, and as whom.
#[derive(Clone, Debug)]
pub struct Target {
    /// The server.
    pub address: SocketAddr,
    /// As whom connections log in.
    pub logins: Logins,
    /// Every LOGIN shows gzip.
    pub gzip: bool,
    /// What `len` counts.
    pub length: LengthReading,
    /// How bytes travel.
    pub carrier: Carrier,
}

/// As whom connections log in.
#[derive(Clone, Debug)]
pub enum Logins {
    /// Senders as users with numbered names, everybody else as a guest.
    Guests {
        /// Of the senders; a server with open login takes any.
        token: String,
    },
    /// Everybody as a user of its own: this name, a hyphen and a number, padded to 16 bytes.
    Numbered {
        /// In front of the number.
        name: String,
        /// Everybody's; a server with open login takes any.
        token: String,
    },
    /// Everybody as this user, whose token it is.
    One {
        /// The userId.
        user: String,
        /// Its token.
        token: String,
    },
}

/// The rooms and what is said in them.
#[derive(Clone, Debug)]
pub struct Shape {
    /// How many rooms.
    pub rooms: usize,
    /// Members of each room, senders among them.
    pub members: usize,
    /// Senders of each room.
    pub senders: usize,
    /// Bytes of `messageContent`.
    pub size: usize,
    /// Messages that a sender writes at once.
    pub batch: u32,
    /// How fast.
    pub load: Load,
}

/// How fast a sender speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// So many messages a second from each sender, whatever the server does (an open loop).
    Rate(f64),
    /// So many messages of each sender at most that not every member has yet (a closed loop).
    Window(u32),
}

/// Who comes besides the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// Nobody.
    None,
    /// Connections that join a room, answer nothing but their heartbeat, and stay.
    Idle {
        /// How long they are held once all are in.
        hold: Duration,
    },
    /// Connections that join a room, stay a while, leave, and come back.
    Churn {
        /// How long one stays.
        stay: Duration,
    },
    /// Connections that come all at once, into rooms of their own.
    Storm,
    /// Members like the others, whose reading is not what is measured.
    Laggards {
        /// They stop reading while it is measured; else they read on, which is what it is compared with.
        stop: bool,
    },
}

/// One run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where to.
    pub target: Target,
    /// What is said.
    pub shape: Shape,
    /// Who comes besides the members.
    pub crowd: Crowd,
    /// How many of them.
    pub connections: usize,
    /// Traffic before anything is measured.
    pub warm: Duration,
    /// How long it is measured.
    pub run: Duration,
    /// Threads of the generator; 0: as many as it needs.
    pub threads: usize,
    /// Source addresses; 0: as many as it needs.
    pub sources: usize,
    /// Phases, payloads, the run's name.
    pub seed: u64,
    /// The server's process, to measure.
    pub pid: Option<u32>,
}

/// What cannot be run, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(String);

impl PlanError {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// The generator's own resources, as a plan's numbers come out on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Means {
    pub(crate) threads: usize,
    pub(crate) sources: usize,
    /// Each thread has a table of descriptors of its own.
    pub(crate) own_files: bool,
}

impl Logins {
    /// Name and token of connection `number`; `None`: a guest.
    pub(crate) fn of(&self, number: usize, sends: bool) -> Option<(String, &str)> {
        match self {
            Self::Guests { token } if sends => Some((padded("bench", number), token)),
            Self::Guests { .. } => None,
            Self::Numbered { name, token } => Some((padded(name, number), token)),
            Self::One { user, token } => Some((user.clone(), token)),
        }
    }
}

/// `name-0000000001`: 16 bytes, or as many as it takes.
fn padded(name: &str, number: usize) -> String {
    let digits = 15usize.saturating_sub(name.len()).max(1);
    format!("{name}-{number:0digits$}")
}

impl Shape {
    /// How many messages of a sender may be under way: its window; under a rate two seconds' worth.
    pub(crate) fn under_way_max(&self) -> u32 {
        match self.load {
            Load::Window(window) => window,
            Load::Rate(rate) => ((2.0 * rate) as u32).clamp(64.max(self.batch), WINDOW_MAX),
        }
    }
}

impl Plan {
    /// Everybody: members of all rooms and the crowd.
    pub fn everybody(&self) -> usize {
        self.shape.rooms * self.shape.members + self.connections
    }

    /// The rooms of members and crowd.
    pub(crate) fn rooms_in_all(&self) -> usize {
        if self.crowd == Crowd::Storm && self.speaks() { 2 * self.shape.rooms } else { self.shape.rooms }
    }

    /// The room of the crowd's connection of that number: the members' rooms; but a storm has silent ones of its own, or
    /// its joins would make the served rooms larger, and that would be measured.
    pub(crate) fn crowd_room(&self, number: usize) -> u32 {
        let first = self.rooms_in_all() - self.shape.rooms;
        (first + number % self.shape.rooms) as u32
    }

    /// Whether anything is said.
    pub fn speaks(&self) -> bool {
        self.shape.members > 0 && self.shape.senders > 0
    }

    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// The first thing that cannot be run.
    pub fn check(&self) -> Result<(), PlanError> {
        let shape = &self.shape;
        let content_max = BODY_BYTES_MAX as usize - AROUND_CONTENT_BYTES;
        range("--rooms", shape.rooms, 1, CONNECTIONS_MAX)?;
        if self.crowd == Crowd::None || shape.members != 0 {
            range("--members", shape.members, 2, CONNECTIONS_MAX)?;
        }
        range("--senders", shape.senders, usize::from(shape.members > 0), shape.members)?;
        range("--size", shape.size, STAMP_BYTES, content_max)?;
        range("--threads", self.threads, 0, THREADS_MAX)?;
        range("--sources", self.sources, 0, SOURCES_MAX)?;
        let crowd_min = usize::from(self.crowd != Crowd::None);
        range("--connections", self.connections, crowd_min, CONNECTIONS_MAX)?;
        range("connections", shape.rooms.saturating_mul(shape.members), 0, CONNECTIONS_MAX)?;
        range("connections", self.everybody(), 0, CONNECTIONS_MAX)?;
        self.check_load()?;
        let senders = shape.rooms.saturating_mul(shape.senders);
        let under_way = senders.saturating_mul(shape.under_way_max() as usize);
        range("senders of all rooms × messages under way", under_way, 0, UNDER_WAY_MAX)?;
        let numbers = self.everybody().saturating_mul(shape.senders);
        range("connections × senders of a room", numbers, 0, NUMBERS_MAX)?;
        if let Logins::Numbered { name, .. } = &self.target.logins {
            range("--user", padded(name, CONNECTIONS_MAX).len(), 1, ID_BYTES_MAX)?;
        }
        if self.sources > 1 && !self.is_local() {
            return refuse("--sources are addresses of 127.0.0.0/8: the server must be there too");
        }
        if self.run.is_zero() {
            return refuse("--secs 0 measures nothing");
        }
        if matches!(self.crowd, Crowd::Laggards { .. }) && self.run > STOP_MAX {
            let max = STOP_MAX.as_secs();
            return refuse(format!("--stop: above --secs {max} they would be closed, and not catch up"));
        }
        Ok(())
    }

    fn check_load(&self) -> Result<(), PlanError> {
        let batch = self.shape.batch;
        range("--batch", batch as usize, 1, WINDOW_MAX as usize)?;
        match self.shape.load {
            Load::Rate(rate) if !(rate > 0.0 && rate <= 10_000_000.0) => {
                refuse(format!("--rate {rate} is not between 0 and 10,000,000 messages a second"))
            }
            Load::Window(window) => range("--window", window as usize, batch as usize, WINDOW_MAX as usize),
            Load::Rate(_) => Ok(()),
        }
    }

    /// Threads and source addresses where the plan leaves them open.
    pub(crate) fn means(&self, cores: usize, open_files_max: usize) -> Result<Means, PlanError> {
        let everybody = self.everybody();
        let places = open_files_max.saturating_sub(FILES_BESIDE).max(1);
        let needed = everybody.div_ceil(places);
        let threads = match self.threads {
            0 => needed.max(cores.saturating_sub(1)).clamp(1, THREADS_MAX),
            threads => threads,
        };
        if threads < needed {
            return refuse(format!(
                "{everybody} connections need at least --threads {needed}: each has a table of {open_files_max} \
                 descriptors (see `ulimit -n`)"
            ));
        }
        let own_files = everybody > places;
        let ports = everybody.div_ceil(PORTS_A_SOURCE).max(1);
        let sources = match self.sources {
            0 if self.is_local() => ports,
            0 => 1,
            sources => sources,
        };
        Ok(Means { threads, sources, own_files })
    }

    fn is_local(&self) -> bool {
        matches!(self.target.address.ip(), IpAddr::V4(ip) if ip.is_loopback())
    }
}

fn range(what: &str, value: usize, min: usize, max: usize) -> Result<(), PlanError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    refuse(format!("{what}: {value} is not between {min} and {max}"))
}

fn refuse<T>(why: impl Into<String>) -> Result<T, PlanError> {
    Err(PlanError(why.into()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    pub(crate) fn plan() -> Plan {
        Plan {
            target: Target {
                address: SocketAddr::from((Ipv4Addr::LOCALHOST, 7610)),
                logins: Logins::Guests { token: "local".into() },
                gzip: false,
                length: LengthReading::Body,
                carrier: Carrier::default(),
            },
            shape: Shape { rooms: 1, members: 100, senders: 1, size: 128, batch: 1, load: Load::Window(1) },
            crowd: Crowd::None,
            connections: 0,
            warm: Duration::ZERO,
            run: Duration::from_secs(1),
            threads: 0,
            sources: 0,
            seed: 1,
            pid: None,
        }
    }

    #[track_caller]
    fn refused(change: impl FnOnce(&mut Plan), part: &str) {
        let mut plan = plan();
        change(&mut plan);
        let refusal = plan.check().map_err(|err| err.to_string());
        assert!(refusal.as_ref().is_err_and(|err| err.contains(part)), "{refusal:?}");
    }

    #[test]
    fn what_cannot_be_run_is_refused_by_name() {
        assert_eq!(plan().check(), Ok(()));
        refused(|plan| plan.shape.rooms = 0, "--rooms");
        refused(|plan| plan.shape.members = 1, "--members");
        refused(|plan| plan.shape.senders = 0, "--senders");
        refused(|plan| plan.shape.senders = 101, "--senders");
        refused(|plan| plan.shape.size = STAMP_BYTES - 1, "--size");
        refused(|plan| plan.shape.size = 65_536, "--size");
        refused(|plan| plan.shape.load = Load::Window(WINDOW_MAX + 1), "--window");
        refused(|plan| plan.shape.batch = 2, "--window");
        refused(|plan| plan.shape.load = Load::Rate(f64::NAN), "--rate");
        refused(|plan| plan.shape.load = Load::Rate(0.0), "--rate");
        refused(|plan| plan.crowd = Crowd::Storm, "--connections");
        refused(|plan| plan.shape.rooms = usize::MAX, "--rooms");
        refused(|plan| plan.run = Duration::ZERO, "--secs");
        let long = |plan: &mut Plan| {
            (plan.crowd, plan.connections) = (Crowd::Laggards { stop: true }, 10);
            plan.run = Duration::from_secs(26);
        };
        refused(long, "--stop");
        let everybody_speaks = |plan: &mut Plan| (plan.shape.members, plan.shape.senders) = (20_000, 20_000);
        refused(everybody_speaks, "connections × senders");
        let much_under_way = |plan: &mut Plan| {
            (plan.shape.rooms, plan.shape.load) = (10_000, Load::Window(WINDOW_MAX));
        };
        refused(much_under_way, "under way");
        let elsewhere = |plan: &mut Plan| {
            plan.sources = 2;
            plan.target.address = SocketAddr::from(([10, 0, 0, 1], 7610));
        };
        refused(elsewhere, "--sources");
    }

    #[test]
    fn what_the_plan_leaves_open_follows_from_the_machine() {
        let mut plan = plan();
        assert_eq!(plan.means(4, 1024), Ok(Means { threads: 3, sources: 1, own_files: false }));
        plan.crowd = Crowd::Storm;
        plan.connections = 100_000 - 100;
        assert_eq!(plan.means(2, 20_000), Ok(Means { threads: 6, sources: 9, own_files: true }));
        plan.threads = 5;
        let refusal = plan.means(2, 20_000).unwrap_err().to_string();
        assert!(refusal.contains("--threads 6"), "{refusal}");
        plan.threads = 7;
        plan.sources = 20;
        assert_eq!(plan.means(2, 20_000), Ok(Means { threads: 7, sources: 20, own_files: true }));
    }

    #[test]
    fn a_storm_leaves_the_served_rooms_as_they_are() {
        let mut plan = plan();
        (plan.shape.rooms, plan.crowd) = (3, Crowd::Churn { stay: Duration::ZERO });
        assert_eq!((plan.crowd_room(4), plan.rooms_in_all()), (1, 3));
        plan.crowd = Crowd::Storm;
        assert_eq!((plan.crowd_room(4), plan.rooms_in_all()), (4, 6));
        plan.shape.members = 0;
        assert_eq!((plan.crowd_room(4), plan.rooms_in_all()), (1, 3));
    }

    #[test]
    fn names_are_16_bytes_where_they_can_be() {
        assert_eq!(padded("bench", 7), "bench-0000000007");
        assert_eq!(padded("a-very-long-name-indeed", 12), "a-very-long-name-indeed-12");
        let guests = Logins::Guests { token: "t".into() };
        assert_eq!(guests.of(3, false), None);
        assert_eq!(guests.of(3, true), Some(("bench-0000000003".into(), "t")));
    }
}
