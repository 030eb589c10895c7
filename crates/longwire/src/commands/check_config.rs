//! `longwire check-config FILE`: all that is wrong with a configuration, at once; touches no network.
//!
//! The environment counts too, as it does for `serve`: what is judged is what would be in force.

use crate::exit::Exit;
use crate::{layers, out};
use longwire_server::config::{self, Loaded, Origin, Problem, Problems};
use longwire_server::{login, tls};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// Tell all that is wrong with a configuration file
#[derive(Debug, clap::Args)]
pub(crate) struct CheckConfigArgs {
    /// The configuration file
    file: PathBuf,
    /// Answer with one JSON object
    #[arg(long)]
    json: bool,
    /// Show the values in force and where each comes from
    #[arg(long)]
    show: bool,
}

impl CheckConfigArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let loaded = config::load(&layers::read(Some(&self.file))?).and_then(with_files);
        let mut out = out::stdout();
        if self.json {
            writeln!(out, "{}", self.object(&loaded))?;
        } else {
            self.lines(&loaded, &mut out)?;
        }
        out.flush()?;
        Ok(if loaded.is_ok() { Exit::Done } else { Exit::Failed })
    }

    fn lines(&self, loaded: &Result<Loaded, Problems>, out: &mut impl Write) -> anyhow::Result<()> {
        match loaded {
            Err(problems) => writeln!(out, "{problems}")?,
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    writeln!(out, "{}{warning}", if self.show { "# warning: " } else { "warning: " })?;
                }
                if self.show {
                    show(loaded, out)?;
                } else {
                    writeln!(out, "{}: good", self.file.display())?;
                }
            }
        }
        Ok(())
    }

    fn object(&self, loaded: &Result<Loaded, Problems>) -> Value {
        let (problems, warnings) = match loaded {
            Ok(loaded) => (&[][..], loaded.warnings.as_slice()),
            Err(problems) => (problems.0.as_slice(), &[][..]),
        };
        let list = |problems: &[Problem]| problems.iter().map(problem).collect::<Value>();
        let mut object = json!({
            "file": self.file.display().to_string(),
            "good": loaded.is_ok(),
            "errors": list(problems),
            "warnings": list(warnings),
        });
        if let (true, Ok(loaded)) = (self.show, loaded) {
            let values = config::keys().map(|key| {
                let from = loaded.origin(key).to_string();
                json!({ "key": key.path, "value": key.value(&loaded.config), "from": from })
            });
            object["values"] = values.collect();
        }
        object
    }
}

/// What the configuration names must be there and be of use too.
fn with_files(mut loaded: Loaded) -> Result<Loaded, Problems> {
    let problem = |path: &str, reason: String| {
        let key = config::keys().find(|key| key.path == path);
        let origin = key.map_or(Origin::Default, |key| loaded.origin(key));
        Problem { origin, key: path.to_owned(), reason, nearest: None }
    };
    let (broken, warnings) = tls::check(&loaded.config.tls);
    let login =
        login::check::problems(&loaded.config.login).into_iter().map(|err| problem(err.key, err.reason));
    let problems: Vec<_> = login.chain(broken.into_iter().map(|err| problem(err.key, err.reason))).collect();
    let warnings: Vec<_> = warnings.into_iter().map(|err| problem(err.key, err.reason)).collect();
    loaded.warnings.extend(warnings);
    if problems.is_empty() { Ok(loaded) } else { Err(Problems(problems)) }
}

/// A configuration file that sets every key to what is in force, with where it comes from behind it.
fn show(loaded: &Loaded, out: &mut impl Write) -> std::io::Result<()> {
    config::keys().try_for_each(|key| {
        let line = format!("{} = {}", key.path, key.show(&loaded.config));
        writeln!(out, "{line:<48} # {}", loaded.origin(key))
    })
}

fn problem(problem: &Problem) -> Value {
    let mut object = json!({
        "from": problem.origin.to_string(),
        "key": problem.key,
        "reason": problem.reason,
        "nearest": problem.nearest,
    });
    if let Origin::File { line, column, .. } = problem.origin {
        object["line"] = json!(line);
        object["column"] = json!(column);
    }
    object
}
