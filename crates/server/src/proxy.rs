//! The PROXY protocol, versions 1 and 2: what a proxy says in front of a connection about where it comes from.
//!
//! Bytes in, values out. Reads the header alone and says how long it was, so that nothing behind it is touched. Which
//! peers must send one, and that all others never may, is the reactor's to hold.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Version 1 is a line of at most so many bytes, its end included.
const LINE_BYTES_MAX: usize = 107;
/// Version 2 is 16 bytes, addresses and whatever else the proxy adds; an honest one stays well below.
const BINARY_BYTES_MAX: usize = 16 + 2048;
/// The longest header of either.
pub const HEADER_BYTES_MAX: usize = BINARY_BYTES_MAX;

const LINE_START: &[u8] = b"PROXY ";
const BINARY_START: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// A whole header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Who connected to the proxy; `None`: the proxy speaks for itself (LOCAL), or does not know.
    pub source: Option<IpAddr>,
    /// How long the header is.
    pub bytes: usize,
}

/// Why something is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It does not begin like one.
    #[error("no PROXY header")]
    Missing,
    /// It begins like one.
    #[error("a malformed PROXY header")]
    Malformed,
    /// Longer than any honest one.
    #[error("a PROXY header of more than {HEADER_BYTES_MAX} bytes")]
    TooLong,
}

/// The header that `input` begins with. `Ok(None)`: not all of it is here yet.
///
/// # Errors
/// From the first byte that cannot be one's.
pub fn parse(input: &[u8]) -> Result<Option<Header>, ProxyError> {
    match input.first() {
        None => Ok(None),
        Some(b'P') => line(input),
        Some(_) => binary(input),
    }
}

fn line(input: &[u8]) -> Result<Option<Header>, ProxyError> {
    begins_like(input, LINE_START)?;
    let within = &input[..input.len().min(LINE_BYTES_MAX)];
    let Some(end) = within.iter().position(|byte| *byte == b'\n') else {
        return if within.len() < LINE_BYTES_MAX { Ok(None) } else { Err(ProxyError::TooLong) };
    };
    let text = within[..end].strip_suffix(b"\r").and_then(|text| text.strip_prefix(LINE_START));
    let text = text.and_then(|text| std::str::from_utf8(text).ok()).ok_or(ProxyError::Malformed)?;
    let source =
        if text == "UNKNOWN" || text.starts_with("UNKNOWN ") { None } else { Some(addresses(text)?) };
    Ok(Some(Header { source, bytes: end + 1 }))
}

/// `TCP4 source destination port port`, each exactly once, of one family.
fn addresses(text: &str) -> Result<IpAddr, ProxyError> {
    let [family, source, destination, ports @ ..] = &text.split(' ').collect::<Vec<_>>()[..] else {
        return Err(ProxyError::Malformed);
    };
    let parse = |text: &str| match *family {
        "TCP4" => text.parse::<Ipv4Addr>().map(IpAddr::from).ok(),
        "TCP6" => text.parse::<Ipv6Addr>().map(IpAddr::from).ok(),
        _ => None,
    };
    let are_ports = ports.len() == 2
        && ports.iter().all(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    match (parse(source), parse(destination)) {
        (Some(source), Some(_)) if are_ports => Ok(source),
        _ => Err(ProxyError::Malformed),
    }
}

fn binary(input: &[u8]) -> Result<Option<Header>, ProxyError> {
    begins_like(input, BINARY_START)?;
    let Some(&[command, family, high, low]) = input.get(12..16).and_then(<[u8]>::first_chunk) else {
        return Ok(None);
    };
    let bytes = 16 + usize::from(u16::from_be_bytes([high, low]));
    if !matches!(command, 0x20 | 0x21) {
        return Err(ProxyError::Malformed); // version 2, LOCAL or PROXY, and nothing else
    }
    if bytes > BINARY_BYTES_MAX {
        return Err(ProxyError::TooLong);
    }
    let Some(behind) = input.get(16..bytes) else { return Ok(None) };
    let source = if command == 0x20 { None } else { binary_source(family, behind)? };
    Ok(Some(Header { source, bytes }))
}

fn binary_source(family: u8, behind: &[u8]) -> Result<Option<IpAddr>, ProxyError> {
    const TCP4: u8 = 0x11;
    const TCP6: u8 = 0x21;
    /// Two addresses and two ports.
    const TCP4_BYTES: usize = 12;
    const TCP6_BYTES: usize = 36;
    let source = match (family, behind.len()) {
        (0x00, _) => return Ok(None),
        (TCP4, TCP4_BYTES..) => behind.first_chunk::<4>().map(|ip| IpAddr::from(*ip)),
        (TCP6, TCP6_BYTES..) => behind.first_chunk::<16>().map(|ip| IpAddr::from(*ip)),
        _ => None,
    };
    source.map(Some).ok_or(ProxyError::Malformed)
}

fn begins_like(input: &[u8], start: &[u8]) -> Result<(), ProxyError> {
    let common = input.len().min(start.len());
    match input[..common] == start[..common] {
        true => Ok(()),
        false if input[0] == start[0] && common > 1 => Err(ProxyError::Malformed),
        false => Err(ProxyError::Missing),
    }
}

/// Any bytes, cut anywhere: a verdict is never taken back, and nothing behind a header matters.
#[cfg(any(test, feature = "properties"))]
pub fn proxy(data: &[u8], planted: bool) {
    let whole = parse(data);
    for cut in 0..data.len().min(300) {
        let early = parse(&data[..cut]);
        if !matches!(early, Ok(None)) && !planted {
            assert_eq!(early, whole, "cut at {cut}");
        }
    }
    if let Ok(Some(header)) = whole {
        let bytes = header.bytes + usize::from(planted);
        assert!(bytes <= data.len().min(HEADER_BYTES_MAX), "it takes what it was given");
        assert_eq!(parse(&data[..bytes]), whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary_header(command: u8, family: u8, behind: &[u8]) -> Vec<u8> {
        let len = (behind.len() as u16).to_be_bytes();
        [&BINARY_START[..], &[command, family], &len, behind].concat()
    }

    fn source(input: &[u8]) -> Result<Option<IpAddr>, ProxyError> {
        proxy(input, false);
        let behind = [input, b"\x00rest"].concat();
        assert_eq!(parse(&behind), parse(input), "what stands behind a header changes nothing");
        let header = parse(input)?.expect("a whole one");
        assert_eq!(header.bytes, input.len());
        Ok(header.source)
    }

    #[test]
    fn good_headers_say_where_a_connection_comes_from() {
        let v4 = |ip: [u8; 4]| Some(IpAddr::from(ip));
        let v6 = Some(IpAddr::from("2001:db8::1".parse::<Ipv6Addr>().unwrap()));
        let tcp4 = [[10, 1, 2, 3], [10, 0, 0, 1], [0x1F, 0x90, 0x1D, 0xBA]].concat();
        let mut tcp6 = [0; 36];
        tcp6[..4].copy_from_slice(&[0x20, 0x01, 0x0D, 0xB8]);
        tcp6[15] = 1;
        for (input, expected) in [
            (b"PROXY TCP4 10.1.2.3 10.0.0.1 8080 7610\r\n".to_vec(), v4([10, 1, 2, 3])),
            (b"PROXY TCP6 2001:db8::1 ::1 1 65535\r\n".to_vec(), v6),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff:f...f:ffff what ever\r\n".to_vec(), None),
            (binary_header(0x21, 0x11, &tcp4), v4([10, 1, 2, 3])),
            (binary_header(0x21, 0x11, &[&tcp4[..], b"\x04\x00\x01x"].concat()), v4([10, 1, 2, 3])),
            (binary_header(0x21, 0x21, &tcp6), v6),
            (binary_header(0x21, 0x00, b""), None),
            (binary_header(0x20, 0x00, b""), None),
            (binary_header(0x20, 0x11, &tcp4), None),
            (binary_header(0x20, 0x00, &[0; 2048]), None),
        ] {
            assert_eq!(source(&input), Ok(expected), "{}", input.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        use ProxyError::{Malformed, Missing, TooLong};
        let long = format!("PROXY UNKNOWN {}", "x".repeat(LINE_BYTES_MAX));
        for (input, expected) in [
            (b"\x00\x00\x00\x0f".to_vec(), Missing),
            (b"GET / HTTP/1.1\r\n".to_vec(), Missing),
            (b"\x16\x03\x01".to_vec(), Missing),
            (b"POST".to_vec(), Malformed),
            (b"PROXY TCP4 10.1.2.3 10.0.0.1 8080 7610\n".to_vec(), Malformed),
            (b"PROXY TCP4 10.1.2.3 10.0.0.1 8080\r\n".to_vec(), Malformed),
            (b"PROXY TCP4 10.1.2.3 10.0.0.1 8080 7610 1\r\n".to_vec(), Malformed),
            (b"PROXY TCP4  10.1.2.3 10.0.0.1 8080 7610\r\n".to_vec(), Malformed),
            (b"PROXY TCP4 10.1.2.300 10.0.0.1 8080 7610\r\n".to_vec(), Malformed),
            (b"PROXY TCP4 10.1.2.3 10.0.0.1 80800 7610\r\n".to_vec(), Malformed),
            (b"PROXY TCP4 10.1.2.3 10.0.0.1 +80 7610\r\n".to_vec(), Malformed),
            (b"PROXY TCP4 ::1 10.0.0.1 8080 7610\r\n".to_vec(), Malformed),
            (b"PROXY TCP5 10.1.2.3 10.0.0.1 8080 7610\r\n".to_vec(), Malformed),
            (b"PROXY \xFF\r\n".to_vec(), Malformed),
            (long.into_bytes(), TooLong),
            (b"\r\n\r\nGET".to_vec(), Malformed),
            (binary_header(0x11, 0x11, &[0; 12]), Malformed),
            (binary_header(0x22, 0x11, &[0; 12]), Malformed),
            (binary_header(0x21, 0x11, &[0; 11]), Malformed),
            (binary_header(0x21, 0x21, &[0; 35]), Malformed),
            (binary_header(0x21, 0x12, &[0; 12]), Malformed),
            (binary_header(0x20, 0x00, &[0; 2049]), TooLong),
        ] {
            proxy(&input, false);
            assert_eq!(parse(&input), Err(expected), "{}", input.escape_ascii());
        }
    }

    #[test]
    fn a_cut_header_is_waited_for() {
        let whole = b"PROXY TCP4 10.1.2.3 10.0.0.1 8080 7610\r\n";
        for cut in 0..whole.len() {
            assert_eq!(parse(&whole[..cut]), Ok(None), "{cut}");
        }
        let whole = binary_header(0x21, 0x11, &[1; 12]);
        for cut in 0..whole.len() {
            assert_eq!(parse(&whole[..cut]), Ok(None), "{cut}");
        }
    }
}
