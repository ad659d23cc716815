//! Loading a component, which is a hostile act: what it may cost, and whom.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tests::bomb::{
    LOOP, blocks, body, component_of, entries, fan_out, functions, nested_components, nested_types,
    padding, slow,
};
use tests::{Server, Setup, guest, plain, until};

/// Within every cap, and yet more memory than any limit here allows: one function as long as
/// can be, all of whose values live to its end.
fn hungry() -> Vec<u8> {
    let call = [b"\x41\0".repeat(40).as_slice(), b"\x10\0"].concat();
    let code = call.repeat(12_000);
    component_of(&functions(20, 40, &body(0, &code)))
}

fn server(limit: &str) -> Server {
    Setup::config(&format!("codecs = \"codecs\"\n[limits]\n{limit}\n"))
        .file("codecs/good.wasm", guest("identity"))
        .start()
}

/// Puts the artifact there, and asks for another namespace's codec until it is refused.
fn refused(server: &Server, name: &str, artifact: Vec<u8>, expected: &str) {
    server
        .folder
        .replace(&format!("codecs/{name}.wasm"), artifact);
    let line = until(name, || {
        serves(server);
        let log = server.log();
        let complains =
            |line: &&str| line.contains("ERROR") && line.contains(&format!("{name}.wasm "));
        log.lines().find(complains).map(str::to_owned)
    });
    assert!(line.contains(expected), "{name}: {line}");
    // It is refused before it is known who serves the namespace then: nobody.
    until(name, || {
        let answer = server.decode(name, &[plain("1")]);
        (answer.status == 503).then_some(())
    });
}

fn serves(server: &Server) {
    let payloads = [plain("as it was")];
    let answer = server.decode("good", &payloads);
    assert_eq!((answer.status, answer.payloads()), (200, payloads.to_vec()));
}

#[test]
fn a_bomb_is_refused_in_words_while_others_are_served() {
    let server = server("compile-cpu-seconds = 1");
    // 42 s.
    let loops = functions(1, 0, &body(0, &blocks(LOOP, 14_000, &[])));
    // With enough calls of it, 25 s and 1.9 GB.
    let parameters = functions(1, 1_000, &body(0, &[]));
    let memory = entries(5, 1, b"\0\x80\x80\x04");
    let cut_off = guest("identity")[..30_000].to_vec();
    for (name, artifact, expected) in [
        ("loops", component_of(&loops), "100 loops nested"),
        (
            "parameters",
            component_of(&parameters),
            "64 parameters and results of a function",
        ),
        // 15 s and 7.8 GB.
        (
            "components",
            nested_components(20_000),
            "8 components nested",
        ),
        // 1,000,000,000 of them.
        ("instances", fan_out(30), "256 instances"),
        (
            "types",
            nested_types(1_000_000),
            "crashes the compiler: something in it is nested too deeply",
        ),
        ("memory", component_of(&[memory]), "does not compile"),
        ("cut-off", cut_off, "does not compile"),
        // Of CPU or, on a machine that is busy, by the clock.
        ("slow", slow(), "takes more than"),
    ] {
        refused(&server, name, artifact, expected);
    }
    serves(&server);
}

#[test]
fn a_compiler_that_needs_too_much_memory_is_stopped() {
    let server = server("compile-memory-bytes = 268435456");
    refused(&server, "hungry", hungry(), "needs more than 256 MiB");
    serves(&server);
}

/// The scheduling policies, as the kernel numbers them.
#[cfg(target_os = "linux")]
const SCHED_OTHER: i64 = 0;
#[cfg(target_os = "linux")]
const SCHED_IDLE: i64 = 5;

/// What the kernel knows of a process.
#[cfg(target_os = "linux")]
fn process(id: u32, file: &str) -> Option<String> {
    let content = fs::read(format!("/proc/{id}/{file}")).ok()?;
    Some(String::from_utf8_lossy(&content).into_owned())
}

/// The compilers that the server has started.
#[cfg(target_os = "linux")]
fn compilers(server: &Server) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("the kernel tells");
    let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_its = |id: &u32| {
        let parent = format!("PPid:\t{}\n", server.id());
        process(*id, "status").is_some_and(|status| status.contains(&parent))
            && process(*id, "cmdline").is_some_and(|command| command.contains("compile"))
    };
    ids.filter(is_its).collect()
}

/// A field of what the kernel knows of a process, by its number in proc(5).
#[cfg(target_os = "linux")]
fn stat(id: u32, field: usize) -> Option<i64> {
    let stat = process(id, "stat")?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    after_name.split(' ').nth(field - 3)?.parse().ok()
}

/// Has the clients of a test end with it, also where it fails.
#[cfg(target_os = "linux")]
struct Over<'a>(&'a AtomicBool);

#[cfg(target_os = "linux")]
impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits until there is a compiler with that niceness and scheduling policy.
#[cfg(target_os = "linux")]
fn compiles(server: &Server, niceness: i64, policy: i64) {
    until("there is such a compiler", || {
        let compilers = compilers(server);
        let is_such = |id: &u32| stat(*id, 19) == Some(niceness) && stat(*id, 41) == Some(policy);
        compilers.iter().any(is_such).then_some(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_compiler_makes_way_for_everybody_until_it_would_get_nowhere() {
    let server = server("compile-cpu-seconds = 20");
    server.folder.replace("codecs/first.wasm", slow());
    compiles(&server, 2, SCHED_IDLE);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _over = Over(&is_over);
        let processors = thread::available_parallelism().map_or(4, usize::from);
        for _ in 0..2 * processors {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let second = [slow(), padding(16)].concat();
        server.folder.replace("codecs/second.wasm", second);
        compiles(&server, 2, SCHED_OTHER);
    });
    until("it has had its turn", || {
        let compilers = compilers(&server);
        let is_idle = |id: &u32| stat(*id, 41) == Some(SCHED_IDLE);
        compilers.iter().all(is_idle).then_some(())
    });
    serves(&server);
}

#[cfg(target_os = "linux")]
#[test]
fn a_compiler_has_nothing_of_the_server_s() {
    // A file that the server inherits without knowing of it, as from a careless shell.
    let server = Setup::config("codecs = \"codecs\"\n[limits]\ncompile-cpu-seconds = 20\n")
        .file("codecs/good.wasm", guest("identity"))
        .env("SECRET_KEY", "c2VjcmV0")
        .inheriting("/dev/null")
        .start();
    let files = |id| -> BTreeSet<u32> {
        let files = fs::read_dir(format!("/proc/{id}/fd"));
        let names = files
            .into_iter()
            .flatten()
            .filter_map(|file| file.ok()?.file_name().to_str()?.parse().ok());
        names.collect()
    };
    let is_null = |id, file: &u32| {
        fs::read_link(format!("/proc/{id}/fd/{file}")).is_ok_and(|path| path == *"/dev/null")
    };
    let inherited = |id| files(id).iter().any(|file| *file > 2 && is_null(id, file));
    assert!(
        inherited(server.id()),
        "the server has no such file, and this proves nothing"
    );
    assert!(process(server.id(), "environ").is_some_and(|text| text.contains("SECRET_KEY")));

    server.folder.replace("codecs/slow.wasm", slow());
    // Its limits are the last things that it sets before it reads.
    let id = until("a compiler is at work", || {
        let id = *compilers(&server).first()?;
        process(id, "status")?
            .contains("NoNewPrivs:\t1")
            .then_some(id)
    });
    // The allocator's setting, and that is all.
    assert_eq!(
        process(id, "environ").as_deref(),
        Some("MIMALLOC_ARENA_EAGER_COMMIT=0\0")
    );
    assert!(!inherited(id), "it has {:?}", files(id));
    let limits = process(id, "limits").expect("it is at work");
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name));
        let mut words = line.expect("a limit")[26..].split_whitespace();
        words.next().expect("a value").to_owned()
    };
    assert_eq!(limit("Max cpu time"), "20");
    assert_eq!(limit("Max data size"), (1u64 << 30).to_string());
    assert_eq!(limit("Max core file size"), "0");
    assert_eq!(stat(id, 5), Some(id.into()), "a process group of its own");

    // It ends with the server, however that ends.
    drop(server);
    until("the compiler has ended", || {
        process(id, "cmdline")
            .is_none_or(|command| !command.contains("compile"))
            .then_some(())
    });
}
