"""Child processes that never outlive us.

Each one leads a group of its own, so its own children end with it; on Linux the kernel also ends it should we be
killed outright. Its exit is only looked at, not reaped, until the whole group has been told to end: so the group's
number cannot have become somebody else's.
"""

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_running = []


class Child:
    """A running command, its output going to the file `log`."""

    def __init__(self, command, log, env=None, cwd=None, pass_fds=()):
        self.log = log
        with signals_held(), open(log, "ab") as output:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                pass_fds=pass_fds,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_before_the_command,
            )
            _running.append(self)

    @property
    def pid(self):
        return self._process.pid

    def exited(self):
        """Whether the command has ended, by itself or by us."""
        if self._process.returncode is not None:
            return True
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, flags) is not None

    def kill(self):
        """`kill -9`, for those who want to see what a crash leaves behind."""
        return self.end(grace=0)

    def end(self, grace=15):
        """Asks the group to end, insists after `grace` seconds, and returns the exit code."""
        if self._process.returncode is None:
            if grace:
                os.killpg(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + grace
            while not self.exited() and time.monotonic() < deadline:
                time.sleep(0.02)
            with signals_held():
                os.killpg(self.pid, signal.SIGKILL)
                self._process.wait()
                _running.remove(self)
        return self._process.returncode

    def last_lines(self, count=12):
        """The end of its output."""
        with open(self.log, errors="replace") as log:
            return "".join(log.readlines()[-count:])


@atexit.register
def end_all():
    """Ends every child still running, the youngest first. Nothing interrupts it."""
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    for child in reversed(list(_running)):
        child.end()


def stop_on_signals():
    """From here on SIGTERM and SIGHUP arrive as KeyboardInterrupt, like Ctrl-C."""
    for number in _STOPPING:
        signal.signal(number, signal.default_int_handler)


@contextmanager
def signals_held():
    """Lets no signal come between a fork and our knowing of it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _before_the_command():
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
