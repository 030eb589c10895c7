//! Captures made by hand: streams cut anywhere, found on any port, inside WebSocket, and hostile.

use crate::common::bytes::*;
use crate::tshark::{Said, dissect, tshark};

const CLIENT: u16 = 40_000;
const PORT: u16 = 7610;

/// A capture file of raw IPv4 (LINKTYPE_RAW), one connection in it.
struct Written {
    file: Vec<u8>,
    port: u16,
    client: u16,
    /// Sequence numbers of client and server.
    seqs: [u32; 2],
    packets: u32,
}

impl Written {
    fn to_port(port: u16) -> Self {
        let mut file = 0xA1B2_C3D4_u32.to_le_bytes().to_vec();
        file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 101, 0, 0, 0]);
        let mut written = Self { file, port, client: CLIENT, seqs: [1000, 2000], packets: 0 };
        written.hands_shake();
        written
    }

    fn hands_shake(&mut self) {
        self.packet(0, 0x02, &[]);
        self.packet(1, 0x12, &[]);
    }

    fn next_connection(&mut self) {
        (self.client, self.seqs) = (self.client + 1, [1000, 2000]);
        self.hands_shake();
    }

    fn packet(&mut self, from: usize, flags: u8, data: &[u8]) {
        let ports = if from == 0 { [self.client, self.port] } else { [self.port, self.client] };
        let mut tcp = ports.map(u16::to_be_bytes).concat();
        tcp.extend([self.seqs[from], self.seqs[1 - from]].map(u32::to_be_bytes).concat());
        tcp.extend([0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
        tcp.extend(data);
        let mut packet = vec![0x45, 0];
        packet.extend((20 + tcp.len() as u16).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
        packet.extend(tcp);
        self.packets += 1;
        let size = packet.len() as u32;
        self.file.extend([self.packets, 0, size, size].map(u32::to_le_bytes).concat());
        self.file.extend(packet);
        // SYN takes a place of its own.
        self.seqs[from] += data.len() as u32 + u32::from(flags & 2 != 0);
    }

    fn say(&mut self, from: usize, bytes: &[u8], piece: usize) {
        bytes.chunks(piece).for_each(|piece| self.packet(from, 0x18, piece));
    }
}

/// A client's stream and the server's answers.
fn talk(reading: Reading) -> [Vec<u8>; 2] {
    let asked = [
        Frame::request(LOGIN, 1, login_body("sesame", "alice")),
        Frame::request(JOIN_CR, 2, join_body("lobby")),
        Frame::request(CMS, 3, cms_body("lobby", "x".repeat(300))),
        Frame { compression: GZIP, ..Frame::request(CMS, 4, gzip(&cms_body("lobby", "y".repeat(300)))) },
        Frame::request(PING, 5, Vec::new()),
    ];
    let answered = [(LOGIN, 1), (JOIN_CR, 2), (PONG, 5)];
    let answers =
        answered.map(|(command, seq)| Frame { flow: ANSWER, ..Frame::request(command, seq, Vec::new()) });
    [&asked[..], &answers].map(|frames| frames.iter().flat_map(|frame| frame.to_bytes(reading)).collect())
}

fn both_sides(written: &Written) -> [Said; 2] {
    let mut shown = dissect(&written.file, written.port);
    [true, false].map(|from_client| shown.remove(&(CLIENT, from_client)).unwrap_or_default())
}

#[test]
fn where_tcp_cuts_changes_nothing() {
    for reading in READINGS {
        let [asked, answered] = talk(reading);
        let mut whole = Written::to_port(PORT);
        whole.say(0, &asked, asked.len());
        whole.say(1, &answered, answered.len());
        let expected = both_sides(&whole);
        assert_eq!(expected[0]["seq"], ["1", "2", "3", "4", "5"]);
        assert_eq!(expected[1]["seq"], ["1", "2", "5"]);
        assert_eq!(expected[0]["message.messageContent"], ["78".repeat(300), "79".repeat(300)]);
        for piece in [2, 3, 7, 10, 12, 100] {
            let mut cut = Written::to_port(PORT);
            cut.say(0, &asked, piece);
            cut.say(1, &answered, piece);
            assert_eq!(both_sides(&cut), expected, "{reading:?} in pieces of {piece}");
        }
    }
}

#[test]
fn a_connection_on_another_port_is_known_by_its_login() {
    let [asked, answered] = talk(Reading::Rest);
    let mut elsewhere = Written::to_port(9999);
    elsewhere.say(0, &asked, asked.len());
    elsewhere.say(1, &answered, answered.len());
    let [client, server] = both_sides(&elsewhere);
    assert_eq!((client["seq"].len(), server["seq"].len()), (5, 3));
}

#[test]
fn a_capture_that_begins_late_is_read_by_what_fits() {
    for (reading, name) in READINGS.into_iter().zip(["body", "rest"]) {
        let [asked, answered] = talk(reading);
        let login = Frame::request(LOGIN, 1, login_body("sesame", "alice")).to_bytes(reading).len();
        let mut late = Written::to_port(PORT);
        late.say(0, &asked[login..], asked.len());
        late.say(1, &answered[11..], asked.len());
        let [client, server] = both_sides(&late);
        assert_eq!(
            (&client["seq"][..], &server["seq"][..]),
            (&["2", "3", "4", "5"].map(str::to_owned)[..], &["2", "5"].map(str::to_owned)[..])
        );
        assert!(client["reading"].iter().all(|told| told == name));
    }
}

/// A WebSocket message; the client's are masked.
fn message(data: &[u8], masked: bool) -> Vec<u8> {
    let mut out = vec![0x82, if masked { 0x80 | 126 } else { 126 }];
    out.extend((data.len() as u16).to_be_bytes());
    let mask = if masked { [1, 2, 3, 4] } else { [0; 4] };
    if masked {
        out.extend(mask);
    }
    out.extend(data.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

#[test]
fn frames_inside_websocket_are_shown_on_any_port() {
    let protocol = "Sec-WebSocket-Protocol: longwire\r\n";
    for (port, offered) in [(PORT, ""), (PORT, protocol), (9999, ""), (9999, protocol)] {
        let upgrade = format!(
            "GET / HTTP/1.1\r\nHost: chat\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{offered}\r\n"
        );
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{offered}\r\n"
        );
        for reading in READINGS {
            let [asked, answered] = talk(reading);
            let mut written = Written::to_port(port);
            written.say(0, upgrade.as_bytes(), 1000);
            written.say(1, answer.as_bytes(), 1000);
            written.say(0, &message(&asked, true), 100);
            let messages: Vec<u8> = answered.chunks(11).flat_map(|frame| message(frame, false)).collect();
            written.say(1, &messages, 1000);
            written.say(0, &message(&asked[..20], true), 1000);
            let [client, server] = both_sides(&written);
            assert_eq!(client["seq"], ["1", "2", "3", "4", "5"], "{port} {offered}");
            assert_eq!(server["seq"], ["1", "2", "5"]);
            let told = tshark(
                &written.file,
                &["-Y", "longwire.malformed", "-T", "fields", "-e", "_ws.expert.message"],
            );
            assert!(told.contains("the message ends inside a frame"), "{told}");
        }
    }
}

#[test]
fn what_is_bad_is_named() {
    let bad = |command: u8, body: &[u8]| Frame::request(command, 9, body.to_vec());
    for (frame, reason) in [
        (bad(JOIN_CR, b"\x0A\x06lobby"), "a length beyond the body (byte 1 of the body)"),
        (bad(JOIN_CR, b"\x0A\x05lob\xFFy"), "text that is not UTF-8 (byte 5 of the body)"),
        (bad(CMS, b"\x0B"), "a group (byte 0 of the body)"),
        (bad(CMS, b"\x08\x01"), "field 1 has wire type 0, not 2 (byte 0 of the body)"),
        (Frame { compression: GZIP, ..bad(CMS, b"\x1F\x8B\x08") }, "not one complete gzip member"),
        (Frame { compression: 2, ..bad(CMS, b"x") }, "reserved compression"),
        (Frame { flow: 3, ..bad(PING, b"") }, "flow 3 is reserved"),
        (Frame { flow: ANSWER, status: 7, ..bad(LOGIN, b"") }, "refused: BANNED"),
        (bad(33, b""), "a command that is not in the table"),
    ] {
        let mut written = Written::to_port(PORT);
        let login = Frame::request(LOGIN, 1, login_body("sesame", "alice")).to_bytes(Reading::Body);
        written.say(0, &[login, frame.to_bytes(Reading::Body)].concat(), 1000);
        let told = tshark(&written.file, &["-Y", "longwire", "-T", "fields", "-e", "_ws.expert.message"]);
        assert!(told.contains(reason), "{reason}, not {told}");
    }
}

/// Bytes that nobody should send: no error of the dissector itself (`tshark` asserts it), and it comes to an end.
#[test]
fn hostile_bytes_break_nothing() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut written = Written::to_port(PORT);
    for _ in 0..500 {
        let mut stream = talk(READINGS[random.usize(..2)])[0].clone();
        for _ in 0..random.usize(..6) {
            let at = random.usize(..stream.len());
            stream[at] = random.u8(..);
        }
        stream.truncate(random.usize(1..=stream.len()));
        written.say(0, &stream, random.usize(1..200));
        written.say(1, &(0..random.usize(1..200)).map(|_| random.u8(..8)).collect::<Vec<_>>(), 50);
        written.next_connection();
    }
    tshark(&written.file, &["-V"]);
}
