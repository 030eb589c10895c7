//! Well-signed tokens whose claims must not log anybody in.

use super::{CLAIMS, Reason, Row, rs256};

/// The good claims with `from` replaced.
fn changed(from: &str, to: &str) -> String {
    assert!(CLAIMS.contains(from));
    rs256(r#"{"alg":"RS256","kid":"RS256"}"#, &CLAIMS.replace(from, to))
}

const EXP: &str = r#""exp":4102444800"#;
const SUB: &str = r#""sub":"alice""#;
const AUD: &str = r#""aud":"chat""#;
const ISS: &str = r#""iss":"https://issuer.example""#;

/// `exp`, `nbf`, `iat`: RFC 7519, 4.1.4 to 4.1.6.
fn times() -> Vec<Row> {
    let exp = |to: &str| changed(EXP, &format!(r#""exp":{to}"#));
    let with = |claim: &str| changed(EXP, &format!("{EXP},{claim}"));
    vec![
        ("no exp", changed(EXP, r#""x":1"#), Reason::NoExpiry),
        ("exp by another name", changed(EXP, r#""Exp":4102444800"#), Reason::NoExpiry),
        ("exp: null", exp("null"), Reason::TimeMalformed),
        ("CVE-2026-25537 (jsonwebtoken): exp as a string", exp(r#""4102444800""#), Reason::TimeMalformed),
        ("exp: a word", exp(r#""never""#), Reason::TimeMalformed),
        ("exp: a fraction", exp("4102444800.5"), Reason::TimeMalformed),
        ("exp: a float", exp("4102444800.0"), Reason::TimeMalformed),
        ("exp: an exponent", exp("41e8"), Reason::TimeMalformed),
        ("exp: negative", exp("-1"), Reason::TimeMalformed),
        ("exp: minus zero", exp("-0"), Reason::TimeMalformed),
        ("exp: 1e400, infinite to some", exp("1e400"), Reason::NotAToken),
        ("exp: Infinity", exp("Infinity"), Reason::NotAToken),
        ("exp: over 64 bits", exp("18446744073709551616"), Reason::TimeMalformed),
        ("exp: 64 bits, which overflow with a leeway", exp("18446744073709551615"), Reason::TimeMalformed),
        ("exp in milliseconds", exp("4102444800000"), Reason::TimeMalformed),
        ("exp: true", exp("true"), Reason::TimeMalformed),
        ("exp: a list", exp("[4102444800]"), Reason::TimeMalformed),
        ("exp: passed", exp("1700000069"), Reason::Expired),
        ("exp: passed, within the leeway's last second", exp("1700000070"), Reason::Expired),
        ("exp: 0", exp("0"), Reason::Expired),
        ("nbf: to come", with(r#""nbf":1700000131"#), Reason::NotYetValid),
        ("CVE-2026-25537 (jsonwebtoken): nbf as a string", with(r#""nbf":"0""#), Reason::TimeMalformed),
        ("nbf: a float", with(r#""nbf":0.5"#), Reason::TimeMalformed),
        ("nbf: negative", with(r#""nbf":-1"#), Reason::TimeMalformed),
        ("nbf: null", with(r#""nbf":null"#), Reason::TimeMalformed),
        ("iat: to come", with(r#""iat":1700000131"#), Reason::NotYetValid),
        ("iat: a string", with(r#""iat":"1700000000""#), Reason::TimeMalformed),
        ("iat: 1e400", with(r#""iat":1e400"#), Reason::NotAToken),
    ]
}

/// `aud` and `iss`: RFC 7519, 4.1.1 and 4.1.3; RFC 8725, 3.8 and 3.9.
fn places(listener: &str) -> Vec<Row> {
    let aud = |to: &str| changed(AUD, &format!(r#""aud":{to}"#));
    let iss = |to: &str| changed(ISS, &format!(r#""iss":{to}"#));
    vec![
        ("no aud", changed(AUD, r#""x":1"#), Reason::Audience),
        ("aud: another", aud(r#""mail""#), Reason::Audience),
        ("aud: ours and more", aud(r#""chat2""#), Reason::Audience),
        ("aud: ours in another case", aud(r#""Chat""#), Reason::Audience),
        ("aud: a part of ours", aud(r#""cha""#), Reason::Audience),
        ("aud: empty", aud(r#""""#), Reason::Audience),
        ("CVE-2020-26160 (jwt-go): an empty list", aud("[]"), Reason::Audience),
        ("aud: a list without us", aud(r#"["mail","chat2"]"#), Reason::Audience),
        ("aud: a list in a list", aud(r#"[["chat"]]"#), Reason::Audience),
        ("aud: a list of mixed types", aud(r#"["chat",1]"#), Reason::Audience),
        ("aud: an object", aud(r#"{"chat":true}"#), Reason::Audience),
        ("aud: null", aud("null"), Reason::Audience),
        ("no iss", changed(ISS, r#""x":1"#), Reason::Issuer),
        ("iss: another", iss(r#""https://issuer.example.evil""#), Reason::Issuer),
        ("iss: with a slash", iss(r#""https://issuer.example/""#), Reason::Issuer),
        ("iss: in another case", iss(r#""https://Issuer.example""#), Reason::Issuer),
        ("iss: a list (fast-jwt, CVE-2025-30144)", iss(r#"["https://issuer.example"]"#), Reason::Issuer),
        ("iss: an address of the attacker", iss(&format!("{listener:?}")), Reason::Issuer),
    ]
}

/// `sub` and what else is said of the user.
fn users() -> Vec<Row> {
    let sub = |to: &str| changed(SUB, &format!(r#""sub":{to}"#));
    let with = |claim: &str| changed(SUB, &format!("{SUB},{claim}"));
    vec![
        ("no sub", changed(SUB, r#""x":1"#), Reason::UserMismatch),
        ("sub: another", sub(r#""bob""#), Reason::UserMismatch),
        ("sub: in another case", sub(r#""Alice""#), Reason::UserMismatch),
        ("sub: with a blank", sub(r#""alice ""#), Reason::UserMismatch),
        ("sub: with NUL", sub(r#""alice\u0000""#), Reason::UserMismatch),
        ("sub: letters that look alike", sub(r#""\u0430lice""#), Reason::UserMismatch),
        ("sub: empty", sub(r#""""#), Reason::UserMismatch),
        ("sub: null", sub("null"), Reason::UserMismatch),
        ("sub: a list", sub(r#"["alice"]"#), Reason::ClaimMalformed),
        ("sub: a number", sub("7"), Reason::ClaimMalformed),
        ("level: a string", with(r#""level":"7""#), Reason::ClaimMalformed),
        ("level: negative", with(r#""level":-7"#), Reason::ClaimMalformed),
        ("level: over 32 bits", with(r#""level":4294967296"#), Reason::ClaimMalformed),
        ("nickname: a number", with(r#""nickname":7"#), Reason::ClaimMalformed),
        ("nickname: with an escape sequence", with(r#""nickname":"\u001b[31m""#), Reason::ClaimMalformed),
        (
            "nickname: over a record's bound",
            with(&format!(r#""nickname":"{}""#, "n".repeat(1100))),
            Reason::ClaimMalformed,
        ),
        ("tags: a string", with(r#""tags":"vip""#), Reason::ClaimMalformed),
        ("roles: a list of numbers", with(r#""roles":[1]"#), Reason::ClaimMalformed),
        ("rooms: an object", with(r#""rooms":{"lobby":true}"#), Reason::ClaimMalformed),
        ("rooms: an empty name", with(r#""rooms":[""]"#), Reason::ClaimMalformed),
    ]
}

pub(super) fn rows(listener: &str) -> Vec<Row> {
    [times(), places(listener), users()].concat()
}
