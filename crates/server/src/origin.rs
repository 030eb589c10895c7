//! Where connections come from, as far as quotas tell places apart, and networks of such places.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: u128,
    bits: u8,
}

/// Who is counted together: an IPv4 address, or the /64 of an IPv6 one, which a household has whole. Eight bytes, because
/// every connection keeps one: the upper half of an IPv6 address, or an IPv4 address behind [`Origin::V4`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin(u64);

impl From<IpAddr> for Origin {
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self(Self::V4 | u64::from(ip.to_bits())),
            IpAddr::V6(ip) => Self((ip.to_bits() >> 64) as u64),
        }
    }
}

impl Origin {
    /// The upper half of a multicast address (`ff00::/8`), from which no connection can come.
    const V4: u64 = 0xffff_ffff << 32;

    fn is_v4(self) -> bool {
        self.0 & Self::V4 == Self::V4
    }

    /// The address, an IPv4 one mapped, or the first one of the /64.
    fn first(self) -> u128 {
        if self.is_v4() {
            Ipv4Addr::from_bits(self.0 as u32).to_ipv6_mapped().to_bits()
        } else {
            u128::from(self.0) << 64
        }
    }
}

impl Network {
    /// Bits of a mapped IPv4 address before its own; no IPv6 network here has so many.
    const V4_BITS: u8 = 96;

    pub(crate) fn contains(&self, ip: Origin) -> bool {
        // mapped IPv4 addresses have the upper half of ::1: the families must be told apart
        let same_family = ip.is_v4() == (self.bits >= Self::V4_BITS);
        let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
        same_family && (ip.first() ^ self.base) & mask == 0
    }
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotANetwork {
    /// It is not written like one.
    Form,
    /// It is wider than the mapped IPv4 addresses that it begins with: every client of one family and some of the other.
    Mixed,
}

/// A network by its own family: `::ffff:10.0.0.0/104` is `10.0.0.0/8`, for that is how a client's address is compared.
pub(crate) fn canonical(ip: IpAddr, bits: u8) -> Result<(IpAddr, u8), NotANetwork> {
    let most = if ip.is_ipv4() { 32 } else { 128 };
    match ip.to_canonical() {
        _ if bits > most => Err(NotANetwork::Form),
        same if same == ip => Ok((ip, bits)),
        mapped => Ok((mapped, bits.checked_sub(Network::V4_BITS).ok_or(NotANetwork::Mixed)?)),
    }
}

impl std::str::FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (ip, bits) = text.split_once('/').ok_or(NotANetwork::Form)?;
        let (Ok(ip), Ok(bits)) = (ip.parse(), bits.parse()) else { return Err(NotANetwork::Form) };
        let (base, bits) = match canonical(ip, bits)? {
            (IpAddr::V4(ip), bits) => (ip.to_ipv6_mapped().to_bits(), bits + Self::V4_BITS),
            // a household's /64 is one origin, so a longer prefix would never match what is counted
            (IpAddr::V6(ip), bits) => (ip.to_bits() & !u128::from(u64::MAX), bits.min(64)),
        };
        Ok(Self { base, bits })
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ip = Ipv6Addr::from_bits(self.base);
        match ip.to_ipv4_mapped() {
            Some(ip) => write!(f, "{ip}/{}", self.bits - Self::V4_BITS),
            None => write!(f, "{ip}/{}", self.bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(ip: &str) -> Origin {
        ip.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn a_household_is_one_address() {
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::ffff:1"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        assert_eq!(origin("::ffff:10.0.0.1"), origin("10.0.0.1"));
        assert_ne!(origin("10.0.0.2"), origin("10.0.0.1"));
        assert_ne!(origin("0.0.0.1"), origin("::1"));
        for ip in ["203.0.113.7", "255.255.255.255", "2001:db8:1:2::", "::"] {
            let first = Ipv6Addr::from_bits(origin(ip).first()).to_canonical();
            assert_eq!(first, ip.parse::<IpAddr>().unwrap(), "what it stands for can be told");
        }
    }

    #[test]
    fn networks_contain_what_they_say() {
        let network: Network = "127.0.0.0/8".parse().unwrap();
        assert!(network.contains(origin("127.9.9.9")) && !network.contains(origin("128.0.0.1")));
        assert_eq!(network.to_string(), "127.0.0.0/8");
        let network: Network = "::1/128".parse().unwrap();
        assert!(network.contains(origin("::1")) && !network.contains(origin("2001:db8::1")));
        assert!(!network.contains(origin("203.0.113.7")), "an IPv4 address is in no IPv6 network");
        let network: Network = "::/0".parse().unwrap();
        assert!(network.contains(origin("2001:db8::1")) && !network.contains(origin("203.0.113.7")));
        let network: Network = "0.0.0.0/0".parse().unwrap();
        assert!(network.contains(origin("203.0.113.7")) && !network.contains(origin("::1")));
        let network: Network = "::ffff:10.0.0.0/104".parse().unwrap();
        assert!(network.contains(origin("10.9.9.9")) && !network.contains(origin("11.0.0.1")));
        assert_eq!(network.to_string(), "10.0.0.0/8");
        let all: Network = "::ffff:0:0/96".parse().unwrap();
        assert!(all.contains(origin("203.0.113.7")) && !all.contains(origin("::1")));
        for wrong in ["10.0.0.0", "10.0.0.0/33", "::1/129", "x/8", "10.0.0.0/-1"] {
            assert_eq!(wrong.parse::<Network>(), Err(NotANetwork::Form), "{wrong}");
        }
        assert_eq!("::ffff:10.0.0.0/95".parse::<Network>(), Err(NotANetwork::Mixed));
    }

    /// What the file says without being told: loopback, and nobody else.
    #[test]
    fn the_default_exempts_this_machine_alone() {
        let exempt = crate::config::Config::default().quotas.exempt;
        let is_exempt = |ip: &str| exempt.iter().any(|network| network.contains(origin(ip)));
        assert!(["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"].into_iter().all(is_exempt));
        assert!(!["203.0.113.7", "10.0.0.1", "0.0.0.0", "2001:db8::1"].into_iter().any(is_exempt));
    }
}
