//! The configuration: every key of the file in its place, checked once, then plain values.
//!
//! [`Config`] and its sections are what code takes; `Config::default()` is what runs without a file. A key is written
//! down in one place, `sections`: its name, type, default, and the words that the default file and these pages show.
//! Never reads a socket and never resolves a name: what is wrong is found before a port is bound.
//! Invariant: a `Config` that came out of this module keeps all the relations between its keys.

mod key;
mod kind;
mod listeners;
mod load;
mod login;
mod login_keys;
mod login_rules;
mod names;
mod problem;
mod production;
mod quotas;
mod relations;
mod sections;
mod template;
mod tls;
mod web;
mod words;

pub use key::{Key, Section};
pub use kind::{KIB, MIB};
pub use listeners::{Listener, ListenerEntry, PeerNetwork, Transports};
pub use load::{Flag, Layers, Loaded, keys, load};
pub use login_keys::LoginKey;
pub use problem::{Origin, Problem, Problems};
pub use production::production_file;
pub use quotas::{AddressQuotas, AutoRate, RateLimit, RoomQuotas, UserQuotas};
pub use relations::RECORD_EXTRA_MAX;
pub use sections::{
    Addresses, ClaimsConfig, Config, CreateBy, CreateConfig, DrainConfig, FanoutConfig, HttpLoginConfig,
    JwksConfig, JwtConfig, LimitsConfig, LogConfig, LogFormat, LogLevel, LoginConfig, PrivateTables,
    QuotasConfig, RingConfig, RoomsConfig, ServerConfig, TimeoutsConfig, TypesConfig, WebConfig, WireConfig,
    WsConfig,
};
pub use template::{default_file, default_variables};
pub use tls::{CertificateFiles, TlsConfig, TlsVersions};
pub use words::{Algorithm, DemoPage, LoginProvider};

#[cfg(test)]
mod tests;
