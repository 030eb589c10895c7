//! The kinds of values that keys take: how each is read from TOML and how it is written back.
//!
//! Durations and sizes are strings with a unit, and a bare number is refused: nobody has to guess seconds or bytes.
//! A message says what is wrong and what would be right; the key and the place are the caller's to add.

use crate::origin::NotANetwork;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;
use toml::{Table, Value};

/// Bytes in a kibibyte.
pub const KIB: usize = 1024;
/// Bytes in a mebibyte.
pub const MIB: usize = 1024 * KIB;

/// Longer waits than this are refused: they are a slip of the unit, and sums of them cannot overflow a clock.
const DURATION_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// How a value is read, checked by itself, and shown.
pub(super) struct Kind<T> {
    /// A plain string in TOML: a variable or `--set` gives it without quotes.
    pub(super) plain: bool,
    pub(super) read: fn(&Value) -> Result<T, String>,
    /// TOML that `read` takes back.
    pub(super) show: fn(&T) -> String,
}

/// An enumeration that the file spells in words.
pub(super) trait Word: Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];
    /// Words of later releases: refused, but not as if they were a mistake.
    const PLANNED: &'static [&'static str] = &[];
}

pub(super) const fn word<T: Word>() -> Kind<T> {
    Kind { plain: true, read: read_word, show: show_word }
}

pub(super) const SIZE: Kind<usize> =
    Kind { plain: true, read: read_size, show: |bytes| quoted(&size(*bytes)) };

pub(super) const SIZE_OR_AUTO: Kind<Option<usize>> = Kind {
    plain: true,
    read: |value| if value.as_str() == Some("auto") { Ok(None) } else { read_size(value).map(Some) },
    show: |bytes| quoted(&bytes.map_or_else(|| "auto".to_owned(), size)),
};

pub(super) const DURATION: Kind<Duration> =
    Kind { plain: true, read: read_duration, show: |wait| quoted(&duration(*wait)) };

pub(super) const COUNT: Kind<usize> = Kind { plain: false, read: read_count, show: ToString::to_string };

/// 0 leaves the choice to the server.
pub(super) const COUNT_OR_AUTO: Kind<Option<NonZeroUsize>> = Kind {
    plain: false,
    read: |value| read_count(value).map(NonZeroUsize::new),
    show: |count| count.map_or(0, NonZeroUsize::get).to_string(),
};

pub(super) const FLAG: Kind<bool> = Kind {
    plain: false,
    read: |value| value.as_bool().ok_or_else(|| expected("true or false", value)),
    show: ToString::to_string,
};

pub(super) const ADDRESSES: Kind<Vec<SocketAddr>> = Kind {
    plain: false,
    read: read_addresses,
    show: |list| list_of(list.iter().map(|address| quoted(&address.to_string()))),
};

/// Names, paths and the like: any text of one line; "" is not set.
pub(super) const TEXT: Kind<String> = Kind { plain: true, read: read_text, show: |text| quoted(text) };

/// An address that is called; "" is none.
pub(super) const URL: Kind<String> = Kind { plain: true, read: read_url, show: |text| quoted(text) };

/// Fields of CRMessage that the document does not name.
pub(super) const RELAY_FIELDS: Kind<Vec<u32>> = Kind {
    plain: false,
    read: |value| elements(value)?.iter().map(|element| read_number(element, 7, FIELD_MAX)).collect(),
    show: |list| list_of(list.iter().map(u32::to_string)),
};

/// Version nibbles as a set of bits; the empty list is all sixteen.
pub(super) const VERSIONS: Kind<u16> = Kind { plain: false, read: read_versions, show: show_versions };

/// messageType numbers, the document's three by name.
pub(super) const MESSAGE_TYPES: Kind<BTreeSet<u32>> = Kind {
    plain: false,
    read: |value| elements(value)?.iter().map(read_message_type).collect(),
    show: |set| list_of(set.iter().map(|number| show_message_type(*number))),
};

/// `value` as TOML text on one line, cut where it is long: for messages.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string().replace('\n', "\\n");
    if text.chars().count() <= 60 {
        return text;
    }
    text.chars().take(57).chain("...".chars()).collect()
}

/// Protobuf fields from 100 up are Longwire's extensions, in every message.
const FIELD_MAX: u32 = 99;
/// Commands from 64 up are Longwire's extensions.
const COMMAND_MAX: u32 = 63;

/// The number of one of LOGIN's fields.
pub(super) fn read_field(value: &Value) -> Result<u32, String> {
    read_number(value, 1, FIELD_MAX).map_err(|err| format!("{err}; 100 and up are Longwire's extensions"))
}

/// The number of a command.
pub(super) fn read_command(value: &Value) -> Result<u8, String> {
    let number = read_number(value, 1, COMMAND_MAX);
    let number = number.map_err(|err| format!("{err}; 64 and up are Longwire's extensions"))?;
    u8::try_from(number).map_err(|err| err.to_string())
}

/// "expected …, got …".
pub(super) fn expected(what: &str, value: &Value) -> String {
    format!("expected {what}, got {}", shown(value))
}

/// A network of one family.
pub(super) fn read_network<T: FromStr<Err = NotANetwork>>(what: &str, value: &Value) -> Result<T, String> {
    let text = value.as_str().ok_or_else(|| expected(what, value))?;
    text.parse().map_err(|err| match err {
        NotANetwork::Form => expected(what, value),
        NotANetwork::Mixed => format!(
            "{} holds IPv6 addresses beside all IPv4 ones: write 0.0.0.0/0, or ::/0, or both",
            shown(value)
        ),
    })
}

/// Reads each row of a list of tables.
///
/// # Errors
/// What is wrong with any of them, a line each: one row hides no other.
pub(super) fn read_rows<T>(
    list: &[Value],
    (row, what): (&str, &str),
    mut read: impl FnMut(&Table) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for (at, element) in list.iter().enumerate() {
        match element.as_table().ok_or_else(|| expected(what, element)).and_then(&mut read) {
            Ok(good) => rows.push(good),
            Err(reason) => wrong.push(format!("{row} {}: {reason}", at + 1)),
        }
    }
    if wrong.is_empty() { Ok(rows) } else { Err(wrong.join("\n")) }
}

/// A whole number between `min` and `max`, both allowed.
pub(super) fn read_number(value: &Value, min: u32, max: u32) -> Result<u32, String> {
    let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
    number
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| expected(&format!("a number from {min} to {max}"), value))
}

/// The shortest exact spelling: "64KiB", "512B".
pub(super) fn size(bytes: usize) -> String {
    let (unit, name) = SIZE_UNITS
        .iter()
        .rev()
        .find(|(unit, _)| bytes != 0 && bytes.is_multiple_of(*unit))
        .unwrap_or(&SIZE_UNITS[0]);
    format!("{}{name}", bytes / unit)
}

/// The shortest exact spelling: "30s", "250ms"; nothing finer than a millisecond can be set.
pub(super) fn duration(wait: Duration) -> String {
    let millis = wait.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let (unit, name) = DURATION_UNITS
        .iter()
        .rev()
        .find(|(unit, _)| millis.is_multiple_of(u128::from(*unit)))
        .unwrap_or(&DURATION_UNITS[0]);
    format!("{}{name}", millis / u128::from(*unit))
}

const SIZE_UNITS: [(usize, &str); 4] = [(1, "B"), (KIB, "KiB"), (MIB, "MiB"), (1024 * MIB, "GiB")];
/// In milliseconds. A day is written as hours, so that nobody asks how long a day is.
const DURATION_UNITS: [(u64, &str); 4] = [(1, "ms"), (1000, "s"), (60_000, "m"), (3_600_000, "h")];

fn read_size(value: &Value) -> Result<usize, String> {
    const WHAT: &str = "a size with a unit (B, KiB, MiB, GiB), such as \"64KiB\"";
    let (count, unit) = measured(value, WHAT)?;
    let (unit, _) = SIZE_UNITS.iter().find(|(_, name)| *name == unit).ok_or_else(|| expected(WHAT, value))?;
    let bytes = usize::try_from(count).ok().and_then(|count| count.checked_mul(*unit));
    bytes.ok_or_else(|| format!("{} is larger than this machine can address", shown(value)))
}

pub(super) fn read_duration(value: &Value) -> Result<Duration, String> {
    const WHAT: &str = "a duration with a unit (ms, s, m, h), such as \"30s\"";
    let (count, unit) = measured(value, WHAT)?;
    let (unit, _) =
        DURATION_UNITS.iter().find(|(_, name)| *name == unit).ok_or_else(|| expected(WHAT, value))?;
    let wait = count.checked_mul(*unit).map(Duration::from_millis).filter(|wait| *wait <= DURATION_MAX);
    wait.ok_or_else(|| format!("{} is longer than a year", shown(value)))
}

/// A string's digits and what follows them.
fn measured<'a>(value: &'a Value, what: &str) -> Result<(u64, &'a str), String> {
    let text = value.as_str().ok_or_else(|| expected(what, value))?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let count = count.parse().map_err(|_| expected(what, value))?;
    Ok((count, unit.trim_start_matches(' ')))
}

fn read_count(value: &Value) -> Result<usize, String> {
    let count = value.as_integer().and_then(|count| usize::try_from(count).ok());
    count
        .filter(|count| *count <= COUNT_MAX)
        .ok_or_else(|| expected("a count (a whole number, not negative)", value))
}
/// More of anything than one node can hold; keeps sums and products of counts and sizes within 64 bits.
const COUNT_MAX: usize = 1 << 30;

pub(super) fn elements(value: &Value) -> Result<&Vec<Value>, String> {
    value.as_array().ok_or_else(|| expected("a list, such as [1, 2]", value))
}

fn read_addresses(value: &Value) -> Result<Vec<SocketAddr>, String> {
    const WHAT: &str = "a list of \"IP:PORT\", such as [\"127.0.0.1:7610\"]";
    let list = value.as_array().ok_or_else(|| expected(WHAT, value))?;
    let parse = |element: &Value| element.as_str().and_then(|text| text.parse().ok());
    list.iter().map(|element| parse(element).ok_or_else(|| expected(WHAT, element))).collect()
}

/// Longer than any path or name; a bound on what is quoted in messages.
const TEXT_BYTES_MAX: usize = 4096;

fn read_text(value: &Value) -> Result<String, String> {
    let text = value.as_str().ok_or_else(|| expected("a string", value))?;
    if text.chars().any(char::is_control) {
        return Err("has a control character".to_owned());
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("at most {TEXT_BYTES_MAX} bytes, has {}", text.len()));
    }
    Ok(text.to_owned())
}

fn read_url(value: &Value) -> Result<String, String> {
    const WHAT: &str = "an address, such as \"https://example.com/path\"";
    let text = read_text(value)?;
    if text.is_empty() {
        return Ok(text);
    }
    // Before anything is quoted: it would show the password.
    if text.split('/').nth(2).is_some_and(|authority| authority.contains('@')) {
        return Err("has a user or password in it: what it calls is told by a signature".to_owned());
    }
    let url: hyper::Uri = text.parse().map_err(|_| expected(WHAT, value))?;
    let authority = url.authority().ok_or_else(|| expected(WHAT, value))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || authority.host().is_empty() {
        return Err(expected(WHAT, value));
    }
    Ok(text)
}

fn read_versions(value: &Value) -> Result<u16, String> {
    let mut set = 0u16;
    for element in elements(value)? {
        set |= 1 << read_number(element, 0, 15)?;
    }
    Ok(if set == 0 { u16::MAX } else { set })
}

fn show_versions(set: &u16) -> String {
    let listed = (0..16).filter(|nibble| *set != u16::MAX && set & (1 << nibble) != 0);
    list_of(listed.map(|nibble| nibble.to_string()))
}

const MESSAGE_TYPE_NAMES: [&str; 3] = ["normal", "notify", "gift"];

fn read_message_type(value: &Value) -> Result<u32, String> {
    let named = value.as_str().and_then(|text| MESSAGE_TYPE_NAMES.iter().position(|name| *name == text));
    let number = named.and_then(|at| u32::try_from(at).ok());
    let number = number.or_else(|| value.as_integer().and_then(|number| u32::try_from(number).ok()));
    number.ok_or_else(|| expected("\"normal\", \"gift\" or a messageType's number", value))
}

/// "gift" or 7.
pub(super) fn show_message_type(number: u32) -> String {
    let name = usize::try_from(number).ok().and_then(|at| MESSAGE_TYPE_NAMES.get(at));
    name.map_or_else(|| number.to_string(), |name| quoted(name))
}

pub(super) fn read_word<T: Word>(value: &Value) -> Result<T, String> {
    let text = value.as_str();
    if let Some((_, word)) = T::WORDS.iter().find(|(name, _)| Some(*name) == text) {
        return Ok(*word);
    }
    let names = one_of(T::WORDS.iter().map(|(name, _)| quoted(name)).collect());
    if T::PLANNED.iter().any(|name| Some(*name) == text) {
        return Err(format!("{} is not in this release, only {names} is", shown(value)));
    }
    Err(expected(&names, value))
}

/// `a, b or c`.
fn one_of(mut names: Vec<String>) -> String {
    let last = names.pop().unwrap_or_default();
    if names.is_empty() { last } else { format!("{} or {last}", names.join(", ")) }
}

fn show_word<T: Word>(word: &T) -> String {
    let named = T::WORDS.iter().find(|(_, candidate)| candidate == word);
    quoted(named.map_or("", |(name, _)| name))
}

/// `text` as a TOML string.
pub(super) fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

pub(super) fn list_of(elements: impl Iterator<Item = String>) -> String {
    format!("[{}]", elements.collect::<Vec<_>>().join(", "))
}
