//! Honest sessions, whatever the socket does to them.

use super::*;

#[test]
fn both_versions_carry_bytes_both_ways_and_end() {
    for (versions, name) in [(TLS12, "1.2"), (TLS13, "1.3")] {
        let mut talk = Party::of(versions).connected();
        assert_eq!(talk.client.protocol_version(), Some(versions[0].version));
        talk.client_says(b"a question");
        assert_eq!(talk.server_hears(4096), b"a question", "{name}");
        talk.server_says(b"an answer");
        assert_eq!(talk.client_hears(), b"an answer", "{name}");
        assert_eq!(talk.server.kept(), 0, "idle, it keeps nothing");

        talk.client.send_close_notify();
        talk.carry().unwrap();
        let mut buffer = [0; 16];
        assert_eq!(talk.server.read(&mut talk.socket, &mut buffer).unwrap(), 0, "{name}: its end is told");
        assert!(talk.server.ended());
        talk.server_says(b"last words"); // half closed: it still listens
        assert_eq!(talk.client_hears(), b"last words", "{name}");
        talk.server.close(&mut talk.socket).unwrap();
        talk.server.close(&mut talk.socket).unwrap();
        talk.carry().unwrap();
        assert_eq!(talk.client.reader().read(&mut buffer).unwrap(), 0, "{name}: our end is told, once");
    }
}

/// An end that comes in the same bytes as the last frame does not need another edge to be found.
#[test]
fn an_end_behind_the_last_bytes_is_known_at_once() {
    let mut talk = Party::of(TLS13).connected();
    talk.client.writer().write_all(b"bye").unwrap();
    talk.client.send_close_notify();
    talk.carry().unwrap();
    let mut buffer = [0; 64];
    assert_eq!(talk.server.read(&mut talk.socket, &mut buffer).unwrap(), 3);
    assert!(talk.server.ended());
    assert_eq!(talk.server.read(&mut talk.socket, &mut buffer).unwrap(), 0);
}

/// The last flight of a handshake may have the first frame behind it.
#[test]
fn frames_behind_the_handshake_are_not_lost() {
    for versions in [TLS12, TLS13] {
        let mut talk = Party::of(versions).begin();
        talk.client.writer().write_all(b"impatient").unwrap();
        talk.shake_hands();
        assert_eq!(talk.server_hears(4), b"impatient");
    }
}

#[test]
fn where_the_stream_is_cut_changes_nothing() {
    for versions in [TLS12, TLS13] {
        for read_max in [1, 2, 3, 5, 100, 4096, 16_389, 20_480] {
            let mut talk = Party::of(versions).begin();
            talk.socket.read_max = read_max;
            talk.shake_hands();
            let sent: Vec<u8> = (0..50_000u32).map(|at| at as u8).collect();
            talk.client_says(&sent[..40_000]);
            talk.client_says(&sent[40_000..]);
            assert!(talk.server_hears(if read_max == 1 { 16 } else { 7000 }) == sent, "{read_max}");
            assert_eq!(talk.server.kept(), 0);
        }
    }
}

/// A record is longer than what the caller has room for: the rest is there without the socket.
#[test]
fn what_the_caller_has_no_room_for_is_kept_for_the_next_call() {
    let mut talk = Party::of(TLS13).connected();
    talk.client_says(&[7; 16_000]);
    let mut buffer = [0; 1000];
    assert_eq!(talk.server.read(&mut talk.socket, &mut buffer).unwrap(), 1000);
    assert!(talk.server.has_clear() && !talk.server.ended());
    assert_eq!(talk.server.kept(), 15_000);
    talk.server_says(b"meanwhile");
    assert_eq!(talk.client_hears(), b"meanwhile");
    assert_eq!(talk.server_hears(1000), [7; 15_000]);
    assert!(!talk.server.has_clear());
}

#[test]
fn a_socket_that_takes_little_holds_one_record_and_loses_nothing() {
    for versions in [TLS12, TLS13] {
        let mut talk = Party::of(versions).connected();
        let sent: Vec<u8> = (0..100_000u32).map(|at| (at >> 3) as u8).collect();
        let (mut at, mut heard, mut blocked) = (0, Vec::new(), 0);
        talk.socket.room = 0;
        while at < sent.len() {
            match talk.server.write(&mut talk.socket, &sent[at..]) {
                Ok(bytes) => at += bytes,
                Err(err) => {
                    assert_eq!(err.kind(), ErrorKind::WouldBlock);
                    assert!(talk.server.is_holding());
                    blocked += 1;
                    talk.socket.room = 1500;
                }
            }
            assert!(talk.server.kept() <= 16_384 + 256, "one record: {}", talk.server.kept());
            heard.extend(talk.client_hears());
        }
        assert!(!talk.server.is_holding(), "all that counts is out");
        heard.extend(talk.client_hears());
        assert!(heard == sent && blocked > 50);
        assert_eq!(talk.server.kept(), 0);
    }
}

/// Whoever counts what was delivered hears of a frame's end when the socket has it, not before.
#[test]
fn the_last_byte_counts_when_the_socket_has_the_record() {
    let mut talk = Party::of(TLS13).connected();
    talk.socket.room = 10;
    assert_eq!(talk.server.write(&mut talk.socket, b"frame").unwrap(), 4);
    assert_eq!(talk.server.write(&mut talk.socket, b"e").unwrap_err().kind(), ErrorKind::WouldBlock);
    talk.socket.room = usize::MAX;
    assert_eq!(talk.server.write(&mut talk.socket, b"e").unwrap(), 1);
    assert_eq!(talk.server.write(&mut talk.socket, b"next").unwrap(), 4);
    assert_eq!(talk.client_hears(), b"framenext");
    talk.socket.room = 0;
    let one = talk.server.write(&mut talk.socket, b"x");
    assert_eq!(one.unwrap_err().kind(), ErrorKind::WouldBlock, "of one byte, none counts");
    talk.socket.room = usize::MAX;
    talk.server.flush(&mut talk.socket).unwrap();
    assert_eq!(talk.server.write(&mut talk.socket, b"xyz").unwrap(), 1);
    assert_eq!(talk.server.write(&mut talk.socket, b"yz").unwrap(), 2);
    assert_eq!(talk.client_hears(), b"xyz");
}

#[test]
fn a_frame_that_was_not_said_to_be_out_does_not_arrive_at_the_end() {
    let mut talk = Party::of(TLS13).connected();
    talk.server_says(b"whole");
    talk.socket.room = 10;
    assert_eq!(talk.server.write(&mut talk.socket, b"cut").unwrap(), 2);
    talk.socket.room = usize::MAX;
    talk.server.abandon();
    talk.server.close(&mut talk.socket).unwrap();
    assert_eq!(talk.client_hears(), b"whole");
    assert_eq!(talk.server.kept(), 0);

    let mut talk = Party::of(TLS13).connected();
    talk.server_says(b"whole");
    talk.server.abandon(); // nothing is half out: the end is told
    talk.server.close(&mut talk.socket).unwrap();
    assert_eq!(talk.client_hears(), b"whole");
    assert_eq!(talk.client.reader().read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_write_is_one_record() {
    let mut talk = Party::of(TLS13).connected();
    assert_eq!(talk.server.write(&mut talk.socket, b"hello").unwrap(), 5);
    assert_eq!(talk.socket.outbox.len(), 5 + 5 + 1 + 16, "one header, one tag");
    assert_eq!(talk.client_hears(), b"hello");
    assert_eq!(talk.server.write(&mut talk.socket, &[2; 20_000]).unwrap(), 16_384, "a record's worth");
}

#[test]
fn a_change_of_keys_is_answered() {
    let mut talk = Party::of(TLS13).connected();
    for _ in 0..3 {
        talk.client.refresh_traffic_keys().unwrap();
        talk.client_says(b"new keys");
        assert_eq!(talk.server_hears(100), b"new keys");
        talk.server_says(b"ours too");
        assert_eq!(talk.client_hears(), b"ours too");
    }
    assert_eq!(talk.server.kept(), 0);
}

#[test]
fn http_1_1_is_agreed_on_no_name_is_fine_and_a_strange_one_is_refused() {
    let offered = |names: &[&[u8]]| {
        let party = Party::of(TLS13);
        let mut client = (*party.client).clone();
        client.alpn_protocols = names.iter().map(|name| name.to_vec()).collect();
        let mut talk = Conversation::new(&party.tls, Arc::new(client));
        talk.carry().unwrap();
        let step = talk.server.handshake(&mut talk.socket);
        let heard = talk.carry();
        (step.is_ok() && heard.is_ok()).then(|| talk.client.alpn_protocol().map(<[u8]>::to_vec))
    };
    assert_eq!(offered(&[]), Some(None));
    assert_eq!(offered(&[b"h2", b"http/1.1"]), Some(Some(b"http/1.1".to_vec())));
    assert_eq!(offered(&[b"h2"]), None);
}

/// A client that comes back with a ticket needs no certificate again, under the same files.
#[test]
fn a_session_is_resumed_by_its_ticket() {
    for versions in [TLS12, TLS13] {
        let party = Party::of(versions);
        let kinds: Vec<_> = (0..2)
            .map(|_| {
                let mut talk = party.connected();
                talk.server_says(b"x");
                talk.client_hears(); // and with it the ticket
                talk.client.handshake_kind().unwrap()
            })
            .collect();
        assert_eq!(kinds, [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed]);
    }
}
