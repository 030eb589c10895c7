//! The allocator's own books: what is in use, and giving back what is not.

/// Gives what the allocator holds free back to the kernel; where it cannot, does nothing.
///
/// glibc keeps what was freed for the next allocation: after a storm of connections or rooms the process would stay as
/// large as it ever was, and a bound on resident memory would never be left again. Takes milliseconds for a large
/// heap, during which other threads' allocations may wait: call it rarely.
pub fn release_free_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: `malloc_trim` takes no pointer and touches nothing but the allocator's own free lists, under its own
    // locks (malloc_trim(3): MT-Safe). It is glibc's, which is what `target_env = "gnu"` says we are linked with; a
    // program with another global allocator is none the worse for it.
    #[allow(unsafe_code)]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Bytes of the heap that are in use, Rust's and C's together; 0 where the allocator does not tell.
///
/// For measurements: it walks the free lists.
#[must_use]
pub fn heap_bytes_in_use() -> u64 {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: `mallinfo2` takes no pointer and returns plain numbers, read under the allocator's own locks
        // (mallinfo(3)). It is glibc's, of 2.33 and later.
        #[allow(unsafe_code)]
        let info = unsafe { libc::mallinfo2() };
        (info.uordblks + info.hblkhd) as u64
    }
    #[cfg(not(target_env = "gnu"))]
    0
}
