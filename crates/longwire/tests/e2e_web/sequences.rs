//! The rows of proto/websocket-sequences.txt against the real server: in one piece, byte by byte, cut at random.

use super::table::{MESSAGE_MAX, Scene};
use crate::common::server::Server;
use crate::common::websocket::{Said, WebSocket};

#[test]
fn every_sequence_leads_where_its_row_says() {
    //= PROTOCOL.md#18.3
    // A later message that ends inside a frame closes with 1002.
    //= PROTOCOL.md#18.8
    // A message over the longest frame, or in more than 64 fragments, closes with 1009.
    //= PROTOCOL.md#18.10
    // A ping is answered by a pong; of several pings the last alone may be answered.
    let server = Server::start(1);
    for scene in Scene::all() {
        play(&server, &scene, &[]);
    }
    server.stop();
}

#[test]
fn sequences_lead_there_byte_by_byte() {
    let server = Server::start(1);
    for scene in Scene::all().filter(|scene| scene.bytes.len() < MESSAGE_MAX) {
        play(&server, &scene, &(1..scene.bytes.len()).collect::<Vec<_>>());
    }
    server.stop();
}

#[test]
fn sequences_lead_there_cut_anywhere() {
    let seed = std::time::UNIX_EPOCH.elapsed().expect("after 1970").subsec_nanos();
    println!("seed {seed}");
    let server = Server::start(4);
    let mut random = seed;
    for scene in Scene::all() {
        let mut cuts: Vec<usize> = (0..3)
            .map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                random as usize % scene.bytes.len()
            })
            .collect();
        cuts.sort_unstable();
        play(&server, &scene, &cuts);
    }
    server.stop();
}

/// Sends a scene in pieces, each a segment of its own as far as the network lets it, and hears what comes of it.
fn play(server: &Server, scene: &Scene, cuts: &[usize]) {
    let mut client = WebSocket::guest(server.address());
    let ends = cuts.iter().copied().chain([scene.bytes.len()]);
    let mut from = 0;
    for end in ends {
        client.send_what_it_takes(&scene.bytes[from..end]);
        from = end;
    }
    let frames = match scene.close {
        None => up_to_pong(&mut client, scene) + client.still_answers().0,
        Some(code) => up_to_close(&mut client, code, scene.name),
    };
    assert_eq!(frames, scene.frames, "{}", scene.name);
}

/// Reads until the scene's last ping is answered; those before it may be, too (18.10). How many frames came meanwhile.
fn up_to_pong(client: &mut WebSocket, scene: &Scene) -> usize {
    let Some(due) = &scene.pong else { return 0 };
    let mut frames = 0;
    loop {
        match client.next() {
            Said::Message(message) => {
                client.only_frame_of(&message);
                frames += 1;
            }
            Said::Pong(payload) if payload == *due => return frames,
            Said::Pong(_) => {}
            said => panic!("{}: {said:?}", scene.name),
        }
    }
}

fn up_to_close(client: &mut WebSocket, expected: Option<u16>, name: &str) -> usize {
    let mut frames = 0;
    loop {
        match client.next() {
            Said::Message(message) => {
                client.only_frame_of(&message);
                frames += 1;
            }
            Said::Pong(_) => {}
            Said::Close(code, _) => {
                assert_eq!(code, expected, "{name}");
                assert_eq!(client.next(), Said::End, "{name}");
                return frames;
            }
            said @ (Said::End | Said::Reset) => panic!("{name}: {said:?}"),
        }
    }
}
