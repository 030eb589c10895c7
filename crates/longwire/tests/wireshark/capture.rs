//! What passes over the loopback interface while a test talks, as the bytes of a capture file.

use crate::common::WAIT_MAX;
use std::io::Read;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// A running dumpcap. It is known to capture once it has shown us a datagram of our own.
pub(crate) struct Capture {
    child: Child,
    pieces: Receiver<Vec<u8>>,
    file: Vec<u8>,
    marks: UdpSocket,
    marked: SocketAddr,
}

impl Capture {
    /// Captures one TCP port, and returns once it does.
    pub(crate) fn of(port: u16) -> Self {
        // Nobody reads it: its port makes the marks ours.
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let marked = silent.local_addr().unwrap();
        let filter = format!("tcp port {port} or udp dst port {}", marked.port());
        let mut child = Command::new("dumpcap")
            .args(["-q", "-P", "-i", "lo", "-f", &filter, "-w", "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|err| {
                panic!("dumpcap does not start ({err}): `./test tools` installs it, or apt install tshark")
            });
        let (sender, pieces) = channel();
        let mut stdout = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            let mut piece = vec![0; 1 << 16];
            while let Ok(bytes @ 1..) = stdout.read(&mut piece) {
                if sender.send(piece[..bytes].to_vec()).is_err() {
                    break;
                }
            }
        });
        // The socket stays open behind the marks, or the kernel would answer them with errors.
        let mut capture = Self { child, pieces, file: Vec::new(), marks: silent, marked };
        capture.read_to_mark(b"longwire capture begins");
        capture
    }

    /// All that was captured, whole packets alone, as a capture file.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.read_to_mark(b"longwire capture ends");
        std::mem::take(&mut self.file)
    }

    /// Sends a mark again and again until it is in the file: what was sent before it is in there too.
    fn read_to_mark(&mut self, mark: &[u8]) {
        let deadline = Instant::now() + WAIT_MAX;
        while !self.file.windows(mark.len()).any(|window| window == mark) {
            assert!(Instant::now() < deadline, "dumpcap shows nothing of the loopback interface");
            self.marks.send_to(mark, self.marked).unwrap();
            match self.pieces.recv_timeout(Duration::from_millis(100)) {
                Ok(piece) => self.file.extend(piece),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.refused(),
            }
        }
    }

    fn refused(&mut self) -> ! {
        let mut told = String::new();
        let _ = self.child.stderr.take().unwrap().read_to_string(&mut told);
        panic!(
            "this test captures the loopback interface and may not: run it as root, or allow it once with\n  \
             setcap cap_net_raw,cap_net_admin+eip $(command -v dumpcap)\ndumpcap said: {told}"
        );
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
