//! The table of section 16: every frame in every state that a client can bring about.
//!
//! *Authenticating* is left out: open login answers at once, so nothing can be seen between the two.

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::{End, Raw};
use crate::common::server::Server;

on_one_and_four_shards!(every_frame_in_every_state);

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    AwaitingLogin,
    Guest,
    User,
    Closing,
}
use State::{AwaitingLogin, Closing, Guest, User};

const STATES: [State; 4] = [AwaitingLogin, Guest, User, Closing];

#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// Answered with this status; the connection stays.
    Stays(u8),
    /// A PONG; the connection stays.
    Pong,
    /// Nothing is answered; the connection stays.
    Silence,
    /// Answered with this status, then closed.
    Ends(u8),
    /// Closed without a byte.
    Close,
}
use Outcome::{Close, Ends, Pong, Silence, Stays};

/// A row of the table: what is sent, and what becomes of it in each of `STATES`.
struct Row {
    name: &'static str,
    frame: Frame,
    /// `len` where it is not the true one.
    len: Option<u32>,
    outcomes: [Outcome; 4],
}

fn row(name: &'static str, command: u8, body: Vec<u8>, outcomes: [Outcome; 4]) -> Row {
    Row { name, frame: Frame::request(command, 77, body), len: None, outcomes }
}

fn table() -> Vec<Row> {
    let one_of_two = bytes(2, "alice");
    let mut rows = vec![
        row("LOGIN, neither", LOGIN, Vec::new(), [Stays(OK), Stays(OK), Stays(FORBIDDEN), Close]),
        row("LOGIN, same user", LOGIN, login_body("t", "alice"), [Stays(OK), Stays(OK), Stays(OK), Close]),
        row(
            "LOGIN, another user",
            LOGIN,
            login_body("t", "bob"),
            [Stays(OK), Stays(OK), Stays(FORBIDDEN), Close],
        ),
        row(
            "LOGIN, exactly one",
            LOGIN,
            one_of_two,
            [Ends(UNAUTHENTICATED), Stays(UNAUTHENTICATED), Stays(UNAUTHENTICATED), Close],
        ),
        row("LOGIN, malformed", LOGIN, vec![0x0b], [Close, Stays(MALFORMED), Stays(MALFORMED), Close]),
        row("LOGOUT", LOGOUT, Vec::new(), [Close, Close, Close, Close]),
        row("PING", PING, Vec::new(), [Close, Pong, Pong, Close]),
        row("JOIN_CR", JOIN_CR, join_body("lobby"), [Close, Stays(OK), Stays(OK), Close]),
        row("JOIN_CR, malformed", JOIN_CR, vec![0x0b], [Close, Stays(MALFORMED), Stays(MALFORMED), Close]),
        row("CMS", CMS, cms_body("joined", "x"), [Close, Stays(FORBIDDEN), Silence, Close]),
        row(
            "CMS elsewhere",
            CMS,
            cms_body("other", "x"),
            [Close, Stays(FORBIDDEN), Stays(NOT_JOINED), Close],
        ),
    ];
    for command in [0, PONG, 7, 63, 64, 255] {
        let outcomes = [Close, Stays(UNSUPPORTED), Stays(UNSUPPORTED), Close];
        rows.push(row("a command not the client's", command, Vec::new(), outcomes));
    }
    for compression in [2, 3] {
        let outcomes = [Close, Stays(UNSUPPORTED), Stays(UNSUPPORTED), Close];
        let mut reserved = row("reserved compression", PING, Vec::new(), outcomes);
        reserved.frame.compression = compression;
        rows.push(reserved);
    }
    for flow in 1..=3 {
        let mut wrong = row("flow not 0", PING, Vec::new(), [Close, Ends(MALFORMED), Ends(MALFORMED), Close]);
        wrong.frame.flow = flow;
        rows.push(wrong);
    }
    let mut long =
        row("len over the limit", PING, Vec::new(), [Close, Ends(TOO_LARGE), Ends(TOO_LARGE), Close]);
    long.len = Some(65_537);
    rows.push(long);
    rows
}

fn every_frame_in_every_state(shards: u32) {
    //= PROTOCOL.md#16.1
    // A frame has in each state the outcome of the table.
    //= PROTOCOL.md#5.11
    // After the login the statuses 2 to 8 and 10 to 14 leave the connection open.
    let server = Server::start(shards);
    for row in table() {
        for (state, outcome) in STATES.into_iter().zip(row.outcomes) {
            println!("{} in {state:?}: {outcome:?}", row.name);
            let mut raw = in_state(&server, state);
            let bytes = match row.len {
                Some(len) => row.frame.with_len(len),
                None => row.frame.to_bytes(Reading::Body),
            };
            raw.send_what_it_takes(&bytes);
            assert_outcome(&mut raw, &row.frame, outcome);
        }
    }
    server.stop();
}

fn in_state(server: &Server, state: State) -> Raw {
    match state {
        AwaitingLogin => server.connect(),
        Guest => server.member("", "joined"),
        User => server.member("alice", "joined"),
        Closing => {
            let mut raw = server.member("alice", "joined");
            raw.ask(LOGOUT, Vec::new());
            raw
        }
    }
}

fn assert_outcome(raw: &mut Raw, sent: &Frame, outcome: Outcome) {
    match outcome {
        Stays(status) => {
            assert_eq!(raw.answer(sent.command, sent.seq), status);
            raw.ping();
        }
        Pong => assert_eq!(raw.answer(PONG, sent.seq), OK),
        Silence => raw.ping(),
        Ends(status) => {
            assert_eq!(raw.answer(sent.command, sent.seq), status);
            assert_eq!(raw.frames_to_end(), (Vec::new(), End::Stream));
        }
        Close => raw.assert_closed_without_a_byte(),
    }
}
