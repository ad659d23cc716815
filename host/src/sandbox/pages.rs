//! The pages that guests' memories are made of.
//!
//! What takes time where a guest fills a large memory is not the filling but the kernel's handing
//! out of sixteen thousand pages. So the pools' addresses are marked as worth large pages: where a
//! memory grows beyond 2 MiB it takes a few dozen. Smaller memories, which is to say almost all,
//! have small pages as before.

use rustix::mm::{Advice, madvise};

/// Only a pool takes as many addresses in one piece.
const POOL_BYTES: usize = 1 << 36;

/// Has large pages used in all pools that are there. Without, everything works, and is slower.
pub(super) fn enlarge() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (begin, end) in maps.lines().filter_map(unused) {
        if end - begin >= POOL_BYTES {
            // SAFETY: the advice changes nothing about what memory holds or who may use it.
            #[expect(unsafe_code, reason = "it has no safe wrapper")]
            let _ = unsafe { madvise(begin as *mut _, end - begin, Advice::LinuxHugepage) };
        }
    }
}

/// Where a mapping begins and ends, if it is one of addresses only: `7f00-7f80 ---p 0 00:00 0`.
fn unused(line: &str) -> Option<(usize, usize)> {
    let (addresses, rest) = line.split_once(' ')?;
    let (begin, end) = addresses.split_once('-')?;
    let address = |digits| usize::from_str_radix(digits, 16).ok();
    rest.starts_with("---p")
        .then_some((address(begin)?, address(end)?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::read_to_string;

    use crate::sandbox::Engine;

    #[test]
    fn a_pool_has_large_pages_where_the_kernel_knows_of_them() {
        let _engine = Engine::new().unwrap();
        let is_known = std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists();
        let maps = read_to_string("/proc/self/smaps").unwrap();
        let is_marked = |line: &str| line.starts_with("VmFlags:") && line.contains(" hg");
        assert_eq!(maps.lines().any(is_marked), is_known);
    }
}
