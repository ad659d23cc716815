//! What the operator decides about the codec.

use crate::compression::{Compression, Format};
use crate::encryption::ENCRYPTED;

/// The namespace's settings. The default is what is done without any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether `encode` encrypts.
    pub encryption: bool,
    /// How `encode` compresses, before it encrypts.
    pub compression: Option<Compression>,
    /// The id of the key that `encode` seals with; else the keyring's active key.
    pub key_id: Option<String>,
    /// Which markers are this namespace's own; payloads with others are foreign.
    pub decode: Markers,
    /// The most that one payload's compressed data may become, in bytes.
    pub max_inflated_bytes: usize,
}

/// A set of markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Markers {
    /// `binary/encrypted`
    pub encrypted: bool,
    /// `binary/zlib`
    pub zlib: bool,
    /// `binary/gzip`
    pub gzip: bool,
    /// `binary/snappy`
    pub snappy: bool,
}

/// Eight times what Temporal accepts as one payload by default. Twice as much would not fit an
/// instance's memory of 64 MiB, where it is held twice beside what it came in; half of it is
/// less than what a request may bring that is not compressed.
const INFLATED_BYTES: usize = 16 << 20;

/// The most that `max-inflated-bytes` accepts: no instance has more memory than a quarter of it.
const MOST_INFLATED_BYTES: usize = 1 << 30;

impl Default for Settings {
    fn default() -> Self {
        Self {
            encryption: true,
            compression: None,
            key_id: None,
            decode: Markers {
                encrypted: true,
                zlib: true,
                gzip: true,
                snappy: true,
            },
            max_inflated_bytes: INFLATED_BYTES,
        }
    }
}

impl Settings {
    /// The settings of those names and values. The error names the setting and what would be
    /// accepted. `namespace` is always among them, and ignored.
    pub fn parse(settings: &[(String, String)]) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut snappy = Compression::SnappyBlock;
        for (name, value) in settings {
            match name.as_str() {
                "namespace" => {}
                "encryption" => {
                    parsed.encryption = one_of(name, value, [("on", true), ("off", false)])?;
                }
                "compression" => {
                    let accepted = [
                        ("none", None),
                        ("zlib", Some(Compression::Zlib)),
                        ("snappy", Some(Compression::SnappyBlock)),
                        ("gzip", Some(Compression::Gzip)),
                    ];
                    parsed.compression = one_of(name, value, accepted)?;
                }
                "snappy-format" => {
                    let accepted = [
                        ("block", Compression::SnappyBlock),
                        ("framed", Compression::SnappyFramed),
                    ];
                    snappy = one_of(name, value, accepted)?;
                }
                "key-id" => parsed.key_id = Some(value.clone()),
                "decode" => parsed.decode = Markers::parse(name, value)?,
                "max-inflated-bytes" => parsed.max_inflated_bytes = bytes(name, value)?,
                _ => {
                    return Err(format!(
                        "setting `{name}` is unknown; accepted are encryption, compression, \
                         snappy-format, key-id, decode, max-inflated-bytes"
                    ));
                }
            }
        }
        if parsed.compression == Some(Compression::SnappyBlock) {
            parsed.compression = Some(snappy);
        }
        Ok(parsed)
    }

    /// Whether `decode` would read what `encode` writes. What it would not must not be written.
    pub fn check_encode(&self) -> Result<(), String> {
        let format = self.compression.map(Compression::format);
        let unread = match format {
            _ if self.encryption && !self.decode.encrypted => "encrypted",
            Some(format) if !self.decode.has(format) => format.name(),
            _ => return Ok(()),
        };
        Err(format!(
            "setting `decode` leaves out {unread}, which the other settings make encode write; \
             accepted is a list that has it"
        ))
    }
}

impl Markers {
    /// Whether compressed data of that format is this namespace's own.
    pub fn has(&self, format: Format) -> bool {
        match format {
            Format::Zlib => self.zlib,
            Format::Gzip => self.gzip,
            Format::Snappy => self.snappy,
        }
    }

    /// The values of `encoding` that are this namespace's own.
    pub fn encodings(self) -> impl Iterator<Item = &'static str> {
        let formats = [Format::Zlib, Format::Gzip, Format::Snappy].into_iter();
        let formats = formats.filter(move |format| self.has(*format));
        let encrypted = self.encrypted.then_some(ENCRYPTED);
        encrypted.into_iter().chain(formats.map(Format::marker))
    }

    fn parse(name: &str, value: &str) -> Result<Self, String> {
        let mut markers = Self {
            encrypted: false,
            zlib: false,
            gzip: false,
            snappy: false,
        };
        for word in value.split(',') {
            let marker = match word.trim() {
                "encrypted" => &mut markers.encrypted,
                "zlib" => &mut markers.zlib,
                "gzip" => &mut markers.gzip,
                "snappy" => &mut markers.snappy,
                _ => {
                    return Err(format!(
                        "setting `{name}` must be one or more of these, with commas between them: \
                         encrypted, zlib, gzip, snappy"
                    ));
                }
            };
            *marker = true;
        }
        Ok(markers)
    }
}

fn one_of<T, const N: usize>(
    name: &str,
    value: &str,
    accepted: [(&str, T); N],
) -> Result<T, String> {
    let words = accepted.each_ref().map(|(word, _)| *word);
    let found = accepted.into_iter().find(|(word, _)| *word == value);
    found
        .map(|(_, meaning)| meaning)
        .ok_or_else(|| none_of(name, &words))
}

/// One copy of it: codecs are to be small.
#[cold]
#[inline(never)]
fn none_of(name: &str, words: &[&str]) -> String {
    let mut text = format!("setting `{name}` must be one of");
    for (at, word) in words.iter().enumerate() {
        text.push_str(if at == 0 { ": " } else { ", " });
        text.push_str(word);
    }
    text
}

fn bytes(name: &str, value: &str) -> Result<usize, String> {
    let accepted = 1..=MOST_INFLATED_BYTES;
    let number = value.parse().ok();
    number
        .filter(|number| accepted.contains(number))
        .ok_or_else(|| {
            format!("setting `{name}` must be a number of bytes, 1 to {MOST_INFLATED_BYTES}")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(settings: &[(&str, &str)]) -> Result<Settings, String> {
        let owned = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::parse(&owned.collect::<Vec<_>>())
    }

    #[test]
    fn without_settings_it_encrypts_and_reads_everything() {
        assert_eq!(parse(&[("namespace", "default")]), Ok(Settings::default()));
    }

    #[test]
    fn every_setting_is_understood() {
        let settings = parse(&[
            ("compression", "snappy"),
            ("decode", "encrypted, zlib"),
            ("encryption", "off"),
            ("key-id", "k2"),
            ("max-inflated-bytes", "1000"),
            ("snappy-format", "framed"),
        ]);
        let settings = settings.expect("accepted");
        assert_eq!(settings.compression, Some(Compression::SnappyFramed));
        assert_eq!(settings.key_id.as_deref(), Some("k2"));
        assert!(!settings.encryption && settings.decode.zlib && !settings.decode.gzip);
        assert_eq!(settings.max_inflated_bytes, 1000);
    }

    #[test]
    fn the_encodings_are_those_of_the_markers() {
        let check = |settings: &[(&str, &str)], expected: &[&str]| {
            let markers = parse(settings).expect("accepted").decode;
            let encodings: Vec<_> = markers.encodings().collect();
            assert_eq!(encodings, expected);
        };
        let all = [
            "binary/encrypted",
            "binary/zlib",
            "binary/gzip",
            "binary/snappy",
        ];
        check(&[], &all);
        check(&[("decode", "snappy")], &all[3..]);
        check(&[("decode", "gzip,encrypted")], &[all[0], all[2]]);
    }

    #[test]
    fn a_slip_is_told_with_what_would_be_accepted() {
        let check = |name: &str, value: &str, expected: &str| {
            let error = parse(&[(name, value)]).expect_err("refused");
            assert!(error.contains(name) && error.contains(expected), "{error}");
        };
        check("compresion", "zlib", "compression");
        check("compression", "lz4", "none, zlib, snappy, gzip");
        check("encryption", "true", "on, off");
        check("snappy-format", "raw", "block, framed");
        check("decode", "zlib,lz4", "encrypted, zlib, gzip, snappy");
        check("decode", "", "encrypted, zlib, gzip, snappy");
        check("max-inflated-bytes", "16MiB", "number of bytes");
        check("max-inflated-bytes", "-1", "number of bytes");
        check("max-inflated-bytes", "0", "1 to 1073741824");
        check("max-inflated-bytes", "1073741825", "1 to 1073741824");
    }

    #[test]
    fn what_decode_would_not_read_is_not_to_be_written() {
        let check = |settings: &[(&str, &str)], unread: Option<&str>| {
            let checked = parse(settings).expect("accepted").check_encode();
            match unread {
                None => assert_eq!(checked, Ok(()), "{settings:?}"),
                Some(word) => {
                    let error = checked.expect_err("refused");
                    assert!(error.contains(&format!("leaves out {word},")), "{error}");
                }
            }
        };
        check(&[], None);
        check(&[("decode", "encrypted")], None);
        check(&[("decode", "zlib")], Some("encrypted"));
        check(&[("decode", "zlib"), ("encryption", "off")], None);
        let snappy = ("compression", "snappy");
        check(&[("decode", "encrypted,zlib"), snappy], Some("snappy"));
        check(&[("decode", "encrypted,snappy"), snappy], None);
    }
}
