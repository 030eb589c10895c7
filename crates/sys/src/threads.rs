//! What a thread can have for itself: a table of descriptors, a set of processors.

use std::io;
use std::mem::size_of;

/// Gives the calling thread a table of descriptors of its own: a copy of the process's, which from here on changes alone.
///
/// The limit of open files bounds each table, so that threads together can hold more than one. What was open before
/// means the same in both tables. A descriptor that is opened afterwards is a number without a meaning to other
/// threads: none may be handed over in either direction, neither to be used nor to be dropped. So a thread calls this
/// before it opens anything, and opens what it shares (an epoll that others wake) before it calls this.
///
/// # Errors
/// What the kernel answers; some containers forbid it. The table is then still the shared one.
pub fn own_file_table() -> io::Result<()> {
    // SAFETY: takes a number, touches no memory of ours. The descriptors that this thread owns stay open and keep their
    // numbers, in the copy; those of other threads are untouched. That numbers do not cross threads afterwards is the
    // caller's to keep: breaking it confuses files, never memory.
    #[allow(unsafe_code, reason = "no safe wrapper in the standard library")]
    let answer = unsafe { libc::unshare(libc::CLONE_FILES) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The processors that the calling thread may run on, in ascending order.
///
/// # Errors
/// What the kernel answers: on a machine of more than 1,024 processors, that the set is too small.
pub fn allowed_cpus() -> io::Result<Vec<usize>> {
    let mut set = [0u64; CPU_WORDS];
    // SAFETY: the pointer is to a live array of our own of exactly the size that is stated; the call fills it and does
    // not keep it. An array of u64 has the layout and the alignment of cpu_set_t (an array of unsigned long).
    #[allow(unsafe_code, reason = "no safe wrapper in the standard library")]
    let answer = unsafe { libc::sched_getaffinity(0, size_of::<CpuSet>(), (&raw mut set).cast()) };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((0..CPU_WORDS * 64).filter(|cpu| set[cpu / 64] >> (cpu % 64) & 1 == 1).collect())
}

/// Keeps the calling thread on these processors, and with it all threads and processes that it starts from here on.
///
/// # Errors
/// None of them is there, or is allowed.
pub fn pin_to_cpus(cpus: &[usize]) -> io::Result<()> {
    let mut set = [0u64; CPU_WORDS];
    for cpu in cpus {
        let word = set.get_mut(cpu / 64).ok_or(io::ErrorKind::InvalidInput)?;
        *word |= 1 << (cpu % 64);
    }
    // SAFETY: the pointer is to a live array of exactly the size that is stated, which the call reads and does not keep;
    // its layout is that of cpu_set_t. Where a thread runs touches no memory.
    #[allow(unsafe_code, reason = "no safe wrapper in the standard library")]
    let answer = unsafe { libc::sched_setaffinity(0, size_of::<CpuSet>(), (&raw const set).cast()) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// 1,024 processors, as many as cpu_set_t has.
const CPU_WORDS: usize = 16;
type CpuSet = [u64; CPU_WORDS];
const _: () = assert!(size_of::<CpuSet>() == size_of::<libc::cpu_set_t>());
const _: () = assert!(align_of::<CpuSet>() >= align_of::<libc::cpu_set_t>());

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::fd::AsRawFd;
    use std::path::Path;

    #[test]
    fn a_table_of_its_own_hides_what_the_thread_opens() {
        let before = fs::File::open("/proc/self/status").unwrap();
        let shared = before.as_raw_fd();
        let seen = std::thread::spawn(move || {
            own_file_table().unwrap();
            let opened = fs::File::open("/proc/self/status").unwrap();
            let number = opened.as_raw_fd();
            let here = |number: i32| Path::new(&format!("/proc/thread-self/fd/{number}")).exists();
            assert!(here(number) && here(shared));
            // /proc/self is the first thread, whose table this thread has left
            let own = fs::read_link(format!("/proc/thread-self/fd/{number}")).unwrap();
            let other = fs::read_link(format!("/proc/self/fd/{number}")).ok();
            (own, other)
        });
        let (own, other) = seen.join().unwrap();
        assert_ne!(Some(own), other);
    }

    #[test]
    fn a_pinned_thread_and_its_children_stay_where_they_are_put() {
        let all = allowed_cpus().unwrap();
        assert!(!all.is_empty());
        let last = *all.last().unwrap();
        let pinned = std::thread::spawn(move || {
            pin_to_cpus(&[last]).unwrap();
            std::thread::spawn(allowed_cpus).join().unwrap().unwrap()
        });
        assert_eq!(pinned.join().unwrap(), [last]);
        assert_eq!(allowed_cpus().unwrap(), all, "of this thread nothing was said");
        assert!(pin_to_cpus(&[]).is_err());
        assert!(pin_to_cpus(&[1 << 20]).is_err());
    }
}
