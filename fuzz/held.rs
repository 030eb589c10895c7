//! The tests of properties, for the crates that have some: each on the checked-in inputs of its fuzz target, and on bytes
//! made of them. Shared by its path, because a corpus is another crate's no less than this one's.

use std::panic::catch_unwind;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

/// One module of tests a property, each named like its fuzz target.
macro_rules! properties_hold {
    ($($target:ident),+) => {
        mod tests {
            $(mod $target {
                use super::super::{$target as property, held};

                #[test]
                fn holds_on_the_corpus_and_finds_its_planted_bug() {
                    held::check(stringify!($target), property);
                }

                proptest::proptest! {
                    #[test]
                    fn holds_on_any_bytes(data in held::bytes(stringify!($target))) {
                        property(&data, false);
                    }
                }
            })+
        }
    };
}

/// The checked-in inputs of a fuzz target: one that found something stays there.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

/// It holds on every input, and finds the bug that is planted in its subject.
#[track_caller]
pub(super) fn check(target: &str, property: fn(&[u8], bool)) {
    let corpus = corpus(target);
    assert!(!corpus.is_empty());
    corpus.iter().for_each(|data| property(data, false));
    let found = corpus.iter().filter(|data| catch_unwind(|| property(data, true)).is_err()).count();
    assert!(found > 0, "the planted bug of `{target}` is not found");
}

/// Bytes of which many are a checked-in input with a few bytes changed: plain noise seldom gets past a header.
pub(super) fn bytes(target: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let seeds = proptest::sample::select(corpus(target));
    let changes = vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 0..4);
    let changed = (seeds, changes).prop_map(|(mut data, changes)| {
        for (at, byte, kind) in changes {
            let at = at.index(data.len() + 1);
            match kind {
                0 if at < data.len() => data[at] = byte,
                1 => data.truncate(at),
                _ => data.insert(at, byte),
            }
        }
        data
    });
    prop_oneof![1 => vec(any::<u8>(), 0..300), 3 => changed]
}
