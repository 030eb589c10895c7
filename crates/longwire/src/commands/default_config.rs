//! `longwire default-config`: the commented default file on stdout.

use crate::exit::Exit;
use crate::out;
use std::io::Write;

/// Print the commented default configuration file
#[derive(Debug, clap::Args)]
pub(crate) struct DefaultConfigArgs {}

impl DefaultConfigArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        writeln!(out::stdout(), "# Longwire runs without a configuration file.")?;
        Ok(Exit::Done)
    }
}
