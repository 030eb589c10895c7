//! What a chat knows and decides: rooms, names, the connection, what was sent and what became of it.
//!
//! Pure: what a person types and what the connection tells come in as values, what to do next goes out as [`Todo`]s.
//! Holds no terminal, no socket, no clock.

use super::command::{self, COMMANDS, Input};
use super::line::{self, Line, Tone};
use super::rooms::Rooms;
use super::speakers::Speakers;
use super::status::{self, Link};
use crate::commands::client::{ROOMS_MAX, is_tried_again};
use longwire_client::{Call, CallError, Event, MessageType, Outgoing, Refusal, SendId};
use std::collections::VecDeque;
use std::time::Duration;

/// Own messages whose refusal can still be told with their text. At the limit: 4 MiB of longest lines.
const SENT_MAX: usize = 256;

/// What the chat asks its driver to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    /// What was said.
    Show(Line),
    /// What the chat itself has to say.
    Tell(Line),
    Send(Outgoing),
    Join(String),
    Quit,
}

/// What became of an order that was carried out.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Sent(Outgoing, Result<SendId, CallError>),
    Joined(String, Result<(), CallError>),
    /// The server has seen everything ordered before.
    Flushed,
}

/// One person's chat.
#[derive(Debug)]
pub(crate) struct Chat {
    /// `None`: a guest.
    user: Option<String>,
    nickname: Option<String>,
    rooms: Rooms,
    link: Link,
    sent: VecDeque<(SendId, Outgoing)>,
    speakers: Speakers,
    /// Own messages are shown by us, since the server does not send them back.
    echo: bool,
    told_guest: bool,
    /// Whether something that we asked for was refused.
    pub(crate) refused: bool,
}

impl Chat {
    /// A connected chat that is about to join `rooms`; typing goes to the first of them.
    pub(crate) fn new(user: Option<&str>, rooms: &[String], echo: bool) -> Self {
        let mut chat = Self {
            user: user.map(str::to_owned),
            nickname: None,
            rooms: Rooms::default(),
            link: Link::Up,
            sent: VecDeque::new(),
            speakers: Speakers::default(),
            echo,
            told_guest: false,
            refused: false,
        };
        for name in rooms {
            chat.rooms.add(name);
        }
        chat
    }

    /// The joins that are not done yet: at the start, and after a connection that broke before they were.
    pub(crate) fn joins(&self) -> Vec<Todo> {
        self.rooms.to_join().map(|room| Todo::Join(room.to_owned())).collect()
    }

    /// A person typed a line.
    pub(crate) fn typed(&mut self, text: &str) -> Vec<Todo> {
        match command::parse(text) {
            Input::Nothing => Vec::new(),
            Input::Say(text) => self.say(&text, MessageType::Normal),
            Input::Gift(text) => self.say(&text, MessageType::Gift),
            Input::Join(room) => self.join(room),
            Input::Room(None) => {
                self.next_room();
                self.where_we_are()
            }
            Input::Room(Some(room)) if self.rooms.choose(&room) => self.where_we_are(),
            Input::Room(Some(room)) => wrong(&format!("not in {room}; /join {room} joins it")),
            Input::Nick(name) => self.rename(name),
            Input::Help => help(),
            Input::Quit => vec![Todo::Quit],
            Input::Leave => wrong(
                "a room cannot be left yet: the protocol has no LEAVE. /quit ends the connection, and with it all rooms",
            ),
            Input::Wrong(text) => wrong(&text),
        }
    }

    /// The connection told something.
    pub(crate) fn heard(&mut self, event: Event) -> Vec<Todo> {
        match event {
            Event::Message(message) => {
                self.speakers.heard(message.nickname().unwrap_or(&message.from));
                vec![Todo::Show(line::message(self.shown_room(&message.room), &message, false))]
            }
            Event::Lost { fault, retry_in, attempt } => {
                let news = self.link == Link::Up;
                self.link = Link::Down { attempts: attempt.saturating_sub(1) };
                // The loss is a line; how the attempts go stands in the status, or a long night would be nothing else.
                if news {
                    wrong(&format!("{fault}; trying again in {}", seconds(retry_in)))
                } else {
                    Vec::new()
                }
            }
            Event::Back => {
                self.link = Link::Up;
                let mut todos = faint("connected again; what was said meanwhile is missing");
                todos.extend(self.joins());
                todos
            }
            Event::Refused(refusal) => self.refusal(&refusal),
            _ => Vec::new(),
        }
    }

    /// An order was carried out, or not.
    pub(crate) fn done(&mut self, outcome: Outcome) -> Vec<Todo> {
        match outcome {
            Outcome::Sent(message, Ok(id)) => {
                let from = self.user.as_deref().unwrap_or("guest");
                let line = line::own(self.shown_room(&message.room), from, &message);
                if self.sent.len() == SENT_MAX {
                    self.sent.pop_front();
                }
                self.sent.push_back((id, message));
                if self.echo { vec![Todo::Show(line)] } else { Vec::new() }
            }
            Outcome::Sent(message, Err(err)) => self.not_sent(&message, &err.to_string()),
            Outcome::Joined(room, Ok(())) => {
                self.rooms.joined(&room);
                faint(&format!("joined {room}"))
            }
            // It is tried again once the connection is back.
            Outcome::Joined(_, Err(CallError::NotConnected | CallError::Lost)) => Vec::new(),
            Outcome::Joined(room, Err(err)) => {
                self.refused = true;
                self.rooms.forget(&room);
                let why = match &err {
                    CallError::Refused(refusal) => line::reason(refusal.status),
                    err => err.to_string(),
                };
                wrong(&format!("✗ not joined to {room}: {why}"))
            }
            Outcome::Flushed => Vec::new(),
        }
    }

    /// The row above the prompt.
    pub(crate) fn status(&self, round_trip: Option<Duration>) -> Line {
        let colour = self.user.as_deref().map(line::name_colour);
        status::line(self.link, round_trip, &self.rooms, &self.name(), colour)
    }

    /// Makes the next room the current one.
    pub(crate) fn next_room(&mut self) {
        self.rooms.choose_next();
    }

    /// How the word before the cursor goes on, for the Tab key: a command, a room, a speaker's name.
    pub(crate) fn complete(&self, before: &str) -> Option<(usize, String)> {
        if before.starts_with('/') && !before.contains(' ') {
            return command::complete(before).map(|command| (0, command));
        }
        let blank = before.char_indices().rev().find(|(_, c)| c.is_whitespace());
        let start = blank.map_or(0, |(at, c)| at + c.len_utf8());
        let word = before[start..].to_lowercase();
        if word.is_empty() {
            return None;
        }
        let rooms = self.rooms.others().filter(|_| before.starts_with("/room "));
        let found = rooms.chain(self.speakers.names()).find(|name| name.to_lowercase().starts_with(&word))?;
        let colon = if start == 0 { ": " } else { " " };
        Some((start, format!("{found}{colon}")))
    }

    fn say(&mut self, text: &str, message_type: MessageType) -> Vec<Todo> {
        let Some(room) = self.rooms.current() else {
            return wrong("no room to talk in: /join ROOM");
        };
        let mut message = Outgoing::new(room, text).message_type(message_type);
        if let Some(nickname) = &self.nickname {
            message = message.nickname(nickname);
        }
        let mut todos = Vec::new();
        if self.user.is_none() && !self.told_guest {
            self.told_guest = true;
            todos = faint("you are a guest, and guests only read: `longwire chat --user NAME` logs in");
        }
        todos.push(Todo::Send(message));
        todos
    }

    fn join(&mut self, room: String) -> Vec<Todo> {
        let already = self.rooms.choose(&room);
        if already {
            return self.where_we_are();
        }
        if !self.rooms.add(&room) {
            return wrong(&format!(
                "in {ROOMS_MAX} rooms already; with one more the server would leave the oldest"
            ));
        }
        self.rooms.choose(&room);
        vec![Todo::Join(room)]
    }

    fn rename(&mut self, name: Option<String>) -> Vec<Todo> {
        self.nickname = name;
        faint(&format!("you are shown as {}", self.name()))
    }

    fn refusal(&mut self, refusal: &Refusal) -> Vec<Todo> {
        self.refused = true;
        let why = line::reason(refusal.status);
        match &refusal.call {
            Call::Send { id, .. } => match self.sent.iter().position(|(sent, _)| sent == id) {
                Some(place) => match self.sent.remove(place) {
                    Some((_, message)) => self.not_sent(&message, &why),
                    None => Vec::new(),
                },
                None => wrong(&format!("✗ a message was refused: {why}")),
            },
            Call::Rejoin { room } if is_tried_again(refusal) => {
                wrong(&format!("not back in {room} yet: {why}; trying again"))
            }
            Call::Rejoin { room } | Call::Join { room } => {
                self.rooms.forget(room);
                wrong(&format!("✗ out of {room}: {why}"))
            }
            Call::Login | Call::Ping | Call::Unknown { .. } => {
                wrong(&format!("✗ the server refused: {refusal}"))
            }
        }
    }

    fn not_sent(&mut self, message: &Outgoing, why: &str) -> Vec<Todo> {
        self.refused = true;
        let text = String::from_utf8_lossy(&message.content);
        wrong(&format!("✗ not sent to {}: {why}: {text}", message.room))
    }

    /// The room as shown before a message: only where it is needed, and always for scripts.
    fn shown_room<'a>(&self, room: &'a str) -> Option<&'a str> {
        (!self.echo || self.rooms.several()).then_some(room)
    }

    fn name(&self) -> String {
        match (&self.nickname, &self.user) {
            (Some(nickname), Some(user)) => format!("{nickname} ({user})"),
            (None, Some(user)) => user.clone(),
            (_, None) => "guest".to_owned(),
        }
    }

    fn where_we_are(&self) -> Vec<Todo> {
        match self.rooms.current() {
            Some(room) => faint(&format!("talking in {room}")),
            None => wrong("in no room: /join ROOM"),
        }
    }
}

fn wrong(text: &str) -> Vec<Todo> {
    vec![Todo::Tell(Line::new(Tone::Wrong, text))]
}

fn faint(text: &str) -> Vec<Todo> {
    vec![Todo::Tell(Line::new(Tone::Faint, text))]
}

fn help() -> Vec<Todo> {
    let commands = COMMANDS.iter().map(|(name, argument, what)| (format!("{name} {argument}"), *what));
    let keys = [
        ("Tab", "the next room, or the rest of a name"),
        ("Alt-Enter", "a line break"),
        ("Up", "earlier lines"),
    ];
    let rows = commands.chain(keys.map(|(key, what)| (key.to_owned(), what)));
    rows.map(|(what, does)| Todo::Tell(Line::new(Tone::Faint, &format!("{what:<14}{does}")))).collect()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire_client::{Fault, Received, Status};

    /// What the chat answers, one line each: text as shown, orders by name.
    fn read(todos: Vec<Todo>) -> Vec<String> {
        let line = |todo| match todo {
            Todo::Show(line) => line.plain(),
            Todo::Tell(line) => format!("- {}", line.plain()),
            Todo::Send(message) => {
                let nickname = message.user.map_or_else(String::new, |user| format!(" as {}", user.nickname));
                let text = String::from_utf8(message.content).unwrap();
                format!("send to {}{nickname}: {:?} {text}", message.room, message.message_type)
            }
            Todo::Join(room) => format!("join {room}"),
            Todo::Quit => "quit".to_owned(),
        };
        todos.into_iter().map(line).collect()
    }

    fn chat(user: Option<&str>, rooms: &[&str]) -> Chat {
        let rooms: Vec<String> = rooms.iter().map(|room| (*room).to_owned()).collect();
        let mut chat = Chat::new(user, &rooms, true);
        for todo in chat.joins() {
            if let Todo::Join(room) = todo {
                chat.done(Outcome::Joined(room, Ok(())));
            }
        }
        chat
    }

    fn refused(call: Call, status: Status) -> Event {
        Event::Refused(Refusal { call, status })
    }

    fn said(room: &str, from: &str) -> Event {
        Event::Message(Received {
            room: room.into(),
            from: from.into(),
            timestamp_ms: 0,
            message_type: MessageType::Normal,
            content: b"hi".to_vec(),
            user: None,
        })
    }

    #[test]
    fn typing_goes_to_the_current_room() {
        let mut chat = chat(Some("ada"), &["lobby", "den"]);
        assert_eq!(read(chat.typed("one")), ["send to lobby: Normal one"]);
        assert_eq!(read(chat.typed("/room den")), ["- talking in den"]);
        assert_eq!(read(chat.typed("/gift rose")), ["send to den: Gift rose"]);
        chat.next_room();
        assert_eq!(read(chat.typed("two")), ["send to lobby: Normal two"]);
        assert_eq!(read(chat.typed("/nick Ada L")), ["- you are shown as Ada L (ada)"]);
        assert_eq!(read(chat.typed("three")), ["send to lobby as Ada L: Normal three"]);
        assert_eq!(read(chat.typed("/room attic")), ["- not in attic; /join attic joins it"]);
    }

    #[test]
    fn joining_makes_a_room_the_current_one_and_a_refusal_undoes_that() {
        let mut chat = chat(Some("ada"), &["lobby"]);
        assert_eq!(read(chat.typed("/join den")), ["join den"]);
        assert_eq!(read(chat.done(Outcome::Joined("den".into(), Ok(())))), ["- joined den"]);
        assert_eq!(read(chat.typed("x")), ["send to den: Normal x"]);
        assert_eq!(read(chat.typed("/join lobby")), ["- talking in lobby"]);
        chat.typed("/join cellar");
        let refusal = Refusal { call: Call::Join { room: "cellar".into() }, status: Status::BANNED };
        let told = chat.done(Outcome::Joined("cellar".into(), Err(CallError::Refused(refusal))));
        assert_eq!(read(told), ["- ✗ not joined to cellar: banned"]);
        assert_eq!(read(chat.typed("/room cellar")), ["- not in cellar; /join cellar joins it"]);
    }

    #[test]
    fn nobody_joins_a_room_that_would_cost_another_one() {
        let mut chat = chat(Some("ada"), &[]);
        for number in 0..ROOMS_MAX {
            assert_eq!(read(chat.typed(&format!("/join {number}"))), [format!("join {number}")]);
        }
        assert!(read(chat.typed("/join more"))[0].starts_with("- in 16 rooms already"));
    }

    #[test]
    fn there_is_no_leaving_a_room_and_it_says_so() {
        let told = read(chat(Some("ada"), &["lobby"]).typed("/leave lobby"));
        assert!(told.len() == 1 && told[0].contains("no LEAVE"), "{told:?}");
    }

    #[test]
    fn own_messages_are_shown_and_marked_when_refused() {
        let mut chat = chat(Some("ada"), &["lobby"]);
        let sent = |text: &str, id| Outcome::Sent(Outgoing::new("lobby", text), Ok(SendId(id)));
        assert_eq!(read(chat.done(sent("one", 1))), ["ada: one"]);
        assert_eq!(read(chat.done(sent("two", 2))), ["ada: two"]);
        let call = Call::Send { id: SendId(1), room: "lobby".into() };
        let marked = ["- ✗ not sent to lobby: muted: one"];
        assert_eq!(read(chat.heard(refused(call.clone(), Status::MUTED))), marked);
        assert_eq!(read(chat.heard(refused(call, Status::MUTED))), ["- ✗ a message was refused: muted"]);
        let unsent = Outcome::Sent(Outgoing::new("lobby", "three"), Err(CallError::NotConnected));
        assert_eq!(read(chat.done(unsent)), ["- ✗ not sent to lobby: not connected: three"]);
        for id in 0..2 * SENT_MAX as u64 {
            chat.done(sent("x", id));
        }
        assert_eq!(chat.sent.len(), SENT_MAX);
    }

    #[test]
    fn a_guest_is_told_once_how_to_log_in_and_the_server_decides() {
        let mut chat = chat(None, &["lobby"]);
        let first = read(chat.typed("hello"));
        assert!(first[0].contains("--user NAME"), "{first:?}");
        assert_eq!(first[1..], ["send to lobby: Normal hello"]);
        assert_eq!(read(chat.typed("again")), ["send to lobby: Normal again"]);
    }

    #[test]
    fn the_room_is_shown_where_there_are_several_and_to_scripts() {
        assert_eq!(read(chat(None, &["lobby"]).heard(said("lobby", "bob"))), ["bob: hi"]);
        assert_eq!(read(chat(None, &["lobby", "den"]).heard(said("den", "bob"))), ["[den] bob: hi"]);
        let mut script = Chat::new(None, &["lobby".to_owned()], false);
        assert_eq!(read(script.heard(said("lobby", "bob"))), ["[lobby] bob: hi"]);
        assert!(script.done(Outcome::Sent(Outgoing::new("lobby", "x"), Ok(SendId(1)))).is_empty());
    }

    #[test]
    fn a_lost_connection_is_told_and_seen_in_the_status() {
        let mut chat = chat(Some("ada"), &["lobby", "den"]);
        let round_trip = Some(Duration::from_micros(12_300));
        assert_eq!(chat.status(round_trip).plain(), "● lobby · ada · 12 ms · Tab: den");
        let lost = |attempt| {
            let (fault, retry_in) = (Fault::ServerClosed, Duration::from_millis(1500));
            Event::Lost { fault, retry_in, attempt }
        };
        let told = read(chat.heard(lost(1)));
        assert_eq!(told, ["- the server closed the connection; trying again in 1.5 s"]);
        assert_eq!(chat.status(round_trip).plain(), "○ no connection · lobby · ada · Tab: den");
        assert!(chat.heard(lost(2)).is_empty(), "the status tells the rest");
        assert!(chat.status(round_trip).plain().starts_with("○ no connection, attempt 1 failed · lobby"));
        chat.typed("/join attic");
        assert!(chat.done(Outcome::Joined("attic".into(), Err(CallError::NotConnected))).is_empty());
        let back = read(chat.heard(Event::Back));
        assert_eq!(back, ["- connected again; what was said meanwhile is missing", "join attic"]);
    }

    #[test]
    fn a_room_that_does_not_take_us_back_is_gone() {
        let mut chat = chat(Some("ada"), &["lobby", "den"]);
        let call = Call::Rejoin { room: "den".into() };
        let told = read(chat.heard(refused(call.clone(), Status::OVERLOADED)));
        assert_eq!(told, ["- not back in den yet: the server is overloaded; trying again"]);
        assert_eq!(read(chat.heard(refused(call, Status::BANNED))), ["- ✗ out of den: banned"]);
        assert_eq!(chat.status(None).plain(), "● lobby · ada");
    }

    #[test]
    fn tab_finishes_commands_rooms_and_names() {
        let mut chat = chat(Some("ada"), &["lobby", "den"]);
        for name in ["bob", "小明", "Bert"] {
            chat.heard(said("lobby", name));
        }
        for (before, completed) in [
            ("/jo", Some((0, "/join "))),
            ("/room de", Some((6, "den "))),
            ("b", Some((0, "Bert: "))),
            ("hi bo", Some((3, "bob "))),
            ("hi\u{3000}小", Some((5, "小明 "))),
            ("hi ", None),
            ("x", None),
        ] {
            assert_eq!(
                chat.complete(before),
                completed.map(|(at, text)| (at, text.to_owned())),
                "{before:?}"
            );
        }
    }
}
