//! `longwire send`: one message, or one a line of stdin, and an exit status that can be trusted.
//!
//! 0 means: the server has seen every message and refused none (a PONG came back for a PING behind them). Never holds
//! more than a line and the client's own buffer: where the server takes nothing, stdin is not read.

use super::client;
use super::connect::ConnectArgs;
use crate::chat::line;
use crate::exit::Exit;
use anyhow::{Context, bail};
use longwire_client::{
    Call, Client, Event, Events, Flushed, MessageType, Outgoing, Reconnect, Refusal, SendId, Status,
    limits::{BODY_BYTES_DEFAULT, SENDS_REMEMBERED_MAX},
};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};

/// Send a message, or every line of stdin
#[derive(Debug, clap::Args)]
pub(crate) struct SendArgs {
    /// Room to send to
    #[arg(long, value_name = "ROOM", value_parser = client::room)]
    room: String,
    /// The message [default: each line of stdin]
    ///
    /// Empty lines are skipped.
    text: Option<String>,
    /// What it is: normal or gift
    #[arg(
        long = "type",
        value_name = "TYPE",
        value_enum,
        default_value = "normal",
        hide_possible_values = true
    )]
    kind: Kind,
    /// How the sender is shown
    #[arg(long, value_name = "NAME")]
    nickname: Option<String>,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// How long leaving may take, once all is said.
const LOGOUT_MAX: Duration = Duration::from_secs(1);

/// The types that a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Normal,
    Gift,
}

/// The lines on their way and what became of them.
#[derive(Debug, Default)]
struct Account {
    /// The line of every send whose refusal can still come. Never longer than [`SENDS_REMEMBERED_MAX`].
    lines: VecDeque<(SendId, u64)>,
    refused: u64,
}

impl SendArgs {
    pub(crate) fn run(mut self) -> anyhow::Result<Exit> {
        self.connect = self.connect.or_login_name()?;
        let config = self.connect.config()?.reconnect(Reconnect::never()).build()?;
        client::until_signalled(async {
            let (client, events) = client::connect(&self.connect.address(), config).await?;
            self.deliver(&client, events).await
        })
    }

    /// Sends while it listens for refusals; the first of the two that ends, ends it.
    async fn deliver(&self, client: &Client, mut events: Events) -> anyhow::Result<Exit> {
        let account = RefCell::new(Account::default());
        let sending = self.send_all(client, &account);
        tokio::pin!(sending);
        let flushed = loop {
            tokio::select! {
                // The answer to a call counts for more than the connection's end behind it.
                biased;
                flushed = &mut sending => break flushed?,
                event = events.next() => match event {
                    Some(Event::Refused(refusal)) => account.borrow_mut().hear(&refusal)?,
                    Some(Event::Closed(closed)) => return Err(client::closed(&closed)),
                    Some(_) => {}
                    None => bail!("the connection is closed"),
                },
            }
        };
        drop(events);
        let _ = tokio::time::timeout(LOGOUT_MAX, client.logout()).await;
        let mut account = account.borrow_mut();
        // Those whose event was not read yet. Refused is refused, however the last of them are told.
        flushed.refused.iter().try_for_each(|refusal| account.hear(refusal))?;
        Ok(if flushed.is_clean() && account.refused == 0 { Exit::Done } else { Exit::Failed })
    }

    async fn send_all(&self, client: &Client, account: &RefCell<Account>) -> anyhow::Result<Flushed> {
        client.join(&self.room).await.map_err(|err| client::call_failed(&err))?;
        match &self.text {
            Some(text) => self.send(client, text.as_bytes(), 1, account).await?,
            None => {
                let mut input = BufReader::new(tokio::io::stdin());
                let mut number = 0;
                while let Some(line) =
                    next_line(&mut input).await.with_context(|| format!("line {}", number + 1))?
                {
                    number += 1;
                    if !line.is_empty() {
                        self.send(client, &line, number, account).await?;
                    }
                }
            }
        }
        client.flush().await.map_err(|err| client::call_failed(&err))
    }

    async fn send(
        &self,
        client: &Client,
        content: &[u8],
        number: u64,
        account: &RefCell<Account>,
    ) -> anyhow::Result<()> {
        let kind = match self.kind {
            Kind::Normal => MessageType::Normal,
            Kind::Gift => MessageType::Gift,
        };
        let mut message = Outgoing::new(&self.room, content).message_type(kind);
        if let Some(nickname) = &self.nickname {
            message = message.nickname(nickname);
        }
        let id = client
            .send(message)
            .await
            .map_err(|err| client::call_failed(&err).context(format!("line {number}")))?;
        let lines = &mut account.borrow_mut().lines;
        if lines.len() == SENDS_REMEMBERED_MAX {
            lines.pop_front();
        }
        lines.push_back((id, number));
        Ok(())
    }
}

impl Account {
    /// A refusal that concerns one message is told and counted; one that concerns the sender ends the command.
    /// One that was heard before is nothing new.
    fn hear(&mut self, refusal: &Refusal) -> anyhow::Result<()> {
        let number = match &refusal.call {
            Call::Send { id, .. } => match self.lines.iter().position(|(sent, _)| sent == id) {
                Some(place) => self.lines.remove(place).map(|(_, number)| number),
                None => return Ok(()),
            },
            _ => None,
        };
        self.refused += 1;
        let place = number.map_or_else(|| "a message".to_owned(), |line| format!("line {line}"));
        let one_message = [
            Status::MALFORMED,
            Status::RATE_LIMITED,
            Status::TOO_LARGE,
            Status::OVERLOADED,
            Status::INTERNAL,
            Status::REJECTED,
        ];
        if !one_message.contains(&refusal.status) {
            return Err(client::refused(refusal).context(format!("{place} was refused")));
        }
        client::tell(&format!("{place} was refused: {}", line::reason(refusal.status)));
        Ok(())
    }
}

/// The next line without its end; `None` behind the last. A line that no message could carry is an error, and is not
/// read to its end.
async fn next_line(input: &mut (impl AsyncBufRead + Unpin)) -> anyhow::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if input.take(BODY_BYTES_DEFAULT as u64).read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    if line.len() == BODY_BYTES_DEFAULT && !line.ends_with(b"\n") {
        bail!("more than {BODY_BYTES_DEFAULT} bytes do not fit into a message");
    }
    let end = line.strip_suffix(b"\n").unwrap_or(&line);
    let length = end.strip_suffix(b"\r").unwrap_or(end).len();
    line.truncate(length);
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(input: &[u8]) -> Vec<Vec<u8>> {
        let mut input = BufReader::new(input);
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input).await.unwrap() {
            lines.push(line);
        }
        lines
    }

    #[tokio::test]
    async fn lines_end_with_lf_crlf_or_the_end() {
        for (input, expected) in [
            (&b""[..], &[][..]),
            (b"a\nb\r\nc", &[b"a".as_slice(), b"b", b"c"]),
            (b"\n\r\n", &[b"", b""]),
            (b"\xff\x00\n", &[b"\xff\x00"]),
        ] {
            assert_eq!(lines(input).await, expected);
        }
    }

    #[tokio::test]
    async fn a_line_at_the_limit_is_read_and_one_past_it_refused() {
        let longest = [vec![b'x'; BODY_BYTES_DEFAULT - 1], vec![b'\n']].concat();
        assert_eq!(lines(&longest).await[0].len(), BODY_BYTES_DEFAULT - 1);
        let too_long = vec![b'x'; BODY_BYTES_DEFAULT];
        assert!(next_line(&mut BufReader::new(too_long.as_slice())).await.is_err());
    }
}
