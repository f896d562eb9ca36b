//! The value of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1) and the parameters of permessage-deflate in it
//! (RFC 7692 section 7.1).

use super::request::is_token;

/// One extension with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extension {
    pub(super) name: String,
    pub(super) parameters: Vec<(String, Option<String>)>,
}

/// Reads a whole list; `None` when it is malformed.
pub(super) fn parse_extensions(text: &str) -> Option<Vec<Extension>> {
    let mut extensions = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let mut parts = item.split(';').map(str::trim);
        let name = token(parts.next()?)?;
        let mut parameters = Vec::new();
        for part in parts {
            parameters.push(match part.split_once('=') {
                None => (token(part)?, None),
                Some((key, value)) => (token(key.trim_end())?, Some(token(unquote(value.trim_start())?)?)),
            });
        }
        extensions.push(Extension { name, parameters });
    }
    Some(extensions)
}

fn token(text: &str) -> Option<String> {
    (!text.is_empty() && text.bytes().all(is_token)).then(|| text.to_owned())
}

/// A quoted value must be a token between the quotes, so it needs no unescaping.
fn unquote(text: &str) -> Option<&str> {
    match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"'),
        None => Some(text),
    }
}

/// The parameters of one `permessage-deflate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DeflateOffer {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    /// Outer: the parameter is there; inner: it has a value.
    pub(super) client_max_window_bits: Option<Option<u8>>,
}

impl DeflateOffer {
    /// `None` for another extension, and for an unknown, repeated or wrong parameter: the offer is declined.
    pub(super) fn read(extension: &Extension) -> Option<Self> {
        if extension.name != "permessage-deflate" {
            return None;
        }
        let mut offer = Self::default();
        for (name, value) in &extension.parameters {
            let fresh = match (name.as_str(), value.as_deref()) {
                ("server_no_context_takeover", None) => !std::mem::replace(&mut offer.server_no_context_takeover, true),
                ("client_no_context_takeover", None) => !std::mem::replace(&mut offer.client_no_context_takeover, true),
                ("server_max_window_bits", Some(bits)) => {
                    offer.server_max_window_bits.replace(window_bits(bits)?).is_none()
                }
                ("client_max_window_bits", bits) => {
                    let bits = match bits {
                        Some(bits) => Some(window_bits(bits)?),
                        None => None,
                    };
                    offer.client_max_window_bits.replace(bits).is_none()
                }
                _ => return None,
            };
            if !fresh {
                return None;
            }
        }
        Some(offer)
    }
}

/// 8 to 15, without a leading zero.
fn window_bits(text: &str) -> Option<u8> {
    match text {
        "8" => Some(8),
        "9" => Some(9),
        "10" => Some(10),
        "11" => Some(11),
        "12" => Some(12),
        "13" => Some(13),
        "14" => Some(14),
        "15" => Some(15),
        _ => None,
    }
}
