//! Guests have names of the server's making, which nobody else can have.

use crate::common::bytes::*;
use crate::common::on_one_and_four_shards;
use crate::common::server::Server;

on_one_and_four_shards!(guests_have_ids_of_the_servers_making_that_nobody_can_forge);

/// Fault: a guest as another user, a user as a guest or as `system`.
fn guests_have_ids_of_the_servers_making_that_nobody_can_forge(shards: u32) {
    //= PROTOCOL.md#8.23
    // A LOGIN of one of the server's own names: UNAUTHENTICATED, whatever the token.
    let mut server = Server::of(shards).log_level("debug").start();
    let mut ids = Vec::new();
    for userinfo in [Vec::new(), bytes(3, "guest:0-0-0"), bytes(3, "alice")] {
        let mut guest = server.connect();
        assert_eq!(guest.log_in_with(userinfo), OK);
        let line = server.line_with("guest logged in");
        let line: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
        let id = line["guest"].as_str().expect("it names the guest").to_owned();
        assert!(id.starts_with("guest:") && !ids.contains(&id), "{line}");
        ids.push(id);
        for name in [&ids[0], ids.last().expect("pushed"), "system"] {
            assert_eq!(server.connect().try_log_in("sesame", name), UNAUTHENTICATED, "{name}");
        }
        //= PROTOCOL.md#8.11
        // Also as a later LOGIN: the guest stays one.
        assert_eq!(guest.status_of(LOGIN, login_body("sesame", "system")), UNAUTHENTICATED);
        guest.join("lobby");
        assert_eq!(guest.verdict_on(cms_body("lobby", "canary-body-guest")), Some(FORBIDDEN));
    }
    assert_eq!(server.connect().try_log_in("sesame", "guest"), OK, "what only looks like one is a user's");
    server.stop();
}
