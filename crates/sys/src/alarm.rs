//! A moment to wake up at, as a descriptor: what epoll's own timeout, in whole milliseconds, is too coarse for.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

/// Becomes readable when its time is up; each ring is an edge for an edge-triggered epoll, nothing needs to be read.
#[derive(Debug)]
pub struct Alarm(OwnedFd);

impl Alarm {
    /// One that does not ring until it is told to.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new() -> io::Result<Self> {
        let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
        // SAFETY: takes two numbers and answers one; touches no memory of ours.
        #[allow(unsafe_code, reason = "no safe wrapper in the standard library")]
        let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above has just opened this descriptor, and nobody else knows its number.
        #[allow(unsafe_code, reason = "the descriptor gets its owner")]
        let owned = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self(owned))
    }

    /// Rings once, so long from now; an earlier order is forgotten. No time at all: as soon as can be.
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn ring_in(&self, wait: Duration) -> io::Result<()> {
        let wait = wait.max(Duration::from_nanos(1)); // zero would mean never
        let value = libc::timespec {
            tv_sec: wait.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        };
        let once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let order = libc::itimerspec { it_interval: once, it_value: value };
        // SAFETY: the descriptor is ours and open; the pointer is to a live itimerspec that the call reads and does not
        // keep; the second one may be null, which says that the earlier order is of no interest.
        #[allow(unsafe_code, reason = "no safe wrapper in the standard library")]
        let answer =
            unsafe { libc::timerfd_settime(self.0.as_raw_fd(), 0, &raw const order, ptr::null_mut()) };
        if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl AsRawFd for Alarm {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read;
    use std::time::Instant;

    /// How often it has rung since the last look, or `None`.
    fn rings(alarm: &Alarm) -> Option<u64> {
        let mut count = [0; 8];
        let mut file = File::from(alarm.0.try_clone().unwrap());
        file.read_exact(&mut count).ok().map(|()| u64::from_ne_bytes(count))
    }

    #[test]
    fn it_rings_once_and_not_before_its_time() {
        let alarm = Alarm::new().unwrap();
        assert_eq!(rings(&alarm), None);
        let wait = Duration::from_micros(300);
        let asked = Instant::now();
        alarm.ring_in(wait).unwrap();
        while rings(&alarm).is_none() {
            assert!(asked.elapsed() < Duration::from_secs(30), "it never rings");
        }
        assert!(asked.elapsed() >= wait);
        assert_eq!(rings(&alarm), None);
    }

    #[test]
    fn a_later_order_replaces_an_earlier_one() {
        let alarm = Alarm::new().unwrap();
        alarm.ring_in(Duration::ZERO).unwrap();
        alarm.ring_in(Duration::from_secs(3600)).unwrap();
        assert_eq!(rings(&alarm), None);
    }
}
