//! The limit of open files.

use std::io;

/// How many descriptors the process may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFiles {
    /// The limit before.
    pub before: u64,
    /// The limit in force now.
    pub now: u64,
}

/// Raises the soft limit of open files to the hard one, which any process may.
///
/// The soft limit is 1,024 nearly everywhere, for the sake of programs that use `select`; this one does not.
///
/// # Errors
/// What the kernel answers; the limit is then what it was.
pub fn raise_open_files() -> io::Result<OpenFiles> {
    let limit = open_files()?;
    if limit.rlim_cur < limit.rlim_max {
        set_open_files(libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max })?;
    }
    Ok(OpenFiles { before: limit.rlim_cur, now: open_files()?.rlim_cur })
}

fn open_files() -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live, writable rlimit of our own, which the call fills and does not keep.
    #[allow(unsafe_code, reason = "no safe wrapper in the standard library")]
    let answer = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    if answer == 0 { Ok(limit) } else { Err(io::Error::last_os_error()) }
}

fn set_open_files(limit: libc::rlimit) -> io::Result<()> {
    // SAFETY: the pointer is to a live rlimit, which the call reads and does not keep. Raising the limit touches no
    // descriptor that is open.
    #[allow(unsafe_code, reason = "no safe wrapper in the standard library")]
    let answer = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let hard = open_files().unwrap().rlim_max;
        let lowered = libc::rlimit { rlim_cur: hard.min(256), rlim_max: hard };
        set_open_files(lowered).unwrap();
        assert_eq!(raise_open_files().unwrap(), OpenFiles { before: hard.min(256), now: hard });
        assert_eq!(raise_open_files().unwrap(), OpenFiles { before: hard, now: hard });
    }
}
