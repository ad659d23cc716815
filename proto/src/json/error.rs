//! Why a body was refused, and where.

use std::fmt;

/// A body that is not `Payloads` in JSON: the first thing wrong with it.
///
/// `Display` gives `line 1 column 17: duplicate field`. Nothing in here is taken from the body, so it may be
/// logged and sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    offset: usize,
    line: usize,
    column: usize,
    reason: Reason,
}

impl JsonError {
    /// Bytes of the body before the place.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Line of the place, from 1. Only a line feed ends a line.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Column of the place in its line, in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong there.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    pub(super) fn new(body: &[u8], fault: Fault) -> Self {
        let before = &body[..fault.offset.min(body.len())];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |line_feed| line_feed + 1);
        // Every byte of UTF-8 starts a character, except those of the form 10xxxxxx.
        let characters = before[line_start..]
            .iter()
            .filter(|&&byte| byte & 0b1100_0000 != 0b1000_0000);
        Self {
            offset: fault.offset,
            line: memchr::memchr_iter(b'\n', before).count() + 1,
            column: characters.count() + 1,
            reason: fault.reason,
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, .. } = self;
        write!(f, "line {line} column {column}: {}", self.reason)
    }
}

impl std::error::Error for JsonError {}

/// What can be wrong with a body. `Display` is a fixed text for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The body ends where something has to follow.
    UnexpectedEnd,
    /// Something other than white space follows the object.
    TrailingBytes,
    /// Anything else where a JSON value has to be.
    ExpectedValue,
    /// Anything else where an object has to be.
    ExpectedObject,
    /// Anything else where an array has to be.
    ExpectedArray,
    /// Anything else where base64 in a string has to be.
    ExpectedBase64,
    /// Anything else where a number, or a string with a number, has to be.
    ExpectedInteger,
    /// Anything else where the name of a field has to be.
    ExpectedName,
    /// No `:` after the name of a field.
    ExpectedColon,
    /// Neither `,` nor `}` after a field.
    ExpectedCommaOrBrace,
    /// Neither `,` nor `]` after an element of an array.
    ExpectedCommaOrBracket,
    /// A name of its own in the message that was expected, or a misspelt one.
    UnknownField,
    /// A field of the message for the second time, in whichever spelling.
    DuplicateField,
    /// A metadata key for the second time.
    DuplicateKey,
    /// A string that is not base64.
    InvalidBase64,
    /// A number or a string that is not a whole number of 64 bits.
    InvalidInteger,
    /// Something that begins like a number and is none.
    InvalidNumber,
    /// A backslash with something after it that JSON does not define.
    InvalidEscape,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// A control character inside a string, not escaped.
    ControlCharacter,
    /// A string that is not UTF-8.
    InvalidUtf8,
    /// Objects and arrays within each other in an ignored field, beyond [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// More than [`MAX_PAYLOADS`](super::MAX_PAYLOADS).
    TooManyPayloads,
    /// More entries of metadata and external payloads in one payload than
    /// [`MAX_ENTRIES`](crate::wire::MAX_ENTRIES).
    TooManyEntries,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedEnd => "unexpected end of the body",
            Self::TrailingBytes => "unexpected bytes after the object",
            Self::ExpectedValue => "expected a JSON value",
            Self::ExpectedObject => "expected an object",
            Self::ExpectedArray => "expected an array",
            Self::ExpectedBase64 => "expected a base64 string",
            Self::ExpectedInteger => "expected an integer",
            Self::ExpectedName => "expected a field name",
            Self::ExpectedColon => "expected ':' after a field name",
            Self::ExpectedCommaOrBrace => "expected ',' or '}'",
            Self::ExpectedCommaOrBracket => "expected ',' or ']'",
            Self::UnknownField => "unknown field",
            Self::DuplicateField => "duplicate field",
            Self::DuplicateKey => "duplicate metadata key",
            Self::InvalidBase64 => "invalid base64",
            Self::InvalidInteger => "not a 64-bit integer",
            Self::InvalidNumber => "invalid number",
            Self::InvalidEscape => "invalid escape in a string",
            Self::LoneSurrogate => "half of a surrogate pair in a string",
            Self::ControlCharacter => "control character in a string",
            Self::InvalidUtf8 => "invalid UTF-8 in a string",
            Self::TooDeep => "nested too deep",
            Self::TooManyPayloads => "too many payloads",
            Self::TooManyEntries => "more entries in a payload than 10,000",
        })
    }
}

/// A [`JsonError`] before anyone has counted lines for it: sixteen bytes to hand up, and the body is read a
/// second time only when there is an error to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) reason: Reason,
}

pub(super) type Result<T> = std::result::Result<T, Fault>;
