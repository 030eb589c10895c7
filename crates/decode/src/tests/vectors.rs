//! Every golden vector decodes, and what is bad is called as the vector calls it.
use crate::{Fault, FaultKind, Frame, Frames, LengthReading, Options, Part, Reading, Sender, Value, Why};
use longwire_wire::{CommandMap, LoginFields};
use serde_json::Value as Json;
use std::path::Path;

/// The vectors of a theme, named where one fails.
fn each(theme: &str, check: impl Fn(&Json)) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../proto/vectors/{theme}.json"));
    let file: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert!(!vectors.is_empty());
    for vector in vectors {
        println!("{}", vector["name"]); // shown where the check fails
        check(vector);
    }
}

/// Hex, whole or in parts that may repeat.
fn bytes(json: &Json) -> Vec<u8> {
    match json {
        Json::String(digits) => crate::dump::bytes_of_hex(digits).unwrap(),
        Json::Array(parts) => parts.iter().flat_map(bytes).collect(),
        part => bytes(&part["hex"]).repeat(part["times"].as_u64().unwrap() as usize),
    }
}

fn reading(json: &Json) -> LengthReading {
    match json.as_str().unwrap() {
        "body" => LengthReading::Body,
        _ => LengthReading::Rest,
    }
}

fn frames(input: &[u8], options: Options) -> Vec<Frame> {
    Frames::of(input, options).collect()
}

/// A body in a frame of its own, in both readings, plain and told by the flow alone.
fn framed(command: u8, flag: u8, body: &[u8]) -> [Vec<u8>; 2] {
    [0, 7].map(|more| {
        let len = (body.len() + more) as u32;
        [&len.to_be_bytes()[..], &[0, 0, 0, 9, command, flag, 0], body].concat()
    })
}

/// Decodes a body in both readings; the fault's name must be the vector's, and its place inside the frame.
#[track_caller]
fn body_is_judged(vector: &Json, command: u8, flag: u8, options: &Options, good: impl Fn(&Frame)) {
    let body = bytes(&vector["body"]);
    for (input, length) in framed(command, flag, &body).iter().zip([LengthReading::Body, LengthReading::Rest])
    {
        let options = Options { length: Some(length), ..options.clone() };
        let frame = frames(input, options).remove(0);
        is_judged(&frame.fault, &vector["expect"], 11..=input.len());
        if frame.fault.is_none() {
            good(&frame);
        }
    }
}

#[track_caller]
fn is_judged(fault: &Option<Fault>, expect: &Json, places: std::ops::RangeInclusive<usize>) {
    match (fault, expect["error"].as_str()) {
        (None, None) => {}
        (Some(fault), Some(name)) => {
            assert!(name == fault.kind.name() || name == "either", "{name}: {fault}");
            assert!(places.contains(&fault.at), "{fault}");
        }
        (fault, error) => panic!("{error:?}, not {fault:?}"),
    }
}

/// The last part of a name, as text.
fn text<'a>(parts: &'a [Part], name: &str) -> &'a str {
    let part = parts.iter().rev().find(|part| part.name == Some(name));
    match part.map(|part| &part.value) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}

fn parts(frame: &Frame) -> &[Part] {
    &frame.body.as_ref().unwrap().parts
}

#[test]
fn headers() {
    each("header", |vector| {
        let input = bytes(&vector["input"]);
        for length in [LengthReading::Body, LengthReading::Rest] {
            let options = Options { length: Some(length), ..Options::default() };
            let frame = frames(&input, options).remove(0);
            let Some(header) = frame.header else {
                assert_eq!(vector["expect"], frame.fault.unwrap().kind.name());
                continue;
            };
            let got = serde_json::json!({
                "len": header.len, "seq": header.seq, "command": header.command,
                "version": header.flag.version(), "compression": header.flag.compression() as u8,
                "flow": header.flag.flow() as u8, "status": header.status,
            });
            assert_eq!(got, vector["expect"]);
            let places: Vec<_> = frame.header_parts.iter().map(|part| part.bytes.clone()).collect();
            assert_eq!(places, [0..4, 4..8, 8..9, 9..10, 10..11]);
        }
    });
}

#[test]
fn first_frames() {
    each("detect", |vector| {
        let (input, rules) = (bytes(&vector["input"]), &vector["rules"]);
        let mut options = Options { sender: Some(Sender::Client), ..Options::default() };
        if !rules["length"].is_null() {
            options.length = Some(reading(&rules["length"]));
        }
        if let Some(code) = rules["login_code"].as_u64() {
            options.commands = CommandMap::new([code as u8, 102, 103, 104, 105, 106]).unwrap();
        }
        if let Some(max) = rules["login_max"].as_u64() {
            options.login_max = max as u32;
        }
        if let Some(versions) = rules["versions"].as_array() {
            options.versions = versions.iter().map(|version| 1 << version.as_u64().unwrap()).sum();
        }
        if let Some(login) = rules["login"].as_object() {
            let number = |name: &str| login[name].as_u64().unwrap() as u32;
            options.login = LoginFields { token: number("token"), user_id: number("user") };
        }
        let given = options.length.is_some();
        let all = Frames::of(&input, options);
        let Reading { length, why } = all.reading();
        let Some(frame) = all.into_iter().next() else { return assert!(input.is_empty()) };
        let expect = &vector["cuts"].as_array().unwrap().last().unwrap()["expect"];
        if let Some(login) = expect["login"].as_object() {
            assert_eq!((length, why == Why::Login), (reading(&login["length"]), !given));
            let taken = login["taken"].as_u64().unwrap() as usize;
            match frame.fault {
                None => assert_eq!(frame.bytes, taken),
                // Told apart, and yet its body does not decode: detection does not ask for that.
                Some(fault) => assert!(fault.at >= 11 && fault.at <= taken, "{fault}"),
            }
            assert_eq!(frame.header.unwrap().flag.version() as u64, login["version"].as_u64().unwrap());
        } else {
            let name = expect["refused"].as_str().unwrap_or("need_more");
            assert_eq!(frame.fault.unwrap().kind.name(), name);
        }
    });
}

#[test]
fn streams() {
    each("frames", |vector| {
        let input = bytes(&vector["input"]);
        let max = vector["body_max"].as_u64().unwrap() as u32;
        let length = Some(reading(&vector["reading"]));
        let options = Options { length, body_max: max, push_max: max, ..Options::default() };
        let all = frames(&input, options);
        let (mut at, mut left) = (0, all.iter());
        for want in vector["expect"]["frames"].as_array().unwrap() {
            let frame = left.next().unwrap();
            assert_eq!(frame.at, at);
            let body = bytes(&want["body"]);
            let taken = 11 + body.len();
            if let Some(fault) = &frame.fault {
                // The theme cuts streams and asks for no body that makes sense.
                assert!(matches!(
                    fault.kind,
                    FaultKind::Malformed | FaultKind::ReservedCompression | FaultKind::NotRequest
                ));
                assert!((at..=at + taken).contains(&fault.at));
                return;
            }
            assert_eq!(frame.bytes, taken);
            assert!(input[at + 11..at + taken] == body);
            at += taken;
        }
        let fault = left.next().and_then(|frame| frame.fault.as_ref()).map(|fault| fault.kind.name());
        match vector["expect"]["then"]["error"].as_str() {
            Some(name) => assert_eq!(fault, Some(name)),
            None if at == input.len() => assert_eq!(fault, None),
            None => assert!(matches!(fault, Some("need_more" | "not_request" | "reserved_compression"))),
        }
    });
}

#[test]
fn logins() {
    each("login", |vector| {
        body_is_judged(vector, 1, 0, &Options::default(), |frame| {
            let want = &vector["expect"]["ok"];
            assert_eq!(text(parts(frame), "userId"), want["userId"]);
            assert!(!format!("{frame:?}").contains("sesame"), "a token is shown to nobody");
        });
    });
}

#[test]
fn joins() {
    each("join", |vector| {
        body_is_judged(vector, 5, 0, &Options::default(), |frame| {
            assert_eq!(text(parts(frame), "chatroomId"), vector["expect"]["ok"]["chatroomId"]);
        });
    });
}

#[test]
fn records() {
    each("record", |vector| {
        let relayed = vector["relay_fields"].as_array().into_iter().flatten();
        let relay_fields = relayed.map(|number| number.as_u64().unwrap() as u32).collect();
        body_is_judged(vector, 6, 0, &Options { relay_fields, ..Options::default() }, |frame| {
            let want = &vector["expect"]["ok"];
            assert_eq!(text(parts(frame), "to"), want["to"]);
            let content = parts(frame).iter().rev().find(|part| part.name == Some("messageContent"));
            let content = content.map(|part| match &part.value {
                Value::Text(text) => text.clone().into_bytes(),
                Value::Bytes(bytes) => bytes.clone(),
                other => panic!("{other:?}"),
            });
            assert!(content.unwrap_or_default() == bytes(&want["messageContent"]));
        });
    });
}

#[test]
fn pushes() {
    each("push", |vector| {
        body_is_judged(vector, 6, 2, &Options::default(), |frame| {
            let want = &vector["expect"]["ok"];
            assert_eq!(text(parts(frame), "chatroom"), want["chatroom"]);
            let records = parts(frame).iter().filter(|part| part.name == Some("messages"));
            let got: Vec<_> = records.map(|record| text(&record.parts, "from").to_owned()).collect();
            let wanted = want["messages"].as_array().unwrap().iter();
            assert_eq!(got, wanted.map(|message| message["from"].as_str().unwrap()).collect::<Vec<_>>());
        });
    });
}

/// A gzip member as the body of a command that nobody knows: whatever it inflates to is taken.
#[test]
fn gzip_members() {
    each("gzip", |vector| {
        let member = bytes(&vector["input"]);
        let max = vector["max"].as_u64().unwrap() as u32;
        for (input, length) in framed(60, 4, &member).iter().zip([LengthReading::Body, LengthReading::Rest]) {
            let body_max = max.max(member.len() as u32);
            let options = Options { length: Some(length), body_max, ..Options::default() };
            let frame = frames(input, options).remove(0);
            if body_max == max {
                is_judged(&frame.fault, &vector["expect"], 11..=input.len());
                if frame.fault.is_none() {
                    let body = frame.body.unwrap();
                    assert!(body.inflated.unwrap_or_default() == bytes(&vector["expect"]["ok"]));
                }
            }
        }
    });
}

/// What a client sends and a server answers in a conversation, direction by direction.
#[test]
fn conversations() {
    each("conversations", |vector| {
        let mut readings = std::collections::BTreeMap::new();
        for step in vector["steps"].as_array().unwrap() {
            let conn = step["conn"].as_str().unwrap_or_default();
            if step["open"].is_object() {
                readings.insert(conn, reading(&step["open"]["reading"]));
            }
            if !step["expect"].is_null() {
                let answers = bytes(&step["expect"]);
                let from_server = Options { sender: Some(Sender::Server), ..Options::default() };
                let all = Frames::of(&answers, from_server);
                assert_eq!(all.reading().length, readings[conn], "told from the answers alone");
                assert!(all.into_iter().all(|frame| frame.fault.is_none()));
            }
        }
    });
}
