//! One small hash for state: FNV-1a, 64 bits, over little-endian words and length-prefixed text.
//!
//! It tells whether two states are the same in a replay; it is no protection against forgery.

/// Hashes the canonical content of a state, written in a fixed order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateHasher(u64);

impl Default for StateHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl StateHasher {
    /// The hash of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Raw bytes, without their length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// A signed word.
    pub fn int(&mut self, value: i64) {
        self.bytes(&value.to_le_bytes());
    }

    /// An unsigned word.
    pub fn word(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Text with its length, so that `ab, c` differs from `a, bc`.
    pub fn text(&mut self, text: &str) {
        self.word(u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.bytes(text.as_bytes());
    }

    /// Something that may be absent; absent differs from every value.
    pub fn optional(&mut self, value: Option<i64>) {
        self.bytes(&[u8::from(value.is_some())]);
        self.int(value.unwrap_or_default());
    }

    /// The hash of everything so far.
    #[must_use]
    pub const fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::StateHasher;

    #[test]
    fn agrees_with_the_published_fnv1a_vectors() {
        for (text, hash) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            let mut hasher = StateHasher::new();
            hasher.bytes(text.as_bytes());
            assert_eq!(hasher.finish(), hash, "{text}");
        }
    }

    #[test]
    fn borders_between_texts_count() {
        let hash = |parts: &[&str]| {
            let mut hasher = StateHasher::new();
            parts.iter().for_each(|part| hasher.text(part));
            hasher.finish()
        };
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
    }
}
