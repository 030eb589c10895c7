//! From HTTP to WebSocket (RFC 6455, 4.2).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::answer::Answer;
use super::origin::{self, Origin};
use super::request::{Method, Request};
use super::{Outcome, Site};

/// The sub-protocol that is spoken. Offering it is not required.
const PROTOCOL: &str = "longwire";

/// Takes the upgrade, or says what is wrong with it.
pub(super) fn accept(
    request: &Request<'_>,
    path: &str,
    more_behind: bool,
    site: &Site,
    ready: bool,
) -> Result<Outcome, Answer> {
    if path != site.ws_path {
        return Err(Answer::not_found(site));
    }
    let key = check_handshake(request)?;
    check_origin(request, site)?;
    if !ready {
        return Err(Answer::not_ready());
    }
    // a client waits for the answer before it sends anything (4.1): what stands here already is no client's. Asked last,
    // because it may come a moment later just as well: it must not change why somebody else was refused
    if more_behind {
        return Err(Answer::bad("bytes behind the request"));
    }
    let speaks = request.elements("sec-websocket-protocol").any(|name| name == PROTOCOL.as_bytes());
    Ok(Outcome::Upgrade { bytes: switching(&accept_key(key), speaks).into_bytes() })
}

/// What the RFC demands of the client's handshake; returns its key.
fn check_handshake<'a>(request: &Request<'a>) -> Result<&'a [u8], Answer> {
    if request.method != Method::Get || request.minor != 1 {
        return Err(Answer::bad("an upgrade is a GET of HTTP/1.1"));
    }
    if !request.has_token("connection", "upgrade") {
        return Err(Answer::bad("Upgrade without Connection: Upgrade"));
    }
    match request.value("sec-websocket-version")? {
        Some(b"13") => {}
        Some(_) => return Err(Answer::upgrade_required()),
        None => return Err(Answer::bad("no Sec-WebSocket-Version")),
    }
    let key = request.value("sec-websocket-key")?;
    let key = key.filter(|key| BASE64_STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16));
    let key = key.ok_or_else(|| Answer::bad("no good Sec-WebSocket-Key"))?;
    let has_body = request.value("content-length")?.is_some_and(|length| length != b"0")
        || request.values("transfer-encoding").next().is_some();
    if has_body {
        return Err(Answer::bad("an upgrade has no body"));
    }
    Ok(key)
}

/// Only browsers send an Origin, and then it is true: it keeps other people's pages from using a visitor's network.
fn check_origin(request: &Request<'_>, site: &Site) -> Result<(), Answer> {
    let Some(value) = request.value("origin")? else { return Ok(()) };
    let host = request.value("host")?.unwrap_or_default();
    let origin = std::str::from_utf8(value).ok().and_then(Origin::parse);
    if origin::is_allowed(origin.as_ref(), host, &site.ws_origins) {
        return Ok(());
    }
    Err(Answer::forbidden(origin.as_ref()))
}

/// Proves that this is a WebSocket server (4.2.2): SHA-1 is what the RFC fixed, and nothing secret hangs on it.
fn accept_key(key: &[u8]) -> String {
    const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    BASE64_STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key, GUID].concat()))
}

fn switching(accept: &str, speaks: bool) -> String {
    let protocol = if speaks { format!("Sec-WebSocket-Protocol: {PROTOCOL}\r\n") } else { String::new() };
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{protocol}\r\n"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(super::accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
