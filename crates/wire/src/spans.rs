//! Where the fields of a body lie: for tools that show bytes to people.
//!
//! The same scanner as the server's, so that a tool accepts what a server accepts; it descends into nothing.
use crate::scan::{Fields, Value, take_varint};

/// One field, and where its parts lie in the body. `at..value_at` is the tag and, where there is one, the length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// 1 and up.
    pub number: u32,
    /// 0, 1, 2 or 5; nothing else is accepted.
    pub wire_type: u8,
    /// The first byte of the tag.
    pub at: usize,
    /// The first byte of the value.
    pub value_at: usize,
    /// Behind the last byte of the value.
    pub end: usize,
    /// What it holds.
    pub value: SpanValue<'a>,
}

/// A value by its wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanValue<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 2: a string, bytes or a message.
    Bytes(&'a [u8]),
    /// Wire types 1 and 5: eight or four bytes.
    Fixed(&'a [u8]),
}

/// A field that no proto3 parser has to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadField {
    /// The first byte of the tag, length or value that cannot be read.
    pub at: usize,
    /// Why.
    pub reason: &'static str,
}

/// The fields of a body in the order they came; ends behind the first error.
pub struct Spans<'a> {
    body: &'a [u8],
    fields: Fields<'a>,
}

impl<'a> Spans<'a> {
    /// All of a body, or of a message inside it.
    pub fn of(body: &'a [u8]) -> Self {
        Self { body, fields: Fields::of(body) }
    }

    /// How much was read.
    fn taken(&self) -> usize {
        self.body.len() - self.fields.rest().len()
    }

    fn span(&mut self) -> Result<Span<'a>, BadField> {
        let at = self.taken();
        let mut rest = self.fields.rest();
        let tag = take_varint::<32>(&mut rest);
        let behind_tag = self.body.len() - rest.len();
        let field = self.fields.field().map_err(|reason| {
            // A tag of no field is bad itself; else what follows it is.
            let is_field = tag.is_some_and(|tag| tag >> 3 != 0 && matches!(tag & 7, 0 | 1 | 2 | 5));
            BadField { at: if is_field { behind_tag } else { at }, reason }
        })?;
        let end = self.taken();
        let (value_at, value) = match field.value {
            Value::Varint(value) => (behind_tag, SpanValue::Varint(value)),
            Value::Bytes(bytes) => (end - bytes.len(), SpanValue::Bytes(bytes)),
            Value::Fixed => (behind_tag, SpanValue::Fixed(&self.body[behind_tag..end])),
        };
        let wire_type = (tag.unwrap_or_default() & 7) as u8;
        Ok(Span { number: field.number, wire_type, at, value_at, end, value })
    }
}

impl<'a> Iterator for Spans<'a> {
    type Item = Result<Span<'a>, BadField>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.fields.rest().is_empty() {
            return None;
        }
        let span = self.span();
        if span.is_err() {
            self.fields = Fields::of(&[]);
        }
        Some(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wire_type_lies_where_it_lies() {
        let body = b"\x08\x96\x01\x12\x02ab\x0D\x01\x02\x03\x04\x92\x06\x00";
        let spans: Vec<_> = Spans::of(body).map(Result::unwrap).collect();
        let places: Vec<_> = spans
            .iter()
            .map(|span| (span.number, span.wire_type, span.at, span.value_at, span.end))
            .collect();
        assert_eq!(places, [(1, 0, 0, 1, 3), (2, 2, 3, 5, 7), (1, 5, 7, 8, 12), (98, 2, 12, 15, 15)]);
        assert_eq!(spans[0].value, SpanValue::Varint(150));
        assert_eq!(spans[2].value, SpanValue::Fixed(&[1, 2, 3, 4]));
    }

    #[track_caller]
    fn check(body: &[u8], at: usize, reason: &str) {
        let mut spans = Spans::of(body).skip_while(Result::is_ok);
        let bad = spans.next().unwrap().unwrap_err();
        assert_eq!((bad.at, bad.reason), (at, reason));
        assert!(spans.next().is_none(), "it ends behind the first error");
    }

    #[test]
    fn what_is_bad_is_pointed_at() {
        check(b"\x08\x01\x00\x00", 2, "field number 0");
        check(b"\x08\x01\x0B", 2, "a group");
        check(b"\x0E", 0, "a wire type that does not exist");
        check(b"\x08\x01\x12\x03ab", 3, "a length beyond the body");
        check(b"\x12\x80\x80\x80\x80\x80\x00", 1, "a length is cut or too long");
        check(b"\x08\x80", 1, "a varint is cut or too long");
        check(b"\x08\x01\x80", 2, "a tag is cut or too long");
        check(b"\xA5\x06\x01\x02", 2, "a fixed value is cut");
    }
}
