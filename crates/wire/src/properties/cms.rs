//! The hand-written scanner and prost agree: what is accepted means the same to both, and comes out in prost's own bytes.
use prost::Message as _;

use super::take;
use crate::limits::{TAGS_MAX, USER_INFO_BYTES_MAX};
use crate::{BodyError, Cms, CmsRules, generated, put_record, put_record_fields, record_bytes};

const RULES: CmsRules<'_> = CmsRules { id_max: 20, content_max: 200, relay_fields: &[7, 21] };

/// Input: which fields are relayed, then a CMS body.
pub fn cms(mut data: &[u8], planted: bool) {
    let relay_fields = if take(&mut data) & 1 == 1 { RULES.relay_fields } else { &[] };
    let rules = CmsRules { relay_fields, ..RULES };
    let parsed = if planted { parse_that_forgives_a_cut(data, &rules) } else { Cms::parse(data, &rules) };
    let by_prost = generated::CrMessage::decode(data);
    match parsed {
        Ok(cms) => check_record(&cms, &rules, by_prost.expect("what is relayed, prost must accept")),
        Err(error) => {
            let canonical = by_prost.ok().filter(|message| message.encode_to_vec() == data);
            assert!(
                canonical.is_none_or(|message| breaks_a_limit(&message)),
                "refused without a reason: {error}"
            );
        }
    }
}

/// The planted bug: a broken end is taken for the end.
fn parse_that_forgives_a_cut<'a>(body: &'a [u8], rules: &CmsRules<'_>) -> Result<Cms<'a>, BodyError> {
    Cms::parse(body, rules).or_else(|error| Cms::parse(body.split_last().ok_or(error)?.1, rules))
}

fn check_record(cms: &Cms<'_>, rules: &CmsRules<'_>, mut sent: generated::CrMessage) {
    assert_eq!((cms.content, cms.to), (&sent.message_content[..], sent.to.as_str()));
    assert_eq!(cms.message_type, sent.message_type);
    assert!(!breaks_a_limit(&sent));

    let record = record_of(cms, rules);
    sent.from = "server's".into();
    sent.timestamp = u64::MAX;
    sent.user_info = sent.user_info.filter(|user| *user != Default::default());
    let relayed =
        record.strip_prefix(&sent.encode_to_vec()[..]).expect("a record is not in prost's own bytes");
    assert!(relayed.is_empty() || !rules.relay_fields.is_empty());
    assert_eq!(generated::CrMessage::decode(&record[..]).as_ref(), Ok(&sent));
    let again = Cms::parse(&record, rules).expect("a record is itself a message that would be relayed");
    assert_eq!(record_of(&again, rules), record);
}

/// The record without the tag and length of `messages`.
fn record_of(cms: &Cms<'_>, rules: &CmsRules<'_>) -> Vec<u8> {
    let mut fields = Vec::new();
    let split = put_record_fields(&mut fields, cms, rules, "server's", None);
    let mut element = Vec::new();
    put_record(&mut element, &fields, split, u64::MAX);
    assert_eq!(element.len(), record_bytes(&fields, u64::MAX));
    element.split_off(element.len() - fields.len() - 11)
}

/// Reckoned from a message that prost read; of a canonical body these are exactly the reasons to refuse it.
fn breaks_a_limit(message: &generated::CrMessage) -> bool {
    let user = message.user_info.as_ref();
    message.to.is_empty()
        || message.to.len() > RULES.id_max
        || message.to.chars().any(char::is_control)
        || message.message_content.len() > RULES.content_max
        || user.is_some_and(|user| user.encoded_len() > USER_INFO_BYTES_MAX || user.tag.len() > TAGS_MAX)
}
