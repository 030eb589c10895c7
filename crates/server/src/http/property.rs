//! Whatever is sent where HTTP is expected, and wherever it is cut: one outcome, and an answer that can be read.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are assertions")]

use super::{Allowed, Demo, HEAD_BYTES_MAX, Outcome, Site, read};
use std::sync::{Arc, LazyLock};

/// A server that shows the demo, and takes upgrades at `/ws` from its own pages.
pub(crate) fn site() -> Site {
    static DEMO: LazyLock<Arc<Demo>> = LazyLock::new(|| Arc::new(Demo::new("/ws", true)));
    Site { ws_path: "/ws".into(), ws_origins: vec![Allowed::Same], demo: Some(Arc::clone(&DEMO)) }
}

/// Any bytes, any cut: the outcome is the same, comes no later than the longest head, and is well formed.
///
/// Input: length of a piece, then what the client sends. `planted`: an owner who says that it has all been seen before.
pub fn http(data: &[u8], planted: bool) {
    let Some((&piece, input)) = data.split_first() else { return };
    let at_once = read(input, 0, &site(), true);
    let in_pieces = read_in_pieces(input, usize::from(piece).max(1), planted);
    check(&at_once);
    match (&in_pieces, &at_once) {
        // what was sent too early is seen only if it is here with the head
        (Outcome::Upgrade { .. }, Outcome::Answer { status: 400, bytes, .. }) => {
            assert!(bytes.ends_with(b"bytes behind the request\n"));
        }
        _ => assert_eq!(in_pieces, at_once, "where it is cut changes the outcome"),
    }
    if input.len() >= HEAD_BYTES_MAX {
        assert_ne!(at_once, Outcome::More, "a head is bounded");
    }
}

fn read_in_pieces(input: &[u8], piece: usize, planted: bool) -> Outcome {
    let mut seen = 0;
    while seen < input.len() {
        let here = (seen + piece).min(input.len());
        let outcome = read(&input[..here], if planted { here } else { seen }, &site(), true);
        if outcome != Outcome::More {
            return outcome;
        }
        seen = here;
    }
    Outcome::More
}

fn check(outcome: &Outcome) {
    let (bytes, page, status) = match outcome {
        Outcome::More | Outcome::Refuse => return,
        Outcome::Answer { bytes, page, status, refused } => {
            let is_printable = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
            assert!(
                refused.as_ref().is_none_or(is_printable),
                "nothing of a request forges a line of the log"
            );
            (bytes, page.as_ref().map(|page| page.len()), *status)
        }
        Outcome::Upgrade { bytes } => (bytes, None, 101),
    };
    let text = std::str::from_utf8(bytes).expect("answers are text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head, and what follows it");
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
    assert!(head.split("\r\n").skip(1).all(|line| line.split_once(": ").is_some()), "{head}");
    assert!(
        text.chars().all(|c| c == '\r' || c == '\n' || !c.is_control()),
        "nothing of a request forges a line"
    );
    if status == 101 || status == 304 {
        return assert_eq!((body, page), ("", None)); // RFC 9110, 15.4.5: it has none, and so no length
    }
    let length = head.split("\r\n").find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
    let sent = body.len() + page.unwrap_or(0);
    assert!(sent == 0 || length == sent.to_string(), "{text}"); // to a HEAD, the length alone
    assert!(head.contains("\r\nConnection: close"), "{head}");
}
