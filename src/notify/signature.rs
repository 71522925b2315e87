//! Signature: how a target knows that a notice is from us, and of now.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme>

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// What a secret begins with that goes on in Base64.
const IN_BASE64: &str = "whsec_";

/// Signs with a shared secret, which it never prints.
#[derive(Clone)]
pub struct Signer {
    secret: Vec<u8>,
}

/// A secret that cannot be used, and why; never the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// There is nothing in it.
    #[error("the secret is empty: write one, like the output of `openssl rand -hex 32`")]
    Empty,
    /// It says that it is Base64, and is not.
    #[error("the secret begins with whsec_, but what follows is not Base64")]
    NotBase64,
}

impl Signer {
    /// Returns a signer with `secret`: its bytes, or, behind `whsec_`, what its Base64 stands for.
    ///
    /// # Errors
    /// If it is empty, or no Base64 where it says so.
    pub fn with(secret: &str) -> Result<Self, BadSecret> {
        let secret = match secret.strip_prefix(IN_BASE64) {
            Some(encoded) => BASE64_STANDARD.decode(encoded).map_err(|_| BadSecret::NotBase64)?,
            None => secret.as_bytes().to_vec(),
        };
        if secret.is_empty() { Err(BadSecret::Empty) } else { Ok(Self { secret }) }
    }

    /// Returns how many bytes the secret has.
    #[must_use]
    pub fn length(&self) -> usize {
        self.secret.len()
    }

    /// Returns the signature of `body`, sent as the message `id` at `timestamp`, in seconds since
    /// 1970: `v1,` and Base64. No `id` may have a full stop in it.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else {
            // HMAC takes a key of any length.
            return String::new();
        };
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// In a time that does not depend on the bytes.
impl PartialEq for Signer {
    fn eq(&self, other: &Self) -> bool {
        self.secret.ct_eq(&other.secret).into()
    }
}

impl Eq for Signer {}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;

    /// The vector of the reference implementations of the specification.
    #[test]
    fn it_signs_as_standard_webhooks_do() {
        let signer = Signer::with("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        assert_eq!(
            signer.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, BODY),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
    }

    #[test]
    fn id_time_body_and_secret_all_count() {
        let sign = |secret: &str, id: &str, time: i64, body: &[u8]| {
            Signer::with(secret).unwrap().sign(id, time, body)
        };
        let signed = sign("a long secret", "1", 2, BODY);
        assert_eq!(signed, sign("whsec_YSBsb25nIHNlY3JldA==", "1", 2, BODY));
        for other in [
            sign("a long Secret", "1", 2, BODY),
            sign("a long secret", "3", 2, BODY),
            sign("a long secret", "1", 3, BODY),
            sign("a long secret", "1", 2, b"{}"),
        ] {
            assert_ne!(signed, other);
        }
    }

    #[test]
    fn a_secret_that_is_none_is_refused_and_one_that_is_does_not_print() {
        assert_eq!(Signer::with(""), Err(BadSecret::Empty));
        assert_eq!(Signer::with("whsec_"), Err(BadSecret::Empty));
        assert_eq!(Signer::with("whsec_not base64"), Err(BadSecret::NotBase64));
        assert_eq!(format!("{:?}", Signer::with("hunter2").unwrap()), "[redacted]");
    }
}
