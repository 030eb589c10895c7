//! Keeps `src/generated/longwire.rs` what `proto/longwire.proto` says.
//!
//! `LONGWIRE_REGENERATE=1 cargo test -p longwire-wire --test generated` writes it anew.
#![allow(clippy::unwrap_used, reason = "a test")]
use std::path::{Path, PathBuf};

#[test]
fn the_generated_messages_are_fresh() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checked_in: PathBuf = here.join("src/generated/longwire.rs");
    let fresh = generate(&here.join("../../proto"));
    if std::env::var_os("LONGWIRE_REGENERATE").is_some() {
        std::fs::write(&checked_in, &fresh).unwrap();
    }
    let stale = "src/generated/longwire.rs is not what proto/longwire.proto says: set LONGWIRE_REGENERATE=1 and run again";
    assert!(std::fs::read_to_string(&checked_in).unwrap_or_default() == fresh, "{stale}");
}

/// Comments stay in the `.proto`, so that a better word there changes nothing here.
fn generate(proto: &Path) -> String {
    let descriptors = protox::compile(["longwire.proto"], [proto]).unwrap();
    let out = tempfile::tempdir().unwrap();
    prost_build::Config::new().disable_comments(["."]).out_dir(out.path()).compile_fds(descriptors).unwrap();
    std::fs::read_to_string(out.path().join("longwire.rs")).unwrap()
}
