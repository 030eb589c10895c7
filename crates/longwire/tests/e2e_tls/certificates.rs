//! Which certificate is shown to whom, and what becomes of it while the server runs.

use super::openssl::{looks, serial, through};
use super::pair::{Pair, showing};
use crate::common::server::Server;
use std::fs;
use std::process::Command;

#[test]
fn new_handshakes_see_a_renewal_an_old_connection_lives_on_and_a_broken_pair_changes_nothing() {
    let pair = Pair::numbered(1);
    let mut server = showing(&[&pair]).start();
    assert_eq!(serial(server.address(), None), "01");
    let mut old = through(server.address(), &pair, &["-tls1_3"]);
    old.raw.log_in("alice");

    pair.renew(2, &["localhost"]);
    server.signal("HUP");
    server.line_with("new certificates");
    assert_eq!(serial(server.address(), None), "02");
    old.raw.ping();

    let good = fs::read(pair.key()).expect("the key");
    fs::write(pair.key(), "no key").expect("writable");
    server.signal("HUP");
    let line = server.line_with("the old ones stay in force");
    assert!(line.contains("key.pem: holds no private key in PEM"), "{line}");
    assert_eq!(serial(server.address(), None), "02");

    pair.renew(3, &["localhost"]);
    fs::write(pair.key(), good).expect("writable");
    server.signal("HUP");
    let line = server.line_with("the old ones stay in force");
    assert!(line.contains("key.pem: is not the key of the first certificate in"), "{line}");
    assert_eq!(serial(server.address(), None), "02");
    server.signal("HUP");
    server.line_with("the old ones stay in force"); // whoever asks again is told again
    old.raw.ping();
}

#[test]
fn each_name_has_its_certificate_and_all_others_see_the_first() {
    let pairs = [("01", "first.example"), ("02", "second.example"), ("03", "*.wild.example")].map(
        |(serial, name)| {
            let pair = Pair::of(&[name]);
            pair.renew(serial.parse().expect("a number"), &[name]);
            pair
        },
    );
    let server = showing(&pairs.iter().collect::<Vec<_>>()).start();
    for (name, shown) in [
        (Some("first.example"), "01"),
        (Some("second.example"), "02"),
        (Some("a.wild.example"), "03"),
        (Some("a.b.wild.example"), "01"),
        (Some("elsewhere.example"), "01"),
        (None, "01"),
    ] {
        assert_eq!(serial(server.address(), name), shown, "{name:?}");
    }
}

#[test]
fn with_client_ca_a_client_must_show_a_certificate() {
    let (pair, known, stranger) = (Pair::new(), Pair::of(&["client"]), Pair::of(&["client"]));
    let server = showing(&[&pair]).set("tls.client_ca", known.chain().to_str().expect("UTF-8")).start();
    let shown = |client: &Pair, version: &str| {
        let (cert, key) = (client.chain(), client.key());
        let [cert, key] = [&cert, &key].map(|path| path.to_str().expect("UTF-8"));
        let mut through = through(server.address(), &pair, &[version, "-cert", cert, "-key", key]);
        through.raw.is_served_as_guest()
    };
    for version in ["-tls1_2", "-tls1_3"] {
        assert!(shown(&known, version), "{version}");
        assert!(!shown(&stranger, version), "{version}");
        let mut none = through(server.address(), &pair, &[version]);
        assert!(!none.raw.is_served_as_guest(), "{version}");
    }
}

#[test]
fn frames_and_http_1_1_are_the_only_protocols() {
    let pair = Pair::new();
    let server = showing(&[&pair]).start();
    assert!(looks(server.address(), &["-alpn", "h2,http/1.1"]).1.contains("ALPN protocol: http/1.1"));
    assert!(looks(server.address(), &[]).1.contains("No ALPN negotiated"));
    let (content, said) = looks(server.address(), &["-alpn", "h2"]);
    assert!(!content && said.contains("no application protocol"), "{said}");
}

#[test]
fn only_the_versions_that_are_set_are_served() {
    let pair = Pair::new();
    for (versions, old, new) in [(r#"["1.2"]"#, true, false), (r#"["1.3"]"#, false, true)] {
        let server = showing(&[&pair]).set("tls.versions", versions).start();
        assert_eq!(looks(server.address(), &["-tls1_2"]).0, old, "{versions}");
        assert_eq!(looks(server.address(), &["-tls1_3"]).0, new, "{versions}");
    }
}

/// A pair that cannot be used stops the start, in one line; one that has ended is said and served.
#[test]
fn a_bad_pair_is_told_at_the_start_and_by_check_config() {
    let (pair, other, ended) = (Pair::new(), Pair::new(), Pair::ended());
    fs::copy(other.key(), pair.key()).expect("writable");
    let mut server = showing(&[&pair]).spawn();
    let line = server.line_with("tls.certificate");
    assert!(line.contains("key.pem: is not the key of the first certificate in"), "{line}");
    assert_eq!(server.wait().code(), Some(1));

    let mut server = showing(&[&ended]).spawn();
    let line = server.line_with("has ended on 2001-02-03 00:00:00 UTC");
    assert!(line.contains("chain.pem") && line.contains("\"error\""), "{line}");
    server.line_with("\"ready\"");

    let file = pair.folder().join("longwire.toml");
    let checked = |pair: &Pair| {
        fs::write(&file, format!("[tls]\ncertificate = [{}]\n", pair.toml())).expect("writable");
        let mut command = Command::new(env!("CARGO_BIN_EXE_longwire"));
        let output = command.arg("check-config").arg(&file).output().expect("the binary starts");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, said) = checked(&pair);
    assert!(code == Some(1) && said.contains("longwire.toml:2:"), "{said}");
    assert!(said.contains("tls.certificate: ") && said.contains("is not the key of"), "{said}");
    let (code, said) = checked(&ended);
    assert!(code == Some(1) && said.contains("the certificate has ended on 2001-02-03"), "{said}");
    assert_eq!(checked(&other).0, Some(0));
}

#[test]
fn without_a_certificate_a_hello_is_not_answered() {
    let server = Server::start(1);
    let (content, said) = looks(server.address(), &[]);
    assert!(!content && said.contains("no peer certificate available"), "{said}");
}
