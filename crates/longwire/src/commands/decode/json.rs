//! Frames for scripts: one object each, the header's and the messages' fields by the names of PROTOCOL.md.

use super::text::name_of;
use longwire_decode::{Body, Fault, Frame, LengthReading, Part, Value};
use serde_json::{Value as Json, json};

pub(super) fn frame(frame: &Frame, reading: LengthReading) -> Json {
    let header = frame.header.map(|header| {
        json!({
            "len": header.len,
            "seq": header.seq,
            "command": header.command,
            "version": header.flag.version(),
            "compression": header.flag.compression() as u8,
            "flow": header.flag.flow() as u8,
            "status": header.status,
        })
    });
    json!({
        "frame": frame.number,
        "at": frame.at,
        "bytes": frame.bytes,
        "title": frame.title,
        "reading": name_of(reading),
        "header": header,
        "body": frame.body.as_ref().map(body),
        "error": frame.fault.as_ref().map(error),
    })
}

fn body(body: &Body) -> Json {
    json!({
        "at": body.at,
        "bytes": body.bytes,
        "inflated_bytes": body.inflated.as_ref().map(Vec::len),
        "message": body.message,
        "note": body.note,
        "fields": body.parts.iter().map(part).collect::<Json>(),
    })
}

fn part(from: &Part) -> Json {
    let mut object = json!({ "at": from.bytes.start, "bytes": from.bytes.len(), "name": from.name });
    if let Some((number, wire_type)) = from.tag {
        object["number"] = json!(number);
        object["wire_type"] = json!(wire_type);
    }
    match &from.value {
        Value::Number(number) => object["value"] = json!(number),
        Value::Named(number, name) => {
            object["value"] = json!(number);
            object["value_name"] = json!(name);
        }
        Value::Text(text) => object["value"] = json!(text),
        Value::Bytes(bytes) => {
            object["value_hex"] = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
        }
        Value::Secret(bytes) => object["hidden_bytes"] = json!(bytes),
        Value::Message(name) => {
            object["message"] = json!(name);
            object["fields"] = from.parts.iter().map(part).collect();
        }
    }
    if let Some(note) = &from.note {
        object["note"] = json!(note);
    }
    object
}

fn error(fault: &Fault) -> Json {
    json!({
        "at": fault.at,
        "inflated_at": fault.inflated_at,
        "name": fault.kind.name(),
        "reason": fault.reason,
    })
}
