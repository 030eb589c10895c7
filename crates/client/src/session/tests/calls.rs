//! Calls, their answers, and whose refusal is whose.

use super::*;
use crate::{
    Call, Invalid,
    limits::{REFUSALS_KEPT_MAX, SENDS_REMEMBERED_MAX},
};

//= PROTOCOL.md#5.2
// A status that a client does not know is a refusal like any other.
#[test]
fn a_refusal_names_the_call_it_answers() {
    let mut talk = Talk::in_lobby(user());
    let (first, second) = (talk.send("a"), talk.send("b"));
    assert_eq!((first, second), (SendId(1), SendId(2)));
    let ticket = talk.session.join("secret", talk.now).unwrap();
    let requests = talk.sent();
    let seqs: Vec<_> = requests.iter().map(|request| request.seq).collect();
    assert_eq!(seqs, [3, 4, 5]);
    assert_eq!(talk.hear(&answer(CMS, 4, 6)), ["refused message 2 to lobby: MUTED (6)"]);
    assert_eq!(talk.hear(&answer(JOIN, 5, 7)), [format!("{}: join of secret: BANNED (7)", ticket.0)]);
    assert_eq!(talk.hear(&answer(CMS, 3, 200)), ["refused message 1 to lobby: status 200"]);
}

#[test]
fn an_answer_is_handed_over_once() {
    let mut talk = Talk::in_lobby(user());
    talk.send("a");
    talk.session.join("b", talk.now).unwrap();
    assert_eq!(talk.hear(&answer(CMS, 3, 5)), ["refused message 1 to lobby: RATE_LIMITED (5)"]);
    assert_eq!(talk.hear(&answer(CMS, 3, 5)), ["refused frame 3 (command 6): RATE_LIMITED (5)"]);
    assert_eq!(talk.hear(&answer(JOIN, 4, 0)).len(), 1);
    assert!(talk.hear(&answer(JOIN, 4, 0)).is_empty());
    assert!(talk.hear(&answer(LOGIN, 1, 0)).is_empty());
    assert_eq!(talk.hear(&answer(99, 4, 10)), ["refused frame 4 (command 99): UNSUPPORTED (10)"]);
}

#[test]
fn an_answer_of_another_command_answers_nothing() {
    let mut talk = Talk::in_lobby(user());
    let ticket = talk.session.join("b", talk.now).unwrap();
    assert!(talk.hear(&answer(PONG, 3, 0)).is_empty());
    assert!(talk.hear(&answer(LOGIN, 3, 0)).is_empty());
    assert_eq!(talk.hear(&answer(JOIN, 3, 0)), [format!("{}: Done", ticket.0)]);
}

#[test]
fn sends_are_remembered_up_to_a_bound() {
    let mut talk = Talk::in_lobby(user());
    for _ in 0..SENDS_REMEMBERED_MAX + 1 {
        talk.send("x");
        talk.sent();
    }
    assert_eq!(talk.hear(&answer(CMS, 3, 5)), ["refused frame 3 (command 6): RATE_LIMITED (5)"]);
    assert_eq!(talk.hear(&answer(CMS, 4, 5)), ["refused message 2 to lobby: RATE_LIMITED (5)"]);
}

#[test]
fn unanswered_calls_are_bounded() {
    let mut talk = Talk::in_lobby(user());
    for _ in 0..CALLS_PENDING_MAX {
        talk.session.ping(talk.now).unwrap();
    }
    assert!(matches!(talk.session.ping(talk.now), Err(CallError::TooMany { .. })));
    talk.hear(&answer(PONG, 3, 0));
    assert!(talk.session.ping(talk.now).is_ok());
}

#[test]
fn a_flush_waits_for_its_own_pong_and_tells_what_was_refused_before() {
    let mut talk = Talk::in_lobby(user());
    talk.send("a");
    let ping = talk.session.ping(talk.now).unwrap();
    talk.send("b");
    let flush = talk.session.flush(talk.now).unwrap();
    assert_eq!(talk.sent_codes(), [CMS, PING, CMS, PING]);
    talk.now += S;
    assert_eq!(talk.hear(&answer(PONG, 4, 0)), [format!("{}: Pong(1s)", ping.0)]);
    talk.hear(&answer(CMS, 5, 14));
    let refused = vec![Refusal {
        call: Call::Send { id: SendId(2), room: Arc::from("lobby") },
        status: Status::REJECTED,
    }];
    let flushed = Flushed { round_trip: S, refused, refused_more: 0 };
    assert_eq!(talk.hear(&answer(PONG, 6, 0)), [format!("{}: Flushed({flushed:?})", flush.0)]);
    assert_eq!(talk.session.round_trip(), Some(S));
    let flush = talk.session.flush(talk.now).unwrap();
    let clean = Flushed { round_trip: Duration::ZERO, refused: vec![], refused_more: 0 };
    assert_eq!(talk.hear(&answer(PONG, 7, 0)), [format!("{}: Flushed({clean:?})", flush.0)], "told once");
}

#[test]
fn refusals_kept_for_a_flush_are_bounded_and_counted() {
    let mut talk = Talk::in_lobby(user());
    for seq in 3..3 + REFUSALS_KEPT_MAX as u32 + 5 {
        talk.send("x");
        talk.hear(&answer(CMS, seq, 5));
    }
    let (kept, more) = talk.session.standing.take_refused();
    assert_eq!((kept.len(), more), (REFUSALS_KEPT_MAX, 5));
}

//= PROTOCOL.md#8.7
// A guest becomes a user on the same connection.
#[test]
fn a_second_login_is_answered_like_any_call() {
    let mut talk = Talk::in_lobby(Config::builder("server:7610"));
    let ok = talk.session.login(&Login::user("alice", "secret"), talk.now).unwrap();
    let bad = talk.session.login(&Login::user("alice", "wrong"), talk.now).unwrap();
    assert_eq!(talk.sent_codes(), [LOGIN, LOGIN]);
    assert_eq!(talk.hear(&answer(LOGIN, 3, 0)), [format!("{}: Done", ok.0)]);
    assert_eq!(talk.hear(&answer(LOGIN, 4, 2)), [format!("{}: login: UNAUTHENTICATED (2)", bad.0)]);
    assert!(talk.pass(S).is_empty(), "the session goes on");
}

#[test]
fn logout_is_the_last_frame() {
    let mut talk = Talk::in_lobby(user());
    talk.send("a");
    talk.session.logout();
    talk.session.logout();
    assert!(matches!(talk.session.ping(talk.now), Err(CallError::Closed)));
    assert_eq!(talk.sent_codes(), [CMS, 2]);
    assert_eq!(talk.hear(&answer(CMS, 3, 6)), ["refused message 1 to lobby: MUTED (6)"], "still read");
}

#[test]
fn what_the_protocol_cannot_carry_is_not_sent() {
    let mut talk = Talk::in_lobby(user());
    let too_long = talk.session.send(Outgoing::new("lobby", vec![0; 65_536]), talk.now);
    assert!(matches!(too_long, Err(CallError::Invalid(Invalid::TooLarge { max: 65_536, .. }))));
    assert!(talk.session.send(Outgoing::new("lobby", vec![0; 65_000]), talk.now).is_ok());
    talk.sent();
    assert!(matches!(talk.session.join("", talk.now), Err(CallError::Invalid(_))));
    assert!(matches!(talk.session.send(Outgoing::new("a\n", "x"), talk.now), Err(CallError::Invalid(_))));
    assert!(matches!(talk.session.login(&Login::user("", "x"), talk.now), Err(CallError::Invalid(_))));
    assert!(talk.sent().is_empty());
}

#[test]
fn rooms_are_bounded() {
    let mut talk = Talk::in_lobby(user());
    for n in 1..ROOMS_MAX as u32 {
        talk.session.join(&n.to_string(), talk.now).unwrap();
        talk.hear(&answer(JOIN, 2 + n, 0));
    }
    assert!(matches!(talk.session.join("one more", talk.now), Err(CallError::TooMany { .. })));
}
