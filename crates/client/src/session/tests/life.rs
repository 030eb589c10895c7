//! Logging in, staying alive, and going on after a loss.

use super::*;
use crate::ProtocolError;

#[test]
fn a_refused_login_ends_the_session_with_its_status() {
    for (status, is_final) in
        [(2, true), (3, true), (7, true), (5, false), (11, false), (12, false), (77, false)]
    {
        let mut talk = Talk::new(&user().build().unwrap(), &Login::Guest, Standing::default());
        talk.session.handle_bytes(&answer(LOGIN, 1, status), talk.now);
        match talk.session.poll_event() {
            Some(SessionEvent::Failed(fault @ Fault::LoginRefused(Status(code)))) => {
                assert_eq!((code, fault.is_final()), (status, is_final));
            }
            other => panic!("{other:?}"),
        }
        assert!(talk.hear(&answer(LOGIN, 1, 0)).is_empty(), "nothing after the end");
        assert!(talk.session.poll_transmit().is_empty());
    }
}

#[test]
fn a_login_without_an_answer_times_out() {
    let mut talk = Talk::new(&user().build().unwrap(), &Login::Guest, Standing::default());
    assert_eq!(talk.session.poll_timeout(), Some(talk.now + 10 * S));
    assert_eq!(talk.pass(10 * S), ["failed: the login was not answered in time"]);
}

#[test]
fn nothing_is_taken_before_the_login_is_answered() {
    let mut talk = Talk::new(&user().build().unwrap(), &Login::Guest, Standing::default());
    assert!(matches!(talk.session.join("lobby", talk.now), Err(CallError::NotConnected)));
    for early in [push(&batch("lobby", &[("bob", "hi", 0)])), answer(PONG, 9, 0), answer(LOGIN, 7, 0)] {
        let mut talk = Talk::new(&user().build().unwrap(), &Login::Guest, Standing::default());
        let expected = format!("failed: the server broke the protocol: {}", ProtocolError::BeforeLogin);
        assert_eq!(talk.hear(&early), [expected]);
    }
}

#[test]
fn a_silent_session_pings_and_gives_up_without_a_pong() {
    let mut talk = Talk::in_lobby(user());
    assert!(talk.pass(13 * S).is_empty());
    assert!(talk.sent().is_empty());
    assert!(talk.pass(S).is_empty());
    assert_eq!(talk.sent_codes(), [PING]);
    talk.now += S;
    assert!(talk.hear(&answer(PONG, 3, 0)).is_empty(), "a heartbeat is nobody's call");
    assert_eq!(talk.session.round_trip(), Some(S));
    talk.pass(13 * S);
    assert_eq!(talk.sent_codes(), [PING]);
    assert_eq!(talk.pass(10 * S), ["failed: the server did not answer a ping in time"]);
}

#[test]
fn heartbeats_go_on_while_events_are_unread() {
    let mut talk = Talk::in_lobby(user());
    talk.session.handle_reading(false, talk.now);
    for _ in 0..100 {
        assert!(talk.pass(14 * S).is_empty());
        assert_eq!(talk.sent_codes(), [PING]);
    }
    assert_eq!(talk.session.pending.len(), 1, "one heartbeat is remembered, not a hundred");
    talk.session.handle_reading(true, talk.now);
    let pongs: Vec<u8> = (3..103).flat_map(|seq| answer(PONG, seq, 0)).collect();
    assert!(talk.hear(&pongs).is_empty());
    assert!(talk.pass(9 * S).is_empty());
}

#[test]
fn a_reconnect_joins_the_same_rooms_in_the_same_order() {
    let config = user().build().unwrap();
    let mut talk = Talk::in_lobby(user());
    for (seq, room) in [(3, "b"), (4, "a"), (5, "lobby"), (6, "refused")] {
        talk.session.join(room, talk.now).unwrap();
        talk.hear(&answer(JOIN, seq, if seq == 6 { 7 } else { 0 }));
    }
    let mut talk = talk.reconnect(&config);
    assert_eq!(talk.sent_codes(), [LOGIN]);
    assert_eq!(talk.hear(&answer(LOGIN, 1, 0)), ["logged in"]);
    let bodies: Vec<_> =
        talk.sent().into_iter().map(|join| String::from_utf8(join.body[2..].to_vec()).unwrap()).collect();
    assert_eq!(bodies, ["lobby", "b", "a"]);
}

#[test]
fn a_room_that_cannot_be_joined_again_now_is_tried_later_and_a_forbidden_one_forgotten() {
    let config = user().build().unwrap();
    let mut talk = Talk::in_lobby(user());
    talk.session.join("b", talk.now).unwrap();
    talk.hear(&answer(JOIN, 3, 0));
    let mut talk = talk.reconnect(&config);
    talk.hear(&answer(LOGIN, 1, 0));
    talk.sent();
    assert_eq!(talk.hear(&answer(JOIN, 2, 7)), ["refused joining lobby again: BANNED (7)"]);
    assert_eq!(talk.hear(&answer(JOIN, 3, 5)), ["refused joining b again: RATE_LIMITED (5)"]);
    assert!(talk.session.poll_timeout().unwrap() <= talk.now + S / 2, "the first ceiling is half a second");
    talk.pass(S / 2);
    let again = talk.sent();
    assert_eq!(again.len(), 1);
    assert_eq!(&again[0].body[2..], b"b");
    assert!(talk.hear(&answer(JOIN, again[0].seq, 0)).is_empty());
    assert_eq!(talk.session.standing.rooms(), [Arc::from("b")]);
}

#[test]
fn a_flush_after_a_reconnect_does_not_vouch_for_lost_sends() {
    let config = user().build().unwrap();
    let mut talk = Talk::in_lobby(user());
    talk.send("a");
    let mut talk = talk.reconnect(&config);
    talk.hear(&answer(LOGIN, 1, 0));
    assert!(matches!(talk.session.flush(talk.now), Err(CallError::Lost)));
    assert!(talk.session.flush(talk.now).is_ok(), "told once");
}

#[test]
fn a_loss_that_cost_no_sends_leaves_the_next_flush_alone() {
    let config = user().build().unwrap();
    let mut seen = Talk::in_lobby(user());
    seen.send("a");
    seen.session.ping(seen.now).unwrap();
    seen.hear(&answer(PONG, 4, 0));
    let mut told = Talk::in_lobby(user());
    told.send("a");
    told.session.flush(told.now).unwrap();
    for talk in [seen, told] {
        let mut talk = talk.reconnect(&config);
        talk.hear(&answer(LOGIN, 1, 0));
        assert!(talk.session.flush(talk.now).is_ok());
        assert_eq!(talk.send("b"), SendId(2), "ids go on over reconnects");
    }
}
