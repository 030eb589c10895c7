//! The 11 bytes in front of a body, each field by name, and what of them cannot be served.
use crate::{Fault, FaultKind, LengthReading, Options, Part, Sender, Value};
use longwire_wire::{Command, Compression, Decoder, Flow, FrameError, HEADER_BYTES, Header, Status};

const SEQ: usize = 4;
const COMMAND: usize = 8;
const FLAG: usize = 9;
const STATUS: usize = 10;

/// A frame's name for people: `LOGIN request`, `CMS push`.
pub(crate) fn title(header: &Header, options: &Options) -> String {
    let command = match options.commands.command(header.command) {
        Some(command) => command.name().to_owned(),
        None if header.command == 0 => "RESERVED".to_owned(),
        None => format!("command {}", header.command),
    };
    let flow = match header.flag.flow() {
        Flow::Notify if options.commands.command(header.command) == Some(Command::Cms) => "push",
        flow => flow_name(flow),
    };
    format!("{command} {flow}")
}

fn flow_name(flow: Flow) -> &'static str {
    match flow {
        Flow::Request => "request",
        Flow::Answer => "answer",
        Flow::Notify => "notify",
        Flow::Reserved => "of reserved flow",
    }
}

fn compression_name(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "not compressed",
        Compression::Gzip => "gzip",
        Compression::Reserved2 | Compression::Reserved3 => "reserved compression",
    }
}

/// The five fields; the frame begins at `at`.
pub(crate) fn parts(header: &Header, at: usize, reading: LengthReading, options: &Options) -> Vec<Part> {
    let part = |from: usize, to: usize, name, value, note| Part {
        bytes: at + from..at + to,
        value_at: at + from,
        tag: None,
        name: Some(name),
        value,
        note,
        parts: Vec::new(),
    };
    let number = |value: u32| Value::Number(value.into());
    let flag = header.flag;
    let said = format!(
        "version {}, {}, {}",
        flag.version(),
        compression_name(flag.compression()),
        flow_name(flag.flow())
    );
    vec![
        part(0, SEQ, "len", number(header.len), Some(both_readings(header.len, reading))),
        part(SEQ, COMMAND, "seq", number(header.seq), seq_note(header)),
        part(COMMAND, FLAG, "command", command_value(header, options), command_note(header, options)),
        part(FLAG, STATUS, "flag", number(flag.0.into()), Some(said)),
        part(STATUS, HEADER_BYTES, "status", status_value(header), status_note(header)),
    ]
}

/// What `len` says in the reading that was found, and what it would say in the other.
fn both_readings(len: u32, reading: LengthReading) -> String {
    let said = |reading: LengthReading| match reading.body_of(len) {
        Some(body) => format!("{body} bytes of body"),
        None => "nothing".to_owned(),
    };
    let (name, other, other_name) = match reading {
        LengthReading::Body => ("body", LengthReading::Rest, "rest"),
        LengthReading::Rest => ("rest", LengthReading::Body, "body"),
    };
    format!("{} in the reading {name}, {} in {other_name}", said(reading), said(other))
}

fn seq_note(header: &Header) -> Option<String> {
    let odd = header.flag.flow() == Flow::Notify && header.seq != 0;
    odd.then(|| "a notify carries 0 (2.8)".to_owned())
}

fn command_value(header: &Header, options: &Options) -> Value {
    let code = u64::from(header.command);
    match options.commands.command(header.command) {
        Some(command) => Value::Named(code, command.name()),
        None if code == 0 => Value::Named(0, "RESERVED"),
        None => Value::Number(code),
    }
}

fn command_note(header: &Header, options: &Options) -> Option<String> {
    let note = match (options.commands.command(header.command), header.flag.flow()) {
        (None, _) if header.command == 0 => "never sent (4.1)",
        (None, _) if header.command >= 64 => "of an extension (17.4)",
        (None, _) => {
            "not in the default table: mapped by the deployment (19.1), or out of step with the frames"
        }
        (Some(Command::Pong), Flow::Request) => "the server's to send: answered with UNSUPPORTED (4.2)",
        _ => return None,
    };
    Some(note.to_owned())
}

fn status_value(header: &Header) -> Value {
    let code = u64::from(header.status);
    match Status(header.status).name() {
        Some(name) if header.flag.flow() == Flow::Answer => Value::Named(code, name),
        _ => Value::Number(code),
    }
}

fn status_note(header: &Header) -> Option<String> {
    let note = match header.flag.flow() {
        Flow::Request if header.status != 0 => "ignored in a request (2.11)",
        Flow::Notify if header.status != 0 => "0 in a notify (2.12)",
        Flow::Answer if Status(header.status).name().is_none() => "a refusal of a newer server (5.2)",
        _ => return None,
    };
    Some(note.to_owned())
}

/// How long a body its sender may send.
pub(crate) fn body_max(header: &Header, options: &Options) -> u32 {
    match (options.sender, header.flag.flow()) {
        (Some(Sender::Server), _) | (None, Flow::Answer | Flow::Notify) => options.push_max,
        _ => options.body_max,
    }
}

//= PROTOCOL.md#5.17
// A header with several faults is judged in this order: length, flow, command, compression.
/// What of a header refuses the frame: a length beyond belief, a flow its sender may not send, reserved compression.
pub(crate) fn fault(header: &Header, at: usize, reading: LengthReading, options: &Options) -> Option<Fault> {
    let judged = Decoder::new(reading, body_max(header, options)).next(&header.to_bytes()).err();
    if let Some(error) = judged {
        let kind = match error {
            FrameError::TooLarge { .. } => FaultKind::TooLarge,
            FrameError::ShortLen { .. } => FaultKind::ShortLen,
        };
        return Some(Fault::new(at, kind, error.to_string()));
    }
    let flow = header.flag.flow();
    let not_its = match options.sender {
        None => flow == Flow::Reserved,
        Some(Sender::Client) => flow != Flow::Request,
        Some(Sender::Server) => !matches!(flow, Flow::Answer | Flow::Notify),
    };
    if not_its {
        let reason = match options.sender {
            None => "flow 3 is reserved and never sent",
            Some(Sender::Client) => "a client sends flow 0 alone",
            Some(Sender::Server) => "a server sends flow 1 and 2 alone",
        };
        return Some(Fault::new(at + FLAG, FaultKind::NotRequest, reason));
    }
    let reserved = matches!(header.flag.compression(), Compression::Reserved2 | Compression::Reserved3);
    reserved.then(|| {
        Fault::new(
            at + FLAG,
            FaultKind::ReservedCompression,
            "compression 2 and 3 are reserved and never sent",
        )
    })
}

/// Where a first frame is bad, by the wire's reason.
pub(crate) fn first_frame_fault(error: longwire_wire::FirstFrameError, gzip_at: Option<usize>) -> Fault {
    use longwire_wire::FirstFrameError as First;
    let (at, kind) = match error {
        First::NotLogin(_) => (COMMAND, FaultKind::NotLogin),
        First::NotRequest => (FLAG, FaultKind::NotRequest),
        First::ReservedCompression => (FLAG, FaultKind::ReservedCompression),
        First::Version(_) => (FLAG, FaultKind::Version),
        First::TooLarge(_) => (gzip_at.unwrap_or(0), FaultKind::TooLarge),
        First::ShortLen(_) => (0, FaultKind::ShortLen),
    };
    Fault::new(at, kind, error.to_string())
}
