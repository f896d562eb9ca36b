//! JSON Web Tokens (RFC 7519): which claims the hub reads, and when it believes them.
//!
//! Invariants: the signature is checked before a claim is read; `exp` is required and has no leeway, `nbf` and `iat`
//! have [`Expectations::leeway_seconds`]; a claim of the wrong type is an error and never "absent"; errors hold nothing
//! of the token. Linear in the token, which has at most [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES).

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::jws::{Key, KeyError, KeySet, strict};
use super::strict_json::object;

/// Last second of the year 9999; later dates are mistakes (milliseconds taken for seconds).
const LAST_SECOND: i64 = 253_402_300_799;
const MAX_LIST: usize = 256;

/// Why a token is not believed. Holds nothing of the token.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// Over the limit of bytes.
    #[error("the token has {bytes} bytes, at most {limit} are read")]
    TooLong {
        /// Length of the token.
        bytes: usize,
        /// Limit.
        limit: usize,
    },
    /// Not header, payload and signature.
    #[error("the token is not three parts joined by dots")]
    NotCompact,
    /// Padding, foreign characters or stray bits.
    #[error("the {part} of the token is not base64url without padding")]
    NotBase64 {
        /// Which of the three.
        part: &'static str,
    },
    /// Not a JSON object.
    #[error("the {part} of the token is not a JSON object")]
    NotAnObject {
        /// Header or payload.
        part: &'static str,
    },
    /// A name stands twice.
    #[error("the {part} of the token says a name twice")]
    DuplicateName {
        /// Header or payload.
        part: &'static str,
    },
    /// `crit` in the header.
    #[error("the token asks for an extension (crit); none is supported")]
    CriticalExtension,
    /// Several keys and no `kid`.
    #[error("the token names no key (kid) and the hub has several")]
    NoKeyId,
    /// A `kid` that is not configured.
    #[error("the token is signed with a key that the hub does not have")]
    UnknownKey,
    /// Another algorithm than the key's own.
    #[error("the token's algorithm is not {expected}, the only one its key is used for")]
    WrongAlgorithm {
        /// Algorithm of the key.
        expected: &'static str,
    },
    /// Altered, or signed by somebody else.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// Required and absent.
    #[error("the token has no {claim}")]
    Missing {
        /// Name of the claim.
        claim: &'static str,
    },
    /// Of the wrong type or out of range.
    #[error("the token's {claim} is not {expected}")]
    Malformed {
        /// Name of the claim.
        claim: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// `exp` has passed.
    #[error("the token expired {seconds} s ago; get a new one")]
    Expired {
        /// Whole seconds since then.
        seconds: i64,
    },
    /// `nbf` or `iat` lies ahead.
    #[error("the token is valid only in {seconds} s; compare the clocks of the two machines")]
    NotYetValid {
        /// Whole seconds until then, leeway not counted.
        seconds: i64,
    },
    /// `aud` does not name this hub.
    #[error("the token is for another audience than {expected:?}")]
    WrongAudience {
        /// Configured audience.
        expected: String,
    },
    /// `iss` is another.
    #[error("the token is not from the issuer {expected:?}")]
    WrongIssuer {
        /// Configured issuer.
        expected: String,
    },
    /// Its subject or its id was revoked.
    #[error("the token was revoked")]
    Revoked,
}

impl TokenError {
    /// A short word for counters.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::TooLong { .. } | Self::NotCompact | Self::NotBase64 { .. } | Self::NotAnObject { .. } => "malformed",
            Self::DuplicateName { .. } | Self::Missing { .. } | Self::Malformed { .. } => "bad_claim",
            Self::CriticalExtension | Self::WrongAlgorithm { .. } => "algorithm",
            Self::NoKeyId | Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::WrongAudience { .. } | Self::WrongIssuer { .. } => "wrong_issuer_or_audience",
            Self::Revoked => "revoked",
        }
    }
}

/// What a token says that the hub uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// `sub`: who.
    pub subject: Option<String>,
    /// `jti`: this token, so that it can be revoked alone.
    pub token_id: Option<String>,
    /// `exp` in whole seconds of UTC (a fraction is cut off).
    pub expires_at_seconds: i64,
    /// `iat` in whole seconds of UTC.
    pub issued_at_seconds: Option<i64>,
    /// `roles`: names whose topics the hub's configuration knows.
    pub roles: Vec<String>,
    /// `topics.subscribe`: patterns allowed beyond those of the roles.
    pub subscribe: Vec<String>,
    /// `topics.publish`: likewise.
    pub publish: Vec<String>,
    /// `iss`.
    pub issuer: Option<String>,
    /// `aud`.
    pub audience: Vec<String>,
}

/// What a token must say beyond being signed and in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// `iss` must be this.
    pub issuer: Option<String>,
    /// `aud` must contain this.
    pub audience: Option<String>,
    /// By how much another machine's clock may be ahead, for `nbf` and `iat` only.
    pub leeway_seconds: i64,
}

impl Default for Expectations {
    fn default() -> Self {
        Self { issuer: None, audience: None, leeway_seconds: 30 }
    }
}

impl Claims {
    /// The claims of a token that is signed by one of `keys` and valid at `now_seconds` (UTC).
    pub fn verify(token: &str, keys: &KeySet, expected: &Expectations, now_seconds: i64) -> Result<Self, TokenError> {
        let payload = keys.open(token)?;
        let claims = object(&payload).map_err(|error| strict(error, "payload"))?;
        Self::read(&claims, expected, now_seconds)
    }

    fn read(members: &Map<String, Value>, expected: &Expectations, now: i64) -> Result<Self, TokenError> {
        let expires_at_seconds = date(members, "exp")?.ok_or(TokenError::Missing { claim: "exp" })?;
        if now >= expires_at_seconds {
            return Err(TokenError::Expired { seconds: now.saturating_sub(expires_at_seconds) });
        }
        let issued_at_seconds = date(members, "iat")?;
        for start in [date(members, "nbf")?, issued_at_seconds].into_iter().flatten() {
            if start > now.saturating_add(expected.leeway_seconds) {
                return Err(TokenError::NotYetValid { seconds: start.saturating_sub(now) });
            }
        }
        let issuer = text(members, "iss")?;
        if let Some(wanted) = &expected.issuer
            && issuer.as_ref() != Some(wanted)
        {
            return Err(TokenError::WrongIssuer { expected: wanted.clone() });
        }
        let audience = match members.get("aud") {
            Some(Value::String(only)) => vec![only.clone()],
            other => list(other, "aud")?,
        };
        if let Some(wanted) = &expected.audience
            && !audience.contains(wanted)
        {
            return Err(TokenError::WrongAudience { expected: wanted.clone() });
        }
        let topics = match members.get("topics") {
            None => None,
            Some(Value::Object(topics)) => Some(topics),
            Some(_) => return Err(TokenError::Malformed { claim: "topics", expected: "an object" }),
        };
        let patterns = |direction: &str, claim| list(topics.and_then(|topics| topics.get(direction)), claim);
        Ok(Self {
            subject: text(members, "sub")?,
            token_id: text(members, "jti")?,
            expires_at_seconds,
            issued_at_seconds,
            roles: list(members.get("roles"), "roles")?,
            subscribe: patterns("subscribe", "topics.subscribe")?,
            publish: patterns("publish", "topics.publish")?,
            issuer,
            audience,
        })
    }

    /// A token with these claims, signed by an HS256 key.
    pub fn issue(&self, key: &Key) -> Result<String, KeyError> {
        let mut members = Map::new();
        let texts = [("sub", &self.subject), ("jti", &self.token_id), ("iss", &self.issuer)];
        for (name, value) in texts {
            if let Some(value) = value {
                members.insert(name.to_owned(), Value::from(value.as_str()));
            }
        }
        members.insert("exp".to_owned(), Value::from(self.expires_at_seconds));
        if let Some(issued) = self.issued_at_seconds {
            members.insert("iat".to_owned(), Value::from(issued));
        }
        let lists = [("roles", &self.roles), ("aud", &self.audience)];
        for (name, values) in lists {
            if !values.is_empty() {
                members.insert(name.to_owned(), Value::from(values.as_slice()));
            }
        }
        if !(self.subscribe.is_empty() && self.publish.is_empty()) {
            members.insert("topics".to_owned(), json!({"subscribe": self.subscribe, "publish": self.publish}));
        }
        key.sign(Value::Object(members).to_string().as_bytes())
    }
}

/// A NumericDate, which may have a fraction; rounded down.
fn date(members: &Map<String, Value>, claim: &'static str) -> Result<Option<i64>, TokenError> {
    let Some(value) = members.get(claim) else { return Ok(None) };
    let malformed = TokenError::Malformed { claim, expected: "seconds of UTC between 1970 and 9999" };
    let seconds = match value {
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole,
            // The bounds below make the cast exact; a number beyond 64 bits becomes one beyond the bounds.
            (None, Some(fraction)) => fraction.floor() as i64,
            (None, None) => return Err(malformed),
        },
        _ => return Err(malformed),
    };
    if (0..=LAST_SECOND).contains(&seconds) { Ok(Some(seconds)) } else { Err(malformed) }
}

fn text(members: &Map<String, Value>, claim: &'static str) -> Result<Option<String>, TokenError> {
    match members.get(claim) {
        None => Ok(None),
        Some(Value::String(value)) if !value.is_empty() => Ok(Some(value.clone())),
        Some(_) => Err(TokenError::Malformed { claim, expected: "a text that is not empty" }),
    }
}

fn list(value: Option<&Value>, claim: &'static str) -> Result<Vec<String>, TokenError> {
    let malformed = || TokenError::Malformed { claim, expected: "a list of at most 256 texts" };
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= MAX_LIST => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(malformed)).collect()
        }
        Some(_) => Err(malformed()),
    }
}
