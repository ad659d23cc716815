//! What the standard library would link of libc, to say last words.
//!
//! Nothing here is called unless the codec panics. Then std looks for `RUST_BACKTRACE` and writes a
//! message to standard error, which wasi-libc does with thirteen WASI interfaces; every one of them
//! is linked and unlinked with every instance, for about a quarter of what a small call takes. A
//! panic of this codec is a silent trap instead, and the component imports what it uses.
//!
//! libc's allocator is replaced for another reason: it would hand out the addresses that
//! [`crate::memory`] does. Whatever of libc asks for memory gets none.
#![allow(
    unsafe_code,
    reason = "the symbols are those that libc would define otherwise"
)]

use core::arch::wasm32::unreachable;
use core::ffi::{c_char, c_int, c_void};
use core::ptr::null_mut;

/// There is no memory.
const ENOMEM: c_int = 48;

#[unsafe(no_mangle)]
extern "C" fn abort() -> ! {
    unreachable()
}

#[unsafe(no_mangle)]
extern "C" fn getenv(_name: *const c_char) -> *mut c_char {
    null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn write(_file: c_int, _bytes: *const c_void, size: usize) -> isize {
    size.cast_signed()
}

#[unsafe(no_mangle)]
extern "C" fn malloc(_size: usize) -> *mut c_void {
    null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn calloc(_count: usize, _size: usize) -> *mut c_void {
    null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn realloc(_block: *mut c_void, _size: usize) -> *mut c_void {
    null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn aligned_alloc(_align: usize, _size: usize) -> *mut c_void {
    null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn posix_memalign(_block: *mut *mut c_void, _align: usize, _size: usize) -> c_int {
    ENOMEM
}

#[unsafe(no_mangle)]
extern "C" fn free(_block: *mut c_void) {}
