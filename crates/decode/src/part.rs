//! A field of a header or a message: its bytes, its name, its value.
use std::ops::Range;

/// One field, and the fields inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its bytes, tag and length included: of the input, or of the inflated body.
    pub bytes: Range<usize>,
    /// Where the value begins, behind tag and length.
    pub value_at: usize,
    /// Field number and wire type; `None` in a header.
    pub tag: Option<(u32, u8)>,
    /// As PROTOCOL.md writes it; `None`: a number it does not list.
    pub name: Option<&'static str>,
    /// What it says.
    pub value: Value,
    /// For people: what the value means, or what is odd about it.
    pub note: Option<String>,
    /// Of a message: its fields.
    pub parts: Vec<Part>,
}

/// What a field says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// A number with a name of its own: a command, a status, a type.
    Named(u64, &'static str),
    /// UTF-8, as it came: whoever shows it escapes it.
    Text(String),
    /// What is not text, or not known to be.
    Bytes(Vec<u8>),
    /// So many bytes of a token, which is shown to nobody.
    Secret(usize),
    /// A message of this name; see [`Part::parts`].
    Message(&'static str),
}
