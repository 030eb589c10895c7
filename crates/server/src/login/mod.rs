//! Login providers: who answers the question «is this token this user's, and what may they do?».
//!
//! One typed question ([`Question`]), one typed answer ([`Answer`]), given off the shards: [`Provider::answer`] is a
//! future that lives on the control runtime, and whoever asked may be gone when it is done. A provider never learns
//! who listens, never touches a session, and never waits without a bound; what it cannot find out it refuses with
//! OVERLOADED, which a client may repeat.
//! Invariant: tokens, keys and bodies are in no log, no error and no `Debug`: they live in types that hide them.

mod answer;
pub mod check;
pub(crate) mod desk;
mod digest;
mod http;
mod json;
pub mod jwt;
mod outbound;
mod profile;
mod provider;
mod question;
mod staticfile;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod turns;

pub use answer::{Answer, Identity, Reason, Refusal};
pub(crate) use jwt::read_bounded;
pub use provider::{BuildError, Provider};
pub use question::{Question, Secret};
