//! From layers to a checked [`Config`]: default, file, environment, flags; a later one wins, key by key.
//!
//! Goes on after an error, so that one run tells them all, each with its place. Reads no file and no environment
//! itself: it is given texts and pairs, so a test gives it any.
//!
//! Values go through a table of keys, not through serde's derived structs: those stop at the first error, and forget
//! where it was.

use super::key::{Draft, Key};
use super::problem::{Origin, Problem, Problems};
use super::sections::SECTIONS;
use super::{Config, kind, names, relations};
use longwire_wire::{Command, CommandMap, CommandMapError};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Value;
use toml::de::{DeTable, DeValue};

/// What a configuration is made of; the default is none of it.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The configuration file: its name, for messages, and its text.
    pub file: Option<(String, String)>,
    /// Environment variables; all of them may be given, those that are none of ours are passed over.
    pub variables: Vec<(String, String)>,
    /// Flags of the command line.
    pub flags: Vec<Flag>,
}

/// A key set by a flag.
#[derive(Clone, Debug)]
pub struct Flag {
    /// As it was typed, for messages: `--listen`, `--set`.
    pub name: String,
    /// The full name of the key.
    pub key: String,
    /// As in a variable: a plain string for a key that takes one, else TOML.
    pub value: String,
}

/// A configuration that may be served.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Where the keys that were set were set; the others have their default.
    origins: BTreeMap<&'static str, Origin>,
    /// What is no error but should be looked at: variables that name no key, a listener for other machines without quotas.
    pub warnings: Vec<Problem>,
}

impl Loaded {
    /// Where the value of `key` comes from.
    pub fn origin(&self, key: &Key) -> Origin {
        self.origins.get(key.path).cloned().unwrap_or(Origin::Default)
    }

    /// Says the warnings in the log.
    pub fn log_warnings(&self) {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
    }
}

/// Puts the layers on top of each other and checks the result.
///
/// # Errors
/// All that is wrong in any layer and between the keys, even where a later layer hides it.
pub fn load(layers: &Layers) -> Result<Loaded, Problems> {
    let mut loader = Loader::default();
    if let Some((name, text)) = &layers.file {
        loader.file(name, text);
    }
    for (name, text) in &layers.variables {
        loader.variable(name, text);
    }
    for flag in &layers.flags {
        loader.flag(flag);
    }
    loader.finish()
}

/// Every key there is, in the order of the file.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    SECTIONS.iter().flat_map(|section| section.keys())
}

#[derive(Default)]
struct Loader {
    draft: Draft,
    origins: BTreeMap<&'static str, Origin>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Loader {
    fn file(&mut self, name: &str, text: &str) {
        let at = |span: Range<usize>| file_origin(name, text, span.start);
        let (table, errors) = DeTable::parse_recoverable(text);
        self.file_table("", table.get_ref(), &at);
        // A line that is no TOML gets one complaint; what was made of its rest is a guess.
        for err in errors.into_iter().rev() {
            let origin = at(err.span().unwrap_or_default());
            self.problems.retain(|problem| problem.origin.line() != origin.line());
            self.problem(origin, "", format!("not TOML: {}", err.message()), None);
        }
    }

    fn file_table(&mut self, prefix: &str, table: &DeTable<'_>, at: &impl Fn(Range<usize>) -> Origin) {
        for (name, value) in table {
            let path = join(prefix, name.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) if names::is_table(&path) => self.file_table(&path, inner, at),
                other => {
                    let span = if is_known(&path) { value.span() } else { name.span() };
                    self.take(&path, &plain_value(other), at(span));
                }
            }
        }
    }

    /// `LONGWIRE_SECTION__KEY`; `LONGWIRE_PORT` and `LONGWIRE_SERVICE_*`, which a Kubernetes Service called longwire
    /// puts into every container, are never options.
    fn variable(&mut self, name: &str, text: &str) {
        let Some(path) = name.strip_prefix("LONGWIRE_") else { return };
        let is_whole = is_known(&path.to_lowercase()); // a key without a table around it
        if !(path.contains("__") || is_whole)
            || path.starts_with("SERVICE_")
            || path.starts_with("PORT_")
            || text.is_empty()
        {
            return;
        }
        let path = path.to_lowercase().replace("__", ".");
        let origin = Origin::Variable(name.to_owned());
        if is_known(&path) || names::is_table(&path) {
            self.text(&path, text, origin);
        } else if names::is_planned(&path) {
            self.warnings.push(planned(origin, &path));
        } else {
            let nearest = names::nearest_key(&path).and_then(find).map(Key::variable);
            let reason = "no such key, passed over".to_owned();
            self.warnings.push(Problem { origin, key: path, reason, nearest });
        }
    }

    fn flag(&mut self, flag: &Flag) {
        self.text(&flag.key, &flag.value, Origin::Flag(flag.name.clone()));
    }

    /// A value that was given as text: plain for the keys that take a string, TOML for all others.
    fn text(&mut self, path: &str, text: &str, origin: Origin) {
        if find(path).is_some_and(|key| key.plain) {
            return self.take(path, &Value::String(text.to_owned()), origin);
        }
        match DeValue::parse(text) {
            Ok(value) => self.tree(path, &plain_value(value.get_ref()), origin),
            // Let the key say what it wants: "expected a list …, got …".
            Err(_) => self.take(path, &Value::String(text.to_owned()), origin),
        }
    }

    fn tree(&mut self, path: &str, value: &Value, origin: Origin) {
        match value {
            Value::Table(table) if names::is_table(path) => {
                for (name, value) in table {
                    self.tree(&join(path, name), value, origin.clone());
                }
            }
            _ => self.take(path, value, origin),
        }
    }

    /// One value for one name, which may be no key.
    fn take(&mut self, path: &str, value: &Value, origin: Origin) {
        if let Some(key) = find(path) {
            return match (key.set)(&mut self.draft, value) {
                Ok(()) => drop(self.origins.insert(key.path, origin)),
                // a list of tables may have several, a line each
                Err(reasons) => {
                    reasons
                        .lines()
                        .for_each(|reason| self.problem(origin.clone(), path, reason.to_owned(), None));
                }
            };
        }
        if names::is_table(path) {
            self.problem(origin, path, kind::expected("a table", value), None);
        } else if names::is_planned(path) {
            self.problems.push(planned(origin, path));
        } else if value.is_table() {
            self.problem(origin, path, "unknown table".to_owned(), names::nearest_table(path));
        } else {
            self.problem(origin, path, "unknown key".to_owned(), names::nearest_key(path));
        }
    }

    fn problem(&mut self, origin: Origin, key: &str, reason: String, nearest: Option<&str>) {
        let nearest = nearest.map(str::to_owned);
        self.problems.push(Problem { origin, key: key.to_owned(), reason, nearest });
    }

    /// The commands' numbers are judged together: two may swap theirs.
    fn commands(&mut self) {
        if self.problems.iter().any(|problem| problem.key.starts_with("wire.commands")) {
            return;
        }
        let defaults = CommandMap::default();
        let mut codes = Command::ALL.map(|command| defaults.code(command));
        for (code, set) in codes.iter_mut().zip(self.draft.codes) {
            *code = set.unwrap_or(*code);
        }
        match CommandMap::new(codes) {
            Ok(commands) => self.draft.config.wire.commands = commands,
            Err(err) => {
                let culprits = match err {
                    CommandMapError::Zero(command) => [command; 2],
                    CommandMapError::Duplicate { first, second, .. } => [second, first],
                };
                let keys = culprits.map(|command| format!("wire.commands.{}", command.name().to_lowercase()));
                let set = keys.iter().find_map(|key| Some((key, self.origins.get(key.as_str())?.clone())));
                let (key, origin) = set.unwrap_or((&keys[0], Origin::Default));
                self.problem(origin, key, err.to_string(), None);
            }
        }
    }

    fn finish(mut self) -> Result<Loaded, Problems> {
        self.commands();
        // A key whose own value is wrong: what follows from that is not worth a word.
        let mut wrong: Vec<String> = self.problems.iter().map(|problem| problem.key.clone()).collect();
        for broken in relations::broken(&self.draft.config) {
            if broken.keys.iter().any(|key| wrong.iter().any(|wrong| wrong == key)) {
                continue;
            }
            if let [key] = broken.keys {
                wrong.push((*key).to_owned());
            }
            let set = broken.keys.iter().find_map(|key| Some((*key, self.origins.get(key)?.clone())));
            let (key, origin) = set.unwrap_or((broken.keys[0], Origin::Default));
            self.problem(origin, key, broken.reason, None);
        }
        for broken in relations::questionable(&self.draft.config) {
            let key = broken.keys[0];
            let origin = self.origins.get(key).cloned().unwrap_or(Origin::Default);
            let reason = broken.reason;
            self.warnings.push(Problem { origin, key: key.to_owned(), reason, nearest: None });
        }
        if !self.problems.is_empty() {
            self.problems.sort_by_key(|problem| problem.origin.place());
            return Err(Problems(self.problems));
        }
        Ok(Loaded { config: self.draft.config, origins: self.origins, warnings: self.warnings })
    }
}

fn find(path: &str) -> Option<&'static Key> {
    keys().find(|key| key.path == path)
}

fn is_known(path: &str) -> bool {
    find(path).is_some()
}

fn planned(origin: Origin, path: &str) -> Problem {
    Problem { origin, key: path.to_owned(), reason: "not in this release".to_owned(), nearest: None }
}

/// A name that TOML would have to quote stays quoted: `"server.listen" = …` is not the key of that name.
fn join(prefix: &str, name: &str) -> String {
    let is_bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') && !name.is_empty();
    let name = if is_bare { name.to_owned() } else { format!("{name:?}") };
    if prefix.is_empty() { name } else { format!("{prefix}.{name}") }
}

/// Line and column of a byte of the file, both from 1; the column counts characters, as editors do.
fn file_origin(name: &str, text: &str, at: usize) -> Origin {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    Origin::File { name: name.to_owned(), line, column }
}

/// The value without its places. A number that does not fit becomes the string it was written as, which no key that
/// takes a number accepts.
fn plain_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            let fits = i64::from_str_radix(number.as_str(), number.radix());
            fits.map_or_else(|_| Value::String(number.to_string()), Value::Integer)
        }
        DeValue::Float(number) => {
            number.as_str().parse().map_or_else(|_| Value::String(number.to_string()), Value::Float)
        }
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(time) => Value::Datetime(*time),
        DeValue::Array(list) => {
            Value::Array(list.iter().map(|element| plain_value(element.get_ref())).collect())
        }
        DeValue::Table(table) => {
            let pairs =
                table.iter().map(|(name, value)| (name.get_ref().to_string(), plain_value(value.get_ref())));
            Value::Table(pairs.collect())
        }
    }
}
