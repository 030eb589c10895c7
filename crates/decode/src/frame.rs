//! The frames of a dump, one after another, up to the first that is bad.
use crate::{Fault, FaultKind, Options, Part, Reading, Sender, body, header, reading};
use longwire_wire::{Compression, FirstFrameError, HEADER_BYTES, Header, Inflater};

/// One frame, taken apart as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// 1 for the first of the dump.
    pub number: usize,
    /// Where it begins in the input.
    pub at: usize,
    /// How much of the input it takes.
    pub bytes: usize,
    /// `JOIN_CR request`; empty where the header is cut.
    pub title: String,
    /// As sent; `None` where it is cut.
    pub header: Option<Header>,
    /// Its five fields.
    pub header_parts: Vec<Part>,
    /// `None` where it is missing or cut, or where the header refuses the frame.
    pub body: Option<Body>,
    /// Why this frame is bad. No other follows.
    pub fault: Option<Fault>,
}

/// A body, as sent and as it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Where it begins in the input.
    pub at: usize,
    /// As sent.
    pub bytes: usize,
    /// What it inflated to; the places in `parts` are then counted in there.
    pub inflated: Option<Vec<u8>>,
    /// The message's name; `None`: nobody knows.
    pub message: Option<&'static str>,
    /// Its fields, as far as they could be read.
    pub parts: Vec<Part>,
    /// For people.
    pub note: Option<String>,
}

/// The frames of a dump. Ends behind the last, or behind the first bad one.
pub struct Frames<'a> {
    input: &'a [u8],
    options: Options,
    reading: Reading,
    refused: Option<FirstFrameError>,
    inflater: Inflater,
    at: usize,
    number: usize,
}

impl<'a> Frames<'a> {
    /// Finds out what `len` counts, and stands before the first frame.
    pub fn of(input: &'a [u8], options: Options) -> Self {
        let (reading, refused) = reading::find(input, &options);
        Self { input, options, reading, refused, inflater: Inflater::new(), at: 0, number: 0 }
    }

    /// What `len` counts in these frames.
    pub fn reading(&self) -> Reading {
        self.reading
    }

    fn frame(&mut self, rest: &'a [u8]) -> Frame {
        let at = self.at;
        self.number += 1;
        let mut frame = Frame {
            number: self.number,
            at,
            bytes: rest.len(),
            title: String::new(),
            header: None,
            header_parts: Vec::new(),
            body: None,
            fault: None,
        };
        let Some((header, behind)) = rest.split_first_chunk::<HEADER_BYTES>() else {
            frame.fault = Some(self.cut(format!("{} of the header's 11 bytes are there", rest.len())));
            return frame;
        };
        let header = Header::parse(header);
        frame.title = header::title(&header, &self.options);
        frame.header_parts = header::parts(&header, at, self.reading.length, &self.options);
        frame.header = Some(header);
        frame.fault = self.header_fault(&header, behind);
        let body_bytes = self.reading.length.body_of(header.len).unwrap_or(0) as usize;
        if frame.fault.is_some() {
            return frame;
        }
        let Some(sent) = behind.get(..body_bytes) else {
            frame.fault = Some(self.cut(format!("{} of {body_bytes} bytes of body are there", behind.len())));
            return frame;
        };
        frame.bytes = HEADER_BYTES + body_bytes;
        let body_at = at + HEADER_BYTES;
        let max = if self.is_first_of_client() {
            self.options.login_max
        } else {
            header::body_max(&header, &self.options)
        };
        let (body, fault) =
            body::read(&header, sent, body_at, max as usize, &self.options, &mut self.inflater);
        (frame.body, frame.fault) = (Some(body), fault);
        frame
    }

    fn is_first_of_client(&self) -> bool {
        self.at == 0 && self.options.sender == Some(Sender::Client)
    }

    fn header_fault(&self, header: &Header, behind: &[u8]) -> Option<Fault> {
        if let Some(error) = self.refused.filter(|_| self.at == 0) {
            let gzip = header.flag.compression() == Compression::Gzip && !behind.is_empty();
            let over =
                self.reading.length.body_of(header.len).is_none_or(|body| body > self.options.login_max);
            return Some(header::first_frame_fault(error, (gzip && !over).then_some(HEADER_BYTES)));
        }
        header::fault(header, self.at, self.reading.length, &self.options)
    }

    fn cut(&self, reason: String) -> Fault {
        let end = self.input.len();
        Fault::new(end, FaultKind::NeedMore, format!("the input ends inside this frame: {reason}"))
    }
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let rest = self.input.get(self.at..).filter(|rest| !rest.is_empty())?;
        let frame = self.frame(rest);
        self.at = if frame.fault.is_some() { self.input.len() } else { self.at + frame.bytes };
        Some(frame)
    }
}
