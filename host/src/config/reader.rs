//! TOML tables that know where they stand, and remember everything that is wrong.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A TOML text, and what was found wrong with it so far.
pub(super) struct Reader<'t> {
    text: &'t str,
    errors: RefCell<Vec<(usize, String)>>,
}

/// A table of it. Keys that nobody took are unknown when it is finished.
pub(super) struct Table<'r> {
    reader: &'r Reader<'r>,
    /// How errors name it: `namespaces.ok.`, or nothing for the document.
    prefix: String,
    at: usize,
    entries: BTreeMap<String, (Range<usize>, Spanned<DeValue<'r>>)>,
    asked: Vec<&'static str>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            errors: RefCell::default(),
        }
    }

    /// The text as a table. Where it is not TOML, that is remembered as an error.
    pub(super) fn document(&self) -> Table<'_> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            // The message may quote a key or value, and those may be secrets.
            self.complain(at, format!("not TOML: {}", error.message()));
        }
        Table::new(self, String::new(), 0, document.into_inner())
    }

    /// What is wrong, by line.
    pub(super) fn into_errors(self) -> Vec<(usize, String)> {
        let mut errors = self.errors.into_inner();
        errors.sort();
        errors.dedup();
        errors
    }

    fn complain(&self, at: usize, error: String) {
        let line = 1 + self
            .text
            .bytes()
            .take(at)
            .filter(|byte| *byte == b'\n')
            .count();
        self.errors.borrow_mut().push((line, error));
    }
}

impl<'r> Table<'r> {
    fn new(reader: &'r Reader<'r>, prefix: String, at: usize, table: DeTable<'r>) -> Self {
        let entries = table.into_iter().map(|(key, value)| {
            let span = key.span();
            (key.into_inner().into_owned(), (span, value))
        });
        Self {
            reader,
            prefix,
            at,
            entries: entries.collect(),
            asked: Vec::new(),
        }
    }

    /// A string that `parse` accepts. What it would accept is told otherwise.
    pub(super) fn string<T>(
        &mut self,
        key: &'static str,
        accepted: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.value(key, accepted, |value| value.as_str().and_then(parse))
    }

    /// A list of strings that `parse` accepts, each.
    pub(super) fn strings<T>(
        &mut self,
        key: &'static str,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.value(key, accepted, |value| {
            let items = value.as_array()?.iter();
            items
                .map(|item| item.get_ref().as_str().and_then(&parse))
                .collect()
        })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        self.value(key, "true or false", DeValue::as_bool)
    }

    /// A whole number in that range.
    pub(super) fn integer(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let accepted = format!("a whole number from {} to {}", range.start(), range.end());
        self.value(key, &accepted, |value| {
            let integer = value.as_integer()?;
            let value = u64::from_str_radix(integer.as_str(), integer.radix()).ok()?;
            Some(value).filter(|value| range.contains(value))
        })
    }

    /// A table of that name.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Table<'r>> {
        self.asked.push(key);
        let (span, value) = self.entries.remove(key)?;
        self.nested(key, span.start, value)
    }

    /// The tables in this one, by names that are the user's own.
    pub(super) fn tables(&mut self) -> Vec<(String, Table<'r>)> {
        let entries = std::mem::take(&mut self.entries);
        let tables = entries.into_iter().filter_map(|(name, (span, value))| {
            self.nested(&name, span.start, value)
                .map(|table| (name, table))
        });
        tables.collect()
    }

    /// The strings in this table, by names that are the user's own.
    pub(super) fn into_strings(mut self) -> BTreeMap<String, String> {
        let entries = std::mem::take(&mut self.entries);
        let strings =
            entries
                .into_iter()
                .filter_map(|(name, (span, value))| match value.get_ref() {
                    DeValue::String(text) => Some((name, text.clone().into_owned())),
                    _ => {
                        let place = format!("`{}{name}` must be a string", self.prefix);
                        self.reader.complain(span.start, place);
                        None
                    }
                });
        strings.collect()
    }

    /// Says what is wrong with something in this table.
    pub(super) fn complain(&self, key: &str, error: &str) {
        self.reader
            .complain(self.at, format!("`{}{key}`: {error}", self.prefix));
    }

    /// Says what is wrong with this table, without naming it.
    pub(super) fn complain_here(&self, error: &str) {
        self.reader.complain(self.at, error.to_owned());
    }

    /// Complains about everything that was not asked for.
    pub(super) fn finish(self) {
        for (key, (span, _)) in &self.entries {
            let accepted = self.asked.join(", ");
            let nearest = self.asked.iter().find(|asked| resembles(asked, key));
            let hint = nearest
                .map(|asked| format!(" (did you mean `{asked}`?)"))
                .unwrap_or_default();
            let error = format!(
                "unknown key `{}{key}`{hint}; accepted here: {accepted}",
                self.prefix
            );
            self.reader.complain(span.start, error);
        }
    }

    fn value<T>(
        &mut self,
        key: &'static str,
        accepted: &str,
        parse: impl FnOnce(&DeValue<'r>) -> Option<T>,
    ) -> Option<T> {
        self.asked.push(key);
        let (span, value) = self.entries.remove(key)?;
        let parsed = parse(value.get_ref());
        if parsed.is_none() {
            self.reader.complain(
                span.start,
                format!("`{}{key}` must be {accepted}", self.prefix),
            );
        }
        parsed
    }

    fn nested(&self, key: &str, at: usize, value: Spanned<DeValue<'r>>) -> Option<Table<'r>> {
        // Key ids may be secrets, so no error names one.
        let shown = if self.prefix.ends_with("keyring.keys.") {
            "…"
        } else {
            key
        };
        match value.into_inner() {
            DeValue::Table(table) => {
                let prefix = format!("{}{shown}.", self.prefix);
                Some(Table::new(self.reader, prefix, at, table))
            }
            _ => {
                self.reader
                    .complain(at, format!("`{}{shown}` must be a table", self.prefix));
                None
            }
        }
    }
}

/// Whether one is the other with a slip: a letter too many, too few or wrong, or two swapped.
fn resembles(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let prefix = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let rest = one.len().min(other.len()) - prefix;
    let suffix = one
        .iter()
        .rev()
        .zip(other.iter().rev())
        .take(rest)
        .take_while(|(a, b)| a == b)
        .count();
    let (one, other) = (
        &one[prefix..one.len() - suffix],
        &other[prefix..other.len() - suffix],
    );
    match (one, other) {
        (a, b) if a.len() <= 1 && b.len() <= 1 => true,
        ([a, b], [c, d]) => (a, b) == (d, c),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let check = |one: &str, other: &str, expected: bool| {
            assert_eq!(resembles(one, other), expected, "{one} {other}");
        };
        check("listen", "lisen", true);
        check("listen", "listeen", true);
        check("listen", "listne", true);
        check("listen", "listan", true);
        check("listen", "limits", false);
        check("codecs", "cors", false);
    }
}
