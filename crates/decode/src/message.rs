//! Walks a message: its fields by name and place, and the first byte of it that cannot be served.
//!
//! Says where; whether is the wire's parsers' to say, and a property holds the two to the same verdict.
use crate::schema::{Holds, Known, LOGIN, Schema, type_name};
use crate::{FaultKind, Part, Value};
use longwire_wire::{LoginFields, Span, SpanValue, Spans, limits};

/// A place in the body, and what is wrong there.
pub(crate) type Bad = (usize, FaultKind, String);

/// All that can be read of `body`, and where that ended if not at its end.
pub(crate) fn walk(body: &[u8], schema: &Schema, login: LoginFields) -> (Vec<Part>, Option<Bad>) {
    let mut parts = Vec::new();
    let bad = fields(body, 0, schema, login, &mut parts).err();
    (parts, bad)
}

/// The fields of a message nobody knows; `None` where it is none.
/// Texts are not shown: a deployment may have mapped LOGIN onto this command (19.1), and a client may get its flow wrong.
pub(crate) fn walk_unknown(body: &[u8]) -> Option<Vec<Part>> {
    Spans::of(body).map(|span| span.ok().map(|span| unseen(unknown(&span, 0), &LOGIN))).collect()
}

fn fields(
    bytes: &[u8],
    base: usize,
    schema: &Schema,
    login: LoginFields,
    parts: &mut Vec<Part>,
) -> Result<(), Bad> {
    for span in Spans::of(bytes) {
        let span = span.map_err(|bad| malformed(base + bad.at, bad.reason))?;
        let Some(known) = schema.field(span.number, login) else {
            parts.push(unseen(unknown(&span, base), schema));
            continue;
        };
        if known.holds.wire_type() != span.wire_type {
            let reason = format!(
                "{} has wire type {}, not its own {}",
                known.name,
                span.wire_type,
                known.holds.wire_type()
            );
            return Err(malformed(base + span.at, &reason));
        }
        let mut part = part_of(&span, base, Some(known.name), Value::Number(0));
        let read = read(known, &span, base, login, &mut part);
        parts.push(part);
        read?;
    }
    Ok(())
}

fn part_of(span: &Span<'_>, base: usize, name: Option<&'static str>, value: Value) -> Part {
    Part {
        bytes: base + span.at..base + span.end,
        value_at: base + span.value_at,
        tag: Some((span.number, span.wire_type)),
        name,
        value,
        note: None,
        parts: Vec::new(),
    }
}

/// Puts the value of a known field, of its own wire type, into its part.
fn read(known: Known, span: &Span<'_>, base: usize, login: LoginFields, part: &mut Part) -> Result<(), Bad> {
    match (known.holds, span.value) {
        (Holds::Message(schema), SpanValue::Bytes(inner)) => {
            part.value = Value::Message(schema.name);
            fields(inner, base + span.value_at, schema, login, &mut part.parts)
        }
        (Holds::Content, SpanValue::Bytes(content)) => {
            part.value = match str::from_utf8(content) {
                Ok(text) => Value::Text(text.to_owned()),
                Err(_) => Value::Bytes(content.to_owned()),
            };
            Ok(())
        }
        (holds, SpanValue::Bytes(bytes)) => {
            let is_secret = holds == Holds::Token;
            part.value = if is_secret { Value::Secret(bytes.len()) } else { Value::Bytes(bytes.to_owned()) };
            let text = str::from_utf8(bytes).map_err(|error| {
                malformed(base + span.value_at + error.valid_up_to(), &format!("{} is not UTF-8", known.name))
            })?;
            if !is_secret {
                part.value = Value::Text(text.to_owned());
            }
            Ok(())
        }
        (holds, SpanValue::Varint(number)) => {
            (part.value, part.note) = number_of(holds, number);
            Ok(())
        }
        (_, SpanValue::Fixed(bytes)) => {
            part.value = Value::Bytes(bytes.to_owned());
            Ok(())
        }
    }
}

fn number_of(holds: Holds, sent: u64) -> (Value, Option<String>) {
    //= PROTOCOL.md#7.7
    // A uint32 takes the low 32 bits of the number that was sent.
    let low = u64::from(sent as u32);
    let cut = (low != sent).then(|| format!("the low 32 bits of {sent}"));
    match holds {
        Holds::Timestamp => (Value::Number(sent), utc(sent)),
        Holds::U64 => (Value::Number(sent), None),
        Holds::MessageType => match type_name(low) {
            Some(name) => (Value::Named(low, name), cut),
            None => (Value::Number(low), cut),
        },
        _ => (Value::Number(low), cut),
    }
}

fn unknown(span: &Span<'_>, base: usize) -> Part {
    let value = match span.value {
        SpanValue::Varint(number) => Value::Number(number),
        SpanValue::Bytes(bytes) | SpanValue::Fixed(bytes) => Value::Bytes(bytes.to_owned()),
    };
    part_of(span, base, None, value)
}

/// A LOGIN's unknown texts are not shown: a deployment may have put its token there (19.2).
fn unseen(mut part: Part, schema: &Schema) -> Part {
    if let (Value::Bytes(bytes), true) = (&part.value, schema.name == LOGIN.name) {
        part.value = Value::Secret(bytes.len());
    }
    part
}

fn malformed(at: usize, reason: &str) -> Bad {
    (at, FaultKind::Malformed, reason.to_owned())
}

fn too_large(at: usize, what: &str, has: usize, max: usize) -> Bad {
    (at, FaultKind::TooLarge, format!("{what} has {has}, over the limit of {max}"))
}

/// What a request's fields may hold (PROTOCOL.md, sections 11 and 14), in a body that was read to its end.
pub(crate) fn request_limits(parts: &[Part], schema: &Schema, body_bytes: usize) -> Option<Bad> {
    let is_login = schema.name == LOGIN.name;
    //= PROTOCOL.md#7.4
    // The last one of a singular field counts.
    let last = |name| parts.iter().rev().find(|part| part.name == Some(name));
    let id = ["userId", "chatroomId", "to"].into_iter().find_map(last);
    bad_token(last("token")).or_else(|| bad_id(id, is_login, body_bytes)).or_else(|| bad_user_info(parts))
}

fn bad_token(token: Option<&Part>) -> Option<Bad> {
    let token = token?;
    let has = token.bytes.end - token.value_at;
    let max = limits::TOKEN_BYTES_MAX;
    (has > max).then(|| too_large(token.value_at, "token in bytes", has, max))
}

fn bad_id(id: Option<&Part>, may_miss: bool, body_bytes: usize) -> Option<Bad> {
    let text = match id {
        Some(Part { value: Value::Text(text), .. }) => text.as_str(),
        _ => "",
    };
    let Some(part) = id else {
        return (!may_miss).then(|| malformed(body_bytes, "the room is missing"));
    };
    let (at, name) = (part.value_at, part.name.unwrap_or_default());
    if text.is_empty() {
        return (!may_miss).then(|| malformed(at, &format!("{name} is empty")));
    }
    if text.len() > limits::ID_BYTES_MAX {
        return Some(too_large(at, &format!("{name} in bytes"), text.len(), limits::ID_BYTES_MAX));
    }
    let control = text.find(char::is_control)?;
    Some(malformed(at + control, &format!("{name} has a control character")))
}

/// All occurrences of userInfo together: at most 1,024 bytes and 64 tags.
fn bad_user_info(parts: &[Part]) -> Option<Bad> {
    let (mut bytes, mut tags) = (0, 0);
    for info in parts.iter().filter(|part| part.name == Some("userInfo")) {
        bytes += info.bytes.end - info.value_at;
        if bytes > limits::USER_INFO_BYTES_MAX {
            return Some(too_large(info.value_at, "userInfo in bytes", bytes, limits::USER_INFO_BYTES_MAX));
        }
        let of_info = info.parts.iter().filter(|part| part.name == Some("tag"));
        for tag in of_info {
            tags += 1;
            if tags > limits::TAGS_MAX {
                return Some(too_large(tag.bytes.start, "userInfo.tag in number", tags, limits::TAGS_MAX));
            }
        }
    }
    None
}

/// Unix milliseconds as people read them; `None` beyond the year 9999.
fn utc(unix_ms: u64) -> Option<String> {
    const DAY_MS: u64 = 86_400_000;
    let (day, ms) = (unix_ms / DAY_MS, unix_ms % DAY_MS);
    if day > 2_932_896 {
        return None;
    }
    // Days since 0000-03-01, in eras of 400 years (Howard Hinnant's civil_from_days).
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + 400 * era + u64::from(month <= 2);
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    Some(format!("{year:04}-{month:02}-{date:02} {hour:02}:{minute:02}:{second:02}.{:03} UTC", ms % 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_shown_as_people_read_them() {
        for (unix_ms, shown) in [
            (0, Some("1970-01-01 00:00:00.000 UTC")),
            (951_782_399_999, Some("2000-02-28 23:59:59.999 UTC")),
            (951_782_400_000, Some("2000-02-29 00:00:00.000 UTC")),
            (1_700_000_000_000, Some("2023-11-14 22:13:20.000 UTC")),
            (253_402_300_799_999, Some("9999-12-31 23:59:59.999 UTC")),
            (253_402_300_800_000, None),
            (u64::MAX, None),
        ] {
            assert_eq!(utc(unix_ms).as_deref(), shown);
        }
    }
}
