//! Signing calls as Standard Webhooks: so that a service knows that it is this server that asks, and that nobody plays
//! an old call again.

use std::fmt;

use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

const PREFIX: &str = "whsec_";
/// The specification's bounds of a secret.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// The old one and the new one, while it is being changed.
const SECRETS_MAX: usize = 2;

/// The secrets that sign.
pub(super) struct Signer(Vec<hmac::Key>);

/// What a call carries.
pub(super) struct Signed {
    pub(super) id: String,
    pub(super) timestamp: String,
    pub(super) signature: String,
}

/// Never shows a secret.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} secrets)", self.0.len())
    }
}

impl Signer {
    /// One secret a line.
    pub(super) fn from_file(bytes: &[u8]) -> Result<Self, String> {
        const WHAT: &str = "a line must be \"whsec_\" and the base64 of 24 to 64 random bytes: \
                            echo \"whsec_$(openssl rand -base64 32)\"";
        let text = std::str::from_utf8(bytes).map_err(|_| WHAT.to_owned())?;
        let mut keys = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let secret = line.strip_prefix(PREFIX).and_then(|secret| STANDARD.decode(secret).ok());
            let secret = secret.filter(|secret| SECRET_BYTES.contains(&secret.len())).ok_or(WHAT)?;
            keys.push(hmac::Key::new(hmac::HMAC_SHA256, &secret));
        }
        match keys.len() {
            0 => Err("holds no secret".to_owned()),
            1..=SECRETS_MAX => Ok(Self(keys)),
            count => Err(format!("holds {count} secrets; two, while one is being changed, are enough")),
        }
    }

    /// Signs a new call.
    pub(super) fn sign(&self, unix_s: u64, body: &[u8]) -> Signed {
        let mut random = [0; 15];
        let _ = rand::fill(&mut random); // an id need only be new; the timestamp helps
        self.sign_as(format!("msg_{}", URL_SAFE_NO_PAD.encode(random)), unix_s, body)
    }

    fn sign_as(&self, id: String, unix_s: u64, body: &[u8]) -> Signed {
        let timestamp = unix_s.to_string();
        let signatures = self.0.iter().map(|key| {
            let mut context = hmac::Context::with_key(key);
            for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
                context.update(part);
            }
            format!("v1,{}", STANDARD.encode(context.sign().as_ref()))
        });
        let signature = signatures.collect::<Vec<_>>().join(" ");
        Signed { id, timestamp, signature }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The example of the specification's own libraries.
    #[test]
    fn a_call_is_signed_as_the_specification_shows() {
        let signer = Signer::from_file(SECRET.as_bytes()).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned();
        let signed = signer.sign_as(id, 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed.signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_sign_both_and_ids_are_new() {
        let signer = Signer::from_file(format!("{SECRET}\n\n {SECRET}\r\n").as_bytes()).unwrap();
        let (one, two) = (signer.sign(1, b"x"), signer.sign(1, b"x"));
        assert_eq!(one.signature.split(' ').count(), 2);
        assert_ne!(one.id, two.id);
    }

    #[test]
    fn a_file_that_is_no_secret_is_refused_without_showing_it() {
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        for text in
            ["", "\n", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!!!!", &long, "\u{1F511}"]
        {
            let told = Signer::from_file(text.as_bytes()).unwrap_err();
            assert!(text.trim().is_empty() || !told.contains(text), "{told}");
        }
        let three = format!("{SECRET}\n{SECRET}\n{SECRET}");
        assert!(Signer::from_file(three.as_bytes()).is_err());
        assert!(Signer::from_file(b"\xff\xfe").is_err());
    }
}
