//! Frames for people: a line a field, its place, its bytes, what they say; a caret under the first bad byte.

use crate::chat::escape::escape;
use longwire_decode::{Fault, Frame, LengthReading, Part, Reading, Value, Why};
use std::io::{self, Write};
use std::ops::Range;

/// Bytes of a field that are shown in hex.
const HEX_BYTES: usize = 8;
/// Characters of a text that are shown.
const TEXT_CHARS: usize = 160;
/// Bytes around a bad one.
const ROW_BYTES: usize = 16;

pub(super) fn name_of(reading: LengthReading) -> &'static str {
    match reading {
        LengthReading::Body => "body",
        LengthReading::Rest => "rest",
    }
}

/// What `len` counts, and how that is known.
pub(super) fn reading(reading: Reading, out: &mut impl Write) -> io::Result<()> {
    let why = match reading.why {
        Why::Given => "as given",
        Why::Login => "told from the first LOGIN, as a server tells it",
        Why::Fits => "in the other reading less of this makes sense",
        Why::Guess => "a guess: this makes as much sense in the other reading, see --length",
    };
    writeln!(out, "reading: {} ({why})", name_of(reading.length))
}

/// One frame, and where it is bad.
pub(super) fn frame(frame: &Frame, input: &[u8], out: &mut impl Write) -> io::Result<()> {
    let title = if frame.title.is_empty() { "cut" } else { &frame.title };
    writeln!(out, "\nframe {} at {:#x}: {title}, {} bytes", frame.number, frame.at, frame.bytes)?;
    let in_input = Place { bytes: input, mark: "0x" };
    frame.header_parts.iter().try_for_each(|part| in_input.line(part, 0, out))?;
    let Some(body) = &frame.body else { return bad(frame, in_input, out) };
    // Places in what was inflated carry a plus.
    let place = match &body.inflated {
        Some(plain) => Place { bytes: plain, mark: "+ " },
        None => in_input,
    };
    if body.bytes > 0 {
        let what = body.message.unwrap_or("body");
        let note = body.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        let gzip = body.inflated.as_ref().map(|plain| {
            format!(", a gzip member that inflates to {} (places behind + are counted in there)", plain.len())
        });
        writeln!(out, "  {what}, {} bytes{}{note}", body.bytes, gzip.unwrap_or_default())?;
    }
    body.parts.iter().try_for_each(|part| place.line(part, 0, out))?;
    bad(frame, place, out)
}

/// The bytes that places count in, and what marks such a place.
#[derive(Clone, Copy)]
struct Place<'a> {
    bytes: &'a [u8],
    mark: &'static str,
}

impl Place<'_> {
    fn line(self, part: &Part, depth: usize, out: &mut impl Write) -> io::Result<()> {
        let indent = "  ".repeat(depth);
        let name = match (part.name, part.tag) {
            (Some(name), Some((number, _))) => format!("{indent}{number} {name}"),
            (Some(name), None) => format!("{indent}{name}"),
            (None, Some((number, wire_type))) => format!("{indent}{number} unknown, wire type {wire_type}"),
            (None, None) => indent,
        };
        let hex = self.hex(part);
        let said = format!("{}{}", shown(&part.value), notes(part));
        let line = format!("  {}{:04x}  {hex:<26} {name:<20} {said}", self.mark, part.bytes.start);
        writeln!(out, "{}", line.trim_end())?;
        part.parts.iter().try_for_each(|part| self.line(part, depth + 1, out))
    }

    /// The first bytes of a field; of a message its tag and length, of a token nothing.
    fn hex(self, part: &Part) -> String {
        let head = part.bytes.start..part.value_at;
        let (range, hidden) = match part.value {
            Value::Message(_) => (head, false),
            Value::Secret(_) => (head, true),
            _ => (part.bytes.clone(), false),
        };
        let cut = range.len() > HEX_BYTES;
        let end = range.end.min(range.start + HEX_BYTES);
        let more = if cut || hidden { " …" } else { "" };
        format!("{}{more}", hex(self.bytes, range.start..end))
    }
}

fn hex(bytes: &[u8], range: Range<usize>) -> String {
    let bytes = bytes.get(range).unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Named(number, name) => format!("{number} {name}"),
        Value::Text(text) => match text.char_indices().nth(TEXT_CHARS) {
            None => format!("\"{}\"", escape(text)),
            Some((cut, _)) => format!("\"{}…\", {} bytes", escape(&text[..cut]), text.len()),
        },
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Secret(bytes) => format!("{bytes} bytes, not shown"),
        Value::Message(name) => (*name).to_owned(),
    }
}

fn notes(part: &Part) -> String {
    part.note.as_ref().map(|note| format!("  ({note})")).unwrap_or_default()
}

/// The rows of bytes around a fault, a caret under it. Never a LOGIN's, or a command's that may be a mapped LOGIN: a token
/// may be in them.
fn bad(frame: &Frame, place: Place<'_>, out: &mut impl Write) -> io::Result<()> {
    let Some(fault) = &frame.fault else { return Ok(()) };
    writeln!(out, "  bad: {fault}")?;
    let may_be_login = frame.title.starts_with("LOGIN") || frame.title.starts_with("command ");
    let at = at_in(fault);
    let header_end = frame.at + 11;
    if may_be_login && (fault.inflated_at.is_some() || at >= header_end) {
        return writeln!(out, "  (bytes of a body that may be a LOGIN's are not shown)");
    }
    // Not the frame in front: it may be a LOGIN.
    let first = if fault.inflated_at.is_some() { 0 } else { frame.at };
    let start = first.max(at - at % ROW_BYTES);
    let end = place.bytes.len().min(start + ROW_BYTES);
    let end = if may_be_login { end.min(header_end) } else { end };
    let caret = " ".repeat(3 * (at - start));
    writeln!(out, "  {}{start:04x}  {}", place.mark, hex(place.bytes, start..end))?;
    let offset = place.mark.len() + format!("{start:04x}").len();
    writeln!(out, "  {:offset$}  {caret}^^", "")
}

fn at_in(fault: &Fault) -> usize {
    fault.inflated_at.unwrap_or(fault.at)
}
