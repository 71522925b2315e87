"""Watch: what metergate is to others while it is flooded: answers, memory, connections."""

import re
import threading
import time

from stage.matrix import ask

EVERY = 0.1
#: A probe that takes longer has failed.
PATIENCE = 20
SIZE = 1000
UPLOAD = "/_matrix/media/v3/upload"
#: As /proc/net/tcp writes them.
ESTABLISHED, CLOSE_WAIT = "01", "08"


class Probe:
    """Asks for a small answer and uploads a small file, again and again, until stopped."""

    def __init__(self, metergate):
        self._metergate = metergate
        self._stopped = threading.Event()
        self.answered, self.failed, self.worst = 0, [], 0.0
        self.uploaded = 0
        self._thread = threading.Thread(target=self._keep_on)
        self._thread.start()

    def stop(self):
        self._stopped.set()
        self._thread.join()

    def _keep_on(self):
        while not self._stopped.is_set():
            begun = time.monotonic()
            self._one("GET", "/_matrix/client/versions", None)
            if self._one("POST", UPLOAD, bytes(SIZE)):
                self.uploaded += SIZE
            self._stopped.wait(max(0, begun + EVERY - time.monotonic()))

    def _one(self, method, path, body):
        begun = time.monotonic()
        try:
            headers = {"Authorization": "Bearer probe"}
            told = ask(self._metergate.url, method, path, body, headers, timeout=PATIENCE).status
        except OSError as error:
            told = f"{type(error).__name__}: {error}"
        self.worst = max(self.worst, time.monotonic() - begun)
        if told == 200:
            self.answered += 1
        else:
            self.failed.append(f"{method}: {told}")
        return told == 200


class Gauge:
    """Looks at memory and connections, again and again, until stopped; tells the most there were."""

    def __init__(self, metergate):
        self._metergate = metergate
        self._stopped = threading.Event()
        self.memory = self.connections = 0
        self._thread = threading.Thread(target=self._keep_on)
        self._thread.start()

    def stop(self):
        self._stopped.set()
        self._thread.join()

    def _keep_on(self):
        while not self._stopped.wait(EVERY):
            self.memory = max(self.memory, memory(self._metergate.pid))
            self.connections = max(self.connections, connections(self._metergate))


def memory(pid):
    """What is in memory of a process, in MiB."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) // 1024


def connections(metergate):
    """How many connections clients have to its proxy, as the kernel counts them: open, or left by one side."""
    port = "%04X" % port_of(metergate)
    with open("/proc/net/tcp") as table:
        rows = (line.split() for line in table.readlines()[1:])
        return sum(row[1].endswith(":" + port) and row[3] in (ESTABLISHED, CLOSE_WAIT) for row in rows)


def port_of(metergate):
    """Where its proxy answers."""
    return int(metergate.url.rsplit(":", 1)[1])
