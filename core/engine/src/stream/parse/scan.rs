//! A strict JSON scanner over bytes: any key order, unknown values skipped and still checked, nothing allocated.
//!
//! [`Scanner::value`] validates a value whole and gives its place; what is inside is read in a second pass over that place.
//! Grammar of RFC 8259, strings in UTF-8; nesting to [`DEEPEST`], strings to [`LONGEST_STRING`] bytes. O(length).

use super::decimal::{bits32, decimal, number_length, uint};
use super::error::{Excerpt, ParseError};

/// Deepest nesting accepted.
pub const DEEPEST: usize = 32;
/// Longest string accepted, in bytes.
pub const LONGEST_STRING: usize = 65_536;

/// Longest text with escapes that can be a key or a word of ours.
const LONGEST_WORD: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    True,
    False,
    Null,
    Array,
    Object,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Number => "a number",
            Self::True | Self::False => "true or false",
            Self::Null => "null",
            Self::Array => "a list",
            Self::Object => "an object",
        }
    }
}

/// A checked value and its place: of a string, what is between the quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    raw: &'a [u8],
    from: usize,
    to: usize,
    pub(super) kind: Kind,
    escaped: bool,
}

/// Text with its escapes resolved.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    plain: &'a [u8],
    decoded: [u8; LONGEST_WORD],
    length: Option<usize>,
}

impl Word<'_> {
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.length.map_or(self.plain, |length| self.decoded.get(..length).unwrap_or_default())
    }
}

impl<'a> Token<'a> {
    /// The bytes of the value; of a string without quotes, escapes as they stand.
    #[inline]
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.raw.get(self.from..self.to).unwrap_or_default()
    }

    pub(super) const fn is(&self, kind: Kind) -> bool {
        self.kind as u8 == kind as u8
    }

    fn wrong(&self, key: &'static str, expected: &'static str) -> ParseError {
        ParseError::WrongType { key, expected, found: self.kind.name() }
    }

    fn unescaped(&self) -> Word<'a> {
        let mut word = Word { plain: self.bytes(), decoded: [0; LONGEST_WORD], length: None };
        if self.escaped {
            // A text that does not fit is no word of ours: it stays as it is and matches nothing.
            word.length = unescape(self.bytes(), &mut word.decoded);
        }
        word
    }

    /// A string.
    pub(super) fn word(&self, key: &'static str) -> Result<Word<'a>, ParseError> {
        if self.kind == Kind::Text { Ok(self.unescaped()) } else { Err(self.wrong(key, "a string")) }
    }

    /// A decimal in a string or bare, in 1e-8 units.
    pub(super) fn decimal(&self, key: &'static str) -> Result<i64, ParseError> {
        match self.kind {
            Kind::Number => decimal(self.bytes(), key),
            Kind::Text => decimal(self.unescaped().bytes(), key),
            _ => Err(self.wrong(key, "a decimal number")),
        }
    }

    /// A whole number in a string or bare.
    pub(super) fn uint(&self, key: &'static str) -> Result<u64, ParseError> {
        match self.kind {
            Kind::Number => uint(self.bytes(), key),
            Kind::Text => uint(self.unescaped().bytes(), key),
            _ => Err(self.wrong(key, "a whole number")),
        }
    }

    /// 32 bits, signed or not, in a string or bare.
    pub(super) fn bits32(&self, key: &'static str) -> Result<u32, ParseError> {
        match self.kind {
            Kind::Number => bits32(self.bytes(), key),
            Kind::Text => bits32(self.unescaped().bytes(), key),
            _ => Err(self.wrong(key, "a whole number")),
        }
    }

    /// True or false.
    pub(super) fn truth(&self, key: &'static str) -> Result<bool, ParseError> {
        match self.kind {
            Kind::True => Ok(true),
            Kind::False => Ok(false),
            _ => Err(self.wrong(key, "true or false")),
        }
    }

    /// Values of a list.
    pub(super) fn elements(&self, key: &'static str) -> Result<Elements<'a>, ParseError> {
        if self.kind != Kind::Array {
            return Err(self.wrong(key, "a list"));
        }
        let raw = self.raw.get(..self.to).unwrap_or_default();
        Ok(Elements { scanner: Scanner { raw, at: self.from + 1 }, first: true })
    }

    /// The values of `keys` in an object.
    pub(super) fn fields<const N: usize>(
        &self,
        key: &'static str,
        keys: &[&'static str; N],
    ) -> Result<[Option<Token<'a>>; N], ParseError> {
        if self.kind != Kind::Object {
            return Err(self.wrong(key, "an object"));
        }
        let mut scanner = Scanner { raw: self.raw.get(..self.to).unwrap_or_default(), at: self.from + 1 };
        let mut found = [None; N];
        scanner.skip_space();
        if scanner.peek()? == b'}' {
            return Ok(found);
        }
        loop {
            scanner.skip_space();
            let at = scanner.at;
            let name = scanner.string()?;
            let decoded = name.escaped.then(|| name.unescaped());
            let name = decoded.as_ref().map_or(name.bytes(), Word::bytes);
            scanner.skip_space();
            scanner.expect(b':', "':'")?;
            let value = scanner.value(1)?;
            for (slot, key) in found.iter_mut().zip(keys) {
                if key.as_bytes() == name {
                    if slot.is_some() {
                        return Err(ParseError::DuplicateKey { key, at });
                    }
                    *slot = Some(value);
                    break;
                }
            }
            scanner.skip_space();
            if !scanner.comma(b'}', "',' or '}'")? {
                return Ok(found);
            }
        }
    }
}

/// Reads the values of a list, one after the other.
pub(super) struct Elements<'a> {
    scanner: Scanner<'a>,
    first: bool,
}

impl<'a> Elements<'a> {
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, ParseError> {
        let scanner = &mut self.scanner;
        scanner.skip_space();
        if scanner.peek()? == b']' {
            return Ok(None);
        }
        if !std::mem::take(&mut self.first) {
            scanner.expect(b',', "',' or ']'")?;
        }
        scanner.value(1).map(Some)
    }

    /// The next value, which must be there.
    pub(super) fn need(&mut self, message: &'static str, key: &'static str) -> Result<Token<'a>, ParseError> {
        self.next()?.ok_or(ParseError::MissingKey { message, key })
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Scanner<'a> {
    raw: &'a [u8],
    at: usize,
}

/// The one value of a message, validated whole, with nothing but white space around it.
pub(super) fn document(raw: &[u8]) -> Result<Token<'_>, ParseError> {
    let mut scanner = Scanner { raw, at: 0 };
    let value = scanner.value(1)?;
    scanner.skip_space();
    if scanner.at < raw.len() {
        return Err(ParseError::Trailing { at: scanner.at });
    }
    Ok(value)
}

impl<'a> Scanner<'a> {
    #[inline]
    fn peek(&self) -> Result<u8, ParseError> {
        self.raw.get(self.at).copied().ok_or(ParseError::Truncated { at: self.raw.len() })
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.raw.get(self.at) {
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), ParseError> {
        if self.peek()? != byte {
            return Err(ParseError::Syntax { at: self.at, expected });
        }
        self.at += 1;
        Ok(())
    }

    /// Whether a comma follows rather than the end of the container; takes either.
    #[inline]
    fn comma(&mut self, end: u8, expected: &'static str) -> Result<bool, ParseError> {
        let byte = self.peek()?;
        if byte != b',' && byte != end {
            return Err(ParseError::Syntax { at: self.at, expected });
        }
        self.at += 1;
        Ok(byte == b',')
    }

    fn rest(&self) -> &'a [u8] {
        self.raw.get(self.at..).unwrap_or_default()
    }

    fn string(&mut self) -> Result<Token<'a>, ParseError> {
        self.expect(b'"', "'\"'")?;
        let from = self.at;
        let (mut escaped, mut ascii) = (false, true);
        loop {
            let byte = self.peek()?;
            match byte {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                    continue;
                }
                0..0x20 => return Err(ParseError::Syntax { at: self.at, expected: "no control character" }),
                0x80.. => ascii = false,
                _ => {}
            }
            self.at += 1;
        }
        let (to, raw) = (self.at, self.raw);
        self.at += 1;
        let text = raw.get(from..to).unwrap_or_default();
        if text.len() > LONGEST_STRING {
            return Err(ParseError::TooLong { what: "string", at: from, length: text.len(), bound: LONGEST_STRING });
        }
        if !ascii && std::str::from_utf8(text).is_err() {
            return Err(ParseError::NotUtf8 { at: from });
        }
        Ok(Token { raw, from, to, kind: Kind::Text, escaped })
    }

    fn escape(&mut self) -> Result<(), ParseError> {
        let bad = ParseError::Syntax { at: self.at, expected: "an escape of JSON" };
        self.at += 1;
        match self.peek()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek()?.is_ascii_hexdigit() {
                        return Err(bad);
                    }
                    self.at += 1;
                }
            }
            _ => return Err(bad),
        }
        Ok(())
    }

    /// Take the next value; `depth` is that of the value.
    pub(super) fn value(&mut self, depth: usize) -> Result<Token<'a>, ParseError> {
        self.skip_space();
        let from = self.at;
        let kind = match self.peek()? {
            b'"' => return self.string(),
            open @ (b'{' | b'[') => {
                self.container(open, depth)?;
                if open == b'{' { Kind::Object } else { Kind::Array }
            }
            b't' => self.literal(b"true", Kind::True)?,
            b'f' => self.literal(b"false", Kind::False)?,
            b'n' => self.literal(b"null", Kind::Null)?,
            b'-' | b'0'..=b'9' => {
                let length = number_length(self.rest());
                // A number that reaches the end of the message may be cut.
                if length == 0 || self.at + length == self.raw.len() && depth > 1 {
                    let cut = self.rest().iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
                    let error = ParseError::Syntax { at: from, expected: "a number" };
                    return Err(if cut { ParseError::Truncated { at: self.raw.len() } } else { error });
                }
                self.at += length;
                Kind::Number
            }
            _ => return Err(ParseError::Syntax { at: from, expected: "a value" }),
        };
        Ok(Token { raw: self.raw, from, to: self.at, kind, escaped: false })
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<Kind, ParseError> {
        let rest = self.rest();
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(kind);
        }
        let cut = word.starts_with(rest);
        let error = ParseError::Syntax { at: self.at, expected: "true, false or null" };
        Err(if cut { ParseError::Truncated { at: self.raw.len() } } else { error })
    }

    fn container(&mut self, open: u8, depth: usize) -> Result<(), ParseError> {
        if depth > DEEPEST {
            return Err(ParseError::TooDeep { at: self.at, bound: DEEPEST });
        }
        self.at += 1;
        let (close, expected) = if open == b'{' { (b'}', "',' or '}'") } else { (b']', "',' or ']'") };
        self.skip_space();
        if self.peek()? == close {
            self.at += 1;
            return Ok(());
        }
        loop {
            if open == b'{' {
                self.skip_space();
                self.string()?;
                self.skip_space();
                self.expect(b':', "':'")?;
            }
            self.value(depth + 1)?;
            self.skip_space();
            if !self.comma(close, expected)? {
                return Ok(());
            }
        }
    }
}

/// Resolve escapes of a checked string; `None` when it does not fit or is not ASCII, which no word of ours is.
fn unescape(text: &[u8], to: &mut [u8; LONGEST_WORD]) -> Option<usize> {
    let mut bytes = text.iter().copied();
    let mut length = 0;
    while let Some(byte) = bytes.next() {
        let plain = if byte == b'\\' {
            match bytes.next()? {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'b' => 8,
                b'f' => 12,
                b'u' => {
                    let mut code = 0;
                    for _ in 0..4 {
                        code = code * 16 + char::from(bytes.next()?).to_digit(16)?;
                    }
                    u8::try_from(code).ok().filter(u8::is_ascii)?
                }
                other => other,
            }
        } else {
            byte
        };
        *to.get_mut(length)? = plain;
        length += 1;
    }
    Some(length)
}

/// What a required value is called when it is missing.
pub(super) fn need<'a>(
    token: Option<Token<'a>>,
    message: &'static str,
    key: &'static str,
) -> Result<Token<'a>, ParseError> {
    token.ok_or(ParseError::MissingKey { message, key })
}

/// An error that quotes a word.
pub(super) fn unknown_word(key: &'static str, word: &[u8]) -> ParseError {
    ParseError::UnknownWord { key, text: Excerpt::new(word) }
}
