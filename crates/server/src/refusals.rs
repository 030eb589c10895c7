//! Who was refused, as one line for a person and for a machine.

use std::collections::BTreeMap;

use longwire_engine::Refusals;

/// `{"quota":{"user.messages":3},"status":{"RATE_LIMITED":3}}`: the labels of two counters.
pub(crate) fn json(refusals: &Refusals) -> String {
    let status: BTreeMap<_, _> =
        refusals.by_status().filter_map(|(status, count)| Some((status.name()?, count))).collect();
    let quota: BTreeMap<_, _> = refusals.by_quota().map(|(quota, count)| (quota.name(), count)).collect();
    serde_json::json!({ "status": status, "quota": quota }).to_string()
}

/// `refused: RATE_LIMITED 3; over quota: user.messages 3`
pub(crate) fn sentence(refusals: &Refusals) -> String {
    let list = |each: Vec<String>| if each.is_empty() { "nobody".to_owned() } else { each.join(", ") };
    let status =
        refusals.by_status().map(|(status, count)| format!("{} {count}", status.name().unwrap_or("other")));
    let quota = refusals.by_quota().map(|(quota, count)| format!("{} {count}", quota.name()));
    format!("refused: {}; over quota: {}", list(status.collect()), list(quota.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, keys};
    use longwire_engine::{Fails, Quota};
    use longwire_wire::Status;

    /// Keys of `[quotas]` that limit nothing themselves.
    const NO_QUOTAS: &[&str] = &["quotas.exempt"];

    #[test]
    fn both_forms_name_what_there_was() {
        let mut refusals = Refusals::default();
        assert_eq!(json(&refusals), r#"{"quota":{},"status":{}}"#);
        assert_eq!(sentence(&refusals), "refused: nobody; over quota: nobody");
        let status = refusals.over(Quota::UserMessages);
        refusals.answered(status);
        refusals.answered(Status::MALFORMED);
        assert_eq!(
            json(&refusals),
            r#"{"quota":{"user.messages":1},"status":{"MALFORMED":1,"RATE_LIMITED":1}}"#
        );
        assert_eq!(sentence(&refusals), "refused: MALFORMED 1, RATE_LIMITED 1; over quota: user.messages 1");
    }

    /// A key without a count, a count without a key, a row that says something else: each fails here.
    #[test]
    fn every_quota_has_a_count_a_failure_mode_and_its_row() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/quotas.md");
        let page = std::fs::read_to_string(page).expect("docs/quotas.md is there");
        let rows: Vec<Vec<&str>> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        let quotas =
            || keys().filter(|key| key.path.starts_with("quotas.") && !NO_QUOTAS.contains(&key.path));
        for key in quotas() {
            let quota = Quota::ALL.iter().find(|quota| format!("quotas.{}", quota.name()) == key.path);
            let quota = quota.unwrap_or_else(|| panic!("{} has no count", key.path));
            let row = rows.iter().find(|row| row[1] == format!("`{}`", quota.name()));
            let row = row.unwrap_or_else(|| panic!("{} has no row in docs/quotas.md", key.path));
            let default = key.show(&Config::default());
            assert_eq!(row[3], format!("`{}`", default.trim_matches('"')), "{}: its default", key.path);
            assert_eq!(row[4], quota.status().name().unwrap(), "{}: its status", key.path);
            assert_eq!(row[5], quota.fails().name(), "{}: what happens where it cannot count", key.path);
            let doc = match quota.fails() {
                Fails::Open => "Fails open.",
                Fails::Closed => "Fails closed.",
            };
            assert!(key.doc.contains(doc), "{}: its comment says {doc:?}", key.path);
        }
        assert_eq!(quotas().count(), Quota::ALL.len(), "a count has no key");
        assert_eq!(rows.len(), Quota::ALL.len(), "a row has no quota");
    }
}
