//! `[quotas]`: who may do what how often. All off until set, but failed logins as soon as a real provider is asked.

use super::Config;
use super::key::{Group, Key, section};
use super::kind::{self, Kind, duration, expected, quoted};
use crate::origin::Network;
use longwire_engine::Rate;
use std::time::Duration;
use toml::Value;

/// "N/period burst M": N permits in each period, M of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Permits in a period.
    pub count: u32,
    /// The period.
    pub period: Duration,
    /// Permits at once; as many as in a period where the file does not say.
    pub burst: u32,
}

impl From<RateLimit> for Rate {
    fn from(limit: RateLimit) -> Self {
        Rate::new(limit.count, limit.period, limit.burst)
    }
}

/// A rate, or what the login provider makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoRate {
    /// Off under the provider `open`, else the limit that the key's comment names.
    Auto,
    /// As set; `None`: off.
    Set(Option<RateLimit>),
}

const RATE: Kind<Option<RateLimit>> =
    Kind { plain: true, read: read_rate, show: |rate| quoted(&show_rate(rate)) };

const AUTO_RATE: Kind<AutoRate> = Kind {
    plain: true,
    read: |value| match value.as_str() {
        Some("auto") => Ok(AutoRate::Auto),
        _ => read_rate(value).map(AutoRate::Set),
    },
    show: |rate| match rate {
        AutoRate::Auto => quoted("auto"),
        AutoRate::Set(rate) => quoted(&show_rate(rate)),
    },
};

const NETWORKS: Kind<Vec<Network>> = Kind {
    plain: false,
    read: |value| {
        const WHAT: &str = "a list of networks, such as [\"127.0.0.0/8\", \"::1/128\"]";
        let list = value.as_array().ok_or_else(|| expected(WHAT, value))?;
        list.iter().map(|element| kind::read_network(WHAT, element)).collect()
    },
    show: |list| {
        let list: Vec<_> = list.iter().map(|network| quoted(&network.to_string())).collect();
        format!("[{}]", list.join(", "))
    },
};

const PERCENT: Kind<u32> =
    Kind { plain: false, read: |value| kind::read_number(value, 0, 99), show: ToString::to_string };

impl QuotasConfig {
    /// Whether any quota is in force, but the one of failed logins, which a provider brings with it.
    pub(super) fn limits_anything(&self) -> bool {
        let Self { exempt: _, connection_frames, node_logins, address, user, room } = self;
        let rates =
            [*connection_frames, *node_logins, address.connects, user.messages, user.joins, user.reconnects];
        let counts = [address.connections, address.guests, user.connections];
        counts.iter().any(|count| *count > 0) || rates.iter().any(Option::is_some) || room.messages.is_some()
    }
}

section! {
    /// What may be done how often. "off", 0: no limit. A rate is "N/period" or "N/period burst M". A listener that other
    /// machines reach warns at the start while nothing here is set.
    QuotasConfig at "quotas", in quotas {
        /// Networks that the limits of `quotas.address` are not for.
        exempt: Vec<Network> as NETWORKS, = loopback();
        /// Frames of a connection: above it RATE_LIMITED, and closed after 100 of these in a row. Fails open.
        connection_frames: Option<RateLimit> as RATE, = None;
        /// LOGINs of the node: above it OVERLOADED. Fails closed.
        node_logins: Option<RateLimit> as RATE, = None;
    }
    with {
        /// Of an address.
        address: AddressQuotas,
        /// Of a user.
        user: UserQuotas,
        /// Of a room.
        room: RoomQuotas,
    }
}

section! {
    /// Of an IPv4 address, or of the /64 of an IPv6 one. 40 to 75 bytes for each that is counted.
    AddressQuotas at "quotas.address", in quotas.address {
        /// Open connections: above it the LOGIN is answered with TOO_MANY. Fails open.
        connections: usize as kind::COUNT, = 0;
        /// Guests: above it the LOGIN is answered with TOO_MANY. Fails closed.
        guests: usize as kind::COUNT, = 0;
        /// New connections: above it the LOGIN is answered with RATE_LIMITED. Fails open.
        connects: Option<RateLimit> as RATE, = None;
        /// Failed LOGINs: above it LOGINs are answered with RATE_LIMITED. Fails closed. "auto": "5/30s", but off under
        /// the provider open.
        login_failures: AutoRate as AUTO_RATE, = AutoRate::Auto;
    }
}

section! {
    /// Of a user, over all connections.
    UserQuotas at "quotas.user", in quotas.user {
        /// Sessions at a time under `login.sessions = "all"`: above it TOO_MANY. Fails closed.
        connections: usize as kind::COUNT, = 0;
        /// Messages: above it RATE_LIMITED. Fails open.
        messages: Option<RateLimit> as RATE, = None;
        /// JOINs: above it RATE_LIMITED. Fails open.
        joins: Option<RateLimit> as RATE, = None;
        /// LOGINs that succeed: above it RATE_LIMITED for five minutes. Fails open.
        reconnects: Option<RateLimit> as RATE, = None;
        /// Failed LOGINs: above it, addresses that have failed of late are answered with RATE_LIMITED; others may try, so
        /// that nobody can lock the user out. Fails closed. "auto": "10/15m", but off under the provider open.
        login_failures: AutoRate as AUTO_RATE, = AutoRate::Auto;
    }
}

section! {
    /// Of a room.
    RoomQuotas at "quotas.room", in quotas.room {
        /// Messages: above it RATE_LIMITED to the sender. Fails open.
        messages: Option<RateLimit> as RATE, = None;
        /// What of it only the priority class may use, in percent: above the rest RATE_LIMITED to the sender of a message of
        /// another. Fails open.
        priority_percent: u32 as PERCENT, = 50;
    }
}

impl QuotasConfig {
    pub(super) const GROUPS: &'static [Group] =
        &[Self::GROUP, AddressQuotas::GROUP, UserQuotas::GROUP, RoomQuotas::GROUP];
}

fn loopback() -> Vec<Network> {
    ["127.0.0.0/8", "::1/128"].iter().filter_map(|text| text.parse().ok()).collect()
}

fn show_rate(rate: &Option<RateLimit>) -> String {
    let Some(RateLimit { count, period, burst }) = rate else { return "off".to_owned() };
    let burst = if burst == count { String::new() } else { format!(" burst {burst}") };
    format!("{count}/{}{burst}", duration(*period))
}

fn read_rate(value: &Value) -> Result<Option<RateLimit>, String> {
    const WHAT: &str = "a rate, such as \"5/s\", \"10/15m\", \"20/s burst 100\", or \"off\"";
    let text = value.as_str().ok_or_else(|| expected(WHAT, value))?;
    if text == "off" {
        return Ok(None);
    }
    parse_rate(text).map(Some).ok_or_else(|| expected(WHAT, value))
}

fn parse_rate(text: &str) -> Option<RateLimit> {
    let mut words = text.split(' ');
    let (count, period) = words.next()?.split_once('/')?;
    let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
    let period = if period.starts_with(|c: char| c.is_ascii_digit()) {
        period.to_owned()
    } else {
        format!("1{period}")
    };
    let period = kind::read_duration(&Value::String(period)).ok().filter(|period| !period.is_zero())?;
    let burst = match (words.next(), words.next(), words.next()) {
        (None, _, _) => count,
        (Some("burst"), Some(burst), None) => burst.parse().ok().filter(|burst| *burst > 0)?,
        _ => return None,
    };
    Some(RateLimit { count, period, burst })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_they_are_shown() {
        for (text, shown) in [
            ("5/s", "5/1s"),
            ("10/15m", "10/15m"),
            ("20/s burst 100", "20/1s burst 100"),
            ("7/250ms burst 7", "7/250ms"),
            ("off", "off"),
        ] {
            let rate = read_rate(&Value::String(text.to_owned())).unwrap();
            assert_eq!(show_rate(&rate), shown);
            assert_eq!(read_rate(&Value::String(shown.to_owned())).unwrap(), rate);
        }
        for wrong in [
            "",
            "5",
            "5/",
            "/s",
            "0/s",
            "5/0s",
            "-5/s",
            "5/s burst",
            "5/s burst 0",
            "5/s burst 3 more",
            "5/x",
        ] {
            assert!(read_rate(&Value::String(wrong.to_owned())).is_err(), "{wrong}");
        }
        assert!(read_rate(&Value::Integer(5)).is_err());
    }
}
