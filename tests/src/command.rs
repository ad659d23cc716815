//! The program's commands that end by themselves.

use std::env;
use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a command left behind.
#[derive(Debug)]
pub struct Done {
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs the program with those arguments and nothing on standard input.
pub fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Done {
    run_with(arguments, "")
}

/// Runs the program with those arguments and that on standard input.
pub fn run_with<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>, input: &str) -> Done {
    let mut child = program()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.as_bytes().to_vec();
    // A program that ends without reading is no failure of the test's.
    let feed = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the program ends");
    feed.join().expect("fed");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program speaks UTF-8");
    Done {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// The program under test. Integration tests are told where it is, and this crate is not.
pub(crate) fn program() -> Command {
    let path = env::var_os("CARGO_BIN_EXE_codec-host-tested").map_or_else(beside, PathBuf::from);
    Command::new(path)
}

/// Where it is when a test is started without cargo: next to the folder of the tests.
fn beside() -> PathBuf {
    let test = env::current_exe().expect("this program has a path");
    let release = test.ancestors().nth(2).expect("<profile>/deps/<test>");
    release.join("codec-host-tested")
}
