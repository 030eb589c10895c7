//! Which certificate is shown to whom: by the name that the client asks for, else the first.

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::Arc;

/// All certificates, and the names that each is good for.
///
/// The map is std's, with its keyed hash: whoever connects chooses what is looked up.
#[derive(Debug)]
pub(super) struct Names {
    /// The first is for everybody whom no other fits. Never empty.
    pairs: Vec<Arc<CertifiedKey>>,
    /// By a name in small letters, `*.` in front where it is for all of a domain; in the order of the file.
    by_name: HashMap<String, Vec<usize>>,
}

impl Names {
    /// From pairs, each with the names it is good for.
    pub(super) fn new(pairs: Vec<(CertifiedKey, Vec<String>)>) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, (_, names)) in pairs.iter().enumerate() {
            for name in names {
                by_name.entry(name.to_ascii_lowercase()).or_default().push(at);
            }
        }
        Self { pairs: pairs.into_iter().map(|(pair, _)| Arc::new(pair)).collect(), by_name }
    }

    /// Where the certificates for `name` stand: those that name it, else those for all of its domain.
    fn find(&self, name: &str) -> &[usize] {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase(); // an absolute name is the same name
        let whole = self.by_name.get(&name);
        let domain = || self.by_name.get(&format!("*.{}", name.split_once('.')?.1));
        whole.or_else(domain).map_or(&[0], Vec::as_slice)
    }
}

impl ResolvesServerCert for Names {
    /// Among several for one name, the first whose key the client can check: an RSA one may stand beside one on a curve.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fit = hello.server_name().map_or(&[0][..], |name| self.find(name));
        let can_check = |at: &&usize| {
            let pair = self.pairs.get(**at);
            pair.is_some_and(|pair| pair.key.choose_scheme(hello.signature_schemes()).is_some())
        };
        let at = fit.iter().find(can_check).or_else(|| fit.first())?;
        self.pairs.get(*at).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Pair;
    use super::*;

    #[test]
    fn a_name_beats_its_domain_and_the_first_is_for_all_others() {
        let pair = |names: &[&str]| {
            let made = Pair::new(names);
            (made.certified(), names.iter().map(|name| (*name).to_owned()).collect())
        };
        let names =
            Names::new(vec![pair(&["one.example"]), pair(&["*.Two.example"]), pair(&["a.two.example"])]);
        for (asked, found) in [
            ("one.example", 0),
            ("A.TWO.example", 2),
            ("a.two.example.", 2),
            ("b.two.example", 1),
            ("b.b.two.example", 0),
            ("two.example", 0),
            ("elsewhere", 0),
            ("", 0),
        ] {
            assert_eq!(names.find(asked), [found], "{asked}");
        }
    }
}
