//! Rules that no value can be checked against alone, and each value's range.
//!
//! A rule names its keys: the error goes to the first of them that somebody set.

use super::kind::{self, KIB, MIB};
use super::{Config, LoginProvider};
use std::net::SocketAddr;
use std::time::Duration;

/// A frame of 16 MiB has a first byte that is not 0, by which a frame could no longer be told from another protocol.
const FRAME_END: usize = 16 * MIB;
/// What a record may have beyond the client's body it was spliced from: the server's own `from` and timestamp, the
/// room's name, and the tags and lengths around them. Two ids of `ID_MAX` and 40 bytes at most.
pub const RECORD_EXTRA_MAX: usize = 2 * KIB;
const ID_MAX: usize = 512;
/// messageType NOTIFY.
const NOTIFY: u32 = longwire_wire::Message::NOTIFY;
const _: () =
    assert!(2 * ID_MAX + 40 <= RECORD_EXTRA_MAX, "a ring that holds the largest frame holds its record");
/// Threads beyond any machine this was thought for.
const SHARDS_MAX: usize = 256;

/// A rule that the configuration breaks.
pub(super) struct Broken {
    pub(super) keys: &'static [&'static str],
    pub(super) reason: String,
}

/// Every rule that `config` breaks.
pub(super) fn broken(config: &Config) -> Vec<Broken> {
    let mut rules = Rules::default();
    server(config, &mut rules);
    super::listeners::rules(config, &mut rules);
    open_login(config, &mut rules);
    super::login_rules::login(&config.login, &mut rules);
    timeouts(config, &mut rules);
    frames(config, &mut rules);
    numbers(config, &mut rules);
    rings(config, &mut rules);
    counts(config, &mut rules);
    message_types(config, &mut rules);
    super::tls::rules(config, &mut rules);
    drain(config, &mut rules);
    rules.broken
}

fn server(config: &Config, rules: &mut Rules) {
    let server = &config.server;
    let shards = server.shards.map_or(1, std::num::NonZeroUsize::get);
    rules.need(shards <= SHARDS_MAX, &["server.shards"], || {
        format!("must be at most {SHARDS_MAX}, is {shards}")
    });
    rules.size_within(&["server.send_buffer"], server.send_buffer, 4 * KIB, 64 * MIB);
}

/// What no rule forbids but should be looked at before other machines come.
pub(super) fn questionable(config: &Config) -> Vec<Broken> {
    let mut rules = Rules::default();
    if let Some((key, address)) = beyond_loopback(config).filter(|_| !config.quotas.limits_anything()) {
        rules.fail(
            key,
            format!(
                "{address} can be reached by other machines, and [quotas] limits nobody: one client may take all there \
                 is; longwire default-config --production has limits to begin with"
            ),
        );
    }
    rules.broken
}

/// The first listener that is not for this machine alone, whichever key names it.
fn beyond_loopback(config: &Config) -> Option<(&'static [&'static str], SocketAddr)> {
    const SERVER: &[&str] = &["server.listen"];
    const OWN: &[&str] = &["listener"];
    let of_server = config.server.listen.iter().map(|address| (SERVER, *address));
    let own = config.listener.iter().map(|listener| (OWN, listener.address));
    of_server.chain(own).find(|(_, address)| !address.ip().to_canonical().is_loopback())
}

/// Reachable by other machines and open to anybody is refused unless it was asked for in so many words.
fn open_login(config: &Config, rules: &mut Rules) {
    let login = &config.login;
    if login.provider != LoginProvider::Open || login.open_on_any_address {
        return;
    }
    if let Some((key, address)) = beyond_loopback(config) {
        rules.fail(
            key,
            format!(
                "{address} can be reached by other machines, and login.provider = \"open\" lets anybody be anybody; \
                 if that is meant: login.open_on_any_address = true, or --allow-open-login"
            ),
        );
    }
}

fn timeouts(config: &Config, rules: &mut Rules) {
    let timeouts = &config.wire.timeouts;
    for (keys, wait) in [
        (&["wire.timeouts.login_start"], timeouts.login_start),
        (&["wire.timeouts.login"], timeouts.login),
        (&["wire.timeouts.heartbeat"], timeouts.heartbeat),
        (&["fanout.stall_timeout"], config.fanout.stall_timeout),
    ] {
        rules.need(wait >= Duration::from_secs(1), keys, || {
            format!("must be at least \"1s\", is \"{}\"", kind::duration(wait))
        });
    }
    rules.need(
        timeouts.idle >= 2 * timeouts.heartbeat,
        &["wire.timeouts.idle", "wire.timeouts.heartbeat"],
        || {
            let (idle, heartbeat) = (kind::duration(timeouts.idle), kind::duration(timeouts.heartbeat));
            format!("idle ({idle}) must be at least twice heartbeat ({heartbeat}): one lost beat is normal")
        },
    );
    let interval = config.fanout.min_interval;
    rules.need(interval <= Duration::from_secs(60), &["fanout.min_interval"], || {
        format!("must be at most \"60s\", is \"{}\"", kind::duration(interval))
    });
}

fn frames(config: &Config, rules: &mut Rules) {
    let (wire, limits) = (&config.wire, &config.limits);
    rules.need(wire.frame_max < FRAME_END, &["wire.frame_max"], || {
        "must be below \"16MiB\": the first byte of a larger frame's len would not tell it from another protocol".to_owned()
    });
    rules.need(wire.frame_max >= KIB, &["wire.frame_max"], || {
        format!("must be at least \"1KiB\", is \"{}\"", kind::size(wire.frame_max))
    });
    rules.size_within(&["wire.push_max"], wire.push_max, KIB, 16 * MIB);
    rules.need(wire.gzip_min > 0, &["wire.gzip_min"], || "must be at least \"1B\"".to_owned());
    rules.size_within(&["limits.login_max"], limits.login_max, 64, 16 * MIB);
    rules.size_within(&["limits.message_max"], limits.message_max, 1, 16 * MIB);
    rules.size_within(&["limits.id_max"], limits.id_max, 1, ID_MAX);
    rules.at_most(&["limits.login_max", "wire.frame_max"], limits.login_max, wire.frame_max);
    rules.at_most(&["limits.message_max", "wire.frame_max"], limits.message_max, wire.frame_max);
}

fn numbers(config: &Config, rules: &mut Rules) {
    let wire = &config.wire;
    rules.need(wire.login.token != wire.login.user_id, &["wire.login.token", "wire.login.user_id"], || {
        format!("token and user_id both have number {}", wire.login.token)
    });
    for (at, field) in wire.relay_fields.iter().enumerate() {
        let twice = wire.relay_fields[..at].contains(field);
        rules.need(!twice, &["wire.relay_fields"], || format!("{field} is there twice"));
    }
}

fn rings(config: &Config, rules: &mut Rules) {
    let (fanout, ring) = (&config.fanout, &config.fanout.ring);
    let record_max = config.wire.frame_max + RECORD_EXTRA_MAX;
    for (keys, bytes) in [
        (&["fanout.ring.bytes", "wire.frame_max"], ring.bytes),
        (&["fanout.ring.priority_bytes", "wire.frame_max"], ring.priority_bytes),
        (&["fanout.pinned_max", "wire.frame_max"], fanout.pinned_max),
    ] {
        rules.need(bytes >= record_max, keys, || {
            let (bytes, record_max) = (kind::size(bytes), kind::size(record_max));
            format!(
                "{} ({bytes}) must hold the largest message: wire.frame_max and 2KiB, {record_max}",
                keys[0]
            )
        });
    }
    rules.at_most(&["wire.push_max", "fanout.pinned_max"], config.wire.push_max, fanout.pinned_max);
    let both = ring.bytes.saturating_add(ring.priority_bytes);
    let keys = &["fanout.rings_max", "fanout.ring.bytes", "fanout.ring.priority_bytes"];
    rules.need(fanout.rings_max >= both, keys, || {
        let (all, both) = (kind::size(fanout.rings_max), kind::size(both));
        format!("fanout.rings_max ({all}) must hold the rings of one room: bytes and priority_bytes, {both}")
    });
    if let Some(memory_max) = config.limits.memory_max {
        rules.at_most(&["fanout.rings_max", "limits.memory_max"], fanout.rings_max, memory_max);
    }
}

fn counts(config: &Config, rules: &mut Rules) {
    let (limits, ring) = (&config.limits, &config.fanout.ring);
    for (keys, count, max) in [
        (&["limits.unauthenticated_max"], limits.unauthenticated_max, 100_000_000),
        (&["limits.rooms_per_connection"], limits.rooms_per_connection, 10_000),
        (&["limits.rooms_max"], limits.rooms_max, 100_000_000),
        (&["fanout.ring.records"], ring.records, 1 << 24),
        (&["fanout.ring.priority_records"], ring.priority_records, 1 << 24),
    ] {
        rules.need((1..=max).contains(&count), keys, || format!("must be between 1 and {max}, is {count}"));
    }
}

fn message_types(config: &Config, rules: &mut Rules) {
    let types = &config.rooms.types;
    rules.need(!types.client.contains(&NOTIFY), &["rooms.types.client"], || {
        "\"notify\" is the server's own: clients may not send it".to_owned()
    });
    for number in types.priority.difference(&types.client) {
        let name = kind::show_message_type(*number);
        let reason = format!("{name} is not in rooms.types.client: users may not send it at all");
        rules.fail(&["rooms.types.priority", "rooms.types.client"], reason);
    }
}

fn drain(config: &Config, rules: &mut Rules) {
    let drain = &config.drain;
    rules.need(drain.spread <= drain.deadline, &["drain.spread", "drain.deadline"], || {
        let (spread, deadline) = (kind::duration(drain.spread), kind::duration(drain.deadline));
        format!("spread ({spread}) must be at most deadline ({deadline}), which cuts what is left")
    });
}

/// The broken rules so far. A rule with one key is about its value alone.
#[derive(Default)]
pub(super) struct Rules {
    broken: Vec<Broken>,
}

impl Rules {
    #[cfg(test)]
    pub(super) fn broken(&self) -> &[Broken] {
        &self.broken
    }

    pub(super) fn fail(&mut self, keys: &'static [&'static str], reason: String) {
        self.broken.push(Broken { keys, reason });
    }

    pub(super) fn need(
        &mut self,
        holds: bool,
        keys: &'static [&'static str],
        reason: impl FnOnce() -> String,
    ) {
        if !holds {
            self.fail(keys, reason());
        }
    }

    pub(super) fn size_within(
        &mut self,
        key: &'static [&'static str; 1],
        bytes: usize,
        min: usize,
        max: usize,
    ) {
        self.need((min..=max).contains(&bytes), key, || {
            let [min, max, bytes] = [min, max, bytes].map(kind::size);
            format!("must be between \"{min}\" and \"{max}\", is \"{bytes}\"")
        });
    }

    pub(super) fn at_most(&mut self, keys: &'static [&'static str; 2], bytes: usize, max: usize) {
        self.need(bytes <= max, keys, || {
            format!("{} ({}) must be at most {} ({})", keys[0], kind::size(bytes), keys[1], kind::size(max))
        });
    }
}
