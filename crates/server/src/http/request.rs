//! A request's head: where it ends, and what stands in it.

use httparse::{Error, Header, Status};

use super::answer::Answer;
use super::{HEADERS_MAX, Outcome};

/// The longest method there is (RFC 3253 and its kin have some of 16 letters).
const METHOD_BYTES_MAX: usize = 20;

/// One whole head; everything borrows the input.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) target: Target<'a>,
    /// 0 or 1, behind "HTTP/1.".
    pub(super) minor: u8,
    pub(super) headers: &'a [Header<'a>],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Other,
}

/// What is asked for, without its query.
pub(super) enum Target<'a> {
    Path(&'a str),
    /// `*`, `host:port`.
    Other,
}

impl<'a> Request<'a> {
    /// The values of a header, by its name in lower case.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let all = self.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        all.map(|header| header.value)
    }

    /// The value of a header that may be there once.
    pub(super) fn value(&self, name: &'static str) -> Result<Option<&'a [u8]>, Answer> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Answer::bad(&format!("more than one {name}"))),
            (value, None) => Ok(value),
        }
    }

    /// Whether a comma-separated header has this element, in letters of any case.
    pub(super) fn has_token(&self, name: &str, token: &str) -> bool {
        self.elements(name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// The elements of a comma-separated header, which may be there several times.
    pub(super) fn elements(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.values(name).flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
    }
}

/// What a head's beginning decides already, so that nobody waits for the end of something that is no request.
pub(super) fn judge_beginning(input: &[u8]) -> Option<Outcome> {
    let not_a_request = || Some(Answer::bad("not a request").into_outcome(Method::Other));
    let method = input.iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'-').count();
    match input.get(method) {
        // the preface of HTTP/2: no answer in HTTP/1.1 would be understood
        Some(b' ') if &input[..method] == b"PRI" => return Some(Outcome::Refuse),
        Some(b' ') | None if method <= METHOD_BYTES_MAX => {}
        Some(_) | None => return not_a_request(),
    }
    let line = input[..input.iter().position(|byte| *byte == b'\n')?].trim_ascii_end();
    let version = line.iter().rposition(|byte| *byte == b' ').map(|blank| &line[blank + 1..]);
    match version {
        Some(b"HTTP/1.1" | b"HTTP/1.0") => None,
        Some(version) if version.starts_with(b"HTTP/") => Some(Answer::version().into_outcome(Method::Other)),
        Some(_) | None => not_a_request(),
    }
}

/// Where the head ends: behind an empty line. Lines end with LF, with or without a CR in front of it, as people who type
/// requests by hand and some health checks send them. The first `seen` bytes were searched before.
pub(super) fn end_of_head(input: &[u8], seen: usize) -> Option<usize> {
    let from = seen.saturating_sub(3).min(input.len());
    let line_ends = input[from..].iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    line_ends.map(|(at, _)| from + at + 1).find_map(|end| match &input[end..] {
        [b'\n', ..] => Some(end + 1),
        [b'\r', b'\n', ..] => Some(end + 2),
        _ => None,
    })
}

/// Parses a head that is whole, and checks what holds for every request.
pub(super) fn with_request(
    head: &[u8],
    then: impl FnOnce(Result<Request<'_>, Answer>) -> Outcome,
) -> Outcome {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(head) {
        Ok(Status::Complete(_)) => {}
        Ok(Status::Partial) => return then(Err(Answer::bad("not a request"))),
        Err(Error::TooManyHeaders) => return then(Err(Answer::too_large())),
        Err(Error::Version) => return then(Err(Answer::version())),
        Err(_) => return then(Err(Answer::bad("not a request"))),
    }
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
        return then(Err(Answer::bad("not a request")));
    };
    let request =
        Request { method: method_of(method), target: target_of(target), minor, headers: parsed.headers };
    let host = check_host(&request);
    then(host.map(|()| request))
}

/// Exactly one Host in HTTP/1.1 (RFC 9112, 3.2): with two, who stands between us may have gone by the other.
fn check_host(request: &Request<'_>) -> Result<(), Answer> {
    match request.value("host")? {
        None if request.minor == 0 => Ok(()),
        None => Err(Answer::bad("no Host")),
        Some(host) if host.iter().all(|byte| byte.is_ascii_graphic() && !b"/?#@\\,".contains(byte)) => Ok(()),
        Some(_) => Err(Answer::bad("not a Host")),
    }
}

fn method_of(method: &str) -> Method {
    match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        _ => Method::Other,
    }
}

/// A path, also where it stands behind a scheme and a host (RFC 9112, 3.2.2).
fn target_of(target: &str) -> Target<'_> {
    let path = match target.split_once("://") {
        Some(("http" | "https", behind)) => behind.find('/').map_or("/", |slash| &behind[slash..]),
        Some(_) | None => target,
    };
    if path.starts_with('/') {
        Target::Path(path.split(['?', '#']).next().unwrap_or(path))
    } else {
        Target::Other
    }
}
