//! What the command line and the environment say.

use std::env;
use std::time::Duration;

/// How much is measured.
pub(crate) struct Options {
    pub(crate) rounds: usize,
    /// How long one case is measured on one server in one round.
    pub(crate) cell: Duration,
    words: Vec<String>,
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
        let (rounds, millis) = match words.len() == everything {
            true => (7, 300),
            false => (3, 140),
        };
        Self {
            rounds: number("ROUNDS", rounds) as usize,
            cell: Duration::from_millis(number("MILLIS", millis)),
            words,
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
