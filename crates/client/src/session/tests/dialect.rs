//! What is on the wire, in every dialect.

use super::*;
use longwire_wire::{CommandMap, Detected, FirstFrameRules, Inflater, LoginRequest, detect_first};

//= PROTOCOL.md#1.4
// The first frame is a LOGIN; a server tells the dialect from it.
#[test]
fn a_server_reads_our_login_in_the_dialect_we_chose() {
    for length in [LengthReading::Body, LengthReading::Rest] {
        for (gzip, version) in [(false, 0), (true, 3)] {
            for login in [Login::Guest, Login::user("alice", "secret")] {
                let config = user().length(length).gzip(gzip).version(version).build().unwrap();
                let talk = Talk::new(&config, &login, Standing::default());
                check_login(talk.session.poll_transmit(), &login, Dialect { length, version, gzip });
            }
        }
    }
}

fn check_login(bytes: &[u8], login: &Login, expected: Dialect) {
    let (commands, mut scratch) = (CommandMap::default(), Vec::new());
    let rules = FirstFrameRules {
        commands: &commands,
        login: LoginFields::default(),
        length: None,
        login_max: 8192,
        versions: 0xFFFF,
    };
    match detect_first(bytes, &rules, &mut Inflater::new(), &mut scratch) {
        Detected::Login { frame, dialect, taken } => {
            assert_eq!((dialect, taken), (expected, bytes.len()), "{login:?}");
            let mut body = frame.body.to_vec();
            if dialect.gzip {
                Inflater::new().inflate(frame.body, 8192, &mut body).unwrap();
            }
            let request = LoginRequest::parse(&body, LoginFields::default()).unwrap();
            let user = Some(request.user_id).filter(|user| !user.is_empty());
            assert_eq!(user, login.user_id());
        }
        _ => panic!("{login:?} in {expected:?} is no LOGIN: {bytes:x?}"),
    }
}

#[test]
fn messages_come_with_room_sender_time_and_type() {
    let mut talk = Talk::in_lobby(user());
    let body = batch("lobby", &[("bob", "hi", 0), ("carol", "🎁", 2), ("", "banned", 1), ("dan", "", 9)]);
    let expected = [
        "lobby bob@1000 Normal: hi",
        "lobby carol@1001 Gift: 🎁",
        "lobby @1002 Notify: banned",
        "lobby dan@1003 Other(9): ",
    ];
    assert_eq!(talk.hear(&push(&body)), expected);
    assert_eq!(talk.hear(&gzip_push_in(LengthReading::Body, &body)), expected);
}

//= PROTOCOL.md#14.10
// A client reads push bodies of up to 66 KiB.
#[test]
fn a_push_of_sixty_six_kib_is_read() {
    let mut talk = Talk::in_lobby(user());
    let around = batch("lobby", &[("bob", &"x".repeat(67_000), 0)]).len() - 67_000;
    let body = batch("lobby", &[("bob", &"x".repeat(67_584 - around), 0)]);
    assert_eq!(body.len(), 67_584);
    assert_eq!(talk.hear(&push(&body)).len(), 1);
    assert_eq!(talk.hear(&gzip_push_in(LengthReading::Body, &body)).len(), 1);
}

#[test]
fn a_push_without_messages_is_silent() {
    let mut talk = Talk::in_lobby(user());
    assert!(talk.hear(&push(&batch("lobby", &[]))).is_empty());
    assert!(talk.hear(&push(&[])).is_empty());
}

//= PROTOCOL.md#6.7
// The first LOGIN shows gzip, with or without a body; later bodies from the threshold up.
#[test]
fn bodies_are_gzipped_from_the_threshold_up_where_it_helps() {
    let mut talk = Talk::in_lobby(user().gzip(true).gzip_bytes_min(100));
    talk.send("short");
    talk.send(&"long ".repeat(100));
    let noise: String = std::iter::repeat_with(fastrand::alphanumeric).take(120).collect();
    talk.send(&noise);
    let flags: Vec<_> = talk.sent().iter().map(|request| request.flag.compression()).collect();
    assert_eq!(flags[..2], [Compression::None, Compression::Gzip]);
    assert!(talk.session.ping(talk.now).is_ok());
    assert_eq!(talk.sent()[0].flag.compression(), Compression::None);
}

#[test]
fn a_deployment_may_number_commands_and_login_fields_its_own_way() {
    let commands = CommandMap::new([11, 12, 13, 14, 15, 16]).unwrap();
    let config =
        user().commands(commands).login_fields(LoginFields { token: 7, user_id: 9 }).build().unwrap();
    let mut talk = Talk::new(&config, &Login::user("alice", "secret"), Standing::default());
    let login = talk.sent().remove(0);
    assert_eq!(login.code, 11);
    let parsed = LoginRequest::parse(&login.body, LoginFields { token: 7, user_id: 9 }).unwrap();
    assert_eq!((parsed.token, parsed.user_id), ("secret", "alice"));
    assert_eq!(talk.hear(&answer(11, 1, 0)), ["logged in"]);
    talk.session.ping(talk.now).unwrap();
    assert_eq!(talk.sent_codes(), [13]);
    assert_eq!(talk.hear(&answer(14, 2, 0)).len(), 1);
    let message = frame_in(LengthReading::Body, 16, Flow::Notify, 0, 0, &batch("lobby", &[("bob", "hi", 0)]));
    assert_eq!(talk.hear(&message), ["lobby bob@1000 Normal: hi"]);
}
