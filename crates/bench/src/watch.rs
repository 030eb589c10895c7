//! Who watches a run: where its progress is told, and who may end it early.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering::Acquire};

use crate::failure::Failure;

/// Who watches a run.
pub struct Watch<'a> {
    progress: &'a mut dyn Write,
    stop: &'a AtomicBool,
}

impl<'a> Watch<'a> {
    /// A line a second goes to `progress`; `stop` ends the run, without a report.
    pub fn new(progress: &'a mut dyn Write, stop: &'a AtomicBool) -> Self {
        Self { progress, stop }
    }

    /// One line. Nobody may be listening, which is no reason to end.
    pub(crate) fn tell(&mut self, line: &str) {
        let _ = writeln!(self.progress, "{line}");
    }

    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.stop.load(Acquire) { Err(Failure::Interrupted) } else { Ok(()) }
    }
}
