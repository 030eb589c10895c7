//! A terminal for tests: enough of one to see what a person would see, resizing included.

use super::cluster;

/// All rows from the first on; the scrollback is never cut.
#[derive(Debug)]
pub(crate) struct Vt {
    columns: usize,
    rows: Vec<Row>,
    row: usize,
    column: usize,
    wraps: bool,
}

#[derive(Clone, Debug, Default)]
struct Row {
    /// One entry a column; a wide letter's second one is empty.
    cells: Vec<String>,
    /// Whether the terminal itself went on in the next row.
    wrapped: bool,
}

impl Vt {
    pub(crate) fn new(columns: usize) -> Self {
        Self { columns, rows: vec![Row::default()], row: 0, column: 0, wraps: true }
    }

    /// The text of every line, wrapped rows joined, blanks at the end left out.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![String::new()];
        for row in &self.rows {
            let line = lines.last_mut().unwrap();
            line.push_str(&row.cells.concat());
            if !row.wrapped {
                lines.push(String::new());
            }
        }
        lines.pop();
        lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
    }

    /// The row and the column of the cursor.
    pub(crate) fn cursor(&self) -> (usize, usize) {
        (self.row, self.column)
    }

    pub(crate) fn take(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(sequence) = rest.strip_prefix("\x1b[") {
                let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                self.obey(&sequence[..end], &sequence[end..=end]);
                rest = &sequence[end + 1..];
            } else if c == '\r' {
                self.column = 0;
                rest = &rest[1..];
            } else if c == '\n' {
                self.down();
                rest = &rest[1..];
            } else {
                let end = rest.find(['\x1b', '\r', '\n']).unwrap_or(rest.len());
                for letter in cluster::clusters(&rest[..end]) {
                    self.print(&letter.shown, letter.columns);
                }
                rest = &rest[end..];
            }
        }
    }

    /// As most terminals do: rows that were wrapped are wrapped anew, and the cursor stays on its letter.
    pub(crate) fn resize(&mut self, columns: usize) {
        let old = std::mem::take(&mut self.rows);
        let (mut line, mut place) = (Vec::new(), None);
        self.columns = columns;
        let mut cursor = (0, 0);
        for (number, row) in old.into_iter().enumerate() {
            if number == self.row {
                place = Some(line.len() + self.column);
            }
            let wrapped = row.wrapped;
            line.extend(row.cells);
            if !wrapped {
                let first = self.rows.len();
                self.wrap_anew(&std::mem::take(&mut line));
                if let Some(place) = place.take() {
                    cursor = (first + place / columns, place % columns);
                    while self.rows.len() <= cursor.0 {
                        self.rows.push(Row::default());
                    }
                }
            }
        }
        (self.row, self.column) = cursor;
    }

    fn wrap_anew(&mut self, line: &[String]) {
        let mut row = Row::default();
        let mut at = 0;
        while at < line.len() {
            let wide = 1 + line[at + 1..].iter().take_while(|cell| cell.is_empty()).count();
            if row.cells.len() + wide > self.columns {
                row.wrapped = true;
                self.rows.push(std::mem::take(&mut row));
            }
            row.cells.extend_from_slice(&line[at..at + wide]);
            at += wide;
        }
        self.rows.push(row);
    }

    fn obey(&mut self, arguments: &str, command: &str) {
        let number = arguments.parse().unwrap_or(1);
        match (arguments, command) {
            ("?7", "h") => self.wraps = true,
            ("?7", "l") => self.wraps = false,
            ("", "J") => {
                self.rows.truncate(self.row + 1);
                self.rows[self.row].cells.truncate(self.column);
                self.rows[self.row].wrapped = false;
            }
            (_, "A") => self.row = self.row.saturating_sub(number),
            (_, "C") => self.column = (self.column + number).min(self.columns - 1),
            (_, "h" | "l" | "m") => {}
            _ => panic!("an unknown sequence: {arguments}{command}"),
        }
    }

    fn print(&mut self, letter: &str, columns: usize) {
        if self.column + columns > self.columns {
            if self.wraps {
                self.rows[self.row].wrapped = true;
                self.down();
                self.column = 0;
            } else {
                self.column = self.columns - columns;
            }
        }
        let cells = &mut self.rows[self.row].cells;
        while cells.len() < self.column + columns {
            cells.push(" ".to_owned());
        }
        for (offset, cell) in cells[self.column..self.column + columns].iter_mut().enumerate() {
            *cell = if offset == 0 { letter.to_owned() } else { String::new() };
        }
        self.column += columns;
    }

    fn down(&mut self) {
        self.row += 1;
        if self.row == self.rows.len() {
            self.rows.push(Row::default());
        }
    }
}
