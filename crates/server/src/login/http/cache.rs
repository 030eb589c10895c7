//! Good answers, for a moment: a client that reconnects is not a reason to ask again.
//!
//! Keyed by a digest under a key of this process, so that a dump of memory holds no token and no digest that somebody
//! else could compare. Refusals are not kept: whoever guesses would fill it. Time is an argument.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use aws_lc_rs::hmac;

use super::super::answer::Identity;

/// Answers at once; the oldest goes first. Each costs about 300 B and its strings.
const ANSWERS_MAX: usize = 10_000;

type Digest = [u8; 32];

pub(super) struct Cache {
    ttl_ms: u64,
    key: hmac::Key,
    answers: HashMap<Digest, Entry>,
    /// In the order in which they came, which is the order in which they end.
    order: VecDeque<(Digest, u64)>,
    max: usize,
}

struct Entry {
    identity: Identity,
    /// Unix milliseconds; also what tells this entry from an earlier one of the same key.
    until_ms: u64,
}

impl Cache {
    pub(super) fn new(ttl: Duration) -> Self {
        Self::of(ttl, ANSWERS_MAX)
    }

    fn of(ttl: Duration, max: usize) -> Self {
        let mut secret = [0; 32];
        // Without randomness there would be no TLS and no signature either; a fixed key would still hide the tokens.
        let _ = aws_lc_rs::rand::fill(&mut secret);
        Self {
            ttl_ms: ttl.as_millis() as u64,
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            answers: HashMap::new(),
            order: VecDeque::new(),
            max,
        }
    }

    pub(super) fn key(&self, token: &str, user_id: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&(token.len() as u64).to_le_bytes()); // or "a" and "bc" would be "ab" and "c"
        context.update(token.as_bytes());
        context.update(user_id.as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    pub(super) fn get(&self, key: &Digest, now_ms: u64) -> Option<Identity> {
        let entry = self.answers.get(key).filter(|entry| now_ms < entry.until_ms)?;
        let in_force = entry.identity.expires_at_ms.is_none_or(|expires| now_ms < expires);
        in_force.then(|| entry.identity.clone())
    }

    pub(super) fn put(&mut self, key: Digest, identity: &Identity, now_ms: u64) {
        while self
            .order
            .front()
            .is_some_and(|(_, until_ms)| self.order.len() >= self.max || *until_ms <= now_ms)
        {
            if let Some((oldest, until_ms)) = self.order.pop_front()
                && self.answers.get(&oldest).is_some_and(|entry| entry.until_ms == until_ms)
            {
                self.answers.remove(&oldest);
            }
        }
        let until_ms = now_ms + self.ttl_ms;
        self.answers.insert(key, Entry { identity: identity.clone(), until_ms });
        self.order.push_back((key, until_ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(max: usize) -> Cache {
        Cache::of(Duration::from_secs(1), max)
    }

    #[test]
    fn an_answer_serves_until_its_time_or_its_identity_ends() {
        let mut cache = cache(10);
        let key = cache.key("token", "alice");
        cache.put(key, &Identity::bare("alice"), 0);
        assert_eq!(cache.get(&key, 999), Some(Identity::bare("alice")));
        assert_eq!(cache.get(&key, 1000), None);
        let short = Identity { expires_at_ms: Some(1500), ..Identity::bare("alice") };
        cache.put(key, &short, 1000);
        assert!(cache.get(&key, 1499).is_some() && cache.get(&key, 1500).is_none());
    }

    #[test]
    fn another_token_or_user_is_another_key() {
        let cache = cache(10);
        let keys = [cache.key("ab", "c"), cache.key("a", "bc"), cache.key("ab", "d"), cache.key("", "abc")];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key));
        }
        assert_ne!(Cache::of(Duration::ZERO, 1).key("ab", "c"), keys[0], "digests are this process's own");
    }

    #[test]
    fn it_never_holds_more_than_its_bound_and_the_oldest_goes_first() {
        let mut cache = cache(3);
        let keys: Vec<_> = (0..5).map(|user| cache.key("token", &user.to_string())).collect();
        for (at, key) in keys.iter().enumerate() {
            cache.put(*key, &Identity::bare("alice"), at as u64);
            assert!(cache.answers.len() <= 3 && cache.order.len() <= 3);
        }
        let held: Vec<_> = keys.iter().map(|key| cache.get(key, 10).is_some()).collect();
        assert_eq!(held, [false, false, true, true, true]);
        for at in 10..100 {
            cache.put(keys[4], &Identity::bare("alice"), at); // the same again and again
            assert!(cache.answers.len() <= 3 && cache.order.len() <= 3);
        }
        assert!(cache.get(&keys[4], 100).is_some());
        cache.put(keys[0], &Identity::bare("alice"), 5000);
        assert_eq!((cache.answers.len(), cache.order.len()), (1, 1), "what has ended is forgotten");
    }
}
