"""deploy/caddy: its file as it is shipped, in a real Caddy, with traffic through all three servers."""

import json
import os

import wanting
from client import MB, UPLOAD, connections_with
from homeserver import Homeserver
from in_front import POLICY, InFront, wait_until_it_answers
from place import DEPLOY, Check, make_folder, replaced_once, run, start, start_metergate
from stage import free_port
from stage.matrix import ask

CADDYFILE = DEPLOY / "caddy" / "Caddyfile"


class Caddy(InFront, Check):
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
        wait_until_it_answers(cls.url, child)

    def test_the_file_is_fine_as_it_is(self):
        words = ("adapt", "--validate", "--config", CADDYFILE, "--adapter", "caddyfile")
        adapted = run(self.caddy, *words, folder=self.folder, env={"HOME": str(self.folder)})
        self.assertEqual(adapted.returncode, 0, adapted.stdout)
        self.assertNotIn('"level":"warn"', adapted.stdout)

    def test_a_refusal_arrives_though_the_client_sends_on(self):
        """Over HTTP/2. Over HTTP/1.1 Caddy hangs up on a client that sends on, as all servers in Go do."""
        curl = wanting.tool("curl", "deploy/caddy: a refusal over HTTP/2")
        (self.folder / "large").write_bytes(bytes(40 * MB))
        words = ("--http2", "--insecure", "--silent", "--show-error", "--max-time", "60", "--data-binary", f"@{self.folder}/large")
        told = ("--header", "Authorization: Bearer early", "--write-out", "\n%{http_version} %{http_code} %{content_type}")
        # The stream is reset right behind the answer, as it should be; some versions of curl then lose the body they
        # have read already, now and then.
        for _ in range(5):
            asked = run(curl, *words, *told, f"https://localhost:{self.secure_port}{UPLOAD}", folder=self.folder)
            body, ended = asked.stdout.rsplit("\n", 1)
            self.assertEqual(ended, "2 429 application/json", asked.stdout)
            if body:
                break
        self.assertEqual(json.loads(body)["errcode"], "M_LIMIT_EXCEEDED")
        self.assertEqual(self.homeserver.at(UPLOAD), [])

    def test_connections_to_metergate_are_used_again(self):
        before = connections_with(self.metergate.url)
        for _ in range(40):
            ask(self.url, "GET", "/_matrix/client/versions")
        self.assertLess(connections_with(self.metergate.url) - before, 10)
