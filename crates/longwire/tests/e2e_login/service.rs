//! A login service of an operator's, over HTTP: does with a user what the user's name, or a token of its own, says.

use crate::common::WAIT_MAX;
use crate::common::canary::never_printed;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// "canary-secret-of-the-service-0123" as the file wants it.
const SECRET: &str = "whsec_Y2FuYXJ5LXNlY3JldC1vZi10aGUtc2VydmljZS0wMTIz";

pub struct Service {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    asked: Vec<String>,
    answered: Vec<String>,
    /// Users whose name begins with `held`, and tokens that hold `held-guess`, are answered from now on.
    open: bool,
    /// Nobody is answered from now on.
    down: bool,
}

impl Service {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&of_thread);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}/login", self.address)
    }

    pub fn secret() -> String {
        never_printed(SECRET)
    }

    /// Returns once it has been asked about `user`.
    pub fn was_asked(&self, user: &str) {
        self.wait_until(|state| state.asked.iter().any(|asked| asked == user));
    }

    /// Returns once it has answered about `user`, or found that nobody listens any more.
    pub fn has_answered(&self, user: &str) {
        self.wait_until(|state| state.answered.iter().any(|answered| answered == user));
    }

    /// Returns once it has been asked so often.
    pub fn was_asked_so_often(&self, times: usize) {
        self.wait_until(|state| state.asked.len() >= times);
    }

    pub fn times_asked(&self) -> usize {
        self.shared.lock().asked.len()
    }

    pub fn times_asked_about(&self, user: &str) -> usize {
        self.shared.lock().asked.iter().filter(|asked| *asked == user).count()
    }

    /// Answers those who are held, and holds nobody any more.
    pub fn open_gate(&self) {
        self.shared.lock().open = true;
        self.shared.changed.notify_all();
    }

    /// From now on each call is answered with 500, or not again.
    pub fn set_down(&self, down: bool) {
        self.shared.lock().down = down;
    }

    fn wait_until(&self, holds: impl Fn(&State) -> bool) {
        let state = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(state, WAIT_MAX, |state| !holds(state));
        assert!(!waited.expect("nobody panics with it").1.timed_out(), "the service was not asked");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.open_gate(); // no thread is left waiting
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|err| err.into_inner())
    }

    fn wait_for_gate(&self) {
        drop(self.changed.wait_timeout_while(self.lock(), WAIT_MAX, |state| !state.open));
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some((user, token)) = asked_about(&mut stream) else { return };
        let down = {
            let mut state = self.lock();
            state.asked.push(user.clone());
            state.down
        };
        self.changed.notify_all();
        let answer = match () {
            () if down => response("500 Internal Server Error", "canary-text-of-a-broken-service"),
            () if user.starts_with("hang") => {
                let _ = stream.read(&mut [0]); // until the server gives up
                return;
            }
            () if token.contains("held-guess") => {
                self.wait_for_gate();
                response("401 Unauthorized", "")
            }
            () if user.starts_with("held") => {
                self.wait_for_gate();
                accept(&user)
            }
            () if user.starts_with("late") => {
                std::thread::sleep(Duration::from_millis(2500)); // that is what it is late by
                accept(&user)
            }
            () if user.starts_with("wrong") => response("401 Unauthorized", ""),
            () if user.starts_with("unknown") => {
                response("403 Forbidden", "{\"why\":\"there is nobody of this name\"}")
            }
            () => match worst(&user) {
                Some(answer) => answer,
                None => accept(&user),
            },
        };
        let _ = stream.write_all(answer.as_bytes()); // nobody may listen any more
        self.lock().answered.push(user);
        self.changed.notify_all();
    }
}

fn accept(user: &str) -> String {
    response("200 OK", &format!("{{\"user_id\":\"{user}\"}}"))
}

/// Answers of which nothing follows, each its user's.
fn worst(user: &str) -> Option<String> {
    const MEGABYTE: usize = 1 << 20;
    Some(match user {
        "broken" => response("500 Internal Server Error", "canary-text-of-a-broken-service"),
        "mega" => response("200 OK", &"x".repeat(MEGABYTE)),
        "flood" => {
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n100000\r\n{}", "0".repeat(MEGABYTE))
        }
        "garbage" => response("200 OK", "canary-garbage"),
        "moved" => "HTTP/1.1 302 Found\r\nlocation: /login\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            .to_owned(),
        "dead" => String::new(),
        "cut" => "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"user_id\"".to_owned(),
        _ => return None,
    })
}

fn response(status: &str, body: &str) -> String {
    let len = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// Reads a request; the user it is about, and the token.
fn asked_about(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut len = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            len = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).ok()?;
    let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
    let text = |name: &str| Some(body.get(name)?.as_str()?.to_owned());
    Some((text("user_id")?, text("token")?))
}
