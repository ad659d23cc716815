//! The message in JSON: which names there are, and what stands under each.

use std::collections::BTreeSet;

use super::base64;
use super::error::{Fault, JsonError, Reason, Result};
use super::lexer::Lexer;
use super::number::Number;
use super::text::Text;
use crate::wire::MAX_ENTRIES;
use crate::{Batch, Draft};

/// Payloads that a body may have. A list of 1 MiB, Temporal's own limit for what a workflow passes around at once, has
/// fewer unless they are all but empty; a body of 16 MiB could have five million, of 48 bytes each in memory.
pub const MAX_PAYLOADS: usize = 100_000;

/// What to do about a field that the message does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownFields {
    /// Leave it out. Newer versions of Temporal add fields.
    Ignore,
    /// Refuse the body, as protojson does by default.
    Reject,
}

/// The payloads of a body, in their order. `{}` and `{"payloads":null}` are a list of none.
///
/// What is accepted, and what it may cost, is described at the [module](crate::json).
///
/// # Errors
///
/// The first thing in the body that is not `Payloads` in JSON.
pub fn read(body: &[u8], unknown: UnknownFields) -> std::result::Result<Batch, JsonError> {
    let mut lexer = Lexer::new(body);
    // All but a little of a body is base64, as a rule.
    let mut batch = Batch::with_capacity(body.len() / 4 * 3);
    match payloads(&mut lexer, &mut batch, unknown) {
        Ok(()) => Ok(batch),
        Err(fault) => Err(JsonError::new(body, fault)),
    }
}

fn payloads(lexer: &mut Lexer<'_>, batch: &mut Batch, unknown: UnknownFields) -> Result<()> {
    let mut seen = false;
    lexer.object(|lexer, name| match &*name.characters()? {
        "payloads" => {
            once(&mut seen, &name)?;
            if lexer.null() {
                return Ok(());
            }
            lexer.array(|lexer| {
                if batch.len() == MAX_PAYLOADS {
                    return Err(lexer.fault(Reason::TooManyPayloads));
                }
                payload(lexer, batch.begin(), unknown)
            })
        }
        _ => other(lexer, &name, unknown),
    })?;
    match lexer.peek() {
        Some(_) => Err(lexer.fault(Reason::TrailingBytes)),
        None => Ok(()),
    }
}

fn payload(lexer: &mut Lexer<'_>, mut draft: Draft<'_>, unknown: UnknownFields) -> Result<()> {
    let [mut metadata_seen, mut data_seen, mut external_seen] = [false; 3];
    lexer.object(|lexer, name| match &*name.characters()? {
        "metadata" => {
            once(&mut metadata_seen, &name)?;
            if lexer.null() {
                return Ok(());
            }
            metadata(lexer, &mut draft)
        }
        "data" => {
            once(&mut data_seen, &name)?;
            if lexer.null() {
                return Ok(());
            }
            let text = base64_text(lexer)?;
            draft.data_with(|bytes| append(&text, bytes))
        }
        "externalPayloads" | "external_payloads" => {
            once(&mut external_seen, &name)?;
            if lexer.null() {
                return Ok(());
            }
            lexer.array(|lexer| {
                if draft.parts() == MAX_ENTRIES {
                    return Err(lexer.fault(Reason::TooManyEntries));
                }
                draft.external_payload(external_payload(lexer, unknown)?);
                Ok(())
            })
        }
        _ => other(lexer, &name, unknown),
    })?;
    draft.end();
    Ok(())
}

fn metadata(lexer: &mut Lexer<'_>, draft: &mut Draft<'_>) -> Result<()> {
    let mut again = lexer.clone();
    let read = lexer.object(|lexer, name| {
        if draft.parts() == MAX_ENTRIES {
            return Err(at(&name, Reason::TooManyEntries));
        }
        let key = name.characters()?;
        let text = base64_text(lexer)?;
        draft.entry_with(&key, |bytes| append(&text, bytes))
    });
    if read.is_ok() && !draft.has_duplicate_key() {
        return Ok(());
    }
    // Keys are compared one by one only if there is a fault, which a key given twice may precede.
    match (read, keys_once(&mut again)) {
        (Err(fault), Err(other)) if other.offset < fault.offset => Err(other),
        (Ok(()), other) => other,
        (fault, _) => fault,
    }
}

/// Fails at a key that is there for the second time.
fn keys_once(lexer: &mut Lexer<'_>) -> Result<()> {
    let mut keys = BTreeSet::new();
    lexer.object(|lexer, name| {
        if keys.insert(name.characters()?) {
            lexer.ignore()
        } else {
            Err(at(&name, Reason::DuplicateKey))
        }
    })
}

/// The size of it.
fn external_payload(lexer: &mut Lexer<'_>, unknown: UnknownFields) -> Result<i64> {
    let mut size_bytes = 0;
    let mut seen = false;
    lexer.object(|lexer, name| match &*name.characters()? {
        "sizeBytes" | "size_bytes" => {
            once(&mut seen, &name)?;
            if !lexer.null() {
                size_bytes = int64(lexer)?;
            }
            Ok(())
        }
        _ => other(lexer, &name, unknown),
    })?;
    Ok(size_bytes)
}

fn base64_text<'a>(lexer: &mut Lexer<'a>) -> Result<Text<'a>> {
    match lexer.string()? {
        Some(text) => Ok(text),
        None => Err(lexer.fault(Reason::ExpectedBase64)),
    }
}

/// Appends the bytes that the text stands for.
fn append(text: &Text<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    let decoded = if text.has_escapes {
        base64::decode_unescaped(text.characters()?.as_bytes(), bytes)
    } else {
        base64::decode(text.raw, bytes)
    };
    match decoded {
        Some(()) => Ok(()),
        // A text that is not even a string in JSON is said to be that.
        None => text.characters().and(Err(at(text, Reason::InvalidBase64))),
    }
}

fn int64(lexer: &mut Lexer<'_>) -> Result<i64> {
    if let Some(text) = lexer.string()? {
        let characters = text.characters()?;
        return Number::at_start_of(characters.as_bytes())
            .filter(|number| number.length() == characters.len())
            .and_then(|number| number.to_i64())
            .ok_or(at(&text, Reason::InvalidInteger));
    }
    let invalid = lexer.fault(Reason::InvalidInteger);
    match lexer.number()? {
        Some(number) => number.to_i64().ok_or(invalid),
        None => Err(lexer.fault(Reason::ExpectedInteger)),
    }
}

/// Notes that a field was given. `null` counts.
fn once(seen: &mut bool, name: &Text<'_>) -> Result<()> {
    if std::mem::replace(seen, true) {
        return Err(at(name, Reason::DuplicateField));
    }
    Ok(())
}

fn other(lexer: &mut Lexer<'_>, name: &Text<'_>, unknown: UnknownFields) -> Result<()> {
    match unknown {
        UnknownFields::Ignore => lexer.ignore(),
        UnknownFields::Reject => Err(at(name, Reason::UnknownField)),
    }
}

fn at(text: &Text<'_>, reason: Reason) -> Fault {
    Fault {
        offset: text.offset,
        reason,
    }
}
