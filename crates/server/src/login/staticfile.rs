//! The provider `static`: a file of users, for deployments small enough to write theirs down.
//!
//! The file holds digests of tokens, never tokens. An unknown user costs what a wrong token costs: the same digest, the
//! same comparison, the same answer.

use std::collections::HashMap;

use serde::Deserialize;

use super::answer::{Answer, Identity, Reason};
use super::digest::Sha256;
use super::jwt::read_bounded;
use super::profile::Profile;
use super::provider::BuildError;
use crate::config::LoginConfig;

const FILE_BYTES_MAX: usize = 32 << 20;
/// Users of the file; each costs about 300 B and its strings.
const USERS_MAX: usize = 100_000;
/// What `limits.id_max` may be at most.
const ID_BYTES_MAX: usize = 512;
const KEY: &str = "login.static_file";

/// The users of one file, as it was when it was read.
pub(crate) struct Users(HashMap<Box<str>, (Sha256, Identity)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    user: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    token_sha256: String,
    nickname: Option<String>,
    level: Option<u32>,
    room_level: Option<u32>,
    tags: Option<Vec<String>>,
    roles: Option<Vec<String>>,
    rooms: Option<Vec<String>>,
}

impl Users {
    /// Reads `login.static_file`.
    pub(crate) fn build(config: &LoginConfig) -> Result<Self, BuildError> {
        let path = &config.static_file;
        let bytes = read_bounded(path, FILE_BYTES_MAX).map_err(|reason| BuildError::new(KEY, reason))?;
        let refuse = |reason: String| BuildError::new(KEY, format!("{path}: {reason}"));
        let text = String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8".to_owned()))?;
        Self::parse(&text).map_err(refuse)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|err| {
            let at = err.span().map_or(0, |span| span.start);
            let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
            format!("line {line}: {}", err.message())
        })?;
        if file.user.len() > USERS_MAX {
            return Err(format!("has {} users, over {USERS_MAX}", file.user.len()));
        }
        let mut users = HashMap::with_capacity(file.user.len());
        for (at, entry) in file.user.iter().enumerate() {
            let (digest, identity) = entry.read().map_err(|why| format!("user {}: {why}", at + 1))?;
            if users.insert(entry.id.clone().into(), (digest, identity)).is_some() {
                return Err(format!("user {}: the id {:?} is there twice", at + 1, entry.id));
            }
        }
        Ok(Self(users))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn answer(&self, token: &str, user_id: &str) -> Answer {
        let given = Sha256::of(token.as_bytes());
        // A digest that nobody has a token for stands in for the one of a user who is not there.
        let nobody = Sha256::of(b"");
        let known = self.0.get(user_id);
        let is_right = given.is(known.map_or(&nobody, |(digest, _)| digest));
        match known {
            Some((_, identity)) if is_right => Ok(identity.clone()),
            _ => Err(Reason::WrongToken.into()),
        }
    }
}

impl Entry {
    fn read(&self) -> Result<(Sha256, Identity), String> {
        let id = &self.id;
        if id.is_empty() || id.len() > ID_BYTES_MAX || id.chars().any(char::is_control) {
            return Err(format!("id: 1 to {ID_BYTES_MAX} bytes without control characters"));
        }
        if longwire_engine::is_reserved(id) {
            return Err("id: system and what begins with guest: are the server's own names".to_owned());
        }
        let digest = Sha256::parse_hex(&self.token_sha256).ok_or_else(|| {
            "token_sha256: 64 hexadecimal digits: printf %s \"$TOKEN\" | sha256sum".to_owned()
        })?;
        if digest.is(&Sha256::of(b"")) {
            return Err("token_sha256: is the digest of nothing".to_owned());
        }
        let profile = Profile {
            nickname: self.nickname.as_deref(),
            level: self.level,
            room_level: self.room_level,
            tags: borrowed(&self.tags),
            roles: borrowed(&self.roles),
            rooms: borrowed(&self.rooms),
        };
        let identity = profile.identity(id, None).map_err(|err| err.to_string())?;
        Ok((digest, identity))
    }
}

fn borrowed(list: &Option<Vec<String>>) -> Option<Vec<&str>> {
    list.as_ref().map(|list| list.iter().map(String::as_str).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::digest::work;

    /// The SHA-256 of `abc`.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn users() -> Users {
        Users::parse(&format!(
            "[[user]]\nid = \"alice\"\ntoken_sha256 = \"{ABC}\"\nnickname = \"Al\"\nroles = [\"host\"]\nrooms = []\n\
             [[user]]\nid = \"bob\"\ntoken_sha256 = \"{}\"\n",
            "0".repeat(64)
        ))
        .unwrap()
    }

    #[test]
    fn the_right_token_is_the_users_identity() {
        let identity = users().answer("abc", "alice").unwrap();
        assert_eq!((identity.user_id.as_ref(), identity.info.unwrap().nickname.as_str()), ("alice", "Al"));
        assert_eq!(identity.rooms.as_deref(), Some(&[][..]));
    }

    #[test]
    fn an_unknown_user_and_a_wrong_token_look_the_same() {
        let users = users();
        for (token, user) in
            [("abd", "alice"), ("abc", "bob"), ("abc", "carol"), ("", "carol"), ("", "alice"), (ABC, "alice")]
        {
            assert_eq!(users.answer(token, user).unwrap_err().reason, Reason::WrongToken, "{user}");
        }
    }

    /// Hashing and comparing is all that a LOGIN costs beside a look into a table. Counted, because a clock would judge the
    /// machine; what a clock says is the next one.
    #[test]
    fn an_unknown_user_and_a_wrong_token_take_the_same_work() {
        let users = users();
        for token in ["x".repeat(4096), "abd".to_owned(), String::new()] {
            let [known, unknown] =
                ["alice", "carol"].map(|user| work::of(|| assert!(users.answer(&token, user).is_err())));
            assert_eq!(known, unknown, "{} bytes", token.len());
            assert_eq!(known, work::Work { hashed: token.len(), compared: 1 });
        }
    }

    /// `cargo test --release -p longwire-server an_unknown_user_takes -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn an_unknown_user_takes_the_time_of_a_wrong_token() {
        let (users, token) = (users(), "x".repeat(40));
        let mut nanos = [("alice", Vec::new()), ("carol", Vec::new())];
        for _ in 0..2_000 {
            // in turns, so that whatever the machine does meanwhile happens to both
            for (user, taken) in &mut nanos {
                let begin = std::time::Instant::now();
                (0..100).for_each(|_| drop(users.answer(std::hint::black_box(&token), user)));
                taken.push(begin.elapsed().as_nanos() / 100);
            }
        }
        for (user, taken) in &mut nanos {
            taken.sort_unstable();
            let at = |percent: usize| taken[taken.len() * percent / 100];
            println!("{user:>6}: {} ns, from {} to {} (10 to 90 %)", at(50), at(10), at(90));
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_by_line_or_user_without_digests() {
        let user = |rest: &str| format!("[[user]]\nid = \"alice\"\ntoken_sha256 = \"{ABC}\"\n{rest}");
        for (text, told) in [
            (user("nick = \"x\""), "line 4: unknown field `nick`"),
            (user("level = -1"), "line 4: invalid value"),
            (user("tags = \"vip\""), "line 4: invalid type"),
            ("[[user]]\nid = \"a\"".to_owned(), "line 1: missing field `token_sha256`"),
            (user("").replace("ba78", "xx78"), "user 1: token_sha256"),
            (user("").replace("alice", ""), "user 1: id"),
            (user("").replace("alice", "a\\u0000"), "user 1: id"),
            (user("").replace("alice", "system"), "user 1: id: system"),
            (user("").replace("alice", "guest:1"), "user 1: id: system"),
            (user(&user("")), "user 2: the id \"alice\" is there twice"),
            (user("nickname = \"\\u001b\""), "user 1: nickname or a tag has a control character"),
            ("users = []".to_owned(), "line 1: unknown field `users`"),
            ("[[user".to_owned(), "line 1: "),
        ] {
            let err = Users::parse(&text).err().expect(&text);
            assert!(err.starts_with(told), "{err}");
            assert!(!err.contains(&ABC[4..]), "{err}");
        }
        assert_eq!(Users::parse("").unwrap().len(), 0);
    }
}
