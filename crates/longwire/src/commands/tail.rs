//! `longwire tail`: prints what is said in rooms, for people or, with `--json`, for programs.
//!
//! Holds nothing back: what cannot be printed is not read, so a slow reader is a slow member to the server.

use super::client::{self, ROOMS_MAX};
use super::connect::{ConnectArgs, usage};
use crate::chat::{escape::is_hostile, line};
use crate::exit::Exit;
use longwire_client::{CallError, Client, Event, Events, MessageType, Received};
use std::time::Duration;

/// Print what is said in rooms
#[derive(Debug, clap::Args)]
pub(crate) struct TailArgs {
    /// Room to listen to; may be given several times
    #[arg(long = "room", value_name = "ROOM", required = true, value_parser = client::room)]
    rooms: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after so long in the rooms: 500ms, 30s, 5m, 1h
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    time: Option<Duration>,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl TailArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        if self.rooms.len() > ROOMS_MAX {
            return Err(usage(format!("at most {ROOMS_MAX} rooms")));
        }
        let config = self.connect.config()?.build()?;
        client::until_signalled(async {
            let (client, events) = client::connect(&self.connect.address(), config).await?;
            self.listen(&client, events).await
        })
    }

    /// Joins, then prints until an end that was asked for, or none can be reached any more.
    async fn listen(&self, client: &Client, mut events: Events) -> anyhow::Result<Exit> {
        let mut left = self.count.unwrap_or(u64::MAX);
        let joining = self.join(client);
        tokio::pin!(joining);
        let mut joined = false;
        let time_is_up = tokio::time::sleep(Duration::MAX);
        tokio::pin!(time_is_up);
        while left > 0 {
            tokio::select! {
                result = &mut joining, if !joined => {
                    result?;
                    joined = true;
                    if let Some(time) = self.time {
                        time_is_up.as_mut().reset(tokio::time::Instant::now() + time);
                    }
                }
                () = &mut time_is_up, if joined && self.time.is_some() => break,
                event = events.next() => {
                    let (text, other) = self.gather(event, &mut events, &mut left).await;
                    client::print(text).await?;
                    if let Some(event) = other {
                        hear(&event)?;
                    }
                }
            }
        }
        // Leaving politely is worth a moment, not more.
        drop(events);
        let _ = tokio::time::timeout(Duration::from_secs(1), client.logout()).await;
        Ok(Exit::Done)
    }

    /// The lines of the messages that are there already, so that a busy room costs one write for many, and what
    /// came behind them.
    async fn gather(
        &self,
        first: Option<Event>,
        events: &mut Events,
        left: &mut u64,
    ) -> (String, Option<Event>) {
        let (mut next, mut text) = (first, String::new());
        while let Some(Event::Message(message)) = next {
            text += &self.shown(&message);
            *left -= 1;
            if *left == 0 || text.len() >= GATHERED_BYTES_MAX {
                return (text, None);
            }
            next = tokio::select! { biased; event = events.next() => event, () = std::future::ready(()) => None };
        }
        (text, next)
    }

    /// Joins room after room; over a lost connection, again.
    async fn join(&self, client: &Client) -> anyhow::Result<()> {
        for room in &self.rooms {
            while let Err(err) = client.join(room).await {
                match err {
                    CallError::NotConnected | CallError::Lost => tokio::time::sleep(REJOIN_PAUSE).await,
                    err => return Err(client::call_failed(&err)),
                }
            }
            client::tell(&format!("joined {}", crate::chat::escape::escape(room)));
        }
        Ok(())
    }

    fn shown(&self, message: &Received) -> String {
        if self.json {
            return json(message);
        }
        let line = line::message(Some(&message.room), message, false);
        if client::colours() {
            line.painted()
                + "
"
        } else {
            line.plain()
                + "
"
        }
    }
}

/// What one write takes at most, one message aside.
const GATHERED_BYTES_MAX: usize = 64 * 1024;
/// How often a join is tried again while the client reconnects on its own schedule.
const REJOIN_PAUSE: Duration = Duration::from_millis(250);

/// What is no message: told on stderr, or the end.
fn hear(event: &Event) -> anyhow::Result<()> {
    match event {
        Event::Lost { fault, retry_in, .. } => {
            client::tell(&format!("{fault}; trying again in {:.1} s", retry_in.as_secs_f64()));
        }
        Event::Back => client::tell("connected again; what was said meanwhile is missing"),
        Event::Refused(refusal) if client::is_tried_again(refusal) => client::tell(&refusal.to_string()),
        Event::Refused(refusal) => return Err(client::refused(refusal)),
        Event::Closed(closed) => return Err(client::closed(closed)),
        _ => {}
    }
    Ok(())
}

/// One message with the field names of the server's API.
#[derive(serde::Serialize)]
struct Record<'a> {
    room: &'a str,
    from: &'a str,
    timestamp_ms: u64,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_base64: Option<String>,
}

/// `"normal"`, `"notify"`, `"gift"`, or the number of a type without a name.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Kind {
    Named(&'static str),
    Number(u32),
}

/// One message as one line of JSON. What a terminal would obey or hide is written as `\u…`, which reads the same.
fn json(message: &Received) -> String {
    let text = message.text();
    let record = Record {
        room: &message.room,
        from: &message.from,
        timestamp_ms: message.timestamp_ms,
        kind: match message.message_type {
            MessageType::Normal => Kind::Named("normal"),
            MessageType::Notify => Kind::Named("notify"),
            MessageType::Gift => Kind::Named("gift"),
            MessageType::Other(number) => Kind::Number(number),
        },
        content: text,
        content_base64: text.is_none().then(|| base64(&message.content)),
    };
    // Strings and numbers alone: there is nothing in it that could fail.
    let written = serde_json::to_string(&record).unwrap_or_default();
    let mut line = String::with_capacity(written.len() + 1);
    for c in written.chars() {
        if is_hostile(c) {
            line.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            line.push(c);
        }
    }
    line + "\n"
}

/// RFC 4648 with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let place = (bits >> (18 - 6 * digit)) & 63;
            out.push(if digit <= chunk.len() { char::from(DIGITS[place as usize]) } else { '=' });
        }
    }
    out
}

/// A number and its unit: `500ms`, `30s`, `5m`, `1h`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration such as 500ms, 30s, 5m or 1h");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let milliseconds: u64 = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire_client::UserInfo;

    fn message(content: &[u8], message_type: MessageType) -> Received {
        Received {
            room: "lobby".into(),
            from: "ada".into(),
            timestamp_ms: 1_700_000_000_123,
            message_type,
            content: content.to_vec(),
            user: Some(UserInfo { nickname: "Ada".into(), ..UserInfo::default() }),
        }
    }

    #[test]
    fn a_json_line_holds_the_apis_fields_and_no_others() {
        for (message, line) in [
            (
                message("hello \"世界\"\n\u{9b}\u{202e}\u{e0041}".as_bytes(), MessageType::Normal),
                r#"{"content":"hello \"世界\"\n\u009b\u202e\udb40\udc41","from":"ada","room":"lobby","timestamp_ms":1700000000123,"type":"normal"}"#,
            ),
            (
                message(&[0xff, 0x00, 0x10], MessageType::Gift),
                r#"{"content_base64":"/wAQ","from":"ada","room":"lobby","timestamp_ms":1700000000123,"type":"gift"}"#,
            ),
            (
                message(b"", MessageType::Other(9)),
                r#"{"content":"","from":"ada","room":"lobby","timestamp_ms":1700000000123,"type":9}"#,
            ),
        ] {
            let written = json(&message);
            let expected: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), expected);
            assert!(
                written.starts_with(r#"{"room":"lobby","from":"ada","timestamp_ms":1700000000123,"type":"#)
            );
            assert_eq!(written.find(is_hostile), Some(written.len() - 1), "one line, harmless on a terminal");
        }
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, milliseconds) in [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)));
        }
        for text in ["", "5", "s", "-1s", "1.5s", "1d", "99999999999999999999s", "9999999999999999h", "１s"]
        {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
    }
}
