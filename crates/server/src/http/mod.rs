//! HTTP as far as a chat server needs it: one request, then an upgrade to WebSocket, or an answer and the end.
//!
//! [`read`] is given what came so far and says what to do: wait, answer and close, upgrade, or close without a byte.
//! Never reads a body, never keeps a connection open for a second request: then nothing can hide behind the first.
//! Holds no socket and no clock: the deadline of a head that never ends is its owner's.

mod answer;
mod demo;
mod origin;
mod request;
mod upgrade;

#[cfg(any(test, feature = "properties"))]
pub(crate) mod property;
#[cfg(test)]
mod tests;

use answer::Answer;
pub use demo::Demo;
pub use origin::{Allowed, Origin};
use request::{Method, Request, Target};
use std::sync::Arc;

/// A request's line and headers together; more is answered with 431.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Headers of a request; more are answered with 431.
pub const HEADERS_MAX: usize = 64;

/// What is served, and to whom.
#[derive(Clone, Debug)]
pub struct Site {
    /// `web.ws.path`: where an upgrade is taken.
    pub ws_path: String,
    /// `web.ws.origins`: pages whose scripts may connect.
    pub ws_origins: Vec<Allowed>,
    /// `web.demo`: the page at `/` and its files. Without it a short note stands there.
    pub demo: Option<Arc<Demo>>,
}

/// What to do with a connection that speaks HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Wait: the head has not ended yet.
    More,
    /// Send this, and close.
    Answer {
        /// The whole answer, or all of it before `page`.
        bytes: Vec<u8>,
        /// A body that all who ask for it share: only how far each has come is its own.
        page: Option<Arc<[u8]>>,
        /// Its status, for a log.
        status: u16,
        /// The origin whose scripts may not connect, where it says that; `null` has no address.
        refused: Option<String>,
    },
    /// Send this; what the client sends next is WebSocket.
    Upgrade {
        /// The whole answer: 101.
        bytes: Vec<u8>,
    },
    /// Close without a byte: it would not understand one.
    Refuse,
}

/// Judges `input`, all that has come so far. The first `seen` bytes of it were answered with [`Outcome::More`] before.
///
/// `ready`: new clients are welcome, that is, the server neither drains nor is overloaded.
pub fn read(input: &[u8], seen: usize, site: &Site, ready: bool) -> Outcome {
    let within = &input[..input.len().min(HEAD_BYTES_MAX)];
    if let Some(outcome) = request::judge_beginning(within) {
        return outcome;
    }
    let Some(head) = request::end_of_head(within, seen) else {
        let is_full = within.len() == HEAD_BYTES_MAX;
        return if is_full { Answer::too_large().into_outcome(Method::Other) } else { Outcome::More };
    };
    request::with_request(&input[..head], |request| match request {
        Ok(request) => {
            let answer = route(&request, input.len() > head, site, ready);
            answer.unwrap_or_else(|answer| answer.into_outcome(request.method))
        }
        Err(answer) => answer.into_outcome(Method::Other),
    })
}

/// `Err` is every answer that ends the connection, the good ones too.
fn route(request: &Request<'_>, more_behind: bool, site: &Site, ready: bool) -> Result<Outcome, Answer> {
    let Target::Path(path) = request.target else {
        return Err(Answer::bad("this is no proxy, and serves paths alone"));
    };
    if request.method == Method::Other {
        return Err(Answer::method_not_allowed());
    }
    if request.has_token("upgrade", "websocket") {
        return upgrade::accept(request, path, more_behind, site, ready);
    }
    if let Some(outcome) = site.demo.as_ref().and_then(|demo| demo.answer(path, request)) {
        return Ok(outcome);
    }
    Err(match path {
        "/" => Answer::page(),
        "/healthz" => Answer::ok(),
        "/readyz" if ready => Answer::ok(),
        "/readyz" => Answer::not_ready(),
        path if path == site.ws_path => Answer::upgrade_required(),
        _ => Answer::not_found(site),
    })
}
