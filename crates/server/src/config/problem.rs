//! What is wrong with a configuration: where, which key, why, and what was probably meant.

use crate::escape::Escaped;
use std::fmt;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file; line and column count from 1.
    File {
        /// As it was given.
        name: String,
        /// The value's line.
        line: usize,
        /// The value's column, in characters.
        column: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag of the command line: `--listen`.
    Flag(String),
}

impl Origin {
    /// The line of the file; `None` for what is not in a file.
    pub(super) fn line(&self) -> Option<usize> {
        self.place().map(|(line, _)| line)
    }

    /// Line and column: for the order of complaints.
    pub(super) fn place(&self) -> Option<(usize, usize)> {
        if let Self::File { line, column, .. } = self { Some((*line, *column)) } else { None }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line, column } => write!(f, "{}:{line}:{column}", Escaped(name)),
            Self::Variable(name) | Self::Flag(name) => write!(f, "{}", Escaped(name)),
        }
    }
}

/// One thing that is wrong, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it was set.
    pub origin: Origin,
    /// The full name of the key; empty where the file is no TOML.
    pub key: String,
    /// What is wrong and what would be right.
    pub reason: String,
    /// For a key that does not exist: the one that was probably meant.
    pub nearest: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", Escaped(&self.key))?;
        }
        write!(f, "{}", Escaped(&self.reason))?;
        self.nearest.as_ref().map_or(Ok(()), |nearest| write!(f, "; the nearest is {nearest}"))
    }
}

/// All that is wrong, a line each; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);
