//! The servers that a comparison starts for itself: this same binary, as Longwire and as the bare loop.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::pin::Pinned;

/// How long a server may take to be ready.
const READY_MAX: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(10);

/// A server of ours; dropping it ends it, and so does the end of this process, however it comes.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The bare loop: it says where it listens on stdout, and ends with its stdin, so with us.
    pub(crate) fn bare(exe: &Path, threads: usize, pinned: &Pinned) -> Result<Self, Failure> {
        let mut command = Command::new(exe);
        command.args(["bench", "bare-loop", "--threads", &threads.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        longwire_sys::end_with_parent(&mut command);
        let failed = |why: String| Failure::Child { which: "bare", why };
        let mut child = pinned.on_server(|| command.spawn())?.map_err(|err| failed(err.to_string()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut line); // nothing read is no address
        }
        let address = line.trim().parse();
        let address =
            address.map_err(|_| failed(format!("it said {:?} and not where it listens", line.trim())));
        let mut server = Self { child, address: SocketAddr::from(([0; 4], 0)) };
        server.address = address?;
        Ok(server)
    }

    /// Longwire with its defaults; more than one shard where one table of descriptors does not hold all `connections`.
    /// What the environment sets for other runs is not passed on.
    pub(crate) fn longwire(
        exe: &Path,
        shards: usize,
        connections: usize,
        pinned: &Pinned,
    ) -> Result<Self, Failure> {
        let ports = PortsFile::new();
        let mut command = Command::new(exe);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LONGWIRE_") {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error"]);
        command.args(["--shards", &shards.to_string()]);
        if shards > 1 {
            command.args(["--set", &format!("server.connections_max={connections}")]);
        }
        command.arg("--ports-file");
        command.arg(&ports.0).stdin(Stdio::null()).stdout(Stdio::null());
        longwire_sys::end_with_parent(&mut command);
        let failed = |why: String| Failure::Child { which: "Longwire", why };
        let child = pinned.on_server(|| command.spawn())?.map_err(|err| failed(err.to_string()))?;
        let mut server = Self { child, address: SocketAddr::from(([0; 4], 0)) };
        let deadline = Instant::now() + READY_MAX;
        while Instant::now() < deadline {
            if let Some(address) = ports.address() {
                server.address = address;
                return Ok(server);
            }
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(failed(format!("it ended with {status}")));
            }
            std::thread::sleep(LOOK);
        }
        Err(failed(format!("it is not ready after {} s", READY_MAX.as_secs())))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What it would say of its end interests nobody.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where Longwire writes its address; gone when it has been read.
struct PortsFile(PathBuf);

impl PortsFile {
    fn new() -> Self {
        use std::hash::{BuildHasher, RandomState};
        let name =
            format!("longwire-bench-{}-{:016x}.json", std::process::id(), RandomState::new().hash_one(0));
        Self(std::env::temp_dir().join(name))
    }

    /// `{"listen":["127.0.0.1:7610"]}`, written as a whole.
    fn address(&self) -> Option<SocketAddr> {
        let text = std::fs::read_to_string(&self.0).ok()?;
        text.split('"').find_map(|part| part.parse().ok())
    }
}

impl Drop for PortsFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0); // it may never have been written
    }
}
