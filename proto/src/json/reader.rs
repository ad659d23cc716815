//! The message in JSON: which names there are, and what stands under each.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::base64;
use super::error::{Fault, JsonError, Reason, Result};
use super::lexer::Lexer;
use super::number::Number;
use super::text::Text;
use crate::{ExternalPayloadDetails, Payload};

/// Payloads that a body may have. A list of 1 MiB, Temporal's own limit for what a workflow passes around at once, has
/// fewer unless they are all but empty; a body of 16 MiB could have five million, of 72 bytes each in memory.
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
pub fn read(body: &[u8], unknown: UnknownFields) -> std::result::Result<Vec<Payload>, JsonError> {
    let mut lexer = Lexer::new(body);
    payloads(&mut lexer, unknown).map_err(|fault| JsonError::new(body, fault))
}

fn payloads(lexer: &mut Lexer<'_>, unknown: UnknownFields) -> Result<Vec<Payload>> {
    let mut payloads = Vec::new();
    let mut seen = false;
    lexer.object(|lexer, name| match &*name.characters()? {
        "payloads" => {
            once(&mut seen, &name)?;
            if lexer.null() {
                return Ok(());
            }
            lexer.array(|lexer| {
                if payloads.len() == MAX_PAYLOADS {
                    return Err(lexer.fault(Reason::TooManyPayloads));
                }
                payloads.push(payload(lexer, unknown)?);
                Ok(())
            })
        }
        _ => other(lexer, &name, unknown),
    })?;
    match lexer.peek() {
        Some(_) => Err(lexer.fault(Reason::TrailingBytes)),
        None => Ok(payloads),
    }
}

fn payload(lexer: &mut Lexer<'_>, unknown: UnknownFields) -> Result<Payload> {
    let mut payload = Payload::default();
    let [mut metadata_seen, mut data_seen, mut external_seen] = [false; 3];
    lexer.object(|lexer, name| match &*name.characters()? {
        "metadata" => {
            once(&mut metadata_seen, &name)?;
            if !lexer.null() {
                payload.metadata = metadata(lexer)?;
            }
            Ok(())
        }
        "data" => {
            once(&mut data_seen, &name)?;
            if !lexer.null() {
                payload.data = bytes(lexer)?;
            }
            Ok(())
        }
        "externalPayloads" | "external_payloads" => {
            once(&mut external_seen, &name)?;
            if lexer.null() {
                return Ok(());
            }
            lexer.array(|lexer| {
                let details = external_payload_details(lexer, unknown)?;
                payload.external_payloads.push(details);
                Ok(())
            })
        }
        _ => other(lexer, &name, unknown),
    })?;
    Ok(payload)
}

fn metadata(lexer: &mut Lexer<'_>) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut metadata = BTreeMap::new();
    lexer.object(
        |lexer, name| match metadata.entry(name.characters()?.into_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(bytes(lexer)?);
                Ok(())
            }
            Entry::Occupied(_) => Err(at(&name, Reason::DuplicateKey)),
        },
    )?;
    Ok(metadata)
}

fn external_payload_details(
    lexer: &mut Lexer<'_>,
    unknown: UnknownFields,
) -> Result<ExternalPayloadDetails> {
    let mut details = ExternalPayloadDetails::default();
    let mut seen = false;
    lexer.object(|lexer, name| match &*name.characters()? {
        "sizeBytes" | "size_bytes" => {
            once(&mut seen, &name)?;
            if !lexer.null() {
                details.size_bytes = int64(lexer)?;
            }
            Ok(())
        }
        _ => other(lexer, &name, unknown),
    })?;
    Ok(details)
}

fn bytes(lexer: &mut Lexer<'_>) -> Result<Vec<u8>> {
    let Some(text) = lexer.string()? else {
        return Err(lexer.fault(Reason::ExpectedBase64));
    };
    let bytes = if text.has_escapes {
        base64::decode_unescaped(text.characters()?.as_bytes())
    } else {
        base64::decode(text.raw)
    };
    match bytes {
        Some(bytes) => Ok(bytes),
        // A text that is not even a string in JSON is said to be that.
        None => text.characters().and(Err(at(&text, Reason::InvalidBase64))),
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
