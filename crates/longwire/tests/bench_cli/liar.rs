//! A server that loses messages, sends some twice, and some in the wrong order: the tool must say so.

use crate::common::bytes::*;
use crate::process::{command, number, run};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What it does to the messages it is given, by their number.
const LOST: usize = 3;
const TWICE: usize = 7;
const SWAPPED: (usize, usize) = (11, 12);

/// Everybody who has joined, by connection.
type Members = Arc<Mutex<Vec<(usize, TcpStream)>>>;

fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let members = Members::default();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let members = Arc::clone(&members);
            std::thread::spawn(move || serve(number, stream.unwrap(), &members));
        }
    });
    address
}

fn serve(number: usize, mut stream: TcpStream, members: &Members) {
    let (mut input, mut buffer, mut messages) = (Vec::new(), [0; 4096], Vec::new());
    while let Ok(bytes @ 1..) = stream.read(&mut buffer) {
        input.extend_from_slice(&buffer[..bytes]);
        while let Some((frame, taken)) = Frame::cut_from(&input, Reading::Body) {
            input.drain(..taken);
            let answer = Frame { seq: frame.seq, flow: ANSWER, ..Frame::default() };
            let answer = match frame.command {
                PING => Frame { command: PONG, ..answer },
                CMS => {
                    messages.push(frame.body);
                    relay(number, &messages, members);
                    continue;
                }
                command => Frame { command, ..answer },
            };
            stream.write_all(&answer.to_bytes(Reading::Body)).unwrap();
            if answer.command == JOIN_CR {
                members.lock().unwrap().push((number, stream.try_clone().unwrap()));
            }
        }
    }
}

/// Passes on the newest message, but for the lies.
fn relay(sender: usize, messages: &[Vec<u8>], members: &Members) {
    let newest = messages.len() - 1;
    let pushed: Vec<usize> = match newest {
        LOST => vec![],
        TWICE => vec![TWICE, TWICE],
        later if later == SWAPPED.0 => vec![],
        later if later == SWAPPED.1 => vec![SWAPPED.1, SWAPPED.0],
        later => vec![later],
    };
    for message in pushed {
        let room = room_of(&messages[message]);
        let body = [bytes(1, &messages[message]), bytes(2, room)].concat();
        let push = Frame { command: CMS, flow: NOTIFY, body, ..Frame::default() }.to_bytes(Reading::Body);
        for (_, member) in members.lock().unwrap().iter_mut().filter(|(number, _)| *number != sender) {
            member.write_all(&push).unwrap();
        }
    }
}

/// The room that a CMS is for.
fn room_of(cms: &[u8]) -> String {
    read_push(&bytes(1, cms)).1.remove(0).to
}

#[test]
fn every_lie_is_counted_for_each_member() {
    let arguments = "fanout --members 4 --rate 40 --warm 100ms --secs 1 --expect-loss 0 --json";
    let ended = run(command(start(), arguments));
    assert_eq!(ended.status, 1, "{} {}", ended.stdout, ended.stderr);
    let report = ended.json();
    let account = |name: &str| number(&report, &format!("fanout.account.{name}"));
    // three members beside the sender
    assert_eq!([account("lost"), account("twice"), account("disordered")], [3.0, 3.0, 3.0], "{report}");
    assert_eq!((account("own"), account("foreign")), (0.0, 0.0));
    assert_eq!(number(&report["expectations"][0], "got"), 9.0);
}
