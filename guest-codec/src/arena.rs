//! Where blocks of memory go: the arithmetic of the component's allocator.
//!
//! Blocks are placed one after the other. The last one can grow, shrink and be freed where it
//! is; of the others only large ones are kept to be used again, the rest is left lying until no
//! block is taken any more. That is right only because a call takes back all that it took, and
//! an instance lives for one call, or begins each of them with nothing.

/// Blocks of at least this many bytes are used again: there are few of them, and they are what
/// memory runs out by.
const LARGE: usize = 16 << 10;

/// How many large free blocks are remembered. A payload leaves at most four behind: as it came
/// and was opened, inflated, and a compressor's buffers.
const SPARES: usize = 8;

/// Memory is asked for in larger pieces than is needed, since asking is dear: half as much again
/// as there is, but not more than this, or a large list would hit the limit with room to spare.
const GREATEST_PIECE: usize = 1 << 20;

/// Room for what is small and placed after what memory is asked for.
const BESIDE: usize = 4 << 10;

/// Which addresses are taken. All sizes are in bytes, and all alignments powers of two.
#[derive(Debug, Default)]
pub struct Arena {
    /// Blocks that are taken.
    taken: usize,
    /// Where blocks begin.
    start: usize,
    /// Where the next block can begin.
    next: usize,
    /// Where memory ends.
    end: usize,
    /// What lies behind was never part of a block, and is zero.
    untouched: usize,
    /// Large blocks that were freed.
    spares: [Spare; SPARES],
}

/// The next address that is a multiple of that power of two, without the division that dividing by
/// anything else would take.
fn aligned(at: usize, align: usize) -> Option<usize> {
    let below = align - 1;
    Some(at.checked_add(below)? & !below)
}

#[derive(Clone, Copy, Debug, Default)]
struct Spare {
    at: usize,
    size: usize,
}

impl Arena {
    /// An arena of nothing.
    pub const fn new() -> Self {
        Self {
            taken: 0,
            start: 0,
            next: 0,
            end: 0,
            untouched: 0,
            spares: [Spare { at: 0, size: 0 }; SPARES],
        }
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Adds memory, which must be zero. If it does not begin where the memory so far ends, blocks
    /// are placed in the new memory only: what is between is somebody else's.
    pub fn add(&mut self, at: usize, size: usize) {
        if at != self.end {
            self.start = at;
            self.next = at;
            self.untouched = at;
        }
        self.end = at + size;
    }

    /// Places a block, if it fits. The flag says whether it is known to be zero.
    pub fn allocate(&mut self, size: usize, align: usize) -> Option<(usize, bool)> {
        if size >= LARGE
            && let Some(at) = self.take_spare(size, align)
        {
            self.taken += 1;
            return Some((at, false));
        }
        let at = aligned(self.next, align)?;
        let end = at.checked_add(size)?;
        if end > self.end {
            return None;
        }
        let zero = at >= self.untouched;
        self.taken += 1;
        self.next = end;
        self.untouched = self.untouched.max(end);
        Some((at, zero))
    }

    /// Gives a block another size where it is, if that is possible.
    pub fn resize(&mut self, at: usize, size: usize, wanted: usize) -> bool {
        if !self.is_last(at, size) {
            return wanted <= size;
        }
        match at.checked_add(wanted) {
            Some(end) if end <= self.end => {
                self.next = end;
                self.untouched = self.untouched.max(end);
                true
            }
            _ => false,
        }
    }

    /// Takes a block back.
    pub fn free(&mut self, at: usize, size: usize) {
        self.taken = self.taken.saturating_sub(1);
        if self.taken == 0 {
            self.next = self.start;
            self.spares = [Spare::default(); SPARES];
        } else if self.is_last(at, size) {
            self.next = at;
        } else if size >= LARGE {
            self.keep_spare(at, size);
        }
    }

    /// How much memory to add, at least and at best, for that many bytes more to fit at the end: best
    /// with something small beside them.
    pub fn missing(&self, bytes: usize) -> (usize, usize) {
        let least = bytes.saturating_sub(self.end - self.next);
        let best = (self.end / 2).min(GREATEST_PIECE);
        (least, best.max(least.saturating_add(BESIDE)))
    }

    /// Whether the block is the last one: all that keeps it from growing is the end of memory.
    pub fn is_last(&self, at: usize, size: usize) -> bool {
        at + size == self.next
    }

    /// Remembers a free block, in place of the smallest one if there are too many.
    #[cold]
    fn keep_spare(&mut self, at: usize, size: usize) {
        let smallest = self.spares.iter_mut().min_by_key(|spare| spare.size);
        if let Some(spare) = smallest.filter(|spare| spare.size < size) {
            *spare = Spare { at, size };
        }
    }

    /// The smallest spare block that will do. What is left of it stays a spare.
    #[cold]
    fn take_spare(&mut self, size: usize, align: usize) -> Option<usize> {
        let fitting = self.spares.iter_mut().filter_map(|spare| {
            let at = aligned(spare.at, align)?;
            let end = at.checked_add(size)?;
            (end <= spare.at + spare.size).then_some((spare, at, end))
        });
        let (spare, at, end) = fitting.min_by_key(|(spare, ..)| spare.size)?;
        *spare = Spare {
            at: end,
            size: spare.at + spare.size - end,
        };
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arena(size: usize) -> Arena {
        let mut arena = Arena::new();
        arena.add(1000, size);
        arena
    }

    #[test]
    fn blocks_are_aligned_and_fill_the_memory_to_its_end() {
        let mut arena = arena(1000);
        assert_eq!(arena.allocate(1, 1), Some((1000, true)));
        assert_eq!(arena.allocate(8, 8), Some((1008, true)));
        assert_eq!(arena.allocate(985, 1), None);
        assert_eq!(arena.allocate(984, 1), Some((1016, true)));
        assert_eq!(arena.allocate(1, 1), None);
        assert_eq!(arena.allocate(usize::MAX, 1), None);
        arena.add(2000, 10);
        assert_eq!(arena.allocate(10, 2), Some((2000, true)));
        // Somebody else took what is between.
        arena.add(3000, 10);
        assert_eq!(arena.allocate(10, 1), Some((3000, true)));
    }

    #[test]
    fn the_last_block_changes_in_place_and_others_do_not() {
        let mut arena = arena(1000);
        let (first, _) = arena.allocate(10, 1).expect("fits");
        let (last, _) = arena.allocate(10, 1).expect("fits");
        assert!(arena.resize(last, 10, 990) && !arena.resize(last, 990, 991));
        assert!(arena.resize(last, 990, 20) && arena.resize(first, 10, 9));
        assert!(!arena.resize(first, 9, 11));
        arena.free(last, 20);
        assert_eq!(arena.allocate(30, 1), Some((last, false)));
    }

    #[test]
    fn with_no_block_taken_it_begins_anew() {
        let mut arena = arena(10 * LARGE);
        let (first, _) = arena.allocate(LARGE, 1).expect("fits");
        let (second, _) = arena.allocate(10, 1).expect("fits");
        let (third, _) = arena.allocate(10, 1).expect("fits");
        arena.free(first, LARGE);
        arena.free(second, 10);
        arena.free(third, 10);
        assert_eq!(arena.allocate(LARGE, 1), Some((first, false)));
        // What was once part of a block is not known to be zero.
        assert_eq!(arena.allocate(LARGE, 1), Some((first + LARGE, false)));
        assert_eq!(arena.allocate(LARGE, 1), Some((first + 2 * LARGE, true)));
    }

    #[test]
    fn large_blocks_are_used_again_and_are_not_zero() {
        let mut arena = arena(10 * LARGE);
        let (large, _) = arena.allocate(2 * LARGE, 1).expect("fits");
        let (small, _) = arena.allocate(10, 1).expect("fits");
        let (last, _) = arena.allocate(10, 1).expect("fits");
        arena.free(large, 2 * LARGE);
        arena.free(small, 10);
        assert_eq!(arena.allocate(10, 1), Some((last + 10, true)));
        assert_eq!(arena.allocate(LARGE, 1), Some((large, false)));
        assert_eq!(arena.allocate(LARGE, 1), Some((large + LARGE, false)));
        assert_eq!(arena.allocate(LARGE, 1), Some((last + 20, true)));
    }

    #[test]
    fn blocks_never_overlap() {
        let mut arena = arena(0);
        let mut blocks: Vec<(usize, usize)> = Vec::new();
        let mut random = 1u32;
        let mut draw = |below: usize| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) as usize % below
        };
        for _ in 0..20_000 {
            if draw(3) == 0 && !blocks.is_empty() {
                let (at, size) = blocks.swap_remove(draw(blocks.len()));
                arena.free(at, size);
                continue;
            }
            if draw(3) == 0
                && let Some(block) = blocks.last_mut()
            {
                let wanted = 1 + draw(4 * LARGE);
                if arena.resize(block.0, block.1, wanted) {
                    block.1 = wanted;
                }
                continue;
            }
            let (size, align) = (1 + draw(4 * LARGE) / (1 + draw(999)), 1 << draw(5));
            let placed = arena.allocate(size, align).or_else(|| {
                let (least, best) = arena.missing(size + align);
                assert!(least <= best);
                arena.add(arena.end.max(4096), best);
                arena.allocate(size, align)
            });
            let (at, _) = placed.expect("there is room now");
            assert!(at % align == 0 && at + size <= arena.end);
            blocks.push((at, size));
            if blocks.len() > 40 {
                blocks.sort_unstable();
                let apart = |pair: &[(usize, usize)]| pair[0].0 + pair[0].1 <= pair[1].0;
                assert!(blocks.windows(2).all(apart));
                let (at, size) = blocks.swap_remove(draw(40));
                arena.free(at, size);
            }
        }
    }
}
