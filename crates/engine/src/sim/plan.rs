//! What a seed decides before the first step: the node's configuration, the network's manners, how lively the clients are.

use std::sync::Arc;

use fastrand::Rng;
use longwire_wire::CommandMap;

use super::allow::{Allowance, Allowances};
use super::client::Weather;
use crate::config::{Budget, Config, MessageTypes, RingLimits};
use crate::users::SessionPolicy;

/// The rooms of every run, by their index in [`Plan::rooms`].
pub(super) const ROOM_NAMES: [&str; 6] = ["lobby", "r1", "zweiter Raum", "r3", "房间", "r5"];

/// Everything a run is made of but its steps.
pub(super) struct Plan {
    pub(super) shards: usize,
    pub(super) config: Arc<Config>,
    /// How many of [`ROOM_NAMES`] are used.
    pub(super) rooms: usize,
    /// `limits.rooms_max`.
    pub(super) rooms_max: usize,
    /// Data messages a ring between two shards takes.
    pub(super) link_max: usize,
    /// Room in a socket, between these two.
    pub(super) socket_bytes: (usize, usize),
    /// How often, of 100, a socket takes less than it could.
    pub(super) short_writes: u32,
    pub(super) slice_sends: usize,
    /// Connections at a time.
    pub(super) clients_max: usize,
    pub(super) steps: usize,
    /// Content is padded by up to this many bytes.
    pub(super) content_max: usize,
    /// Rings that hold everything: nobody who reads may lose a record.
    pub(super) generous: bool,
    /// One weight for each kind of step; see `steps.rs`.
    pub(super) weights: [u32; super::steps::KINDS],
    /// Of 100 requests, how many are what no honest client sends.
    pub(super) mischief: u32,
    /// `quotas`, as the model reads them.
    pub(super) allowed: Allowances,
    /// How many users there are; 0: each client has its own.
    pub(super) users: u32,
    /// The longest that a token is good.
    pub(super) token_ms: Option<u64>,
    /// How many guests the driver lets in.
    pub(super) guests_max: usize,
    /// Of 100 connections, how many have their LOGIN refused by the driver.
    pub(super) unwelcome: u32,
    /// Of 100 logins, how many their provider does not judge in time.
    pub(super) provider_gives_up: u32,
}

impl Plan {
    pub(super) fn of(rng: &mut Rng) -> Self {
        let generous = rng.u32(..5) == 0;
        let rooms_max = pick(rng, &[100, 100, 100, 1, 3]);
        let allowed = allowances(rng);
        let config = Config { quotas: allowed.quotas(), ..config(rng, generous, rooms_max) };
        let weights = std::array::from_fn(|kind| {
            let usual = super::steps::USUAL_WEIGHTS[kind];
            usual * pick(rng, &[1, 2, 2, 2, 4, 8])
        });
        Self {
            shards: pick(rng, &[1, 1, 2, 2, 2, 3, 4]),
            config: Arc::new(config),
            rooms: pick(rng, &[1, 1, 2, 2, 3, ROOM_NAMES.len()]),
            rooms_max,
            link_max: pick(rng, &[1, 2, 4, 8, 8, 500]),
            socket_bytes: pick(rng, &[(30, 200), (100, 1000), (200, 4000), (20_000, 80_000)]),
            short_writes: pick(rng, &[0, 5, 30]),
            slice_sends: pick(rng, &[1, 2, 3, 512]),
            clients_max: pick(rng, &[3, 6, 6, 10, 10, 10, 16, 40]),
            steps: pick(rng, &[100, 500, 1_000, 2_000]),
            content_max: pick(rng, &[0, 40, 40, 300, 300, 20_000]),
            generous,
            weights,
            mischief: pick(rng, &[0, 3, 15]),
            allowed,
            users: pick(rng, &[0, 0, 1, 2, 2, 4]),
            token_ms: pick(rng, &[None, None, None, Some(300), Some(5_000), Some(60_000)]),
            guests_max: pick(rng, &[0, 2, 100, 100, 100]),
            unwelcome: pick(rng, &[0, 0, 0, 10]),
            provider_gives_up: pick(rng, &[0, 0, 10]),
        }
    }

    pub(super) fn weather(&self, logins_may_fail: bool) -> Weather {
        Weather {
            config: self.config.clone(),
            allowed: self.allowed,
            logins_may_fail,
            joins_may_fail: self.rooms_max < self.rooms,
        }
    }
}

/// Half of the runs have no quota at all. Numbers that divide evenly, so that the model can count in its own way.
fn allowances(rng: &mut Rng) -> Allowances {
    if rng.bool() {
        return Allowances::default();
    }
    let mut maybe = |counts: &[u32], periods: &[u64], bursts: &[u32]| {
        (rng.u32(..3) == 0).then(|| Allowance {
            count: pick(rng, counts),
            period_ms: pick(rng, periods),
            burst: pick(rng, bursts),
        })
    };
    Allowances {
        frames: maybe(&[1, 20, 100], &[1_000, 10_000], &[1, 5, 40]),
        messages: maybe(&[1, 10, 50], &[1_000, 10_000], &[1, 3, 20]),
        joins: maybe(&[1, 10], &[1_000, 60_000], &[1, 4]),
        reconnects: maybe(&[1, 10], &[1_000, 60_000], &[1, 3, 10]),
        room: maybe(&[10, 100], &[1_000, 10_000], &[5, 10, 50]),
        priority_percent: pick(rng, &[0, 50, 80]),
        sessions: pick(rng, &[0, 0, 1, 2, 3]),
    }
}

fn config(rng: &mut Rng, generous: bool, rooms_max: usize) -> Config {
    let ring = match generous {
        true => Config::default().ring,
        false => RingLimits {
            records: rng.usize(1..=16),
            bytes: pick(rng, &[300, 2_000, 1 << 20]),
            priority_records: rng.usize(0..=4),
            priority_bytes: pick(rng, &[0, 200, 1 << 20]),
        },
    };
    let calm = 1 << 30;
    Config {
        commands: match rng.u32(..4) {
            0 => CommandMap::new([70, 9, 3, 200, 5, 1]).unwrap_or_default(),
            _ => CommandMap::default(),
        },
        idle_ms: pick(rng, &[3_000, 30_000, 30_000, 1_000_000, 1_000_000]),
        login_start_ms: pick(rng, &[2_000, 30_000]),
        stall_ms: pick(rng, &[500, 30_000, 30_000]),
        frame_max: pick(rng, &[1_200, 65_536]),
        push_max: pick(rng, &[40, 150, 1_000, 65_536]),
        gzip_min: pick(rng, &[0, 60, 512]),
        min_interval_ms: pick(rng, &[0, 0, 5, 50]),
        ring,
        rings_max: if generous { calm } else { pick(rng, &[800, 5_000, calm, calm]) },
        pinned_max: pick(rng, &[300, 2_000, calm, calm]),
        unauthenticated_max: pick(rng, &[2, 4, 100, 100, 100, 100]),
        login_max: 1_000,
        message_max: pick(rng, &[100, 65_536]),
        id_max: 40,
        rooms_per_connection: rng.usize(1..=4),
        rooms: Budget::new(rooms_max),
        guests: rng.u32(..8) > 0,
        sessions: pick(
            rng,
            &[SessionPolicy::All, SessionPolicy::All, SessionPolicy::Newest, SessionPolicy::Oldest],
        ),
        expiry_grace_ms: pick(rng, &[0, 500, 25_000]),
        room_idle_ms: pick(rng, &[0, 1_000, 60_000]),
        client_types: pick(rng, &[MessageTypes::new([0, 2]), MessageTypes::new([0, 2, 7])]),
        priority_types: pick(
            rng,
            &[MessageTypes::default(), MessageTypes::new([2]), MessageTypes::new([0, 2])],
        ),
        ..Config::default()
    }
}

pub(super) fn pick<T: Clone>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(..all.len())].clone()
}
