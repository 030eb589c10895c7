//! What a configuration is made of on this machine: its file, and the process's environment.

use anyhow::Context;
use longwire_server::config::Layers;
use std::path::Path;

/// The layers that every command with a configuration has: `file`, where there is one, and the environment.
pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Layers> {
    let file = file.map(|path| {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        anyhow::Ok((name, text))
    });
    // A value that is no UTF-8 is none that a key takes: it is refused like any other wrong value.
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let variables = std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))).collect();
    Ok(Layers { file: file.transpose()?, variables, flags: Vec::new() })
}
