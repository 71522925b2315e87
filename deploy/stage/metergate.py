"""The real metergate: one process in front of a homeserver, its books, and its command line."""

import json
import os
import signal
import subprocess
import time
from urllib.parse import urlencode

from . import Failed, free_port
from .child import Child
from .matrix import ask

_START_WITHIN = 20

_CONFIG = """\
[server]
listen = ["127.0.0.1:{port}"]
{server}
[upstream]
url = "{upstream}"

[admin]
listen = "127.0.0.1:{admin_port}"
{admin}

[storage]
url = "{storage}"
{books}
{more}"""


class Metergate:
    """A sidecar answering once constructed. `more` is the rest of its configuration, the policy first of all.

    Its books are in an SQLite file of its own, or in `storage`; `server`, `books` and `admin` are more lines of these sections,
    `environment` is more of that.
    """

    def __init__(self, binary, folder, upstream, more, storage=None, server="", books="", admin="", port=None, environment=None):
        port, admin_port = port or free_port(), free_port()
        self._binary = binary
        self._folder = folder
        self._more_environment = environment or {}
        self.url = f"http://127.0.0.1:{port}"
        self.admin_url = f"http://127.0.0.1:{admin_port}"
        self.storage = storage or f"sqlite:{folder / 'metergate.db'}"
        self.config = folder / "metergate.toml"
        words = {"port": port, "admin_port": admin_port, "upstream": upstream, "storage": self.storage}
        self.config.write_text(_CONFIG.format(**words, server=server, books=books, admin=admin, more=more))
        self.start()

    def start(self, answers="/readyz"):
        """Starts it, or starts it again on the same store; returns once it `answers` there."""
        command = [self._binary, "serve", "--config", self.config]
        self._child = Child(command, self._folder / "metergate.log", env=self._environment(), cwd=self._folder)
        deadline = time.monotonic() + _START_WITHIN
        while time.monotonic() < deadline and not self._child.exited():
            try:
                if ask(self.admin_url, "GET", answers, timeout=5).status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise Failed(f"metergate did not start. Its last words:\n\n{self._child.last_lines()}")

    @property
    def pid(self):
        return self._child.pid

    def exited(self):
        return self._child.exited()

    def end(self):
        return self._child.end()

    def kill(self):
        """`kill -9`."""
        self._child.kill()

    def freeze(self):
        """SIGSTOP."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self):
        if not self.exited():
            os.kill(self.pid, signal.SIGCONT)

    def last_lines(self, count):
        """The end of its log."""
        return self._child.last_lines(count)

    def command(self, *words):
        """Runs the command line on the same store; what it printed, or `Failed`."""
        done = subprocess.run(
            [self._binary, *words],
            env=self._environment(),
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip()
            raise Failed(f"metergate {' '.join(words)}: exit code {done.returncode}, {reason}")
        return done.stdout

    def usage(self, user_id, resource="media_bytes"):
        """A user's figures, as the command line tells them."""
        return json.loads(self.command("usage", user_id, resource, "--json"))

    def usage_served(self, user_id, resource="media_bytes"):
        """The same figures, as the running server tells them."""
        query = urlencode({"subject": user_id, "resource": resource})
        return ask(self.admin_url, "GET", f"/v1/usage?{query}").json

    def _environment(self):
        """Ours without any METERGATE_ key that happens to be set."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("METERGATE_")}
        return kept | {"METERGATE_STORAGE": self.storage} | self._more_environment
