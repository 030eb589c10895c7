//! `longwire serve`: what was typed becomes a configuration, and a configuration a running server.

use crate::exit::Exit;
use crate::layers;
use clap::ValueEnum;
use longwire_server::config::{self, Flag, Layers};
use longwire_server::{ServeEnd, ServeOptions, logging};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Run the server until SIGTERM or SIGINT
#[derive(Debug, clap::Args)]
#[command(after_help = "Every key of the configuration: longwire default-config [--env]")]
pub(crate) struct ServeArgs {
    /// Listen on IP:PORT [LONGWIRE_SERVER__LISTEN]
    ///
    /// May be repeated; port 0 takes any free one. The variable is a list: ["127.0.0.1:7610"].
    #[arg(long, value_name = "ADDR")]
    listen: Vec<SocketAddr>,
    /// The configuration file [LONGWIRE_CONFIG]
    #[arg(long, value_name = "FILE", env = "LONGWIRE_CONFIG", hide_env = true)]
    config: Option<PathBuf>,
    /// Threads, 0: one a core [LONGWIRE_SERVER__SHARDS]
    #[arg(long, value_name = "N")]
    shards: Option<usize>,
    /// auto, human or json [LONGWIRE_LOG__FORMAT]
    #[arg(long, value_name = "F", hide_possible_values = true)]
    log_format: Option<LogFormat>,
    /// error, warn, info, debug [LONGWIRE_LOG__LEVEL]
    ///
    /// Also off and trace, and a level for one module: info,longwire_server=debug.
    #[arg(long, value_name = "L")]
    log_level: Option<String>,
    /// Write the bound addresses here once ready
    ///
    /// One JSON object, {"listen":["127.0.0.1:7610"]}; for scripts that listen on port 0.
    #[arg(long, value_name = "FILE")]
    ports_file: Option<PathBuf>,
    /// Set any key of the configuration
    ///
    /// May be repeated: --set wire.timeouts.idle=40s. Goes over the variables and the file.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// Allow open login beyond this machine
    ///
    /// Anybody who reaches the port may log in as anybody. [LONGWIRE_LOGIN__OPEN_ON_ANY_ADDRESS]
    #[arg(long)]
    allow_open_login: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Auto,
    Human,
    Json,
}

impl ServeArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        // An empty variable counts as not set, here as everywhere.
        let file = self.config.as_deref().filter(|path| !path.as_os_str().is_empty());
        let layers = Layers { flags: self.flags(), ..layers::read(file)? };
        let loaded = config::load(&layers)?;
        logging::init(&loaded.config.log)?;
        loaded.log_warnings();
        let options = ServeOptions { ports_file: self.ports_file };
        let end = longwire_server::serve(loaded.config, options);
        logging::flush(); // what was logged comes before the complaint
        Ok(match end? {
            ServeEnd::Clean => Exit::Done,
            ServeEnd::CutShort => Exit::CutShort,
        })
    }

    /// Flags as keys. A flag of its own goes over `--set` of the same key.
    fn flags(&self) -> Vec<Flag> {
        let mut flags = Vec::new();
        let mut add = |name: &str, key: &str, value: String| {
            flags.push(Flag { name: name.to_owned(), key: key.to_owned(), value });
        };
        for (key, value) in &self.set {
            add("--set", key, value.clone());
        }
        if !self.listen.is_empty() {
            let list: Vec<String> = self.listen.iter().map(|address| format!("\"{address}\"")).collect();
            add("--listen", "server.listen", format!("[{}]", list.join(", ")));
        }
        if let Some(shards) = self.shards {
            add("--shards", "server.shards", shards.to_string());
        }
        if let Some(format) = self.log_format.and_then(|format| format.to_possible_value()) {
            add("--log-format", "log.format", format.get_name().to_owned());
        }
        if let Some(level) = &self.log_level {
            add("--log-level", "log.level", level.clone());
        }
        if self.allow_open_login {
            add("--allow-open-login", "login.open_on_any_address", "true".to_owned());
        }
        flags
    }
}

pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as log.level=debug")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}
