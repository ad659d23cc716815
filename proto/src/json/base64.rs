//! Base64 as protojson reads it: either alphabet, padded or not, leftover bits dropped.

use base64_simd::{Base64, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Symbols that stand for three bytes.
const QUANTUM: usize = 4;

/// Appends the bytes that `text` stands for, or nothing if it is not base64.
pub(super) fn decode(text: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    if is_padded(text) {
        decode_symbols(without_padding(text), bytes)
    } else {
        decode_symbols(text, bytes)
    }
}

/// The same for a text that had escapes in it, which is the only way for line breaks to get into a string.
///
/// Line breaks are skipped, but they count where the length decides about padding, as they do in Go.
pub(super) fn decode_unescaped(text: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    let is_symbol = |byte: &u8| !matches!(byte, b'\r' | b'\n');
    let symbols: Vec<u8> = text.iter().copied().filter(is_symbol).collect();
    match (is_padded(text), is_padded(&symbols)) {
        (true, true) => decode_symbols(without_padding(&symbols), bytes),
        (true, false) => None,
        (false, _) => decode_symbols(&symbols, bytes),
    }
}

fn is_padded(text: &[u8]) -> bool {
    text.len().is_multiple_of(QUANTUM)
}

/// At most two signs are padding. A third one stays and is refused as a symbol.
fn without_padding(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"==")
        .or_else(|| text.strip_suffix(b"="))
        .unwrap_or(text)
}

/// A text without `-` and `_` that is not standard base64 is not URL-safe either, so trying both is the same as
/// choosing by those two, and costs the usual case nothing.
fn decode_symbols(symbols: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    let before = bytes.len();
    decode_with(&STANDARD_NO_PAD, symbols, bytes).or_else(|| {
        bytes.truncate(before);
        decode_with(&URL_SAFE_NO_PAD, symbols, bytes)
    })
}

/// The last quantum, if it is not a whole one, is filled up with zero bits and the bytes that these make are cut
/// off again: so leftover bits may be anything.
fn decode_with(alphabet: &Base64, symbols: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    let (quanta, rest) = symbols.split_at(symbols.len() - symbols.len() % QUANTUM);
    let rest_bytes = match rest.len() {
        0 => 0,
        1 => return None,
        length => length - 1,
    };

    alphabet.decode_append(quanta, bytes).ok()?;
    if rest_bytes > 0 {
        let mut quantum = [b'A'; QUANTUM];
        quantum[..rest.len()].copy_from_slice(rest);
        let last = alphabet.decode_inplace(&mut quantum).ok()?;
        bytes.extend_from_slice(&last[..rest_bytes]);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Append = fn(&[u8], &mut Vec<u8>) -> Option<()>;

    fn bytes(append: Append, text: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        append(text.as_bytes(), &mut bytes).map(|()| bytes)
    }

    #[test]
    fn length_decides_about_padding() {
        let rows: [(&str, Option<&[u8]>); 16] = [
            ("", Some(b"")),
            ("YQ==", Some(b"a")),
            ("YQ", Some(b"a")),
            ("YWI=", Some(b"ab")),
            ("YWI", Some(b"ab")),
            ("YWJj", Some(b"abc")),
            ("YQ=", None),
            ("Y", None),
            ("YWJjY", None),
            ("Y===", None),
            ("====", None),
            ("==", None),
            ("YQ==YQ==", None),
            ("YQ=a", None),
            ("YR==", Some(b"a")),
            ("YWJ", Some(b"ab")),
        ];
        for (text, expected) in rows {
            assert_eq!(bytes(decode, text).as_deref(), expected, "{text:?}");
            assert_eq!(
                bytes(decode_unescaped, text).as_deref(),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn alphabets_do_not_mix() {
        for (text, expected) in [("+/+/", true), ("-_-_", true), ("+_+_", false)] {
            assert_eq!(bytes(decode, text).is_some(), expected, "{text}");
        }
        // Also where the two meet only beyond one SIMD register, and in the unfinished quantum.
        for (filler, last, expected) in [('+', "/8", true), ('+', "_8", false), ('-', "_8", true)] {
            let text = format!("{}{last}", filler.to_string().repeat(400));
            assert_eq!(bytes(decode, &text).is_some(), expected, "{filler}{last}");
        }
    }

    #[test]
    fn line_breaks_count_for_padding_and_for_nothing_else() {
        let rows: [(&str, Option<&[u8]>); 8] = [
            ("YWJj\n", Some(b"abc")),
            ("\r\nYWJj\r\n", Some(b"abc")),
            ("YQ==\n", None),
            ("YQ\n\n", None),
            ("YQ\n", Some(b"a")),
            ("YQ=\n\n\n\n=", Some(b"a")),
            ("Y\nW\nJ\nj\n", Some(b"abc")),
            ("YW Jj", None),
        ];
        for (text, expected) in rows {
            assert_eq!(
                bytes(decode_unescaped, text).as_deref(),
                expected,
                "{text:?}"
            );
        }
    }
}
