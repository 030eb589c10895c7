//! What becomes of a connection in each state by what its client does not say: answers of the login provider and of
//! the user's home, a newer session, the end of a token, time, the operator. Seen on a real shard, from outside;
//! `session_events.txt` beside this file is the outcome, as `session_transitions.txt` is for frames.

use longwire_wire::{Command, Status};

use crate::stage::{EXPIRES_MS, Stage, now};
use crate::{Config, Millis, Now, SessionPolicy, ShardId, ShardMsg};

const GRACE_MS: u64 = 1_000;

/// Where a connection stands before something happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    AwaitLogin,
    /// Its first LOGIN waits for the provider.
    Authenticating,
    /// A guest's LOGIN as a user does.
    GuestLogsIn,
    /// A user's renewal does.
    UserRenews,
    /// A user's renewal waits for the user's home.
    RenewalAtHome,
    Guest,
    User,
    Closing,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    ProviderAccepts,
    ProviderRefuses,
    ProviderTimesOut,
    HomeRefuses,
    Replaced,
    Expires,
    GraceOver,
    SilentForLong,
    PeerCloses,
    Drains,
}

const BEFORE: [Before; 8] = [
    Before::AwaitLogin,
    Before::Authenticating,
    Before::GuestLogsIn,
    Before::UserRenews,
    Before::RenewalAtHome,
    Before::Guest,
    Before::User,
    Before::Closing,
];

const EVENTS: [Event; 10] = [
    Event::ProviderAccepts,
    Event::ProviderRefuses,
    Event::ProviderTimesOut,
    Event::HomeRefuses,
    Event::Replaced,
    Event::Expires,
    Event::GraceOver,
    Event::SilentForLong,
    Event::PeerCloses,
    Event::Drains,
];

/// Whether it can come to this: a home refuses no renewal, and only a user's session is replaced.
fn can_happen(event: Event, before: Before) -> bool {
    match event {
        Event::HomeRefuses => !matches!(before, Before::UserRenews | Before::RenewalAtHome),
        Event::Replaced => {
            matches!(before, Before::User | Before::UserRenews | Before::RenewalAtHome | Before::Closing)
        }
        Event::ProviderAccepts
        | Event::ProviderRefuses
        | Event::ProviderTimesOut
        | Event::Expires
        | Event::GraceOver
        | Event::SilentForLong
        | Event::PeerCloses
        | Event::Drains => true,
    }
}

fn set(before: Before) -> Stage {
    let mut stage = Stage::new(Config {
        sessions: SessionPolicy::Newest,
        expiry_grace_ms: GRACE_MS,
        idle_ms: 3_000,
        login_start_ms: 3_000,
        ..Config::default()
    });
    match before {
        Before::AwaitLogin => {}
        Before::Authenticating => stage.login(),
        Before::Guest => stage.say(Command::Login, &[]),
        Before::GuestLogsIn => {
            stage.say(Command::Login, &[]);
            stage.login();
        }
        Before::User => stage.log_in(),
        Before::UserRenews => {
            stage.log_in();
            stage.login();
        }
        Before::RenewalAtHome => {
            stage.log_in();
            stage.login();
            stage.provider(Ok(()));
        }
        Before::Closing => {
            stage.log_in();
            stage.say(Command::Logout, &[]);
        }
    }
    stage.wire.sent.clear();
    stage
}

fn happen(stage: &mut Stage, event: Event) {
    match event {
        Event::ProviderAccepts => {
            stage.provider(Ok(()));
            stage.home(Status::OK);
        }
        Event::ProviderRefuses => stage.provider(Err(Status::UNAUTHENTICATED)),
        Event::ProviderTimesOut => stage.provider(Err(Status::OVERLOADED)),
        Event::HomeRefuses => {
            stage.provider(Ok(()));
            stage.home(Status::TOO_MANY);
        }
        Event::Replaced => {
            let msg = ShardMsg::Displace { conn: stage.conn };
            stage.shard.receive(ShardId(1), msg, now(0), &mut stage.wire);
        }
        Event::Expires => stage.shard.tick(now(EXPIRES_MS), &mut stage.wire),
        Event::GraceOver => stage.shard.tick(now(EXPIRES_MS + GRACE_MS), &mut stage.wire),
        Event::SilentForLong => {
            // in the engine's time alone: no token ends by it
            let later = Now { mono: Millis(3_000), unix_ms: 0 };
            stage.shard.tick(later, &mut stage.wire);
            stage.shard.idle_confirmed(stage.conn.slot, later);
        }
        Event::PeerCloses => stage.shard.peer_closed(stage.conn.slot),
        Event::Drains => {
            stage.shard.begin_drain(0, now(0));
            stage.shard.drain_step(now(0), &mut stage.wire);
        }
    }
}

/// Every state meets every event. A row that changes is a change of PROTOCOL.md section 16, first.
//= PROTOCOL.md#16.5
//= PROTOCOL.md#8.11
//= PROTOCOL.md#8.16
//= PROTOCOL.md#8.17
//= PROTOCOL.md#8.21
//= PROTOCOL.md#8.22
//= PROTOCOL.md#9.11
// What happens to a connection without its doing has in each state the outcome of the table.
#[test]
fn event_table() {
    let mut table = String::new();
    for event in EVENTS {
        for before in BEFORE.into_iter().filter(|&before| can_happen(event, before)) {
            let mut stage = set(before);
            happen(&mut stage, event);
            table +=
                &format!("{:>14} --{event:?}--> {}\n", format!("{before:?}"), stage.outcome().trim_end());
        }
    }
    assert_eq!(table, include_str!("session_events.txt"), "is now:\n{table}");
}
