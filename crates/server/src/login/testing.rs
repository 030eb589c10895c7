//! For the tests of providers: fixtures, questions, and a service over HTTP that behaves as badly as it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use longwire_engine::{ConnId, ShardId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::question::{Question, Secret};
use crate::config::{Algorithm, LoginKey};

/// 2023-11-14; the fixtures' tokens hold from then until 2100.
pub(super) const NOW_MS: u64 = 1_700_000_100_000;

pub(super) fn fixture_path(name: &str) -> String {
    format!("{}/fixtures/login/{name}", env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixture_path(name)).expect(name)
}

/// The file of the public key, or the secret, that the fixtures sign with.
pub(super) fn key_file_of(algorithm: Algorithm) -> &'static str {
    match algorithm.name() {
        "ES256" => "p256.pub.pem",
        "ES384" => "p384.pub.pem",
        "EdDSA" => "ed25519.pub.pem",
        name if name.starts_with("HS") => "hs.key",
        _ => "rsa.pub.pem",
    }
}

/// The fixtures' key for `algorithm`, under its name.
pub(super) fn login_key(algorithm: Algorithm) -> LoginKey {
    LoginKey { id: algorithm.name().to_owned(), algorithm, key_file: fixture_path(key_file_of(algorithm)) }
}

pub(super) fn question(token: &str, user_id: &str) -> Question {
    Question {
        token: Secret::new(token),
        user_id: user_id.into(),
        connection: ConnId { shard: ShardId(1), slot: 2, generation: 3 },
        address: "203.0.113.7".parse().expect("an address"),
        transport: "tcp",
    }
}

/// What the service does with a request.
#[derive(Clone, Debug)]
pub(super) enum Behaviour {
    /// Answers with this status and body.
    Answer(u16, Vec<u8>),
    /// Answers with this head and body as they are, and closes.
    Raw(Vec<u8>),
    /// Sends a head that promises so many bytes, and then so many zeros, as fast as they are taken.
    Flood(u64),
    /// Reads the request and never answers.
    Hang,
    /// Answers half a head and never goes on.
    Stall,
    /// Reads the request and closes.
    Die,
}

/// A service on a port of its own.
pub(super) struct Service {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    requests: Mutex<Vec<String>>,
    sent: AtomicUsize,
}

impl Service {
    pub(super) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let shared = Shared {
            behaviour: Mutex::new(behaviour),
            requests: Mutex::default(),
            sent: AtomicUsize::new(0),
        };
        let shared = Arc::new(shared);
        let service = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&service)));
            }
        });
        Self { port, shared, task }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    /// The requests so far, head and body.
    pub(super) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Bytes of floods so far.
    pub(super) fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Some(request) = read_request(&mut stream).await {
        shared.requests.lock().unwrap().push(request);
        let behaviour = shared.behaviour.lock().unwrap().clone();
        match behaviour {
            Behaviour::Answer(status, body) => {
                let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n", body.len());
                if stream.write_all(&[head.as_bytes(), &body].concat()).await.is_err() {
                    return;
                }
            }
            Behaviour::Raw(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Behaviour::Flood(bytes) => return flood(stream, bytes, &shared).await,
            Behaviour::Hang => std::future::pending().await,
            Behaviour::Stall => {
                let _ = stream.write_all(b"HTTP/1.1 200 x\r\ncontent-").await;
                std::future::pending().await
            }
            Behaviour::Die => return,
        }
    }
}

async fn flood(mut stream: TcpStream, bytes: u64, shared: &Shared) {
    // chunked: the receiver cannot know beforehand how much comes
    let _ = stream.write_all(b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let chunk = [b"10000\r\n", &[b'0'; 65_536][..], b"\r\n"].concat();
    for _ in 0..bytes / 65_536 {
        if stream.write_all(&chunk).await.is_err() {
            return;
        }
        shared.sent.fetch_add(65_536, Ordering::Relaxed);
    }
}

/// Head and body of one request; `None` at the end of the stream.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.trim().parse().expect("a length"));
            if bytes.len() >= head + 4 + length {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
