//! Members that read nothing, over WebSocket: a message is never cut by a control frame, and the books know what arrived.

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::server::Server;
use crate::common::websocket::{BINARY, CLOSE, WS_PING, WebSocket, frame};

on_one_and_four_shards!(what_the_books_call_delivered_arrives_in_whole_messages);

const STALLED: usize = 10;
const WINDOW: usize = 1_000;
/// Some 150 bytes each: more than a socket's two buffers hold.
const WINDOWS: usize = 20;
const WS_PONG: u8 = 0x8A;

fn what_the_books_call_delivered_arrives_in_whole_messages(shards: u32) {
    //= PROTOCOL.md#18.5
    // Each message of the server is exactly one whole frame.
    let plan = Server::of(shards).set("wire.timeouts.idle", "10m");
    let server = plan.set("fanout.stall_timeout", "10m").set("drain.spread", "0s").start();
    let mut stalled: Vec<_> = (0..STALLED)
        .map(|_| {
            let mut member = WebSocket::guest(server.address());
            assert_eq!(member.status_of(JOIN_CR, join_body("lobby")), OK);
            member
        })
        .collect();
    let mut reader = server.member("", "lobby");
    let mut speaker = server.member("speaker", "lobby");
    for window in 0..WINDOWS {
        // before, while and after their sockets are full they want pongs, which must find a place between two messages
        for (at, member) in stalled.iter_mut().enumerate() {
            member.send_bytes(&frame(WS_PING, &[at as u8; 125]));
        }
        let text = |n: usize| format!("{:08} {}", window * WINDOW + n, "x".repeat(100));
        let bytes: Vec<u8> = (0..WINDOW).flat_map(|n| speaker.cms_bytes("lobby", &text(n))).collect();
        speaker.send(&bytes);
        assert_eq!(reader.next_texts(WINDOW), (0..WINDOW).map(text).collect::<Vec<_>>());
    }
    let books = server.stop();
    let received: u64 = stalled.into_iter().enumerate().map(|(at, member)| records(member, at as u8)).sum();
    let all = (WINDOW * WINDOWS) as u64;
    assert_eq!(books.normal.owed, all * (STALLED as u64 + 1));
    assert!(received < all * STALLED as u64, "they were behind: {received}");
    assert_eq!(books.normal.delivered, all + received, "{books:?}");
}

/// Records of the whole messages up to the end, which may cut one; every pong is of the pings that the client sent.
fn records(member: WebSocket, ping: u8) -> u64 {
    let (bytes, _) = member.rest();
    let (mut rest, mut records, mut pongs) = (&bytes[..], 0, 0);
    while let Some((first, payload, behind)) = cut(rest) {
        rest = behind;
        match first {
            BINARY => {
                let (frame, taken) = Frame::cut_from(payload, Reading::Body).expect("a whole frame");
                assert_eq!(taken, payload.len());
                records += read_push(&frame.plain_body()).1.len() as u64;
            }
            WS_PONG => {
                assert_eq!(payload, [ping; 125]);
                pongs += 1;
            }
            CLOSE => assert!(rest.is_empty(), "behind a close comes nothing"),
            other => panic!("no frame of this server begins with {other:02x}, after {records} records"),
        }
    }
    assert!(pongs > 0, "the first ping came before the socket was full");
    records
}

/// The first frame: its first byte, its payload, what stands behind it.
fn cut(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, behind) = bytes.split_first_chunk::<2>()?;
    let (len, behind) = match head[1] {
        126 => behind.split_first_chunk().map(|(len, behind)| (u16::from_be_bytes(*len).into(), behind))?,
        127 => behind.split_first_chunk().map(|(len, behind)| (u64::from_be_bytes(*len), behind))?,
        len => (u64::from(len), behind),
    };
    let (payload, behind) = behind.split_at_checked(len as usize)?;
    Some((head[0], payload, behind))
}
