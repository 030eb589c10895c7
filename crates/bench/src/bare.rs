//! The bare loop: what this machine can do at most. A non-blocking send to every socket, and no protocol.
//!
//! It reads what senders sent, puts everything that is waiting into one frame of a push's length, and sends that to every
//! member but the sender: one message a flush where one is waiting, hundreds where hundreds are. It checks nothing, knows
//! no users, keeps no log and counts nothing. What it does not do is what a server's protocol may cost.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;

use longwire_wire::{
    Command, CommandMap, Compression, Dialect, Flow, HEADER_BYTES, LengthReading, Status, put_header,
    put_room_tail,
};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Protocol, Socket, Type};

use crate::speech::{Hello, room_name};

const DIALECT: Dialect = Dialect { length: LengthReading::Body, version: 0, gzip: false };
const EVENTS_MAX: usize = 1024;
const BACKLOG: i32 = 4096;
/// What Longwire gives a socket by default.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// One read.
const READ_BYTES: usize = 64 * 1024;
/// What waits for a socket that takes nothing; beyond it the connection is closed.
const UNSENT_BYTES_MAX: usize = 4 * 1024 * 1024;
const LISTENER: Token = Token(0);
const FIRST_CONN: usize = 1;

/// Runs the bare loop in `threads` threads, each with sockets and a table of descriptors of its own, until `end` returns.
/// `ready` is called with the address.
///
/// # Errors
/// It cannot listen.
pub fn serve_bare(threads: usize, ready: impl FnOnce(SocketAddr), end: impl FnOnce()) -> io::Result<()> {
    let _ = longwire_sys::raise_open_files(); // what cannot be had shows in who comes in
    let first = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = first.local_addr()?;
    let more = (1..threads.max(1)).map(|_| listener(address));
    let listeners: Vec<_> = std::iter::once(Ok(first)).chain(more).collect::<io::Result<_>>()?;
    for listener in listeners {
        std::thread::Builder::new().spawn(move || {
            // the listeners were made before; where it is refused, one table has to do
            let _ = longwire_sys::own_file_table();
            let ended = Bare::new(listener).and_then(Bare::run);
            if let Err(err) = ended {
                let _ = writeln!(io::stderr(), "the bare loop ended: {err}");
            }
        })?;
    }
    ready(address);
    end();
    Ok(())
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?; // what is accepted inherits it
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

struct Bare {
    poll: Poll,
    listener: TcpListener,
    conns: Vec<Option<Conn>>,
    free: Vec<usize>,
    rooms: Vec<Room>,
    /// Rooms with something to send.
    hot: Vec<usize>,
    buffer: Vec<u8>,
    /// A push's header.
    header: Vec<u8>,
}

struct Conn {
    stream: TcpStream,
    /// What was said before the hello was whole; of a sender the beginning of a record.
    rest: Vec<u8>,
    /// What the socket did not take yet.
    unsent: Vec<u8>,
    room: u32,
    /// Its place among the room's members.
    place: u32,
    record_bytes: u32,
    greeted: bool,
    /// It sent some of what is about to be sent.
    spoke: bool,
}

#[derive(Default)]
struct Room {
    members: Vec<usize>,
    tail: Vec<u8>,
    /// A header's length of nothing, then records.
    frame: Vec<u8>,
    /// Whose records stand where in it.
    parts: Vec<(usize, Range<usize>)>,
}

impl Bare {
    fn new(mut listener: TcpListener) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            listener,
            conns: Vec::new(),
            free: Vec::new(),
            rooms: Vec::new(),
            hot: Vec::new(),
            buffer: vec![0; READ_BYTES],
            header: Vec::new(),
        })
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(err) if err.kind() != io::ErrorKind::Interrupted => return Err(err),
                Ok(()) | Err(_) => {}
            }
            for event in &events {
                match event.token().0.checked_sub(FIRST_CONN) {
                    None => self.accept(),
                    Some(at) => {
                        if event.is_writable() {
                            self.offer(at, &[]);
                        }
                        if event.is_readable() || event.is_read_closed() || event.is_error() {
                            self.read(at);
                        }
                    }
                }
            }
            for room in std::mem::take(&mut self.hot) {
                self.send(room);
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            let at = self.free.pop().unwrap_or(self.conns.len());
            if at == self.conns.len() {
                self.conns.push(None);
            }
            let both = Interest::READABLE | Interest::WRITABLE;
            let token = Token(FIRST_CONN + at);
            let ready = stream
                .set_nodelay(true)
                .and_then(|()| self.poll.registry().register(&mut stream, token, both));
            let (rest, unsent) = (Vec::new(), Vec::new());
            let conn = Conn {
                stream,
                rest,
                unsent,
                room: 0,
                place: 0,
                record_bytes: 0,
                greeted: false,
                spoke: false,
            };
            match ready {
                Ok(()) => self.conns[at] = Some(conn),
                Err(_) => self.free.push(at),
            }
        }
    }

    /// Reads until nothing is left.
    fn read(&mut self, at: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        while let Some(conn) = &mut self.conns[at] {
            match conn.stream.read(&mut buffer) {
                Ok(0) => {
                    self.close(at);
                    break;
                }
                Ok(bytes) => self.take(at, &buffer[..bytes]),
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.close(at);
                    break;
                }
            }
        }
        self.buffer = buffer;
    }

    fn take(&mut self, at: usize, input: &[u8]) {
        let Some(conn) = &mut self.conns[at] else { return };
        if !conn.greeted {
            conn.rest.extend_from_slice(input);
            let Some((hello, behind)) = conn.rest.split_first_chunk::<HEADER_BYTES>() else { return };
            let (hello, behind) = (Hello::of(hello), behind.to_vec());
            conn.greeted = true;
            conn.rest = Vec::new();
            self.enter(at, hello);
            if !behind.is_empty() {
                self.take(at, &behind);
            }
            return;
        }
        if conn.record_bytes == 0 {
            return self.offer(at, input); // an echo
        }
        let record = conn.record_bytes as usize;
        let room = &mut self.rooms[conn.room as usize];
        if room.parts.is_empty() {
            self.hot.push(conn.room as usize);
            room.frame.resize(HEADER_BYTES, 0);
        }
        let from = room.frame.len();
        room.frame.append(&mut conn.rest);
        room.frame.extend_from_slice(input);
        let whole = (room.frame.len() - from) / record * record;
        conn.rest = room.frame.split_off(from + whole);
        conn.spoke = true;
        match room.parts.last_mut() {
            Some((sender, part)) if *sender == at => part.end += whole,
            _ => room.parts.push((at, from..from + whole)),
        }
    }

    fn enter(&mut self, at: usize, hello: Hello) {
        let Some(conn) = &mut self.conns[at] else { return };
        let number = hello.room as usize;
        if self.rooms.len() <= number {
            self.rooms.resize_with(number + 1, Room::default);
        }
        let room = &mut self.rooms[number];
        if room.tail.is_empty() {
            put_room_tail(&mut room.tail, &room_name(hello.run, hello.room));
        }
        (conn.room, conn.record_bytes, conn.place) =
            (hello.room, hello.record_bytes, room.members.len() as u32);
        room.members.push(at);
        let code = CommandMap::default().code(Command::JoinCr);
        let mut answer = Vec::with_capacity(HEADER_BYTES);
        put_header(&mut answer, DIALECT, code, Flow::Answer, Compression::None, 2, Status::OK, 0);
        self.offer(at, &answer);
    }

    /// The loop that this is about.
    fn send(&mut self, number: usize) {
        let room = &mut self.rooms[number];
        let (mut frame, parts) = (std::mem::take(&mut room.frame), std::mem::take(&mut room.parts));
        let records = frame.len();
        frame.extend_from_slice(&room.tail);
        self.put_header(&mut frame);
        let members = std::mem::take(&mut self.rooms[number].members);
        if records > HEADER_BYTES {
            for &at in &members {
                self.send_if_silent(at, &frame);
            }
            self.send_to_senders(&frame[..records], &parts, number);
        }
        let room = &mut self.rooms[number];
        room.members = members; // nobody enters meanwhile; who ended is taken out when its edge comes
        frame.clear();
        room.frame = frame;
    }

    #[inline]
    fn send_if_silent(&mut self, at: usize, frame: &[u8]) {
        if self.conns[at].as_ref().is_some_and(|conn| !conn.spoke) {
            self.offer(at, frame);
        }
    }

    /// Senders get what the others sent.
    fn send_to_senders(&mut self, records: &[u8], parts: &[(usize, Range<usize>)], number: usize) {
        for (turn, (at, _)) in parts.iter().enumerate() {
            if let Some(conn) = &mut self.conns[*at] {
                conn.spoke = false;
            }
            if parts[..turn].iter().any(|(sender, _)| sender == at) {
                continue;
            }
            let others = parts.iter().filter(|(sender, _)| sender != at);
            let mut frame = vec![0; HEADER_BYTES];
            others.for_each(|(_, part)| frame.extend_from_slice(&records[part.clone()]));
            if frame.len() > HEADER_BYTES {
                frame.extend_from_slice(&self.rooms[number].tail);
                self.put_header(&mut frame);
                self.offer(*at, &frame);
            }
        }
    }

    fn put_header(&mut self, frame: &mut [u8]) {
        let code = CommandMap::default().code(Command::Cms);
        let body = frame.len() - HEADER_BYTES;
        self.header.clear();
        put_header(&mut self.header, DIALECT, code, Flow::Notify, Compression::None, 0, Status::OK, body);
        frame[..HEADER_BYTES].copy_from_slice(&self.header);
    }

    /// Sends what waits, then `bytes`; what the socket does not take waits.
    fn offer(&mut self, at: usize, bytes: &[u8]) {
        let Some(conn) = &mut self.conns[at] else { return };
        if conn.unsent.is_empty() {
            let taken = write(&mut conn.stream, bytes);
            if taken < bytes.len() {
                conn.unsent.extend_from_slice(&bytes[taken..]);
            }
            return;
        }
        conn.unsent.extend_from_slice(bytes);
        let taken = write(&mut conn.stream, &conn.unsent);
        conn.unsent.drain(..taken);
        if conn.unsent.len() > UNSENT_BYTES_MAX {
            conn.unsent = Vec::new();
            let _ = conn.stream.shutdown(std::net::Shutdown::Both); // its edge closes it
        }
    }

    fn close(&mut self, at: usize) {
        let Some(conn) = self.conns[at].take() else { return };
        self.free.push(at);
        if !conn.greeted {
            return;
        }
        let members = &mut self.rooms[conn.room as usize].members;
        members.swap_remove(conn.place as usize);
        if let Some(&moved) = members.get(conn.place as usize)
            && let Some(moved) = &mut self.conns[moved]
        {
            moved.place = conn.place;
        }
    }
}

/// As much as the socket takes. What it says of an error its read says again.
fn write(stream: &mut TcpStream, bytes: &[u8]) -> usize {
    let mut taken = 0;
    while taken < bytes.len() {
        match stream.write(&bytes[taken..]) {
            Ok(more) if more > 0 => taken += more,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => break,
        }
    }
    taken
}
