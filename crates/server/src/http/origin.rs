//! Which pages' scripts may connect.

use std::fmt;

/// A page's origin, as browsers send it: in lower case, without a port that its scheme has anyway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    scheme_bytes: usize,
}

/// An element of `web.ws.origins`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// `same`: the origin whose host and port are those that the request's Host names.
    Same,
    /// `*`: every origin.
    Any,
    /// This one.
    Exactly(Origin),
}

/// Whether a script of a page of `origin` may connect to `host`. `None`: an origin that names no place, such as `null`.
pub(super) fn is_allowed(origin: Option<&Origin>, host: &[u8], allowed: &[Allowed]) -> bool {
    allowed.iter().any(|allowed| match allowed {
        Allowed::Any => true,
        Allowed::Same => origin.is_some_and(|origin| origin.is_of(host)),
        Allowed::Exactly(one) => origin == Some(one),
    })
}

impl Origin {
    /// Longer than any name of a host with scheme and port.
    const BYTES_MAX: usize = 300;

    /// `scheme://host` or `scheme://host:port`, nothing behind it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        let is_authority = !authority.is_empty()
            && !authority.starts_with(':')
            && authority.chars().all(|c| c.is_ascii_alphanumeric() || "-._~:[]%".contains(c));
        if !is_scheme || !is_authority || text.len() > Self::BYTES_MAX {
            return None;
        }
        let authority = without_default_port(authority, scheme);
        Some(Self { text: format!("{scheme}://{authority}"), scheme_bytes: scheme.len() })
    }

    fn scheme(&self) -> &str {
        &self.text[..self.scheme_bytes]
    }

    fn authority(&self) -> &str {
        &self.text[self.scheme_bytes + "://".len()..]
    }

    /// Whether `host`, as a request names it, is this origin's host and port. By the origin's scheme, because behind a
    /// proxy that ends TLS ours is another.
    fn is_of(&self, host: &[u8]) -> bool {
        let Ok(host) = std::str::from_utf8(host) else { return false };
        let host = host.to_ascii_lowercase();
        without_default_port(&host, self.scheme()) == self.authority()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn without_default_port<'a>(authority: &'a str, scheme: &str) -> &'a str {
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return authority,
    };
    authority.strip_suffix(port).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(list: &[&str], origin: &str, host: &str) -> bool {
        let list: Vec<_> = list
            .iter()
            .map(|one| match *one {
                "same" => Allowed::Same,
                "*" => Allowed::Any,
                one => Allowed::Exactly(Origin::parse(one).unwrap()),
            })
            .collect();
        is_allowed(Origin::parse(origin).as_ref(), host.as_bytes(), &list)
    }

    #[test]
    fn same_is_the_host_and_port_that_was_asked_for() {
        for (origin, host) in [
            ("http://chat.example", "chat.example"),
            ("https://chat.example", "chat.example"),
            ("https://chat.example", "chat.example:443"),
            ("http://chat.example:80", "chat.example"),
            ("HTTPS://Chat.Example:8443", "chat.EXAMPLE:8443"),
            ("http://[::1]:7610", "[::1]:7610"),
        ] {
            assert!(allows(&["same"], origin, host), "{origin} at {host}");
        }
        for (origin, host) in [
            ("https://evil.example", "chat.example"),
            ("https://chat.example.evil.example", "chat.example"),
            ("https://evilchat.example", "chat.example"),
            ("http://chat.example:8080", "chat.example"),
            ("https://chat.example", "chat.example:80"),
            ("http://chat.example", ""),
            ("null", "null"),
            ("file://", ""),
        ] {
            assert!(!allows(&["same"], origin, host), "{origin} at {host}");
        }
    }

    #[test]
    fn listed_origins_are_whole_ones() {
        let list = ["https://a.example", "capacitor://localhost"];
        assert!(allows(&list, "https://a.example", "b.example"));
        assert!(allows(&list, "https://A.example:443", "b.example"));
        assert!(allows(&list, "capacitor://localhost", "b.example"));
        for origin in ["http://a.example", "https://a.example:444", "https://b.example", "null", ""] {
            assert!(!allows(&list, origin, "b.example"), "{origin}");
            assert!(allows(&["*"], origin, "b.example"), "{origin}");
            assert!(!allows(&[], origin, "b.example"), "{origin}");
        }
    }

    #[test]
    fn what_is_no_origin_is_none() {
        for text in [
            "",
            "null",
            "https://",
            "https://a/",
            "https://a/b",
            "https://u@a",
            "a.example",
            "://a",
            "1:://a",
        ] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
        assert_eq!(Origin::parse(&format!("https://{}", "a".repeat(300))), None);
    }
}
