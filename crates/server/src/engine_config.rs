//! From the configuration to what a shard takes of it: plain numbers, and each shard's share of what the node has.

use std::sync::Arc;
use std::time::Duration;

use longwire_engine::{Budget, Config as EngineConfig, MessageTypes, Quotas, Rate, RingLimits};

use crate::config::{AutoRate, Config, LoginProvider, QuotasConfig, RingConfig};
use crate::throttle::Rules;

/// What every one of `shards` shards is configured with.
pub(crate) fn of(config: &Config, shards: usize) -> EngineConfig {
    let (wire, fanout, limits) = (&config.wire, &config.fanout, &config.limits);
    EngineConfig {
        commands: wire.commands.clone(),
        login_fields: wire.login,
        length: wire.length,
        versions: wire.versions,
        relay_fields: wire.relay_fields.clone(),
        login_start_ms: ms(wire.timeouts.login_start),
        login_ms: ms(wire.timeouts.login),
        idle_ms: ms(wire.timeouts.idle),
        frame_max: wire.frame_max,
        push_max: wire.push_max,
        gzip_min: wire.gzip_min,
        min_interval_ms: ms(fanout.min_interval),
        ring: ring(&fanout.ring),
        rings_max: fanout.rings_max / shards,
        pinned_max: fanout.pinned_max,
        stall_ms: ms(fanout.stall_timeout),
        unauthenticated_max: limits.unauthenticated_max,
        unauthenticated: Arc::default(),
        login_max: limits.login_max,
        message_max: limits.message_max,
        id_max: limits.id_max,
        rooms_per_connection: limits.rooms_per_connection,
        rooms: Budget::new(limits.rooms_max),
        guests: config.login.guests,
        sessions: config.login.sessions,
        expiry_grace_ms: ms(config.login.jwt.expiry_grace),
        quotas: quotas(&config.quotas),
        node_time: Arc::default(),
        room_idle_ms: ms(config.rooms.create.idle_ttl),
        client_types: MessageTypes::new(config.rooms.types.client.iter().copied()),
        priority_types: MessageTypes::new(config.rooms.types.priority.iter().copied()),
    }
}

fn ring(ring: &RingConfig) -> RingLimits {
    RingLimits {
        records: ring.records,
        bytes: ring.bytes,
        priority_records: ring.priority_records,
        priority_bytes: ring.priority_bytes,
    }
}

fn quotas(quotas: &QuotasConfig) -> Quotas {
    Quotas {
        connection_frames: quotas.connection_frames.map(Rate::from),
        user_connections: quotas.user.connections,
        user_messages: quotas.user.messages.map(Rate::from),
        user_joins: quotas.user.joins.map(Rate::from),
        user_reconnects: quotas.user.reconnects.map(Rate::from),
        room_messages: quotas.room.messages.map(Rate::from),
        priority_percent: quotas.room.priority_percent,
    }
}

/// What is counted by address and by failure. Failed logins alone are throttled as soon as a real provider is asked.
pub(crate) fn throttle(config: &Config) -> Rules {
    let quotas = &config.quotas;
    let is_real = config.login.provider != LoginProvider::Open;
    let auto = |rate: AutoRate, count: u32, period: Duration| match rate {
        AutoRate::Auto => is_real.then(|| Rate::new(count, period, count)),
        AutoRate::Set(rate) => rate.map(Rate::from),
    };
    Rules {
        exempt: quotas.exempt.clone(),
        connections: quotas.address.connections.try_into().unwrap_or(u32::MAX),
        guests: quotas.address.guests.try_into().unwrap_or(u32::MAX),
        connects: quotas.address.connects.map(Rate::from),
        address_failures: auto(quotas.address.login_failures, 5, Duration::from_secs(30)),
        user_failures: auto(quotas.user.login_failures, 10, Duration::from_secs(15 * 60)),
        node_logins: quotas.node_logins.map(Rate::from),
    }
}

fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The engine's own defaults are the file's: two lists of numbers that must not drift apart.
    #[test]
    fn the_defaults_are_the_files() {
        let (mine, mut theirs) = (of(&Config::default(), 1), EngineConfig::default());
        theirs.quotas.priority_percent = 50; // says nothing while no room has a rate
        assert_eq!(format!("{mine:?}"), format!("{theirs:?}"));
    }
}
