//! What must hold for any bytes at all: one function a claim, run by tests and by the fuzz targets alike.
//!
//! Each function panics where its claim fails. With `planted` it looks at a subject with one bug in it: a property that
//! cannot find its bug proves nothing, so a test asserts that it does. Not for use: behind the feature `properties`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are assertions")]

mod cms;
mod decode;
mod detect;
mod gzip;
mod push;

pub use cms::cms;
pub use decode::decode;
pub use detect::detect;
pub use gzip::gzip;
pub use push::push;

/// Takes the next byte of a property's input, 0 where it ends.
fn take(data: &mut &[u8]) -> u8 {
    let Some((&first, behind)) = data.split_first() else { return 0 };
    *data = behind;
    first
}

/// Takes up to `bytes` bytes.
fn take_slice<'a>(data: &mut &'a [u8], bytes: usize) -> &'a [u8] {
    let (taken, behind) = data.split_at(bytes.min(data.len()));
    *data = behind;
    taken
}

/// Takes up to `bytes` bytes as some text.
fn take_text(data: &mut &[u8], bytes: usize) -> String {
    String::from_utf8_lossy(take_slice(data, bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::path::Path;

    use proptest::collection::vec;
    use proptest::prelude::*;

    type Property = fn(&[u8], bool);

    /// The checked-in inputs of a fuzz target: one that found something stays there.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let files =
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }

    #[track_caller]
    fn check(target: &str, property: Property) {
        let corpus = corpus(target);
        assert!(!corpus.is_empty());
        corpus.iter().for_each(|data| property(data, false));
        let found = corpus.iter().filter(|data| catch_unwind(|| property(data, true)).is_err()).count();
        assert!(found > 0, "the planted bug of `{target}` is not found");
    }

    #[test]
    fn decode_holds_on_the_corpus_and_finds_its_planted_bug() {
        check("decode", super::decode);
    }

    #[test]
    fn detect_holds_on_the_corpus_and_finds_its_planted_bug() {
        check("detect", super::detect);
    }

    #[test]
    fn cms_holds_on_the_corpus_and_finds_its_planted_bug() {
        check("cms", super::cms);
    }

    #[test]
    fn gzip_holds_on_the_corpus_and_finds_its_planted_bug() {
        check("gzip", super::gzip);
    }

    #[test]
    fn push_holds_on_the_corpus_and_finds_its_planted_bug() {
        check("push", super::push);
    }

    /// Bytes of which many are a checked-in input with a few bytes changed: plain noise seldom gets past a header.
    fn bytes(target: &'static str) -> impl Strategy<Value = Vec<u8>> {
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

    proptest! {
        #[test]
        fn decode_holds_on_any_bytes(data in bytes("decode")) {
            super::decode(&data, false);
        }

        #[test]
        fn detect_holds_on_any_bytes(data in bytes("detect")) {
            super::detect(&data, false);
        }

        #[test]
        fn cms_holds_on_any_bytes(data in bytes("cms")) {
            super::cms(&data, false);
        }

        #[test]
        fn gzip_holds_on_any_bytes(data in bytes("gzip")) {
            super::gzip(&data, false);
        }

        #[test]
        fn push_holds_on_any_bytes(data in bytes("push")) {
            super::push(&data, false);
        }
    }
}
