//! `longwire chat` behind its arguments: a pure model, and two faces of it.
//!
//! | module | is |
//! |---|---|
//! | `model` | what a chat knows and decides; values in, values out |
//! | `rooms`, `speakers` | in which rooms we are and where typing goes; whom Tab knows |
//! | `command` | what a typed line means |
//! | `status` | the row above the prompt |
//! | `line`, `escape` | what is printed, harmless whatever a stranger wrote |
//! | `session` | orders carried out on the connection, in order |
//! | `plain` | the face for scripts: lines in, lines out |
//! | `terminal` | the face for people: a prompt that stays put (feature `tui`) |

#![cfg_attr(not(feature = "tui"), allow(dead_code, reason = "what only a terminal shows"))]

pub(crate) mod command;
pub(crate) mod escape;
pub(crate) mod line;
pub(crate) mod model;
pub(crate) mod plain;
pub(crate) mod rooms;
pub(crate) mod session;
pub(crate) mod speakers;
pub(crate) mod status;
#[cfg(feature = "tui")]
pub(crate) mod terminal;
