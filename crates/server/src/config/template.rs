//! The default file and the default variables, written from the keys themselves.

use super::key::Key;
use super::sections::SECTIONS;
use super::{Config, keys};
use std::fmt::Write;
use toml::Value;

/// A configuration file that sets every key to its default, with each key's documentation above it.
pub fn default_file() -> String {
    let defaults = Config::default();
    let mut file = FILE_HEAD.to_owned();
    for section in SECTIONS {
        for (at, group) in section.groups.iter().enumerate() {
            file.push('\n');
            push_comment(&mut file, group.doc);
            if section.name.is_empty() {
                // keys without a table around them
            } else if at == 0 {
                let _ = writeln!(file, "[{}]", section.name);
            } else if group.keys.iter().any(|key| !key.doc.is_empty()) {
                file.push('\n');
            }
            for key in group.keys {
                push_comment(&mut file, key.doc);
                let name = key.path.strip_prefix(section.name).unwrap_or(key.path).trim_start_matches('.');
                let _ = writeln!(file, "{name} = {}", key.show(&defaults));
            }
        }
    }
    file
}

/// A variable for every key, with its default, in the form of an environment file.
pub fn default_variables() -> String {
    let defaults = Config::default();
    keys().fold(VARIABLES_HEAD.to_owned(), |mut lines, key| {
        push_comment(&mut lines, key.doc);
        let _ = writeln!(lines, "{}={}", key.variable(), variable_text(key, &defaults));
        lines
    })
}

const FILE_HEAD: &str = "\
# Longwire's configuration. Every key is here with its default, so every line may be left out, and so may the file.
# Durations and sizes are strings with a unit. `longwire check-config FILE` tells all that is wrong at once.
# A flag (--set SECTION.KEY=VALUE) goes over a variable (LONGWIRE_SECTION__KEY), a variable over this file.
";
const VARIABLES_HEAD: &str = "\
# Longwire's variables, with their defaults. An empty one counts as not set. Lists and the like are TOML.
";

/// Documentation lines begin with the blank that follows `///`.
pub(super) fn push_comment(text: &mut String, doc: &str) {
    doc.lines().for_each(|line| text.extend(["#", line, "\n"]));
}

/// What a variable or `--set` says for the value: a plain string has no quotes there.
fn variable_text(key: &Key, config: &Config) -> String {
    let plain = key.value(config).filter(|_| key.plain);
    plain.as_ref().and_then(Value::as_str).map_or_else(|| key.show(config), str::to_owned)
}
