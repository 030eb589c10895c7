//! A room's round: one range of records, the same bytes for every member that stands at its start.
//!
//! The range is fixed when the round begins; each member's cursor moves right after its send. So joins, leaves and
//! other work between two slices neither skip a member nor send twice. Never waits, never allocates for a delivery.

use longwire_wire::{Command, Compression, Dialect, Flow, HEADER_BYTES, Status, put_header, put_room_tail};

use crate::account::{DropReason, Tally};
use crate::action::CloseReason;
use crate::conn::{Frame, Half};
use crate::ids::{Now, Slot};
use crate::limits::GZIP_BYTES_A_SEND;
use crate::log::Place;
use crate::outgoing::{self, BODY_AT, HEADROOM, Outgoing, Push};
use crate::planted::Planted;
use crate::post::{Offered, Ports};
use crate::room::{LAG, OWN, Room, Round};
use crate::shard::Shard;
use crate::turns::Left;

/// What a slice did to those who did not take the whole frame: rare, so collected and dealt with behind it.
#[derive(Default)]
struct Slice {
    sent: u64,
    /// Took nothing: they stand where they stood.
    stalled: Vec<u32>,
    /// Took a part (this many bytes) of a frame (its number).
    cut: Vec<(u32, usize, usize)>,
    /// Sent records of the range themselves.
    own: Vec<u32>,
    /// Dead.
    gone: Vec<u32>,
}

/// How many members ahead of its send [`Ports::soon`] names one: what it needs comes in two steps, a send apart.
const SOON: usize = 2;

impl Shard {
    /// Moves a room forward by a slice of at most `sends` sends.
    pub(crate) fn run_room(&mut self, at: u32, sends: &mut usize, now: Now, ports: &mut impl Ports) -> Left {
        let Some(mut room) = self.rooms.take(at) else { return Left::Nothing };
        room.queued = false;
        if room.round.is_none() && now.mono < room.next_round_at {
            room.queued = true;
            self.deferred.push(std::cmp::Reverse((room.next_round_at, at)));
            self.rooms.put_back(at, room);
            return Left::Nothing;
        }
        if room.round.is_none() {
            self.begin_round(at, &mut room, now, ports);
        }
        let mut gone = Vec::new();
        if let Some(mut round) = room.round.take() {
            let slice = self.slice(&mut room, &mut round, sends, ports);
            let done = round.visited >= round.members;
            room.round = Some(round);
            gone = self.settle_slice(at, &mut room, slice, now, ports);
            if done {
                self.end_round(at, &mut room);
            }
        }
        let left = if room.round.is_some() {
            Left::Members
        } else if room.has_news() || self.has_pending(room.home_here) {
            Left::Records
        } else {
            Left::Nothing
        };
        self.rooms.put_back(at, room);
        gone.into_iter().for_each(|slot| self.close_now(slot, CloseReason::Gone));
        self.close_pinning();
        left
    }

    fn begin_round(&mut self, at: u32, room: &mut Room, now: Now, ports: &mut impl Ports) {
        if let Some(batch) = room.home_here.and_then(|home| self.seal(home, ports)) {
            self.append_batch(at, room, batch, &[]);
        }
        if !room.has_news() {
            return;
        }
        let (start, head) = (room.mark, room.log.head());
        let mut tail = std::mem::take(&mut self.scratch);
        tail.clear();
        put_room_tail(&mut tail, &room.name);
        let mut body = vec![0; BODY_AT];
        //= PROTOCOL.md#12.10
        // A push body is at most 64 KiB, unless it carries one record alone.
        let read = room.log.read(
            start.offset,
            &head,
            self.config.push_max.saturating_sub(tail.len()),
            None,
            &mut body,
        );
        body.extend_from_slice(&tail);
        self.scratch = tail;
        room.mark = read.next;
        let gap = read.next.totals.minus(&start.totals).minus(&read.content);
        let members = room.members.len();
        let round = Round {
            start,
            end: read.next,
            content: read.content,
            gap,
            body,
            gzipped: None,
            frames: Vec::new(),
            members,
            first: room.rotation % members.max(1),
            visited: 0,
        };
        room.rotation = round.first + members / 2 + 1; // who was late in this round is early in the next
        room.next_round_at = now.mono.plus(self.config.min_interval_ms);
        self.mark_own(at, room, &round);
        room.round = Some(Box::new(round));
        self.stats.rounds += 1;
        self.toll += 1;
        for id in std::mem::take(&mut room.ahead) {
            if let Some(slot) = self.find(id) {
                if let Some(lag) = self.conns[slot as usize].slow.as_mut().and_then(|slow| slow.lag(at)) {
                    lag.waits = false;
                }
                self.queue_catch_up(slot);
            }
        }
    }

    /// Marks the senders of the range among the members, once a round: nobody is asked again at the send.
    fn mark_own(&mut self, at: u32, room: &mut Room, round: &Round) {
        if self.is_planted(Planted::OwnMessageEchoed) {
            return;
        }
        let mut senders = Vec::new();
        room.log.each(round.start.offset, |offset, _, origin| {
            if offset < round.end.offset && origin.shard == self.id && senders.last() != Some(&origin) {
                senders.push(origin);
            }
        });
        for id in senders {
            if let Some(member_at) = self.member_at(id, at) {
                let member = &mut room.members[member_at as usize];
                if member.flags & LAG == 0 && member.next == round.start.offset {
                    member.flags |= OWN;
                }
            }
        }
    }

    /// The hot loop: one send a member that stands at the start.
    fn slice(
        &mut self,
        room: &mut Room,
        round: &mut Round,
        sends: &mut usize,
        ports: &mut impl Ports,
    ) -> Slice {
        let mut slice = Slice::default();
        let start = round.start.offset;
        while *sends > 0 && round.visited < round.members {
            let mut at = round.first + round.visited;
            if at >= round.members {
                at -= round.members;
            }
            round.visited += 1;
            *sends -= 1;
            if let Some(later) = room.members.get(at + SOON) {
                ports.soon(later.slot);
            }
            let Some(member) = room.members.get_mut(at) else { continue };
            if member.flags != 0 || member.next != start {
                // catch-up may have brought a sender to the end already
                if member.flags == OWN && member.next == start {
                    slice.own.push(at as u32);
                }
                member.flags &= !OWN;
                continue;
            }
            let hot = self.hot[member.slot as usize];
            if hot.blocked {
                slice.stalled.push(at as u32);
                continue;
            }
            let number = self.frame_for(round, hot.dialect);
            let push = round.frames[number].1.push();
            match ports.offer(member.slot, Outgoing::Push(push)) {
                Offered::Took(taken) if taken == push.frame().len() => {
                    member.next = round.end.offset;
                    slice.sent += 1;
                }
                Offered::Took(0) => slice.stalled.push(at as u32),
                Offered::Took(taken) => slice.cut.push((at as u32, number, taken)),
                Offered::Gone => slice.gone.push(at as u32),
            }
        }
        slice
    }

    /// Books a slice, and deals with those who did not take the whole frame.
    fn settle_slice(
        &mut self,
        at: u32,
        room: &mut Room,
        slice: Slice,
        now: Now,
        ports: &mut impl Ports,
    ) -> Vec<Slot> {
        let Some(round) = room.round.take() else { return Vec::new() };
        self.books.delivered.add_times(&round.content, slice.sent);
        self.books_gap(&round.gap, slice.sent + slice.cut.len() as u64);
        for &member_at in &slice.stalled {
            self.stall(at, room, member_at, round.start, now);
        }
        for &(member_at, number, taken) in &slice.cut {
            let half = Half::pin(&round.frames[number].1, taken, round.content, &mut self.pinned);
            self.cut_short(at, room, member_at, half, round.end, now);
        }
        let mut gone = slice.gone;
        for member_at in slice.own {
            if !self.send_around_own(at, room, &round, member_at, now, ports) {
                gone.push(member_at);
            }
        }
        // until they are closed, behind the round, they stand at its start like those who took nothing
        gone.iter().for_each(|&member_at| self.stall(at, room, member_at, round.start, now));
        room.round = Some(round);
        gone.into_iter().map(|member_at| room.members[member_at as usize].slot).collect()
    }

    /// The member's socket took nothing: it stays at the round's start, and its socket's edge will tell.
    fn stall(&mut self, at: u32, room: &mut Room, member_at: u32, place: Place, now: Now) {
        let member = &mut room.members[member_at as usize];
        let slot = member.slot;
        member.flags |= LAG;
        room.laggards += 1;
        self.add_lag(slot, at, place);
        self.block(slot, now);
    }

    /// The member's socket took a part: the rest is pinned, its cursor stands behind the range.
    fn cut_short(&mut self, at: u32, room: &mut Room, member_at: u32, half: Half, end: Place, now: Now) {
        room.members[member_at as usize].next = end.offset;
        let slot = room.members[member_at as usize].slot;
        self.stall(at, room, member_at, end, now);
        if let Some(slow) = self.conns[slot as usize].slow.as_mut() {
            debug_assert!(slow.half.is_none());
            slow.half = Some(half);
        }
    }

    /// A sender gets the range without its own records. `false`: it is dead.
    //= PROTOCOL.md#12.4
    // Every member of the room gets a record, guests too, except the connection that sent it.
    fn send_around_own(
        &mut self,
        at: u32,
        room: &mut Room,
        round: &Round,
        member_at: u32,
        now: Now,
        ports: &mut impl Ports,
    ) -> bool {
        let slot = room.members[member_at as usize].slot;
        if self.hot[slot as usize].blocked {
            self.stall(at, room, member_at, round.start, now);
            return true;
        }
        let mut bytes = std::mem::take(&mut self.scratch);
        let read = self.read_push(room, slot, (round.start.offset, &round.end), usize::MAX, &mut bytes);
        let mut lost = round.gap;
        // the ring may have gone past a part of the range since the round began: others have it from the round's frame
        lost.add(&round.content.minus(&read.own).minus(&read.content));
        let push = Push::of(&bytes);
        let offered = match read.content == Tally::ZERO {
            true => Offered::Took(push.frame().len()),
            false => ports.offer(slot, Outgoing::Push(push)),
        };
        match offered {
            Offered::Took(taken) if taken == push.frame().len() => {
                room.members[member_at as usize].next = round.end.offset;
                self.books.delivered.add(&read.content);
                self.books_gap(&lost, 1);
            }
            Offered::Took(0) => self.stall(at, room, member_at, round.start, now),
            Offered::Took(taken) => {
                let half = Half::pin(&Frame::new(bytes.clone()), taken, read.content, &mut self.pinned);
                self.books_gap(&lost, 1);
                self.cut_short(at, room, member_at, half, round.end, now);
            }
            Offered::Gone => {}
        }
        self.scratch = bytes;
        offered != Offered::Gone
    }

    /// Reads records for one member alone, without its own, as a whole push in its dialect.
    pub(crate) fn read_push(
        &self,
        room: &Room,
        slot: Slot,
        (from, until): (u64, &Place),
        bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> crate::log::Read {
        out.clear();
        out.resize(BODY_AT, 0);
        let read = room.log.read(from, until, bytes_max, Some(self.conn_id(slot)), out);
        put_room_tail(out, &room.name);
        let dialect = Dialect::from_index(self.hot[slot as usize].dialect);
        self.put_push_header(out, dialect, Compression::None);
        read
    }

    /// Writes the header of a push into the room in front of its body, and a WebSocket message's in front of that.
    //= PROTOCOL.md#12.1
    // A push is a frame of command CMS, flow 2, `seq` 0, status 0.
    fn put_push_header(&self, buffer: &mut [u8], dialect: Dialect, compression: Compression) {
        let code = self.config.commands.code(Command::Cms);
        let mut header = Vec::with_capacity(HEADER_BYTES);
        let body = buffer.len() - BODY_AT;
        put_header(&mut header, dialect, code, Flow::Notify, compression, 0, Status::OK, body);
        buffer[HEADROOM..BODY_AT].copy_from_slice(&header);
        outgoing::seal(buffer);
    }

    /// The number of the round's frame for a dialect; made when the first member with that dialect is met.
    fn frame_for(&mut self, round: &mut Round, dialect: u8) -> usize {
        if let Some(number) = round.frames.iter().position(|(met, _)| *met == dialect) {
            return number;
        }
        let met = Dialect::from_index(dialect);
        let (mut bytes, compression) = match met.gzip && self.gzip_helps(round) {
            true => (round.gzipped.clone().unwrap_or_default(), Compression::Gzip),
            false => (round.body.clone(), Compression::None),
        };
        self.put_push_header(&mut bytes, met, compression);
        self.stats.encodes += 1;
        self.stats.headers += 1;
        round.frames.push((dialect, Frame::new(bytes)));
        round.frames.len() - 1
    }

    /// Compresses the round's body, once, and says whether that made it smaller.
    //= PROTOCOL.md#6.8
    // The server compresses only push bodies of at least 512 bytes, and only where that makes them smaller.
    fn gzip_helps(&mut self, round: &mut Round) -> bool {
        let plain = &round.body[BODY_AT..];
        if plain.len() < self.config.gzip_min {
            return false;
        }
        if round.gzipped.is_none() {
            let mut member = Vec::new();
            self.deflater.deflate(plain, &mut member);
            self.stats.gzips += 1;
            self.toll += plain.len() / GZIP_BYTES_A_SEND;
            member.splice(0..0, [0; BODY_AT]);
            round.gzipped = Some(member);
        }
        round.gzipped.as_ref().is_some_and(|gzipped| gzipped.len() < round.body.len())
    }

    fn end_round(&mut self, at: u32, room: &mut Room) {
        room.round = None;
        let conns = &mut self.conns;
        room.close_holes(|slot, to| conns[slot as usize].memberships.moved(at, to));
        if room.laggards == 0 {
            let mark = room.mark.offset;
            self.with_log(at, room, |log, _, _| log.forget_before(mark)); // a ring holds what somebody still needs
        }
    }

    fn books_gap(&mut self, gap: &Tally, members: u64) {
        if !self.is_planted(Planted::MiscountedDrop) {
            let mut dropped = Tally::ZERO;
            dropped.add_times(gap, members);
            self.books.drop_records(DropReason::Overtaken, &dropped);
        }
    }
}
