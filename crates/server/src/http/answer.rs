//! The answers: each is whole, says how long it is, and ends the connection.

use super::request::Method;
use super::{HEAD_BYTES_MAX, HEADERS_MAX, Origin, Outcome, Site};

/// What stands at `/` where the demo is off (`web.demo`).
const PAGE: &str = include_str!("page.html");
const TEXT: &str = "text/plain; charset=utf-8";

/// An answer with a body.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    reason: &'static str,
    content_type: &'static str,
    /// Further headers, each with its end of line.
    headers: &'static str,
    body: String,
    refused: Option<String>,
}

impl Answer {
    pub(super) fn page() -> Self {
        // nothing of it may be run, framed or fetched from elsewhere
        let headers = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; \
                       frame-ancestors 'none'\r\n";
        Self { content_type: "text/html; charset=utf-8", headers, ..Self::text(200, "OK", PAGE) }
    }

    pub(super) fn ok() -> Self {
        Self::text(200, "OK", "ok\n")
    }

    /// Why, the admin listener says.
    pub(super) fn not_ready() -> Self {
        let answer = Self::text(503, "Service Unavailable", "not ready\n");
        Self { headers: "Retry-After: 5\r\n", ..answer }
    }

    pub(super) fn bad(what: &str) -> Self {
        Self::text(400, "Bad Request", &format!("{what}\n"))
    }

    /// Names the key that would allow it, because whoever sees this is the one who is setting it up.
    pub(super) fn forbidden(origin: Option<&Origin>) -> Self {
        let body = match origin {
            Some(origin) => format!(
                "scripts of {origin} may not connect here.\n\
                 The server's web.ws.origins would allow it: add \"{origin}\".\n"
            ),
            None => "scripts of a page without an address may not connect here.\n\
                     The server's web.ws.origins would allow it: [\"*\"], which is every page.\n"
                .to_owned(),
        };
        let refused = origin.map_or_else(|| "null".to_owned(), Origin::to_string);
        Self { refused: Some(refused), ..Self::text(403, "Forbidden", &body) }
    }

    pub(super) fn not_found(site: &Site) -> Self {
        Self::text(404, "Not Found", &format!("nothing here; WebSocket is at {}\n", site.ws_path))
    }

    pub(super) fn method_not_allowed() -> Self {
        let answer = Self::text(405, "Method Not Allowed", "GET and HEAD alone\n");
        Self { headers: "Allow: GET, HEAD\r\n", ..answer }
    }

    pub(super) fn upgrade_required() -> Self {
        let answer = Self::text(426, "Upgrade Required", "this is a WebSocket (RFC 6455, version 13)\n");
        Self { headers: "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", ..answer }
    }

    pub(super) fn too_large() -> Self {
        let body = format!("more than {HEAD_BYTES_MAX} bytes or {HEADERS_MAX} headers\n");
        Self::text(431, "Request Header Fields Too Large", &body)
    }

    pub(super) fn version() -> Self {
        Self::text(505, "HTTP Version Not Supported", "HTTP/1.1 and HTTP/1.0 alone\n")
    }

    fn text(status: u16, reason: &'static str, body: &str) -> Self {
        Self { status, reason, content_type: TEXT, headers: "", body: body.to_owned(), refused: None }
    }

    /// The bytes: to a HEAD, all but the body.
    pub(super) fn into_outcome(self, method: Method) -> Outcome {
        let Self { status, reason, content_type, headers, body, refused } = self;
        let length = body.len();
        // RFC 9110, 7.8: whoever names an upgrade in Upgrade names it in Connection too
        let connection = if headers.starts_with("Upgrade") { "close, Upgrade" } else { "close" };
        let mut bytes = format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
             Connection: {connection}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n{headers}\r\n"
        )
        .into_bytes();
        if method != Method::Head {
            bytes.extend_from_slice(body.as_bytes());
        }
        Outcome::Answer { bytes, page: None, status, refused }
    }
}
