//! The server, in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::client::{Answer, Connection, Request};
use crate::command::program;
use crate::folder::Folder;
use crate::guests::{GUESTS, guest};
use crate::payload::Payload;
use crate::texts::wat_guests;
use crate::wait::until;

/// The name of the configuration in its folder.
const CONFIG: &str = "codec-host.toml";

/// A server that is about to be started.
pub struct Setup {
    folder: Folder,
    command: Command,
}

impl Setup {
    /// A demonstration server.
    pub fn demo() -> Self {
        Self::new(Folder::new(), |command, _| {
            command.arg("--demo");
        })
    }

    /// A server with that configuration. The guests that it names as `"….wasm"` are put next to it.
    pub fn config(text: &str) -> Self {
        let folder = Folder::new();
        let names = GUESTS.into_iter().map(str::to_owned);
        for name in names.chain(wat_guests()) {
            let file = format!("{name}.wasm");
            if text.contains(&format!("\"{file}\"")) {
                folder.write(&file, guest(&name));
            }
        }
        folder.write(CONFIG, text);
        Self::new(folder, |command, folder| {
            command.arg("--config").arg(folder.path(CONFIG));
        })
    }

    /// A server with an empty `codecs` directory.
    pub fn codecs() -> Self {
        let folder = Folder::new();
        std::fs::create_dir(folder.path("codecs")).expect("a folder");
        Self::new(folder, |command, folder| {
            command.arg("--codecs").arg(folder.path("codecs"));
        })
    }

    fn new(folder: Folder, what: impl FnOnce(&mut Command, &Folder)) -> Self {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.env("XDG_CACHE_HOME", folder.path("cache"));
        what(&mut command, &folder);
        Self { folder, command }
    }

    /// With a file in its folder.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.folder.write(name, content);
        self
    }

    /// With an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With one more argument.
    pub fn argument(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// With that log level.
    pub fn log(mut self, level: &str) -> Self {
        self.command.args(["--log", level]);
        self
    }

    /// With that file open, under a number that it is not told.
    pub fn inheriting(mut self, path: &str) -> Self {
        let program = self.command.get_program().to_owned();
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec \"$0\" \"$@\" 7<{path}")]);
        shell.arg(program).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            value
                .into_iter()
                .for_each(|value| _ = shell.env(name, value));
        }
        self.command = shell;
        self
    }

    /// Where a file of its folder is, or would be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    /// Starts it, and waits until it listens.
    pub fn start(self) -> Server {
        let mut server = self.begin();
        server.address = until("the server listens", || {
            if let Some(status) = server.ended() {
                panic!("the server ended with {status}: {}", server.log.now());
            }
            let line = server.announced()?;
            let address = line
                .strip_prefix("listening on http://")
                .expect("the address");
            Some(address.parse().expect("an address"))
        });
        server
    }

    /// Starts it.
    pub fn begin(mut self) -> Server {
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let log = Text::default();
        log.follow(child.stderr.take().expect("piped"));
        let out = Text::default();
        out.follow(child.stdout.take().expect("piped"));
        Server {
            folder: self.folder,
            command: self.command,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            child,
            out,
            log,
        }
    }
}

/// A server that runs. It is killed when its test is done with it.
pub struct Server {
    /// Its folder: configuration, keys, `codecs/`.
    pub folder: Folder,
    /// Where it listens.
    pub address: SocketAddr,
    command: Command,
    child: Child,
    out: Text,
    log: Text,
}

impl Server {
    /// What it says once it serves: where it listens.
    pub fn announced(&self) -> Option<String> {
        let out = self.out.now();
        let (line, _) = out.split_once('\n')?;
        Some(line.to_owned())
    }

    /// Asks on a new connection.
    pub fn ask(&self, request: &Request) -> Answer {
        self.connect().ask(request)
    }

    /// Encodes on a new connection.
    pub fn encode(&self, namespace: &str, payloads: &[Payload]) -> Answer {
        self.ask(&Request::encode(namespace, payloads))
    }

    /// Decodes on a new connection.
    pub fn decode(&self, namespace: &str, payloads: &[Payload]) -> Answer {
        self.ask(&Request::decode(namespace, payloads))
    }

    /// A new connection.
    pub fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// A new connection, if it accepts one.
    pub fn try_connect(&self) -> std::io::Result<Connection> {
        Connection::try_open(self.address)
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes another configuration.
    pub fn configure(&self, text: &str) {
        self.folder.replace(CONFIG, text);
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.now()
    }

    /// What it has printed so far.
    pub fn out(&self) -> String {
        self.out.now()
    }

    /// Waits until a line of its log has all of these in it, and answers the line.
    pub fn logs(&self, texts: &[&str]) -> String {
        until(&format!("a line of the log has {texts:?}"), || {
            let log = self.log();
            log.lines()
                .find(|line| texts.iter().all(|text| line.contains(text)))
                .map(str::to_owned)
        })
    }

    /// Bytes of memory that it occupies now.
    pub fn resident_bytes(&self) -> usize {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).expect("the server runs");
        let kilobytes = status.lines().find_map(|line| {
            let value = line.strip_prefix("VmRSS:")?.trim();
            value.strip_suffix(" kB")?.parse::<usize>().ok()
        });
        kilobytes.expect("the kernel tells") << 10
    }

    /// Asks it to stop, as service managers do.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Asks it to stop, as terminals do.
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// Sends it the signal of that name.
    pub fn signal(&self, name: &str) {
        let kill = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(kill.expect("kill can be run").success());
    }

    /// Stops it, so that it can be started again as it was, in the same folder.
    pub fn stop(mut self) -> Setup {
        self.terminate();
        self.wait();
        Setup {
            folder: std::mem::take(&mut self.folder),
            command: std::mem::replace(&mut self.command, Command::new("")),
        }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child
            .try_wait()
            .expect("a child can be asked for its end")
    }

    /// Waits for its end, and for the last of what it said.
    pub fn wait(&mut self) -> ExitStatus {
        let status = until("the server ends", || self.ended());
        until("its output ends", || {
            (self.log.is_ended() && self.out.is_ended()).then_some(())
        });
        status
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- the server's log\n{}---", self.log.now());
        }
    }
}

/// What a program says, as far as it has.
#[derive(Clone, Default)]
struct Text(Arc<Mutex<(String, bool)>>);

impl Text {
    fn follow(&self, source: impl Read + Send + 'static) {
        let text = self.clone();
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while source
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                text.lock().0.push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
            text.lock().1 = true;
        });
    }

    fn now(&self) -> String {
        self.lock().0.clone()
    }

    fn is_ended(&self) -> bool {
        self.lock().1
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (String, bool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
