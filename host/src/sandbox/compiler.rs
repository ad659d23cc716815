//! The compiler: a process of its own, since parsing and compiling an artifact is where it is
//! most dangerous.
//!
//! The process is this same program with a hidden command. It gets the artifact on standard
//! input and nothing else: none of the environment (but one variable, for its allocator), no other open file, no name of what it compiles. It
//! bounds itself before it reads ([`child`]), walks the artifact, takes its shim away ([`shim`]),
//! splits its long steps ([`steps`]), compiles it, tries it, does so once more with more memory
//! ([`roomy`]), and answers on standard output; the one who started it holds the clock and kills it.
//!
//! It is bounded, not confined: it runs as the server's user, and a compiler that an artifact
//! takes over could open files and sockets, and answer with machine code of its own. What keeps
//! that from happening is the compiler's correctness.

pub mod child;
mod compiled;
mod confinement;
mod modules;
mod patience;
mod report;
pub(super) mod roomy;
mod section;
pub(super) mod shim;
pub(super) mod steps;

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::unfit::Unfit;
use crate::limits::{COMPILED_BYTES, CompileLimits};
pub use compiled::Compiled;
pub(crate) use patience::Priority;
use patience::{Busy, starves};

/// The hidden command.
pub(crate) const COMMAND: &str = "compile";

/// Bytes of the process's standard error that are looked at: a panic's message.
const LAST_WORDS: u64 = 4 << 10;

/// Starts processes that compile.
#[derive(Clone, Debug)]
pub struct Compiler {
    program: PathBuf,
    limits: CompileLimits,
    busy: Busy,
}

impl Compiler {
    /// A compiler whose process is that program, which must be this one.
    pub fn new(program: PathBuf, limits: CompileLimits) -> Self {
        Self {
            program,
            limits,
            busy: Busy::default(),
        }
    }

    /// A compiler whose process is the running program.
    pub fn this_program(limits: CompileLimits) -> Self {
        Self::new(this_program(), limits)
    }

    /// What the process may use.
    pub fn limits(&self) -> CompileLimits {
        self.limits
    }

    /// Compiles and tries the artifact. Whatever it does to the process is an answer too.
    ///
    /// The process dies with the thread that this runs on, so not on one that comes and goes.
    pub async fn compile(&self, artifact: &[u8]) -> Result<Compiled, Unfit> {
        let untried = |error| Unfit::Untried(format!("no process to compile it: {error}"));
        let wall = self.limits.wall();
        let Ok(conversation) = timeout(wall, self.converse(artifact)).await else {
            let seconds = wall.as_secs();
            return Err(Unfit::Untried(format!("it takes more than {seconds} s")));
        };
        let (ended, answer, last_words) = conversation.map_err(untried)?;
        if !last_words.is_empty() {
            tracing::debug!(target: "codec_host::compiler", "{}", last_words.escape_debug());
        }
        if answer.len() as u64 > COMPILED_BYTES {
            return Err(Unfit::TooComplex(format!(
                "it compiles to more than {} MiB of code",
                COMPILED_BYTES >> 20
            )));
        }
        if ended.success()
            && let Some(report) = report::read(answer)
        {
            return report;
        }
        Err(self.verdict(ended, &last_words))
    }

    /// Has the artifact compiled by an idle process or, where such a one gets nowhere or did not of
    /// late, by one that others feel.
    async fn converse(&self, artifact: &[u8]) -> std::io::Result<Conversation> {
        if !self.busy.lately() {
            let mut idle = Process(self.command(Priority::Idle).spawn()?);
            let id = idle.0.id();
            tokio::select! {
                biased;
                conversation = converse(&mut idle.0, artifact) => return conversation,
                () = starves(id) => drop(idle),
            }
            tracing::debug!(target: "codec_host::compiler", "a busy machine: starting over, less idly");
            self.busy.note();
        }
        let mut low = Process(self.command(Priority::Low).spawn()?);
        converse(&mut low.0, artifact).await
    }

    fn command(&self, priority: Priority) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg0("codec-host")
            .arg(COMMAND)
            .arg(format!("--cpu-seconds={}", self.limits.cpu_seconds))
            .arg(format!("--memory-bytes={}", self.limits.memory_bytes))
            .arg(format!("--priority={}", priority.word()))
            .env_clear()
            // The allocator's: else it takes a gigabyte at once, which counts as used.
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    /// What it means that the process ended without an answer.
    fn verdict(&self, ended: ExitStatus, last_words: &str) -> Unfit {
        let CompileLimits {
            cpu_seconds,
            memory_bytes,
        } = self.limits;
        let signal = ended.signal();
        if signal == Some(Signal::XCPU.as_raw()) {
            return Unfit::TooSlow(cpu_seconds);
        }
        if last_words.contains("memory allocation of") {
            return Unfit::TooHungry(memory_bytes);
        }
        if last_words.contains("has overflowed its stack") {
            return Unfit::CrashesCompiler("something in it is nested too deeply".into());
        }
        match signal {
            // Nobody but the kernel, short of memory, or an operator.
            Some(signal) if signal == Signal::KILL.as_raw() => {
                Unfit::Untried("its compiler was killed; is the machine short of memory?".into())
            }
            Some(signal) => Unfit::CrashesCompiler(format!("signal {signal}")),
            None => Unfit::CrashesCompiler(ended.to_string()),
        }
    }
}

/// How a process ended, what it answered, and what it wrote to its standard error.
type Conversation = (ExitStatus, Vec<u8>, String);

/// Sends the artifact and hears the process out, to its end.
async fn converse(child: &mut Child, artifact: &[u8]) -> std::io::Result<Conversation> {
    let (mut stdin, stdout, stderr) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let send = async {
        if let Some(stdin) = &mut stdin {
            // It may refuse before it has read everything.
            let _ = stdin.write_all(artifact).await;
        }
        drop(stdin);
    };
    let (mut answer, mut last_words) = (Vec::new(), Vec::new());
    let hear = async {
        if let Some(stdout) = stdout {
            stdout
                .take(COMPILED_BYTES + 1)
                .read_to_end(&mut answer)
                .await?;
        }
        std::io::Result::Ok(())
    };
    let hear_last_words = async {
        if let Some(stderr) = stderr {
            stderr.take(LAST_WORDS).read_to_end(&mut last_words).await?;
        }
        std::io::Result::Ok(())
    };
    let (_, heard, heard_last_words) = tokio::join!(send, hear, hear_last_words);
    heard.and(heard_last_words)?;
    let ended = child.wait().await?;
    Ok((
        ended,
        answer,
        String::from_utf8_lossy(&last_words).into_owned(),
    ))
}

/// A process that ends, with whatever it may have started, when nobody listens any more.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It has none once its end was waited for.
        let group = self.0.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(group) = group {
            // It may have ended a moment ago.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The running program, also if the file it was started from has been replaced since.
fn this_program() -> PathBuf {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() {
        return link;
    }
    std::env::current_exe().unwrap_or_else(|_| OsStr::new("codec-host").into())
}
