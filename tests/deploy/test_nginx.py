"""deploy/nginx: its two files as they are shipped, in a real nginx, with traffic through all three servers."""

import http.client
import os
import threading
import time

import wanting
from client import MB, UPLOAD, connections_with, sending, upgrade
from homeserver import Homeserver
from in_front import POLICY, InFront
from place import DEPLOY, Check, make_folder, replaced_once, run, start, start_metergate
from stage import Failed, free_port
from stage.matrix import ask

#: A period of nginx' own for a silent upstream, which the shipped one has to be longer than.
SILENT_FOR_DEFAULT = 60
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


class Nginx(InFront, Check):
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
