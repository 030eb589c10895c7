//! Rules on the text of files: what they never mention, what they never leave behind, how long they get.

use crate::policy::Policy;
use crate::scan;
use std::path::Path;

/// A file of this checkout, its path counted from the root.
pub struct File {
    pub path: String,
    pub text: String,
}

/// The files whose name ends in `ending`, under `places` (folders, or files themselves), in order of path.
pub fn files_under(root: &Path, places: &[&str], ending: &str) -> Vec<File> {
    let mut files = Vec::new();
    let mut open: Vec<_> = places.iter().map(|place| root.join(place)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder of this checkout is readable");
            open.extend(entries.map(|entry| entry.expect("a readable entry").path()));
        } else if path.to_string_lossy().ends_with(ending) {
            let text = std::fs::read_to_string(&path).expect("a source file is UTF-8");
            let path =
                path.strip_prefix(root).expect("it lies under the root").to_string_lossy().into_owned();
            files.push(File { path, text });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

pub fn silences(files: &[File], policy: &Policy) -> Vec<String> {
    let mut complaints = Vec::new();
    for rule in &policy.silent {
        let banned: Vec<Vec<&str>> = rule.about.iter().map(|path| path.split("::").collect()).collect();
        let roots: Vec<&str> = banned.iter().map(|path| path[0]).collect();
        let under = format!("{}/", rule.under);
        let covered: Vec<_> = files.iter().filter(|file| file.path.starts_with(&under)).collect();
        if covered.is_empty() {
            complaints.push(format!("tools/house.toml rules on {under}, where no file lies"));
        }
        let test_files = test_only_files(&covered);
        for file in covered {
            if test_files.iter().any(|prefix| file.path.starts_with(prefix)) {
                continue;
            }
            let (code, _) = scan::without_tests(&scan::code_of(&file.text));
            for path in scan::paths_of(&code, &roots) {
                if let Some(ban) = banned.iter().find(|ban| mentions(&path, ban)) {
                    let (path, ban) = (path.join("::"), ban.join("::"));
                    complaints.push(format!("{} says `{path}`; no `{ban}` there: {}", file.path, rule.why));
                }
            }
        }
    }
    complaints
}

pub fn lints(manifests: &[File], policy: &Policy) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in manifests {
        let manifest: toml::Table = file.text.parse().expect("a manifest is TOML");
        if manifest.contains_key("workspace") {
            let forbids = value(&manifest, &["workspace", "lints", "rust", "unsafe_code"]);
            if forbids.and_then(toml::Value::as_str) != Some("forbid") {
                complaints.push(format!("{} does not forbid unsafe_code", file.path));
            }
            continue;
        }
        let name = value(&manifest, &["package", "name"]).and_then(toml::Value::as_str).unwrap_or_default();
        let inherits = value(&manifest, &["lints", "workspace"]).and_then(toml::Value::as_bool) == Some(true);
        if !inherits && !policy.lints.may_be_unsafe.iter().any(|listed| listed == name) {
            complaints
                .push(format!("{} does not take the workspace's lints, which forbid unsafe", file.path));
        }
    }
    complaints
}

pub fn words(files: &[File], policy: &Policy) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        let code = scan::code_of(&file.text);
        let left = policy.words.never.iter().filter(|word| scan::calls_macro(&code, word));
        complaints.extend(left.map(|word| format!("{} still has a `{word}!`", file.path)));
    }
    complaints
}

pub fn lengths(files: &[File], policy: &Policy) -> Vec<String> {
    let rules = &policy.files;
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| !rules.generated.contains(&file.path)) {
        let lines = file.text.lines().count();
        let listed = rules.longer.iter().find(|longer| longer.path == file.path);
        let lines_max = listed.map_or(rules.lines_max, |longer| longer.lines_max);
        if lines > lines_max {
            let why = listed.map_or("", |longer| longer.why.as_str());
            complaints.push(format!("{} has {lines} lines, over {lines_max} {why}", file.path));
        }
    }
    for longer in &rules.longer {
        let lines = files.iter().find(|file| file.path == longer.path).map(|file| file.text.lines().count());
        if lines.is_none_or(|lines| lines <= rules.lines_max) {
            complaints.push(format!("tools/house.toml lists {}, which needs no exception", longer.path));
        }
    }
    complaints
}

fn value<'a>(table: &'a toml::Table, keys: &[&str]) -> Option<&'a toml::Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key))
}

/// A path mentions a banned one if it goes into it, or brings a parent of it into scope whole.
fn mentions(path: &[String], banned: &[&str]) -> bool {
    path.iter().zip(banned).all(|(word, ban)| word == ban)
}

/// The files of modules that are declared under `#[cfg(test)]`, as path prefixes.
fn test_only_files(files: &[&File]) -> Vec<String> {
    let mut prefixes = Vec::new();
    for file in files {
        let (_, modules) = scan::without_tests(&scan::code_of(&file.text));
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let folder = match name {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            _ => format!("{folder}/{}", name.trim_end_matches(".rs")),
        };
        for module in modules {
            prefixes.extend([format!("{folder}/{module}.rs"), format!("{folder}/{module}/")]);
        }
    }
    prefixes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Files, Lints, Longer, Silent, Words};

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    fn silent_about(path: &str) -> Policy {
        let rule = Silent { under: "crates/x/src".into(), about: vec![path.into()], why: "planted".into() };
        Policy { silent: vec![rule], ..Policy::default() }
    }

    fn clock(text: &str) -> usize {
        silences(&[file("crates/x/src/lib.rs", text)], &silent_about("std::time::Instant")).len()
    }

    #[test]
    fn a_forbidden_path_is_named_however_it_is_brought_in() {
        for text in [
            "use std::time::Instant;",
            "use std::{time::{Duration, Instant as Clock}};",
            "use std::time;",
            "use std::time::*;",
            "fn f() { ::std::time::Instant::now(); }",
        ] {
            assert_eq!(clock(text), 1, "{text}");
        }
    }

    #[test]
    fn neighbours_tests_and_comments_are_no_breach() {
        for text in [
            "use std::time::Duration;",
            "//! never std::time::Instant",
            "#[cfg(test)] mod tests { use std::time::Instant; }",
        ] {
            assert_eq!(clock(text), 0, "{text}");
        }
    }

    #[test]
    fn modules_for_tests_alone_may_say_anything() {
        let files = [
            file("crates/x/src/lib.rs", "#[cfg(test)]\nmod sim;"),
            file("crates/x/src/sim.rs", "use std::net::TcpStream;"),
            file("crates/x/src/sim/deep.rs", "use std::net::TcpStream;"),
            file("crates/x/src/simple.rs", "use std::net::TcpStream;"),
        ];
        let complaints = silences(&files, &silent_about("std::net"));
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with("crates/x/src/simple.rs"));
    }

    #[test]
    fn a_rule_on_an_empty_folder_is_named() {
        assert_eq!(silences(&[], &silent_about("std::net")).len(), 1);
    }

    #[test]
    fn a_manifest_without_the_lints_is_named() {
        let bare = "[package]\nname = \"x\"\n";
        let policy = Policy { lints: Lints { may_be_unsafe: vec!["y".into()] }, ..Policy::default() };
        assert_eq!(lints(&[file("crates/x/Cargo.toml", bare)], &policy).len(), 1);
        let taking = format!("{bare}[lints]\nworkspace = true\n");
        assert!(lints(&[file("crates/x/Cargo.toml", &taking)], &policy).is_empty());
        assert!(lints(&[file("crates/y/Cargo.toml", "[package]\nname = \"y\"")], &policy).is_empty());
        let loose = "[workspace.lints.rust]\nunsafe_code = \"warn\"\n";
        assert_eq!(lints(&[file("Cargo.toml", loose)], &policy).len(), 1);
        assert_eq!(lints(&[file("Cargo.toml", "[workspace]\n")], &policy).len(), 1);
    }

    #[test]
    fn an_unfinished_macro_is_named() {
        let policy = Policy { words: Words { never: vec!["todo".into()] }, ..Policy::default() };
        let files = [file("a.rs", "fn f() { todo!() }"), file("b.rs", "// todo!()\nlet s = \"todo!()\";")];
        assert_eq!(words(&files, &policy), ["a.rs still has a `todo!`"]);
    }

    #[test]
    fn a_long_file_is_named_unless_it_is_listed_and_a_needless_listing_too() {
        let longer = |path: &str, lines_max| Longer { path: path.into(), lines_max, why: "a table".into() };
        let listed = vec![longer("listed.rs", 3), longer("outgrown.rs", 3), longer("short.rs", 9)];
        let files = Files { lines_max: 2, longer: listed, generated: vec!["made.rs".into()] };
        let policy = Policy { files, ..Policy::default() };
        let lines = |path: &str, count: usize| file(path, &"x\n".repeat(count));
        let all = [
            lines("fits.rs", 2),
            lines("long.rs", 3),
            lines("listed.rs", 3),
            lines("outgrown.rs", 4),
            lines("made.rs", 9),
            lines("short.rs", 1),
        ];
        let complaints = lengths(&all, &policy);
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(complaints[0].starts_with("long.rs has 3 lines"), "{complaints:?}");
        assert!(complaints[1].starts_with("outgrown.rs has 4 lines"), "{complaints:?}");
        assert!(complaints[2].contains("lists short.rs"), "{complaints:?}");
    }
}
