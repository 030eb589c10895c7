//! `openssl s_client` between a client of raw bytes and the server.

use super::pair::Pair;
use crate::common::raw::Raw;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

/// A connection that openssl encrypts. Ended with the value.
pub struct Through {
    pub raw: Raw,
    child: Child,
}

impl Drop for Through {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(server: SocketAddr, flags: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &server.to_string()]).args(flags);
    command.stderr(Stdio::null());
    command
}

/// Bytes in and out over one socket, the other end of which is openssl's standard input and output.
pub fn through(server: SocketAddr, pair: &Pair, flags: &[&str]) -> Through {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let ours = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
    let (theirs, _) = listener.accept().expect("somebody knocks");
    let stdio = |stream: TcpStream| Stdio::from(OwnedFd::from(stream));
    let mut command = command(server, &["-quiet", "-verify_return_error", "-servername", "localhost"]);
    command.arg("-CAfile").arg(pair.chain()).args(flags);
    command.stdin(stdio(theirs.try_clone().expect("a second handle"))).stdout(stdio(theirs));
    let child = command.spawn().expect("openssl is installed: ./test tools");
    Through { raw: Raw::over(ours), child }
}

/// What openssl says of a handshake with these flags, and whether it was content. Nothing is sent behind it.
pub fn looks(server: SocketAddr, flags: &[&str]) -> (bool, String) {
    let output = command(server, flags).stdin(Stdio::null()).stderr(Stdio::piped()).output();
    let output = output.expect("openssl is installed: ./test tools");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// The serial number of the certificate that is shown to whoever asks for `name`.
pub fn serial(server: SocketAddr, name: Option<&str>) -> String {
    let flags = name.map_or_else(|| vec!["-noservername"], |name| vec!["-servername", name]);
    let (_, said) = looks(server, &flags);
    let begin = said.find("-----BEGIN CERTIFICATE").unwrap_or_else(|| panic!("no certificate: {said}"));
    let mut command = Command::new("openssl");
    command.args(["x509", "-noout", "-serial"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("openssl is installed: ./test tools");
    let mut stdin = child.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut stdin, &said.as_bytes()[begin..]).expect("openssl reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let line = String::from_utf8(output.stdout).expect("text");
    line.trim().strip_prefix("serial=").expect("serial=…").to_owned()
}
