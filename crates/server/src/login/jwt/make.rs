//! Making tokens: for `longwire token make`, and for tests. The server itself never signs one.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::pem::{self, SectionKind};
use serde_json::{Map, Value, json};

use super::key::{hmac_of, secret_of};
use crate::config::Algorithm;

/// A private key or a secret, with its algorithm.
pub struct SigningKey {
    algorithm: Algorithm,
    sign: Sign,
}

enum Sign {
    Hmac(Box<hmac::Key>),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Ecdsa(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// Never shows the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.algorithm.name())
    }
}

impl SigningKey {
    /// From the bytes of a key file: a private key as PEM, or the secret of an HS algorithm.
    ///
    /// # Errors
    /// What is wrong with the file, without a word of what is in it.
    pub fn from_file(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, String> {
        if algorithm.is_symmetric() {
            let secret = secret_of(algorithm, bytes)?;
            return Ok(Self {
                algorithm,
                sign: Sign::Hmac(Box::new(hmac::Key::new(hmac_of(algorithm), secret))),
            });
        }
        let der = private_pem(bytes)?;
        let unfit = |_| format!("is no private key for {}", algorithm.name());
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let pair = RsaKeyPair::from_der(&der).or_else(|_| RsaKeyPair::from_pkcs8(&der)).map_err(unfit)?;
            Ok::<_, String>(Sign::Rsa(Box::new(pair), encoding))
        };
        let sign = match algorithm {
            Algorithm::RS256 => rsa(&signature::RSA_PKCS1_SHA256)?,
            Algorithm::RS384 => rsa(&signature::RSA_PKCS1_SHA384)?,
            Algorithm::RS512 => rsa(&signature::RSA_PKCS1_SHA512)?,
            Algorithm::PS256 => rsa(&signature::RSA_PSS_SHA256)?,
            Algorithm::PS384 => rsa(&signature::RSA_PSS_SHA384)?,
            Algorithm::PS512 => rsa(&signature::RSA_PSS_SHA512)?,
            Algorithm::ES256 | Algorithm::ES384 => {
                let curve = match algorithm {
                    Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
                    _ => &ECDSA_P256_SHA256_FIXED_SIGNING,
                };
                Sign::Ecdsa(Box::new(EcdsaKeyPair::from_private_key_der(curve, &der).map_err(unfit)?))
            }
            _ => Sign::Ed25519(Box::new(Ed25519KeyPair::from_pkcs8(&der).map_err(unfit)?)),
        };
        Ok(Self { algorithm, sign })
    }

    /// A token with these claims; `id` becomes its `kid`.
    ///
    /// # Errors
    /// Where the system has no randomness for the signature.
    pub fn token(&self, id: Option<&str>, claims: &Map<String, Value>) -> Result<String, String> {
        let mut header = json!({ "alg": self.algorithm.name(), "typ": "JWT" });
        if let Some(id) = id {
            header["kid"] = id.into();
        }
        let claims = Value::Object(claims.clone()).to_string();
        self.seal(&header.to_string(), &claims)
    }

    /// A token of any header and payload: tests forge with it.
    pub(crate) fn seal(&self, header: &str, payload: &str) -> Result<String, String> {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.sign(signed.as_bytes()).map_err(|_| "cannot sign".to_owned())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
        let random = SystemRandom::new();
        match &self.sign {
            Sign::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Sign::Rsa(pair, encoding) => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut out)?;
                Ok(out)
            }
            Sign::Ecdsa(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Sign::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

/// The first private key of a PEM file.
fn private_pem(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut rest = bytes;
    while let Some((kind, der)) = pem::from_buf(&mut rest).map_err(|_| "is no PEM file".to_owned())? {
        if matches!(kind, SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey) {
            return Ok(der);
        }
    }
    Err("the file holds no private key in PEM; to sign takes one".to_owned())
}
