//! How a command ends, as the number the shell sees.
//!
//! A command returns `anyhow::Result<Exit>`. An error is told on stderr, a line for each thing that is wrong, and ends with 1, or with the
//! number of the [`Failed`] it is; an [`out::ClosedPipe`] anywhere in it ends with 0 and without a word.

use crate::out;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;

/// The exit statuses of the command line, for every command alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "the whole table in one place; not every command uses every row")]
pub(crate) enum Exit {
    /// 0: done; for `serve`: drained clean.
    Done,
    /// 1: it failed: start or configuration, a refusal, a bad frame.
    Failed,
    /// 2: wrong usage, nothing was tried. What clap refuses ends with it too.
    Usage,
    /// 3: `serve` was cut short by a second signal or the drain's deadline.
    CutShort,
    /// 4: no connection, or it was lost for good.
    Unreachable,
    /// 5: not allowed: the login was refused.
    NotAllowed,
    /// 130: a client was interrupted (SIGINT).
    Interrupted,
    /// 143: a client was terminated (SIGTERM).
    Terminated,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::CutShort => 3,
            Self::Unreachable => 4,
            Self::NotAllowed => 5,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error that ends with another number than 1: `Err(Failed::new(Exit::NotAllowed, "login refused").into())`.
#[derive(Debug)]
#[allow(dead_code, reason = "for the commands that connect")]
pub(crate) struct Failed {
    exit: Exit,
    message: String,
}

impl Failed {
    #[allow(dead_code, reason = "for the commands that connect")]
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failed {}

/// Tells an error on stderr, once, and says with which status the process ends.
pub(crate) fn report(result: anyhow::Result<Exit>) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(err) if out::is_closed_pipe(&err) => Exit::Done,
        Err(err) => {
            // Nobody may be reading stderr either; there is nowhere left to complain.
            let text = format!("{err:#}").lines().map(|line| format!("error: {line}\n")).collect::<String>();
            let _ = std::io::stderr().write_all(text.as_bytes());
            err.downcast_ref::<Failed>().map_or(Exit::Failed, |failed| failed.exit)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn an_error_ends_with_1_and_a_failed_with_its_own_number() {
        assert_eq!(report(Err(anyhow::anyhow!("no"))), Exit::Failed);
        assert_eq!(report(Err(Failed::new(Exit::NotAllowed, "refused").into())), Exit::NotAllowed);
        let wrapped = Err(Failed::new(Exit::Unreachable, "refused")).context("while connecting");
        assert_eq!(report(wrapped), Exit::Unreachable);
    }
}
