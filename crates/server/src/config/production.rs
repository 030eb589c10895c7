//! The file of a server that can be put on the internet: what `default-config --production` prints.
//!
//! Only keys that differ from their defaults are in it, each with its documentation and why; a test loads it.

use super::keys;
use super::template::push_comment;
use std::fmt::Write;

/// A key, its value as TOML, and why that one.
struct Choice {
    key: &'static str,
    value: &'static str,
    why: &'static str,
}

const fn choice(key: &'static str, value: &'static str, why: &'static str) -> Choice {
    Choice { key, value, why }
}

/// In the order of the default file.
const CHOICES: &[Choice] = &[
    choice(
        "server.listen",
        "[\"0.0.0.0:7610\"]",
        "Every IPv4 address of the machine; \"[::]:7610\" for IPv6 too.",
    ),
    choice(
        "login.provider",
        "\"jwt\"",
        "Your application signs, this server checks: it needs no address of yours.",
    ),
    choice("quotas.connection_frames", "\"50/s burst 100\"", "A person at a keyboard sends a few a second."),
    choice("quotas.node_logins", "\"2000/s\"", "What comes back after a restart is let in at this rate."),
    choice("quotas.address.connections", "1000", "Offices and schools share an address."),
    choice(
        "quotas.address.guests",
        "1000",
        "Carriers share one among many phones: raise both where they are your public.",
    ),
    choice("quotas.address.connects", "\"20/s burst 100\"", ""),
    choice(
        "quotas.user.connections",
        "5",
        "A phone, a tablet, two browsers, and one that is about to time out.",
    ),
    choice("quotas.user.messages", "\"5/s burst 10\"", ""),
    choice("quotas.user.joins", "\"10/10s\"", ""),
    choice("quotas.user.reconnects", "\"15/m\"", ""),
    choice("quotas.room.messages", "\"200/s burst 40\"", "More than anybody can read."),
];

const HEAD: &str = "\
# Longwire on the internet: the keys that such a server sets, each with why. All others keep their defaults, which
# `longwire default-config` prints. Before the first start:
#
#  1. Put the public key of whoever signs your users' tokens into the directory the server is started in, as
#     login-key.pem, or give its whole path ([[login.key]] below). For a trial without one of your own:
#       openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out login-secret.pem
#       openssl pkey -in login-secret.pem -pubout -out login-key.pem
#       longwire token make --config THIS_FILE --key-file login-secret.pem --user alice
#  2. `longwire check-config THIS_FILE` tells all that is wrong at once; it reads the key file too.
#  3. Tokens can be read on the way until TLS is on: name your certificate at the end of this file, or put what ends TLS in
#     front of the server.
";

const LOGIN_KEY: &str = "
# The key that signs tokens. The public half alone is enough for this server, so it can make none itself. Where your
# application signs with a shared secret: algorithm = \"HS256\", and a file that holds the secret (32 bytes or more).
# Tokens need an exp; where the same key signs for other services too, set login.jwt.issuer and login.jwt.audience.
[[login.key]]
id = \"app\"
algorithm = \"ES256\"
key_file = \"login-key.pem\"
";

const CERTIFICATE: &str = "
# TLS: the chain as PEM, the server's own certificate first, and its key. Looked at every 30 seconds, so whatever renews
# them needs no restart. More of these tables for more names.
#[[tls.certificate]]
#chain = \"chat.pem\"
#key = \"chat.key\"
";

/// A configuration file for a server that other machines reach.
pub fn production_file() -> String {
    let mut file = HEAD.to_owned();
    let mut table = "";
    for Choice { key: path, value, why } in CHOICES {
        let Some((of, name)) = path.rsplit_once('.') else { continue };
        if of != table {
            // [[login.key]] ends the keys of [login]
            file.push_str(if table == "login" { LOGIN_KEY } else { "" });
            let _ = write!(file, "\n[{of}]\n");
            table = of;
        }
        let doc = keys().find(|key| key.path == *path).map_or("", |key| key.doc);
        push_comment(&mut file, doc);
        if !why.is_empty() {
            let _ = writeln!(file, "# Here: {why}");
        }
        let _ = writeln!(file, "{name} = {value}");
    }
    file.push_str(CERTIFICATE);
    file
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Layers, load};
    use super::*;

    /// What is left to the operator is good once the signs before it are gone.
    #[test]
    fn its_certificate_needs_nothing_but_its_files() {
        let text = production_file()
            .replace("\n#[[", "\n[[")
            .replace("\n#chain", "\nchain")
            .replace("\n#key", "\nkey");
        let loaded = load(&Layers { file: Some(("f".into(), text)), ..Layers::default() });
        let config = loaded.unwrap_or_else(|problems| panic!("{problems}")).config;
        let files = &config.tls.certificate[0];
        assert_eq!((files.chain.as_str(), files.key.as_str()), ("chat.pem", "chat.key"));
    }

    /// It is a good file, every value it names is in force, and it names only what it changes.
    #[test]
    fn it_loads_and_every_value_is_in_force() {
        let loaded = load(&Layers { file: Some(("f".into(), production_file())), ..Layers::default() })
            .unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(loaded.warnings, []);
        let defaults = Config::default();
        for Choice { key: path, value, .. } in CHOICES {
            let key = keys().find(|key| key.path == *path).unwrap();
            assert_ne!(key.show(&loaded.config), key.show(&defaults), "{path}: the default needs no line");
            let table: toml::Table = toml::from_str(&format!("v = {value}")).unwrap();
            let mut draft = super::super::key::Draft::default();
            (key.set)(&mut draft, &table["v"]).unwrap();
            assert_eq!(key.show(&loaded.config), key.show(&draft.config), "{path}");
        }
        let changed: Vec<_> = keys().filter(|key| key.show(&loaded.config) != key.show(&defaults)).collect();
        assert_eq!(changed.len(), CHOICES.len() + 1, "and login.key");
    }
}
