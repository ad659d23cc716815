//! The servers that are measured, each in a process of its own, and the CPU they have used.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tests::Folder;

/// The variable that makes the bench's own program a server.
pub(crate) const ROLE: &str = "CODEC_HOST_BENCH_ROLE";

pub(crate) const SERVER_CORE: &str = "0";
pub(crate) const DRIVER_CORE: &str = "1";
pub(crate) const ALL_CORES: &str = "0,1";

/// The namespace that requests are for.
pub(crate) const NAMESPACE: &str = "bench";
/// Another one, with the same key.
pub(crate) const OTHER_NAMESPACE: &str = "bulk";
const KEY_ID: &str = "bench-key";
const KEY: &[u8; 32] = b"bench-key-bench-key-bench-key-32";

/// All of them, on the same cores, with the same key.
pub(crate) struct Cluster {
    /// codec-host comes first.
    pub(crate) servers: Vec<Server>,
    /// How many cores each of them has.
    pub(crate) cores: usize,
    _folder: Folder,
}

impl Cluster {
    pub(crate) fn start(cores: &str) -> Self {
        let folder = Folder::new();
        let key = folder.write("key", KEY);
        let config = configure(&folder, &[NAMESPACE]);
        let mut servers = vec![Server::start(
            "codec-host",
            serve(&tested(), cores, &config),
        )];
        if cfg!(feature = "native") {
            let mut native = serve(&itself(), cores, &config);
            native.env(ROLE, "native");
            servers.push(Server::start("native", native));
        } else {
            eprintln!("native is left out: cargo bench -p tests --features native");
        }
        servers.push(Server::start("echo", echo(cores)));
        match build_go(&folder) {
            Ok(program) => {
                let mut go = pinned(&program, cores);
                go.arg(KEY_ID).arg(&key);
                servers.push(Server::start("go", go));
            }
            Err(why) => eprintln!("go is left out: {why}"),
        }
        Self {
            servers,
            cores: cores.split(',').count(),
            _folder: folder,
        }
    }
}

/// One server alone.
pub(crate) struct Alone {
    pub(crate) server: Server,
    _folder: Folder,
}

impl Alone {
    /// codec-host, with those namespaces.
    pub(crate) fn start(cores: &str, namespaces: &[&str]) -> Self {
        let folder = Folder::new();
        folder.write("key", KEY);
        let config = configure(&folder, namespaces);
        Self {
            server: Server::start("codec-host", serve(&tested(), cores, &config)),
            _folder: folder,
        }
    }

    /// The HTTP stack without anything on it.
    pub(crate) fn start_echo(cores: &str) -> Self {
        Self {
            server: Server::start("echo", echo(cores)),
            _folder: Folder::new(),
        }
    }
}

fn echo(cores: &str) -> Command {
    let mut echo = pinned(&itself(), cores);
    echo.env(ROLE, "echo");
    echo
}

fn itself() -> PathBuf {
    std::env::current_exe().expect("this program has a path")
}

fn configure(folder: &Folder, namespaces: &[&str]) -> PathBuf {
    let tables = namespaces.iter().map(|name| {
        format!(
            "[namespaces.{name}.keyring]\nactive = \"{KEY_ID}\"\n\
             keys = {{ \"{KEY_ID}\" = {{ file = \"key\", encoding = \"raw\" }} }}\n"
        )
    });
    folder.write("codec-host.toml", tables.collect::<String>())
}

/// The server that is measured: of this build, or the program that the environment names.
fn tested() -> PathBuf {
    let named = std::env::var_os("CODEC_HOST");
    named.map_or_else(
        || env!("CARGO_BIN_EXE_codec-host-tested").into(),
        PathBuf::from,
    )
}

fn serve(program: &Path, cores: &str, config: &Path) -> Command {
    let mut command = pinned(program, cores);
    command
        .args(["serve", "--log", "warn", "--listen", "127.0.0.1:0"])
        .arg("--config")
        .arg(config);
    command
}

/// A server that runs. It is ended when it is dropped.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Server {
    fn start(name: &'static str, mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server can be started (taskset is of util-linux)");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut line)
            .expect("the server says where it listens");
        let address = line.trim().strip_prefix("listening on http://");
        Self {
            name,
            address: address.expect("the address").parse().expect("an address"),
            child,
        }
    }

    /// What its threads have used, user and system. The kernel brings a thread's figure up to
    /// date when the thread goes to sleep, so ask when there is nothing for it to do.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = format!("/proc/{}/task", self.child.id());
        let nanoseconds = fs::read_dir(tasks).expect("the server runs").map(|task| {
            let path = task.expect("a thread").path().join("schedstat");
            // A thread may end between being listed and being read.
            let text = fs::read_to_string(path).unwrap_or_default();
            let first = text.split(' ').next().unwrap_or_default();
            first.parse::<u64>().unwrap_or(0)
        });
        Duration::from_nanos(nanoseconds.sum())
    }
}

impl Server {
    /// A figure of `/proc/PID/status`, in KiB.
    pub(crate) fn kibibytes(&self, name: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let figure = line
            .expect("the figure")
            .trim_start_matches([':', ' ', '\t']);
        let number = figure.split(' ').next().expect("a number");
        number.parse().expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to, or one that counts what it does (`.ci/dist`) would not tell. It may have ended
        // already.
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let _ = self.child.wait();
    }
}

/// From now on the driver leaves the servers' core alone.
pub(crate) fn pin_driver() {
    place_driver(DRIVER_CORE);
}

/// From now on the driver runs where it likes.
pub(crate) fn unpin_driver() {
    place_driver(ALL_CORES);
}

fn place_driver(cores: &str) {
    let status = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", cores])
        .arg(std::process::id().to_string())
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("taskset can be run").success());
}

fn pinned(program: &Path, cores: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", cores]).arg(program);
    command
}

/// Builds Temporal's handler, where there is a Go toolchain.
fn build_go(folder: &Folder) -> Result<PathBuf, String> {
    let program = folder.path("codecserver");
    let built = Command::new("go")
        .args(["build", "-mod=readonly", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/go"))
        .output()
        .map_err(|error| format!("go cannot be run: {error}"))?;
    match built.status.success() {
        true => Ok(program),
        false => Err(String::from_utf8_lossy(&built.stderr).into_owned()),
    }
}
