//! What a process may ask for the processes that it starts.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The process that `command` starts is killed when the thread that starts it ends, by whatever it ends: a server that
/// was started for a measurement must not outlive a tool that was killed. (`PR_SET_PDEATHSIG`; the kernel means the thread.)
pub fn end_with_parent(command: &mut Command) {
    let parent = std::process::id();
    let ask = move || {
        // SAFETY: both calls take and answer numbers, and touch no memory of ours.
        #[allow(unsafe_code, reason = "no safe wrapper in the standard library")]
        let (asked, now) = unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL), libc::getppid()) };
        match asked {
            0 if now as u32 == parent => Ok(()),
            0 => Err(io::Error::from(io::ErrorKind::Interrupted)), // it ended before it could be told
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: between fork and exec only what is safe in a signal handler may be called: `ask` makes two system calls,
    // allocates nothing and takes no lock.
    #[allow(unsafe_code, reason = "the standard library calls this unsafe by its contract")]
    unsafe {
        command.pre_exec(ask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn a_child_ends_with_the_thread_that_started_it() {
        let started = std::thread::spawn(|| {
            let mut command = Command::new("sleep");
            end_with_parent(command.arg("600"));
            command.spawn().unwrap()
        });
        let mut child = started.join().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    }
}
