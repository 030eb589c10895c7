//! The rules of the house, as ordinary tests: licences, banned crates, who never depends on whom, what no file says.
//!
//! `tools/house.toml` is the rule book. Each rule is also shown to fail, on planted text, beside its own code.
//! Never touches the network: `cargo metadata --offline --locked` and the files of this checkout are all it reads.

// Its modules are nobody else's. A test's helper may fail where it stands; clippy exempts only the functions marked #[test].
#![allow(unreachable_pub, clippy::expect_used)]

mod crates;
mod policy;
mod scan;
mod sources;

use policy::Policy;
use std::path::{Path, PathBuf};

#[test]
fn every_crate_has_an_allowed_licence() {
    assert_none(crates::licences(&graph(), &Policy::load(&root())));
}

#[test]
fn no_banned_crate_and_no_banned_version_is_in_the_tree() {
    assert_none(crates::bans(&graph(), &Policy::load(&root())));
}

#[test]
fn nobody_depends_on_what_the_never_column_forbids() {
    assert_none(crates::nevers(&graph(), &Policy::load(&root())));
}

#[test]
fn no_source_mentions_what_the_never_column_forbids() {
    assert_none(sources::silences(&rust_files(), &Policy::load(&root())));
}

#[test]
fn every_crate_forbids_unsafe_but_the_listed_ones() {
    assert_none(sources::lints(&manifests(), &Policy::load(&root())));
}

#[test]
fn no_unfinished_macro_is_left() {
    assert_none(sources::words(&rust_files(), &Policy::load(&root())));
}

#[test]
fn no_file_is_longer_than_the_house_allows() {
    assert_none(sources::lengths(&written_files(), &Policy::load(&root())));
}

fn assert_none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace's root")
}

fn graph() -> crates::Graph {
    crates::Graph::of_workspace(&root())
}

fn rust_files() -> Vec<sources::File> {
    sources::files_under(&root(), &["crates"], ".rs")
}

/// What people write and read, in whatever language; no folder is named in which somebody else's code is installed.
fn written_files() -> Vec<sources::File> {
    let ours = ["crates", "fuzz/held.rs", "fuzz/fuzz_targets", "proto", "test", "tools"];
    let sdk = ["sdk/typescript/e2e", "sdk/typescript/src", "sdk/typescript/test"];
    let places = [&ours[..], &sdk, &["web/demo/src", "web/demo/test"]].concat();
    let endings = [".rs", ".py", ".ts", ".tsx", ".mjs", ".cjs", ".js", ".lua", "/test"];
    endings.iter().flat_map(|ending| sources::files_under(&root(), &places, ending)).collect()
}

fn manifests() -> Vec<sources::File> {
    sources::files_under(&root(), &["Cargo.toml", "crates"], "Cargo.toml")
}
