//! What must hold for any bytes at all: one function a claim, run by tests and by the fuzz targets alike.
//!
//! Each function panics where its claim fails. With `planted` it looks at a subject with one bug in it: a property that
//! cannot find its bug proves nothing, so a test asserts that it does. Not for use: behind the feature `properties`.

pub use crate::http::property::http;
pub use crate::proxy::proxy;
pub use crate::ws::property::websocket;

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
    fn websocket_holds_on_the_corpus_and_finds_its_planted_bug() {
        check("websocket", super::websocket);
    }

    #[test]
    fn http_holds_on_the_corpus_and_finds_its_planted_bug() {
        check("http", super::http);
    }

    #[test]
    fn proxy_holds_on_the_corpus_and_finds_its_planted_bug() {
        check("proxy", super::proxy);
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
        fn websocket_holds_on_any_bytes(data in bytes("websocket")) {
            super::websocket(&data, false);
        }

        #[test]
        fn http_holds_on_any_bytes(data in bytes("http")) {
            super::http(&data, false);
        }

        #[test]
        fn proxy_holds_on_any_bytes(data in bytes("proxy")) {
            super::proxy(&data, false);
        }
    }
}
