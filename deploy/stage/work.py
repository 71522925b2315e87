"""A long step: runs to its end, and tells how it goes."""

import shutil
import sys
import time

from . import Failed
from .child import Child

_SAY_AGAIN = 15.0


def run(title, command, log, env=None, cwd=None):
    """Runs `command`, its output going to `log`; raises `Failed` with the end of it if it does not succeed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    progress = Progress(title)
    child = Child(command, log, env=env, cwd=cwd)
    try:
        while not child.exited():
            progress.show(_last_words(child))
            time.sleep(0.2)
    finally:
        code = child.end()
    if code != 0:
        progress.failed()
        raise Failed(f"{title}: did not succeed (exit code {code}). The end of {log}:\n\n{child.last_lines(20)}")
    progress.done()


class Progress:
    """One line that is rewritten on a terminal, and said again now and then elsewhere."""

    def __init__(self, title):
        self._title = title
        self._began = self._said = time.monotonic()
        self._live = sys.stdout.isatty()
        if not self._live:
            print(f"  · {title}", flush=True)

    def show(self, detail=""):
        now = time.monotonic()
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._write(f"\r\033[K{f'  · {self._title}  {self._elapsed()}  {detail}'[:width]}")
        elif now - self._said >= _SAY_AGAIN:
            self._said = now
            print(f"  · {self._title}  {self._elapsed()}  {detail}"[:100].rstrip(), flush=True)

    def done(self):
        self._end("✓")

    def failed(self):
        self._end("✗")

    def _end(self, mark):
        start = "\r\033[K" if self._live else ""
        self._write(f"{start}  {mark} {self._title}  {self._elapsed()}\n")

    def _elapsed(self):
        return f"{time.monotonic() - self._began:.0f} s"

    def _write(self, text):
        sys.stdout.write(text)
        sys.stdout.flush()


def _last_words(child):
    words = child.last_lines(1).strip()
    return words if words.isprintable() else ""
