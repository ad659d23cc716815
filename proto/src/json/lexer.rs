//! JSON itself: white space, brackets, commas, and values that nobody wants.

use super::error::{Fault, Reason, Result};
use super::number::Number;
use super::text::Text;

/// Objects and arrays that may stand within each other in the value of an ignored field. Those around it are
/// the message's own, and four.
///
/// People write a few levels, and other readers of JSON and protobuf stop at 100 to 128, so half of it would
/// refuse what they pass on. Each level takes some hundred bytes of stack, so twice as many would still be safe,
/// but would serve nobody.
pub const MAX_DEPTH: usize = 128;

/// A place in a body. White space before it may or may not be read already.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    body: &'a [u8],
    offset: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { body, offset: 0 }
    }

    /// The first byte of the next token, which is not taken.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.body.get(self.offset) {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
            self.offset += 1;
        }
        None
    }

    /// What is wrong at the next token: `reason`, unless there is none.
    pub(super) fn fault(&mut self, reason: Reason) -> Fault {
        let reason = match self.peek() {
            Some(_) => reason,
            None => Reason::UnexpectedEnd,
        };
        Fault {
            offset: self.offset,
            reason,
        }
    }

    /// A string, if one is next.
    pub(super) fn string(&mut self) -> Result<Option<Text<'a>>> {
        if self.peek() != Some(b'"') {
            return Ok(None);
        }
        let start = self.offset + 1;
        let mut end = start;
        let mut has_escapes = false;
        loop {
            let rest = self.body.get(end..).unwrap_or_default();
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                return Err(Fault {
                    offset: self.body.len(),
                    reason: Reason::UnexpectedEnd,
                });
            };
            end += found;
            if rest[found] == b'"' {
                break;
            }
            // Whatever is escaped, a quote above all, is not looked at.
            end += 2;
            has_escapes = true;
        }
        self.offset = end + 1;
        Ok(Some(Text {
            raw: &self.body[start..end],
            offset: start - 1,
            has_escapes,
        }))
    }

    /// A number, if one is next.
    pub(super) fn number(&mut self) -> Result<Option<Number<'a>>> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Ok(None);
        }
        let number = Number::at_start_of(&self.body[self.offset..])
            .ok_or_else(|| self.fault(Reason::InvalidNumber))?;
        self.offset += number.length();
        Ok(Some(number))
    }

    /// Takes a `null`, if one is next.
    pub(super) fn null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.literal(b"null")
    }

    /// Takes the literal, if it is next. What follows directly is not looked at: after a value there has to be a
    /// comma or a bracket in any case.
    fn literal(&mut self, literal: &[u8]) -> bool {
        let is_next = self.body[self.offset..].starts_with(literal);
        if is_next {
            self.offset += literal.len();
        }
        is_next
    }

    /// An object, each of its members given to `member` when the value is next.
    ///
    /// Inlined, or the closures that it is called with could not be.
    #[inline]
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Text<'a>) -> Result<()>,
    ) -> Result<()> {
        if !self.take(b'{') {
            return Err(self.fault(Reason::ExpectedObject));
        }
        if !self.take(b'}') {
            loop {
                let Some(name) = self.string()? else {
                    return Err(self.fault(Reason::ExpectedName));
                };
                if !self.take(b':') {
                    return Err(self.fault(Reason::ExpectedColon));
                }
                member(self, name)?;
                if !self.take(b',') {
                    break;
                }
            }
            if !self.take(b'}') {
                return Err(self.fault(Reason::ExpectedCommaOrBrace));
            }
        }
        Ok(())
    }

    /// An array, `element` called whenever an element is next.
    #[inline]
    pub(super) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        if !self.take(b'[') {
            return Err(self.fault(Reason::ExpectedArray));
        }
        if !self.take(b']') {
            loop {
                element(self)?;
                if !self.take(b',') {
                    break;
                }
            }
            if !self.take(b']') {
                return Err(self.fault(Reason::ExpectedCommaOrBracket));
            }
        }
        Ok(())
    }

    /// Any value, checked and dropped.
    pub(super) fn ignore(&mut self) -> Result<()> {
        self.ignore_nested(MAX_DEPTH)
    }

    fn ignore_nested(&mut self, levels: usize) -> Result<()> {
        let is_value = match self.peek() {
            Some(b'{' | b'[') if levels == 0 => return Err(self.fault(Reason::TooDeep)),
            Some(b'{') => {
                return self.object(|lexer, name| {
                    name.characters()?;
                    lexer.ignore_nested(levels - 1)
                });
            }
            Some(b'[') => return self.array(|lexer| lexer.ignore_nested(levels - 1)),
            Some(b'n') => self.literal(b"null"),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'"') => match self.string()? {
                Some(text) => text.characters().map(|_| true)?,
                None => false,
            },
            _ => self.number()?.is_some(),
        };
        if is_value {
            Ok(())
        } else {
            Err(self.fault(Reason::ExpectedValue))
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.offset += 1;
        }
        is_next
    }
}
