//! What the compiler's process does to itself before a byte of the artifact is read.

use rustix::process::{Resource, Rlimit, setrlimit};

use super::Priority;
use crate::limits::{CALL_CEILING, COMPILE_ASIDE, COMPILE_NICENESS, CompileLimits};

/// Gives up whatever a compiler does not need, before a byte of the artifact is read.
pub(super) fn confine(limits: CompileLimits, priority: Priority) -> std::io::Result<()> {
    close_inherited_files();
    let at_most = |resource, maximum: u64| {
        let limit = Rlimit {
            current: Some(maximum),
            maximum: Some(maximum),
        };
        setrlimit(resource, limit)
    };
    // The soft limit's signal says what happened; the hard one's, a second later, is SIGKILL.
    let cpu = Rlimit {
        current: Some(limits.cpu_seconds),
        maximum: Some(limits.cpu_seconds + 1),
    };
    setrlimit(Resource::Cpu, cpu)?;
    // Memory that can be written to. A limit on addresses (RLIMIT_AS) would count the gigabytes
    // that the pool reserves and never touches.
    at_most(Resource::Data, limits.memory_bytes)?;
    at_most(Resource::Core, 0)?;
    at_most(Resource::Nofile, 64)?;
    // It writes no files, but the kernel counts the images of guests' memories as such.
    at_most(Resource::Fsize, CALL_CEILING.memory_bytes as u64)?;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        set_parent_process_death_signal(Some(Signal::KILL))?;
        rustix::thread::set_no_new_privs(true)?;
        // Where memory is short, the kernel is to end this process and not the server.
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
        match priority {
            Priority::Idle => step_aside(),
            Priority::Low => {
                let later = std::thread::Builder::new().name("aside".into());
                later.spawn(|| {
                    std::thread::sleep(COMPILE_ASIDE);
                    step_aside();
                })?;
            }
        }
    }
    // Requests are served first: also where threads cannot be idle.
    rustix::process::nice(COMPILE_NICENESS)?;
    #[cfg(not(target_os = "linux"))]
    let _ = (priority, COMPILE_ASIDE);
    Ok(())
}

/// Lets everything else come first. A low priority alone still holds a core for milliseconds
/// while a request waits; idle threads, and those that they start, make way at once.
#[cfg(target_os = "linux")]
fn step_aside() {
    let threads = std::fs::read_dir("/proc/self/task");
    for thread in threads.into_iter().flatten().flatten() {
        let Some(id) = thread.file_name().to_str().and_then(|id| id.parse().ok()) else {
            continue;
        };
        let parameters = libc::sched_param { sched_priority: 0 };
        // SAFETY: the pointer is to a live `sched_param`, which the kernel only reads. Whether
        // the thread still exists does not matter.
        #[expect(unsafe_code, reason = "it has no safe wrapper")]
        unsafe {
            libc::sched_setscheduler(id, libc::SCHED_IDLE, &raw const parameters);
        }
    }
}

/// Closes what the server may have been started with and does not know of.
fn close_inherited_files() {
    let open = std::fs::read_dir("/proc/self/fd").or_else(|_| std::fs::read_dir("/dev/fd"));
    let open: Vec<i32> = open
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in open {
        // SAFETY: nothing in this process has opened a file yet, except the directory just
        // read, which is closed again; so nobody owns this number. (Closing one that is not
        // open does nothing.)
        #[expect(
            unsafe_code,
            reason = "the numbers are all that is known of these files"
        )]
        unsafe {
            rustix::io::close(number);
        }
    }
}
