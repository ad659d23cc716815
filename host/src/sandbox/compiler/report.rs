//! What the compiler's process answers: one byte that says what follows, and that.

use super::Compiled;
use crate::sandbox::unfit::Unfit;

/// Writes down the answer.
pub(super) fn write(result: Result<Compiled, Unfit>) -> Vec<u8> {
    let (kind, content) = match result {
        Ok(compiled) => (b'o', compiled.to_bytes()),
        Err(Unfit::TooComplex(text)) => (b'c', text.into_bytes()),
        Err(Unfit::DoesNotCompile(text)) => (b'd', text.into_bytes()),
        Err(Unfit::ForbiddenImport(text)) => (b'i', text.into_bytes()),
        Err(Unfit::MissingExport) => (b'e', Vec::new()),
        Err(Unfit::OtherVersion(text)) => (b'v', text.into_bytes()),
        Err(Unfit::Mismatch(text)) => (b'm', text.into_bytes()),
        Err(Unfit::Fails(text)) => (b'f', text.into_bytes()),
        Err(Unfit::TooHungry(bytes)) => (b'h', bytes.to_string().into_bytes()),
        Err(Unfit::CrashesCompiler(text)) => (b'p', text.into_bytes()),
        Err(Unfit::NotAComponent(text)) => (b'n', text.into_bytes()),
        Err(Unfit::Untried(text)) => (b'u', text.into_bytes()),
        // What only the other side finds out.
        Err(unfit @ (Unfit::TooLarge(_) | Unfit::TooSlow(_) | Unfit::Gone)) => {
            (b'u', unfit.to_string().into_bytes())
        }
    };
    let mut answer = content;
    answer.push(kind);
    answer
}

/// Reads the answer; nothing if it is none.
pub(super) fn read(mut answer: Vec<u8>) -> Option<Result<Compiled, Unfit>> {
    let kind = answer.pop()?;
    let unfit = match kind {
        b'o' => return Compiled::from_bytes(answer).map(Ok),
        b'e' => Unfit::MissingExport,
        kind => {
            let text = readable(&answer);
            match kind {
                b'c' => Unfit::TooComplex(text),
                b'd' => Unfit::DoesNotCompile(text),
                b'i' => Unfit::ForbiddenImport(text),
                b'v' => Unfit::OtherVersion(text),
                b'm' => Unfit::Mismatch(text),
                b'f' => Unfit::Fails(text),
                b'h' => Unfit::TooHungry(text.parse().ok()?),
                b'p' => Unfit::CrashesCompiler(text),
                b'n' => Unfit::NotAComponent(text),
                b'u' => Unfit::Untried(text),
                _ => return None,
            }
        }
    };
    Some(Err(unfit))
}

/// The text, bounded and on one line: it quotes the artifact.
fn readable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars()
        .take(2000)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
