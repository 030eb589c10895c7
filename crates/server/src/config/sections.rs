//! Every key, section by section: its documentation, its name, type and default.
//!
//! The comments of the fields are what the default file says above a key, so they speak to an operator: what it is,
//! and what it may cost at worst. Relations between keys are checked in `relations`.

use super::key::{Draft, Group, Key, Section, section};
use super::kind::{self, KIB, MIB};
use super::listeners::{self, ListenerEntry, PeerNetwork, Transports};
use longwire_wire::{Command, CommandMap, LengthReading, LoginFields};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

pub use super::login::{ClaimsConfig, HttpLoginConfig, JwksConfig, JwtConfig, LoginConfig};
pub use super::quotas::QuotasConfig;
use super::tls::TlsConfig;
pub use super::web::{WebConfig, WsConfig};
pub use super::words::{Addresses, CreateBy, LogFormat, LogLevel, PrivateTables};

/// The whole configuration; `default()` is what runs without a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `[[listener]]`
    pub listener: Vec<ListenerEntry>,
    /// `[server]`
    pub server: ServerConfig,
    /// `[log]`
    pub log: LogConfig,
    /// `[wire]`
    pub wire: WireConfig,
    /// `[fanout]`
    pub fanout: FanoutConfig,
    /// `[limits]`
    pub limits: LimitsConfig,
    /// `[quotas]`
    pub quotas: QuotasConfig,
    /// `[login]`
    pub login: LoginConfig,
    /// `[rooms]`
    pub rooms: RoomsConfig,
    /// `[tls]`
    pub tls: TlsConfig,
    /// `[web]`
    pub web: WebConfig,
    /// `[drain]`
    pub drain: DrainConfig,
}

section! {
    /// Where clients connect, and what the process may take of the machine.
    ServerConfig at "server", in server {
        /// Addresses to listen on, IP:PORT; port 0 takes any free one. Costs a descriptor each on every shard.
        listen: Vec<SocketAddr> as kind::ADDRESSES, = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 7610))];
        /// What may be spoken there: "tcp" (frames as they are), "tls", "ws" (WebSocket, and plain HTTP), "wss"; a
        /// connection's first byte tells which. [] is "tls" and "wss" where a [[tls.certificate]] is set, else "tcp" and "ws".
        transports: Transports as listeners::TRANSPORTS, = Transports::default();
        /// Networks whose connections must begin with a PROXY header, version 1 or 2: addresses are those it tells. Of
        /// all others it is never read. Name your proxies alone: whoever is in here may claim any address.
        proxy_from: Vec<PeerNetwork> as listeners::PEERS, = Vec::new();
        /// Threads that serve connections; 0 is one a core. Each costs its stack, its read buffer and up to
        /// fanout.pinned_max.
        shards: Option<NonZeroUsize> as kind::COUNT_OR_AUTO, = None;
        /// A table of descriptors for each shard: then the open-file limit bounds a shard, not all of them together, and
        /// 64 shards hold a million connections under a limit of 20,000. auto (where connections_max is above what one
        /// table holds), on or off. Where the system refuses it, one table has to do, and the log says so.
        private_fd_tables: PrivateTables as kind::word::<PrivateTables>(), = PrivateTables::Auto;
        /// Connections at once; 0 is what the open-file limit allows. An idle one costs about 1 KiB, a stalled one up
        /// to server.send_buffer more in the kernel.
        connections_max: Option<NonZeroUsize> as kind::COUNT_OR_AUTO, = None;
        /// A socket's send buffer in the kernel: what one stalled reader costs there. Larger ones hide a slow reader
        /// for longer; times all connections, at worst.
        send_buffer: usize as kind::SIZE, = 64 * KIB;
    }
}

section! {
    /// What is logged, on stderr.
    LogConfig at "log", in log {
        /// auto (human on a terminal, else json), human or json.
        format: LogFormat as kind::word::<LogFormat>(), = LogFormat::Auto;
        /// off, error, warn, info, debug or trace; and for a part of the server alone: "info,longwire_server=debug".
        /// debug costs a line a connection, trace a line a frame.
        level: LogLevel as super::words::LOG_LEVEL, = LogLevel::default();
        /// Clients' addresses: full, or masked (to /24 for IPv4, /48 for IPv6, without the port).
        addresses: Addresses as kind::word::<Addresses>(), = Addresses::Full;
    }
}

section! {
    /// The protocol: what this deployment's clients speak, and how large and how slow a frame may be.
    WireConfig at "wire", in wire {
        /// What a header's len counts: body (the body alone), rest (all that follows len), or auto: told apart on
        /// each connection's first LOGIN.
        length: Option<LengthReading> as kind::word::<Option<LengthReading>>(), = None;
        /// Version numbers (0 to 15) that are served; [] is any.
        versions: u16 as kind::VERSIONS, = u16::MAX;
        /// Numbers (7 to 99) of CRMessage fields that the document does not name and that are passed on all the same.
        relay_fields: Vec<u32> as kind::RELAY_FIELDS, = Vec::new();
        /// A client's body, as sent and as inflated; below 16MiB, or the first byte would not tell a frame. A
        /// connection in the middle of a frame costs up to this much, twice where the frame is compressed.
        frame_max: usize as kind::SIZE, = 64 * KIB;
        /// A push's body: a larger round becomes several frames. One message alone may exceed it.
        push_max: usize as kind::SIZE, = 64 * KIB;
        /// Pushes with a body from this size up are compressed, for the clients that read gzip. Smaller costs
        /// processor time and, below 300B or so, bytes too.
        gzip_min: usize as kind::SIZE, = 512;
    }
    with {
        /// Which number each command has.
        commands: CommandMap,
        /// LOGIN's field numbers.
        login: LoginFields,
        /// How long a connection may be silent.
        timeouts: TimeoutsConfig,
    }
}

section! {
    /// How long a connection may be silent.
    TimeoutsConfig at "wire.timeouts", in wire.timeouts {
        /// From the connection to a LOGIN's first byte.
        login_start: Duration as kind::DURATION, = Duration::from_secs(30);
        /// From a LOGIN's first byte to its last.
        login: Duration as kind::DURATION, = Duration::from_secs(10);
        /// Without a whole frame from the client; at least twice heartbeat, because one lost beat is normal.
        idle: Duration as kind::DURATION, = Duration::from_secs(30);
        /// After so much silence of their own clients send a PING.
        heartbeat: Duration as kind::DURATION, = Duration::from_secs(14);
    }
}

section! {
    /// How a room's messages reach its members, and what slow ones may cost.
    FanoutConfig at "fanout", in fanout {
        /// The least time between two rounds of a room: more messages in a push, each later by up to this much.
        min_interval: Duration as kind::DURATION, = Duration::ZERO;
        /// The rings of all rooms together; where it is met the longest is trimmed first. Costs up to this much.
        rings_max: usize as kind::SIZE, = 256 * MIB;
        /// Frames that a shard holds because a socket took only their beginning; above it the connection that has
        /// been stalled for longest is closed. Costs up to this much on each shard.
        pinned_max: usize as kind::SIZE, = 64 * MIB;
        /// A connection that is owed bytes and takes none for so long is closed.
        stall_timeout: Duration as kind::DURATION, = Duration::from_secs(30);
    }
    with {
        /// What a room keeps for members that are behind.
        ring: RingConfig,
    }
}

section! {
    /// What a room keeps for members that are behind: whichever bound is met first.
    RingConfig at "fanout.ring", in fanout.ring {
        /// Messages of the chat class.
        records: usize as kind::COUNT, = 8192;
        /// Bytes of the chat class. Costs up to this much a room, as far as fanout.rings_max allows.
        bytes: usize as kind::SIZE, = 2 * MIB;
        /// Messages of the priority class.
        priority_records: usize as kind::COUNT, = 1024;
        /// Bytes of the priority class. Costs up to this much a room, as far as fanout.rings_max allows.
        priority_bytes: usize as kind::SIZE, = 512 * KIB;
    }
}

section! {
    /// Sizes and memory: always on.
    LimitsConfig at "limits", in limits {
        /// Connections that have not logged in yet; at the cap the oldest of them is closed. Each costs up to
        /// limits.login_max besides its socket.
        unauthenticated_max: usize as kind::COUNT, = 10_000;
        /// TLS handshakes under way; above it newcomers wait, and one that is a second old makes room. Each costs up to
        /// 32 KiB.
        handshakes_max: usize as kind::COUNT, = 1000;
        /// LOGIN's body, as sent and as inflated; the token may have half of it.
        login_max: usize as kind::SIZE, = 8 * KIB;
        /// messageContent; at most wire.frame_max.
        message_max: usize as kind::SIZE, = 64 * KIB;
        /// userId and chatroomId.
        id_max: usize as kind::SIZE, = 128;
        /// Rooms that one connection may be in; it leaves the one it joined longest ago for a further one.
        rooms_per_connection: usize as kind::COUNT, = 16;
        /// Rooms on this server. An empty one costs about 1 KiB, one with members that are behind up to its ring.
        rooms_max: usize as kind::COUNT, = 100_000;
        /// What the process may hold; auto is 70 % of what the container or machine has. At 80 % of it logins are
        /// refused, at 90 % rings shrink, at 95 % the slowest connections are closed.
        memory_max: Option<usize> as kind::SIZE_OR_AUTO, = None;
    }
}

impl LimitsConfig {
    /// A token's longest: half of a LOGIN.
    pub fn token_max(&self) -> usize {
        self.login_max / 2
    }
}

section! {
    /// When rooms exist, and what users may say there.
    CreateConfig at "rooms.create", in rooms.create {
        /// join: a room exists from its first member on.
        by: CreateBy as kind::word::<CreateBy>(), = CreateBy::Join;
        /// A room without members is forgotten after so long. Each costs about 1 KiB until then.
        idle_ttl: Duration as kind::DURATION, = Duration::from_secs(60);
    }
}

section! {
    /// What users may send, by messageType.
    TypesConfig at "rooms.types", in rooms.types {
        /// What users may send: "normal", "gift" or a messageType's number. "notify" is the server's own.
        client: BTreeSet<u32> as kind::MESSAGE_TYPES, = BTreeSet::from([0, 2]);
        /// Which of these ride in the priority class, whose ring is its own.
        priority: BTreeSet<u32> as kind::MESSAGE_TYPES, = BTreeSet::new();
    }
}

/// When rooms exist, and what users may say there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoomsConfig {
    /// How a room comes to be and how it ends.
    pub create: CreateConfig,
    /// What users may send, by messageType.
    pub types: TypesConfig,
}

section! {
    /// How a server that was told to stop lets its connections go.
    DrainConfig at "drain", in drain {
        /// Closes are spread over at most so long, at no fewer than 500 a second, so that clients come back in turn.
        spread: Duration as kind::DURATION, = Duration::from_secs(30);
        /// Whatever is left then is cut, and the exit status is 3.
        deadline: Duration as kind::DURATION, = Duration::from_secs(45);
    }
}

/// The file's sections in its order.
pub(super) static SECTIONS: &[Section] = &[
    Section { name: "", groups: &[listeners::GROUP] },
    Section { name: "server", groups: &[ServerConfig::GROUP] },
    Section { name: "log", groups: &[LogConfig::GROUP] },
    Section { name: "wire", groups: &[WireConfig::GROUP, COMMANDS, LOGIN_FIELDS, TimeoutsConfig::GROUP] },
    Section { name: "fanout", groups: &[FanoutConfig::GROUP, RingConfig::GROUP] },
    Section { name: "limits", groups: &[LimitsConfig::GROUP] },
    Section { name: "quotas", groups: QuotasConfig::GROUPS },
    Section {
        name: "login",
        groups: &[
            LoginConfig::GROUP,
            JwtConfig::GROUP,
            JwksConfig::GROUP,
            ClaimsConfig::GROUP,
            HttpLoginConfig::GROUP,
        ],
    },
    Section { name: "rooms", groups: &[CreateConfig::GROUP, TypesConfig::GROUP] },
    Section { name: "tls", groups: &[TlsConfig::GROUP] },
    Section { name: "web", groups: &[WebConfig::GROUP, WsConfig::GROUP] },
    Section { name: "drain", groups: &[DrainConfig::GROUP] },
];

/// A number for each command, in the order of [`Draft::codes`] and [`CommandMap::new`].
const COMMANDS: Group = Group {
    doc: " The commands' numbers, 1 to 63, each its own: 64 and up are Longwire's extensions.\n",
    keys: &[
        command_key!("login", 0, Login),
        command_key!("logout", 1, Logout),
        command_key!("ping", 2, Ping),
        command_key!("pong", 3, Pong),
        command_key!("join_cr", 4, JoinCr),
        command_key!("cms", 5, Cms),
    ],
};

macro_rules! command_key {
    ($name:literal, $at:literal, $command:ident) => {
        Key {
            path: concat!("wire.commands.", $name),
            doc: "",
            plain: false,
            set: |draft: &mut Draft, value| {
                kind::read_command(value).map(|code| draft.codes[$at] = Some(code))
            },
            show: |config| config.wire.commands.code(Command::$command).to_string(),
        }
    };
}
use command_key;

const LOGIN_FIELDS: Group = Group {
    doc: " LOGIN's field numbers, 1 to 99: the document lost them.\n",
    keys: &[login_field_key!("token", token), login_field_key!("user_id", user_id)],
};

macro_rules! login_field_key {
    ($name:literal, $field:ident) => {
        Key {
            path: concat!("wire.login.", $name),
            doc: "",
            plain: false,
            set: |draft, value| kind::read_field(value).map(|number| draft.config.wire.login.$field = number),
            show: |config| config.wire.login.$field.to_string(),
        }
    };
}
use login_field_key;
