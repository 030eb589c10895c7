//! Whether clients will take a certificate as a server's: what a pair's owner sees too late otherwise.
//!
//! Judges no signature and no authority: whom clients trust is not known here.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage};

use super::dates::Validity;

/// The extension that holds a certificate's names (RFC 5280, 4.2.1.6), as DER: 2.5.29.17.
const NAMES_EXTENSION: [u8; 5] = [0x06, 0x03, 0x55, 0x1D, 0x11];

/// Why a client may refuse this certificate while its dates are good.
pub(super) fn doubt(certificate: &CertificateDer<'_>, validity: Validity) -> Option<&'static str> {
    if !certificate.windows(NAMES_EXTENSION.len()).any(|window| window == NAMES_EXTENSION) {
        return Some("the certificate names no host (subjectAltName): clients refuse it");
    }
    let then = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(validity.not_before).ok()?));
    let own = EndEntityCert::try_from(certificate).ok()?;
    // with no authority to find, what is left is what every check of it comes to
    match own.verify_for_usage(&[], &[], &[], then, KeyUsage::server_auth(), None, None) {
        Err(Error::CaUsedAsEndEntity) => {
            Some("the certificate is an authority's own (CA:TRUE): many clients refuse it, rustls among them")
        }
        Err(Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension) => {
            Some("the certificate is not for servers (extended key usage): clients refuse it")
        }
        Ok(_) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Pair;
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa};

    fn doubt_of(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Option<&'static str> {
        let pair = Pair::with(names, change);
        let own = pair.certificate.der();
        doubt(own, Validity::of(own).unwrap())
    }

    #[test]
    fn what_clients_refuse_is_doubted_and_nothing_else() {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        assert_eq!(doubt_of(&["a.example"], |_| {}), None);
        assert_eq!(doubt_of(&["127.0.0.1"], |_| {}), None, "an address is a name");
        assert_eq!(doubt_of(&["a"], |params| params.extended_key_usages = vec![ServerAuth]), None);
        let ended = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        assert_eq!(doubt_of(&["a"], ended), None, "dates are judged elsewhere");
        let said = |doubt: Option<&'static str>, word| assert!(doubt.unwrap().contains(word), "{doubt:?}");
        said(doubt_of(&[], |_| {}), "subjectAltName");
        said(doubt_of(&["a"], |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)), "CA:TRUE");
        said(doubt_of(&["a"], |params| params.extended_key_usages = vec![ClientAuth]), "extended key usage");
    }
}
