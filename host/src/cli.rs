//! The command line: what was typed, and which command means it.

mod check;
mod inspect;
mod local;
mod serve;
mod transcode;

use std::fmt::Arguments;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing::Level;

use crate::limits::CompileLimits;
use crate::sandbox::{Priority, child};
use crate::telemetry::{self, LogFormat};

/// One Temporal codec server for every namespace's codec, each a sandboxed WebAssembly component.
///
/// Try it:  codec-host serve --demo
#[derive(Parser)]
#[command(name = "codec-host", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// What is logged, to standard error: this level and those before it.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "info",
        value_name = "LEVEL"
    )]
    log: LogLevel,
    /// How log lines are written.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT"
    )]
    log_format: LogNotation,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the codecs of a configuration, of a directory, or a demonstration.
    ///
    /// Examples:
    ///   codec-host serve --demo
    ///   codec-host serve --codecs ./codecs
    ///   codec-host serve --config codec-host.toml --listen 127.0.0.1:9000
    #[command(verbatim_doc_comment)]
    Serve(ServeArgs),
    /// Says whether a component fits the contract, or a configuration can be served.
    ///
    /// A component is compiled, called in the sandbox and put through round trips: what it
    /// encodes it must decode to the same payloads, and foreign payloads must come back
    /// untouched. The exit code is 0 if all is well, and 1 if not, with the reasons in words.
    ///
    /// Examples:
    ///   codec-host check my_codec.wasm --setting compression=zlib
    ///   codec-host check --config codec-host.toml
    #[command(verbatim_doc_comment)]
    Check(CheckArgs),
    /// Encodes payloads: JSON on standard input, JSON on standard output, no server needed.
    ///
    /// Example:
    ///   echo '{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"NDI="}]}' \
    ///     | codec-host encode --codec my_codec.wasm | codec-host decode --codec my_codec.wasm
    #[command(verbatim_doc_comment)]
    Encode(TranscodeArgs),
    /// Decodes payloads: JSON on standard input, JSON on standard output, no server needed.
    Decode(TranscodeArgs),
    /// The server's own compiler process, see `sandbox::compiler`.
    #[command(hide = true)]
    Compile(CompileArgs),
    /// Shows a component's imports, exports, WIT version, size and digest.
    Inspect {
        /// The component.
        #[arg(value_name = "FILE.wasm")]
        file: PathBuf,
    },
}

/// What is to be served, and where.
#[derive(Args)]
struct ServeArgs {
    /// The configuration file (TOML); the README has every key. Changes take effect while running.
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    config: Option<PathBuf>,
    /// A directory whose <namespace>.wasm each serve their namespace. Overrides the configuration's.
    #[arg(long, value_name = "DIR", conflicts_with = "demo")]
    codecs: Option<PathBuf>,
    /// Serve every namespace with the built-in codec and the SDK samples' public key.
    #[arg(long)]
    demo: bool,
    /// Where compiled components are kept for the next start, or "off". Overrides the
    /// configuration's. [default: $CACHE_DIRECTORY, which systemd sets, else the user's cache
    /// directory]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// The address to listen on; port 0 takes a free one. Overrides the configuration's.
    /// [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Listen on an address that others can reach, although nobody is asked who they are.
    #[arg(long)]
    insecure_open: bool,
}

/// What the compiler's process may use.
#[derive(Args)]
struct CompileArgs {
    #[arg(long)]
    cpu_seconds: u64,
    #[arg(long)]
    memory_bytes: u64,
    #[arg(long)]
    priority: Priority,
}

/// What is to be checked.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["file", "config"]))]
struct CheckArgs {
    /// The component.
    #[arg(value_name = "FILE.wasm")]
    file: Option<PathBuf>,
    /// A configuration file: it, its keys and all its components are checked, without listening.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    tenancy: TenancyArgs,
}

/// Which codec is to be called.
#[derive(Args)]
struct TranscodeArgs {
    /// A component to try. Without it and without --config, the built-in codec.
    #[arg(long, value_name = "FILE.wasm", conflicts_with = "config")]
    codec: Option<PathBuf>,
    /// A configuration file, whose codec for --namespace is called.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "setting"])]
    config: Option<PathBuf>,
    /// The namespace: which of the configuration's codecs, and what the codec reads as its setting `namespace`.
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    #[command(flatten)]
    tenancy: TenancyArgs,
}

/// What a component that is tried alone gets.
#[derive(Args)]
struct TenancyArgs {
    /// A setting for the codec; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    setting: Vec<(String, String)>,
    /// A key for the codec, in base64 in a file; may be given several times, and the first one seals.
    /// Without any, the SDK samples' public key, under every key id.
    #[arg(long, value_name = "ID=FILE", value_parser = pair)]
    key: Vec<(String, String)>,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogLevel {
    /// Only what keeps something from being served.
    Error,
    /// Also failed calls, and payloads passed through because they could not be decoded.
    Warn,
    /// Also refused requests, and what is loaded.
    Info,
    /// Also every request, and what codecs print and say.
    Debug,
    /// Everything that this program has to say.
    Trace,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogNotation {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why a command failed: one line, or a few, for whoever typed it.
struct Failure(String);

/// Prints a line. Where nobody reads any more (`codec-host inspect ... | head -1`) there is nothing
/// left to do.
fn say(line: Arguments<'_>) {
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(1);
    }
}

/// Runs the command that was typed.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Compile(args) = cli.command {
        let limits = CompileLimits {
            cpu_seconds: args.cpu_seconds,
            memory_bytes: args.memory_bytes,
        };
        return match child::run(limits, args.priority) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    telemetry::init(cli.log.into(), cli.log_format.into());
    let done = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Check(args) => check::run(args),
        Command::Encode(args) => transcode::run(crate::protocol::Verb::Encode, args),
        Command::Decode(args) => transcode::run(crate::protocol::Verb::Decode, args),
        Command::Inspect { file } => inspect::run(&file),
        // Done with before the log was.
        Command::Compile(_) => Ok(()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(text)) => {
            eprintln!("codec-host: {text}");
            ExitCode::FAILURE
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

impl From<LogNotation> for LogFormat {
    fn from(notation: LogNotation) -> Self {
        match notation {
            LogNotation::Text => Self::Text,
            LogNotation::Json => Self::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
