//! The tables: ratios first, then microseconds.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::cases::Case;
use crate::drive::{Protocol, Sample};
use crate::servers::Cluster;

/// Samples by server, and by case and protocol in the order they were measured.
pub(crate) struct Table {
    servers: Vec<&'static str>,
    cells: Vec<Cell>,
    goals: BTreeMap<String, (f64, f64)>,
}

struct Cell {
    case: String,
    protocol: Protocol,
    /// By server, a sample a round.
    samples: Vec<Vec<Sample>>,
}

impl Table {
    pub(crate) fn new(cluster: &Cluster, cells: &[(&Case, Protocol)]) -> Self {
        let goals = cells
            .iter()
            .map(|(case, _)| (case.name.clone(), case.goals));
        Self {
            servers: cluster.servers.iter().map(|server| server.name).collect(),
            cells: Vec::new(),
            goals: goals.collect(),
        }
    }

    pub(crate) fn add(&mut self, server: usize, case: &str, protocol: Protocol, sample: Sample) {
        let at = self
            .cells
            .iter()
            .position(|cell| cell.case == case && cell.protocol == protocol)
            .unwrap_or_else(|| {
                self.cells.push(Cell {
                    case: case.to_owned(),
                    protocol,
                    samples: self.servers.iter().map(|_| Vec::new()).collect(),
                });
                self.cells.len() - 1
            });
        self.cells[at].samples[server].push(sample);
    }

    pub(crate) fn print(&self) {
        for protocol in Protocol::ALL {
            let cells = || self.cells.iter().filter(|cell| cell.protocol == protocol);
            if cells().next().is_none() {
                continue;
            }
            println!("\n{}", title(protocol));
            println!("{:22}{:>24}{:>24}", "CPU of codec-host to", "go", "native");
            for cell in cells() {
                let (to_go, to_native) = self.goals[&cell.case];
                let go = self.judged(cell, "go", to_go);
                let native = self.judged(cell, "native", to_native);
                println!("{:22}{go:>24}{native:>24}", cell.case);
            }
            let mut head = format!("\n{:22}", "µs: CPU (p50 / p99)");
            for server in &self.servers {
                head.push_str(&format!("{server:>26}"));
            }
            println!("{head}");
            for cell in cells() {
                let mut line = format!("{:22}", cell.case);
                for samples in &cell.samples {
                    let text = format!(
                        "{} ({} / {})",
                        micros(median(samples.iter().map(|sample| seconds(sample.cpu)))),
                        micros(median(
                            samples.iter().map(|sample| seconds(sample.quantile(0.5)))
                        )),
                        micros(median(
                            samples.iter().map(|sample| seconds(sample.quantile(0.99)))
                        )),
                    );
                    line.push_str(&format!("{text:>26}"));
                }
                println!("{line}");
            }
        }
    }

    /// How much dearer a request is in `both` than here.
    pub(crate) fn print_spread(&self, both: &Self) {
        let mut head = format!("{:22}", "two cores to one");
        for server in &self.servers {
            head.push_str(&format!("{server:>24}"));
        }
        println!("{head}");
        for cell in &both.cells {
            let one = self
                .cells
                .iter()
                .find(|other| other.case == cell.case && other.protocol == cell.protocol)
                .expect("measured on one core too");
            let mut line = format!("{:22}", cell.case);
            for (server, (two, one)) in cell.samples.iter().zip(&one.samples).enumerate() {
                let cpu = |samples: &[Sample]| median(samples.iter().map(|s| seconds(s.cpu)));
                let ratio = cpu(two) / cpu(one);
                let text = match server {
                    0 => mark(ratio, SPREAD_GOAL),
                    _ => format!("{ratio:.2}"),
                };
                line.push_str(&format!("{text:>24}"));
            }
            println!("{line}");
        }
    }

    fn judged(&self, cell: &Cell, other: &str, goal: f64) -> String {
        let Some(at) = self.servers.iter().position(|server| *server == other) else {
            return "-".to_owned();
        };
        let pairs = cell.samples[0].iter().zip(&cell.samples[at]);
        let ratios = pairs.map(|(own, other)| seconds(own.cpu) / seconds(other.cpu));
        mark(median(ratios), goal)
    }
}

/// CPU per request with two busy worker threads to that with one.
const SPREAD_GOAL: f64 = 1.15;

fn mark(ratio: f64, goal: f64) -> String {
    let mark = if ratio <= goal { "met" } else { "NOT MET" };
    format!("{ratio:.2} (≤ {goal}: {mark})")
}

fn title(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "HTTP/1.1, four keep-alive connections",
        Protocol::Http2 => "HTTP/2, one connection, four streams at a time",
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn micros(seconds: f64) -> String {
    let micros = seconds * 1e6;
    match micros {
        ..100.0 => format!("{micros:.1}"),
        _ => format!("{micros:.0}"),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What it was measured on.
pub(crate) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{} × {}, Linux {}, load {}",
        std::thread::available_parallelism().map_or(0, usize::from),
        model.map_or("?", |model| model.trim_start_matches(['\t', ' ', ':'])),
        kernel.trim(),
        load.split(' ').next().unwrap_or("?"),
    )
}
