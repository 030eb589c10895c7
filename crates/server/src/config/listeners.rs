//! Where clients connect and what may be spoken there: `server.transports`, `server.proxy_from`, `[[listener]]`.

use super::Config;
use super::key::{Group, Key};
use super::kind::{self, Kind};
use super::relations::Rules;
use crate::origin::NotANetwork;
use std::net::{IpAddr, SocketAddr};
use toml::{Table, Value};

/// Listeners of the file together; each costs a descriptor a shard.
const LISTENERS_MAX: usize = 100;
const WHAT: &str = "a list of tables, [[listener]], each with address, transports and proxy_from";

/// What may be spoken on a port. None of them: the server's own choice, see [`Transports::in_force`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transports {
    /// Frames as they are.
    pub tcp: bool,
    /// Frames in TLS.
    pub tls: bool,
    /// WebSocket, and plain HTTP beside it.
    pub ws: bool,
    /// The same in TLS.
    pub wss: bool,
}

/// A `[[listener]]` as it is written. `None`: what `[server]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerEntry {
    /// IP:PORT.
    pub address: SocketAddr,
    /// What may be spoken there; none of them is the server's own choice, as in `[server]`.
    pub transports: Option<Transports>,
    /// Whose connections there must begin with a PROXY header; none is nobody's.
    pub proxy_from: Option<Vec<PeerNetwork>>,
}

/// A port, and what holds there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// IP:PORT.
    pub address: SocketAddr,
    /// What may be spoken there.
    pub transports: Transports,
    /// Whose connections there must begin with a PROXY header.
    pub proxy_from: Vec<PeerNetwork>,
}

/// `10.0.0.0/8` or one address: peers that are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerNetwork {
    ip: IpAddr,
    bits: u8,
}

impl Transports {
    const NAMES: [(&'static str, Self); 4] = [
        ("tcp", Self { tcp: true, tls: false, ws: false, wss: false }),
        ("tls", Self { tcp: false, tls: true, ws: false, wss: false }),
        ("ws", Self { tcp: false, tls: false, ws: true, wss: false }),
        ("wss", Self { tcp: false, tls: false, ws: false, wss: true }),
    ];

    /// What is spoken: what is named, as far as there is a certificate for it. Where nothing is named, everything that a
    /// certificate protects, and without a certificate everything else: plain transports stay beside one only where
    /// somebody said so.
    pub fn in_force(self, has_certificate: bool) -> Self {
        let named = if self == Self::default() {
            Self { tcp: !has_certificate, ws: !has_certificate, tls: true, wss: true }
        } else {
            self
        };
        Self { tls: named.tls && has_certificate, wss: named.wss && has_certificate, ..named }
    }

    /// Whether nothing is.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// `tcp`, `tls`, `ws`, `wss`, as far as they are in it.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let has = move |one: Self| {
            (self.tcp && one.tcp) || (self.tls && one.tls) || (self.ws && one.ws) || (self.wss && one.wss)
        };
        Self::NAMES.into_iter().filter(move |(_, one)| has(*one)).map(|(name, _)| name)
    }

    fn with(self, other: Self) -> Self {
        Self {
            tcp: self.tcp || other.tcp,
            tls: self.tls || other.tls,
            ws: self.ws || other.ws,
            wss: self.wss || other.wss,
        }
    }
}

impl PeerNetwork {
    /// Whether `peer` is in it. An IPv4 address is the same however it is written.
    pub fn contains(&self, peer: IpAddr) -> bool {
        let (net, ip) = (to_bits(self.ip), to_bits(peer));
        net.1 == ip.1 && (net.0 ^ ip.0).checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
    }
}

/// The address in the highest bits, and whether it is an IPv4 one.
fn to_bits(ip: IpAddr) -> (u128, bool) {
    match ip.to_canonical() {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()) << 96, true),
        IpAddr::V6(ip) => (ip.to_bits(), false),
    }
}

impl std::str::FromStr for PeerNetwork {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (ip, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        let ip: IpAddr = ip.parse().map_err(|_| NotANetwork::Form)?;
        let bits = bits.map(|bits| bits.parse().map_err(|_| NotANetwork::Form)).transpose()?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let (ip, bits) = crate::origin::canonical(ip, bits.unwrap_or(most))?;
        Ok(Self { ip, bits })
    }
}

impl std::fmt::Display for PeerNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.ip, self.bits)
    }
}

pub(super) const TRANSPORTS: Kind<Transports> = Kind {
    plain: false,
    read: read_transports,
    show: |transports| kind::list_of(transports.names().map(kind::quoted)),
};

pub(super) const PEERS: Kind<Vec<PeerNetwork>> = Kind {
    plain: false,
    read: read_peers,
    show: |list| kind::list_of(list.iter().map(|network| kind::quoted(&network.to_string()))),
};

const LISTENERS: Kind<Vec<ListenerEntry>> =
    Kind { plain: false, read: read_listeners, show: |list| kind::list_of(list.iter().map(show_listener)) };

/// The one key without a table around it: a file names it as `[[listener]]`.
pub(super) const GROUP: Group = Group {
    doc: "",
    keys: &[Key {
        path: "listener",
        doc: " Ports with settings of their own, beside those of server.listen: [[listener]], each with address (IP:PORT),\n \
              transports and proxy_from (both as in [server], and by default what is set there).\n",
        plain: LISTENERS.plain,
        set: |draft, value| (LISTENERS.read)(value).map(|list| draft.config.listener = list),
        show: |config| (LISTENERS.show)(&config.listener),
    }],
};

fn read_transports(value: &Value) -> Result<Transports, String> {
    const LIST: &str = "a list of \"tcp\", \"tls\", \"ws\" and \"wss\"";
    let list = value.as_array().ok_or_else(|| kind::expected(LIST, value))?;
    list.iter().try_fold(Transports::default(), |sum, element| {
        let named = Transports::NAMES.iter().find(|(name, _)| element.as_str() == Some(name));
        named.map(|(_, one)| sum.with(*one)).ok_or_else(|| kind::expected(LIST, element))
    })
}

fn read_peers(value: &Value) -> Result<Vec<PeerNetwork>, String> {
    const LIST: &str = "a list of networks, such as [\"10.0.0.0/8\"]";
    let list = value.as_array().ok_or_else(|| kind::expected(LIST, value))?;
    list.iter().map(|element| kind::read_network(LIST, element)).collect()
}

fn read_listeners(value: &Value) -> Result<Vec<ListenerEntry>, String> {
    let list = value.as_array().ok_or_else(|| kind::expected(WHAT, value))?;
    if list.len() > LISTENERS_MAX {
        return Err(format!("at most {LISTENERS_MAX} listeners, got {}", list.len()));
    }
    kind::read_rows(list, ("listener", WHAT), read_listener)
}

fn read_listener(table: &Table) -> Result<ListenerEntry, String> {
    if let Some(name) =
        table.keys().find(|name| !["address", "transports", "proxy_from"].contains(&name.as_str()))
    {
        return Err(format!("unknown key {name:?}; there are address, transports and proxy_from"));
    }
    let address = table.get("address").ok_or_else(|| "needs address".to_owned())?;
    let parsed = address.as_str().and_then(|text| text.parse().ok());
    let transports = table.get("transports").map(read_transports).transpose();
    let proxy_from = table.get("proxy_from").map(read_peers).transpose();
    Ok(ListenerEntry {
        address: parsed.ok_or_else(|| format!("address: {}", kind::expected("\"IP:PORT\"", address)))?,
        transports: transports.map_err(|err| format!("transports: {err}"))?,
        proxy_from: proxy_from.map_err(|err| format!("proxy_from: {err}"))?,
    })
}

fn show_listener(listener: &ListenerEntry) -> String {
    let ListenerEntry { address, transports, proxy_from } = listener;
    let transports = transports.map(|list| format!(", transports = {}", (TRANSPORTS.show)(&list)));
    let proxy_from = proxy_from.as_ref().map(|list| format!(", proxy_from = {}", (PEERS.show)(list)));
    let (transports, proxy_from) = (transports.unwrap_or_default(), proxy_from.unwrap_or_default());
    format!("{{ address = \"{address}\"{transports}{proxy_from} }}")
}

impl Config {
    /// Every port, those of `server.listen` first; what a listener leaves out is what `[server]` says.
    pub fn listeners(&self) -> impl Iterator<Item = Listener> {
        let server = &self.server;
        let of_server = |address: &SocketAddr| Listener {
            address: *address,
            transports: server.transports,
            proxy_from: server.proxy_from.clone(),
        };
        let own = self.listener.iter().map(move |one| {
            let Listener { address, transports, proxy_from } = of_server(&one.address);
            Listener {
                address,
                transports: one.transports.unwrap_or(transports),
                proxy_from: one.proxy_from.clone().unwrap_or(proxy_from),
            }
        });
        server.listen.iter().map(of_server).chain(own)
    }
}

/// What the listeners must be together.
pub(super) fn rules(config: &Config, rules: &mut Rules) {
    let all: Vec<Listener> = config.listeners().collect();
    rules.need(!all.is_empty(), &["server.listen"], || "needs at least one address".to_owned());
    for (at, one) in all.iter().enumerate() {
        let address = one.address;
        let twice = address.port() != 0 && all[..at].iter().any(|other| other.address == address);
        rules.need(!twice, &["server.listen", "listener"], || format!("{address} is there twice"));
        let spoken = one.transports.in_force(!config.tls.certificate.is_empty());
        rules.need(!spoken.is_none(), &["server.transports", "listener"], || {
            format!("nothing is spoken on {address}: tls and wss need a [[tls.certificate]]")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transports(text: &str) -> Transports {
        let list: Vec<Value> = text.split_whitespace().map(|name| Value::String(name.to_owned())).collect();
        read_transports(&Value::Array(list)).unwrap()
    }

    #[test]
    fn plain_transports_stay_beside_a_certificate_only_where_they_are_named() {
        for (named, without, with) in [
            ("", "tcp ws", "tls wss"),
            ("tcp", "tcp", "tcp"),
            ("tls wss", "", "tls wss"),
            ("tcp tls", "tcp", "tcp tls"),
            ("tcp tls ws wss", "tcp ws", "tcp tls ws wss"),
        ] {
            let in_force = |has| transports(named).in_force(has).names().collect::<Vec<_>>().join(" ");
            assert_eq!((in_force(false).as_str(), in_force(true).as_str()), (without, with), "{named}");
        }
    }

    /// What a listener leaves out is the server's; what it says holds, an empty list too.
    #[test]
    fn a_listener_may_narrow_what_the_server_says() {
        let mut config = Config::default();
        config.server.transports = transports("tcp");
        config.server.proxy_from = vec!["127.0.0.0/8".parse().unwrap()];
        let file = "listener = [{ address = \"[::1]:1\" }, { address = \"[::1]:2\", transports = [], proxy_from = [] }]";
        config.listener = read_listeners(&file.parse::<Table>().unwrap()["listener"]).unwrap();
        let all: Vec<_> = config.listeners().map(|one| (one.transports, one.proxy_from.len())).collect();
        let server = (transports("tcp"), 1);
        assert_eq!(all, [server, server, (transports(""), 0)]);
        let shown: Table = format!("listener = {}", (LISTENERS.show)(&config.listener)).parse().unwrap();
        assert_eq!(read_listeners(&shown["listener"]).unwrap(), config.listener, "as it was read");
    }

    #[test]
    fn peers_are_believed_by_their_whole_address() {
        let contains =
            |network: &str, ip: &str| network.parse::<PeerNetwork>().unwrap().contains(ip.parse().unwrap());
        assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
        assert!(contains("10.0.0.1", "10.0.0.1") && !contains("10.0.0.1", "10.0.0.2"));
        assert!(contains("2001:db8::1", "2001:db8::1") && !contains("2001:db8::1", "2001:db8::2"));
        assert!(contains("0.0.0.0/0", "9.9.9.9") && !contains("0.0.0.0/0", "2001:db8::1"));
        assert!(
            contains("::ffff:10.0.0.0/104", "10.255.0.1") && !contains("::ffff:10.0.0.0/104", "11.0.0.1")
        );
        assert!(contains("::ffff:10.0.0.1", "10.0.0.1") && !contains("::ffff:10.0.0.1", "10.0.0.2"));
        for wrong in ["10.0.0.0/33", "::/129", "x", "10.0.0.0/", "", "::ffff:10.0.0.0/95"] {
            assert!(wrong.parse::<PeerNetwork>().is_err(), "{wrong}");
        }
    }
}
