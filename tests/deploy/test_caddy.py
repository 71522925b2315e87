"""deploy/caddy: its file as it is shipped, in a real Caddy, with traffic through all three servers."""

import json
import os
import time

import wanting
from client import MB, UPLOAD, connections_with, sending, upgrade
from homeserver import Homeserver
from place import DEPLOY, Check, make_folder, replaced_once, run, start, start_metergate
from stage import Failed, free_port
from stage.matrix import ask

CADDYFILE = DEPLOY / "caddy" / "Caddyfile"
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


class Caddy(Check):
    """Caddy, metergate and a homeserver in a row, the same for all checks."""

    @classmethod
    def setUpClass(cls):
        cls.caddy = wanting.tool("caddy", "deploy/caddy with live traffic")
        cls.folder = make_folder(cls)
        cls.environment = os.environ | {name: str(cls.folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
        cls.homeserver = Homeserver()
        cls.addClassCleanup(cls.homeserver.close)
        cls.metergate = start_metergate(cls, cls.folder, cls.homeserver.url, POLICY)
        cls.port = free_port()
        cls.url = f"http://127.0.0.1:{cls.port}"
        cls.secure_port = free_port()
        # Names and certificates are of the machine; so is where metergate listens.
        shipped = replaced_once(CADDYFILE.read_text(), "127.0.0.1:8010", cls.metergate.url.removeprefix("http://"))
        named = "\nexample.org, example.org:8448 {"
        plain = replaced_once(shipped, named, f"\nhttp://:{cls.port} {{")
        secure = replaced_once(shipped, named, f"\nhttps://localhost:{cls.secure_port} {{\n\ttls internal")
        options = "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n"
        (cls.folder / "Caddyfile").write_text(options + plain + secure)
        command = [cls.caddy, "run", "--config", cls.folder / "Caddyfile", "--adapter", "caddyfile"]
        child = start(cls, command, cls.folder / "caddy.log", env=cls.environment)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not child.exited():
            try:
                if ask(cls.url, "GET", "/_matrix/client/versions", timeout=5).status == 200:
                    return
            except OSError:
                time.sleep(0.02)
        raise Failed(f"Caddy did not start:\n{child.last_lines()}")

    def setUp(self):
        self.homeserver.seen.clear()

    def test_the_file_is_fine_as_it_is(self):
        words = ("adapt", "--validate", "--config", CADDYFILE, "--adapter", "caddyfile")
        adapted = run(self.caddy, *words, folder=self.folder, env={"HOME": str(self.folder)})
        self.assertEqual(adapted.returncode, 0, adapted.stdout)
        self.assertNotIn('"level":"warn"', adapted.stdout)

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

    def test_a_refusal_arrives_though_the_client_sends_on(self):
        """Over HTTP/2. Over HTTP/1.1 Caddy hangs up on a client that sends on, as all servers in Go do."""
        curl = wanting.tool("curl", "deploy/caddy: a refusal over HTTP/2")
        (self.folder / "large").write_bytes(bytes(40 * MB))
        words = ("--http2", "--insecure", "--silent", "--show-error", "--max-time", "60", "--data-binary", f"@{self.folder}/large")
        told = ("--header", "Authorization: Bearer early", "--write-out", "\n%{http_version} %{http_code} %{content_type}")
        asked = run(curl, *words, *told, f"https://localhost:{self.secure_port}{UPLOAD}", folder=self.folder)
        body, ended = asked.stdout.rsplit("\n", 1)
        self.assertEqual(ended, "2 429 application/json", asked.stdout)
        self.assertEqual(json.loads(body)["errcode"], "M_LIMIT_EXCEEDED")
        self.assertEqual(self.homeserver.at(UPLOAD), [])

    def test_a_websocket_passes(self):
        with upgrade(self.port, "websocket") as (status, connection):
            self.assertEqual(status, 101)
            connection.sendall(b"ping")
            self.assertEqual(connection.recv(4), b"ping")

    def test_connections_to_metergate_are_used_again(self):
        before = connections_with(self.metergate.url)
        for _ in range(40):
            ask(self.url, "GET", "/_matrix/client/versions")
        self.assertLess(connections_with(self.metergate.url) - before, 10)
