"""A real terminal for tests: runs a command in a pseudo-terminal and does what it is told, line by line.

    terminal.py COLUMNS ROWS COMMAND ARGUMENT...

Standard library alone. Each line of stdin is one JSON order, each answered by one JSON line on stdout:

    {"do": "type", "text": T}        as a keyboard would
    {"do": "wait", "text": T}        until T has appeared behind what the last wait found; colours are not looked at
    {"do": "resize", "columns": N, "rows": N}
    {"do": "signal", "name": "TERM"}
    {"do": "hang up"}                closes the terminal under it
    {"do": "end"}                    until the command has ended: its status, whether the terminal is as it was before,
                                     and all that was written to it
"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading

WAIT_MAX = 30.0
COLOURS = re.compile(rb"\x1b\[[0-9;]*m")
MARK = b"\x1b[the end]"
# Each switch is told by its last use: bracketed paste off; wrapping and the cursor on; no update held back.
SWITCHES = {b"?2004": b"l", b"?7": b"h", b"?25": b"h", b"?2026": b"l"}


class Terminal:
    def __init__(self, columns, rows, command):
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.command = subprocess.Popen(
            command, stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.written = b""
        self.found = 0
        self.news = threading.Condition()
        self.stop, self.stopped = os.pipe()
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self):
        while self.stop not in select.select([self.master, self.stop], [], [])[0]:
            try:
                piece = os.read(self.master, 65536)
            except OSError:
                piece = b""
            with self.news:
                self.written += piece
                self.news.notify_all()
            if not piece:
                return

    def type(self, text):
        os.write(self.master, text.encode())
        return {}

    def wait(self, text):
        def appeared():
            seen = COLOURS.sub(b"", self.written[self.found:])
            return text.encode() in seen

        with self.news:
            if not self.news.wait_for(appeared, WAIT_MAX):
                return {"missing": text, "written": self.written.decode(errors="replace")}
            # Exact enough: the shortest beginning that holds the text, colours included.
            end = self.found
            while text.encode() not in COLOURS.sub(b"", self.written[self.found:end]):
                end += 1
            self.found = end
        return {}

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        return {}

    def signal(self, name):
        os.kill(self.command.pid, getattr(signal, "SIG" + name))
        return {}

    def hang_up(self):
        # A reader keeps the terminal alive, so it goes first.
        os.write(self.stopped, b".")
        self.listener.join()
        os.close(self.slave)
        os.close(self.master)
        self.slave = None
        return {}

    def end(self):
        status = self.command.wait(WAIT_MAX)
        if self.slave is not None:
            # What it wrote last is behind this mark.
            os.write(self.slave, MARK)
            with self.news:
                self.news.wait_for(lambda: self.written.endswith(MARK), WAIT_MAX)
                self.written = self.written[:-len(MARK)]
        left = [name.decode() for name, last in SWITCHES.items() if self.last_use(name) not in (None, last)]
        if self.slave is not None and termios.tcgetattr(self.slave) != self.before:
            left.append("raw mode")
        return {"status": status, "left": left, "written": self.written.decode(errors="replace")}

    def last_use(self, switch):
        uses = re.findall(rb"\x1b\[" + re.escape(switch) + rb"([hl])", self.written)
        return uses[-1] if uses else None


def main():
    terminal = Terminal(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    try:
        for line in sys.stdin:
            order = json.loads(line)
            answer = getattr(terminal, order.pop("do").replace(" ", "_"))(**order)
            print(json.dumps(answer), flush=True)
    finally:
        if terminal.command.poll() is None:
            terminal.command.kill()


main()
