//! What the kernel says of processes, threads and the machine: files of `/proc` alone.

use std::fs;

use serde::Serialize;

/// Ticks a second in `/proc/PID/stat`: USER_HZ, which is 100 on every Linux but that of Alpha.
const TICKS_A_SECOND: f64 = 100.0;

/// CPU time that a process has used so far, user and system, all its threads; `None` where there is no such process.
///
/// In ticks of 10 ms: over five seconds of one core that is an error of 0.2 %.
pub(crate) fn cpu_seconds(pid: u32) -> Option<f64> {
    ticks_of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn ticks_of(stat: &str) -> Option<f64> {
    let behind_name = stat.rsplit_once(')')?.1; // a name may hold anything, parentheses too
    let field = |at: usize| behind_name.split_ascii_whitespace().nth(at)?.parse::<u64>().ok();
    Some((field(11)? + field(12)?) as f64 / TICKS_A_SECOND)
}

/// Memory that a process has in the machine's, in bytes.
pub(crate) fn resident_bytes(pid: u32) -> Option<u64> {
    kib_of(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, "VmRSS:")
}

/// What the kernel holds for sockets and their files: its slabs, and the pages of TCP's queues. Of the whole machine:
/// only differences mean anything, and only where nobody else opens or closes much.
pub(crate) fn kernel_bytes() -> Option<u64> {
    let slab = kib_of(&fs::read_to_string("/proc/meminfo").ok()?, "Slab:")?;
    Some(slab + tcp_pages(&fs::read_to_string("/proc/net/sockstat").ok()?)? * 4096)
}

fn tcp_pages(sockstat: &str) -> Option<u64> {
    let mut words = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"))?.split_ascii_whitespace();
    words.find(|word| *word == "mem")?;
    words.next()?.parse().ok()
}

fn kib_of(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// CPU time of the calling thread so far, in nanoseconds.
pub(crate) fn thread_cpu_ns() -> Option<u64> {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    schedstat.split_ascii_whitespace().next()?.parse().ok()
}

/// Where figures come from: they mean nothing without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// How many of them there are.
    pub cores: usize,
    /// The kernel's release.
    pub kernel: String,
}

impl Machine {
    pub(crate) fn of_this() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processors = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
        let name = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: name.map_or("unknown", |(_, name)| name).trim().to_owned(),
            cores: processors.max(1),
            kernel: kernel.trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_proc_are_read_as_they_are_written() {
        let stat = "7 (a) (b c) S 1 7 7 0 -1 4194304 9 0 0 0 150 50 3 4 20 0 1 0 5 6 7";
        assert_eq!(ticks_of(stat), Some(2.0));
        assert_eq!(ticks_of("7 (a) S 1"), None);
        assert_eq!(kib_of("Name:\tx\nVmRSS:\t    12 kB\n", "VmRSS:"), Some(12 * 1024));
        assert_eq!(kib_of("Name:\tx\n", "VmRSS:"), None);
        assert_eq!(tcp_pages("sockets: used 3\nTCP: inuse 1 orphan 0 tw 0 alloc 2 mem 17\n"), Some(17));
        assert_eq!(tcp_pages("UDP: inuse 0 mem 0\n"), None);
    }

    #[test]
    fn this_process_and_thread_can_be_measured() {
        let pid = std::process::id();
        assert!(resident_bytes(pid).unwrap() > 100_000);
        assert!(cpu_seconds(pid).unwrap() >= 0.0);
        assert!(thread_cpu_ns().unwrap() > 0);
        assert!(kernel_bytes().unwrap() > 0);
        assert!(cpu_seconds(u32::MAX).is_none());
        assert!(!Machine::of_this().kernel.is_empty());
    }
}
