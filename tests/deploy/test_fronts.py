"""nginx, Caddy and HAProxy before metergate, with requests streamed and gathered: all that clients do goes through."""

import json
import socket

import wanting
from client import MB, UPLOAD, sending, upgrade
from fronts import FRONTS
from homeserver import Homeserver
from in_front import wait_until_it_answers
from place import Check, make_folder, plain_environment, run, start, start_metergate
from stage import Failed, free_port
from stage.matrix import ask

CONFIG = """\
[limits]
body_idle_timeout = "3s"

[policy]
default_group = "free"

[policy.groups.free]
media_bytes = "5MB/month"
"""
#: Where a client is that is on this machine, but is not the front.
ELSEWHERE = "127.0.0.9"


class Passing:
    """The checks of every front, `front` and `gathering` as the classes below say."""

    @classmethod
    def setUpClass(cls):
        front = cls.front
        program = wanting.tool(front.name, f"{front.name} before metergate")
        cls.curl = wanting.tool("curl", f"HTTP/2 over TLS at {front.name} before metergate")
        cls.folder = make_folder(cls)
        cls.homeserver = Homeserver()
        cls.addClassCleanup(cls.homeserver.close)
        cls.metergate = start_metergate(cls, cls.folder, cls.homeserver.url, CONFIG)
        certificate, key = make_certificate(cls.folder)
        cls.port, cls.tls_port = free_port(), free_port()
        command = front.write(
            cls.folder,
            cls.gathering,
            port=cls.port,
            tls_port=cls.tls_port,
            upstream=cls.metergate.url,
            certificate=certificate,
            key=key,
            both=cls.folder / "both.pem",
        )
        cls.process = start(cls, [program, *command[1:]], cls.folder / "front.log", cwd=cls.folder, env=at_home(cls.folder))
        cls.url = f"http://127.0.0.1:{cls.port}"
        wait_until_it_answers(cls.url, cls.process)

    def setUp(self):
        self.homeserver.seen.clear()
        self.homeserver.go_on.clear()
        self.user = self.id().rsplit(".", 1)[1]

    def charged(self, user):
        """What a user is charged, once nothing is under way."""
        told = {}

        def is_over():
            told.update(self.metergate.usage_served(f"@{user}:example.org"))
            return told["reserved"] == 0

        self.assertTrue(self.homeserver.wait_for(is_over, seconds=30), told)
        return told["used"]

    def assert_refused(self, status, headers, body):
        self.assertEqual(status, 429, body)
        self.assertEqual(body["errcode"], "M_LIMIT_EXCEEDED")
        self.assertEqual(body["org.metergate.quota"]["limit"], 5 * MB)
        self.assertEqual(headers.get_all("Content-Type"), ["application/json"])
        self.assertEqual(headers.get_all("Access-Control-Allow-Origin"), ["*"])
        self.assertGreater(int(headers["Retry-After"]), 0)

    def test_the_address_and_the_name_asked_for_go_up_byte_for_byte(self):
        target = "/_matrix/client/v3/rooms/%21a%3Ab/x%2Fy%2f?filter=%7B%22a%22%3A%22b%22%7D&x=%2520"
        self.assertEqual(ask(self.url, "GET", target, headers={"Host": "example.org"}).status, 200)
        seen = self.homeserver.seen[-1]
        self.assertEqual((seen.target, seen.headers.get_all("Host")), (target, ["example.org"]))

    def test_the_client_is_who_the_front_says(self):
        request = "GET /_matrix/client/versions HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n"
        with socket.create_connection(("127.0.0.1", self.port), 10, (ELSEWHERE, 0)) as connection:
            connection.sendall(f"{request}Connection: close\r\n\r\n".encode())
            while connection.recv(4096):
                pass
        self.assertEqual(self.homeserver.seen[-1].headers.get_all("X-Forwarded-For"), [ELSEWHERE])

    def test_uploads_up_to_the_limit_pass_and_are_charged_exactly(self):
        for length in (3 * MB - 1, None):
            size = length or 2 * MB + 1
            with sending(self.port, self.user, length) as upload:
                upload.send(bytes(size))
                upload.end()
                self.assertEqual(upload.answer()[0], 200)
            self.assertEqual(self.homeserver.at(UPLOAD)[-1].body_bytes, size)
        self.assertEqual(self.charged(self.user), 5 * MB)
        with sending(self.port, self.user, 1) as upload:
            upload.send(b"x")
            self.assert_refused(*upload.answer())
        self.assertEqual(self.charged(self.user), 5 * MB)

    def test_uploads_over_tls_and_http2_are_charged_exactly(self):
        (self.folder / "file").write_bytes(bytes(3 * MB - 1))
        self.assertEqual(self.curled("--data-binary", f"@{self.folder}/file")[0], "2 200")
        # Of nobody knows what length.
        (self.folder / "file").write_bytes(bytes(2 * MB + 1))
        self.assertEqual(self.curled("-X", "POST", "-T", "-")[0], "2 200")
        self.assertEqual(self.charged(self.user), 5 * MB)
        # Where the stream is reset right behind the answer, some versions of curl lose the body now and then.
        for _ in range(5):
            told, body = self.curled("--data-binary", f"@{self.folder}/file")
            self.assertEqual(told, "2 429")
            if body:
                break
        self.assertEqual(json.loads(body)["errcode"], "M_LIMIT_EXCEEDED")

    def curled(self, *words):
        url = f"https://localhost:{self.tls_port}{UPLOAD}"
        answer = self.folder / "answer"
        line = [self.curl, "--silent", "--show-error", "--http2", "--cacert", self.folder / "certificate.pem"]
        line += ["-H", f"Authorization: Bearer {self.user}", "-o", answer, "-w", "%{http_version} %{http_code}", *words]
        line = " ".join(f"'{word}'" for word in (*line, url))
        done = run("sh", "-c", f"{line} < file", folder=self.folder)
        return done.stdout, answer.read_text()

    def test_an_upload_streams_or_is_gathered(self):
        with sending(self.port, self.user, length=4 * MB) as upload:
            upload.send(bytes(2 * MB))
            came = self.homeserver.wait_for(
                lambda: any(seen.body_bytes >= MB for seen in self.homeserver.at(UPLOAD)),
                seconds=0.5 if self.holds_back else 10,
            )
            self.assertEqual(came, not self.holds_back)
            upload.send(bytes(2 * MB))
            self.assertEqual(upload.answer()[0], 200)
        self.assertEqual(self.charged(self.user), 4 * MB)

    def test_a_refusal_arrives_while_the_client_still_sends(self):
        if self.holds_back or self.front.cuts_senders:
            # It cannot, before all of it has come.
            return
        with sending(self.port, self.user, length=40 * MB) as upload:
            upload.send(bytes(MB))
            self.assert_refused(*upload.answer())
        self.assertEqual(self.homeserver.at(UPLOAD), [])
        self.assertEqual(self.charged(self.user), 0)

    def test_a_refusal_arrives_though_the_client_sends_all_first(self):
        for length in (20 * MB, None):
            with self.subTest(length=length), sending(self.port, self.user, length) as upload:
                try:
                    for _ in range(20):
                        upload.send(bytes(MB))
                    upload.end()
                    self.assert_refused(*upload.answer())
                except ConnectionError:
                    self.assertTrue(self.front.cuts_senders and not self.gathering)
        self.assertFalse(any(seen.whole for seen in self.homeserver.at(UPLOAD)))
        self.assertEqual(self.charged(self.user), 0)

    def test_a_refusal_of_a_little_too_much_arrives(self):
        """Of what any server takes before it hangs up."""
        with sending(self.port, self.user, 5 * MB) as upload:
            upload.send(bytes(5 * MB))
            self.assertEqual(upload.answer()[0], 200)
        for length in (200_000, None):
            with self.subTest(length=length), sending(self.port, self.user, length) as upload:
                upload.send(bytes(200_000))
                upload.end()
                self.assert_refused(*upload.answer())
        self.assertEqual(self.charged(self.user), 5 * MB)

    def test_a_client_that_leaves_half_way_is_charged_nothing(self):
        with sending(self.port, self.user, length=4 * MB) as upload:
            upload.send(bytes(2 * MB))
            # What is gathered first may never come so far.
            arrived = lambda: any(seen.body_bytes for seen in self.homeserver.at(UPLOAD))
            self.homeserver.wait_for(arrived, seconds=1 if self.gathering else 20)
        self.assertEqual(self.charged(self.user), 0)
        self.assertFalse(any(seen.whole for seen in self.homeserver.at(UPLOAD)))

    def test_a_download_streams(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(b"GET /_matrix/media/v3/download/a/b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            came = read_until(connection, MB)
            self.homeserver.go_on.set()
            came += read_until(connection, 3 * MB)
        self.assertTrue(came.startswith(b"HTTP/1.1 200"))
        self.assertGreater(len(came), 2 * MB)

    def test_a_sync_may_be_silent(self):
        self.assertEqual(ask(self.url, "GET", "/_matrix/client/v3/sync?timeout=2000").status, 200)

    def test_a_websocket_passes(self):
        with upgrade(self.port, "websocket") as (status, connection):
            self.assertEqual(status, 101)
            connection.sendall(b"ping")
            self.assertEqual(connection.recv(4), b"ping")


def at_home(folder):
    """Caddy keeps files where its user is at home."""
    return plain_environment() | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}


def read_until(connection, size):
    came = b""
    while len(came) < size and (piece := connection.recv(65536)):
        came += piece
    return came


def make_certificate(folder):
    """A certificate for localhost by nobody, and its key; `both.pem` has the two."""
    openssl = wanting.tool("openssl", "TLS at servers before metergate")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    done = run(openssl, *words, "-out", certificate, "-keyout", key, folder=folder)
    if done.returncode != 0:
        raise Failed(f"openssl made no certificate:\n{done.stdout}")
    (folder / "both.pem").write_text(certificate.read_text() + key.read_text())
    return certificate, key


# A class for each front and each way.
for _front in FRONTS:
    for _gathering in (False, True):
        _name = f"{_front.name.capitalize()}{'Gathering' if _gathering else 'Streaming'}"
        # HAProxy waits for no more than its buffer holds.
        _holds_back = _gathering and _front.name != "haproxy"
        _facts = {"front": _front, "gathering": _gathering, "holds_back": _holds_back}
        globals()[_name] = type(_name, (Passing, Check), _facts)
