//! The service's answer: who this is.

use super::super::answer::{Identity, Reason};
use super::super::json::{Object, WrongType};
use super::super::profile::Profile;

/// Reads a 200's body. What is not as `docs/login.md` asks is the service's mistake, and nobody comes in by it.
pub(super) fn read(body: &[u8], user_id: &str, now_ms: u64) -> Result<Identity, Reason> {
    let answer = Object::parse(body).ok_or(Reason::CallbackAnswer)?;
    let named = answer.text("user_id").map_err(|_| Reason::CallbackAnswer)?.ok_or(Reason::CallbackAnswer)?;
    if named != user_id {
        return Err(Reason::UserMismatch);
    }
    let expires_at_ms = answer.number("expires_at_ms").map_err(|_| Reason::CallbackAnswer)?;
    if expires_at_ms.is_some_and(|expires| expires <= now_ms) {
        return Err(Reason::Expired);
    }
    let profile = profile(&answer).map_err(|_| Reason::CallbackAnswer)?;
    profile.identity(user_id, expires_at_ms).map_err(|_| Reason::CallbackAnswer)
}

fn profile(answer: &Object) -> Result<Profile<'_>, WrongType> {
    Ok(Profile {
        nickname: answer.text("nickname")?,
        level: answer.small_number("level")?,
        room_level: answer.small_number("room_level")?,
        tags: answer.texts("tags")?,
        roles: answer.texts("roles")?,
        rooms: answer.texts("rooms")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_and_unknown_fields_are_passed_over() {
        let body = br#"{"user_id":"alice","nickname":"Al","level":3,"room_level":null,"tags":["vip"],
            "roles":["host"],"rooms":["lobby"],"expires_at_ms":2000,"later":{}}"#;
        let identity = read(body, "alice", 1000).unwrap();
        assert_eq!(identity.expires_at_ms, Some(2000));
        assert_eq!(identity.info.unwrap().nickname, "Al");
        assert_eq!(read(br#"{"user_id":"alice"}"#, "alice", 0).unwrap(), Identity::bare("alice"));
    }

    #[test]
    fn what_is_not_asked_for_lets_nobody_in() {
        for (body, reason) in [
            (r#"{"user_id":"bob"}"#, Reason::UserMismatch),
            (r#"{"user_id":"Alice"}"#, Reason::UserMismatch),
            (r#"{"user_id":"alice","expires_at_ms":1000}"#, Reason::Expired),
            ("{}", Reason::CallbackAnswer),
            (r#"{"user_id":7}"#, Reason::CallbackAnswer),
            (r#"{"user_id":null}"#, Reason::CallbackAnswer),
            (r#"{"user_id":"alice","user_id":"alice"}"#, Reason::CallbackAnswer),
            (r#"{"user_id":"alice","level":-1}"#, Reason::CallbackAnswer),
            (r#"{"user_id":"alice","level":4294967296}"#, Reason::CallbackAnswer),
            (r#"{"user_id":"alice","tags":"vip"}"#, Reason::CallbackAnswer),
            (r#"{"user_id":"alice","rooms":[1]}"#, Reason::CallbackAnswer),
            (r#"{"user_id":"alice","expires_at_ms":2000.5}"#, Reason::CallbackAnswer),
            (r#"{"user_id":"alice","nickname":"a\u0000"}"#, Reason::CallbackAnswer),
            (r#"["alice"]"#, Reason::CallbackAnswer),
            ("true", Reason::CallbackAnswer),
            ("", Reason::CallbackAnswer),
            ("<html>ok</html>", Reason::CallbackAnswer),
        ] {
            assert_eq!(read(body.as_bytes(), "alice", 1000).unwrap_err(), reason, "{body}");
        }
    }
}
