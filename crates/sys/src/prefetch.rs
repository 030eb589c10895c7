//! Memory that is about to be read.

/// The part of memory that a processor fetches at once, nearly everywhere.
const LINE_BYTES: usize = 64;
/// Lines asked for in one call: processors keep about a dozen fetches under way, and drop or wait for what is beyond.
const LINES_MAX: usize = 12;

/// Asks the processor to have `place` at hand soon, at most its first `LINES_MAX` lines, and does not wait for it.
///
/// A hint: nothing is read, and where the processor (or this crate, for it) knows no such thing, nothing happens.
/// Worth it where what comes before the use takes longer than a memory access, about 100 ns, and `place` is likely in no
/// cache.
#[inline]
pub fn prefetch<T>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let from = std::ptr::from_ref(place).cast::<i8>();
        for line in 0..size_of::<T>().div_ceil(LINE_BYTES).min(LINES_MAX) {
            // SAFETY: a prefetch faults for no address and changes no memory (Intel's manual, volume 2, PREFETCHh: "a hint
            // [that] does not affect program behavior"); the address is computed without claiming that it is in bounds.
            #[allow(unsafe_code)]
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(line * LINE_BYTES));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (place, LINE_BYTES, LINES_MAX);
}

#[cfg(test)]
mod tests {
    use super::prefetch;

    #[test]
    fn whatever_is_asked_for_stays_as_it_is() {
        let (nothing, little, large) = ((), 7_u8, vec![[3_u8; 4096]; 2]);
        prefetch(&nothing);
        prefetch(&little);
        large.iter().for_each(prefetch);
        assert_eq!((nothing, little), ((), 7));
        assert!(large.iter().flatten().all(|byte| *byte == 3));
    }
}
