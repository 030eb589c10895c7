//! The chat where stdin or stdout is no terminal: what is said goes to stdout, all else to stderr.
//!
//! Lines of stdin are read as fast as the server takes them. The end of stdin is `/quit`: what was typed is seen by
//! the server before the command ends, and a refusal of any of it ends it with 1.

use super::model::{Chat, Outcome, Todo};
use super::session::{Order, Session, order};
use crate::commands::client;
use crate::exit::Exit;
use longwire_client::{Event, Events};
use std::collections::VecDeque;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::sync::mpsc;

/// A longer line of stdin becomes several; no message could carry it whole.
const LINE_BYTES_MAX: u64 = 60 * 1024;

/// Runs until stdin ends, `/quit`, or the connection is lost for good.
pub(crate) async fn run(mut chat: Chat, mut session: Session, mut events: Events) -> anyhow::Result<Exit> {
    let (typed, mut lines) = mpsc::channel(1);
    tokio::spawn(read_lines(typed));
    let mut reading = true;
    // What waits for room in the session's queue. While anything does no line is read, so it stays as short as
    // what one line or one reconnect asks for.
    let mut backlog: VecDeque<Order> = chat.joins().into_iter().filter_map(|todo| order(todo).ok()).collect();
    loop {
        let todos = tokio::select! {
            permit = session.orders.reserve(), if !backlog.is_empty() => {
                if let (Ok(permit), Some(order)) = (permit, backlog.pop_front()) {
                    permit.send(order);
                }
                continue;
            }
            line = lines.recv(), if reading && backlog.is_empty() => {
                line.map_or_else(|| vec![Todo::Quit], |line: String| chat.typed(&line))
            }
            event = events.next() => match event {
                Some(Event::Closed(closed)) => return Err(client::closed(&closed)),
                Some(event) => chat.heard(event),
                None => return Ok(Exit::Done),
            },
            outcome = session.outcomes.recv() => match outcome {
                Some(Outcome::Flushed) | None => break,
                Some(outcome) => chat.done(outcome),
            },
        };
        for todo in todos {
            match order(todo) {
                Ok(order) => backlog.push_back(order),
                Err(Todo::Show(line)) => client::print(line.plain() + "\n").await?,
                Err(Todo::Tell(line)) => client::tell(&line.plain()),
                Err(_) => {
                    reading = false;
                    backlog.push_back(Order::Flush);
                }
            }
        }
    }
    drop(events);
    session.leave().await;
    Ok(if chat.refused { Exit::Failed } else { Exit::Done })
}

/// Hands over the lines of stdin one by one; its end closes the channel.
async fn read_lines(typed: mpsc::Sender<String>) {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut line = Vec::new();
    while let Ok(1..) = (&mut input).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
        if typed.send(text).await.is_err() {
            return;
        }
        line.clear();
    }
}
