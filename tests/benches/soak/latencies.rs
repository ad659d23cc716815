//! How long things took.

/// In order, in whatever unit they were measured in.
pub(crate) struct Latencies(Vec<u128>);

impl Latencies {
    pub(crate) fn of(measured: impl IntoIterator<Item = u128>) -> Self {
        let mut measured: Vec<_> = measured.into_iter().collect();
        measured.sort_unstable();
        Self(measured)
    }

    /// All of them together: those of several rounds.
    pub(crate) fn all(rounds: Vec<Self>) -> Self {
        Self::of(rounds.into_iter().flat_map(|Self(measured)| measured))
    }

    pub(crate) fn quantile(&self, quantile: f64) -> u128 {
        let last = self.0.len() - 1;
        self.0[(last as f64 * quantile) as usize]
    }

    /// How many times the other's its median and its tail are.
    pub(crate) fn print_ratios(&self, other: &Self, what: &str) {
        let ratio = |quantile| self.quantile(quantile) as f64 / other.quantile(quantile) as f64;
        println!(
            "  {what:<34} p50 {:>6.2}      p99 {:>6.2}      p99.9 {:>6.2}",
            ratio(0.5),
            ratio(0.99),
            ratio(0.999)
        );
    }

    /// A row, where they are the microseconds of requests.
    pub(crate) fn print(&self, what: &str) {
        println!(
            "  {what:<12} {:>7} requests   p50 {:>6} µs   p99 {:>6} µs   p99.9 {:>6} µs   max {:>6} µs",
            self.0.len(),
            self.quantile(0.5),
            self.quantile(0.99),
            self.quantile(0.999),
            self.quantile(1.0),
        );
    }
}
