//! `longwire decode` as people and scripts call it: what goes in, what comes out, how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

const LOGIN: &str = "0000000f 00000001 01 10 00  0a06 736573616d65 1205 616c696365";
const JOIN: &str = "00000007 00000002 05 10 00  0a05 6c6f626279";

fn decode(args: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_longwire"))
        .arg("decode")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // It may refuse its arguments and be gone before it reads.
    let _ = child.stdin.take().expect("it is piped").write_all(stdin);
    child.wait_with_output().expect("it ends")
}

/// Its status, stdout and stderr.
fn ends(args: &[&str], stdin: &[u8]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = decode(args, stdin);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("no signal"), text(stdout), text(stderr))
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn frames_are_annotated_byte_by_byte() {
    let (code, out, err) = ends(&[], format!("{LOGIN} {JOIN}").as_bytes());
    assert_eq!((code, err.as_str()), (0, ""));
    let expected = "\
reading: body (told from the first LOGIN, as a server tells it)

frame 1 at 0x0: LOGIN request, 26 bytes
  0x0000  00 00 00 0f                len                  15  (15 bytes of body in the reading body, 8 bytes of body in rest)
  0x0004  00 00 00 01                seq                  1
  0x0008  01                         command              1 LOGIN
  0x0009  10                         flag                 16  (version 1, not compressed, request)
  0x000a  00                         status               0
  LoginRequest, 15 bytes: a user's
  0x000b  0a 06 …                    1 token              6 bytes, not shown
  0x0013  12 05 61 6c 69 63 65       2 userId             \"alice\"

frame 2 at 0x1a: JOIN_CR request, 18 bytes
  0x001a  00 00 00 07                len                  7  (7 bytes of body in the reading body, 0 bytes of body in rest)
  0x001e  00 00 00 02                seq                  2
  0x0022  05                         command              5 JOIN_CR
  0x0023  10                         flag                 16  (version 1, not compressed, request)
  0x0024  00                         status               0
  ChatroomRequest, 7 bytes
  0x0025  0a 05 6c 6f 62 62 79       1 chatroomId         \"lobby\"
";
    assert_eq!(out, expected);
}

#[test]
fn the_first_bad_byte_ends_it_with_1() {
    let (code, out, err) = ends(&["00000007 00000002 05 10 00 0a05 6c6fff6279"], b"");
    assert_eq!(code, 1);
    assert_eq!(err, "error: frame 1: byte 0xf: chatroomId is not UTF-8 (malformed)\n");
    let rows: Vec<_> = out.lines().rev().take(3).collect();
    assert_eq!(rows[1], "  0x0000  00 00 00 07 00 00 00 02 05 10 00 0a 05 6c 6f ff");
    assert_eq!(rows[0].find("^^"), rows[1].rfind("ff"), "{out}");
    let (code, out, _) = ends(&["--json"], format!("{JOIN} 00000001 00").as_bytes());
    let last: serde_json::Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!((code, &last["error"]["name"], &last["error"]["at"]), (1, &"need_more".into(), &23.into()));
}

#[test]
fn bytes_come_from_a_file_from_stdin_or_as_the_argument() {
    let raw = bytes(JOIN);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&raw).unwrap();
    let path = file.path().to_str().unwrap();
    let expected = ends(&[JOIN], b"");
    assert_eq!(expected.0, 0);
    for (args, stdin) in [
        (&[path][..], &b""[..]),
        (&["--raw", path], b""),
        (&["--raw"], &raw),
        (&["-"], &raw),
        (&["--hex"], JOIN.as_bytes()),
    ] {
        assert_eq!(ends(args, stdin), expected, "{args:?}");
    }
}

#[test]
fn wrong_input_is_named() {
    for (args, stdin, code, reason) in [
        (&["--hex", "--raw"][..], &b""[..], 2, "cannot be used with"),
        (&["--from", "both"], b"", 2, "invalid value"),
        (&[], b"", 1, "there are no bytes to decode"),
        (&[], b"hello", 1, "line 1, column 1: 'h' is not hex"),
        (&["/nowhere/dump"], b"", 1, "cannot read /nowhere/dump"),
        (&["--hex"], b"\xFF\0", 1, "not hex; try --raw"),
        (&[], b"GET /chat HTTP/1.1\r\n", 1, "this looks like HTTP"),
        (&[], b"\xD4\xC3\xB2\xA1\x02\0\x04\0\0\0\0\0", 1, "this looks like a capture file"),
        (
            &["--from", "client"],
            b"00000000 00000001 03 00 00",
            1,
            "the first frame is command 3, not LOGIN (not_login)",
        ),
    ] {
        let (got, _, err) = ends(args, stdin);
        assert!(got == code && err.contains(reason), "{args:?}: {got}, {err}");
    }
}

#[test]
fn a_token_is_shown_to_nobody() {
    // Whole; broken behind it; cut; under a number that a deployment gave it; in front of a bad frame.
    for dump in [
        LOGIN.to_owned(),
        "0000000f 00000001 01 10 00  0a06 736573616d65 1205 616c6963ff".to_owned(),
        "0000000f 00000001 01 10 00  0a06 736573616d65 1206 616c696365".to_owned(),
        "0000000f 00000001 01 10 00  0a06 736573616d65 1205 616c69".to_owned(),
        "0000000f 00000001 01 10 00  a206 06 736573616d65 1204 616c".replace("a206 06", "8201 06") + "6963",
        format!("{LOGIN} 00000000 00000002 03 03 00"),
    ] {
        for format in [&["--length", "body"][..], &["--json", "--length", "body"]] {
            let (_, out, err) = ends(&[format, &[dump.as_str()]].concat(), b"");
            let shown = format!("{out}{err}");
            assert!(
                !shown.contains("sesame") && !shown.contains("73 61 6d") && !shown.contains("73616d"),
                "{shown}"
            );
        }
    }
}

#[test]
fn nothing_in_a_dump_reaches_the_terminal_as_a_control() {
    let mut body = vec![0x0A, 0];
    body.extend("\u{1b}]0;x\u{7}\u{202e}\u{9b}2J\r\n".as_bytes());
    body[1] = (body.len() - 2) as u8;
    body.extend(b"\x1A\x03\x1b[m\x2A\x05\x1A\x03\x1b[m\x52\x03\x1b[m");
    for flag in [0, 2] {
        let dump = [&(body.len() as u32).to_be_bytes()[..], &[0, 0, 0, 1, 6, flag, 0], &body].concat();
        let (_, out, err) = ends(&["--raw", "--length", "body"], &dump);
        let controls = |text: &str| text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}'));
        assert!(!controls(&out) && !controls(&err), "{out:?} {err:?}");
    }
}

/// A client that gets its flow wrong, and a deployment that maps LOGIN (19.1), have their tokens hidden too.
#[test]
fn a_token_is_hidden_wherever_a_login_may_be() {
    let token = "5345435245545345435245"; // SECRETSECRE
    for header in ["00000014 00000001 01 12 00", "00000014 00000001 01 11 00", "00000014 00000001 1f 10 00"] {
        for cut in [0, 2] {
            let whole = format!("{header} 0a0b {token} 1205 616c696365");
            let dump = &whole[..whole.len() - cut];
            for json in [&[][..], &["--json"]] {
                let (_, out, err) = ends(&[json, &["--length", "body", dump]].concat(), b"");
                let said = format!("{out}{err}").replace(' ', "");
                assert!(out.contains("LOGIN") || out.contains("command 31"), "{out}{err}");
                assert!(!said.contains("SECRET") && !said.contains("534543"), "{said}");
            }
        }
    }
}

/// It is hex all the same, and no file's name.
#[test]
fn a_digit_that_was_lost_is_told() {
    let digits: String = JOIN.chars().filter(|c| !c.is_whitespace()).collect();
    let (code, out, err) = ends(&[&digits[1..]], b"");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("not hex: line 1, column"), "{err}");
}
