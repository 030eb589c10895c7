//! `longwire default-config`: every key with its default and what it costs, on stdout.

use crate::exit::Exit;
use crate::out;
use longwire_server::config;
use std::io::Write;

/// Print the default configuration file, commented
#[derive(Debug, clap::Args)]
pub(crate) struct DefaultConfigArgs {
    /// Print the environment variables instead
    #[arg(long)]
    env: bool,
}

impl DefaultConfigArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let text = if self.env { config::default_variables() } else { config::default_file() };
        let mut out = out::stdout();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(Exit::Done)
    }
}
