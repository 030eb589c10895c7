//! What sockets bring: bytes become frames, frames become figures.

use longwire_wire::{Command, Decoder, Flow, Frame};
use mio::event::Event;

use super::arrivals::Arrivals;
use super::conn::{Got, Phase, SILENT};
use super::senders::Times;
use super::{Harvest, Worker, bump};
use crate::failure::Failure;
use crate::plan::Crowd;
use crate::shared::Shared;
use crate::verify::News;

/// A frame's body. What does not fit the buffer behind the rest of a cut frame could never be read.
const BODY_BYTES_MAX: u32 = 512 * 1024;
const _: () = assert!(2 * (BODY_BYTES_MAX as usize) <= super::READ_BYTES);

impl Worker {
    pub(super) fn on_event(&mut self, at: usize, event: &Event) {
        if event.is_writable() {
            self.writable(at);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.readable(at, event.is_read_closed() || event.is_error());
        }
    }

    fn writable(&mut self, at: usize) {
        let conn = &mut self.conns[at];
        conn.flush();
        match conn.phase {
            Phase::Connecting => self.connected(at),
            Phase::In if conn.sender != SILENT => self.senders.nudge(conn.sender),
            _ => {}
        }
    }

    pub(super) fn has_laggards(&self) -> bool {
        matches!(self.plan.crowd, Crowd::Laggards { .. })
    }

    /// Whether connection `at` does not read at the moment.
    fn has_stopped(&self, at: usize) -> bool {
        at >= self.members
            && self.plan.crowd == (Crowd::Laggards { stop: true })
            && (self.times.open..self.times.close).contains(&self.times.now)
    }

    /// Laggards read what came meanwhile: for that no edge comes any more.
    pub(super) fn read_again(&mut self) {
        if self.times.now >= self.times.close
            && !std::mem::replace(&mut self.resumed, true)
            && self.has_laggards()
        {
            (self.members..self.conns.len()).for_each(|at| self.readable(at, true));
        }
    }

    /// Reads until nothing is left: an edge does not come twice. A read that leaves room in the buffer has met the
    /// end of what is there, unless the peer has ended its side.
    fn readable(&mut self, at: usize, ends: bool) {
        if self.has_stopped(at) {
            return;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        loop {
            let conn = &mut self.conns[at];
            let kept = conn.rest.take().map_or(0, |rest| {
                buffer[..rest.len()].copy_from_slice(&rest);
                rest.len()
            });
            match conn.read(&mut buffer[kept..]) {
                Got::Bytes(bytes) => {
                    self.times.now = self.shared.clock.now_ns();
                    self.take(at, &buffer[..kept + bytes]);
                    if kept + bytes < buffer.len() && !ends {
                        break;
                    }
                }
                Got::NothingYet => {
                    if kept > 0 {
                        conn.rest = Some(buffer[..kept].into());
                    }
                    break;
                }
                Got::End => {
                    self.ended(at);
                    break;
                }
            }
        }
        self.buffer = buffer;
    }

    /// Takes the whole frames of `input`; keeps the rest.
    fn take(&mut self, at: usize, input: &[u8]) {
        let mut decoder = Decoder::new(self.speech.dialect().length, BODY_BYTES_MAX);
        let mut taken = 0;
        loop {
            match decoder.next(&input[taken..]) {
                Ok(Some((frame, bytes))) => {
                    taken += bytes;
                    self.on_frame(at, frame);
                }
                Ok(None) => break,
                Err(err) => return self.confused(&err.to_string()),
            }
        }
        let rest = &input[taken..];
        if !rest.is_empty() && self.conns[at].stream.is_some() {
            self.conns[at].rest = Some(rest.into());
        }
    }

    fn on_frame(&mut self, at: usize, frame: Frame<'_>) {
        let (header, phase) = (frame.header, self.conns[at].phase);
        match (self.speech.command(header.command), header.flag.flow(), phase) {
            (_, _, Phase::Out) => {}
            (Some(Command::Cms), Flow::Notify, _) => self.on_push(at, frame),
            // the bare loop sends a PING back as it came
            (Some(Command::Pong), Flow::Answer, _) | (Some(Command::Ping), Flow::Request, _) => {
                self.conns[at].awaits_pong = false;
                bump(&self.tally().pongs, 1);
            }
            (Some(Command::Login), Flow::Answer, Phase::LoggingIn) => self.logged_in(at, header.status),
            (Some(Command::JoinCr), Flow::Answer, Phase::Joining) => self.joined(at, header.status),
            (Some(Command::Cms), Flow::Answer, _) => bump(&self.tally().refusals, 1),
            (_, _, Phase::Leaving) => {}
            (command, flow, phase) => {
                let command = command.map_or("?", Command::name);
                self.confused(&format!(
                    "{command} ({}), {flow:?}, to a connection that is {phase:?}",
                    header.command
                ));
            }
        }
    }

    /// The server does what the protocol does not say: no figure would mean anything.
    fn confused(&mut self, what: &str) {
        let what = format!("not what PROTOCOL.md says: {what}");
        self.shared.fail(Failure::Protocol { address: self.plan.target.address, what });
    }

    /// The hot path: once for each member and push.
    fn on_push(&mut self, at: usize, frame: Frame<'_>) {
        let (room, sender) = (self.conns[at].room, self.conns[at].sender);
        let own = (sender != SILENT).then(|| self.senders.all[sender as usize].local);
        let summary = match self.pushes.read(room, frame, own.is_none()) {
            Ok(summary) => summary,
            Err(err) => return self.confused(&err.to_string()),
        };
        let (records, tally) = (summary.at_ns.len() as u64, &self.shared.tallies[self.index]);
        let aside = at >= self.members && matches!(self.plan.crowd, Crowd::Laggards { .. });
        bump(&tally.deliveries, records);
        bump(&tally.pushes, 1);
        if aside {
            bump(&tally.aside, 1);
            self.harvest.laggards.last_ns = self.times.now;
        } else if self.times.measures(self.times.now) {
            self.harvest.measured.deliveries += records;
            self.harvest.measured.pushes += 1;
        }
        if summary.foreign > 0 {
            self.verifier.see_foreign(summary.foreign);
        }
        let mut counted = Counted {
            times: self.times,
            thread: self.index,
            here: self.present[room as usize],
            window: self.window,
            first_sender: room as usize * self.plan.shape.senders,
            shared: &self.shared,
            arrivals: &mut self.arrivals,
            harvest: &mut self.harvest,
            to_wake: &mut self.to_wake,
        };
        let mut dues = summary.at_ns.as_slice();
        for run in &summary.runs {
            let (these, rest) = dues.split_at(run.count as usize);
            dues = rest;
            let news = self.verifier.see(at as u32, *run, own);
            if at < self.members && news.from < news.until {
                counted.count(run.sender, news, these.get(news.old as usize..).unwrap_or_default());
            }
        }
        if std::mem::take(&mut self.to_wake[self.index]) {
            self.senders.completed_somewhere(); // those of this thread need no waker
        }
    }
}

/// What a member's news change, apart from what the push itself lives in.
struct Counted<'a> {
    times: Times,
    thread: usize,
    /// Members of the room in this thread.
    here: u32,
    window: u32,
    first_sender: usize,
    shared: &'a Shared,
    arrivals: &'a mut Arrivals,
    harvest: &'a mut Harvest,
    to_wake: &'a mut [bool],
}

impl Counted<'_> {
    /// One member has passed messages of one sender; `dues` are of those that came, the last of them.
    #[inline]
    fn count(&mut self, sender: u32, news: News, dues: &[u64]) {
        let (times, sender) = (self.times, self.first_sender + sender as usize);
        for due in dues.iter().filter(|due| times.measures(**due)) {
            self.harvest.latency.saturating_record(times.now.saturating_sub(*due));
        }
        let progress = &self.shared.senders[sender];
        let waiting = self.here.saturating_sub(u32::from(progress.thread == self.thread));
        bump(&self.shared.tallies[self.thread].settled, u64::from(news.until - news.from));
        let first_due = news.until - dues.len() as u32;
        // of a long gap only what may still be under way matters
        for seq in news.from.max(news.until.saturating_sub(self.window))..news.until {
            let due = seq.checked_sub(first_due).map(|place| dues[place as usize]);
            if let Some(arrived) = self.arrivals.passed((sender, seq), due, waiting, times, progress) {
                self.to_wake[progress.thread] = true;
                if let Some(took_ns) = arrived.took_ns {
                    self.harvest.last.saturating_record(took_ns);
                }
            }
        }
    }
}
