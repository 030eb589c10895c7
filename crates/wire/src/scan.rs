//! Protobuf on the byte level: a scanner that allocates nothing, and the few writers a record needs.
//!
//! Accepts only what every proto3 parser accepts. Where parsers differ the narrowest counts: no group, no tag or length
//! of more than five bytes (the C++ parser's bound), no varint beyond its width.
//! Knows no message and descends into none; it cannot recurse.
use crate::BodyError;

/// One field as it lies in the body.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
}

/// A value by its wire type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes: no known field has any.
    Fixed,
}

/// The fields of a body in the order they came; ends behind the first error.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    /// The next field and its bytes, tag included; `None` at the end or at an error.
    pub(crate) fn next_raw(&mut self) -> Option<(Field<'a>, &'a [u8])> {
        let all = self.rest;
        let field = self.next()?.ok()?;
        Some((field, &all[..all.len() - self.rest.len()]))
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next field; there must be one. After an error nothing that follows means anything.
    #[inline]
    pub(crate) fn field(&mut self) -> Result<Field<'a>, &'static str> {
        //= PROTOCOL.md#7.13
        // A tag of more than 5 bytes, or over 4294967295, is malformed.
        let tag = take_varint::<32>(&mut self.rest).ok_or("a tag is cut or too long")?;
        let number = (tag >> 3) as u32;
        //= PROTOCOL.md#7.11
        // Field number 0 is malformed.
        if number == 0 {
            return Err("field number 0");
        }
        let value = match tag & 7 {
            0 => Value::Varint(take_varint::<64>(&mut self.rest).ok_or("a varint is cut or too long")?),
            1 => take_fixed::<8>(&mut self.rest)?,
            2 => Value::Bytes(take_bytes(&mut self.rest)?),
            5 => take_fixed::<4>(&mut self.rest)?,
            //= PROTOCOL.md#7.9
            // A group anywhere is malformed, and so are wire types 6 and 7.
            3 | 4 => return Err("a group"),
            _ => return Err("a wire type that does not exist"),
        };
        Ok(Field { number, value })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, BodyError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field.map_err(BodyError::Malformed))
    }
}

//= PROTOCOL.md#7.12
// A varint of more than 10 bytes, or of more than 64 bits, is malformed.
//= PROTOCOL.md#7.15
// Needless zero bytes at a varint's end are accepted within that.
/// A varint of at most `BITS` bits and as many bytes as those can need.
#[inline]
pub(crate) fn take_varint<const BITS: u32>(rest: &mut &[u8]) -> Option<u64> {
    let (&first, behind) = rest.split_first()?;
    if first < 0x80 {
        *rest = behind;
        return Some(first.into());
    }
    take_long_varint::<BITS>(rest)
}

fn take_long_varint<const BITS: u32>(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    let mut shift = 0;
    for (at, &byte) in rest.iter().enumerate() {
        let part = u64::from(byte & 0x7F);
        if shift + 7 > BITS && part >> (BITS - shift) != 0 {
            return None;
        }
        value |= part << shift;
        if byte < 0x80 {
            *rest = &rest[at + 1..];
            return Some(value);
        }
        shift += 7;
        if shift >= BITS {
            return None;
        }
    }
    None
}

#[inline]
fn take_bytes<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], &'static str> {
    let bytes = take_varint::<32>(rest).ok_or("a length is cut or too long")?;
    //= PROTOCOL.md#7.14
    // A field that reaches beyond the end of its message is malformed.
    let (value, behind) = rest.split_at_checked(bytes as usize).ok_or("a length beyond the body")?;
    *rest = behind;
    Ok(value)
}

fn take_fixed<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<Value<'a>, &'static str> {
    *rest = rest.get(N..).ok_or("a fixed value is cut")?;
    Ok(Value::Fixed)
}

//= PROTOCOL.md#7.8
// A string that is not valid UTF-8 makes its body malformed.
/// The string of a known field.
#[inline]
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, BodyError> {
    str::from_utf8(bytes).map_err(|_| BodyError::Malformed("a string is not UTF-8"))
}

/// Could `bytes` be messages nested deeper than `depth`, by any reader's schema?
///
/// Asked only of relayed fields, whose type nobody here knows. Recursion ends with `depth`.
pub(crate) fn may_nest_deeper(bytes: &[u8], depth: u32) -> bool {
    if Fields::of(bytes).any(|field| field.is_err()) {
        return false;
    }
    let Some(left) = depth.checked_sub(1) else { return true };
    Fields::of(bytes).flatten().any(|field| match field.value {
        Value::Bytes(inner) => !inner.is_empty() && may_nest_deeper(inner, left),
        Value::Varint(_) | Value::Fixed => false,
    })
}

/// How many bytes `value` takes as a varint.
#[inline]
pub(crate) fn varint_bytes(value: u64) -> usize {
    ((70 - (value | 1).leading_zeros()) / 7) as usize
}

/// Appends a varint.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a varint field, unless it is proto3's default.
#[inline]
pub(crate) fn put_uint(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        put_varint(out, u64::from(number) << 3);
        put_varint(out, value);
    }
}

/// How many bytes `put_uint` appends for a field number below 16.
#[inline]
pub(crate) fn uint_bytes(value: u64) -> usize {
    if value == 0 { 0 } else { 1 + varint_bytes(value) }
}

/// Appends a string, bytes or message field, unless it is empty.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    if !value.is_empty() {
        put_prefix(out, number, value.len());
        out.extend_from_slice(value);
    }
}

/// Appends tag and length of a field whose `bytes` of value follow.
#[inline]
pub(crate) fn put_prefix(out: &mut Vec<u8>, number: u32, bytes: usize) {
    put_varint(out, u64::from(number) << 3 | 2);
    put_varint(out, bytes as u64);
}

/// How many bytes tag, length and value take for a field number below 16.
#[inline]
pub(crate) fn bytes_bytes(bytes: usize) -> usize {
    1 + varint_bytes(bytes as u64) + bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &[u8], expected: Result<&[(u32, Value<'_>)], &'static str>) {
        let fields: Result<Vec<_>, _> =
            Fields::of(body).map(|field| field.map(|f| (f.number, f.value))).collect();
        assert_eq!(fields.as_deref(), expected.map_err(BodyError::Malformed).as_ref().map(|fields| *fields));
    }

    #[test]
    fn fields_of_every_wire_type_come_apart() {
        check(b"", Ok(&[]));
        check(b"\x08\x96\x01", Ok(&[(1, Value::Varint(150))]));
        check(b"\x09\x01\x02\x03\x04\x05\x06\x07\x08", Ok(&[(1, Value::Fixed)]));
        check(b"\x12\x02ab\x0D\x01\x02\x03\x04", Ok(&[(2, Value::Bytes(b"ab")), (1, Value::Fixed)]));
        check(b"\xFA\xFF\xFF\xFF\x0F\x00", Ok(&[((1 << 29) - 1, Value::Bytes(b""))]));
    }

    #[test]
    fn what_some_parser_refuses_is_refused() {
        check(b"\x00\x00", Err("field number 0"));
        check(b"\x0B\x0C", Err("a group"));
        check(b"\x0C", Err("a group"));
        check(b"\x0E", Err("a wire type that does not exist"));
        check(b"\x0F", Err("a wire type that does not exist"));
        check(b"\x0A\x02a", Err("a length beyond the body"));
        check(b"\x0A\xFF\xFF\xFF\xFF\x0F", Err("a length beyond the body"));
        check(b"\x0A\x80\x80\x80\x80\x80\x00", Err("a length is cut or too long"));
        check(b"\x0A", Err("a length is cut or too long"));
        check(b"\x88\x80\x80\x80\x80\x00\x00", Err("a tag is cut or too long"));
        check(b"\x88\x80\x80\x80\x10\x00", Err("a tag is cut or too long"));
        check(b"\x80", Err("a tag is cut or too long"));
        check(b"\x08", Err("a varint is cut or too long"));
        check(b"\x0D\x01\x02\x03", Err("a fixed value is cut"));
        check(b"\x09\x01\x02\x03\x04\x05\x06\x07", Err("a fixed value is cut"));
    }

    #[test]
    fn a_varint_has_ten_bytes_and_64_bits_at_most() {
        check(b"\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", Ok(&[(1, Value::Varint(u64::MAX))]));
        check(b"\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00", Ok(&[(1, Value::Varint(1))]));
        check(b"\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", Err("a varint is cut or too long"));
        check(b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", Err("a varint is cut or too long"));
    }

    #[test]
    fn varints_take_as_many_bytes_as_counted() {
        for shift in 0..64 {
            for value in [1 << shift, (1 << shift) - 1, u64::MAX >> shift] {
                let mut out = Vec::new();
                put_varint(&mut out, value);
                assert_eq!(out.len(), varint_bytes(value));
                assert_eq!(take_varint::<64>(&mut &out[..]), Some(value));
            }
        }
    }

    #[test]
    fn a_field_is_lent_with_the_bytes_it_came_in() {
        let mut fields = Fields::of(b"\x88\x80\x00\x81\x00\x52\x81\x00z\x08");
        assert_eq!(
            fields.next_raw().map(|(field, raw)| (field.number, raw)),
            Some((1, &b"\x88\x80\x00\x81\x00"[..]))
        );
        assert_eq!(
            fields.next_raw().map(|(field, raw)| (field.number, raw)),
            Some((10, &b"\x52\x81\x00z"[..]))
        );
        assert!(fields.next_raw().is_none(), "what is cut ends it");
    }

    #[test]
    fn nesting_is_counted_where_bytes_could_be_messages() {
        assert!(!may_nest_deeper(b"\n\n\n\n\n\n\n\n\n\n", 1));
        assert!(!may_nest_deeper(b"\x0A\x00", 1));
        assert!(!may_nest_deeper(b"\x0A\x02\x0A\x00", 2));
        assert!(may_nest_deeper(b"\x0A\x02\x0A\x00", 1));
        assert!(may_nest_deeper(b"\x08\x01", 0));
        assert!(!may_nest_deeper(b"\x0A\x02ab", 1));
    }
}
