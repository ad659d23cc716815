//! What the server says about itself: its log, and one record per request in it.
//!
//! Neither ever holds payload bytes, metadata, keys, key ids or tokens: a [`Record`] has no
//! field to put them into.

use std::time::Instant;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error, at that level and above; of other crates at most warnings.
/// To be called once.
pub fn init(level: Level, format: LogFormat) {
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(BoxMakeWriter::new(std::io::stderr))
        .with_ansi(ansi)
        .with_target(false);
    // Other crates have no promises to keep: wasmtime's WASI logs whatever a guest prints at
    // debug level, whole and in a line of its own for every write.
    let own = Targets::new()
        .with_default(level.min(Level::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    // A second call, which only a test could make, keeps the first log.
    let _ = match format {
        LogFormat::Text => tracing::subscriber::set_global_default(builder.finish().with(own)),
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true);
            tracing::subscriber::set_global_default(builder.finish().with(own))
        }
    };
}

/// What the log says about one request, written once at its end.
pub struct Record {
    started: Instant,
    /// `encode`, `decode`, `download`, `preflight`, or empty where the path says none of them.
    pub verb: &'static str,
    /// The namespace that was resolved.
    pub namespace: Option<String>,
    /// Bytes of the request's body.
    pub bytes_in: usize,
    /// Bytes of the answer's body.
    pub bytes_out: usize,
    /// What came of the call.
    pub outcome: Outcome,
    /// Why it failed, in words for the operator.
    pub cause: Option<String>,
}

/// What came of calling a codec.
#[derive(Default)]
pub struct Outcome {
    /// Whether it was: not for what is foreign to it.
    pub called: bool,
    /// The artifact that was called.
    pub codec: Option<String>,
    /// Payloads in the request.
    pub payloads: usize,
    /// Payloads handed back as they came because the codec called them invalid.
    pub undecodable: usize,
    /// The same, since the namespace's codec was loaded.
    pub undecodable_total: u64,
}

impl Record {
    /// The record of a request that begins now.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            verb: "",
            namespace: None,
            bytes_in: 0,
            bytes_out: 0,
            outcome: Outcome::default(),
            cause: None,
        }
    }

    /// Notes the namespace, unless nobody would read it.
    pub fn name(&mut self, namespace: &str) {
        if tracing::enabled!(Level::WARN) {
            self.namespace = Some(namespace.to_owned());
        }
    }

    /// Writes the record: answers at debug, refusals at info, failures and payloads that had
    /// to be passed through at warn.
    pub fn finish(self, status: u16) {
        let level = match status {
            500.. => Level::WARN,
            _ if self.outcome.undecodable > 0 => Level::WARN,
            400.. => Level::INFO,
            _ => Level::DEBUG,
        };
        macro_rules! write {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    status,
                    verb = self.verb,
                    namespace = self.namespace.as_deref(),
                    codec = self.outcome.codec.as_deref(),
                    payloads = self.outcome.payloads,
                    bytes_in = self.bytes_in,
                    bytes_out = self.bytes_out,
                    undecodable = self.outcome.undecodable,
                    undecodable_total = self.outcome.undecodable_total,
                    micros = self.started.elapsed().as_micros() as u64,
                    cause = self.cause.as_deref(),
                    "request"
                )
            };
        }
        match level {
            Level::WARN => write!(Level::WARN),
            Level::INFO => write!(Level::INFO),
            _ => write!(Level::DEBUG),
        }
    }

    /// Whether anybody will read what an ordinary answer is recorded with.
    pub fn wanted() -> bool {
        tracing::enabled!(Level::DEBUG)
    }
}
