//! Signed compact tokens (RFC 7515): keys, and the check of a signature.
//!
//! Invariants: a key has one algorithm and a token is checked only with it (no `none`, no public key used as an HMAC
//! secret); base64url is strict (no padding, no stray bits), so one signed content has one spelling and a flip of any
//! bit is refused; nothing of a token, not even its `kid`, enters an error or a log. One HMAC or one Ed25519 check a token.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{hmac, signature};
use serde_json::Value;
use thiserror::Error;

use super::jwt::TokenError;
use super::strict_json::{StrictError, object};

/// Longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Shortest secret for HS256 (RFC 7518 section 3.2: at least the size of the hash).
pub const MIN_SECRET_BYTES: usize = 32;
const MAX_KEY_ID_BYTES: usize = 128;
const MAX_KEYS: usize = 64;
const ED25519_PUBLIC_BYTES: usize = 32;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256: whoever can verify can also sign.
    Hs256,
    /// Ed25519: the hub holds only the public key.
    EdDsa,
}

impl Algorithm {
    /// The value of `alg` in a header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// A key that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// A guessable secret.
    #[error(
        "an HS256 secret of {bytes} bytes is too short, at least {MIN_SECRET_BYTES} random bytes are needed (openssl rand -hex 32)"
    )]
    ShortSecret {
        /// Length given.
        bytes: usize,
    },
    /// Not a point of Ed25519.
    #[error(
        "an Ed25519 public key has {ED25519_PUBLIC_BYTES} bytes, not {bytes}; give the raw key (the `x` of its JWK)"
    )]
    NotEd25519 {
        /// Length given.
        bytes: usize,
    },
    /// Empty or long id.
    #[error("a key id has 1 to {MAX_KEY_ID_BYTES} bytes, not {bytes}")]
    KeyId {
        /// Length given.
        bytes: usize,
    },
    /// Two keys under one id.
    #[error("two keys have the id {id:?}; every key needs its own")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// A second key although one has no id.
    #[error("a key without an id must be the only one; give each of the {count} keys an id")]
    Unnamed {
        /// Keys given.
        count: usize,
    },
    /// None, or too many.
    #[error("{count} keys were given, 1 to {MAX_KEYS} are possible")]
    Count {
        /// Keys given.
        count: usize,
    },
    /// Only HS256 keys sign here.
    #[error("an Ed25519 public key cannot sign; sign where its private key is")]
    CannotSign,
}

#[derive(Clone)]
enum Material {
    Hs256(hmac::Key),
    Ed25519([u8; ED25519_PUBLIC_BYTES]),
}

/// A key with which tokens are verified. Its debug form shows no secret.
#[derive(Clone)]
pub struct Key {
    id: Option<String>,
    material: Material,
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

impl Key {
    /// A shared secret of at least [`MIN_SECRET_BYTES`].
    pub fn hs256(id: Option<&str>, secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::ShortSecret { bytes: secret.len() });
        }
        Ok(Self { id: checked_id(id)?, material: Material::Hs256(hmac::Key::new(hmac::HMAC_SHA256, secret)) })
    }

    /// The raw 32 bytes of an Ed25519 public key.
    pub fn ed25519(id: Option<&str>, public: &[u8]) -> Result<Self, KeyError> {
        let bytes = public.try_into().map_err(|_| KeyError::NotEd25519 { bytes: public.len() })?;
        Ok(Self { id: checked_id(id)?, material: Material::Ed25519(bytes) })
    }

    /// The only algorithm for which this key is used.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Hs256(_) => Algorithm::Hs256,
            Material::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Signs a payload (HS256 only): for local tokens and tests.
    pub fn sign(&self, payload: &[u8]) -> Result<String, KeyError> {
        let Material::Hs256(key) = &self.material else { return Err(KeyError::CannotSign) };
        let mut header = serde_json::Map::new();
        header.insert("alg".to_owned(), Value::from(Algorithm::Hs256.name()));
        if let Some(id) = &self.id {
            header.insert("kid".to_owned(), Value::from(id.as_str()));
        }
        header.insert("typ".to_owned(), Value::from("JWT"));
        let mut token = URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let tag = hmac::sign(key, token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(tag.as_ref(), &mut token);
        Ok(token)
    }

    fn check(&self, signed: &[u8], seal: &[u8]) -> Result<(), TokenError> {
        match &self.material {
            Material::Hs256(key) => hmac::verify(key, signed, seal),
            Material::Ed25519(public) => {
                signature::UnparsedPublicKey::new(&signature::ED25519, public).verify(signed, seal)
            }
        }
        .map_err(|_| TokenError::BadSignature)
    }
}

fn checked_id(id: Option<&str>) -> Result<Option<String>, KeyError> {
    match id {
        Some(id) if id.is_empty() || id.len() > MAX_KEY_ID_BYTES => Err(KeyError::KeyId { bytes: id.len() }),
        other => Ok(other.map(str::to_owned)),
    }
}

/// The keys of a hub: several while one is being replaced.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<Key>,
}

impl KeySet {
    /// One key, or several of which each has its own id.
    pub fn new(keys: Vec<Key>) -> Result<Self, KeyError> {
        let count = keys.len();
        if count == 0 || count > MAX_KEYS {
            return Err(KeyError::Count { count });
        }
        for (index, key) in keys.iter().enumerate() {
            let Some(id) = &key.id else {
                if count > 1 {
                    return Err(KeyError::Unnamed { count });
                }
                continue;
            };
            if keys.iter().take(index).any(|other| other.id.as_ref() == Some(id)) {
                return Err(KeyError::DuplicateId { id: id.clone() });
            }
        }
        Ok(Self { keys })
    }

    /// The payload of a token whose signature is right.
    pub fn open(&self, token: &str) -> Result<Vec<u8>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong { bytes: token.len(), limit: MAX_TOKEN_BYTES });
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(seal), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::NotCompact);
        };
        let key = self.select(&decode(header, "header")?)?;
        let seal = decode(seal, "signature")?;
        let signed = token.get(..header.len() + 1 + payload.len()).ok_or(TokenError::NotCompact)?;
        key.check(signed.as_bytes(), &seal)?;
        decode(payload, "payload")
    }

    fn select(&self, header: &[u8]) -> Result<&Key, TokenError> {
        let members = object(header).map_err(|error| strict(error, "header"))?;
        // An extension that must be understood; none is here (RFC 7515 section 4.1.11).
        if members.contains_key("crit") {
            return Err(TokenError::CriticalExtension);
        }
        let key = match members.get("kid") {
            None => match self.keys.as_slice() {
                [only] => only,
                _ => return Err(TokenError::NoKeyId),
            },
            Some(Value::String(id)) => {
                self.keys.iter().find(|key| key.id.as_ref() == Some(id)).ok_or(TokenError::UnknownKey)?
            }
            Some(_) => return Err(TokenError::UnknownKey),
        };
        let expected = key.algorithm();
        match members.get("alg") {
            Some(Value::String(name)) if name == expected.name() => Ok(key),
            _ => Err(TokenError::WrongAlgorithm { expected: expected.name() }),
        }
    }
}

fn decode(part: &str, name: &'static str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::NotBase64 { part: name })
}

pub(super) fn strict(error: StrictError, part: &'static str) -> TokenError {
    match error {
        StrictError::NotAnObject => TokenError::NotAnObject { part },
        StrictError::Duplicate => TokenError::DuplicateName { part },
    }
}
