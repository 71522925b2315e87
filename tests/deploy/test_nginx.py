"""deploy/nginx: its two files as they are shipped, in a real nginx, with traffic through all three servers."""

import http.client
import json
import os
import socket
import threading
import time

import wanting
from homeserver import Homeserver
from place import DEPLOY, Check, make_folder, run, start, start_metergate
from stage import Failed, free_port
from stage.matrix import ask

#: A period of nginx' own for a silent upstream, which the shipped one has to be longer than.
SILENT_FOR_DEFAULT = 60
MB = 1_000_000
UPLOAD = "/_matrix/media/v3/upload"
POLICY = """\
[policy]
default_group = "small"

[policy.groups.small]
media_bytes = "10MB/month"

[policy.groups.large]
media_bytes = "1GB/month"

[[policy.rules]]
match = "@large*"
group = "large"
"""

MAIN = """\
{user}
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log info;
daemon off;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/metergate.conf;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            include {folder}/metergate-proxy.conf;
        }}
    }}
    server {{
        listen 127.0.0.1:{buffered_port};
        location / {{
            include {folder}/metergate-proxy-buffered.conf;
        }}
    }}
}}
"""


class Nginx(Check):
    """nginx, metergate and a homeserver in a row, the same for all checks."""

    @classmethod
    def setUpClass(cls):
        nginx = wanting.tool("nginx", "deploy/nginx with live traffic")
        cls.folder = make_folder(cls)
        cls.homeserver = Homeserver()
        cls.addClassCleanup(cls.homeserver.close)
        cls.metergate = start_metergate(cls, cls.folder, cls.homeserver.url, POLICY)
        cls.port, cls.buffered_port = free_port(), free_port()
        cls.write_configuration()
        command = [nginx, "-p", cls.folder, "-c", cls.folder / "nginx.conf", "-e", cls.folder / "nginx-error.log"]
        tested = run(*command, "-t", folder=cls.folder)
        if tested.returncode != 0:
            raise AssertionError(f"nginx refuses the configuration:\n{tested.stdout}")
        cls.nginx = start(cls, command, cls.folder / "nginx.log")
        cls.url = f"http://127.0.0.1:{cls.port}"
        cls.wait_for_nginx()
        cls.poll = LongPoll(cls.port)

    @classmethod
    def write_configuration(cls):
        where = (DEPLOY / "nginx" / "metergate.conf").read_text()
        how = (DEPLOY / "nginx" / "metergate-proxy.conf").read_text()
        (cls.folder / "metergate.conf").write_text(
            replaced_once(where, "server 127.0.0.1:8010;", f"server {cls.metergate.url.removeprefix('http://')};")
        )
        (cls.folder / "metergate-proxy.conf").write_text(how)
        (cls.folder / "metergate-proxy-buffered.conf").write_text(
            replaced_once(how, "proxy_request_buffering off;", "proxy_request_buffering on;")
        )
        user = "user root;" if os.geteuid() == 0 else ""
        text = MAIN.format(user=user, folder=cls.folder, port=cls.port, buffered_port=cls.buffered_port)
        (cls.folder / "nginx.conf").write_text(text)

    @classmethod
    def wait_for_nginx(cls):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                if ask(cls.url, "GET", "/_matrix/client/versions", timeout=5).status == 200:
                    return
            except OSError:
                time.sleep(0.02)
        raise Failed(f"nginx did not start:\n{(cls.folder / 'nginx-error.log').read_text()}")

    def setUp(self):
        self.homeserver.seen.clear()

    def test_the_address_goes_up_byte_for_byte(self):
        target = "/_matrix/client/v3/rooms/%21a%3Ab//%2Fx%2F..%2F/./y%2f?filter=%7B%22a%22%3A%22b%22%7D&x=%2520"
        self.assertEqual(ask(self.url, "GET", target).status, 200)
        self.assertEqual(self.homeserver.seen[-1].target, target)

    def test_the_name_asked_for_goes_up(self):
        ask(self.url, "GET", "/_matrix/federation/v1/version", headers={"Host": "example.org:8448"})
        self.assertEqual(self.homeserver.seen[-1].headers.get_all("Host"), ["example.org:8448"])

    def test_a_client_cannot_say_where_it_is(self):
        told = {"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1", "Forwarded": "for=192.0.2.1"}
        ask(self.url, "GET", "/_matrix/client/versions", headers=told)
        headers = self.homeserver.seen[-1].headers
        self.assertEqual(headers.get_all("X-Forwarded-For"), ["127.0.0.1"])
        self.assertEqual(headers.get_all("X-Real-IP"), ["127.0.0.1"])
        self.assertIsNone(headers.get("Forwarded"))

    def test_an_upload_streams(self):
        with sending(self.port, "large-stream", length=4 * MB) as upload:
            upload.send(bytes(2 * MB))
            came = self.homeserver.wait_for(
                lambda: any(seen.body_bytes >= MB for seen in self.homeserver.at(UPLOAD))
            )
            self.assertTrue(came, "the first half did not go up before the second was sent")
            upload.send(bytes(2 * MB))
            self.assertEqual(upload.answer()[0], 200)
        self.assertTrue(self.homeserver.at(UPLOAD)[-1].whole)

    def test_an_upload_in_chunks_stays_in_chunks(self):
        with sending(self.port, "large-chunks", length=None) as upload:
            upload.send(bytes(3 * MB))
            upload.end()
            self.assertEqual(upload.answer()[0], 200)
        seen = self.homeserver.at(UPLOAD)[-1]
        self.assertEqual((seen.headers.get("Transfer-Encoding"), seen.body_bytes), ("chunked", 3 * MB))

    def test_an_upload_gathered_by_nginx_first_arrives_too(self):
        with sending(self.buffered_port, "large-gathered", length=4 * MB) as upload:
            upload.send(bytes(4 * MB))
            self.assertEqual(upload.answer()[0], 200)
        self.assertEqual(self.homeserver.at(UPLOAD)[-1].body_bytes, 4 * MB)

    def test_a_refusal_arrives_though_the_client_sends_on(self):
        for port, way in ((self.port, "streaming"), (self.buffered_port, "gathered")):
            for megabytes in (11, 40, 90):
                with self.subTest(way=way, megabytes=megabytes):
                    self.refused(port, f"{way}-{megabytes}", megabytes * MB, in_chunks=False)

    def test_a_refusal_of_chunks_arrives_though_the_client_sends_on(self):
        for port, way in ((self.port, "streaming"), (self.buffered_port, "gathered")):
            with self.subTest(way=way):
                self.refused(port, f"{way}-chunks", 40 * MB, in_chunks=True)

    def refused(self, port, user, size, in_chunks):
        """Sends all of it without ever looking for an answer, then reads."""
        self.homeserver.seen.clear()
        with sending(port, user, length=None if in_chunks else size) as upload:
            for _ in range(size // MB):
                upload.send(bytes(MB))
            upload.end()
            status, headers, body = upload.answer()
        self.assertEqual(status, 429, body)
        self.assertEqual(body["errcode"], "M_LIMIT_EXCEEDED")
        self.assertEqual(headers.get_all("Content-Type"), ["application/json"])
        self.assertEqual(headers.get_all("Access-Control-Allow-Origin"), ["*"])
        self.assertLessEqual(int(headers["Retry-After"]), 60)
        self.assertFalse(any(seen.whole for seen in self.homeserver.at(UPLOAD)))

    def test_a_refusal_arrives_while_the_client_still_sends(self):
        with sending(self.port, "early", length=40 * MB) as upload:
            upload.send(bytes(MB))
            self.assertEqual(upload.answer()[0], 429)
        self.assertEqual(self.homeserver.at(UPLOAD), [])

    def test_a_websocket_passes(self):
        with upgrade(self.port, "websocket") as (status, connection):
            self.assertEqual(status, 101)
            connection.sendall(b"ping")
            self.assertEqual(connection.recv(4), b"ping")

    def test_no_other_upgrade_passes(self):
        with upgrade(self.port, "h2c") as (status, _):
            self.assertEqual(status, 200)
        self.assertIsNone(self.homeserver.seen[-1].headers.get("Upgrade"))

    def test_connections_to_metergate_are_used_again(self):
        before = connections_with(self.metergate.url)
        for _ in range(40):
            ask(self.url, "GET", "/_matrix/client/versions")
        self.assertLess(connections_with(self.metergate.url) - before, 10)

    def test_nginx_hangs_up_before_metergate_does(self):
        """The one check on words: nginx' time must stay below metergate's default for an idle connection."""
        where = (DEPLOY / "nginx" / "metergate.conf").read_text()
        seconds = int(where.split("keepalive_timeout ")[1].split("s;")[0])
        metergate = http.client.HTTPConnection(self.metergate.url.removeprefix("http://"), timeout=60)
        self.addCleanup(metergate.close)
        metergate.request("GET", "/_matrix/client/versions")
        metergate.getresponse().read()
        metergate.sock.settimeout(seconds + 2)
        with self.assertRaises(TimeoutError, msg="metergate hung up first"):
            metergate.sock.recv(1)

    def test_a_sync_may_be_silent_for_long(self):
        """Asked for at the start of this class, so that the others pass the time."""
        self.assertEqual(self.poll.answer(), 200)


class LongPoll:
    """A sync that is silent for longer than nginx would stand by itself."""

    def __init__(self, port):
        self._status = None
        self._thread = threading.Thread(target=self._ask, args=(port,), daemon=True)
        self._thread.start()

    def _ask(self, port):
        milliseconds = (SILENT_FOR_DEFAULT + 3) * 1000
        path = f"/_matrix/client/v3/sync?timeout={milliseconds}"
        self._status = ask(f"http://127.0.0.1:{port}", "GET", path, timeout=100).status

    def answer(self):
        self._thread.join(100)
        return self._status


class sending:
    """An upload on a socket of its own, so that nothing looks at the answer before it is asked for."""

    def __init__(self, port, user, length):
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._in_chunks = length is None
        framing = "Transfer-Encoding: chunked" if self._in_chunks else f"Content-Length: {length}"
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: example.org\r\nAuthorization: Bearer {user}\r\n{framing}\r\n\r\n"
        self._connection.sendall(head.encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def send(self, data):
        framed = b"%x\r\n%s\r\n" % (len(data), data) if self._in_chunks else data
        self._connection.sendall(framed)

    def end(self):
        if self._in_chunks:
            self._connection.sendall(b"0\r\n\r\n")

    def answer(self):
        response = http.client.HTTPResponse(self._connection)
        response.begin()
        body = response.read()
        kind = response.headers.get("Content-Type", "")
        return response.status, response.headers, json.loads(body) if "json" in kind else body


class upgrade:
    """A request to speak another protocol: the status of its answer, and the connection."""

    def __init__(self, port, protocol):
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        head = (
            "GET /_matrix/socket HTTP/1.1\r\nHost: example.org\r\n"
            f"Connection: Upgrade\r\nUpgrade: {protocol}\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        self._connection.sendall(head.encode())

    def __enter__(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._connection.recv(1)
        return int(head.split()[1]), self._connection

    def __exit__(self, *_):
        self._connection.close()


def connections_with(url):
    """How many connections to `url` this machine knows of, those just closed included."""
    port = "%04X" % int(url.rsplit(":", 1)[1])
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return sum(row[2].endswith(":" + port) or (row[1].endswith(":" + port) and row[3] == "06") for row in rows)


def replaced_once(text, old, new):
    if text.count(old) != 1:
        raise AssertionError(f"{old!r} stands {text.count(old)} times where it should stand once")
    return text.replace(old, new)
