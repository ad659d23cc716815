//! The component's allocator: an [`Arena`] in the linear memory.
//!
//! A fresh instance is wiped memory, paid for by the page. This allocator begins where the linker's
//! data ends and fills what memory there is before it asks for more, which is dear.
//!
//! It must be the only one, since there is only one such place: libc's allocator would take the
//! same addresses. [`crate::libc`] keeps that out of the component.
#![allow(
    unsafe_code,
    reason = "an allocator is made of addresses, and the ABI knows it by a symbol"
)]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size, unreachable};
use core::cell::{Cell, UnsafeCell};
use core::ptr;

use crate::arena::Arena;

/// Bytes of a page of linear memory.
const PAGE: usize = 64 << 10;

#[global_allocator]
static MEMORY: OneThread<UnsafeCell<Arena>> = OneThread(UnsafeCell::new(Arena::new()));

/// Lists of at least this many bytes are handed in with room around them.
const ROOMY: usize = 4 << 10;

/// Bytes of room before such a list: for what begins a field of it, and a nonce.
const BEFORE: usize = 32;

/// Bytes of room behind it: for a tag, and metadata.
pub(crate) const BEHIND: usize = 288;

/// What the host is to have when it asks for memory.
static OFFERED: OneThread<Cell<Offer>> = OneThread(Cell::new(Offer::NONE));

#[derive(Clone, Copy)]
struct Offer {
    at: usize,
    bytes: usize,
    /// How many times the host asks for something else before.
    after: usize,
}

impl Offer {
    const NONE: Self = Self {
        at: 0,
        bytes: usize::MAX,
        after: 0,
    };
}

struct OneThread<T>(T);

// SAFETY: the component has one thread, since its target has no others.
unsafe impl<T> Sync for OneThread<T> {}

unsafe extern "C" {
    /// The linker's: from here to the end of the first memory nothing is placed.
    static __heap_base: u8;
}

impl OneThread<UnsafeCell<Arena>> {
    /// Lets `place` find a place, with more memory if there is none without.
    fn place<T>(&self, bytes: usize, place: impl Fn(&mut Arena) -> Option<T>) -> Option<T> {
        // SAFETY: no other reference to the arena is alive: there is one thread, and nothing
        // that is called from here allocates.
        let arena = unsafe { &mut *self.0.get() };
        place(arena).or_else(|| {
            more(arena, bytes)?;
            place(arena)
        })
    }

    fn allocate(&self, layout: Layout) -> Option<(*mut u8, bool)> {
        let (size, align) = (layout.size(), layout.align());
        let allocate = |arena: &mut Arena| arena.allocate(size, align);
        let (at, is_zero) = self.place(size.saturating_add(align), allocate)?;
        Some((ptr::with_exposed_provenance_mut(at), is_zero))
    }
}

/// Adds memory to the arena for that many bytes: what there is from the start, and then what can
/// be had.
#[cold]
fn more(arena: &mut Arena, bytes: usize) -> Option<()> {
    if arena.is_empty() {
        let base = (&raw const __heap_base).addr();
        arena.add(base, memory_size(0) * PAGE - base);
    }
    let (least, best) = arena.missing(bytes);
    if least == 0 {
        return Some(());
    }
    for bytes in [best, least] {
        let pages = bytes.div_ceil(PAGE);
        let before = memory_grow(0, pages);
        if before != usize::MAX {
            arena.add(before * PAGE, pages * PAGE);
            return Some(());
        }
    }
    None
}

// SAFETY: the arena places blocks in memory that is nobody else's, does not place a block where
// another is, and aligns them. It does not unwind.
unsafe impl GlobalAlloc for OneThread<UnsafeCell<Arena>> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.allocate(layout).map_or(ptr::null_mut(), |(at, _)| at)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some((at, is_zero)) = self.allocate(layout) else {
            return ptr::null_mut();
        };
        if !is_zero {
            // SAFETY: the block is that large, and nobody's yet.
            unsafe { at.write_bytes(0, layout.size()) };
        }
        at
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        self.place(0, |arena| {
            arena.free(at.addr(), layout.size());
            Some(())
        });
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let old = layout.size();
        let resized = self.place(size.saturating_sub(old), |arena| {
            let is_resized = arena.resize(at.addr(), old, size);
            // With more memory only the last block could be.
            (is_resized || !arena.is_last(at.addr(), old)).then_some(is_resized)
        });
        match resized {
            Some(true) => return at,
            Some(false) => {}
            None => return ptr::null_mut(),
        }
        // SAFETY: the caller's promise, that the size is not too large for a layout.
        let moved = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let Some((moved, _)) = self.allocate(moved) else {
            return ptr::null_mut();
        };
        // SAFETY: both blocks are at least as large as the smaller of them, and apart.
        unsafe { moved.copy_from_nonoverlapping(at, old.min(size)) };
        // SAFETY: the caller's promise, that it is a block of this allocator and layout.
        unsafe { self.dealloc(at, layout) };
        moved
    }
}

/// Has a list of the host's of so many bytes placed there, after so many others: to write to it is then
/// the host's.
pub(crate) fn offer(at: usize, bytes: usize, after: usize) {
    OFFERED.0.set(Offer { at, bytes, after });
}

/// Offers nothing any more.
pub(crate) fn withdraw() {
    OFFERED.0.set(Offer::NONE);
}

/// Where the host's list of so many bytes is to be, if that was said.
fn offered(bytes: usize) -> Option<usize> {
    let offer = OFFERED.0.get();
    if offer.after > 0 {
        let after = offer.after - 1;
        OFFERED.0.set(Offer { after, ..offer });
        return None;
    }
    (offer.bytes == bytes).then(|| {
        withdraw();
        offer.at
    })
}

/// The list of bytes that the host handed in there. Room behind it is its to grow.
///
/// # Safety
///
/// It is one, and nobody has it.
pub(crate) unsafe fn handed_in(at: usize, bytes: usize) -> Vec<u8> {
    if bytes == 0 {
        return Vec::new();
    }
    let capacity = if bytes >= ROOMY {
        bytes + BEHIND
    } else {
        bytes
    };
    // SAFETY: the caller's promise; so much was allocated for it.
    unsafe { Vec::from_raw_parts(ptr::with_exposed_provenance_mut(at), bytes, capacity) }
}

/// Whether a list that was handed in has so much room before it and behind it.
pub(crate) fn has_room(list: &[u8], before: usize, behind: usize) -> bool {
    list.len() >= ROOMY && before <= BEFORE && behind <= BEHIND
}

/// The list with so many bytes of the room before it and behind it. The rest of the room behind is
/// its to grow.
///
/// # Safety
///
/// It was handed in, and [has the room](has_room).
pub(crate) unsafe fn with_room(list: Vec<u8>, before: usize, behind: usize) -> Vec<u8> {
    let (at, length) = (list.as_ptr().addr() - before, before + list.len());
    core::mem::forget(list);
    let at = ptr::with_exposed_provenance_mut(at);
    // SAFETY: the caller's promise; for the arena a block is whatever is freed as one.
    unsafe { Vec::from_raw_parts(at, length + behind, length + BEHIND) }
}

/// Makes a block of what is at that address of a block, and lets the rest of that lie until no block
/// is taken. Traps if that is not a part of it.
pub(crate) fn part(block: Vec<u8>, at: usize, bytes: usize) -> Vec<u8> {
    if bytes == 0 {
        return Vec::new();
    }
    let begin = at.wrapping_sub(block.as_ptr().addr());
    if block.get(begin..begin.wrapping_add(bytes)).is_none() {
        unreachable();
    }
    core::mem::forget(block);
    // SAFETY: for the arena a block is whatever is freed as one; the bytes of this one were those of
    // another, whose owner is gone.
    unsafe { Vec::from_raw_parts(ptr::with_exposed_provenance_mut(at), bytes, bytes) }
}

/// What the canonical ABI allocates with: memory for lists and strings that the host hands in.
///
/// # Safety
///
/// As of `realloc`; a size of 0 is no block.
#[unsafe(export_name = "cabi_realloc")]
unsafe extern "C" fn cabi_realloc(at: *mut u8, old: usize, align: usize, size: usize) -> *mut u8 {
    if old == 0
        && let Some(at) = offered(size)
    {
        return ptr::with_exposed_provenance_mut(at);
    }
    if size == 0 {
        return ptr::without_provenance_mut(align);
    }
    let has_room = old == 0 && align == 1 && size >= ROOMY;
    let (before, behind) = if has_room { (BEFORE, BEHIND) } else { (0, 0) };
    let size = size.saturating_add(before + behind);
    // SAFETY: the canonical ABI's alignments are powers of two, and its sizes fit 32 bits.
    let layout =
        unsafe { Layout::from_size_align_unchecked(if old == 0 { size } else { old }, align) };
    let block = if old == 0 {
        // SAFETY: the size is not 0.
        unsafe { MEMORY.alloc(layout) }
    } else {
        // SAFETY: the caller's promise, that it is a block of this allocator and layout.
        unsafe { MEMORY.realloc(at, layout, size) }
    };
    if block.is_null() {
        unreachable();
    }
    block.wrapping_add(before)
}
