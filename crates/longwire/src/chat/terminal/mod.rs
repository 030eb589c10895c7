//! The chat on a terminal: keys in, a prompt that stays put, messages above it.
//!
//! The thin part: it waits for whatever comes first, asks the model what to do, and paints once for all that came
//! together. Never holds messages back: while the terminal takes nothing, the connection is not read.

mod cluster;
mod editor;
mod keys;
mod raw;
mod screen;
#[cfg(test)]
mod vt;

use super::line::{Line, Tone};
use super::model::{Chat, Todo};
use super::session::{Session, order};
use crate::commands::client;
use crate::exit::{Exit, Failed};
use crossterm::event;
use editor::{Edit, Editor, LINE_BYTES_MAX};
use keys::Wish;
use longwire_client::{Client, Event, Events};
use raw::Raw;
use screen::Screen;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::sync::mpsc;

/// Keys that were typed ahead.
const KEYS_MAX: usize = 64;
/// Messages that one painting shows at most.
const PAINTED_MAX: usize = 256;
/// How often the status looks for news.
const LOOK: Duration = Duration::from_millis(500);
/// How often the round trip is measured.
const PULSE: Duration = Duration::from_secs(10);

/// Whether a person sits at a terminal that can move its cursor.
pub(crate) fn is_there() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && !dumb
}

/// Runs until the person leaves, or the connection is lost for good.
pub(crate) async fn run(chat: Chat, session: Session, events: Events) -> anyhow::Result<Exit> {
    let mut face = Face::open(chat, session)?;
    let pulse = tokio::spawn(pulse(face.session.client.clone()));
    let end = face.talk(events).await;
    pulse.abort();
    // What was said last, where a closed connection came right behind it.
    let _ = face.paint().await;
    let session = face.close();
    let exit = end?;
    session.leave().await;
    Ok(exit)
}

/// The terminal and all that stands on it.
struct Face {
    chat: Chat,
    session: Session,
    editor: Editor,
    raw: Raw,
    /// What was said since the last painting.
    lines: Vec<Line>,
    /// The status as it was painted last.
    status: Line,
    /// Whether the terminal is to be emptied first.
    clear: bool,
}

impl Face {
    fn open(chat: Chat, session: Session) -> anyhow::Result<Self> {
        let columns = crossterm::terminal::size().map_or(80, |(columns, _)| columns);
        let raw = Raw::enter(Screen::new(if columns == 0 { 80 } else { columns }, client::colours()))?;
        let (editor, status) = (Editor::default(), Line::default());
        Ok(Self { chat, session, editor, raw, lines: Vec::new(), status, clear: false })
    }

    async fn talk(&mut self, mut events: Events) -> anyhow::Result<Exit> {
        let mut keys = keys_typed();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let joins = self.chat.joins();
        let mut next = self.carry_out(joins);
        self.paint().await?;
        while next.is_continue() {
            next = tokio::select! {
                key = keys.recv() => match key {
                    Some(key) => self.typed(key, &mut keys),
                    // The terminal is gone.
                    None => ControlFlow::Break(Exit::Terminated),
                },
                event = events.next() => self.heard(event, &mut events).await?,
                Some(outcome) = self.session.outcomes.recv() => {
                    let todos = self.chat.done(outcome);
                    self.carry_out(todos)
                }
                _ = look.tick() => {
                    if self.status == self.chat.status(self.session.client.round_trip()) {
                        continue;
                    }
                    ControlFlow::Continue(())
                }
            };
            self.paint().await?;
        }
        Ok(next.break_value().unwrap_or(Exit::Done))
    }

    /// Takes an event and those that are there already, so that a busy room costs one painting for many messages.
    async fn heard(
        &mut self,
        first: Option<Event>,
        events: &mut Events,
    ) -> anyhow::Result<ControlFlow<Exit>> {
        if first.is_none() {
            return Ok(ControlFlow::Break(Exit::Done));
        }
        let mut next = first;
        while let Some(event) = next {
            if let Event::Closed(closed) = event {
                return Err(client::closed(&closed));
            }
            let todos = self.chat.heard(event);
            if self.carry_out(todos).is_break() || self.lines.len() >= PAINTED_MAX {
                break;
            }
            next = tokio::select! { biased; event = events.next() => event, () = std::future::ready(()) => None };
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Takes a key and those that are there already: a paste without brackets is one painting, too.
    fn typed(&mut self, first: event::Event, keys: &mut mpsc::Receiver<event::Event>) -> ControlFlow<Exit> {
        self.pressed(first)?;
        for _ in 0..KEYS_MAX {
            let Ok(key) = keys.try_recv() else { break };
            self.pressed(key)?;
        }
        ControlFlow::Continue(())
    }

    fn pressed(&mut self, event: event::Event) -> ControlFlow<Exit> {
        match event {
            event::Event::Key(key) => match keys::wish(key) {
                Some(wish) => self.fulfil(wish),
                None => ControlFlow::Continue(()),
            },
            event::Event::Paste(text) => self.insert(&text),
            event::Event::Resize(columns, _) => {
                self.raw.screen.resized(columns);
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn fulfil(&mut self, wish: Wish) -> ControlFlow<Exit> {
        match wish {
            Wish::Type(c) => return self.insert(c.encode_utf8(&mut [0; 4])),
            Wish::Edit(edit) => self.editor.edit(edit),
            Wish::Submit => {
                let todos = self.chat.typed(&self.editor.submit());
                return self.carry_out(todos);
            }
            Wish::Complete if self.editor.text().is_empty() => self.chat.next_room(),
            Wish::Complete => {
                if let Some((start, text)) = self.chat.complete(self.editor.before_cursor()) {
                    self.editor.complete(start, &text);
                }
            }
            Wish::Clear => self.clear = true,
            Wish::EndOrDelete if self.editor.text().is_empty() => return ControlFlow::Break(Exit::Done),
            Wish::EndOrDelete => self.editor.edit(Edit::Delete),
            Wish::Interrupt => return ControlFlow::Break(Exit::Interrupted),
        }
        ControlFlow::Continue(())
    }

    fn insert(&mut self, text: &str) -> ControlFlow<Exit> {
        if !self.editor.insert(text) {
            let full = format!("a line has at most {} KiB: nothing was put in", LINE_BYTES_MAX / 1024);
            self.lines.push(Line::new(Tone::Wrong, &full));
        }
        ControlFlow::Continue(())
    }

    fn carry_out(&mut self, todos: Vec<Todo>) -> ControlFlow<Exit> {
        for todo in todos {
            match order(todo) {
                Ok(order) => {
                    if self.session.orders.try_send(order).is_err() {
                        self.lines
                            .push(Line::new(Tone::Wrong, "✗ not sent: the server takes nothing just now"));
                    }
                }
                Err(Todo::Show(line) | Todo::Tell(line)) => self.lines.push(line),
                Err(_) => return ControlFlow::Break(Exit::Done),
            }
        }
        ControlFlow::Continue(())
    }

    async fn paint(&mut self) -> anyhow::Result<()> {
        self.status = self.chat.status(self.session.client.round_trip());
        let screen = &mut self.raw.screen;
        let cleared = if std::mem::take(&mut self.clear) { screen.clear() } else { String::new() };
        let text = cleared + &screen.show(&self.lines, &self.status, &self.editor);
        self.lines.clear();
        // A terminal that hangs up fails the write before the signal is heard, or after; it is one end to both.
        let gone = |err| Failed::new(Exit::Terminated, format!("the terminal is gone: {err}")).into();
        client::print(text).await.map_err(gone)
    }

    /// Gives the terminal back as it was, with what was said on it.
    fn close(self) -> Session {
        self.session
    }
}

/// Keys, pastes and resizes, read by a thread that ends with the process.
fn keys_typed() -> mpsc::Receiver<event::Event> {
    let (typed, keys) = mpsc::channel(KEYS_MAX);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if typed.blocking_send(event).is_err() {
                return;
            }
        }
    });
    keys
}

/// Measures the round trip now and then; the client remembers it.
async fn pulse(client: Client) {
    loop {
        // Without a connection there is nothing to measure, which the status says.
        let _ = client.ping().await;
        tokio::time::sleep(PULSE).await;
    }
}
