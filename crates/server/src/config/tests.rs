//! The configuration as an operator meets it: files, variables and flags in, values or lines of complaint out.

use super::*;

fn from_file(text: &str) -> Result<Loaded, Problems> {
    load(&Layers { file: Some(("longwire.toml".to_owned(), text.to_owned())), ..Layers::default() })
}

fn from_variables(variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    load(&Layers { variables, ..Layers::default() })
}

fn from_flag(key: &str, value: &str) -> Result<Loaded, Problems> {
    let flag = Flag { name: "--set".to_owned(), key: key.to_owned(), value: value.to_owned() };
    load(&Layers { flags: vec![flag], ..Layers::default() })
}

/// Another legal value for every key, as TOML: what the layers are tried with.
const OTHERS: &[(&str, &str)] = &[
    ("listener", r#"[{ address = "127.0.0.1:0", transports = ["tcp"], proxy_from = ["10.0.0.0/8"] }]"#),
    ("server.listen", r#"["127.0.0.1:0", "[::1]:7611"]"#),
    ("server.transports", r#"["tcp", "wss"]"#),
    ("server.proxy_from", r#"["10.0.0.0/8", "2001:db8::1/128"]"#),
    ("server.shards", "4"),
    ("server.private_fd_tables", r#""on""#),
    ("server.connections_max", "5000"),
    ("server.send_buffer", r#""128KiB""#),
    ("log.format", r#""json""#),
    ("log.level", r#""debug,longwire_server::shard=trace""#),
    ("log.addresses", r#""masked""#),
    ("wire.length", r#""rest""#),
    ("wire.versions", "[0, 3]"),
    ("wire.relay_fields", "[7, 12]"),
    ("wire.frame_max", r#""128KiB""#),
    ("wire.push_max", r#""32KiB""#),
    ("wire.gzip_min", r#""1KiB""#),
    ("wire.commands.login", "11"),
    ("wire.commands.logout", "12"),
    ("wire.commands.ping", "13"),
    ("wire.commands.pong", "14"),
    ("wire.commands.join_cr", "15"),
    ("wire.commands.cms", "63"),
    ("wire.login.token", "4"),
    ("wire.login.user_id", "99"),
    ("wire.timeouts.login_start", r#""5s""#),
    ("wire.timeouts.login", r#""2s""#),
    ("wire.timeouts.idle", r#""1m""#),
    ("wire.timeouts.heartbeat", r#""1500ms""#),
    ("fanout.min_interval", r#""50ms""#),
    ("fanout.rings_max", r#""1GiB""#),
    ("fanout.pinned_max", r#""8MiB""#),
    ("fanout.stall_timeout", r#""10s""#),
    ("fanout.ring.records", "16"),
    ("fanout.ring.bytes", r#""1MiB""#),
    ("fanout.ring.priority_records", "8"),
    ("fanout.ring.priority_bytes", r#""256KiB""#),
    ("limits.unauthenticated_max", "7"),
    ("limits.handshakes_max", "64"),
    ("limits.login_max", r#""4KiB""#),
    ("limits.message_max", r#""1000B""#),
    ("limits.id_max", r#""64B""#),
    ("limits.rooms_per_connection", "1"),
    ("limits.rooms_max", "10"),
    ("limits.memory_max", r#""2GiB""#),
    ("quotas.exempt", r#"["10.0.0.0/8", "2001:db8::/32"]"#),
    ("quotas.connection_frames", r#""50/1s burst 100""#),
    ("quotas.node_logins", r#""2000/1s""#),
    ("quotas.address.connections", "1000"),
    ("quotas.address.guests", "500"),
    ("quotas.address.connects", r#""20/1s burst 100""#),
    ("quotas.address.login_failures", r#""5/1m""#),
    ("quotas.user.connections", "5"),
    ("quotas.user.messages", r#""5/1s burst 10""#),
    ("quotas.user.joins", r#""10/10s""#),
    ("quotas.user.reconnects", r#""15/1m""#),
    ("quotas.user.login_failures", r#""off""#),
    ("quotas.room.messages", r#""200/1s burst 40""#),
    ("quotas.room.priority_percent", "25"),
    ("login.provider", r#""open""#), // every other one needs keys of its own
    ("login.open_on_any_address", "true"),
    ("login.guests", "false"),
    ("login.sessions", r#""newest""#),
    ("login.static_file", r#""users.toml""#),
    ("login.key", r#"[{ id = "a", algorithm = "HS256", key_file = "a.key" }]"#),
    ("login.jwt.issuer", r#""https://issuer.example""#),
    ("login.jwt.audience", r#""chat""#),
    ("login.jwt.leeway", r#""5s""#),
    ("login.jwt.lifetime_max", r#""1h""#),
    ("login.jwt.expiry_grace", r#""0s""#),
    ("login.jwks.url", r#""https://issuer.example/jwks.json""#),
    ("login.jwks.algorithms", r#"["RS256", "ES256"]"#),
    ("login.jwks.refresh", r#""1h""#),
    ("login.jwks.interval_min", r#""30s""#),
    ("login.jwks.timeout", r#""1s""#),
    ("login.jwks.size_max", r#""128KiB""#),
    ("login.jwks.keys_max", "10"),
    ("login.jwks.stale_max", r#""1h""#),
    ("login.claims.user", r#""uid""#),
    ("login.claims.nickname", r#""name""#),
    ("login.claims.level", r#""rank""#),
    ("login.claims.room_level", r#""rl""#),
    ("login.claims.tags", r#""badges""#),
    ("login.claims.roles", r#""https://issuer.example/roles""#),
    ("login.claims.rooms", r#""allowed""#),
    ("login.http.url", r#""http://127.0.0.1:8000/login?app=1""#),
    ("login.http.secret_file", r#""webhook.secret""#),
    ("login.http.timeout", r#""1s""#),
    ("login.http.in_flight_max", "32"),
    ("login.http.answer_max", r#""4KiB""#),
    ("login.http.cache", r#""1m""#),
    ("rooms.create.by", r#""join""#), // the only one there is
    ("rooms.create.idle_ttl", r#""24h""#),
    ("rooms.types.client", r#"["gift", 7]"#),
    ("rooms.types.priority", r#"["gift"]"#),
    ("tls.versions", r#"["1.3"]"#),
    ("tls.handshake_timeout", r#""2s""#),
    ("tls.client_ca", r#""ca.pem""#),
    ("tls.certificate", r#"[{ chain = "a.pem", key = "a.key" }, { chain = "b.pem", key = "b.key" }]"#),
    ("web.demo", r#""off""#),
    ("web.ws.path", r#""/chat/socket""#),
    ("web.ws.origins", r#"["same", "https://chat.example"]"#),
    ("drain.spread", r#""0s""#),
    ("drain.deadline", r#""1m""#),
];

#[test]
fn every_key_can_be_set_by_file_variable_and_flag() {
    let named: Vec<_> = OTHERS.iter().map(|(path, _)| *path).collect();
    assert_eq!(named, keys().map(|key| key.path).collect::<Vec<_>>(), "OTHERS lists every key in order");
    for (key, (path, toml)) in keys().zip(OTHERS) {
        let plain = toml.trim_matches(|c| key.plain && c == '"');
        for (layer, loaded) in [
            ("file", from_file(&format!("{path} = {toml}"))),
            ("variable", from_variables(&[(&key.variable(), plain)])),
            ("flag", from_flag(path, plain)),
        ] {
            let loaded = loaded.unwrap_or_else(|err| panic!("{layer}: {err}"));
            assert_eq!(key.show(&loaded.config), *toml, "{layer} {path}");
            assert_ne!(loaded.origin(key), Origin::Default, "{layer} {path}");
            assert!(loaded.warnings.is_empty());
            let only = ["login.provider", "rooms.create.by"].contains(path);
            assert_eq!(loaded.config == Config::default(), only, "{layer} {path} changes the configuration");
        }
    }
}

#[test]
fn the_default_file_is_the_default() {
    let loaded = from_file(&default_file()).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert!(keys().all(|key| loaded.origin(key) != Origin::Default), "the default file names every key");
    assert!(default_file().lines().all(|line| line.chars().count() <= 120));
    assert_eq!(load(&Layers::default()).unwrap().config, Config::default());
}

#[test]
fn the_default_variables_are_the_default() {
    let text = default_variables();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let variables: Vec<_> = lines.map(|line| line.split_once('=').unwrap()).collect();
    let loaded = from_variables(&variables).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(variables.len(), keys().count());
}

/// What is written down about the defaults elsewhere.
#[test]
fn the_defaults_are_the_documented_ones() {
    let config = Config::default();
    //= PROTOCOL.md#1.2
    // The default address of a server is `127.0.0.1:7610`.
    assert_eq!(config.server.listen, ["127.0.0.1:7610".parse().unwrap()]);
    assert_eq!(config.limits.token_max(), 4 * KIB);
    assert_eq!(config.wire.versions, u16::MAX);
    assert!(keys().all(|key| key.show(&config).len() < 60));
}

#[test]
fn a_flag_goes_over_a_variable_over_the_file() {
    let mut layers = Layers {
        file: Some(("f".to_owned(), "limits.rooms_max = 1".to_owned())),
        variables: vec![("LONGWIRE_LIMITS__ROOMS_MAX".to_owned(), "2".to_owned())],
        flags: vec![Flag {
            name: "--set".to_owned(),
            key: "limits.rooms_max".to_owned(),
            value: "3".to_owned(),
        }],
    };
    let key = keys().find(|key| key.path == "limits.rooms_max").unwrap();
    let seen = |layers: &Layers| {
        let loaded = load(layers).unwrap();
        (loaded.config.limits.rooms_max, loaded.origin(key).to_string())
    };
    assert_eq!(seen(&layers), (3, "--set".to_owned()));
    layers.flags.clear();
    assert_eq!(seen(&layers), (2, "LONGWIRE_LIMITS__ROOMS_MAX".to_owned()));
    layers.variables[0].1.clear(); // an empty variable is not set
    assert_eq!(seen(&layers), (1, "f:1:20".to_owned()));
    layers.file = None;
    assert_eq!(seen(&layers), (100_000, "default".to_owned()));
}

#[test]
fn a_variable_or_flag_may_set_a_whole_table() {
    let loaded = from_variables(&[("LONGWIRE_WIRE__TIMEOUTS", r#"{ idle = "40s", login = "3s" }"#)]).unwrap();
    assert_eq!(loaded.config.wire.timeouts.idle.as_secs(), 40);
    assert_eq!(loaded.config.wire.timeouts.login.as_secs(), 3);
    let loaded = from_flag("wire.commands", "{ login = 2, logout = 1 }").unwrap();
    assert_eq!(loaded.config.wire.commands.code(longwire_wire::Command::Logout), 1);
}

#[test]
fn variables_that_are_not_ours_are_passed_over() {
    let loaded = from_variables(&[
        ("LONGWIRE_PORT", "tcp://10.0.0.1:7610"),
        ("LONGWIRE_PORT_7610_TCP", "tcp://10.0.0.1:7610"),
        ("LONGWIRE_SERVICE_HOST", "10.0.0.1"),
        ("LONGWIRE_SERVICE_PORT__X", "1"),
        ("LONGWIRE_ADDR", "127.0.0.1:1"),
        ("SERVER__LISTEN", "x"),
    ])
    .unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.warnings, []);
}

#[test]
fn an_unknown_variable_is_a_warning_with_the_nearest() {
    let loaded =
        from_variables(&[("LONGWIRE_LOG__LEVLE", "debug"), ("LONGWIRE_ADMIN__LISTEN", "x")]).unwrap();
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "LONGWIRE_LOG__LEVLE: log.levle: no such key, passed over; the nearest is LONGWIRE_LOG__LEVEL",
            "LONGWIRE_ADMIN__LISTEN: admin.listen: not in this release",
        ]
    );
}

#[test]
fn a_number_that_is_anything_breaks_nothing() {
    for (path, _) in OTHERS {
        for toml in [
            "-1",
            "0",
            "1",
            "9223372036854775807",
            "0xffffffffffffffffffff",
            "1e400",
            "nan",
            "true",
            "[]",
            "[-1]",
            "[[1]]",
            "{}",
            "1979-05-27",
            r#""""#,
            r#""9999999999999999999GiB""#,
            r#""18446744073709551615h""#,
            r#""\u0000""#,
        ] {
            if let Err(problems) = from_file(&format!("{path} = {toml}")) {
                assert!(problems.0.iter().all(|problem| !problem.reason.contains('\n')), "{problems}");
            }
            let _ = from_flag(path, toml);
        }
    }
}

/// Every range, at its ends and one past them.
#[test]
fn ranges_hold_at_their_ends() {
    for (path, good, bad) in [
        ("server.shards", "256", "257"),
        ("server.send_buffer", r#""4KiB""#, r#""4095B""#),
        ("server.send_buffer", r#""64MiB""#, r#""67108865B""#),
        ("wire.timeouts.login_start", r#""1s""#, r#""999ms""#),
        ("wire.timeouts.login", r#""1s""#, r#""999ms""#),
        ("wire.timeouts.heartbeat", r#""1s""#, r#""999ms""#),
        ("wire.timeouts.heartbeat", r#""15s""#, r#""15001ms""#),
        ("wire.timeouts.idle", r#""28s""#, r#""27999ms""#),
        ("wire.timeouts.idle", r#""8784h""#, r#""8785h""#),
        ("wire.frame_max", r#""522240B""#, r#""522241B""#), // and 2KiB: fanout.ring.priority_bytes
        ("wire.push_max", r#""1KiB""#, r#""1023B""#),
        ("wire.gzip_min", r#""1B""#, r#""0B""#),
        ("wire.commands.cms", "63", "64"),
        ("wire.login.token", "99", "100"),
        ("wire.relay_fields", "[7, 99]", "[7, 100]"),
        ("wire.versions", "[0, 15]", "[0, 16]"),
        ("fanout.min_interval", r#""1m""#, r#""60001ms""#),
        ("fanout.stall_timeout", r#""1s""#, r#""999ms""#),
        ("fanout.rings_max", r#""2560KiB""#, r#""2621439B""#),
        ("fanout.pinned_max", r#""66KiB""#, r#""67583B""#),
        ("fanout.ring.bytes", r#""66KiB""#, r#""67583B""#),
        ("fanout.ring.priority_bytes", r#""66KiB""#, r#""67583B""#),
        ("fanout.ring.records", "1", "0"),
        ("fanout.ring.records", "16777216", "16777217"),
        ("fanout.ring.priority_records", "1", "0"),
        ("limits.unauthenticated_max", "1", "0"),
        ("limits.handshakes_max", "1", "0"),
        ("limits.handshakes_max", "1000000", "1000001"),
        ("limits.login_max", r#""64B""#, r#""63B""#),
        ("limits.login_max", r#""64KiB""#, r#""65537B""#),
        ("limits.message_max", r#""1B""#, r#""0B""#),
        ("limits.message_max", r#""64KiB""#, r#""65537B""#),
        ("limits.id_max", r#""1B""#, r#""0B""#),
        ("limits.id_max", r#""512B""#, r#""513B""#),
        ("limits.rooms_per_connection", "1", "0"),
        ("limits.rooms_per_connection", "10000", "10001"),
        ("limits.rooms_max", "1", "0"),
        ("limits.memory_max", r#""256MiB""#, r#""268435455B""#),
        ("login.jwt.leeway", r#""5m""#, r#""300001ms""#),
        ("login.jwt.lifetime_max", r#""1s""#, r#""999ms""#),
        ("login.jwt.expiry_grace", r#""1h""#, r#""3600001ms""#),
        ("login.jwks.refresh", r#""10s""#, r#""9999ms""#), // login.jwks.interval_min
        ("login.jwks.refresh", r#""24h""#, r#""86400001ms""#),
        ("login.jwks.interval_min", r#""1s""#, r#""999ms""#),
        ("login.jwks.interval_min", r#""10m""#, r#""600001ms""#), // login.jwks.refresh
        ("login.jwks.timeout", r#""100ms""#, r#""99ms""#),
        ("login.jwks.timeout", r#""30s""#, r#""30001ms""#),
        ("login.jwks.size_max", r#""1KiB""#, r#""1023B""#),
        ("login.jwks.size_max", r#""1MiB""#, r#""1048577B""#),
        ("login.jwks.keys_max", "1000", "1001"),
        ("login.jwks.keys_max", "1", "0"),
        ("login.jwks.stale_max", r#""10m""#, r#""599999ms""#),
        ("login.http.timeout", r#""30s""#, r#""30001ms""#),
        ("login.http.in_flight_max", "1", "0"),
        ("login.http.in_flight_max", "10000", "10001"),
        ("login.http.answer_max", r#""256B""#, r#""255B""#),
        ("login.http.cache", r#""1h""#, r#""3600001ms""#),
        ("tls.versions", r#"["1.2"]"#, "[]"),
        ("tls.versions", r#"["1.2", "1.3", "1.2"]"#, r#"["1.1"]"#),
        ("tls.handshake_timeout", r#""100ms""#, r#""99ms""#),
        ("tls.handshake_timeout", r#""1m""#, r#""60001ms""#),
        ("drain.spread", r#""45s""#, r#""45001ms""#),
        ("drain.deadline", r#""30s""#, r#""29999ms""#),
    ] {
        let told = from_file(&format!("{path} = {good}")).err();
        assert_eq!(told, None, "{path} = {good}");
        let told = from_file(&format!("{path} = {bad}")).expect_err(bad);
        assert_eq!(told.0.len(), 1, "{told}");
        assert_eq!(told.0[0].key, path);
    }
}

/// The largest frame there may be, with all that has to be as large.
#[test]
fn a_frame_stays_below_16_mib() {
    let file = |frame: &str| {
        let ring = "ring = { bytes = \"32MiB\", priority_bytes = \"32MiB\" }";
        from_file(&format!("[wire]\nframe_max = \"{frame}\"\n[fanout]\n{ring}\n"))
    };
    assert_eq!(file("16777215B").unwrap().config.wire.frame_max, 16 * MIB - 1);
    assert!(file("16MiB").is_err());
}

#[test]
fn open_login_beyond_loopback_must_be_asked_for() {
    for (address, local) in [
        ("127.0.0.2:1", true),
        ("[::1]:1", true),
        ("[::ffff:127.0.0.1]:1", true),
        ("0.0.0.0:1", false),
        ("[::]:1", false),
        ("10.0.0.1:1", false),
        ("[::ffff:10.0.0.1]:1", false),
    ] {
        for (key, listen) in [
            ("server.listen", format!("server.listen = [\"127.0.0.1:2\", \"{address}\"]\n")),
            (
                "listener",
                format!("listener = [{{ address = \"127.0.0.1:2\" }}, {{ address = \"{address}\" }}]\n"),
            ),
        ] {
            let refused = from_file(&listen).map(drop).map_err(|told| told.0[0].key.clone());
            let expected = if local { Ok(()) } else { Err(key.to_owned()) };
            assert_eq!(refused, expected, "{listen}");
            assert!(from_file(&format!("{listen}login.open_on_any_address = true")).is_ok());
        }
    }
}

/// However a file is cut or garbled, there is an answer.
#[test]
fn a_cut_or_garbled_file_is_told_never_a_panic() {
    let whole = default_file();
    for at in (0..whole.len()).step_by(101) {
        for garbage in ["", "\"", "[", "=", "\u{0}", "\u{e4}\r", "\"\"\"", "]]"] {
            let _ = from_file(&format!("{}{garbage}{}", &whole[..at], &whole[at..]));
            let _ = from_file(&format!("{}{garbage}", &whole[..at]));
        }
    }
}

/// The files that are wrong, each with the very lines that it gets. `BLESS=1` writes the lines anew, to be reviewed.
#[test]
fn broken_files_get_exactly_these_lines() {
    const CASES: &str = include_str!("broken_files.txt");
    let mut cases = CASES.split("=====\n");
    let mut told = cases.next().unwrap_or_default().to_owned();
    for case in cases {
        let (text, _) = case.split_once("-----\n").expect("a file, -----, its complaints");
        let problems = from_file(text).expect_err(text);
        told += &format!("=====\n{text}-----\n{problems}\n");
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/broken_files.txt"), &told).unwrap();
    }
    assert_eq!(told, CASES);
}
