//! What the operator decides about the codec.

use crate::compression::{Compression, SnappyFormat};

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
    /// The most that compressed data may become, in bytes. Four times what Temporal accepts as
    /// one payload by default, and a quarter of the memory that an instance has by default.
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
            max_inflated_bytes: 16 << 20,
        }
    }
}

impl Settings {
    /// The settings of those names and values. The error names the setting and what would be
    /// accepted. `namespace` is always among them, and ignored.
    pub fn parse(settings: &[(String, String)]) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut compression = "none";
        let mut format = SnappyFormat::Block;
        for (name, value) in settings {
            match name.as_str() {
                "namespace" => {}
                "encryption" => {
                    parsed.encryption = one_of(name, value, &[("on", true), ("off", false)])?
                }
                "compression" => {
                    let names = ["none", "zlib", "snappy", "gzip"].map(|name| (name, name));
                    compression = one_of(name, value, &names)?;
                }
                "snappy-format" => {
                    let formats = [
                        ("block", SnappyFormat::Block),
                        ("framed", SnappyFormat::Framed),
                    ];
                    format = one_of(name, value, &formats)?;
                }
                "key-id" => parsed.key_id = Some(value.clone()),
                "decode" => parsed.decode = markers(value)?,
                "max-inflated-bytes" => {
                    parsed.max_inflated_bytes = value.parse().map_err(|_| {
                        "setting `max-inflated-bytes` must be a number of bytes".to_owned()
                    })?;
                }
                _ => {
                    return Err(format!(
                        "setting `{name}` is unknown; known are encryption, compression, snappy-format, \
                         key-id, decode and max-inflated-bytes"
                    ));
                }
            }
        }
        parsed.compression = match compression {
            "zlib" => Some(Compression::Zlib),
            "gzip" => Some(Compression::Gzip),
            "snappy" => Some(Compression::Snappy(format)),
            _ => None,
        };
        Ok(parsed)
    }
}

fn one_of<T: Copy>(name: &str, value: &str, accepted: &[(&str, T)]) -> Result<T, String> {
    let found = accepted.iter().find(|(word, _)| *word == value);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<_> = accepted.iter().map(|(word, _)| *word).collect();
        format!("setting `{name}` must be one of: {}", words.join(", "))
    })
}

fn markers(value: &str) -> Result<Markers, String> {
    let mut markers = Markers {
        encrypted: false,
        zlib: false,
        gzip: false,
        snappy: false,
    };
    for word in value
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
    {
        match word {
            "encrypted" => markers.encrypted = true,
            "zlib" => markers.zlib = true,
            "gzip" => markers.gzip = true,
            "snappy" => markers.snappy = true,
            _ => {
                return Err(
                    "setting `decode` must be a list of: encrypted, zlib, gzip, snappy".to_owned(),
                );
            }
        }
    }
    Ok(markers)
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
        assert_eq!(
            settings.compression,
            Some(Compression::Snappy(SnappyFormat::Framed))
        );
        assert_eq!(settings.key_id.as_deref(), Some("k2"));
        assert!(!settings.encryption && settings.decode.zlib && !settings.decode.gzip);
        assert_eq!(settings.max_inflated_bytes, 1000);
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
        check("max-inflated-bytes", "16MiB", "number");
        check("max-inflated-bytes", "-1", "number");
    }
}
