//! `longwire default-config`: every key with its default and what it costs, on stdout.

use crate::exit::Exit;
use crate::out;
use longwire_server::config;
use std::io::Write;

/// Print the default configuration file, commented
#[derive(Debug, clap::Args)]
pub(crate) struct DefaultConfigArgs {
    /// Print the environment variables instead
    #[arg(long, conflicts_with = "production")]
    env: bool,
    /// The file of a server for the internet: real login, rates
    #[arg(long)]
    production: bool,
}

impl DefaultConfigArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let text = match (self.env, self.production) {
            (true, _) => config::default_variables(),
            (false, true) => config::production_file(),
            (false, false) => config::default_file(),
        };
        let mut out = out::stdout();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(Exit::Done)
    }
}
