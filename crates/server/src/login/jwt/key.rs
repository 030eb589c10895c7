//! Keys that signatures are checked with: read once, checked once, each with the one algorithm it serves.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use aws_lc_rs::{constant_time, hmac};
use rustls::pki_types::pem::{self, SectionKind};

use super::super::answer::Reason;
use crate::config::Algorithm;

/// A key file: the longest public key as PEM has some 12 KiB.
pub(crate) const FILE_BYTES_MAX: usize = 64 * 1024;
/// RSA below 2048 bits can be broken, above 4096 a check takes four times as long.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
const ED25519_BYTES: usize = 32;

/// A key, its name, and what it may be used for.
pub(crate) struct Key {
    id: Option<Box<str>>,
    algorithm: Algorithm,
    check: Check,
}

enum Check {
    Hmac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

/// Never shows the key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?}, {})", self.id, self.algorithm.name())
    }
}

impl Key {
    /// From the bytes of a `key_file`.
    pub(crate) fn from_file(id: &str, algorithm: Algorithm, bytes: &[u8]) -> Result<Self, String> {
        let check = if algorithm.is_symmetric() {
            Check::Hmac(Box::new(hmac::Key::new(hmac_of(algorithm), secret_of(algorithm, bytes)?)))
        } else {
            Check::Public(public(algorithm, &public_pem(bytes)?)?)
        };
        Ok(Self { id: Some(id.into()), algorithm, check })
    }

    /// From a public key as SubjectPublicKeyInfo or in its raw form.
    pub(super) fn from_public(id: Option<&str>, algorithm: Algorithm, bytes: &[u8]) -> Result<Self, String> {
        Ok(Self { id: id.map(Box::from), algorithm, check: Check::Public(public(algorithm, bytes)?) })
    }

    /// From an RSA key's modulus and exponent, big-endian.
    pub(super) fn from_rsa(
        id: Option<&str>,
        algorithm: Algorithm,
        n: &[u8],
        e: &[u8],
    ) -> Result<Self, String> {
        let unsound = |_| "is no sound RSA key".to_owned();
        let der: PublicKeyX509Der<'_> = RsaPublicKeyComponents { n, e }.as_der().map_err(unsound)?;
        Self::from_public(id, algorithm, der.as_ref())
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` is this key's over `message`.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Reason> {
        let verified = match &self.check {
            Check::Hmac(key) => {
                let tag = hmac::sign(key, message);
                constant_time::verify_slices_are_equal(tag.as_ref(), signature)
            }
            Check::Public(key) => key.verify_sig(message, signature),
        };
        verified.map_err(|_| Reason::Signature)
    }
}

pub(super) fn hmac_of(algorithm: Algorithm) -> hmac::Algorithm {
    match algorithm {
        Algorithm::HS384 => hmac::HMAC_SHA384,
        Algorithm::HS512 => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    }
}

/// The secret in a file: text loses its line end, everything else is taken as it is.
pub(super) fn secret_of(algorithm: Algorithm, bytes: &[u8]) -> Result<&[u8], String> {
    if bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
        return Err(format!("{} needs a secret, and the file holds a key in PEM", algorithm.name()));
    }
    let is_text = bytes.iter().all(|byte| byte.is_ascii_graphic() || matches!(byte, b'\n' | b'\r' | b' '));
    let secret = if is_text { bytes.trim_ascii_end() } else { bytes };
    // RFC 7518, section 3.2: a key of at least the hash's size.
    let min = hmac_of(algorithm).digest_algorithm().output_len();
    if secret.len() < min {
        let name = algorithm.name();
        return Err(format!("{name} needs a secret of at least {min} bytes, the file has {}", secret.len()));
    }
    Ok(secret)
}

/// The one public key of a PEM file.
fn public_pem(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut found = None;
    let mut rest = bytes;
    while let Some((kind, der)) = pem::from_buf(&mut rest).map_err(|_| "is no PEM file".to_owned())? {
        match kind {
            SectionKind::PublicKey if found.is_none() => found = Some(der),
            SectionKind::PublicKey => return Err("the file holds more than one public key".to_owned()),
            SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey => {
                let how = "openssl pkey -in PRIVATE -pubout -out PUBLIC";
                return Err(format!(
                    "the file holds a private key, and the server needs the public one: {how}"
                ));
            }
            _ => {}
        }
    }
    found.ok_or_else(|| "the file holds no public key in PEM (-----BEGIN PUBLIC KEY-----)".to_owned())
}

/// Checks that the key is of the algorithm's kind, curve and size.
fn public(algorithm: Algorithm, bytes: &[u8]) -> Result<ParsedPublicKey, String> {
    let name = algorithm.name();
    let (verification, rsa): (&'static dyn VerificationAlgorithm, Option<&'static RsaParameters>) =
        match algorithm {
            Algorithm::RS256 => rsa_of(&signature::RSA_PKCS1_2048_8192_SHA256),
            Algorithm::RS384 => rsa_of(&signature::RSA_PKCS1_2048_8192_SHA384),
            Algorithm::RS512 => rsa_of(&signature::RSA_PKCS1_2048_8192_SHA512),
            Algorithm::PS256 => rsa_of(&signature::RSA_PSS_2048_8192_SHA256),
            Algorithm::PS384 => rsa_of(&signature::RSA_PSS_2048_8192_SHA384),
            Algorithm::PS512 => rsa_of(&signature::RSA_PSS_2048_8192_SHA512),
            Algorithm::ES256 => (&signature::ECDSA_P256_SHA256_FIXED, None),
            Algorithm::ES384 => (&signature::ECDSA_P384_SHA384_FIXED, None),
            Algorithm::EdDSA => (&signature::ED25519, None),
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
                return Err(format!("{name} needs a secret, not a public key"));
            }
        };
    if rsa.is_some() {
        check_rsa(name, bytes)?;
    }
    ParsedPublicKey::new(verification, bytes).map_err(|_| match algorithm {
        Algorithm::ES256 => format!("is no key for {name}: that is one on the curve P-256"),
        Algorithm::ES384 => format!("is no key for {name}: that is one on the curve P-384"),
        _ => format!("is no key for {name}"),
    })
}

fn rsa_of(
    parameters: &'static RsaParameters,
) -> (&'static dyn VerificationAlgorithm, Option<&'static RsaParameters>) {
    (parameters, Some(parameters))
}

fn check_rsa(name: &str, der: &[u8]) -> Result<(), String> {
    let key =
        rsa::PublicKey::from_der(der).map_err(|_| format!("is no key for {name}: that is an RSA key"))?;
    let key = RsaPublicKeyComponents::<Vec<u8>>::from(&key);
    let bits = key.n.len() * 8 - key.n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    if !RSA_BITS.contains(&bits) {
        let (min, max) = (RSA_BITS.start(), RSA_BITS.end());
        return Err(format!("an RSA key for {name} has {min} to {max} bits, this one has {bits}"));
    }
    Ok(())
}

/// Raw Ed25519 keys have this size; what is longer is taken for another encoding.
pub(super) fn is_ed25519(bytes: &[u8]) -> bool {
    bytes.len() == ED25519_BYTES
}

/// Keys by id and algorithm.
#[derive(Debug, Default)]
pub(super) struct KeyRing(Vec<Arc<Key>>);

impl KeyRing {
    pub(super) fn new(keys: Vec<Key>) -> Self {
        Self(keys.into_iter().map(Arc::new).collect())
    }

    /// The key of this id and algorithm. Without an id the only one of this algorithm: a token that names none must
    /// leave no choice.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<Key>> {
        let mut fit = self.0.iter().filter(|key| key.algorithm == algorithm);
        match id {
            Some(id) => fit.find(|key| key.id() == Some(id)).cloned(),
            None => fit.next().filter(|_| fit.next().is_none()).cloned(),
        }
    }

    pub(super) fn has_id(&self, id: Option<&str>) -> bool {
        id.is_some() && self.0.iter().any(|key| key.id() == id)
    }

    /// Why [`find`](Self::find) found nothing.
    pub(super) fn why_none(&self, id: Option<&str>) -> Reason {
        if id.is_none() && self.0.len() == 1 { Reason::Algorithm } else { Reason::UnknownKey }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the same ids are here with the same algorithms: what is worth a word in the log.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let names =
            |ring: &Self| ring.0.iter().map(|key| (key.id.clone(), key.algorithm)).collect::<Vec<_>>();
        names(self) == names(other)
    }
}
