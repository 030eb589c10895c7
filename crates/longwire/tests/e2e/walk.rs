//! Section 20, byte for byte: the hex of PROTOCOL.md is read from the page itself and sent to the server.

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::{End, Raw};
use crate::common::server::Server;

on_one_and_four_shards!(the_walk_through_works_as_printed);

const PAGE: &str = include_str!("../../../../PROTOCOL.md");

fn the_walk_through_works_as_printed(shards: u32) {
    let server = Server::start(shards);
    for reading in READINGS {
        let step = |name: &str| printed(name, reading);
        let mut other = server.connect().with(reading, 1, false);
        other.log_in_as_guest();
        other.join("lobby");
        let mut raw = server.connect().with(reading, 1, false);
        //= PROTOCOL.md#20.1
        // LOGIN with token `sesame` and userId `alice`.
        raw.send(&step("walk.login"));
        //= PROTOCOL.md#20.2
        // Its answer.
        assert_next(&mut raw, &step("walk.login_answer"));
        //= PROTOCOL.md#20.3
        // PING and PONG.
        raw.send(&step("walk.ping"));
        assert_next(&mut raw, &step("walk.pong"));
        //= PROTOCOL.md#20.4
        // JOIN_CR of `lobby` and its answer.
        raw.send(&step("walk.join"));
        assert_next(&mut raw, &step("walk.join_answer"));
        //= PROTOCOL.md#20.5
        // CMS that says `hello`; no answer comes.
        raw.send(&step("walk.send"));
        //= PROTOCOL.md#20.6
        // The push that the others get: the same but for the time.
        let push = other.next_frame();
        let (printed_push, _) =
            Frame::cut_from(&step("walk.push"), reading).expect("a whole frame is printed");
        assert_eq!(push.body.len(), printed_push.body.len());
        let (mut got, want) = (read_push(&push.body), read_push(&printed_push.body));
        got.1[0].timestamp = want.1[0].timestamp;
        assert_eq!(got, want);
        assert_eq!(Frame { body: printed_push.body.clone(), ..push }, printed_push);
        //= PROTOCOL.md#20.8
        // LOGOUT, and the server closes.
        raw.send(&step("walk.logout"));
        assert_eq!(raw.frames_to_end(), (Vec::new(), End::Stream));
    }
    server.stop();
}

fn assert_next(raw: &mut Raw, printed: &[u8]) {
    let reading = raw.reading;
    assert_eq!(raw.next_frame().to_bytes(reading), printed);
}

/// The bytes that the page prints under `name` for this reading.
fn printed(name: &str, reading: Reading) -> Vec<u8> {
    let is_title = |line: &str| line.split_whitespace().next() == Some(name);
    let block = PAGE.lines().skip_while(|line| !is_title(line)).skip(1);
    let block = block.take_while(|line| line.starts_with("  "));
    let label = if reading == Reading::Body { "body" } else { "rest" };
    let mut bytes = Vec::new();
    let mut ours = false;
    for line in block {
        let mut words = line.split_whitespace().peekable();
        if let Some(found) = words.next_if(|word| ["body", "rest"].contains(word)) {
            ours = found == label;
        }
        let hex = words.map_while(|word| u8::from_str_radix(word, 16).ok().filter(|_| word.len() == 2));
        bytes.extend(hex.filter(|_| ours));
    }
    assert!(bytes.len() >= 11, "{name} is not printed as expected: {bytes:02x?}");
    bytes
}
