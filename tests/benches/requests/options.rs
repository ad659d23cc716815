//! What the command line and the environment say.

use std::env;
use std::time::Duration;

/// How much is measured.
pub(crate) struct Options {
    pub(crate) rounds: usize,
    /// How long one case is measured on one server in one round.
    pub(crate) cell: Duration,
    /// How many requests `memory` makes.
    pub(crate) requests: usize,
    words: Vec<String>,
    parts: Vec<Part>,
}

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Table,
    Load,
    Memory,
}

impl Part {
    const ALL: [(&str, Self); 3] = [
        ("table", Self::Table),
        ("load", Self::Load),
        ("memory", Self::Memory),
    ];

    fn parse(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(name, _)| *name == word);
        found.map(|(_, part)| *part)
    }
}

impl Options {
    pub(crate) fn read() -> Self {
        // `--bench` is cargo's.
        let mut words: Vec<_> = env::args()
            .skip(1)
            .filter(|word| word != "--bench")
            .collect();
        let everything = words.len();
        words.retain(|word| word != "quick");
        let (rounds, millis, requests) = match words.len() == everything {
            true => (7, 250, 100_000),
            false => (3, 100, 20_000),
        };
        let parts = words.iter().filter_map(|word| Part::parse(word)).collect();
        words.retain(|word| Part::parse(word).is_none());
        Self {
            rounds: number("ROUNDS", rounds) as usize,
            cell: Duration::from_millis(number("MILLIS", millis)),
            requests: number("REQUESTS", requests) as usize,
            words,
            parts,
        }
    }

    /// Whether a part is among those asked for. Words for cases ask for the table.
    pub(crate) fn has(&self, part: Part) -> bool {
        match self.parts.as_slice() {
            [] => self.words.is_empty() || part == Part::Table,
            parts => parts.contains(&part),
        }
    }

    /// Whether a case is among those asked for: words of one kind are alternatives.
    pub(crate) fn wants(&self, case: &str, protocol: &str) -> bool {
        let (protocols, cases): (Vec<_>, Vec<_>) = self
            .words
            .iter()
            .partition(|word| matches!(word.as_str(), "h1" | "h2"));
        let one_of = |words: &[&String], text: &str| {
            words.is_empty() || words.iter().any(|word| text.contains(word.as_str()))
        };
        one_of(&protocols, protocol) && one_of(&cases, case)
    }
}

fn number(name: &str, default: u64) -> u64 {
    let given = env::var(name).ok();
    given.map_or(default, |text| text.parse().expect("a number"))
}
