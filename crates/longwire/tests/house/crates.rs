//! Rules on the dependency tree: licences, bans, minimum versions, and who never reaches whom.

use crate::policy::Policy;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Every package of the locked tree, and between them the normal dependencies (not those of tests and build scripts).
pub struct Graph {
    packages: BTreeMap<String, Package>,
    edges: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize, Clone)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
}

pub fn licences(graph: &Graph, policy: &Policy) -> Vec<String> {
    let allowed = |licence: &str| policy.licences.allowed.iter().any(|a| a == licence);
    let complaint = |package: &Package| match &package.license {
        None => Some(format!("{package} states no licence")),
        Some(expression) if licence_passes(expression, &allowed) => None,
        Some(expression) => {
            Some(format!("{package} is under `{expression}`, not among the allowed licences"))
        }
    };
    graph.packages.values().filter_map(complaint).collect()
}

pub fn bans(graph: &Graph, policy: &Policy) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in graph.packages.values() {
        for ban in policy.banned.iter().filter(|ban| ban.name == package.name) {
            complaints.push(format!("{package} is banned: {}", ban.why));
        }
        for minimum in policy.minimum.iter().filter(|minimum| minimum.name == package.name) {
            if version(&package.version) < version(&minimum.version) {
                complaints.push(format!("{package} is below {}: {}", minimum.version, minimum.why));
            }
        }
    }
    complaints
}

pub fn nevers(graph: &Graph, policy: &Policy) -> Vec<String> {
    let mut complaints = Vec::new();
    for never in &policy.never {
        let Some(start) = graph.packages.values().find(|package| package.name == never.name) else {
            complaints.push(format!("tools/house.toml names {}, which is no crate of this tree", never.name));
            continue;
        };
        for chain in graph.chains_from(&start.id) {
            let last = chain.last().expect("a chain has an end");
            let direct = chain.len() == 2 && never.names.contains(last);
            if direct || never.reaches.contains(last) {
                complaints.push(format!("{}: {}", chain.join(" -> "), never.why));
            }
        }
    }
    complaints
}

impl std::fmt::Display for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

impl Graph {
    pub fn of_workspace(root: &Path) -> Self {
        let output = Command::new(env!("CARGO"))
            .args([
                "metadata",
                "--format-version",
                "1",
                "--offline",
                "--locked",
                "--filter-platform",
                &host(),
            ])
            .current_dir(root)
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let mut graph = Self::parse(&output.stdout);
        graph.keep(&built(root));
        graph
    }

    /// Without the packages that are locked and never built: a weak feature (`ring?/alloc`) locks its crate all the same.
    fn keep(&mut self, built: &BTreeSet<String>) {
        let gone: BTreeSet<String> = self
            .packages
            .values()
            .filter(|p| !built.contains(&p.to_string()))
            .map(|p| p.id.clone())
            .collect();
        self.packages.retain(|id, _| !gone.contains(id));
        self.edges.values_mut().for_each(|edges| edges.retain(|id| !gone.contains(id)));
    }

    fn parse(metadata: &[u8]) -> Self {
        let metadata: Metadata = serde_json::from_slice(metadata).expect("cargo metadata, format 1");
        let packages = metadata.packages.into_iter().map(|package| (package.id.clone(), package)).collect();
        let normal =
            |dep: &Dep| dep.dep_kinds.iter().any(|kind| kind.kind.is_none()).then(|| dep.pkg.clone());
        let edges = metadata.resolve.nodes.into_iter();
        let edges = edges.map(|node| (node.id, node.deps.iter().filter_map(normal).collect())).collect();
        Self { packages, edges }
    }

    /// For every package reachable from `start`, one shortest chain of names that leads there.
    fn chains_from(&self, start: &str) -> Vec<Vec<String>> {
        let mut seen = BTreeSet::from([start.to_owned()]);
        let mut chains = vec![(start.to_owned(), vec![self.packages[start].name.clone()])];
        let mut next = 0;
        while next < chains.len() {
            let (id, chain) = chains[next].clone();
            for dep in self.edges.get(&id).into_iter().flatten() {
                if seen.insert(dep.clone()) {
                    let name = self.packages[dep].name.clone();
                    chains.push((dep.clone(), [chain.as_slice(), &[name]].concat()));
                }
            }
            next += 1;
        }
        chains.into_iter().skip(1).map(|(_, chain)| chain).collect()
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}
#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}
#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dep>,
}
#[derive(Deserialize)]
struct Dep {
    pkg: String,
    dep_kinds: Vec<DepKind>,
}
#[derive(Deserialize)]
struct DepKind {
    kind: Option<String>,
}

/// What is built for this host, tests and build scripts included, as `name version`.
fn built(root: &Path) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--all-features",
            "--edges",
            "all",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(["--offline", "--locked", "--target", &host()])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let named = text.lines().filter_map(|line| line.split_once(" v"));
    named.map(|(name, rest)| format!("{name} {}", rest.split(' ').next().unwrap_or_default())).collect()
}

fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("rustc prints UTF-8");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

fn version(text: &str) -> Vec<u64> {
    text.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

/// SPDX: `OR` needs one side, `AND` both; crates of old write `/` for OR. An exception (`WITH`) only ever grants more,
/// but is not in the list, so its alternative must pass without it.
fn licence_passes(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    either(&words, &mut at, allowed) && at == words.len()
}

fn either(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut passes = both(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        passes |= both(words, at, allowed);
    }
    passes
}

fn both(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut passes = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        passes &= one(words, at, allowed);
    }
    passes
}

fn one(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let passes = either(words, at, allowed);
        *at += 1;
        return passes;
    }
    if words.get(*at) == Some(&"WITH") {
        *at += 2;
        return false;
    }
    allowed(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Banned, Licences, Minimum, Never};

    /// a (MIT) -> b (GPL-3.0-only) -> c (no licence); a's tests alone need d.
    const TREE: &str = r#"{
      "packages": [
        {"id": "1", "name": "a", "version": "1.0.0", "license": "MIT"},
        {"id": "2", "name": "b", "version": "0.9.9-rc.1", "license": "GPL-3.0-only"},
        {"id": "3", "name": "c", "version": "2.0.0", "license": null},
        {"id": "4", "name": "d", "version": "1.0.0", "license": "MIT"}],
      "resolve": {"nodes": [
        {"id": "1", "deps": [{"pkg": "2", "dep_kinds": [{"kind": null}]}, {"pkg": "4", "dep_kinds": [{"kind": "dev"}]}]},
        {"id": "2", "deps": [{"pkg": "3", "dep_kinds": [{"kind": "build"}, {"kind": null}]}]},
        {"id": "3", "deps": []}, {"id": "4", "deps": []}]}}"#;

    fn graph() -> Graph {
        Graph::parse(TREE.as_bytes())
    }

    fn never(names: &[&str], reaches: &[&str]) -> Policy {
        let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let rule =
            Never { name: "a".into(), names: owned(names), reaches: owned(reaches), why: "planted".into() };
        Policy { never: vec![rule], ..Policy::default() }
    }

    #[test]
    fn licences_that_are_not_allowed_or_missing_are_named() {
        let policy = Policy { licences: Licences { allowed: vec!["MIT".into()] }, ..Policy::default() };
        let complaints = licences(&graph(), &policy);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].starts_with("b 0.9.9-rc.1 is under `GPL-3.0-only`"), "{complaints:?}");
        assert!(complaints[1].starts_with("c 2.0.0 states no licence"), "{complaints:?}");
    }

    #[test]
    fn licence_expressions_are_read_as_spdx_reads_them() {
        let allowed = |licence: &str| ["MIT", "Zlib", "Apache-2.0"].contains(&licence);
        let good = ["MIT", "MIT OR GPL-2.0", "GPL-2.0/MIT", "(MIT OR GPL-2.0) AND Zlib"];
        let more = ["Apache-2.0 WITH LLVM-exception OR MIT", "((MIT))"];
        for expression in good.into_iter().chain(more) {
            assert!(licence_passes(expression, &allowed), "{expression}");
        }
        let bad = [
            "GPL-2.0",
            "MIT AND GPL-2.0",
            "(MIT OR Zlib) AND GPL-2.0",
            "Apache-2.0 WITH X",
            "",
            "MIT MIT",
            "(MIT",
        ];
        for expression in bad {
            assert!(!licence_passes(expression, &allowed), "{expression}");
        }
    }

    #[test]
    fn banned_crates_and_versions_are_named() {
        let banned = Banned { name: "c".into(), why: "planted".into() };
        let minimum = |name: &str, version: &str| Minimum {
            name: name.into(),
            version: version.into(),
            why: "planted".into(),
        };
        let minimums = vec![minimum("b", "0.10.0"), minimum("a", "1.0.0")];
        let policy = Policy { banned: vec![banned], minimum: minimums, ..Policy::default() };
        assert_eq!(
            bans(&graph(), &policy),
            ["b 0.9.9-rc.1 is below 0.10.0: planted", "c 2.0.0 is banned: planted"]
        );
    }

    #[test]
    fn what_is_locked_and_not_built_is_no_breach() {
        let mut graph = graph();
        graph.keep(&BTreeSet::from(["a 1.0.0".to_owned(), "b 0.9.9-rc.1".to_owned()]));
        let banned = vec![Banned { name: "c".into(), why: "planted".into() }];
        assert!(bans(&graph, &Policy { banned, ..Policy::default() }).is_empty());
        assert!(nevers(&graph, &never(&[], &["c"])).is_empty());
    }

    #[test]
    fn a_forbidden_dependency_is_named_with_the_way_there() {
        assert_eq!(nevers(&graph(), &never(&[], &["c"])), ["a -> b -> c: planted"]);
        assert_eq!(nevers(&graph(), &never(&["b"], &[])), ["a -> b: planted"]);
    }

    #[test]
    fn what_only_tests_need_and_what_is_not_direct_is_no_breach() {
        assert!(nevers(&graph(), &never(&["c", "d"], &["d"])).is_empty());
    }

    #[test]
    fn a_rule_about_a_crate_that_is_gone_is_named() {
        let mut policy = never(&[], &["c"]);
        policy.never[0].name = "gone".into();
        assert_eq!(nevers(&graph(), &policy).len(), 1);
    }
}
