//! Words that no server may ever print: tokens, keys, secrets, bodies. Every line of every server's output is searched.

use std::sync::Mutex;

/// The token that `Raw::log_in` sends, and how every other such word begins that a test can choose.
const ALWAYS: [&str; 2] = ["sesame", "canary-"];

static WORDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on `word`, which the test did not choose, must be in no output.
pub fn never_printed(word: impl Into<String>) -> String {
    let word = word.into();
    assert!(word.len() >= 6, "a shorter word may be there by chance: {word}");
    WORDS.lock().unwrap_or_else(|err| err.into_inner()).push(word.clone());
    word
}

/// Panics where `line` holds one of them.
pub fn check(line: &str) {
    let words = WORDS.lock().unwrap_or_else(|err| err.into_inner());
    let found = words.iter().map(String::as_str).chain(ALWAYS).find(|word| line.contains(word));
    assert!(found.is_none(), "a secret is in the server's output: {line}");
}
