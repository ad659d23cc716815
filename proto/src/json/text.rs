//! JSON strings: found by the lexer, unescaped and checked here.

use std::borrow::Cow;

use super::error::{Fault, Reason, Result};

/// A string as it stands in the body, between its quotes. Nothing is known of it but where it ends.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    /// Without the quotes.
    pub(super) raw: &'a [u8],
    /// Offset of the opening quote.
    pub(super) offset: usize,
    pub(super) has_escapes: bool,
}

impl<'a> Text<'a> {
    /// The string's characters: valid UTF-8 without control characters, escapes replaced.
    pub(super) fn characters(&self) -> Result<Cow<'a, str>> {
        if let Some(at) = self.raw.iter().position(|&byte| byte < b' ') {
            return Err(self.fault(at, Reason::ControlCharacter));
        }
        let text = str::from_utf8(self.raw)
            .map_err(|error| self.fault(error.valid_up_to(), Reason::InvalidUtf8))?;
        if self.has_escapes {
            self.unescape(text).map(Cow::Owned)
        } else {
            Ok(Cow::Borrowed(text))
        }
    }

    fn unescape(&self, text: &str) -> Result<String> {
        // Every escape is longer than what it stands for.
        let mut characters = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((plain, after)) = rest.split_once('\\') {
            let backslash = text.len() - after.len() - 1;
            let (character, length) =
                escape(after.as_bytes()).map_err(|reason| self.fault(backslash, reason))?;
            characters.push_str(plain);
            characters.push(character);
            rest = &after[length..];
        }
        characters.push_str(rest);
        Ok(characters)
    }

    fn fault(&self, at: usize, reason: Reason) -> Fault {
        Fault {
            offset: self.offset + 1 + at,
            reason,
        }
    }
}

/// Bytes of `uXXXX`.
const UNIT: usize = 5;

/// What the escape stands for whose backslash is before `text`, and how many bytes of `text` belong to it.
/// All of them are ASCII.
fn escape(text: &[u8]) -> std::result::Result<(char, usize), Reason> {
    let character = match text.first() {
        Some(&kind @ (b'"' | b'\\' | b'/')) => char::from(kind),
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return utf16_escape(text),
        _ => return Err(Reason::InvalidEscape),
    };
    Ok((character, 1))
}

/// One `uXXXX`, or two of them where the first is half of a surrogate pair.
fn utf16_escape(text: &[u8]) -> std::result::Result<(char, usize), Reason> {
    let unit = code_unit(text).ok_or(Reason::InvalidEscape)?;
    if let Some(character) = char::from_u32(unit.into()) {
        return Ok((character, UNIT));
    }
    let other = text[UNIT..]
        .strip_prefix(b"\\")
        .and_then(code_unit)
        .ok_or(Reason::LoneSurrogate)?;
    match char::decode_utf16([unit, other]).next() {
        Some(Ok(character)) => Ok((character, UNIT + 1 + UNIT)),
        _ => Err(Reason::LoneSurrogate),
    }
}

/// The UTF-16 code unit of the `uXXXX` at the beginning of `text`, if that is what is there.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"u")?.get(..UNIT - 1)?;
    // Digits only: the parser alone would take a sign as well.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}
