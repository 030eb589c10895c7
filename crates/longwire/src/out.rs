//! Stdout, for answers: `writeln!(out, …)?` instead of `println!`, which panics on a closed pipe.
//!
//! A reader that has gone (`longwire tail … | head`) is the end of the command, not a failure of it. Only stdout's
//! pipe counts: a broken connection to a server has the same error kind and stays an error.

use std::io::{self, Write};
use std::{error, fmt};

/// Line-buffered stdout whose closed pipe is told apart from every other broken pipe.
#[derive(Debug)]
pub(crate) struct Out(io::Stdout);

/// Whoever read our stdout is gone.
#[derive(Debug)]
struct ClosedPipe;

/// The one way to stdout.
pub(crate) fn stdout() -> Out {
    Out(io::stdout())
}

/// Whether `err` is only that whoever read our stdout is gone.
pub(crate) fn is_closed_pipe(err: &anyhow::Error) -> bool {
    err.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.and_then(io::Error::get_ref).is_some_and(|inner| inner.is::<ClosedPipe>())
    })
}

impl Write for Out {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf).map_err(mark)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(mark)
    }
}

fn mark(err: io::Error) -> io::Error {
    if err.kind() == io::ErrorKind::BrokenPipe { io::Error::new(err.kind(), ClosedPipe) } else { err }
}

impl fmt::Display for ClosedPipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads our output any more")
    }
}

impl error::Error for ClosedPipe {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_stdout_is_a_closed_pipe() {
        let ours = anyhow::Error::from(mark(io::ErrorKind::BrokenPipe.into())).context("while printing");
        assert!(is_closed_pipe(&ours));
        let a_servers = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(!is_closed_pipe(&a_servers));
    }
}
