//! Log lines reach stderr through a bounded queue and a thread of its own: whoever reads the log slowly, or not at
//! all, stops no shard. What finds the queue full is counted, and told once there is room again.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait to be written: about 1 MiB at the most.
const LINES_MAX: usize = 4096;

/// How long [`Queue::flush`] waits for a reader that does not read.
const FLUSH_WAIT: Duration = Duration::from_secs(1);

enum Item {
    Line(Vec<u8>),
    Flush(Sender<()>),
}

/// The way in; shared by all threads, and never waited on.
pub(super) struct Queue {
    items: SyncSender<Item>,
    lost: AtomicU64,
}

impl Queue {
    /// A queue of `lines_max` lines, and what its thread works on.
    fn new(lines_max: usize) -> (Self, Receiver<Item>) {
        let (items, queued) = sync_channel(lines_max);
        (Self { items, lost: AtomicU64::new(0) }, queued)
    }

    /// The process's queue to `out`, with its thread.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<&'static Self> {
        let (queue, queued) = Self::new(LINES_MAX);
        let queue: &'static Self = Box::leak(Box::new(queue)); // one for the process, as the logger is
        std::thread::Builder::new().name("log".into()).spawn(move || queue.write_all(&queued, out))?;
        Ok(queue)
    }

    fn write_all(&self, queued: &Receiver<Item>, mut out: impl Write) {
        while let Ok(item) = queued.recv() {
            match item {
                Item::Line(line) => {
                    let _ = out.write_all(&line); // where stderr is gone there is nowhere to say so
                }
                Item::Flush(done) => {
                    let _ = out.flush();
                    let _ = done.send(());
                }
            }
            let lost = self.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                tracing::warn!(lost, "log lines were lost: whoever reads the log is too slow");
            }
        }
    }

    /// Waits until what was logged so far is written, at most a second.
    pub(super) fn flush(&self) {
        let (done, written) = channel();
        if self.items.try_send(Item::Flush(done)).is_ok() {
            let _ = written.recv_timeout(FLUSH_WAIT);
        }
    }
}

impl<'a> MakeWriter<'a> for &'static Queue {
    type Writer = LineWriter;

    fn make_writer(&'a self) -> LineWriter {
        LineWriter(self)
    }
}

/// Takes one line: the formatter hands over a whole event in one call.
pub(super) struct LineWriter(&'static Queue);

impl Write for LineWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.items.try_send(Item::Line(line.to_vec())).is_err() {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_loses_lines_and_waits_for_nobody() {
        let (queue, queued) = Queue::new(2);
        let queue: &'static Queue = Box::leak(Box::new(queue));
        for line in [b"one", b"two", b"tri"] {
            LineWriter(queue).write_all(line).unwrap();
        }
        assert_eq!(queue.lost.load(Ordering::Relaxed), 1);
        let kept: Vec<_> =
            queued.try_iter().map(|item| matches!(item, Item::Line(line) if line != b"tri")).collect();
        assert_eq!(kept, [true, true]);
    }

    #[test]
    fn a_flush_returns_when_all_is_written() {
        let (reader, writer) = std::io::pipe().unwrap();
        let queue = Queue::start(writer).unwrap();
        LineWriter(queue).write_all(b"line\n").unwrap();
        queue.flush();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(reader), &mut line).unwrap();
        assert_eq!(line, "line\n");
    }
}
