"""Real PostgreSQL and Redis servers on free loopback ports, which a test may stop, kill, freeze and start again."""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from stage import Failed, free_port
from stage.child import Child
from waiting import until

_START_WITHIN = 30
_names = itertools.count(1)


class Server:
    """A server with data of its own in `folder`, answering once constructed; the same data after each start."""

    def __init__(self, folder):
        self._folder = folder
        self._port = free_port()
        self._frozen = False
        self.start()

    def start(self):
        self._child = Child(self._command(), self._folder / "server.log", cwd=self._folder)
        deadline = time.monotonic() + _START_WITHIN
        while not self._answers():
            if self._child.exited() or time.monotonic() > deadline:
                raise Failed(f"{type(self).__name__} did not start:\n\n{self._child.last_lines()}")
            time.sleep(0.02)

    def stop(self):
        """As its operator would."""
        self._child.end()

    def kill(self):
        """`kill -9`, itself and all its processes."""
        family = self._family()
        self._child.kill()
        send(signal.SIGKILL, family)

    def freeze(self):
        """SIGSTOP: connections stay, and nothing answers."""
        self._frozen = True
        # The first of them makes no more once it stands.
        send(signal.SIGSTOP, [self._child.pid])
        send(signal.SIGSTOP, self._family())

    def thaw(self):
        self._frozen = False
        send(signal.SIGCONT, [*self._family(), self._child.pid])

    def mend(self):
        """Makes it answer again, whatever was done to it."""
        if self._frozen:
            self.thaw()
        elif self._child.exited():
            self.start()

    def end(self):
        if self._frozen:
            self.thaw()
        self._child.end()

    def _family(self):
        """Its children, each of which may lead a group of its own."""
        children = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children")
        return [int(number) for number in children.read_text().split()]

    def _answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=5) as connection:
                return self._is_ready(connection)
        except OSError:
            return False


class SqliteFile:
    """No server at all: files that several processes of one machine share."""

    def __init__(self, folder):
        self._folder = folder

    def url(self):
        return f"sqlite:{self._folder / f'{next(_names)}.db'}"

    def end(self):
        pass


class RedisServer(Server):
    def url(self):
        """An address with a prefix that nobody used before."""
        return f"redis://127.0.0.1:{self._port}/?prefix=test{next(_names)}"

    def _command(self):
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        place = ["--bind", "127.0.0.1", "--port", str(self._port), "--dir", self._folder]
        return [found("redis-server", "redis-server"), *place, *durable]

    def _is_ready(self, connection):
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith(b"+PONG")


class PostgresServer(Server):
    def __init__(self, folder):
        self._as = _postgres_user()
        # Where that user, too, finds its way.
        self._data = Path(tempfile.mkdtemp(prefix="metergate-e2e-"))
        if self._as:
            shutil.chown(self._data, self._as, self._as)
        command = [found("initdb", "postgresql"), "-D", self._data, "-A", "trust", "-U", "metergate", "--no-sync"]
        done = subprocess.run(
            [str(word) for word in self._unprivileged(command)], capture_output=True, text=True, timeout=120, cwd="/"
        )
        if done.returncode != 0:
            raise Failed(f"initdb: {done.stderr.strip()}")
        super().__init__(folder)

    def url(self):
        """An address with a schema that nobody used before."""
        return f"postgresql://metergate@127.0.0.1:{self._port}/postgres?schema=test{next(_names)}"

    def stop(self):
        # As `pg_ctl stop` does: it waits for nobody, and writes all down.
        os.kill(self._child.pid, signal.SIGINT)
        until(self._child.exited)
        self._child.end()

    def end(self):
        if self._frozen:
            self.thaw()
        if not self._child.exited():
            self.stop()
        shutil.rmtree(self._data)

    def _command(self):
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200"]
        place = ["-D", self._data, "-p", str(self._port)]
        return self._unprivileged([found("postgres", "postgresql"), *place, *settings])

    def _unprivileged(self, command):
        """It refuses to run as root."""
        if not self._as:
            return command
        return ["setpriv", f"--reuid={self._as}", f"--regid={self._as}", "--clear-groups", "--pdeathsig=KILL", *command]

    def _is_ready(self, connection):
        # An SSLRequest: any answer says that it takes connections; whether it is recovering, only a query tells.
        connection.sendall(bytes([0, 0, 0, 8, 4, 210, 22, 47]))
        if connection.recv(1) not in (b"S", b"N"):
            return False
        query = [found("psql", "postgresql"), "-h", "127.0.0.1", "-p", self._port, "-U", "metergate", "-c", "select 1"]
        return subprocess.run([*map(str, query), "postgres"], capture_output=True, timeout=20).returncode == 0


def send(number, pids):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass  # It went by itself.


def _postgres_user():
    """The user to run it as, where we are root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise Failed("PostgreSQL does not run as root, and there is no user postgres: install postgresql") from None


def found(program, package):
    """Where a program is; Debian keeps those of PostgreSQL apart."""
    apart = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)
    path = shutil.which(program) or next(iter(apart), None)
    if path is None:
        raise Failed(f"There is no {program} here: install the Debian package {package}.")
    return path
