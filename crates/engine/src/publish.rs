//! From a checked CMS to a record at its room's home.

use longwire_wire::{Cms, CmsRules, Header, Status, put_record_fields};

use crate::account::{Class, Kind};
use crate::conn::Wait;
use crate::ids::{Now, Slot};
use crate::post::{Ports, Publish, ShardMsg};
use crate::refusals::Quota;
use crate::shard::Shard;

/// What became of a CMS whose sender may speak.
pub(crate) enum Published {
    Yes,
    Refused(Status),
    /// Nothing happened: the ring to the room's home has no place at the moment.
    HomeIsFull,
}

impl Shard {
    /// Splices the record and hands it to the room's home.
    pub(crate) fn publish_record(
        &mut self,
        slot: Slot,
        header: &Header,
        cms: &Cms<'_>,
        rules: &CmsRules<'_>,
        now: Now,
        ports: &mut impl Ports,
    ) -> Published {
        let conn = &self.conns[slot as usize];
        //= PROTOCOL.md#11.1
        // `to` names the room, which the connection must have joined.
        let mut joined = conn.memberships.as_slice().iter().filter_map(|one| self.rooms.get(one.room));
        let (Some(room), Some(user)) = (joined.find(|room| *room.name == *cms.to), conn.session.user())
        else {
            return Published::Refused(Status::NOT_JOINED);
        };
        if let (Some(rate), Some(shared)) = (self.config.quotas.user_messages, &user.shared) {
            #[cfg(test)]
            self.trace.push(crate::trace::Trace::AsksUser { conn: self.conn_id(slot) });
            if !shared.messages.take(rate, self.config.node_time.at_least(now.mono)) {
                return Published::Refused(self.stats.refusals.over(Quota::UserMessages));
            }
        }
        //= PROTOCOL.md#11.3
        // The server replaces `from` with the userId of the session, whatever came.
        self.fields.clear();
        let info = user.identity.info();
        let split = put_record_fields(&mut self.fields, cms, rules, &user.identity.user_id, info);
        let priority = self.config.priority_types.contains(cms.message_type);
        let kind = Kind::new(if priority { Class::Priority } else { Class::Chat }, cms.message_type);
        let origin = self.conn_id(slot);
        match room.home_here {
            Some(home) => {
                let fields = std::mem::take(&mut self.fields);
                let taken = self.sequence(home, kind, origin, &fields, split, now, ports);
                self.fields = fields;
                if let Err(status) = taken {
                    return Published::Refused(status);
                }
            }
            None => {
                let (home, room) = (room.home, std::sync::Arc::clone(&room.name));
                let (seq, code) = (header.seq, header.command);
                let publish = Publish { room, origin, kind, fields: self.fields.clone(), split, seq, code };
                if ports.post(home, ShardMsg::Publish(Box::new(publish))).is_err() {
                    self.give_permits_back(slot);
                    return Published::HomeIsFull;
                }
            }
        }
        self.conns[slot as usize].spoke = true;
        Published::Yes
    }

    /// The frame will be offered again, and takes its permits then.
    fn give_permits_back(&mut self, slot: Slot) {
        #[cfg(test)]
        self.trace.push(crate::trace::Trace::PutBack { conn: self.conn_id(slot) });
        let quotas = self.config.quotas;
        let conn = &mut self.conns[slot as usize];
        if let Some(rate) = quotas.connection_frames {
            conn.frames.give_back(rate);
        }
        let shared = conn.session.user().and_then(|user| user.shared.as_ref());
        if let (Some(rate), Some(shared)) = (quotas.user_messages, shared) {
            shared.messages.give_back(rate);
        }
    }

    /// A connection whose home's ring is full is not read: that is the backpressure of a room that is too hot.
    pub(crate) fn wait_for_home(&mut self, slot: Slot) {
        self.conns[slot as usize].wait = Wait::Home;
        let id = self.conn_id(slot);
        self.home_waiters.push(id);
    }

    pub(crate) fn retry_home_waiters(&mut self, now: Now) {
        for id in std::mem::take(&mut self.home_waiters) {
            if let Some(slot) = self.find(id).filter(|&slot| self.conns[slot as usize].wait == Wait::Home) {
                self.resume(slot, now);
            }
        }
    }
}
