//! The terminal in raw mode, and back again whatever happens.

use super::screen::Screen;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

/// Bracketed paste: a pasted line break is no Enter.
const PASTE_ON: &str = "\x1b[?2004h";
/// Ends whatever we may have begun: paste brackets, wrapping off, a held update, a hidden cursor, colours.
const AS_BEFORE: &str = "\x1b[?2004l\x1b[?7h\x1b[?2026l\x1b[?25h\x1b[0m";
/// A terminal that is stopped (Ctrl-S) takes nothing; it must not keep us from ending.
const RESTORE_MAX: Duration = Duration::from_secs(1);

/// Raw mode, and the rows that stand on the terminal: dropped, the rows are gone and the terminal is as before.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) screen: Screen,
}

impl Raw {
    pub(crate) fn enter(screen: Screen) -> std::io::Result<Self> {
        enable_raw_mode()?;
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // Our two rows are still there: the message goes below them.
            restore("\r\n\x1b[J");
            told(panic);
        }));
        write(PASTE_ON.to_owned());
        Ok(Self { screen })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // After a panic the hook has done it, and erasing would take its message away.
        if !std::thread::panicking() {
            restore(&self.screen.close());
        }
    }
}

fn restore(last: &str) {
    // There is nobody left to tell if it fails.
    let _ = disable_raw_mode();
    write(format!("{last}{AS_BEFORE}"));
}

/// Writes, or gives up after a while. An error means that the terminal is gone.
fn write(text: String) {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let mut out = std::io::stdout();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        let _ = done.send(());
    });
    let _ = wait.recv_timeout(RESTORE_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    #[ignore = "panics, in the terminal that the test below gives it"]
    fn panics_in_raw_mode() {
        let _raw = Raw::enter(Screen::new(80, true)).unwrap();
        panic!("in the middle of it");
    }

    #[test]
    fn a_panic_gives_the_terminal_back_and_can_be_read() {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client_cli/terminal.py");
        let mut python = Command::new("python3")
            .args([script, "80", "24", std::env::current_exe().unwrap().to_str().unwrap()])
            .args(["--nocapture", "--ignored", "chat::terminal::raw::tests::panics_in_raw_mode"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        python.stdin.take().unwrap().write_all(b"{\"do\": \"end\"}\n").unwrap();
        let answer = python.wait_with_output().unwrap().stdout;
        let end: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        let written = end["written"].as_str().unwrap();
        assert_eq!(
            (&end["left"], &end["status"]),
            (&serde_json::json!([]), &serde_json::json!(101)),
            "{written:?}"
        );
        let (before, after) = written.split_once("\x1b[?2004l").unwrap();
        assert!(before.contains("\x1b[?2004h") && after.contains("in the middle of it"), "{written:?}");
    }
}
