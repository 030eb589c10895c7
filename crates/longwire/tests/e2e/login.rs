//! LOGIN and the sessions it makes (section 8), and the dialect it shows (1.5).

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::raw::End;
use crate::common::server::Server;

on_one_and_four_shards!(
    users_and_guests_are_answered_with_a_header_alone,
    exactly_one_of_token_and_user_is_refused,
    the_version_of_the_first_login_is_echoed_for_ever,
    features_are_not_granted,
    a_later_login_renews_or_promotes,
    a_later_login_as_somebody_else_is_refused,
    the_third_refused_later_login_closes,
    two_connections_of_one_user_both_live,
);

fn users_and_guests_are_answered_with_a_header_alone(shards: u32) {
    //= PROTOCOL.md#8.1
    // token and userId: status 0, no body.
    //= PROTOCOL.md#8.2
    // Neither, whatever else is in it: a guest, status 0, no body.
    //= PROTOCOL.md#8.15
    // The open provider accepts every token that is not empty.
    let server = Server::start(shards);
    for seq in [0, 1, u32::MAX] {
        for body in
            [Vec::new(), number(9, 7), [bytes(1, ""), bytes(2, "")].concat(), login_body("x", "alice")]
        {
            let mut raw = server.connect();
            raw.send_frame(&Frame::request(LOGIN, seq, body));
            let answer = raw.next_frame();
            //= PROTOCOL.md#2.7
            // An answer carries the seq and the command of its request.
            assert_eq!(answer, Frame { flow: ANSWER, ..Frame::request(LOGIN, seq, Vec::new()) });
        }
    }
    server.stop();
}

fn exactly_one_of_token_and_user_is_refused(shards: u32) {
    //= PROTOCOL.md#8.3
    // Exactly one of the two: UNAUTHENTICATED.
    //= PROTOCOL.md#5.10
    // A first LOGIN that is refused is answered, then closed.
    let server = Server::start(shards);
    // In the reading `rest` it would be taken as `body` (3.7), as such never be whole, and so never be answered.
    for body in [bytes(1, "sesame"), bytes(2, "alice"), login_body("", "alice"), login_body("sesame", "")] {
        let mut raw = server.connect();
        assert_eq!(raw.log_in_with(body), UNAUTHENTICATED);
        assert_eq!(raw.frames_to_end(), (Vec::new(), End::Stream));
    }
    server.stop();
}

fn the_version_of_the_first_login_is_echoed_for_ever(shards: u32) {
    //= PROTOCOL.md#2.9
    // Every frame of the server carries the version of the first LOGIN, from 0 to 15.
    //= PROTOCOL.md#2.10
    // Later frames may carry any version.
    let server = Server::start(shards);
    let mut speaker = server.member("speaker", "lobby");
    for version in 0..16 {
        let mut raw = server.connect().with(Reading::Body, version, false);
        raw.log_in("alice");
        let mut ping = raw.request(PING, Vec::new());
        ping.version = 15 - version;
        raw.send_frame(&ping);
        assert_eq!(raw.answer(PONG, ping.seq), OK);
        raw.join("lobby");
        speaker.say("lobby", "hello");
        assert_eq!(raw.next_record().text(), "hello");
        //= PROTOCOL.md#8.13
        // The dialect stays the first LOGIN's: `Raw` checks the version of the answer.
        let mut again = raw.request(LOGIN, gzip(&login_body("t", "alice")));
        (again.version, again.compression) = (15 - version, GZIP);
        raw.send_frame(&again);
        assert_eq!(raw.answer(LOGIN, again.seq), OK);
    }
    server.stop();
}

fn features_are_not_granted(shards: u32) {
    //= PROTOCOL.md#17.2
    // A LOGIN with features is answered with a header alone, like one without.
    let server = Server::start(shards);
    let mut raw = server.connect();
    assert_eq!(raw.log_in_with([login_body("t", "alice"), number(100, u64::MAX)].concat()), OK);
    raw.ping();
    server.stop();
}

fn a_later_login_renews_or_promotes(shards: u32) {
    //= PROTOCOL.md#8.6
    // The same userId renews.
    //= PROTOCOL.md#8.10
    // A guest's empty LOGIN is answered with 0.
    //= PROTOCOL.md#8.7
    // A guest becomes a user and keeps its rooms.
    let server = Server::start(shards);
    let mut other = server.member("other", "lobby");
    let mut raw = server.member("", "lobby");
    assert_eq!(raw.status_of(LOGIN, Vec::new()), OK);
    assert_eq!(raw.verdict_on(cms_body("lobby", "as a guest")), Some(FORBIDDEN));
    assert_eq!(raw.status_of(LOGIN, login_body("t", "alice")), OK);
    assert_eq!(raw.status_of(LOGIN, login_body("t2", "alice")), OK);
    assert_eq!(raw.verdict_on(cms_body("lobby", "as alice")), None);
    let record = other.next_record();
    assert_eq!((record.text(), record.from.as_str()), ("as alice", "alice"));
    server.stop();
}

fn a_later_login_as_somebody_else_is_refused(shards: u32) {
    //= PROTOCOL.md#8.8
    // Another userId: FORBIDDEN.
    //= PROTOCOL.md#8.9
    // An empty LOGIN of a user: FORBIDDEN.
    //= PROTOCOL.md#8.11
    // A refused later LOGIN leaves the session as it was.
    let server = Server::start(shards);
    let mut other = server.member("other", "lobby");
    for bad in [login_body("t", "mallory"), Vec::new()] {
        let mut raw = server.member("alice", "lobby");
        assert_eq!(raw.status_of(LOGIN, bad), FORBIDDEN);
        assert_eq!(raw.verdict_on(cms_body("lobby", "still here")), None);
        assert_eq!(other.next_record().from, "alice");
    }
    server.stop();
}

fn the_third_refused_later_login_closes(shards: u32) {
    //= PROTOCOL.md#8.12
    // The third refused later LOGIN, for whatever reason, is answered, and the server closes.
    let server = Server::start(shards);
    let mut raw = server.user("alice");
    assert_eq!(raw.status_of(LOGIN, login_body("t", "mallory")), FORBIDDEN);
    assert_eq!(raw.status_of(LOGIN, bytes(1, "only a token")), UNAUTHENTICATED);
    assert_eq!(raw.status_of(LOGIN, login_body("t", "alice")), OK);
    assert_eq!(raw.status_of(LOGIN, vec![0x0b]), MALFORMED);
    assert_eq!(raw.frames_to_end(), (Vec::new(), End::Stream));
    server.stop();
}

fn two_connections_of_one_user_both_live(shards: u32) {
    //= PROTOCOL.md#8.14
    // Two connections of the same user are both served.
    //= PROTOCOL.md#12.5
    // Another connection of the sender gets the record like everybody.
    let server = Server::start(shards);
    let mut phone = server.member("alice", "lobby");
    let mut desk = server.member("alice", "lobby");
    phone.say("lobby", "from the phone");
    assert_eq!(desk.next_record().text(), "from the phone");
    desk.say("lobby", "from the desk");
    assert_eq!(phone.next_record().text(), "from the desk");
    server.stop();
}
