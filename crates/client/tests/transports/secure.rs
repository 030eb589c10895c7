//! `tls://` and `wss://`: who is trusted, and that nothing is said to anybody else.

use super::peer::{Authority, JOIN, LOGIN, Server, Web, accept_tls, answer, push};
use super::{alice, heard, soon};
use longwire_client::transport::{HandshakeError, Trust};
use longwire_client::{Client, Fault, LengthReading, Outgoing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls::{ALL_VERSIONS, ProtocolVersion, version};

const BODY: LengthReading = LengthReading::Body;

#[tokio::test]
async fn a_client_speaks_over_tls_1_2_and_1_3() {
    let authority = Authority::new();
    for (offered, spoken) in
        [(&version::TLS12, ProtocolVersion::TLSv1_2), (&version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let (server, acceptor) = (Server::bind().await, authority.acceptor("127.0.0.1", &[offered]));
        let config = alice(server.address("tls")).trust(Trust::Pem(authority.pem())).build().unwrap();
        let peer = async {
            let mut io = accept_tls(&server, &acceptor).await.unwrap();
            assert_eq!(io.get_ref().1.protocol_version(), Some(spoken));
            let mut login = [0; 64];
            let bytes = soon(io.read(&mut login)).await.unwrap();
            assert_eq!((login[8], bytes > 11), (LOGIN, true));
            io.write_all(&answer(BODY, LOGIN, u32::from_be_bytes(login[4..8].try_into().unwrap())))
                .await
                .unwrap();
            io.write_all(&push(BODY, "lobby", "in secret")).await.unwrap();
            io.flush().await.unwrap();
            io
        };
        let (connected, _io) = tokio::join!(Client::connect(config), peer);
        let (_client, mut events) = connected.unwrap();
        assert_eq!(heard(&mut events).await, "in secret");
    }
}

/// Whom this client trusts, and what it is told where that is not the server.
#[tokio::test]
async fn nothing_is_said_to_a_server_that_nobody_trusted_vouches_for() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (name, trust, complaint) in [
        ("127.0.0.1", Trust::Pem(stranger.pem()), "signed by nobody who is trusted here"),
        ("127.0.0.1", Trust::System, "signed by nobody who is trusted here"),
        ("chat.example", Trust::Pem(authority.pem()), "chat.example\"), not for 127.0.0.1"),
    ] {
        let (server, acceptor) = (Server::bind().await, authority.acceptor(name, ALL_VERSIONS));
        let config = match alice(server.address("tls")).trust(trust).build() {
            Ok(config) => config,
            // A machine without authorities trusts nobody from the start.
            Err(refused) => {
                assert_eq!(refused.key, "trust");
                continue;
            }
        };
        let (connected, io) = tokio::join!(Client::connect(config), accept_tls(&server, &acceptor));
        let Err(fault) = connected else { panic!("it is connected") };
        let Fault::Connect(cause) = &fault else { panic!("{fault}") };
        let cause = cause.get_ref().and_then(|cause| cause.downcast_ref::<HandshakeError>()).unwrap();
        assert_eq!(cause.is_untrusted(), complaint.contains("trusted"));
        let fault = fault.to_string();
        assert!(fault.contains(complaint), "{fault}");
        // In TLS 1.3 the server may be done before the client says no; it hears nothing all the same.
        if let Ok(mut io) = io {
            assert!(!matches!(soon(io.read(&mut [0; 64])).await, Ok(1..)));
        }
    }
}

#[tokio::test]
async fn a_plain_server_gets_no_login() {
    let server = Server::bind().await;
    let config = alice(server.address("tls")).trust(Trust::Nobody).build().unwrap();
    let peer = async {
        let mut io = server.accept().await;
        let mut hello = vec![0; 4096];
        let bytes = soon(io.read(&mut hello)).await.unwrap();
        io.write_all(&answer(BODY, LOGIN, 1)).await.unwrap();
        hello.truncate(bytes);
        hello
    };
    let (connected, hello) = tokio::join!(Client::connect(config), peer);
    let Err(fault) = connected else { panic!("it is connected") };
    assert!(fault.to_string().contains("what the server sent is not TLS"), "{fault}");
    assert!(hello[0] == 0x16 && !hello.windows(6).any(|window| window == b"secret"));
}

#[tokio::test]
async fn trusting_nobody_takes_any_certificate() {
    let (server, acceptor) = (Server::bind().await, Authority::new().acceptor("elsewhere", ALL_VERSIONS));
    let config = alice(server.address("wss")).trust(Trust::Nobody).build().unwrap();
    let peer = async {
        let io = accept_tls(&server, &acceptor).await.unwrap();
        assert_eq!(io.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let mut web = Web::accept(io, BODY).await;
        web.expect(LOGIN).await;
        web
    };
    let (connected, mut web) = tokio::join!(Client::connect(config), peer);
    let (client, mut events) = connected.unwrap();
    let (joined, ()) = tokio::join!(client.join("lobby"), web.expect(JOIN));
    joined.unwrap();
    client.send(Outgoing::new("lobby", "hello")).await.unwrap();
    assert_eq!(web.request().await.code, super::peer::CMS);
    web.send_bytes(push(BODY, "lobby", "in secret")).await;
    assert_eq!(heard(&mut events).await, "in secret");
}

#[test]
fn what_is_no_authority_is_refused_before_connecting() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (pem, reason) in [("", "has no certificate in PEM"), (broken, "has a certificate that is none")] {
        let refused = alice("tls://chat.example").trust(Trust::Pem(pem.into())).build().unwrap_err();
        assert_eq!((refused.key, refused.reason), ("trust", reason));
    }
}
