//! What was said in which order, and who is owed what: the model that the engine's books are held against.

use std::collections::HashMap;
use std::sync::Arc;

use longwire_wire::{Message, parse_push};

use super::Check;
use super::client::Client;
use super::plan::ROOM_NAMES;
use super::speak::claims_of;
use super::users::Users;
use crate::account::{Class, DropReason, Kind, Tally};
use crate::config::Config;
use crate::ids::{ConnId, Now, ShardId};
use crate::trace::Trace;

/// One record, at its place in one life of a room.
pub(super) struct Entry {
    pub(super) message: Message,
    pub(super) origin: ConnId,
    pub(super) kind: Kind,
}

/// One membership, and what came of it.
pub(super) struct Membership {
    pub(super) conn: ConnId,
    pub(super) room: usize,
    pub(super) epoch: u64,
    pub(super) from: u64,
    /// Where it ended, if it did.
    pub(super) until: Option<u64>,
    pub(super) left: Option<DropReason>,
    /// Behind the last record that came.
    pub(super) next: u64,
    pub(super) got: Tally,
    /// What was passed over before the last record that came.
    pub(super) skipped: u64,
}

pub(super) struct Truth {
    config: Arc<Config>,
    pub(super) rooms: HashMap<(usize, u64), Vec<Entry>>,
    /// Where a CMS (its client and number) stands.
    places: HashMap<(usize, usize), (usize, u64, u64)>,
    /// By client and room, in order.
    pub(super) memberships: HashMap<(usize, usize), Vec<Membership>>,
    /// The last CMS of a client that a room sequenced.
    last_said: HashMap<(usize, usize), usize>,
    clients: HashMap<ConnId, usize>,
    pub(super) users: Users,
    /// By shard, room and life: behind the newest record that a member there was sent.
    seen: HashMap<(ShardId, usize, u64), u64>,
    /// Records in complete frames, by shard.
    pub(super) delivered: Vec<Tally>,
}

impl Truth {
    pub(super) fn new(config: Arc<Config>, shards: usize, users: Users) -> Self {
        Self {
            config,
            users,
            rooms: HashMap::new(),
            places: HashMap::new(),
            memberships: HashMap::new(),
            last_said: HashMap::new(),
            clients: HashMap::new(),
            seen: HashMap::new(),
            delivered: vec![Tally::ZERO; shards],
        }
    }

    /// A name is never given twice: whoever asks by an old one late must find nobody.
    pub(super) fn connected(&mut self, conn: ConnId, client: usize) -> Check {
        match self.clients.insert(conn, client) {
            None => Ok(()),
            Some(other) => Err(format!("client {client} has the name of client {other}: {conn:?}")),
        }
    }

    /// What happened on `shard`, in the order in which it did.
    pub(super) fn take(&mut self, trace: Trace, shard: ShardId, now: Now, clients: &mut [Client]) -> Check {
        match trace {
            Trace::Took { conn } => self.users.took(&mut clients[self.client(conn)?], now),
            Trace::PutBack { conn } => self.users.put_back(&mut clients[self.client(conn)?]),
            Trace::AsksUser { conn } => self.users.asks(&mut clients[self.client(conn)?], now),
            Trace::AsksRoom { room, epoch, kind, record } => {
                let life = (room_index(&room)?, epoch);
                let (client, number) = words_of(&record)?;
                let client = &mut clients[client];
                let here = client.conn.shard == shard;
                self.users.asks_room(client, number, life, kind, here, now)
            }
            Trace::Enrolls { user, conn } => self.users.enrolls(self.client(conn)?, &user, now, clients),
            Trace::Withdrawn { user, conn } => {
                self.users.withdrawn(self.client(conn)?, &user);
                Ok(())
            }
            Trace::LoggedIn { conn, user } => self.users.logged_in(&mut clients[self.client(conn)?], &user),
            Trace::Sequenced { room, epoch, origin, kind, record } => {
                self.sequenced(room_index(&room)?, epoch, origin, kind, &record, clients)
            }
            Trace::Joined { conn, room, home, epoch, offset } => {
                let (client, room) = (self.client(conn)?, room_index(&room)?);
                self.check_place(conn, room, epoch, offset, home)?;
                self.joined(
                    client,
                    Membership {
                        conn,
                        room,
                        epoch,
                        from: offset,
                        until: None,
                        left: None,
                        next: offset,
                        got: Tally::ZERO,
                        skipped: 0,
                    },
                )
            }
            Trace::Left { conn, room, offset, reason } => {
                let key = (self.client(conn)?, room_index(&room)?);
                let last = self.memberships.get_mut(&key).and_then(|all| all.last_mut());
                match last {
                    Some(one) if one.until.is_none() => {
                        (one.until, one.left) = (Some(offset), Some(reason));
                    }
                    _ => return Err(format!("{conn:?} left {room}, where it was not")),
                }
                Ok(())
            }
        }
    }

    pub(super) fn client(&self, conn: ConnId) -> Result<usize, String> {
        self.clients.get(&conn).copied().ok_or_else(|| format!("nobody ever was {conn:?}"))
    }

    /// Where a membership may begin: behind all that was sequenced, as far as its shard can know.
    //= PROTOCOL.md#10.7
    // A joining member receives no history.
    fn check_place(&self, conn: ConnId, room: usize, epoch: u64, offset: u64, home: ShardId) -> Check {
        let sequenced = self.rooms.get(&(room, epoch)).map_or(0, |log| log.len() as u64);
        let seen = self.seen.get(&(conn.shard, room, epoch)).copied().unwrap_or(0);
        let least = if home == conn.shard { sequenced } else { seen };
        if (least..=sequenced).contains(&offset) {
            return Ok(());
        }
        let name = ROOM_NAMES[room];
        Err(format!("{conn:?} joins {name} at {offset}; {sequenced} were sequenced, {seen} seen there"))
    }

    fn joined(&mut self, client: usize, new: Membership) -> Check {
        let all = self.memberships.entry((client, new.room)).or_default();
        if all.last().is_some_and(|last| last.until.is_none()) {
            return Err(format!("client {client} joined {} twice", ROOM_NAMES[new.room]));
        }
        all.push(new);
        Ok(())
    }

    fn sequenced(
        &mut self,
        room: usize,
        epoch: u64,
        origin: ConnId,
        kind: Kind,
        record: &[u8],
        clients: &mut [Client],
    ) -> Check {
        let (_, messages) = parse_push(record).map_err(|err| format!("a record that nobody reads: {err}"))?;
        let [message] = <[Message; 1]>::try_from(messages).map_err(|_| "not one record".to_owned())?;
        let (client, number) = words(&message.content).ok_or("a record that nobody said")?;
        if self.client(origin)? != client {
            return Err(format!("client {client}'s record is taken for {origin:?}'s"));
        }
        let said = clients[client].said.get_mut(number).ok_or("a record that nobody said")?;
        let asked = (said.room, said.message_type, &said.content);
        let user = claims_of(&message.from).or_else(|| said.user.clone());
        if asked != (room, message.message_type, &message.content)
            || message.to != ROOM_NAMES[room]
            || message.user != user
        {
            return Err(format!("client {client}'s CMS {number} became another record: {message:?}"));
        }
        //= PROTOCOL.md#15.16
        //= PROTOCOL.md#19.12
        // A client's GIFT has no priority, unless configuration lists its type.
        let priority = self.config.priority_types.contains(said.message_type);
        if kind != Kind::new(if priority { Class::Priority } else { Class::Chat }, said.message_type) {
            return Err(format!("client {client}'s CMS {number} rides as {kind:?}"));
        }
        if said.sequenced.replace(message.from.clone()).is_some() {
            return Err(format!("client {client}'s CMS {number} was sequenced twice"));
        }
        //= PROTOCOL.md#11.17
        // A refused CMS is not seen by anybody.
        if said.fate == super::client::Fate::Refused {
            return Err(format!("client {client}'s refused CMS {number} was sequenced"));
        }
        if let Some(why) = said.refusal {
            return Err(format!("client {client}'s CMS {number} was sequenced {why}"));
        }
        if !clients[client].user_ids.contains(&message.from) {
            return Err(format!("client {client}'s CMS {number} came from {:?}", message.from));
        }
        //= PROTOCOL.md#15.10
        // Records of one connection come in the order it sent them.
        if self.last_said.insert((client, room), number).is_some_and(|last| last > number) {
            return Err(format!("client {client}'s CMS {number} overtook another of its own"));
        }
        let log = self.rooms.entry((room, epoch)).or_default();
        //= PROTOCOL.md#11.5
        // Timestamps never decrease within a room, in the order of its records.
        if log.last().is_some_and(|last| last.message.timestamp_ms > message.timestamp_ms) {
            return Err(format!("the timestamps of {} decrease", ROOM_NAMES[room]));
        }
        self.places.insert((client, number), (room, epoch, log.len() as u64));
        log.push(Entry { message, origin, kind });
        Ok(())
    }

    /// A record of a push came to `client`, in the `nth` of its memberships of `room`; how many it passed over.
    pub(super) fn heard(
        &mut self,
        client: &Client,
        room: usize,
        nth: usize,
        message: &Message,
    ) -> Result<u64, String> {
        let fail = |what: &str| Err(format!("client {}: {what}: {message:?}", client.id));
        let Some(&(place_room, epoch, offset)) = words(&message.content).and_then(|id| self.places.get(&id))
        else {
            return fail("a record that was never sequenced");
        };
        let entry = &self.rooms[&(place_room, epoch)][offset as usize];
        //= PROTOCOL.md#12.9
        // The bytes of a record are the same for every member.
        if place_room != room || entry.message != *message {
            return fail("not what was sequenced");
        }
        //= PROTOCOL.md#12.4
        // Every member gets a record, except the connection that sent it.
        if entry.origin == client.conn {
            return fail("its own message");
        }
        let Some(one) = self.memberships.get_mut(&(client.id, room)).and_then(|all| all.get_mut(nth)) else {
            return fail("a push to somebody who is no member");
        };
        if one.epoch != epoch || offset < one.from || one.until.is_some_and(|until| offset >= until) {
            return fail("a record from outside of its membership");
        }
        //= PROTOCOL.md#15.5
        //= PROTOCOL.md#15.9
        // No record comes twice; all members see a room's records in the same order.
        if offset < one.next {
            return fail("a record that came before, or one behind its successor");
        }
        let passed = &self.rooms[&(room, epoch)][one.next as usize..offset as usize];
        let skipped = passed.iter().filter(|entry| entry.origin != client.conn).count() as u64;
        one.skipped += skipped;
        one.next = offset + 1;
        one.got.count(entry.kind);
        let seen = self.seen.entry((client.conn.shard, room, epoch)).or_default();
        *seen = (offset + 1).max(*seen);
        self.delivered[usize::from(client.conn.shard.0)].count(entry.kind);
        Ok(skipped)
    }

    /// What a membership was owed up to `head`, where its shard's log stands.
    pub(super) fn owed(&self, one: &Membership, head: u64) -> Tally {
        let mut owed = Tally::ZERO;
        let Some(log) = self.rooms.get(&(one.room, one.epoch)) else { return owed };
        let until = one.until.unwrap_or(head).min(log.len() as u64).max(one.from);
        let entries = &log[one.from as usize..until as usize];
        entries.iter().filter(|entry| entry.origin != one.conn).for_each(|entry| owed.count(entry.kind));
        owed
    }

    /// Lives of rooms in which something was said.
    pub(super) fn lives(&self) -> usize {
        self.rooms.len()
    }

    /// Who, and which membership.
    pub(super) fn memberships_of(&self, shard: ShardId) -> impl Iterator<Item = (usize, &Membership)> {
        let all = self.memberships.iter().flat_map(|((client, _), all)| all.iter().map(|one| (*client, one)));
        all.filter(move |(_, one)| one.conn.shard == shard)
    }
}

pub(super) fn room_index(name: &str) -> Result<usize, String> {
    ROOM_NAMES.iter().position(|known| *known == name).ok_or_else(|| format!("no room is called {name}"))
}

/// Who said a record that is not sequenced yet, and its number.
fn words_of(record: &[u8]) -> Result<(usize, usize), String> {
    let (_, messages) = parse_push(record).map_err(|err| format!("a record that nobody reads: {err}"))?;
    messages.first().and_then(|one| words(&one.content)).ok_or_else(|| "a record that nobody said".to_owned())
}

/// Who said it, and its number among what that client said.
fn words(content: &[u8]) -> Option<(usize, usize)> {
    let mut words = std::str::from_utf8(content).ok()?.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}
