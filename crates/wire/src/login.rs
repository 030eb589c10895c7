//! LOGIN's body: who logs in, by which fields, and what of it is believed.
use std::fmt;

use crate::BodyError;
use crate::message::{OTHER_WIRE_TYPE, check_id};
use crate::scan::{Fields, Value, put_bytes, utf8};

/// `LoginRequest.features`; extension fields start at 100, so that no lost field of the document can collide.
const FEATURES: u32 = 100;

/// LOGIN's field numbers (the document lost them, deployments map them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginFields {
    /// 1 by default.
    pub token: u32,
    /// 2 by default.
    pub user_id: u32,
}

impl Default for LoginFields {
    fn default() -> Self {
        Self { token: 1, user_id: 2 }
    }
}

/// Empty strings where a field is absent.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct LoginRequest<'a> {
    /// Proves the userId.
    pub token: &'a str,
    /// Whom the client claims to be.
    pub user_id: &'a str,
    /// The extensions it asks for, one a bit.
    pub features: u64,
}

/// Who logs in, by which of the two fields are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginKind {
    /// Neither token nor userId, whatever else is there.
    Guest,
    /// Both.
    User,
    /// Exactly one: UNAUTHENTICATED.
    Half,
}

impl<'a> LoginRequest<'a> {
    /// Checks protobuf well-formedness only; sizes and control characters are `check`'s.
    pub fn parse(body: &'a [u8], fields: LoginFields) -> Result<Self, BodyError> {
        let mut login = Self::default();
        for field in Fields::of(body) {
            let field = field?;
            match (field.number, field.value) {
                (number, Value::Bytes(token)) if number == fields.token => login.token = utf8(token)?,
                (number, Value::Bytes(user_id)) if number == fields.user_id => login.user_id = utf8(user_id)?,
                (FEATURES, Value::Varint(features)) => login.features = features,
                (number, _) if number == fields.token || number == fields.user_id => {
                    return Err(OTHER_WIRE_TYPE);
                }
                (FEATURES, _) => return Err(OTHER_WIRE_TYPE),
                _ => {}
            }
        }
        Ok(login)
    }

    /// Guest, user or neither.
    pub fn kind(&self) -> LoginKind {
        match (self.token.is_empty(), self.user_id.is_empty()) {
            //= PROTOCOL.md#8.2
            // With neither token nor userId it is a guest's, whatever else is in it.
            (true, true) => LoginKind::Guest,
            (false, false) => LoginKind::User,
            _ => LoginKind::Half,
        }
    }

    /// A userId that is there has at most `id_max` bytes and no control characters, a token at most `token_max`.
    /// That one of them is absent is [`kind`](Self::kind)'s to tell.
    pub fn check(&self, id_max: usize, token_max: usize) -> Result<(), BodyError> {
        BodyError::if_over("token", self.token.len(), token_max)?;
        if self.user_id.is_empty() { Ok(()) } else { check_id("userId", self.user_id, id_max) }
    }
}

/// Never shows the token: logs are read by people it does not belong to.
impl fmt::Debug for LoginRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = format_args!("{} bytes", self.token.len());
        let mut shown = f.debug_struct("LoginRequest");
        shown
            .field("token", &token)
            .field("user_id", &self.user_id)
            .field("features", &self.features)
            .finish()
    }
}

/// Client side: appends a LOGIN body. Both empty: nothing, a guest's.
pub fn put_login(out: &mut Vec<u8>, token: &str, user_id: &str, fields: LoginFields) {
    put_bytes(out, fields.token, token.as_bytes());
    put_bytes(out, fields.user_id, user_id.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(body: &[u8]) -> Result<(&str, &str, u64), BodyError> {
        LoginRequest::parse(body, LoginFields::default())
            .map(|login| (login.token, login.user_id, login.features))
    }

    #[test]
    fn login_takes_the_last_of_each_field_and_ignores_the_rest() {
        assert_eq!(login(b""), Ok(("", "", 0)));
        assert_eq!(login(b"\x0A\x01t\x12\x01u"), Ok(("t", "u", 0)));
        assert_eq!(login(b"\x0A\x01t\x12\x01u\x0A\x02t2\x18\x07\x22\x01x"), Ok(("t2", "u", 0)));
        assert_eq!(login(b"\xA0\x06\x85\x01"), Ok(("", "", 0x85)));
        assert_eq!(login(b"\x08\x01\x12\x01u"), Err(OTHER_WIRE_TYPE));
        assert_eq!(login(b"\xA2\x06\x00"), Err(OTHER_WIRE_TYPE));
        assert_eq!(login(b"\x0A\x01\xFF"), Err(BodyError::Malformed("a string is not UTF-8")));
        assert!(login(b"\x1A\x05ab").is_err(), "an unknown field must be well-formed too");
    }

    #[test]
    fn login_fields_can_be_mapped() {
        //= PROTOCOL.md#19.2
        let fields = LoginFields { token: 20, user_id: 1 };
        let mut body = Vec::new();
        put_login(&mut body, "t", "u", fields);
        let login = LoginRequest::parse(&body, fields).unwrap();
        assert_eq!((login.token, login.user_id), ("t", "u"));
    }

    #[test]
    fn who_logs_in_is_told_by_which_fields_are_there() {
        let kind = |body| LoginRequest::parse(body, LoginFields::default()).unwrap().kind();
        assert_eq!(kind(b"\x1A\x01x"), LoginKind::Guest);
        assert_eq!(kind(b"\x0A\x01t\x12\x01u"), LoginKind::User);
        assert_eq!(kind(b"\x0A\x01t"), LoginKind::Half);
        assert_eq!(kind(b"\x12\x01u\x0A\x00"), LoginKind::Half);
    }

    #[test]
    fn login_is_checked_at_its_limits() {
        let check = |token, user_id| LoginRequest { token, user_id, features: 0 }.check(4, 5);
        assert_eq!(check("12345", "1234"), Ok(()));
        assert_eq!(check("", ""), Ok(()));
        assert_eq!(check("123456", "u"), Err(BodyError::TooLarge { field: "token", len: 6, max: 5 }));
        assert_eq!(check("t", "12345"), Err(BodyError::TooLarge { field: "userId", len: 5, max: 4 }));
        assert!(check("t", "a\nb").is_err());
    }

    #[test]
    fn a_token_is_never_shown() {
        let shown = format!("{:?}", LoginRequest { token: "secret", user_id: "ann", features: 0 });
        assert_eq!(shown, r#"LoginRequest { token: 6 bytes, user_id: "ann", features: 0 }"#);
    }
}
