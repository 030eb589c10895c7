//! `tools/house.toml`, as values. An unknown key is an error: a mistyped rule must not pass in silence.

use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub licences: Licences,
    pub banned: Vec<Banned>,
    pub minimum: Vec<Minimum>,
    pub never: Vec<Never>,
    pub silent: Vec<Silent>,
    pub lints: Lints,
    pub words: Words,
    pub files: Files,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Licences {
    pub allowed: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Banned {
    #[serde(rename = "crate")]
    pub name: String,
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minimum {
    #[serde(rename = "crate")]
    pub name: String,
    pub version: String,
    pub why: String,
}

/// Which crates a crate's normal dependencies never lead to (`reaches`), or never are (`names`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Never {
    #[serde(rename = "crate")]
    pub name: String,
    #[serde(default)]
    pub reaches: Vec<String>,
    #[serde(default)]
    pub names: Vec<String>,
    pub why: String,
}

/// Which paths the sources under a folder never mention.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silent {
    pub under: String,
    pub about: Vec<String>,
    pub why: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Lints {
    pub may_be_unsafe: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub never: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Files {
    pub lines_max: usize,
    pub longer: Vec<Longer>,
    pub generated: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Longer {
    pub path: String,
    pub lines_max: usize,
    pub why: String,
}

impl Policy {
    pub fn load(root: &Path) -> Self {
        let path = root.join("tools/house.toml");
        let text = std::fs::read_to_string(&path).expect("tools/house.toml is readable");
        toml::from_str(&text).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
    }
}
