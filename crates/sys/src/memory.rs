//! How much memory there is for this process, and how much it has. Files of `/proc` and `/sys` alone.

use std::io;
use std::path::Path;
use std::{fmt, fs};

/// What the process may have before somebody kills it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// In bytes.
    pub bytes: u64,
    /// Who says so.
    pub source: MemorySource,
}

/// Who sets the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemorySource {
    /// A control group, version 2: a container, a unit of systemd.
    CgroupV2,
    /// A control group, version 1.
    CgroupV1,
    /// Nobody: it is all that the machine has.
    Machine,
}

impl fmt::Display for MemorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CgroupV2 => "cgroup v2",
            Self::CgroupV1 => "cgroup v1",
            Self::Machine => "machine",
        })
    }
}

/// The least of what the process's control groups and the machine allow; `None` where `/proc` does not say.
pub fn memory_limit() -> Option<MemoryLimit> {
    memory_limit_under(Path::new("/"))
}

/// Bytes of memory that the process has in the machine's (not what it has reserved).
///
/// # Errors
/// `/proc/self/statm` cannot be read.
pub fn resident_bytes() -> io::Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split_ascii_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    let pages = pages.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/self/statm"))?;
    Ok(pages * page_bytes())
}

fn page_bytes() -> u64 {
    // SAFETY: takes a number and answers a number; touches no memory of ours.
    #[allow(unsafe_code, reason = "no safe wrapper in the standard library")]
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    // It cannot fail for this name; 4 KiB is right on most machines all the same.
    u64::try_from(bytes).unwrap_or(4096)
}

/// `root` is `/`, or a copy of one in a test.
fn memory_limit_under(root: &Path) -> Option<MemoryLimit> {
    let machine = machine_bytes(root).map(|bytes| MemoryLimit { bytes, source: MemorySource::Machine });
    // On a tie, and where version 1 writes "no limit" as a huge number, the machine is named.
    machine.into_iter().chain(cgroup_limits(root)).min_by_key(|limit| limit.bytes)
}

fn machine_bytes(root: &Path) -> Option<u64> {
    let meminfo = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Every limit on the way from the process's own groups up: the least of them is the one that is met first.
fn cgroup_limits(root: &Path) -> Vec<MemoryLimit> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    // Lines `id:controllers:/path`; version 2 is the one with id 0 and no controllers.
    let lines = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        Some((parts.next()?, parts.next()?, parts.next()?))
    });
    lines
        .flat_map(|(id, controllers, path)| {
            let (source, base, file) = if id == "0" && controllers.is_empty() {
                (MemorySource::CgroupV2, "sys/fs/cgroup", "memory.max")
            } else if controllers.split(',').any(|name| name == "memory") {
                (MemorySource::CgroupV1, "sys/fs/cgroup/memory", "memory.limit_in_bytes")
            } else {
                return Vec::new();
            };
            let limits = limits_upwards(&root.join(base), path, file);
            limits.into_iter().map(|bytes| MemoryLimit { bytes, source }).collect()
        })
        .collect()
}

/// The limits of `path` and all groups above it. Inside a container `path` may be one of the host that is not there:
/// then only the top is, which is the container's own.
fn limits_upwards(base: &Path, path: &str, file: &str) -> Vec<u64> {
    let group = Path::new(path.trim_start_matches('/'));
    let limit = |group: &Path| fs::read_to_string(base.join(group).join(file)).ok()?.trim().parse().ok();
    group.ancestors().filter_map(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    /// A machine of 8 GiB with these further files.
    fn limit_of(files: &[(&str, &str)]) -> Option<MemoryLimit> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in
            [("proc/meminfo", "MemTotal:        8388608 kB\nMemFree: 1 kB\n")].iter().chain(files)
        {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        memory_limit_under(root.path())
    }

    fn check(files: &[(&str, &str)], bytes: u64, source: MemorySource) {
        assert_eq!(limit_of(files), Some(MemoryLimit { bytes, source }), "{files:?}");
    }

    #[test]
    fn without_a_limit_it_is_the_machine() {
        check(&[], 8 * GIB, MemorySource::Machine);
        check(
            &[("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "max\n")],
            8 * GIB,
            MemorySource::Machine,
        );
        let unlimited = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        check(&[("proc/self/cgroup", "4:memory:/\n"), unlimited], 8 * GIB, MemorySource::Machine);
    }

    #[test]
    fn the_least_limit_on_the_way_up_holds() {
        let groups = ("proc/self/cgroup", "0::/system.slice/longwire.service\n");
        let own = ("sys/fs/cgroup/system.slice/longwire.service/memory.max", "3221225472\n");
        let slice = ("sys/fs/cgroup/system.slice/memory.max", "2147483648\n");
        check(&[groups, own], 3 * GIB, MemorySource::CgroupV2);
        check(&[groups, own, slice], 2 * GIB, MemorySource::CgroupV2);
    }

    #[test]
    fn version_1_is_read_where_it_is_what_there_is() {
        let groups = ("proc/self/cgroup", "11:cpu,memory:/docker/abc\n0::/\n");
        let top = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");
        check(&[groups, top], GIB, MemorySource::CgroupV1);
        let both = ("sys/fs/cgroup/memory.max", "536870912\n");
        check(&[groups, top, both], GIB / 2, MemorySource::CgroupV2);
    }

    #[test]
    fn nonsense_is_no_limit() {
        let groups = ("proc/self/cgroup", "garbage\n0::\n:::\n7:memory\n");
        check(&[groups, ("sys/fs/cgroup/memory.max", "many\n")], 8 * GIB, MemorySource::Machine);
        assert_eq!(limit_of(&[("proc/meminfo", "")]), None);
    }

    #[test]
    fn this_process_has_memory_within_its_limit() {
        let resident = resident_bytes().unwrap();
        assert!(resident > 100_000, "{resident}");
        assert!(memory_limit().unwrap().bytes > resident);
    }
}
