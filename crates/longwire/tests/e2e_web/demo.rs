//! The demo page as bytes: who gets it, and that a slow reader gets all of it without being in anybody's way.

use crate::common::on_one_and_four_shards;
use crate::common::server::Server;
use crate::common::websocket::WebSocket;
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::SocketAddr;

on_one_and_four_shards!(
    the_demo_is_where_the_configuration_says,
    a_slow_reader_gets_the_whole_page,
    who_reads_nothing_of_it_keeps_nobody_waiting,
);

const SCRIPT: &[u8] = include_bytes!("../../../../web/demo/dist/demo.js");

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: chat.example\r\n\r\n")
}

/// Head and body.
fn ask(address: SocketAddr, path: &str) -> (String, Vec<u8>) {
    let mut client = WebSocket::over(address);
    client.send_bytes(get(path).as_bytes());
    let head = client.head();
    (head, client.rest().0)
}

fn the_demo_is_where_the_configuration_says(shards: u32) {
    let open = Server::start(shards);
    let off = Server::of(shards).set("web.demo", "off").start();
    let moved = Server::of(shards).set("web.ws.path", "/chat").start();
    for (server, page, script) in
        [(&open, "data-ws=\"/ws\"", 200), (&off, "WebSocket", 404), (&moved, "data-ws=\"/chat\"", 200)]
    {
        let (head, body) = ask(server.address(), "/?room=lobby");
        assert!(
            head.starts_with("HTTP/1.1 200 ") && head.contains("\r\nContent-Security-Policy: "),
            "{head}"
        );
        assert!(String::from_utf8_lossy(&body).contains(page), "{page}");
        let (head, body) = ask(server.address(), "/demo.js");
        assert!(head.starts_with(&format!("HTTP/1.1 {script} ")), "{head}");
        assert!(script != 200 || body == SCRIPT, "all of it");
    }
    for server in [open, off, moved] {
        server.stop();
    }
}

/// A reader with next to no buffer, to a server with next to none.
fn reader(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(2048).expect("SO_RCVBUF"); // the kernel has a least of its own
    socket.connect(&address.into()).expect("the server accepts");
    (&socket).write_all(get("/demo.js").as_bytes()).expect("the server takes a request");
    socket
}

/// By count, not by the clock: between two pieces others have their turns.
fn a_slow_reader_gets_the_whole_page(shards: u32) {
    let server = Server::of(shards).set("server.send_buffer", "4KiB").start();
    let (mut chatting, mut slow) = (server.guest(), reader(server.address()));
    let (mut page, mut piece) = (Vec::new(), [0; 1024]);
    loop {
        chatting.ping();
        match slow.read(&mut piece).expect("no reset destroys what is still to come") {
            0 => break,
            bytes => page.extend_from_slice(&piece[..bytes]),
        }
    }
    assert!(page.ends_with(SCRIPT), "{} bytes of {} came", page.len(), SCRIPT.len());
    server.stop();
}

fn who_reads_nothing_of_it_keeps_nobody_waiting(shards: u32) {
    let server = Server::of(shards).set("server.send_buffer", "4KiB").start();
    let (mut chatting, before) = (server.guest(), server.resident_kib());
    let mut hanging = Vec::new();
    for _ in 0..256 {
        hanging.push(reader(server.address()));
        chatting.ping();
    }
    assert!(ask(server.address(), "/demo.css").0.starts_with("HTTP/1.1 200 "));
    // what they have not read is one copy for all: 256 of their own would be some 20 MB
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} KiB for 256 who do not read");
    drop(hanging);
    server.stop();
}
