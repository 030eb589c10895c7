//! A body: inflated within its bound, and walked as the message its frame says it is.
use crate::message::{Bad, request_limits, walk, walk_unknown};
use crate::schema::{CR_MESSAGE, JOIN, LOGIN, PUSH, Schema};
use crate::{Body, Fault, FaultKind, Options, Part, Value, gzip};
use longwire_wire::{
    Cms, CmsRules, Command, Compression, Flow, Header, Inflater, LoginKind, LoginRequest, limits, parse_join,
    parse_push,
};

/// What a body is, by its frame's command and flow.
#[derive(Clone, Copy)]
enum Meant {
    /// A message, and whether a server has to serve it (limits count) or a client to read it.
    Request(&'static Schema),
    Push,
    /// A body on a PING or a LOGOUT.
    Ignored,
    /// An answer has none.
    None,
    /// Of an extension, or of a command nobody knows.
    Unknown,
}

fn meant(header: &Header, options: &Options) -> Meant {
    match (options.commands.command(header.command), header.flag.flow()) {
        (Some(Command::Login), Flow::Request) => Meant::Request(&LOGIN),
        (Some(Command::JoinCr), Flow::Request) => Meant::Request(&JOIN),
        (Some(Command::Cms), Flow::Request) => Meant::Request(&CR_MESSAGE),
        (Some(Command::Cms), Flow::Notify) => Meant::Push,
        //= PROTOCOL.md#4.6
        // A body on a PING or a LOGOUT is ignored, compressed or not.
        (Some(Command::Ping | Command::Logout), Flow::Request) => Meant::Ignored,
        //= PROTOCOL.md#17.5
        // A LOGIN answer has a body where a feature was granted.
        (Some(Command::Login), Flow::Answer) | (None, _) => Meant::Unknown,
        //= PROTOCOL.md#4.4
        // An answer has no body.
        (Some(_), Flow::Answer) => Meant::None,
        (Some(_), _) => Meant::Unknown,
    }
}

/// Takes the body of a whole frame apart. `at` is where it lies in the input, `max` what it may inflate to.
pub(crate) fn read(
    header: &Header,
    sent: &[u8],
    at: usize,
    max: usize,
    options: &Options,
    inflater: &mut Inflater,
) -> (Body, Option<Fault>) {
    let mut body =
        Body { at, bytes: sent.len(), inflated: None, message: None, parts: Vec::new(), note: None };
    let meant = meant(header, options);
    if let Meant::Ignored = meant {
        body.note = (!sent.is_empty()).then(|| "ignored (4.6)".to_owned());
        return (body, None);
    }
    if header.flag.compression() == Compression::Gzip && !sent.is_empty() {
        let mut plain = Vec::new();
        if inflater.inflate(sent, max, &mut plain).is_err() {
            let (bad_at, kind, reason) = gzip::first_bad(sent, max);
            return (body, Some(Fault::new(at + bad_at, kind, reason)));
        }
        body.inflated = Some(plain);
    }
    let plain = body.inflated.take();
    let bad = fill(&mut body, meant, plain.as_deref().unwrap_or(sent), options);
    body.inflated = plain;
    let fault = bad.map(|(bad_at, kind, reason)| match body.inflated {
        Some(_) => Fault { at, inflated_at: Some(bad_at), kind, reason },
        None => {
            body.parts.iter_mut().for_each(|part| shift(part, at));
            Fault::new(at + bad_at, kind, reason)
        }
    });
    if fault.is_none() && body.inflated.is_none() {
        body.parts.iter_mut().for_each(|part| shift(part, at));
    }
    (body, fault)
}

/// From places in the body to places in the input.
fn shift(part: &mut Part, by: usize) {
    part.bytes = part.bytes.start + by..part.bytes.end + by;
    part.value_at += by;
    part.parts.iter_mut().for_each(|part| shift(part, by));
}

fn fill(body: &mut Body, meant: Meant, plain: &[u8], options: &Options) -> Option<Bad> {
    match meant {
        Meant::Ignored => None,
        Meant::None if plain.is_empty() => None,
        Meant::None => Some((0, FaultKind::Malformed, "an answer has no body (4.4)".to_owned())),
        Meant::Unknown => {
            body.parts = walk_unknown(plain).unwrap_or_default();
            let nothing = body.parts.is_empty() && !plain.is_empty();
            body.note = nothing.then(|| "not a protobuf message".to_owned());
            None
        }
        Meant::Request(schema) => {
            let (parts, bad) = walk(plain, schema, options.login);
            let bad = bad.or_else(|| request_limits(&parts, schema, plain.len()));
            (body.message, body.parts) = (Some(schema.name), parts);
            let bad = bad.or_else(|| refused(schema, plain, options));
            body.note = bad.is_none().then(|| request_note(schema, plain, &body.parts, options)).flatten();
            bad
        }
        Meant::Push => {
            let (parts, bad) = walk(plain, &PUSH, options.login);
            (body.message, body.parts) = (Some(PUSH.name), parts);
            bad.or_else(|| parse_push(plain).err().map(whole_body))
        }
    }
}

/// The wire's own verdict on a request: the last word, where the walk found nothing (a relayed field nests too deep).
fn refused(schema: &Schema, plain: &[u8], options: &Options) -> Option<Bad> {
    let id_max = limits::ID_BYTES_MAX;
    let verdict = if schema.name == LOGIN.name {
        let login = LoginRequest::parse(plain, options.login);
        login.and_then(|login| login.check(id_max, limits::TOKEN_BYTES_MAX))
    } else if schema.name == JOIN.name {
        parse_join(plain, id_max).map(drop)
    } else {
        let content_max = options.body_max as usize;
        let rules = CmsRules { id_max, content_max, relay_fields: &options.relay_fields };
        Cms::parse(plain, &rules).map(drop)
    };
    verdict.err().map(whole_body)
}

fn whole_body(error: longwire_wire::BodyError) -> Bad {
    let kind = match error {
        longwire_wire::BodyError::Malformed(_) => FaultKind::Malformed,
        longwire_wire::BodyError::TooLarge { .. } => FaultKind::TooLarge,
    };
    (0, kind, error.to_string())
}

/// What becomes of a request that can be read and is refused all the same.
fn request_note(schema: &Schema, plain: &[u8], parts: &[Part], options: &Options) -> Option<String> {
    if schema.name == LOGIN.name {
        let kind = LoginRequest::parse(plain, options.login).ok()?.kind();
        return Some(match kind {
            LoginKind::Guest => "a guest's".to_owned(),
            LoginKind::User => "a user's".to_owned(),
            //= PROTOCOL.md#8.3
            // Exactly one of token and userId is refused with UNAUTHENTICATED.
            LoginKind::Half => {
                "exactly one of token and userId: refused with UNAUTHENTICATED (8.3)".to_owned()
            }
        });
    }
    let type_of = parts.iter().rev().find(|part| part.name == Some("messageType"))?;
    match type_of.value {
        Value::Named(1, _) => Some("NOTIFY is the server's own: answered with FORBIDDEN (11.8)".to_owned()),
        Value::Number(_) => Some("a type that no user may send by default: FORBIDDEN (11.9)".to_owned()),
        _ => None,
    }
}
