//! What fake clients hear: the stream of a socket back into frames, each held against the model.

use longwire_wire::{Command, Compression, Decoder, Flow, Frame, Inflater, Status, parse_push};

use super::Check;
use super::client::{Client, Weather};
use super::corners::Corners;
use super::net::Socket;
use super::plan::ROOM_NAMES;
use super::truth::{Truth, room_index};

pub(super) struct Hearer<'a> {
    pub(super) client: &'a mut Client,
    pub(super) truth: &'a mut Truth,
    pub(super) inflater: &'a mut Inflater,
    pub(super) corners: &'a mut Corners,
    pub(super) weather: Weather,
}

impl Hearer<'_> {
    /// Takes the complete frames that the socket took over: those are delivered.
    //= PROTOCOL.md#15.13
    // Delivered: the server's kernel took the last byte of the frame.
    pub(super) fn hear(&mut self, socket: &mut Socket) -> Check {
        let stream = std::mem::take(&mut socket.unheard);
        let mut decoder = Decoder::new(self.client.dialect.length, 1 << 20);
        let mut at = 0;
        while let Some((frame, bytes)) = decoder
            .next(&stream[at..])
            .map_err(|err| format!("client {}: its stream is torn: {err}", self.client.id))?
        {
            self.frame(frame, socket.heard)?;
            at += bytes;
            socket.heard += bytes as u64;
        }
        socket.unheard = stream[at..].to_vec();
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>, begins: u64) -> Check {
        let header = frame.header;
        if header.flag.version() != self.client.dialect.version {
            return Err(format!("client {}: a frame of another version: {header:?}", self.client.id));
        }
        match header.flag.flow() {
            Flow::Answer if frame.body.is_empty() && header.flag.compression() == Compression::None => {
                self.corners.note(Status(header.status).name().unwrap_or("no status"));
                let late = self.client.late.len();
                self.client.answered(header.command, header.seq, Status(header.status), &self.weather)?;
                if self.client.late.len() < late {
                    self.corners.note("a refusal came late");
                }
                Ok(())
            }
            //= PROTOCOL.md#13.2
            // After a LOGOUT the server finishes the frame that is under way and the answers it owes, and sends nothing else.
            Flow::Notify if self.client.pushes_end.is_some_and(|end| begins >= end) => {
                Err(format!("client {}: a push behind its end", self.client.id))
            }
            Flow::Notify => self.push(frame),
            Flow::Answer | Flow::Request | Flow::Reserved => {
                Err(format!("client {}: a torn or foreign frame: {header:?}", self.client.id))
            }
        }
    }

    fn push(&mut self, frame: Frame<'_>) -> Check {
        let config = self.weather.config.clone();
        let (id, header) = (self.client.id, frame.header);
        let fixed = (header.command, header.seq, header.status);
        if fixed != (config.commands.code(Command::Cms), 0, 0) {
            return Err(format!("client {id}: not a push: {header:?}"));
        }
        let mut inflated = Vec::new();
        let body = match header.flag.compression() {
            Compression::Gzip if self.client.dialect.gzip => {
                self.inflater.inflate(frame.body, 1 << 20, &mut inflated).map_err(|err| err.to_string())?;
                if inflated.len() < config.gzip_min || inflated.len() <= frame.body.len() {
                    return Err(format!("client {id}: compressed for nothing"));
                }
                self.corners.note("a compressed push");
                &inflated
            }
            Compression::None => frame.body,
            other => return Err(format!("client {id}: a body in {other:?}")),
        };
        let (room, messages) = parse_push(body).map_err(|err| format!("client {id}: {err}"))?;
        if messages.is_empty() || (messages.len() > 1 && body.len() > config.push_max) {
            return Err(format!("client {id}: a push of {} records, {} bytes", messages.len(), body.len()));
        }
        let room = room_index(&room)?;
        //= PROTOCOL.md#10.6
        // The answer to a JOIN_CR precedes the first push of that room.
        let joined = self.client.joined.iter().find(|(joined, _)| *joined == room);
        let Some(&(_, nth)) = joined else {
            return Err(format!(
                "client {id}: a push of {:?} before JOIN's answer, or after it left",
                ROOM_NAMES[room]
            ));
        };
        if messages.len() > 1 {
            self.corners.note("a push of many records");
        }
        for message in &messages {
            if self.truth.heard(self.client, room, nth, message)? > 0 {
                self.corners.note("a record was passed over");
            }
        }
        Ok(())
    }
}
