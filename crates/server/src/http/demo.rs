//! The demo page: a chat room in the browser, built from `web/demo` and checked in, so that a build needs no Node.
//!
//! Made ready once at the start: the page learns where the WebSocket is, and each file is compressed. What is served
//! after that is shared by everybody who asks. Never reads a file at run time, never loads anything from elsewhere: the
//! Content-Security-Policy allows nothing but these files and the way back to this server.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use longwire_wire::Deflater;

use super::Outcome;
use super::request::{Method, Request};

/// Path, type, content.
const FILES: [(&str, &str, &[u8]); 5] = [
    ("/", "text/html; charset=utf-8", include_bytes!("../../../../web/demo/dist/index.html")),
    ("/demo.js", "text/javascript; charset=utf-8", include_bytes!("../../../../web/demo/dist/demo.js")),
    ("/visit.js", "text/javascript; charset=utf-8", include_bytes!("../../../../web/demo/dist/visit.js")),
    ("/demo.css", "text/css; charset=utf-8", include_bytes!("../../../../web/demo/dist/demo.css")),
    ("/icon.svg", "image/svg+xml", include_bytes!("../../../../web/demo/dist/icon.svg")),
];
/// What the page's `<meta name="longwire">` says where nobody has told it: as a WebSocket at the default path does.
const META: &str = "data-ws=\"/ws\" data-login=\"open\"";
/// The best there is: it is done once.
const GZIP_LEVEL: u8 = 9;
/// Scripts, styles, pictures and sockets of this very origin, and nothing else. Nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and its files, as they are sent.
#[derive(Debug)]
pub struct Demo {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    path: &'static str,
    content_type: &'static str,
    plain: Arc<[u8]>,
    gzip: Arc<[u8]>,
    /// Of the content: the same in every process that serves the same.
    tag: String,
}

impl Demo {
    /// `ws_path`: where the page connects to. `is_open`: any token will do, so the page asks for none.
    pub fn new(ws_path: &str, is_open: bool) -> Self {
        let login = if is_open { "open" } else { "token" };
        let meta = format!("data-ws=\"{}\" data-login=\"{login}\"", escaped(ws_path));
        let mut deflater = Deflater::new(GZIP_LEVEL);
        let file = |(path, content_type, content): (&'static str, &'static str, &[u8])| {
            let plain = if path == "/" { with_meta(content, &meta) } else { content.to_vec() };
            let mut gzip = Vec::new();
            deflater.deflate(&plain, &mut gzip);
            let tag =
                digest(&SHA256, &plain).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            File { path, content_type, plain: plain.into(), gzip: gzip.into(), tag }
        };
        Self { files: FILES.into_iter().map(file).collect() }
    }

    /// The answer to a GET or HEAD of one of the files.
    pub(super) fn answer(&self, path: &str, request: &Request<'_>) -> Option<Outcome> {
        self.files.iter().find(|file| file.path == path).map(|file| file.answer(request))
    }
}

impl File {
    fn answer(&self, request: &Request<'_>) -> Outcome {
        let (body, tag, encoding) = if takes_gzip(request) {
            // another representation is another tag (RFC 9110, 8.8.3)
            (&self.gzip, format!("\"{}-gzip\"", self.tag), "Content-Encoding: gzip\r\n")
        } else {
            (&self.plain, format!("\"{}\"", self.tag), "")
        };
        let always = format!(
            "Connection: close\r\nCache-Control: no-cache\r\nETag: {tag}\r\nVary: Accept-Encoding\r\n\
             X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
             Cross-Origin-Opener-Policy: same-origin\r\nContent-Security-Policy: {POLICY}\r\n\r\n"
        );
        if has(request, &tag) {
            let bytes = format!("HTTP/1.1 304 Not Modified\r\n{always}").into_bytes();
            return Outcome::Answer { bytes, page: None, status: 304, refused: None };
        }
        let (content_type, length) = (self.content_type, body.len());
        let bytes = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{encoding}{always}"
        );
        let page = (request.method != Method::Head).then(|| Arc::clone(body));
        Outcome::Answer { bytes: bytes.into_bytes(), page, status: 200, refused: None }
    }
}

/// Whether the client has this very representation: If-None-Match compares weakly (RFC 9110, 13.1.2).
fn has(request: &Request<'_>, tag: &str) -> bool {
    request.elements("if-none-match").any(|one| {
        let one = one.strip_prefix(b"W/").unwrap_or(one);
        one == tag.as_bytes() || one == b"*"
    })
}

/// Accept-Encoding with gzip in it, and not with the weight 0 (RFC 9110, 12.5.3). A bare `*` gets what needs no unpacking.
fn takes_gzip(request: &Request<'_>) -> bool {
    request.elements("accept-encoding").any(|element| {
        let mut parts = element.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"gzip"));
        let weight = parts.find_map(|part| part.strip_prefix(b"q=").or_else(|| part.strip_prefix(b"Q=")));
        is_gzip && weight.is_none_or(|weight| weight.iter().any(|digit| (b'1'..=b'9').contains(digit)))
    })
}

/// The page with what this server is set to. It is text of ours, so it has the place exactly once (a test looks).
fn with_meta(page: &[u8], meta: &str) -> Vec<u8> {
    String::from_utf8_lossy(page).replacen(META, meta, 1).into_bytes()
}

/// For a quoted attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::super::{Allowed, Site, read};
    use super::*;

    fn site() -> Site {
        let demo = Some(Arc::new(Demo::new("/a&b\"c<d", false)));
        Site { ws_path: "/ws".into(), ws_origins: vec![Allowed::Same], demo }
    }

    /// Status, head in text, body.
    fn ask(request: &str) -> (u16, String, Vec<u8>) {
        match read(format!("{request}\r\nHost: a\r\n\r\n").as_bytes(), 0, &site(), true) {
            Outcome::Answer { bytes, page, status, .. } => (
                status,
                String::from_utf8(bytes).unwrap(),
                page.map(|page| page.to_vec()).unwrap_or_default(),
            ),
            other => panic!("{other:?}"),
        }
    }

    fn header(head: &str, name: &str) -> Option<String> {
        let line = head.split("\r\n").find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.map(str::to_owned)
    }

    #[test]
    fn every_file_has_its_type_and_a_policy_without_exceptions() {
        for (path, content_type, content) in FILES {
            let (status, head, body) = ask(&format!("GET {path} HTTP/1.1"));
            assert_eq!(status, 200, "{path}");
            assert_eq!(header(&head, "Content-Type").as_deref(), Some(content_type));
            assert_eq!(header(&head, "Content-Length"), Some(body.len().to_string()));
            let policy = header(&head, "Content-Security-Policy").unwrap();
            assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
            assert!(path == "/" || body == content, "{path}");
        }
        assert_eq!(ask("GET /demo.map HTTP/1.1").0, 404);
        assert_eq!(ask("POST /demo.js HTTP/1.1").0, 405);
    }

    #[test]
    fn the_page_learns_where_the_websocket_is() {
        let page = std::str::from_utf8(FILES[0].2).unwrap();
        assert_eq!(page.matches(META).count(), 1, "the place for it, as it is checked in");
        let body = String::from_utf8(ask("GET / HTTP/1.1").2).unwrap();
        assert!(body.contains("data-ws=\"/a&amp;b&quot;c&lt;d\" data-login=\"token\""), "{body}");
        assert!(!body.contains(META));
        // nothing of it is inline, nothing comes from elsewhere
        assert!(!body.contains("<style") && !body.contains("style=") && !body.contains("//"), "{body}");
    }

    #[test]
    fn gzip_is_for_those_who_ask_for_it() {
        let mut inflater = longwire_wire::Inflater::new();
        for (accepts, is_packed) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("deflate, gzip ; q=1.0", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("gzipped", false),
            ("*", false),
            ("", false),
        ] {
            let (_, head, body) = ask(&format!("GET /demo.js HTTP/1.1\r\nAccept-Encoding: {accepts}"));
            assert_eq!(header(&head, "Content-Encoding").is_some(), is_packed, "{accepts}");
            assert_eq!(header(&head, "Vary").as_deref(), Some("Accept-Encoding"));
            let mut plain = body.clone();
            if is_packed {
                inflater.inflate(&body, 1 << 20, &mut plain).unwrap();
            }
            assert!(plain == FILES[1].2, "{accepts}");
        }
    }

    #[test]
    fn who_has_it_already_gets_no_body() {
        for encoding in ["", "\r\nAccept-Encoding: gzip"] {
            let (_, head, _) = ask(&format!("GET / HTTP/1.1{encoding}"));
            let tag = header(&head, "ETag").unwrap();
            for (has, status) in [
                (tag.clone(), 304),
                (format!("\"x\", W/{tag}"), 304),
                ("*".to_owned(), 304),
                ("\"x\"".to_owned(), 200),
                (tag.trim_matches('"').to_owned(), 200),
            ] {
                let (got, head, body) = ask(&format!("GET / HTTP/1.1{encoding}\r\nIf-None-Match: {has}"));
                assert_eq!((got, body.is_empty()), (status, status == 304), "{has}");
                assert_eq!(header(&head, "ETag").as_ref(), Some(&tag));
                assert_eq!(header(&head, "Content-Length").is_none(), status == 304);
            }
        }
    }

    #[test]
    fn a_head_is_the_get_without_its_body() {
        let (get, head) = (ask("GET /demo.css HTTP/1.1"), ask("HEAD /demo.css HTTP/1.1"));
        assert_eq!((get.0, &get.1), (head.0, &head.1));
        assert!(!get.2.is_empty() && head.2.is_empty());
    }
}
