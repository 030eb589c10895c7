//! One event as one line: for people, or as a JSON object.
//!
//! Our own, because the formatters at hand let line breaks and direction marks of a field's text through.

use crate::escape::{Escaped, is_unsafe};
use std::fmt::{self, Debug, Display, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// How a line looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    /// `time LEVEL message key=value …`; the module too from debug down.
    Human { colour: bool },
    /// `{"time":…,"level":…,"target":…,"message":…,…}`.
    Json,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields { json: matches!(self, Self::Json), ..Fields::default() };
        event.record(&mut fields);
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        match self {
            Self::Human { colour } => human(&mut out, level, target, &fields, *colour),
            Self::Json => json(&mut out, level, target, &fields),
        }
    }
}

fn human(out: &mut Writer<'_>, level: Level, target: &str, fields: &Fields, colour: bool) -> fmt::Result {
    SystemTime.format_time(out)?;
    let (on, off) = if colour { (colour_of(level), "\x1b[0m") } else { ("", "") };
    write!(out, " {on}{level:>5}{off} ")?;
    if level > Level::INFO {
        write!(out, "{target}: ")?;
    }
    writeln!(out, "{}{}", Escaped(&fields.message), fields.others)
}

fn colour_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        _ => "\x1b[2m",
    }
}

fn json(out: &mut Writer<'_>, level: Level, target: &str, fields: &Fields) -> fmt::Result {
    out.write_str("{\"time\":\"")?;
    SystemTime.format_time(out)?;
    write!(out, "\",\"level\":\"{}\"", level.as_str().to_ascii_lowercase())?;
    write!(out, ",\"target\":{},\"message\":{}", Json(target), Json(&fields.message))?;
    writeln!(out, "{}}}", fields.others)
}

/// An event's message, and its other fields as they stand in the line.
#[derive(Default)]
struct Fields {
    json: bool,
    message: String,
    others: String,
}

impl Fields {
    fn text(&mut self, field: &Field, text: &str) {
        if field.name() == "message" {
            self.message.push_str(text);
        } else if self.json {
            self.put(field, Json(text));
        } else {
            self.put(field, Human(text));
        }
    }

    /// A value that needs no quotes in either form.
    fn put(&mut self, field: &Field, value: impl Display) {
        let name = field.name();
        // Writing to a String does not fail.
        let _ = match (self.json, name) {
            (true, "time" | "level" | "target" | "message") => write!(self.others, ",\"{name}_\":{value}"),
            (true, _) => write!(self.others, ",{}:{value}", Json(name)),
            (false, _) => write!(self.others, " {name}={value}"),
        };
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, &format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for what is not finite.
        if value.is_finite() { self.put(field, value) } else { self.text(field, &value.to_string()) }
    }
}

/// In quotes where a bare word would be read as something else.
struct Human<'a>(&'a str);
impl Display for Human<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_bare = |c: char| !c.is_whitespace() && !is_unsafe(c) && !matches!(c, '"' | '\\' | '=');
        if !self.0.is_empty() && self.0.chars().all(is_bare) {
            return f.write_str(self.0);
        }
        let escaped = self.0.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{}\"", Escaped(&escaped))
    }
}

/// A JSON string, with everything escaped that [`is_unsafe`] names: a terminal may show it.
struct Json<'a>(&'a str);
impl Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                _ if is_unsafe(c) => {
                    let mut units = [0; 2];
                    c.encode_utf16(&mut units).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}"))?;
                }
                _ => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
