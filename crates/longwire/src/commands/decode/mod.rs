//! `longwire decode`: bytes of a dump as annotated frames; the first bad byte with its reason.
//!
//! What the bytes mean is `longwire_decode`'s business; here they are fetched and shown. Touches no network.

mod json;
mod text;

use crate::exit::Exit;
use crate::out;
use anyhow::{Context, bail};
use longwire_decode::dump::{self, INPUT_BYTES_MAX};
use longwire_decode::{Frames, LengthReading, Options, Sender};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Take a dump of the protocol's bytes apart, frame by frame
///
/// Shows every field by name and place and stops at the first bad byte, with its reason. Tokens are not shown.
#[derive(Debug, clap::Args)]
pub(crate) struct DecodeArgs {
    /// File with the bytes, or hex digits themselves; stdin without
    ///
    /// Raw bytes, or hex as people and xxd, hexdump -C, od -A x, tcpdump and Wireshark write it.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The dump is hex; otherwise that is told from it
    #[arg(long, conflicts_with = "raw")]
    hex: bool,
    /// The dump is the bytes themselves
    #[arg(long)]
    raw: bool,
    /// Who sent it: client or server
    ///
    /// client: from the first byte of a connection, judged as a server judges it. server: as a client reads it.
    /// Without: each frame tells by its flow, and the dump may begin between any two.
    #[arg(long, value_name = "SENDER", value_enum, hide_possible_values = true)]
    from: Option<From>,
    /// What len counts: body or rest; else found out
    #[arg(long, value_name = "READING", value_enum, hide_possible_values = true)]
    length: Option<Length>,
    /// One JSON object a frame
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum From {
    Client,
    Server,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Length {
    Body,
    Rest,
}

impl DecodeArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let bytes = self.bytes()?;
        if bytes.is_empty() {
            bail!("there are no bytes to decode");
        }
        let mut out = BufWriter::new(out::stdout());
        let fault = self.show(&bytes, &mut out)?;
        out.flush()?;
        match fault {
            None => Ok(Exit::Done),
            Some(fault) => match dump::stranger(&bytes) {
                Some(what) => bail!("{fault}\nthis looks like {what}"),
                None => bail!("{fault}"),
            },
        }
    }

    /// Shows all frames; the complaint, where one is bad.
    fn show(&self, bytes: &[u8], out: &mut impl Write) -> anyhow::Result<Option<String>> {
        let frames = Frames::of(bytes, self.options());
        let reading = frames.reading();
        if !self.json {
            text::reading(reading, out)?;
        }
        for frame in frames {
            if self.json {
                writeln!(out, "{}", json::frame(&frame, reading.length))?;
            } else {
                text::frame(&frame, bytes, out)?;
            }
            if let Some(fault) = frame.fault {
                return Ok(Some(format!("frame {}: {fault}", frame.number)));
            }
        }
        Ok(None)
    }

    fn options(&self) -> Options {
        let sender = self.from.map(|from| match from {
            From::Client => Sender::Client,
            From::Server => Sender::Server,
        });
        let length = self.length.map(|length| match length {
            Length::Body => LengthReading::Body,
            Length::Rest => LengthReading::Rest,
        });
        Options { sender, length, ..Options::default() }
    }

    fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        let dump = match &self.file {
            Some(file) if file.as_os_str() != "-" => match self.argument(file) {
                Some(digits) => digits,
                None => read(std::fs::File::open(file), &file.display().to_string())?,
            },
            _ => read(Ok(std::io::stdin()), "stdin")?,
        };
        if self.raw || !(self.hex || dump::is_text(&dump)) {
            return Ok(dump);
        }
        let text = String::from_utf8(dump).context("the dump is not text, and so not hex; try --raw")?;
        match dump::bytes_of_hex(&text) {
            Ok(bytes) => Ok(bytes),
            Err(error) => match dump::stranger(text.as_bytes()) {
                Some(what) => bail!("the dump is not hex: {error}\nthis looks like {what}"),
                None => bail!("the dump is not hex: {error}"),
            },
        }
    }

    /// The argument itself, where it names no file and is hex, or would be but for a digit that was lost.
    fn argument(&self, file: &Path) -> Option<Vec<u8>> {
        let digits = file.to_str().filter(|_| !self.raw && !file.exists())?;
        let are_digits = digits.chars().all(|c| c.is_ascii_hexdigit() || c.is_ascii_whitespace());
        (are_digits || dump::bytes_of_hex(digits).is_ok()).then(|| digits.as_bytes().to_vec())
    }
}

/// All of it, within the limit.
fn read(source: std::io::Result<impl Read>, name: &str) -> anyhow::Result<Vec<u8>> {
    let failed = || format!("cannot read {name}");
    let mut dump = Vec::new();
    source
        .with_context(failed)?
        .take(INPUT_BYTES_MAX as u64 + 1)
        .read_to_end(&mut dump)
        .with_context(failed)?;
    if dump.len() > INPUT_BYTES_MAX {
        bail!("{name} has more than {INPUT_BYTES_MAX} bytes: cut it into pieces between two frames");
    }
    Ok(dump)
}
