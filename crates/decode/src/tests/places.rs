//! The first bad byte is pointed at, and the reading is found.
use crate::{FaultKind, Frames, LengthReading, Options, Sender, Why};

fn hex(text: &str) -> Vec<u8> {
    crate::dump::bytes_of_hex(text).unwrap()
}

#[track_caller]
fn bad(text: &str, at: usize, kind: FaultKind, reason: &str) {
    let fault = Frames::of(&hex(text), Options::default()).find_map(|frame| frame.fault).unwrap();
    assert_eq!((fault.at, fault.kind), (at, kind), "{fault}");
    assert!(fault.reason.contains(reason), "{fault}");
}

#[test]
fn the_first_bad_byte_is_pointed_at() {
    // One good JOIN_CR of 18 bytes in front of each.
    let behind = |text: &str| format!("0000000700000002050000 0a056c6f626279 {text}");
    let check = |text: &str, at: usize, kind, reason| bad(&behind(text), 18 + at, kind, reason);
    use FaultKind::{Malformed, NeedMore, NotRequest, ReservedCompression, TooLarge};
    check("00000007 00000003 05 00 00 0a056c6f6262ff", 17, Malformed, "chatroomId is not UTF-8");
    check("00000007 00000003 05 00 00 0a056c6f620a79", 16, Malformed, "control character");
    check("00000007 00000003 05 00 00 0a066c6f626279", 12, Malformed, "a length beyond the body");
    check("00000002 00000003 05 00 00 0a00", 13, Malformed, "chatroomId is empty");
    check("00000000 00000003 05 00 00", 11, Malformed, "the room is missing");
    check("00000002 00000003 05 00 00 0801", 11, Malformed, "chatroomId has wire type 0, not its own 2");
    check("00000003 00000003 05 00 00 080100", 11, Malformed, "wire type 0");
    check("00010001 00000003 05 00 00", 0, TooLarge, "65537 bytes is over the limit of 65536");
    check("00000000 00000003 03 03 00", 9, NotRequest, "flow 3");
    check("00000000 00000003 03 08 00", 9, ReservedCompression, "2 and 3");
    check("00000000 00000003 03", 9, NeedMore, "9 of the header's 11");
    check("00000005 00000003 05 00 00 0a03", 13, NeedMore, "2 of 5 bytes of body");
    check("00000001 00000003 03 01 00 78", 11, Malformed, "an answer has no body");
    // The second record's nickname.
    check(
        "00000014 00000000 06 02 00  0a06 0a0161 1a0162  0a0a 0a0163 2a05 1a03 64ff65",
        11 + 18,
        Malformed,
        "nickname is not UTF-8",
    );
}

#[test]
fn a_bad_byte_inside_gzip_is_counted_in_there() {
    let mut member = Vec::new();
    longwire_wire::Deflater::new(6).deflate(b"\x0A\x03a\xFFc", &mut member);
    let len = (member.len() as u32).to_be_bytes();
    let input = [&len[..], &[0, 0, 0, 1, 5, 4, 0], &member].concat();
    let fault = Frames::of(&input, Options::default()).next().unwrap().fault.unwrap();
    assert_eq!((fault.at, fault.inflated_at), (11, Some(3)));
    assert!(fault.to_string().starts_with("byte 0x3 of what the gzip member at 0xb inflates to"), "{fault}");
}

#[track_caller]
fn reads(text: &str, length: LengthReading, why: Why) {
    let input = hex(text);
    let frames = Frames::of(&input, Options::default());
    assert_eq!((frames.reading().length, frames.reading().why), (length, why), "{text}");
}

#[test]
fn the_reading_is_told_from_a_login_or_from_what_fits() {
    use LengthReading::{Body, Rest};
    reads("0000000f000000010110000a06736573616d651205616c696365", Body, Why::Login);
    reads("00000016000000010110000a06736573616d651205616c696365", Rest, Why::Login);
    // Answers alone; frames from the middle of a stream; the end missing.
    reads("00000000 00000001 01 11 00  00000000 00000002 05 11 00", Body, Why::Fits);
    reads("00000007 00000001 01 11 00  00000007 00000002 05 11 00", Rest, Why::Fits);
    reads("00000007 00000002 05 00 00 0a056c6f626279 00000000 00000003 03 00 00", Body, Why::Fits);
    reads("0000000e 00000002 05 00 00 0a056c6f626279 00000007 00000003 03 00 00", Rest, Why::Fits);
    reads("0000000e 00000002 05 00 00 0a056c6f626279 00000007 00000003 03 00", Rest, Why::Fits);
    reads("00 00", Rest, Why::Guess);
}

#[test]
fn a_clients_first_frame_is_judged_as_a_server_judges_it() {
    let judge = |text: &str, sender| {
        let options = Options { sender: Some(sender), ..Options::default() };
        Frames::of(&hex(text), options).next().unwrap().fault.map(|fault| (fault.at, fault.kind))
    };
    let ping = "00000000 00000003 03 00 00";
    assert_eq!(judge(ping, Sender::Client), Some((8, FaultKind::NotLogin)));
    assert_eq!(judge(ping, Sender::Server), Some((9, FaultKind::NotRequest)));
    assert_eq!(judge("00000000 00000001 01 00 00", Sender::Client), None);
    assert_eq!(judge("00000000 00000001 01 01 00", Sender::Client), Some((9, FaultKind::NotRequest)));
}
