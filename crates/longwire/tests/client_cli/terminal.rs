//! A command in a real pseudo-terminal, by way of `terminal.py`.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Terminal {
    python: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// How a command ended, and in what state it left its terminal.
#[derive(Debug)]
pub struct End {
    pub status: i64,
    /// What is not as it was before: `raw mode`, or a switch by its number.
    pub left: Vec<String>,
    pub written: String,
}

impl Terminal {
    /// Starts `command` in a terminal of its own.
    pub fn of(columns: u16, rows: u16, command: &Command) -> Self {
        let mut python = Command::new("python3");
        python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client_cli/terminal.py"));
        python.args([columns.to_string(), rows.to_string()]);
        python.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => python.env(name, value),
                None => python.env_remove(name),
            };
        }
        python.env("TERM", "xterm-256color").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut python = python.spawn().expect("python3 is here: ./test tools installs it");
        let orders = python.stdin.take().expect("it is piped");
        let answers = BufReader::new(python.stdout.take().expect("it is piped"));
        Self { python, orders, answers }
    }

    pub fn type_in(&mut self, text: &str) {
        self.order(&json!({"do": "type", "text": text}));
    }

    /// Types a line, and Enter.
    pub fn enter(&mut self, line: &str) {
        self.type_in(&format!("{line}\r"));
    }

    /// Waits for `text`, which must come behind what was waited for before.
    pub fn shows(&mut self, text: &str) {
        let answer = self.order(&json!({"do": "wait", "text": text}));
        let written = answer["written"].as_str().unwrap_or_default();
        assert!(answer.get("missing").is_none(), "{text:?} never appeared; all there was:\n{written:?}");
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.order(&json!({"do": "resize", "columns": columns, "rows": rows}));
    }

    pub fn signal(&mut self, name: &str) {
        self.order(&json!({"do": "signal", "name": name}));
    }

    pub fn hang_up(&mut self) {
        self.order(&json!({"do": "hang up"}));
    }

    /// Waits for the command to end.
    pub fn end(&mut self) -> End {
        let answer = self.order(&json!({"do": "end"}));
        let left = answer["left"].as_array().expect("a list").iter();
        End {
            status: answer["status"].as_i64().expect("a number"),
            left: left.map(|switch| switch.as_str().expect("a name").to_owned()).collect(),
            written: answer["written"].as_str().expect("a text").to_owned(),
        }
    }

    /// Waits for the command to end, as it should: with `status`, and the terminal as it was.
    pub fn ends_with(&mut self, status: i64) -> End {
        let end = self.end();
        assert_eq!((end.status, end.left.as_slice()), (status, &[][..]), "all there was:\n{:?}", end.written);
        end
    }

    fn order(&mut self, order: &Value) -> Value {
        writeln!(self.orders, "{order}").expect("terminal.py takes orders");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("terminal.py answers");
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("terminal.py failed at {order}"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It ends, and ends its command, when nobody gives orders any more; this is for one that hangs.
        let _ = self.python.kill();
        let _ = self.python.wait();
    }
}
