"""deploy/systemd: the unit is understood, confines the service, and its command line starts, reloads and ends."""

import os
import re
import signal
import socket
import subprocess
import time

import wanting
from homeserver import Homeserver
from place import BINARY, DEPLOY, Check, plain_environment, run, start
from stage import free_port
from stage.matrix import ask

UNIT = DEPLOY / "systemd" / "metergate.service"
SOCKET = DEPLOY / "systemd" / "metergate.socket"
#: What the service may at most be exposed, in tenths; up to 2.0 systemd calls "OK".
EXPOSURE = 20
CONFIG = """\
[server]
listen = "{listen}"

[upstream]
url = "{upstream}"

[admin]
listen = "127.0.0.1:{admin_port}"

[policy]
default_group = "free"

[policy.groups.free]
media_bytes = "{limit}"
"""


class Unit(Check):
    def test_it_is_understood(self):
        checked = run(self.tool("it is understood"), "verify", self.runnable(), folder=self.folder)
        self.assertEqual((checked.returncode, checked.stdout), (0, ""))

    def test_its_socket_is_understood(self):
        self.runnable()
        socket = self.folder / SOCKET.name
        socket.write_text(SOCKET.read_text())
        checked = run(self.tool("its socket is understood"), "verify", socket, folder=self.folder)
        self.assertEqual((checked.returncode, checked.stdout), (0, ""))

    def test_it_tells_when_it_is_ready_reloads_and_stops(self):
        self.assertEqual(said("Type"), "notify")
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(str(self.folder / "notify"))
        manager.settimeout(20)
        service = self.serve(environment={"NOTIFY_SOCKET": str(self.folder / "notify")})
        self.assertEqual(manager.recv(1024), b"READY=1\n")
        service.reload()
        self.assertRegex(manager.recv(1024), rb"^RELOADING=1\nMONOTONIC_USEC=\d+\n$")
        self.assertEqual(manager.recv(1024), b"READY=1\n")
        self.assertEqual(service.end(), 0)
        self.assertEqual(manager.recv(1024), b"STOPPING=1\n")

    def test_a_socket_that_is_passed_outlives_a_restart(self):
        (address,) = [line.split("=", 1)[1] for line in SOCKET.read_text().splitlines() if line.startswith("ListenStream=")]
        self.assertEqual(address, "127.0.0.1:8010")
        with socket.create_server(("127.0.0.1", 0)) as passed:
            service = self.serve(passed=passed)
            self.upload(service)
            self.assertEqual(service.end(), 0)
            # It waits for the next process.
            with socket.create_connection(passed.getsockname()) as client:
                client.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                service = self.serve(passed=passed)
                client.settimeout(20)
                self.assertTrue(client.recv(1024).startswith(b"HTTP/1.1 200 "))
            self.assertEqual(service.end(), 0)

    def test_it_confines_the_service(self):
        words = ("security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", self.runnable())
        checked = run(self.tool("it confines the service"), *words, folder=self.folder)
        self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_it_may_call_the_kernel_where_it_does(self):
        analyze = self.tool("the system calls the service makes are in its filter")
        strace = wanting.tool("strace", "metergate.service: the system calls the service makes are in its filter")
        service = self.serve(before=[strace, "-f", "-qq", "-o", self.folder / "calls"])
        self.upload(service)
        service.reload()
        self.assertEqual(service.end(), 0)
        made = set(re.findall(r"^\d+ +(\w+)\(", (self.folder / "calls").read_text(), re.MULTILINE))
        # SQLite asks this for root only, which the service never is.
        made -= {"fchown"} if os.geteuid() == 0 else set()
        self.assertGreater(len(made), 20)
        self.assertEqual(made - self.allowed(analyze), set())

    def test_it_serves_reloads_and_ends_as_it_says(self):
        service = self.serve()
        without = ask(service.admin_url, "GET", "/v1/usage?subject=@alice:example.org&resource=media_bytes")
        self.assertEqual(without.status, 401)
        self.assertEqual(service.usage()["limit"], 1_000_000)
        self.upload(service)
        self.assertEqual(service.usage()["used"], 1000)
        service.write_config("2MB/month")
        service.reload()
        self.assertEqual(service.usage()["limit"], 2_000_000)
        with self.subTest("a file with mistakes changes nothing"):
            service.write_config("2M/month")
            service.reload(applied=False)
            self.assertEqual(service.usage()["limit"], 2_000_000)
        self.assertEqual(service.end(), 0)
        self.assertTrue((self.folder / "metergate.db").exists())

    def test_nothing_but_its_owner_and_group_reaches_a_socket(self):
        socket = self.folder / "run.sock"
        service = self.serve(more=["--listen", f"unix:{socket}"])
        self.assertEqual(oct(socket.stat().st_mode & 0o777), "0o770")
        service.end()

    def test_its_times_go_with_those_of_metergate(self):
        """A stop takes shutdown_grace, 30 seconds unless told otherwise, and a moment to close the books."""
        self.assertGreater(int(said("TimeoutStopSec")), 30)

    def tool(self, what):
        return wanting.tool("systemd-analyze", f"metergate.service: {what}")

    def runnable(self):
        """The unit with the binary under test in it, as systemd looks whether that is there."""
        unit = self.folder / "metergate.service"
        unit.write_text(UNIT.read_text().replace("ExecStart=/usr/bin/metergate ", f"ExecStart={BINARY} "))
        return unit

    def allowed(self, analyze):
        """The system calls that SystemCallFilter lets pass: what its lines allow, less what they take away."""
        calls = members(analyze, "@default")
        for line in said_each("SystemCallFilter"):
            for name in line.removeprefix("~").split():
                calls = calls - members(analyze, name) if line.startswith("~") else calls | members(analyze, name)
        return calls

    def serve(self, before=(), more=(), environment=None, passed=None):
        homeserver = Homeserver()
        self.addCleanup(homeserver.close)
        return Service(self, homeserver.url, before, more, environment or {}, passed)

    def upload(self, service):
        headers = {"Authorization": "Bearer alice"}
        answer = ask(service.url, "POST", "/_matrix/media/v3/upload", body=bytes(1000), headers=headers)
        self.assertEqual(answer.status, 200)


class Service:
    """What systemd would start: the unit's own command line, umask and environment, in a directory of the check."""

    def __init__(self, check, upstream, before, more, environment, passed):
        self._folder = check.folder
        self._upstream = upstream
        self._port, self._admin_port = passed.getsockname()[1] if passed else free_port(), free_port()
        self._listen = "systemd" if passed else f"127.0.0.1:{self._port}"
        self.url, self.admin_url = f"http://127.0.0.1:{self._port}", f"http://127.0.0.1:{self._admin_port}"
        (check.folder / "token").write_text("the-token-of-the-check\n")
        self.write_config("1MB/month")
        command = self.in_folder(said("ExecStart")).split()
        check.assertTrue(os.path.samefile(command[0], BINARY))
        name, value = self.in_folder(said("Environment")).split("=", 1)
        # The first socket that is passed has the number 3.
        take = f"exec 3<&{passed.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$" if passed else ""
        shell = ["sh", "-c", f'umask {said("UMask")}; {take} exec "$@"', "sh"]
        environment = plain_environment() | {name: value} | environment
        self._process = start(
            check,
            [*shell, *before, *command, *more],
            check.folder / "log",
            env=environment,
            cwd=check.folder,
            pass_fds=(passed.fileno(),) if passed else (),
        )
        check.assertTrue(self.wait_for_log("proxy listens"), self._process.last_lines())

    def in_folder(self, text):
        places = {
            "/usr/bin/metergate": str(BINARY),
            "/etc/metergate": str(self._folder),
            "${CREDENTIALS_DIRECTORY}": str(self._folder),
            "/var/lib/metergate": str(self._folder),
        }
        for there, here in places.items():
            text = text.replace(there, here)
        return text

    def write_config(self, limit):
        text = CONFIG.format(listen=self._listen, admin_port=self._admin_port, upstream=self._upstream, limit=limit)
        (self._folder / "metergate.toml").write_text(text)

    def usage(self):
        headers = {"Authorization": "Bearer the-token-of-the-check"}
        path = "/v1/usage?subject=@alice:example.org&resource=media_bytes"
        return ask(self.admin_url, "GET", path, headers=headers).json

    def reload(self, applied=True):
        words = "policy reloaded" if applied else "reload refused"
        before = self.log().count(words)
        how = said("ExecReload").replace("$MAINPID", str(self.main_pid())).split()
        subprocess.run(how, check=True)
        deadline = time.monotonic() + 10
        while self.log().count(words) == before:
            if time.monotonic() > deadline:
                raise AssertionError(f"the log does not say {words!r}:\n{self.log()}")
            time.sleep(0.02)

    def end(self):
        os.kill(self.main_pid(), signal.SIGTERM)
        deadline = time.monotonic() + 10
        while not self._process.exited() and time.monotonic() < deadline:
            time.sleep(0.02)
        return self._process.end()

    def main_pid(self):
        """metergate itself, which is a child of what watches it, if anything does."""
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/children") as below:
            return int((below.read().split() or [self._process.pid])[0])

    def log(self):
        return (self._folder / "log").read_text()

    def wait_for_log(self, words):
        deadline = time.monotonic() + 20
        while words not in self.log():
            if self._process.exited() or time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def said(key):
    """The one value of a key of the unit."""
    (value,) = said_each(key)
    return value


def said_each(key):
    return [line.split("=", 1)[1] for line in UNIT.read_text().splitlines() if line.startswith(f"{key}=")]


def members(analyze, name):
    """The system calls of a set, those of the sets in it included."""
    if not name.startswith("@"):
        return {name}
    lines = subprocess.run([analyze, "syscall-filter", name], check=True, capture_output=True, text=True).stdout
    words = [line.strip() for line in lines.splitlines()[1:]]
    inner = [members(analyze, word) for word in words if word and not word.startswith("#")]
    return set().union(*inner)
