//! Where a server is, and how to reach it: `HOST:PORT`, or `tcp:// tls:// ws:// wss://HOST[:PORT][/PATH]`.

use std::{fmt, net::IpAddr, net::Ipv6Addr, str::FromStr};

/// The port where an address names none: what a server listens on by default, for every way to reach it.
pub const PORT: u16 = 7610;

/// The path where a WebSocket address names none: where a server offers WebSocket by default (`web.ws.path`).
pub const WS_PATH: &str = "/ws";

/// What carries the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// TCP alone.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket over TCP.
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Tls, Self::Ws, Self::Wss];

    /// As written in front of `://`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// Whether TLS is under it.
    pub fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// Whether frames go in WebSocket messages.
    pub fn is_web_socket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

/// A server's address, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    scheme: Scheme,
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    host: String,
    port: u16,
    /// Of WebSocket alone; begins with `/`.
    path: String,
}

impl Address {
    /// What carries the frames.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The same place, reached another way.
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// HOST:PORT, an IPv6 address in brackets.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        bare(&self.host)
    }

    /// What a WebSocket asks for.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is this machine by its very name; nothing is looked up.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host().parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

/// Without an IPv6 address's brackets.
pub(crate) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path == WS_PATH { "" } else { &self.path };
        match self.scheme {
            Scheme::Tcp => write!(f, "{}:{}", self.host, self.port),
            scheme => write!(f, "{}://{}:{}{path}", scheme.name(), self.host, self.port),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const SCHEMES: &str = "tcp://, tls://, ws:// or wss://";
        let (scheme, rest) = match text.split_once("://") {
            None => (Scheme::Tcp, text),
            Some((name, rest)) => {
                match Scheme::ALL.into_iter().find(|scheme| name.eq_ignore_ascii_case(scheme.name())) {
                    Some(scheme) => (scheme, rest),
                    None => return Err(format!("unknown scheme {name}://; use {SCHEMES}")),
                }
            }
        };
        let (place, path) = match rest.find(['/', '?']) {
            Some(at) if scheme.is_web_socket() => rest.split_at(at),
            _ => (rest, WS_PATH),
        };
        let (host, port) = match place.rsplit_once(':') {
            _ if place.parse::<Ipv6Addr>().is_ok() => (format!("[{place}]"), PORT),
            Some((host, port)) if !place.ends_with(']') => {
                (host.to_owned(), port.parse().map_err(|_| format!("{port:?} is not a port number"))?)
            }
            _ => (place.to_owned(), PORT),
        };
        let is_v6 = host.starts_with('[') && host.ends_with(']');
        let good = match is_v6 {
            true => bare(&host).parse::<Ipv6Addr>().is_ok(),
            false => !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/:[]@?#".contains(c)),
        };
        if !good {
            return Err(format!("{place:?} is not HOST:PORT"));
        }
        if !path.starts_with('/')
            || path.contains(|c: char| c == '#' || c.is_control() || c.is_whitespace() || !c.is_ascii())
        {
            return Err(format!("{path:?} is not a path"));
        }
        Ok(Self { scheme, host, port, path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_where_and_how() {
        for (text, shown, scheme, authority, path) in [
            ("127.0.0.1:7610", "127.0.0.1:7610", Scheme::Tcp, "127.0.0.1:7610", "/ws"),
            ("chat.example", "chat.example:7610", Scheme::Tcp, "chat.example:7610", "/ws"),
            ("tcp://chat.example:9000", "chat.example:9000", Scheme::Tcp, "chat.example:9000", "/ws"),
            ("[::1]:80", "[::1]:80", Scheme::Tcp, "[::1]:80", "/ws"),
            ("::1", "[::1]:7610", Scheme::Tcp, "[::1]:7610", "/ws"),
            ("tls://[::1]", "tls://[::1]:7610", Scheme::Tls, "[::1]:7610", "/ws"),
            ("TLS://chat.example", "tls://chat.example:7610", Scheme::Tls, "chat.example:7610", "/ws"),
            ("ws://chat.example", "ws://chat.example:7610", Scheme::Ws, "chat.example:7610", "/ws"),
            ("ws://chat.example/", "ws://chat.example:7610/", Scheme::Ws, "chat.example:7610", "/"),
            (
                "wss://chat.example:443/a/b?c=d",
                "wss://chat.example:443/a/b?c=d",
                Scheme::Wss,
                "chat.example:443",
                "/a/b?c=d",
            ),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(
                (address.scheme(), address.authority().as_str(), address.path()),
                (scheme, authority, path)
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            ":80",
            "host:port",
            "host:70000",
            "tcp://host/path",
            "tls://host/path",
            "a b:1",
            "[x]:1",
            "http://host",
            "ws://host/a b",
            "ws://host/#a",
            "ws://host?a",
            "ws://u@host/",
            "ws://host/\u{e9}",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_name() {
        for (text, is_loopback) in
            [("127.3.2.1", true), ("tls://[::1]", true), ("ws://localhost/x", true), ("10.0.0.1", false)]
        {
            assert_eq!(text.parse::<Address>().unwrap().is_loopback(), is_loopback);
        }
    }
}
