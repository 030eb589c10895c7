//! What fake clients say, as real bytes: honest requests, and with some mischief everything that is refused.

use fastrand::Rng;
use longwire_wire::{
    Command, Compression, Deflater, Dialect, Flow, LengthReading, LoginFields, Message, Status, UserInfo,
    put_cms, put_header, put_join, put_login,
};

use super::client::{Client, Fate, Request, Said, Standing, Who};
use super::plan::{Plan, ROOM_NAMES, pick};
use crate::action::CloseReason;
use crate::ids::Now;

/// Makes a client's next request; its bytes go into the outbox.
pub(super) struct Speaker<'a> {
    pub(super) plan: &'a Plan,
    pub(super) rng: &'a mut Rng,
    pub(super) deflater: &'a mut Deflater,
    pub(super) now: Now,
}

/// How a frame differs from an honest one.
struct Shape {
    code: u8,
    flow: Flow,
    compression: Compression,
    body: Vec<u8>,
}

impl Speaker<'_> {
    pub(super) fn dialect(&mut self) -> Dialect {
        let length = pick(self.rng, &[LengthReading::Body, LengthReading::Rest]);
        Dialect { length, version: self.rng.u8(..16), gzip: self.rng.bool() }
    }

    /// The client's first frame, or any later one.
    pub(super) fn speak(&mut self, client: &mut Client) {
        client.seq = match self.rng.u32(..20) {
            // a late refusal is known by its seq
            _ if self.plan.allowed.room.is_some() => client.seq.wrapping_add(1),
            0 => self.rng.u32(..),
            1 => 0,
            _ => client.seq.wrapping_add(1),
        };
        let mischief = self.rng.u32(..100) < self.plan.mischief;
        match (client.sent == 0, mischief) {
            (true, true) => self.bad_first(client),
            (true, false) => self.first_login(client),
            (false, true) => self.mischief(client),
            (false, false) => self.honest(client),
        }
    }

    fn first_login(&mut self, client: &mut Client) {
        let who = match self.rng.u32(..10) {
            0..=1 => Who::Guest,
            _ => self.user(client),
        };
        self.login(client, who);
    }

    fn user(&mut self, client: &Client) -> Who {
        let id = match client.user_ids.first() {
            Some(id) if self.rng.u32(..6) > 0 => id.clone(),
            _ if self.plan.users > 0 => format!("user-{}", self.rng.u32(..self.plan.users)),
            _ => format!("user-{}.{}", client.id, self.rng.u32(..2) + 2 * client.user_ids.len() as u32),
        };
        let verdict = match self.rng.u32(..30) {
            0 => Status::UNAUTHENTICATED,
            1 => Status::BANNED,
            _ => Status::OK,
        };
        let life = self.plan.token_ms.filter(|_| self.rng.u32(..5) > 0);
        let expires = life.map(|life| self.now.unix_ms + self.rng.u64(..=life));
        Who::User { id, verdict, expires }
    }

    fn honest(&mut self, client: &mut Client) {
        match self.rng.u32(..100) {
            0..10 => self.ping(client),
            10..11 => (0..self.rng.usize(..150)).for_each(|_| self.ping(client)),
            11..12 => {
                // where most are refused, so many that their refusals are more than a client may be owed
                let most = if self.plan.allowed.room.is_some() { 1_000 } else { 30 };
                (0..self.rng.usize(..most)).for_each(|_| self.next_cms(client));
            }
            12..30 => self.join(client),
            30..32 => self.login_again(client),
            32..40 if self.plan.token_ms.is_some() || self.plan.users > 0 => self.login_again(client),
            32..33 => self.logout(client),
            _ => self.cms(client),
        }
    }

    fn next_cms(&mut self, client: &mut Client) {
        client.seq = client.seq.wrapping_add(1);
        self.cms(client);
    }

    fn login_again(&mut self, client: &mut Client) {
        let who = if self.rng.u32(..4) == 0 { Who::Guest } else { self.user(client) };
        self.login(client, who);
    }

    fn mischief(&mut self, client: &mut Client) {
        match self.rng.u32(..12) {
            0..=1 => self.login(client, Who::Half),
            2 => self.login(client, Who::Broken),
            3..=5 => self.broken_cms(client),
            6..=7 => self.broken_join(client),
            8..=9 => self.unlisted(client),
            10 => self.reserved_compression(client),
            _ => self.fatal(client),
        }
    }

    fn bad_first(&mut self, client: &mut Client) {
        match self.rng.u32(..6) {
            // in the other reading it looks like a part of something longer (PROTOCOL.md#3.7)
            0 if client.dialect.length == LengthReading::Body => self.login(client, Who::Half),
            1 if client.dialect.length == LengthReading::Body => self.login(client, Who::Broken),
            2 => self.logout(client),
            3 => self.unlisted(client),
            4 => self.reserved_compression(client),
            _ => self.join(client),
        }
    }

    fn code(&self, command: Command) -> u8 {
        self.plan.config.commands.code(command)
    }

    fn request(&mut self, client: &mut Client, command: Command, body: Vec<u8>) {
        let code = self.code(command);
        self.frame(client, Shape { code, flow: Flow::Request, compression: Compression::None, body });
    }

    /// Puts a frame into the outbox, its body compressed now and then; what the first LOGIN says of gzip holds.
    fn frame(&mut self, client: &mut Client, mut shape: Shape) {
        let first = client.sent == 0;
        let gzip = if first { client.dialect.gzip } else { self.rng.u32(..4) == 0 };
        if gzip && shape.compression == Compression::None {
            shape.compression = Compression::Gzip;
            if !shape.body.is_empty() {
                let mut member = Vec::new();
                self.deflater.deflate(&shape.body, &mut member);
                shape.body = member;
            }
        }
        let version = if first { client.dialect.version } else { self.rng.u8(..16) };
        let mut bytes = Vec::new();
        let dialect = Dialect { version, ..client.dialect };
        let Shape { code, flow, compression, body } = shape;
        put_header(
            &mut bytes,
            dialect,
            code,
            flow,
            compression,
            client.seq,
            Status(self.rng.u8(..)),
            body.len(),
        );
        bytes.extend_from_slice(&body);
        client.sent += bytes.len() as u64;
        client.frame_ends.push_back(client.sent);
        client.outbox.extend(bytes);
    }

    fn login(&mut self, client: &mut Client, who: Who) {
        let mut body = Vec::new();
        let fields = LoginFields::default();
        match &who {
            Who::Guest => {}
            Who::User { id, verdict, expires } => {
                put_login(&mut body, &token(*verdict, *expires), id, fields);
                if !client.user_ids.contains(id) {
                    client.user_ids.push(id.clone());
                }
            }
            Who::Half => put_login(&mut body, "a token and nobody", "", fields),
            Who::Broken => body.extend_from_slice(b"\x0A\x01\xFF\x12\x04abcd"),
        }
        client.requests.push_back(Request::Login { seq: client.seq, who });
        self.request(client, Command::Login, body);
    }

    fn ping(&mut self, client: &mut Client) {
        let body = if self.rng.u32(..8) == 0 { vec![1, 2, 3] } else { Vec::new() };
        client.requests.push_back(Request::Ping { seq: client.seq });
        self.request(client, Command::Ping, body);
    }

    fn logout(&mut self, client: &mut Client) {
        client.requests.push_back(Request::Logout { seq: client.seq });
        self.request(client, Command::Logout, Vec::new());
    }

    fn join(&mut self, client: &mut Client) {
        let room = self.rng.usize(..self.plan.rooms);
        let mut body = Vec::new();
        put_join(&mut body, ROOM_NAMES[room]);
        client.requests.push_back(Request::Join { seq: client.seq, room: Ok(room) });
        self.request(client, Command::JoinCr, body);
    }

    fn broken_join(&mut self, client: &mut Client) {
        let long = "x".repeat(self.plan.config.id_max + 1);
        let (name, status) = pick(
            self.rng,
            &[("", Status::MALFORMED), ("a\tb", Status::MALFORMED), (&long, Status::TOO_LARGE)],
        );
        let mut body = Vec::new();
        put_join(&mut body, name);
        client.requests.push_back(Request::Join { seq: client.seq, room: Err(status) });
        self.request(client, Command::JoinCr, body);
    }

    /// Mostly to a room that it has joined or will have.
    fn cms(&mut self, client: &mut Client) {
        let asked = client.requests.iter().rev().filter_map(|request| match request {
            Request::Join { room: Ok(room), .. } => Some(*room),
            _ => None,
        });
        let mut known: Vec<usize> = asked.chain(client.joined.iter().map(|(room, _)| *room)).collect();
        if known.is_empty() || self.rng.u32(..20) == 0 {
            known.push(self.rng.usize(..self.plan.rooms));
        }
        let room = pick(self.rng, &known);
        let message_type = match self.rng.u32(..20) {
            0 => 1,
            1 => 7,
            2..=7 => 2,
            _ => 0,
        };
        self.say(client, room, message_type, 0);
    }

    fn broken_cms(&mut self, client: &mut Client) {
        let room = self.rng.usize(..self.plan.rooms);
        if self.rng.bool() && self.plan.config.message_max < 1_000 {
            return self.say(client, room, 0, self.plan.config.message_max + 1);
        }
        let said = Said {
            room,
            message_type: 0,
            content: Vec::new(),
            user: None,
            broken: Some(Status::MALFORMED),
            seq: client.seq,
            fate: Fate::Open,
            refusal: None,
            sequenced: None,
        };
        client.requests.push_back(Request::Cms { seq: client.seq, said: client.said.len() });
        client.said.push(said);
        self.request(client, Command::Cms, b"\x0A\x05ab".to_vec());
    }

    /// Content that no other CMS has: who, which, and padding that compresses.
    fn say(&mut self, client: &mut Client, room: usize, message_type: u32, bytes_min: usize) {
        let mut content = format!("{} {} ", client.id, client.said.len()).into_bytes();
        let bytes = match self.rng.u32(..4) {
            0 => self.rng.usize(..=self.plan.content_max.min(self.plan.config.frame_max - 300)),
            _ => 0,
        };
        content.resize(content.len().max(bytes).max(bytes_min), b'.');
        let broken = (content.len() > self.plan.config.message_max).then_some(Status::TOO_LARGE);
        let user = (self.rng.u32(..6) == 0).then(|| UserInfo {
            level: 3,
            nickname: format!("nick {}", client.id),
            ..UserInfo::default()
        });
        let message = Message {
            content: content.clone(),
            from: "somebody else".into(),
            to: ROOM_NAMES[room].into(),
            timestamp_ms: self.rng.u64(..),
            user: user.clone(),
            message_type,
        };
        let mut body = Vec::new();
        put_cms(&mut body, &message);
        client.requests.push_back(Request::Cms { seq: client.seq, said: client.said.len() });
        client.said.push(Said {
            room,
            message_type,
            content,
            user,
            broken,
            seq: client.seq,
            fate: Fate::Open,
            refusal: None,
            sequenced: None,
        });
        self.request(client, Command::Cms, body);
    }

    fn unlisted(&mut self, client: &mut Client) {
        let mut code = pick(self.rng, &[0, 77, 255, self.code(Command::Pong)]);
        if self.plan.config.commands.command(code).is_some_and(|command| command != Command::Pong) {
            code = 0;
        }
        let (seq, status) = (client.seq, Status::UNSUPPORTED);
        client.requests.push_back(Request::Refused { seq, code, status });
        self.frame(
            client,
            Shape { code, flow: Flow::Request, compression: Compression::None, body: Vec::new() },
        );
    }

    fn reserved_compression(&mut self, client: &mut Client) {
        let command = pick(self.rng, &[Command::Login, Command::Ping, Command::Cms]);
        let code = self.code(command);
        let (seq, status) = (client.seq, Status::UNSUPPORTED);
        client.requests.push_back(Request::Refused { seq, code, status });
        let body = vec![0; self.rng.usize(..5)];
        self.frame(client, Shape { code, flow: Flow::Request, compression: Compression::Reserved3, body });
    }

    /// Behind this nothing can be believed: a flow of the server's, or a body that nobody will wait for.
    fn fatal(&mut self, client: &mut Client) {
        let (seq, code) = (client.seq, self.code(Command::Cms));
        if self.rng.bool() {
            let (status, reason) = (Status::MALFORMED, CloseReason::Malformed);
            client.requests.push_back(Request::Fatal { seq, code, status, reason });
            let body = vec![0; self.rng.usize(..20)]; // the header alone decides, wherever the network cuts the rest
            self.frame(client, Shape { code, flow: Flow::Answer, compression: Compression::None, body });
        } else {
            let (status, reason) = (Status::TOO_LARGE, CloseReason::TooLarge);
            client.requests.push_back(Request::Fatal { seq, code, status, reason });
            let body = vec![0; self.plan.config.frame_max + 1];
            let none = Compression::None;
            let mut bytes = Vec::new();
            put_header(&mut bytes, client.dialect, code, Flow::Request, none, seq, Status::OK, body.len());
            client.sent += bytes.len() as u64;
            client.outbox.extend(bytes);
        }
        client.done = true;
    }
}

/// A token that says what its provider will say of it, and how long it is good.
fn token(verdict: Status, expires: Option<u64>) -> String {
    format!("token {} {}", verdict.0, expires.unwrap_or(0))
}

/// What a provider reads in a token.
pub(super) fn parse_token(token: &str) -> Option<(Status, Option<u64>)> {
    let (verdict, expires) = token.strip_prefix("token ")?.split_once(' ')?;
    let expires: u64 = expires.parse().ok()?;
    Some((Status(verdict.parse().ok()?), (expires > 0).then_some(expires)))
}

/// What the login provider states about a user, if it states anything.
pub(super) fn claims_of(user_id: &str) -> Option<UserInfo> {
    user_id.ends_with('1').then(|| UserInfo { level: 9, nickname: user_id.into(), ..UserInfo::default() })
}

/// The only rooms that the login provider lets a user join, if it names any.
pub(super) fn rooms_of(user_id: &str) -> Option<&'static [&'static str]> {
    user_id.ends_with('2').then_some(&ROOM_NAMES[..1])
}

impl Client {
    /// Whether it should say something at all.
    pub(super) fn may_speak(&self) -> bool {
        self.is_open() && !self.done && !self.hung_up && !matches!(self.standing, Standing::Ended(_))
    }
}
