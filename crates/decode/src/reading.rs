//! What `len` counts in a dump: told as a server tells it, or by which reading comes out whole.
use crate::{Fault, Frames, LengthReading, Options, Sender};
use longwire_wire::{
    Command, Detected, FirstFrameError, FirstFrameRules, Flow, HEADER_BYTES, Header, Inflater, detect_first,
};

/// The reading, and how it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What `len` counts.
    pub length: LengthReading,
    /// How that is known.
    pub why: Why,
}

/// How a reading is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The caller said so.
    Given,
    /// The first LOGIN shows it, as it shows it to a server.
    Login,
    /// In the other reading less of the dump makes sense.
    Fits,
    /// The dump makes as much sense in either.
    Guess,
}

/// The reading of a dump; and the fault, where its first frame is a client's and a server would close for it.
pub(crate) fn find(input: &[u8], options: &Options) -> (Reading, Option<FirstFrameError>) {
    let header = input.first_chunk::<HEADER_BYTES>().map(Header::parse);
    let is_first = options.sender == Some(Sender::Client)
        || header.is_some_and(|header| {
            header.flag.flow() == Flow::Request
                && options.commands.command(header.command) == Some(Command::Login)
        });
    let detected = if is_first && options.sender != Some(Sender::Server) {
        detect(input, options)
    } else {
        Detected::NeedMore
    };
    let refused = match detected {
        Detected::Refused(error) if options.sender == Some(Sender::Client) => Some(error),
        _ => None,
    };
    let reading = match (options.length, detected) {
        (Some(length), _) => Reading { length, why: Why::Given },
        (None, Detected::Login { dialect, .. }) => Reading { length: dialect.length, why: Why::Login },
        (None, Detected::NeedMore) if is_first && waits_for_body(input) => {
            Reading { length: LengthReading::Body, why: Why::Login }
        }
        (None, _) => fitting(input, options),
    };
    (reading, refused)
}

fn detect<'a>(input: &'a [u8], options: &Options) -> Detected<'a> {
    let rules = FirstFrameRules {
        commands: &options.commands,
        login: options.login,
        length: options.length,
        login_max: options.login_max,
        versions: options.versions,
    };
    detect_first(input, &rules, &mut Inflater::new(), &mut Vec::new())
}

//= PROTOCOL.md#3.12
// Once the reading is *body*, the server waits for all 11 + L bytes: with the 4 + L of *rest* there, it is waiting for those.
/// A first LOGIN that is cut, of which enough is there to tell its reading.
fn waits_for_body(input: &[u8]) -> bool {
    let len = input.first_chunk().map(|len| u32::from_be_bytes(*len) as usize);
    input.len() >= HEADER_BYTES && len.is_some_and(|len| input.len() >= 4 + len)
}

/// How far a reading comes: the first fault's place and how many frames are in front of it; no fault is farthest.
fn reach(input: &[u8], options: &Options, length: LengthReading) -> (usize, usize) {
    let options = Options { length: Some(length), sender: None, ..options.clone() };
    let (mut whole, mut reached) = (0, usize::MAX);
    for frame in Frames::of(input, options) {
        match frame.fault {
            None => whole += 1,
            // What inflates has been cut out right.
            Some(Fault { inflated_at: Some(_), .. }) => reached = frame.at + frame.bytes,
            Some(fault) => reached = fault.at,
        }
    }
    (reached, whole)
}

//= PROTOCOL.md#3.11
// Where nothing tells them apart it is *rest*.
fn fitting(input: &[u8], options: &Options) -> Reading {
    let rest = reach(input, options, LengthReading::Rest);
    let body = reach(input, options, LengthReading::Body);
    let length = if body > rest { LengthReading::Body } else { LengthReading::Rest };
    Reading { length, why: if body == rest { Why::Guess } else { Why::Fits } }
}
