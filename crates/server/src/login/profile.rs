//! What a provider says about a user beyond who it is, checked in one place for all of them.

use longwire_wire::UserInfo;
use longwire_wire::limits::{ID_BYTES_MAX, TAGS_MAX, USER_INFO_BYTES_MAX};

use super::answer::Identity;

/// Roles of one user.
const ROLES_MAX: usize = 64;
/// Rooms that one user is confined to; a session holds them for as long as it lasts.
const ROOMS_MAX: usize = 256;
/// Field tags and lengths around what `userInfo` holds: level, room level, nickname; and around a tag.
const INFO_BYTES_BESIDE: usize = 6 + 6 + 3;
const TAG_BYTES_BESIDE: usize = 3;
/// A room's or a role's name: what a configuration may widen a chatroomId to, and no more.
const NAME_BYTES_MAX: usize = 512;
const _: () = assert!(ID_BYTES_MAX <= NAME_BYTES_MAX, "every room can be named");

/// As stated, unchecked.
#[derive(Debug, Default)]
pub(crate) struct Profile<'a> {
    pub(crate) nickname: Option<&'a str>,
    pub(crate) level: Option<u32>,
    pub(crate) room_level: Option<u32>,
    pub(crate) tags: Option<Vec<&'a str>>,
    pub(crate) roles: Option<Vec<&'a str>>,
    pub(crate) rooms: Option<Vec<&'a str>>,
}

/// A statement that no session could hold or no client be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProfileError {
    #[error(
        "nickname and tags together are over {USER_INFO_BYTES_MAX} bytes, or there are over {TAGS_MAX} tags"
    )]
    InfoTooLarge,
    #[error("over {ROLES_MAX} roles or {ROOMS_MAX} rooms")]
    TooMany,
    #[error("a role or a room is empty, over {NAME_BYTES_MAX} bytes or has a control character")]
    Name,
    #[error("nickname or a tag has a control character")]
    Text,
}

impl Profile<'_> {
    /// The identity of `user_id`, if what is stated keeps to the bounds.
    pub(crate) fn identity(
        self,
        user_id: &str,
        expires_at_ms: Option<u64>,
    ) -> Result<Identity, ProfileError> {
        let info = self.info()?;
        let roles = names(self.roles.unwrap_or_default(), ROLES_MAX)?;
        let rooms = self.rooms.map(|rooms| names(rooms, ROOMS_MAX)).transpose()?;
        Ok(Identity { user_id: user_id.into(), info, roles, rooms, expires_at_ms })
    }

    fn info(&self) -> Result<Option<Box<UserInfo>>, ProfileError> {
        if self.nickname.is_none() && self.level.is_none() && self.room_level.is_none() && self.tags.is_none()
        {
            return Ok(None);
        }
        let (nickname, tags) = (self.nickname.unwrap_or_default(), self.tags.as_deref().unwrap_or_default());
        let tag_bytes: usize = tags.iter().map(|tag| TAG_BYTES_BESIDE + tag.len()).sum();
        if tags.len() > TAGS_MAX || INFO_BYTES_BESIDE + nickname.len() + tag_bytes > USER_INFO_BYTES_MAX {
            return Err(ProfileError::InfoTooLarge);
        }
        if has_control(nickname) || tags.iter().any(|tag| has_control(tag)) {
            return Err(ProfileError::Text);
        }
        Ok(Some(Box::new(UserInfo {
            level: self.level.unwrap_or_default(),
            room_level: self.room_level.unwrap_or_default(),
            nickname: nickname.to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        })))
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

fn names(names: Vec<&str>, max: usize) -> Result<Box<[Box<str>]>, ProfileError> {
    if names.len() > max {
        return Err(ProfileError::TooMany);
    }
    let is_name = |name: &&str| !name.is_empty() && name.len() <= NAME_BYTES_MAX && !has_control(name);
    if !names.iter().all(is_name) {
        return Err(ProfileError::Name);
    }
    Ok(names.into_iter().map(Box::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_tags(count: usize, bytes: usize) -> Result<Identity, ProfileError> {
        let tag = "t".repeat(bytes);
        Profile { tags: Some(vec![&tag; count]), ..Profile::default() }.identity("alice", None)
    }

    #[test]
    fn bounds_hold_at_the_limit_and_not_one_past_it() {
        assert!(with_tags(64, 12).is_ok());
        assert_eq!(with_tags(65, 1).unwrap_err(), ProfileError::InfoTooLarge);
        let nickname = |bytes: usize| {
            let name = "n".repeat(bytes);
            Profile { nickname: Some(&name), ..Profile::default() }.identity("alice", None)
        };
        let most = USER_INFO_BYTES_MAX - INFO_BYTES_BESIDE;
        assert!(nickname(most).is_ok());
        assert_eq!(nickname(most + 1).unwrap_err(), ProfileError::InfoTooLarge);
        let rooms = |count: usize| {
            Profile { rooms: Some(vec!["lobby"; count]), ..Profile::default() }.identity("alice", None)
        };
        assert!(rooms(ROOMS_MAX).is_ok());
        assert_eq!(rooms(ROOMS_MAX + 1).unwrap_err(), ProfileError::TooMany);
    }

    #[test]
    fn nothing_stated_leaves_the_clients_own_info() {
        let identity = Profile::default().identity("alice", None).unwrap();
        assert_eq!(identity, Identity::bare("alice"));
        let none = Profile { rooms: Some(Vec::new()), ..Profile::default() }.identity("alice", None).unwrap();
        assert_eq!(none.rooms.as_deref(), Some(&[][..]), "no room is not any room");
    }

    #[test]
    fn control_characters_and_empty_names_are_refused() {
        for profile in [
            Profile { nickname: Some("a\u{1b}[31m"), ..Profile::default() },
            Profile { tags: Some(vec!["a\n"]), ..Profile::default() },
        ] {
            assert_eq!(profile.identity("alice", None).unwrap_err(), ProfileError::Text);
        }
        for name in ["", "a\0"] {
            let profile = Profile { roles: Some(vec![name]), ..Profile::default() };
            assert_eq!(profile.identity("alice", None).unwrap_err(), ProfileError::Name);
        }
    }
}
