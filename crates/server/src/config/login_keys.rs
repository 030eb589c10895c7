//! `[[login.key]]`: the one list of tables in the file, read as a whole, and the lists of algorithms.

use super::kind::{self, Kind, Word};
use super::words::Algorithm;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// Keys of the file together. Each is tried at most once a token, so this bounds no work, only slips.
const KEYS_MAX: usize = 100;
/// A key's id; a token's `kid` is compared with it, nothing else.
const ID_BYTES_MAX: usize = 256;
const WHAT: &str = "a list of tables, [[login.key]], each with id, algorithm and key_file";

/// A key that signs tokens, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginKey {
    /// What a token's `kid` says.
    pub id: String,
    /// The only algorithm that it may be used with.
    pub algorithm: Algorithm,
    /// A public key as PEM, or the secret of an HS algorithm.
    pub key_file: String,
}

pub(super) const KEYS: Kind<Vec<LoginKey>> =
    Kind { plain: false, read: read_keys, show: |keys| show_keys(keys) };

pub(super) const ALGORITHMS: Kind<Vec<Algorithm>> = Kind {
    plain: false,
    read: read_algorithms,
    show: |list| kind::list_of(list.iter().map(|algorithm| kind::quoted(algorithm.name()))),
};

fn read_keys(value: &Value) -> Result<Vec<LoginKey>, String> {
    let list = value.as_array().ok_or_else(|| kind::expected(WHAT, value))?;
    if list.len() > KEYS_MAX {
        return Err(format!("at most {KEYS_MAX} keys, got {}", list.len()));
    }
    let mut ids = BTreeSet::new();
    kind::read_rows(list, ("key", WHAT), |table| {
        let key = read_key(table)?;
        if ids.insert(key.id.clone()) { Ok(key) } else { Err(format!("the id {:?} is there twice", key.id)) }
    })
}

fn read_key(table: &Table) -> Result<LoginKey, String> {
    if let Some(name) = table.keys().find(|name| !["id", "algorithm", "key_file"].contains(&name.as_str())) {
        return Err(format!("unknown key {name:?}; there are id, algorithm and key_file"));
    }
    let text = |name: &str| {
        let value = table.get(name).ok_or_else(|| format!("needs {name}"))?;
        let text = (kind::TEXT.read)(value).map_err(|err| format!("{name}: {err}"))?;
        if text.is_empty() { Err(format!("{name} is empty")) } else { Ok(text) }
    };
    let id = text("id")?;
    if id.len() > ID_BYTES_MAX {
        return Err(format!("id: at most {ID_BYTES_MAX} bytes, has {}", id.len()));
    }
    let algorithm = table.get("algorithm").ok_or_else(|| "needs algorithm".to_owned())?;
    let algorithm = kind::read_word(algorithm).map_err(|err| format!("algorithm: {err}"))?;
    Ok(LoginKey { id, algorithm, key_file: text("key_file")? })
}

fn show_keys(keys: &[LoginKey]) -> String {
    let show = |key: &LoginKey| {
        let [id, algorithm, file] = [&key.id, key.algorithm.name(), &key.key_file].map(kind::quoted);
        format!("{{ id = {id}, algorithm = {algorithm}, key_file = {file} }}")
    };
    kind::list_of(keys.iter().map(show))
}

/// HS algorithms are not among them: whoever may read such a set could sign tokens.
fn read_algorithms(value: &Value) -> Result<Vec<Algorithm>, String> {
    let list = value.as_array().ok_or_else(|| kind::expected("a list, such as [\"RS256\"]", value))?;
    let mut algorithms = Vec::new();
    for element in list {
        let algorithm: Algorithm = kind::read_word(element)?;
        if algorithm.is_symmetric() {
            let name = algorithm.name();
            return Err(format!(
                "{name} needs a secret, and what an address serves is none: use [[login.key]]"
            ));
        }
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }
    Ok(algorithms)
}

const _: () = assert!(Algorithm::WORDS.len() == 12, "docs/login.md lists them");
