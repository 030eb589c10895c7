//! From the configuration to what a shard takes of it: plain numbers, and each shard's share of what the node has.

use std::sync::Arc;
use std::time::Duration;

use longwire_engine::{Budget, Config as EngineConfig, MessageTypes, RingLimits};

use crate::config::{Config, RingConfig};

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

fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The engine's own defaults are the file's: two lists of numbers that must not drift apart.
    #[test]
    fn the_defaults_are_the_files() {
        let (mine, theirs) = (of(&Config::default(), 1), EngineConfig::default());
        assert_eq!(format!("{mine:?}"), format!("{theirs:?}"));
    }
}
