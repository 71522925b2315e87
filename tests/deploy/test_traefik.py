"""deploy/traefik, which is not run here: Debian has no Traefik. What its two files say is held against what metergate and the
homeserver need, key by key, by the names Traefik 3 has for them."""

import re
import tomllib

import yaml_files
from place import DEPLOY, Check
from stage import PROJECT

FOLDER = DEPLOY / "traefik"
#: metergate's own port, and how long it keeps a connection that waits.
DEFAULTS = tomllib.loads((PROJECT / "config" / "metergate.toml").read_text())


class Traefik(Check):
    @classmethod
    def setUpClass(cls):
        (cls.start,) = yaml_files.read(FOLDER / "traefik.yaml")
        (dynamic,) = yaml_files.read(FOLDER / "metergate.yaml")
        cls.http = dynamic["http"]
        cls.router = cls.http["routers"]["metergate"]
        cls.service = cls.http["services"][cls.router["service"]]["loadBalancer"]

    def test_every_request_leads_to_metergate(self):
        self.assertEqual(list(self.http["routers"]), ["metergate"])
        self.assertEqual(self.router["rule"], "Host(`example.org`)")
        (listen,) = DEFAULTS["server"]["listen"]
        self.assertEqual(self.service["servers"], [{"url": f"http://{listen}"}])
        self.assertTrue(self.service["passHostHeader"])

    def test_whatever_is_named_is_there(self):
        self.assertEqual(set(self.router["entryPoints"]), set(self.start["entryPoints"]))
        self.assertEqual(set(self.router["middlewares"]), set(self.http["middlewares"]))
        self.assertIn(self.service["serversTransport"], self.http["serversTransports"])
        self.assertIn(self.router["tls"]["certResolver"], self.start["certificatesResolvers"])
        self.assertEqual({it["address"] for it in self.start["entryPoints"].values()}, {":443", ":8448"})

    def test_where_the_files_go_is_where_traefik_looks(self):
        folder = self.start["providers"]["file"]["directory"]
        self.assertIn(f"copy it to {folder}/", (FOLDER / "metergate.yaml").read_text())

    def test_the_address_goes_up_as_it_came(self):
        needed = {"Slash", "Hash", "Percent", "QuestionMark", "Semicolon"}
        for entry in self.start["entryPoints"].values():
            self.assertIs(entry["http"]["sanitizePath"], False)
            self.assertEqual(entry["http"]["encodedCharacters"], {f"allowEncoded{name}": True for name in needed})
        # Nothing that changes a path, gathers a body, or packs an answer.
        self.assertEqual(list(self.http["middlewares"]["metergate"]), ["headers"])

    def test_a_slow_upload_and_a_silent_sync_live(self):
        for entry in self.start["entryPoints"].values():
            self.assertEqual(entry["transport"]["respondingTimeouts"], {"readTimeout": "0s"})
        timeouts = self.transport()
        self.assertEqual(timeouts["responseHeaderTimeout"], "0s")

    def test_traefik_hangs_up_before_metergate_does(self):
        self.assertLess(seconds(self.transport()["idleConnTimeout"]), seconds(DEFAULTS["limits"]["head_timeout"]))

    def test_a_client_cannot_say_where_it_is(self):
        """Traefik replaces X-Forwarded-For and X-Real-IP by itself, unless it is told to believe somebody."""
        for entry in self.start["entryPoints"].values():
            self.assertNotIn("forwardedHeaders", entry)
        self.assertEqual(self.http["middlewares"]["metergate"]["headers"], {"customRequestHeaders": {"Forwarded": ""}})

    def transport(self):
        return self.http["serversTransports"][self.service["serversTransport"]]["forwardingTimeouts"]


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])
