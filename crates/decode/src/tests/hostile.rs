//! Any bytes at all: never a panic, bounded, and never another verdict than the wire's parsers give.
use crate::{Frames, LengthReading, Options, Part, Sender};
use longwire_wire::{Cms, CmsRules, Inflater, LoginFields, LoginRequest, limits, parse_join, parse_push};

fn seed() -> u64 {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    seed
}

/// All parts lie inside their body, one behind another, and children inside their parents.
fn lie_in_order(parts: &[Part], within: std::ops::Range<usize>) {
    let mut at = within.start;
    for part in parts {
        assert!(part.bytes.start >= at && part.bytes.end <= within.end, "{part:?} in {within:?}");
        assert!((part.bytes.start..=part.bytes.end).contains(&part.value_at));
        lie_in_order(&part.parts, part.value_at..part.bytes.end);
        at = part.bytes.end;
    }
}

fn decodes(input: &[u8], options: &Options) {
    let mut at = 0;
    for frame in Frames::of(input, options.clone()) {
        assert_eq!(frame.at, at, "frames follow each other");
        assert!(frame.bytes > 0 && at + frame.bytes <= input.len());
        if let Some(fault) = &frame.fault {
            assert!(fault.at >= frame.at && fault.at <= input.len(), "{fault}");
        }
        if let Some(body) = &frame.body {
            let inflated = body.inflated.as_ref().map(|plain| 0..plain.len());
            let within = inflated.unwrap_or(body.at..body.at + body.bytes);
            assert!(within.len() <= limits::SOLO_PUSH_BYTES_MAX as usize);
            lie_in_order(&body.parts, within);
        }
        at += frame.bytes;
        if frame.fault.is_some() {
            return;
        }
    }
    assert_eq!(at, input.len(), "nothing is passed over in silence");
}

#[test]
fn any_bytes_are_taken_apart_or_pointed_at() {
    let mut random = fastrand::Rng::with_seed(seed());
    for _ in 0..20_000 {
        let mut input: Vec<u8> = (0..random.usize(0..80)).map(|_| random.u8(..)).collect();
        // Most random lengths are beyond every limit: these are not.
        for at in (0..input.len()).step_by(11 + random.usize(0..20)) {
            let small = [0, 0, 0, random.u8(0..32), 0, 0, 0, 1, random.u8(0..8), random.u8(0..8), 0];
            let end = input.len().min(at + small.len());
            input[at..end].copy_from_slice(&small[..end - at]);
        }
        let sender = random.choice([None, Some(Sender::Client), Some(Sender::Server)]).flatten();
        let length = random.choice([None, Some(LengthReading::Body), Some(LengthReading::Rest)]).flatten();
        decodes(&input, &Options { sender, length, ..Options::default() });
    }
}

/// Bodies that are nearly right: fields of every number and wire type, cut, and nested.
fn body(random: &mut fastrand::Rng, depth: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..random.usize(0..6) {
        let number = random.u8(1..8);
        match random.u8(0..20) {
            0 => out.push(random.u8(..)),
            1..5 => out.extend([number << 3, random.u8(..), random.u8(0..128)]),
            5 => out.extend([number << 3 | 5, 1, 2, 3, 4]),
            6 => out.extend([number << 3 | random.u8(0..8)]),
            _ => {
                let inner = if depth > 0 && random.bool() {
                    body(random, depth - 1)
                } else {
                    (0..random.usize(0..9)).map(|_| random.u8(0x1E..0xC4)).collect()
                };
                out.extend([number << 3 | 2, inner.len() as u8 & 0x7F]);
                out.extend(inner);
            }
        }
    }
    out
}

/// A command, a flag byte, and whether the wire's parser takes a body.
type Case = (u8, u8, fn(&[u8]) -> bool);

#[test]
fn the_verdict_is_the_wires() {
    const CASES: [Case; 4] = [
        (1, 0, |body| {
            let login = LoginRequest::parse(body, LoginFields::default());
            login.is_ok_and(|login| login.check(limits::ID_BYTES_MAX, limits::TOKEN_BYTES_MAX).is_ok())
        }),
        (5, 0, |body| parse_join(body, limits::ID_BYTES_MAX).is_ok()),
        (6, 0, |body| {
            let rules = CmsRules { id_max: limits::ID_BYTES_MAX, content_max: 65_536, relay_fields: &[] };
            Cms::parse(body, &rules).is_ok()
        }),
        (6, 2, |body| parse_push(body).is_ok()),
    ];
    let mut random = fastrand::Rng::with_seed(seed());
    let mut taken = [0; 4];
    for _ in 0..20_000 {
        let body = body(&mut random, 3);
        for (case, (command, flag, takes)) in CASES.iter().enumerate() {
            let len = (body.len() as u32).to_be_bytes();
            let input = [&len[..], &[0, 0, 0, 0, *command, *flag, 0], &body].concat();
            let options = Options { length: Some(LengthReading::Body), ..Options::default() };
            let frame = Frames::of(&input, options).next().unwrap();
            assert_eq!(frame.fault.is_none(), takes(&body), "{case} {body:02x?}: {:?}", frame.fault);
            // A place of its own, not the whole body: the walk finds all that the parsers find.
            if let Some(fault) = &frame.fault {
                assert!(!fault.reason.starts_with("malformed body"), "{body:02x?}: {fault}");
            }
            taken[case] += usize::from(frame.fault.is_none());
        }
    }
    assert!(taken.iter().all(|&taken| taken > 10), "good bodies are among them: {taken:?}");
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let mut member = Vec::new();
    longwire_wire::Deflater::new(9).deflate(&vec![0; 64 << 20], &mut member);
    assert!(Inflater::new().inflate(&member, 1, &mut Vec::new()).is_err());
    member.truncate(65_000);
    let len = (member.len() as u32).to_be_bytes();
    let input = [&len[..], &[0, 0, 0, 0, 6, 4, 0], &member].concat();
    let frame = Frames::of(&input, Options::default()).next().unwrap();
    assert_eq!(frame.fault.unwrap().kind.name(), "too_large");
}
