//! From when until when a certificate is good: the one thing that is read from its DER by hand, because no library in
//! the tree tells it.
//!
//! Reads nothing else, and judges no signature: `rustls` does. What cannot be read is `None`, never a panic.

use std::fmt;

/// When a certificate is good, in Unix seconds; both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before: i64,
    pub(super) not_after: i64,
}

impl Validity {
    /// Of a certificate as DER (RFC 5280, section 4.1).
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let mut certificate = inside(SEQUENCE, &mut { certificate })?;
        let mut body = inside(SEQUENCE, &mut certificate)?;
        if body.first() == Some(&VERSION) {
            element(&mut body)?;
        }
        inside(INTEGER, &mut body)?; // the serial number
        inside(SEQUENCE, &mut body)?; // the signature's algorithm
        inside(SEQUENCE, &mut body)?; // the issuer
        let mut validity = inside(SEQUENCE, &mut body)?;
        let mut next = || time(element(&mut validity)?);
        Some(Self { not_before: next()?, not_after: next()? })
    }
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// What is inside the next element, which must have this tag.
fn inside<'a>(tag: u8, input: &mut &'a [u8]) -> Option<&'a [u8]> {
    element(input).filter(|(found, _)| *found == tag).map(|(_, inside)| inside)
}

/// The next element's tag and what is inside of it.
fn element<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, rest) = input.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length & 0x80 != 0 {
        let (bytes, behind) = rest.split_at_checked(length & 0x7f).filter(|(bytes, _)| bytes.len() <= 4)?;
        length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = behind;
    }
    let (inside, behind) = rest.split_at_checked(length)?;
    *input = behind;
    Some((*tag, inside))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` as Unix seconds.
fn time((tag, text): (u8, &[u8])) -> Option<i64> {
    let (century, digits) = match tag {
        // RFC 5280, section 4.1.2.5.1: 50 to 99 are of the last century.
        UTC_TIME if text.len() == 13 => (if text[0] >= b'5' { 19 } else { 20 }, text),
        GENERALIZED_TIME if text.len() == 15 => (pair(text, 0)?, text.get(2..)?),
        _ => return None,
    };
    if digits.last() != Some(&b'Z') {
        return None;
    }
    let at = |place: usize| pair(digits, 2 * place);
    let days = days_since_1970(100 * century + at(0)?, at(1)?, at(2)?);
    Some(((days * 24 + at(3)?) * 60 + at(4)?) * 60 + at(5)?)
}

fn pair(text: &[u8], at: usize) -> Option<i64> {
    let digits = text.get(at..at + 2).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    Some(i64::from(digits[0] - b'0') * 10 + i64::from(digits[1] - b'0'))
}

/// Days of the Gregorian calendar, counted from a March so that a leap day is a year's last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, in_era) = (year.div_euclid(400), year.rem_euclid(400));
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719_468
}

/// A moment as people write it: `2026-02-03 04:05:06 UTC`.
pub(super) struct Moment(pub(super) i64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.div_euclid(86_400) + 719_468, self.0.rem_euclid(86_400));
        let (era, in_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let years = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
        let in_year = in_era - (365 * years + years / 4 - years / 100);
        let month = (5 * in_year + 2) / 153;
        let (day, month) = (in_year - (153 * month + 2) / 5 + 1, (month + 2) % 12 + 1);
        let year = era * 400 + years + i64::from(month <= 2);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        for (text, seconds, shown) in [
            ("700101000000Z", 0, "1970-01-01 00:00:00 UTC"),
            ("491231235959Z", 2_524_607_999, "2049-12-31 23:59:59 UTC"),
            ("500101000000Z", -631_152_000, "1950-01-01 00:00:00 UTC"),
            ("20500101000000Z", 2_524_608_000, "2050-01-01 00:00:00 UTC"),
            ("240229120000Z", 1_709_208_000, "2024-02-29 12:00:00 UTC"),
            ("99991231235959Z", 253_402_300_799, "9999-12-31 23:59:59 UTC"),
        ] {
            let tag = if text.len() == 13 { UTC_TIME } else { GENERALIZED_TIME };
            assert_eq!(time((tag, text.as_bytes())), Some(seconds), "{text}");
            assert_eq!(Moment(seconds).to_string(), shown);
        }
        for (tag, text) in [
            (UTC_TIME, "7001010000Z"),
            (UTC_TIME, "700101000000+"),
            (UTC_TIME, "7O0101000000Z"),
            (SEQUENCE, "700101000000Z"),
            (GENERALIZED_TIME, "700101000000Z"),
        ] {
            assert_eq!(time((tag, text.as_bytes())), None, "{text}");
        }
    }

    /// Cut anywhere, and with any byte turned over, it is told or refused.
    #[test]
    fn a_garbled_certificate_is_no_panic() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) =
            (rcgen::date_time_ymd(2001, 2, 3), rcgen::date_time_ymd(2051, 1, 1));
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let whole = Validity { not_before: 981_158_400, not_after: 2_556_144_000 };
        assert_eq!(Validity::of(&der), Some(whole));
        for cut in 0..der.len() {
            assert_eq!(Validity::of(&der[..cut]), None);
            let mut turned = der.clone();
            turned[cut] ^= 0xff;
            let _ = Validity::of(&turned);
        }
    }
}
