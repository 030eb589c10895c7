//! Files that are judged, renewed and refused.

use super::*;
use crate::config::TlsConfig;
use crate::tls::{LOOK_PERIOD, Look, check, renew, unix_seconds};
use std::time::Duration;

fn serial_seen(tls: &Tls, pairs: &[&Pair]) -> Vec<u8> {
    let mut roots = rustls::RootCertStore::empty();
    pairs.iter().for_each(|pair| roots.add(pair.certificate.der().clone()).unwrap());
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let client = ClientConfig::builder_with_provider(provider.into()).with_protocol_versions(TLS13).unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let mut talk = Conversation::new(tls, Arc::new(client));
    talk.shake_hands();
    let shown = &talk.client.peer_certificates().unwrap()[0];
    webpki::EndEntityCert::try_from(shown).unwrap().serial().to_vec()
}

#[test]
fn new_handshakes_see_new_files_an_old_connection_lives_on_and_broken_ones_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = [1, 2].map(Pair::numbered);
    let files = one.write(folder.path(), "a");
    let tls = Tls::build(&config(vec![files.clone()])).unwrap().unwrap();
    let mut old = Conversation::new(&tls, client(one.certificate.der(), TLS13));
    old.shake_hands();
    assert_eq!((tls.look(false), serial_seen(&tls, &[&one, &two])), (Look::Same, vec![1]));

    std::fs::write(&files.chain, two.certificate.pem()).unwrap(); // half of a pair: as between two writes
    assert_eq!((tls.look(false), serial_seen(&tls, &[&one, &two])), (Look::Broken, vec![1]));
    assert_eq!(tls.look(false), Look::Same, "and that is said once");
    for broken in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&files.chain, broken).unwrap();
        assert_eq!(tls.look(false), Look::Broken);
    }
    std::fs::remove_file(&files.chain).unwrap();
    assert_eq!((tls.look(false), serial_seen(&tls, &[&one, &two])), (Look::Broken, vec![1]));
    let ended = Pair::with(&["localhost"], |params| params.not_after = rcgen::date_time_ymd(2001, 1, 1));
    ended.write(folder.path(), "a");
    assert_eq!((tls.look(false), serial_seen(&tls, &[&one, &two])), (Look::Broken, vec![1]));

    one.write(folder.path(), "a"); // somebody put them back: these are no new ones
    let before = tls.server_for_test();
    assert_eq!((tls.look(false), tls.look(true)), (Look::Restored, Look::Same));
    assert!(Arc::ptr_eq(&before, &tls.server_for_test()) && tls.seen.lock().unwrap().broken.is_none());

    two.write(folder.path(), "a");
    assert_eq!((tls.look(false), serial_seen(&tls, &[&one, &two])), (Look::Renewed, vec![2]));
    one.write(folder.path(), "a");
    assert_eq!((tls.look(false), serial_seen(&tls, &[&one, &two])), (Look::Renewed, vec![1]));
    old.client_says(b"still here");
    assert_eq!(old.server_hears(100), b"still here");
    old.server_says(b"so am I");
    assert_eq!(old.client_hears(), b"so am I");
}

/// Where several are set, one that has ended must not keep the others from being renewed; one that comes ended is refused.
#[test]
fn one_that_has_ended_in_force_keeps_no_other_from_being_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two, three] = [1, 2, 3].map(Pair::numbered);
    let ended = || Pair::with(&["b"], |params| params.not_after = rcgen::date_time_ymd(2001, 1, 1));
    let files = vec![one.write(folder.path(), "a"), ended().write(folder.path(), "b")];
    let tls = Tls::build(&config(files)).unwrap().unwrap();
    two.write(folder.path(), "a");
    assert_eq!((tls.look(false), serial_seen(&tls, &[&one, &two])), (Look::Renewed, vec![2]));
    let other = Pair::with(&["b"], |params| params.not_after = rcgen::date_time_ymd(2002, 1, 1));
    other.write(folder.path(), "b");
    three.write(folder.path(), "a");
    assert_eq!((tls.look(false), serial_seen(&tls, &[&one, &two])), (Look::Broken, vec![2]));
}

/// The clock is the runtime's, and turned forward: nobody waits.
#[tokio::test(start_paused = true)]
async fn files_are_looked_at_every_thirty_seconds() {
    use tokio::signal::unix::{SignalKind, signal};
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = [1, 2].map(Pair::numbered);
    let tls = Arc::new(Tls::build(&config(vec![one.write(folder.path(), "a")])).unwrap().unwrap());
    let renewing = tokio::spawn(renew(Arc::clone(&tls), signal(SignalKind::hangup()).unwrap()));
    two.write(folder.path(), "a");
    let before = tls.server_for_test();
    tokio::time::sleep(LOOK_PERIOD - Duration::from_millis(1)).await;
    assert!(Arc::ptr_eq(&before, &tls.server_for_test()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(serial_seen(&tls, &[&one, &two]), [2]);
    renewing.abort();
}

/// Whoever comes back with a ticket of before a renewal is shown the new certificate.
#[test]
fn a_renewal_ends_the_tickets_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = [1, 2].map(Pair::numbered);
    let tls = Tls::build(&config(vec![one.write(folder.path(), "a")])).unwrap().unwrap();
    let mut roots = rustls::RootCertStore::empty();
    [&one, &two].iter().for_each(|pair| roots.add(pair.certificate.der().clone()).unwrap());
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let client = ClientConfig::builder_with_provider(provider.into()).with_protocol_versions(TLS13).unwrap();
    let client = Arc::new(client.with_root_certificates(roots).with_no_client_auth());
    let again = || {
        let mut talk = Conversation::new(&tls, Arc::clone(&client));
        talk.shake_hands();
        talk.server_says(b"x");
        talk.client_hears();
        talk.client.handshake_kind().unwrap()
    };
    assert_eq!([again(), again()], [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed]);
    two.write(folder.path(), "a");
    assert_eq!(tls.look(false), Look::Renewed);
    assert_eq!(again(), rustls::HandshakeKind::Full);
}

/// What is wrong with the files, in the words that `check-config` and the start use.
#[test]
fn every_kind_of_broken_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, text: &str| std::fs::write(at(name), text).unwrap();
    let [one, two] = [1, 2].map(Pair::numbered);
    let (good, other) = (one.write(folder.path(), "good"), two.write(folder.path(), "other"));
    let later = Pair::with(&["l"], |params| {
        (params.not_before, params.not_after) =
            (rcgen::date_time_ymd(2090, 1, 2), rcgen::date_time_ymd(2091, 1, 1));
    });
    let ended = Pair::with(&["e"], |params| params.not_after = rcgen::date_time_ymd(2001, 2, 3));
    let (later, ended) = (later.write(folder.path(), "later"), ended.write(folder.path(), "ended"));
    write("text", "no PEM at all\n");
    write("cut", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    write("encrypted", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    write(
        "old",
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n",
    );
    write("twice", &one.key.serialize_pem().repeat(2));
    write("junk", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    write("long", &one.certificate.pem().repeat(11));
    let files = |chain: &str, key: &str| {
        config(vec![crate::config::CertificateFiles { chain: chain.to_owned(), key: key.to_owned() }])
    };
    for (config, reason) in [
        (files(&at("none"), &good.key), "none: No such file"),
        (files(&good.chain, &at("none")), "none: No such file"),
        (files(folder.path().to_str().unwrap(), &good.key), "is no file"),
        (files(&at("text"), &good.key), "text: holds no certificate in PEM"),
        (files(&at("cut"), &good.key), "cut: is no PEM file"),
        (files(&at("long"), &good.key), "long: has 11 certificates, at most 10"),
        (files(&good.key, &good.key), "good.key: holds no certificate in PEM"),
        (files(&good.chain, &good.chain), "good.pem: holds no private key in PEM"),
        (files(&good.chain, &at("encrypted")), "encrypted: the private key is encrypted"),
        (files(&good.chain, &at("old")), "old: the private key is encrypted"),
        (files(&good.chain, &at("twice")), "twice: holds more than one private key"),
        (files(&good.chain, &at("junk")), "junk: the private key is of no kind that is served"),
        (files(&good.chain, &other.key), "other.key: is not the key of the first certificate in"),
        (
            files(&later.chain, &later.key),
            "later.pem: the certificate is good from 2090-01-02 00:00:00 UTC only",
        ),
        (files(&ended.chain, &ended.key), "ended.pem: the certificate has ended on 2001-02-03 00:00:00 UTC"),
        (TlsConfig { client_ca: at("none"), ..config(vec![good.clone()]) }, "none: No such file"),
        (
            TlsConfig { client_ca: at("text"), ..config(vec![good.clone()]) },
            "text: holds no certificate in PEM",
        ),
        (TlsConfig { client_ca: good.chain.clone(), ..TlsConfig::default() }, "the server has none"),
    ] {
        let (errors, _) = check(&config);
        assert_eq!(errors.len(), 1, "{reason}: {errors:?}");
        assert!(errors[0].reason.contains(reason), "{reason}: {errors:?}");
    }
    let (errors, _) = check(&TlsConfig {
        client_ca: at("none"),
        ..config(vec![files(&at("text"), &good.key).certificate.remove(0), good.clone(), other])
    });
    assert_eq!(errors.len(), 2, "all are told at once: {errors:?}");
    assert_eq!(check(&config(vec![good])), (Vec::new(), Vec::new()));
    assert_eq!(check(&TlsConfig::default()), (Vec::new(), Vec::new()));
}

#[test]
fn a_certificate_that_ends_within_two_weeks_is_worth_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::with(&["localhost"], |params| params.not_after = rcgen::date_time_ymd(2060, 1, 15));
    let tls = Tls::build(&config(vec![pair.write(folder.path(), "a")])).unwrap().unwrap();
    let seen = tls.seen.lock().unwrap();
    let ends = seen.loaded.dates[0].1.not_after;
    assert!(ends > unix_seconds());
    assert_eq!(seen.loaded.ends_soon(ends - 14 * 86_400), None);
    let told = seen.loaded.ends_soon(ends - 14 * 86_400 + 1).unwrap();
    assert!(told.ends_with("a.pem: the certificate ends on 2060-01-15 00:00:00 UTC"), "{told}");
    assert_eq!((seen.loaded.outdated(ends), seen.loaded.outdated(ends + 1).is_some()), (None, true));
}

#[test]
fn clients_must_show_a_certificate_where_an_authority_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (server, known, stranger) = (Pair::numbered(1), Pair::new(&["client"]), Pair::new(&["client"]));
    let files = server.write(folder.path(), "a");
    let client_ca = known.write(folder.path(), "ca").chain;
    let tls = Tls::build(&TlsConfig { client_ca, ..config(vec![files]) }).unwrap().unwrap();
    let shown = |pair: Option<&Pair>, versions| {
        let config = client(server.certificate.der(), versions);
        let config = match pair {
            None => config,
            Some(pair) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(server.certificate.der().clone()).unwrap();
                let provider = rustls::crypto::aws_lc_rs::default_provider();
                let builder = ClientConfig::builder_with_provider(provider.into());
                let builder = builder.with_protocol_versions(versions).unwrap();
                let certified = pair.certified();
                let key = pair.key.serialize_der().try_into().unwrap();
                Arc::new(
                    builder.with_root_certificates(roots).with_client_auth_cert(certified.cert, key).unwrap(),
                )
            }
        };
        let mut talk = Conversation::new(&tls, config);
        for _ in 0..10 {
            if talk.carry().is_err() {
                return false;
            }
            match talk.server.handshake(&mut talk.socket) {
                Ok(Handshake::Done) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        false
    };
    for versions in [TLS12, TLS13] {
        assert!(!shown(None, versions), "none");
        assert!(!shown(Some(&stranger), versions), "of a stranger");
        assert!(shown(Some(&known), versions), "of the authority");
    }
}
